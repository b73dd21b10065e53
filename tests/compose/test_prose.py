"""What an editor writes becomes mail-safe HTML and a plain text that is a pleasure to read."""

from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.compose.prose import Prose, read_prose, to_html
from newsletter.compose.text import WIDTH, References, to_text
from newsletter.compose.typography import typeset_runs
from newsletter.errors import ContentError
from newsletter.model import Rendition

FRENCH = partial(typeset_runs, language="fr", no_break_spaces="normal")


def prose(markdown: str) -> Prose:
    return read_prose(markdown, folder=Path("/issue"), where="a.md", line=10, typeset=FRENCH)


def html(markdown: str) -> str:
    return to_html(prose(markdown), {})


def plain(markdown: str, references: References | None = None) -> str:
    return to_text(prose(markdown), references or References(), picture="Image")


# ---- HTML ----


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        (
            "**Rappel :** la suite",
            '<p><strong class="lead-in">Rappel\u00a0:</strong> la suite</p>\n',
        ),
        (
            "**Rappel** : la suite",
            '<p><strong class="lead-in">Rappel\u00a0:</strong> la suite</p>\n',
        ),
        (
            "Au milieu, **rappel :** rien",
            "<p>Au milieu, <strong>rappel\u00a0:</strong> rien</p>\n",
        ),
        ("**Sans deux-points** ici", "<p><strong>Sans deux-points</strong> ici</p>\n"),
        ("<b>x</b> & <script>", "<p>&lt;b&gt;x&lt;/b&gt; &amp; &lt;script&gt;</p>\n"),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>\n"),
        ("{{ 7+7 }} ${7+7} {% x %}", "<p>{{ 7+7 }} ${7+7} {% x %}</p>\n"),
        ("# Un\n\n## Deux\n\n### Trois", "<h3>Un</h3>\n<h3>Deux</h3>\n<h4>Trois</h4>\n"),
        (
            '"a **b** c"',
            "<p>«\u00a0a <strong>b</strong> c\u00a0»</p>\n",
        ),
        ('`a "b" : c`', "<p><code>a &quot;b&quot; : c</code></p>\n"),
        ("a\nb", "<p>a b</p>\n"),
    ],
)
def test_markdown_becomes_html(markdown: str, expected: str) -> None:
    assert html(markdown) == expected


def test_the_number_of_the_day_is_set_apart() -> None:
    assert html("::: number 375 M$\nLa mise.\n:::") == (
        '<table role="presentation" class="number" cellpadding="0" cellspacing="0" border="0"><tr><td>'
        '<p class="value">375\u00a0M$</p>\n<p>La mise.</p>\n</td></tr></table>\n'
    )


@pytest.mark.parametrize("quotation", ["> Un mot.\n>\n> — Ada, ici", "> Un mot.\n> -- Ada, ici"])
def test_who_spoke_is_set_apart_from_the_quotation(quotation: str) -> None:
    assert html(quotation) == ('<blockquote>\n<p>Un mot.</p>\n<p class="by">— Ada, ici</p>\n</blockquote>\n')


def test_a_dash_in_the_middle_of_a_quotation_is_no_attribution() -> None:
    assert "by" not in html("> Un mot.\n> — Ada\n>\n> Un autre.")


def test_footnotes_are_asterisks_in_order() -> None:
    assert html("Un[^a] deux[^b].\n\n[^a]: Une.\n[^b]: Deux.") == (
        "<p>Un<sup>*</sup> deux<sup>**</sup>.</p>\n"
        '<div class="notes">\n<p>*\u00a0Une.</p>\n<p>**\u00a0Deux.</p>\n</div>\n'
    )


def test_a_table_has_column_headings_and_its_figures_on_the_right() -> None:
    table = html("| Banque | Note |\n|---|---:|\n| Alpha | 14 |")
    assert '<table class="figures">' in table
    assert '<th scope="col">Banque</th>' in table
    assert '<td style="text-align:right">14</td>' in table


def test_a_picture_in_the_text_is_shown_with_its_credit() -> None:
    parsed = prose('![Un : chat](chat.png "AFP")')
    assert [(p.path, p.alt, p.credit, p.where) for p in parsed.pictures] == [
        (Path("/issue/chat.png"), "Un : chat", "AFP", "a.md:10")
    ]
    shown = Rendition(
        name="c.png", src="https://e.org/c.png", media_type="image/png", width=552, height=300, content=b""
    )
    assert to_html(parsed, {Path("/issue/chat.png"): shown}) == (
        '<p><img src="https://e.org/c.png" alt="Un\u00a0: chat" width="552" height="300" class="picture" />'
        '<br /><span class="credit">AFP</span></p>\n'
    )


@pytest.mark.parametrize(
    ("markdown", "where", "message"),
    [
        ("a\n\n::: number\nx\n:::", "a.md:12", "a call-out without its number"),
        ("a\n\n::: number 3\nx", "a.md:12", "the call-out is never closed"),
        ("a\n\n::: numbr 3\nx\n:::", "a.md:12", "no call-out is opened by '::: numbr 3'"),
    ],
)
def test_a_broken_shape_is_told_by_its_line(markdown: str, where: str, message: str) -> None:
    with pytest.raises(ContentError) as caught:
        prose(markdown)
    assert (caught.value.where, caught.value.message) == (where, message)
    assert caught.value.hint


def test_words_are_counted_as_they_are_read() -> None:
    assert prose("**Rappel :** il y a `du code` et 38 000 €.\n\n- un\n- [deux](https://e.org)").words == 10


# ---- plain text ----


def test_links_are_numbered_in_the_order_of_their_mention_and_once_each() -> None:
    references = References()
    text = plain("[un](https://a.org), [deux](https://b.org) et [encore](https://a.org).", references)
    assert text == "un\u00a0[1], deux\u00a0[2] et encore\u00a0[1]."
    assert references.addresses == ["https://a.org", "https://b.org"]


def test_an_address_that_is_its_own_text_needs_no_number() -> None:
    references = References()
    assert plain("<https://a.org/x> et <ada@example.org>", references) == "https://a.org/x et ada@example.org"
    assert references.addresses == []


def test_lines_end_at_72_columns_and_never_at_a_no_break_space() -> None:
    text = plain("mot " * 17 + "38 000 € et la suite : " + "mot " * 10)
    assert all(len(line) <= WIDTH for line in text.split("\n"))
    assert "38\u00a0000\u00a0€" in text
    assert not any(line.endswith("\u00a0") for line in text.split("\n"))


def test_shapes_in_plain_text() -> None:
    text = plain(
        "::: number 375 M$\nLa mise.\n:::\n\n"
        "> Un mot.\n>\n> — Ada\n\n"
        "1. un\n2. deux\n   - trois\n\n"
        "| Banque | Note |\n|---|---:|\n| Alpha | 4 |\n| Bêta | 14 |\n\n"
        "Fin[^n].\n\n[^n]: La note."
    )
    assert text == (
        "  | 375\u00a0M$\n  | La mise.\n\n"
        "> Un mot.\n>\n> — Ada\n\n"
        "  1. un\n  2. deux\n       - trois\n\n"
        "Banque  Note\n------  ----\nAlpha      4\nBêta      14\n\n"
        "Fin*.\n\n*\u00a0La note."
    )


def test_a_table_too_wide_for_the_page_becomes_a_list() -> None:
    wide = "x" * 40
    text = plain(f"| Nom | Détail |\n|---|---|\n| {wide} | {wide} |")
    assert text == f"- Nom\u00a0: {wide}\n  Détail\u00a0: {wide}"


def test_a_picture_is_told_by_its_alternative_text() -> None:
    assert plain("![Un chat](chat.png)") == "[Image\u00a0: Un chat]"


@given(st.lists(st.text(alphabet="abcéœ’’:;!?«»-", min_size=1, max_size=90), min_size=1, max_size=40))
def test_the_text_never_loses_a_word(words: list[str]) -> None:
    words = [f"w{word}w" for word in words]
    text = plain(" ".join(words))
    letters = "".join(character for character in "".join(words) if character.isalpha())
    assert "".join(character for character in text if character.isalpha()) == letters
