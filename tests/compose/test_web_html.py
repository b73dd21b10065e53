"""An article's text as a web page has it: classes for all style, notes that are links, no other markup."""

import re
from pathlib import Path

from newsletter.compose.prose import read_prose
from newsletter.compose.web_html import to_web_html
from newsletter.model import Rendition

TEXT = """\
**Dans les faits :** un *mot*[^un] et un [lien](https://www.example.org/a?b=c&d=e).

::: number 375 M$
Le chiffre <du> jour.
:::

| | Avant | Après |
|---|---:|:---:|
| Prix | 840 € | 84 € |

![Une vue](vue.png "Photo : Ada")

> Une citation.
>
> — Quelqu'un

[^un]: Une note[^deux].
[^deux]: Une autre.
"""


def made(slug: str = "fusion") -> str:
    prose = read_prose(TEXT, folder=Path("f"), where="f/a.md", line=1, typeset=lambda runs: list(runs))
    picture = Rendition(
        name="vue-1.png",
        src="/2026-11-23/pictures/vue-1.png",
        media_type="image/png",
        width=552,
        height=300,
        content=b"",
    )
    return to_web_html(prose, {Path("f/vue.png"): picture}, slug)


def test_there_is_no_style_attribute_and_nothing_obsolete() -> None:
    html = made()
    assert re.findall(r"\s(style|align|cellpadding|border|bgcolor)=", html) == []
    assert '<table class="figures">' in html
    assert '<th scope="col" class="right">\nAvant</th>' in html
    assert '<td class="center">\n84 €</td>' in html
    assert "/>" not in html


def test_shapes_of_the_house_are_elements_of_their_own() -> None:
    html = made()
    assert '<div class="number"><p class="value">375 M$</p>' in html
    assert "Le chiffre &lt;du&gt; jour." in html
    assert '<strong class="lead-in">Dans les faits :</strong>' in html
    assert '<p class="by">— Quelqu' in html
    assert (
        'width="552" height="300" class="picture" loading="lazy"><span class="credit">Photo : Ada</span>'
        in html
    )


def test_notes_are_links_whose_ids_begin_with_the_articles_own_name() -> None:
    html = made()
    assert '<sup><a href="#fusion-note-1">*</a></sup>' in html
    assert '<sup><a href="#fusion-note-2">**</a></sup>' in html
    assert re.findall(r'id="([^"]*)"', html) == ["fusion-note-1", "fusion-note-2"]
    assert 'href="#note-1"' in made(slug="")


def test_a_text_can_be_written_twice() -> None:
    assert made() == made()
