"""Links as they were typed: which there are, and where."""

import pytest

from newsletter.compose.typed_links import Kind, typed_links

SOURCE = """\
Un [lien](https://a.example/x_(y) "titre"), `[pas](https://b.example)` et <https://c.example/d>.

> cité
> et [dit](https://d.example) ici

| a | b |
|---|---|
| [x](https://t.example/1) | [x](https://t.example/1) |

- en liste [ref][r], puis **https://g.example/h**.

[r]: <https://r.example/?a=1>

```
[code](https://no.example)
```
"""


@pytest.mark.parametrize(
    ("kind", "start", "line", "address"),
    [
        (Kind.LINK, "[lien]", 1, "https://a.example/x_(y)"),
        (Kind.AUTO, "<https:", 1, "https://c.example/d"),
        (Kind.LINK, "[dit]", 4, "https://d.example"),
        (Kind.LINK, "[x](", 8, "https://t.example/1"),
        (Kind.LINK, "[ref]", 10, "https://r.example/?a=1"),
        (Kind.BARE, "https://g", 10, "https://g.example/h"),
    ],
)
def test_a_link_is_found_where_it_was_typed(kind: Kind, start: str, line: int, address: str) -> None:
    (found, *_) = [each for each in typed_links(SOURCE) if SOURCE.startswith(start, each.start)]
    assert (found.kind, found.address) == (kind, address)
    assert SOURCE[: found.start].count("\n") + 1 == line
    assert SOURCE.startswith(address, found.address_start)


def test_cells_of_one_row_are_told_apart() -> None:
    columns = [
        each.start - SOURCE.rfind("\n", 0, each.start) for each in typed_links(SOURCE) if each.text == "x"
    ]
    assert columns == [3, 30]


def test_code_has_no_links() -> None:
    assert not [each for each in typed_links(SOURCE) if "b.example" in each.address or "no." in each.address]


def test_an_address_that_the_parser_would_not_link_is_found_too() -> None:
    (found,) = typed_links("voir [ceci](javascript:alert(1)) ")
    assert (found.kind, found.address, found.start) == (Kind.LINK, "javascript:alert(1)", 5)


def test_a_picture_in_a_link_knows_it() -> None:
    link, picture = typed_links("[![un chat](chat.png)](https://a.example)")
    assert (link.text, picture.text, picture.linked, picture.address_start) == (
        "un chat",
        "un chat",
        True,
        12,
    )


def test_escapes_are_seen_through_and_kept_in_the_raw_address() -> None:
    (found,) = typed_links("[a](https://a.example/?x=1&amp;y=2)")
    assert (found.address, found.raw) == ("https://a.example/?x=1&y=2", "https://a.example/?x=1&amp;y=2")


@pytest.mark.parametrize(
    "text", ["[mots](page 4)", "[mots] (https://a.example/)", "[mots][rien]", "![vue](une image.png)"]
)
def test_what_is_almost_a_link_is_told_as_such(text: str) -> None:
    (found,) = typed_links(f"Il y a {text} ici.")
    assert (found.kind, found.text, found.start) == (Kind.NONE, text, 7)


@pytest.mark.parametrize("text", ["« [sic] (page 4) »", "a[1] et [2]", "\\[mots](page 4)", "- [ ] à faire"])
def test_brackets_in_prose_are_no_links(text: str) -> None:
    assert typed_links(text) == ()
