"""A mail with all taken away that one client does not support."""

import pytest

from newsletter.check.as_client import CLIENTS, as_client, taken_away
from newsletter.check.features import features_of
from newsletter.check.support import support
from newsletter.compose.tree import parse
from tests.conftest import ROOT

SHAPES = (ROOT / "tests/golden/every-shape/issue.html").read_text(encoding="utf-8")

PAGE = """<!DOCTYPE html>
<html lang="fr"><head>
<meta name="color-scheme" content="light dark">
<style>
.a, .b:first-child { color: red; border-radius: 4px }
@media (max-width: 480px) { .a { font-size: 14px !important } }
@media (prefers-color-scheme: dark) { .a { color: #ffffff !important } }
[data-ogsc] .a { color: #eeeeee }
@font-face { font-family: A; src: url(a.woff2) }
</style></head><body>
<div class="a" style="color:#111111;border-radius:4px;display:flex;width:calc(50% + 1rem)">un</div>
<p style="position:absolute"><a href="#a1">plus bas</a> <a href="https://example.org/">ailleurs</a></p>
<p><code>code</code> et <abbr title="abréviation">abrév.</abbr></p>
<form action="https://example.org/"><input type="text" value="tapé"><b>envoyer</b></form>
<img src="cid:photo-01.webp@example.org" alt="une photo" srcset="photo-02.webp 2x">
<img src="dessin.svg" alt="un dessin">
<!--[if mso | IE]><table id="mso"><tr><td><![endif]--><b>dedans</b><!--[if mso | IE]></td></tr></table>
<![endif]-->
<!--[if !mso]><!--><i id="others">ailleurs</i><!--<![endif]-->
<!--[if lte mso 11]><i id="old">2003</i><![endif]-->
</body></html>
"""


def words(html: str) -> str:
    """What there is to read, without the spaces between."""
    (body,) = parse(html).findall("body")
    return "".join(str(body.text_content()).split())


def shown(client: str) -> str:
    return as_client(PAGE, client)


def test_gmail_knows_style_sheets_but_neither_dark_mode_nor_attribute_selectors_of_others() -> None:
    page = shown("gmail")
    assert "@media (max-width: 480px) {\n.a { font-size:14px !important }\n}" in page
    assert "prefers-color-scheme" not in page
    assert "first-child" not in page
    assert ".a { color:red; border-radius:4px }" in page
    assert "@font-face" not in page
    assert '<p><a href="#a1">plus bas</a>' in page  # position is gone, and the link stays
    assert "srcset" not in page


def test_outlook_for_windows_is_drawn_by_word() -> None:
    page = shown("outlook")
    assert "@media" not in page
    assert 'style="color:#111111"' in page  # no corners, no flex, no calc, no rem
    assert '<img alt="une photo">' in page
    assert "<input" not in page
    assert "<b>envoyer</b>" in page
    assert '<table id="mso"><tr><td><b>dedans</b></td></tr></table>' in page
    assert "others" not in page
    assert "old" not in page


def test_orange_knows_no_links_inside_the_mail_no_corners_and_no_code() -> None:
    page = shown("orange")
    assert "<a>plus bas</a>" in page
    assert '<a href="https://example.org/">ailleurs</a>' in page
    assert "border-radius" not in page
    assert "<p>code et abrév.</p>" in page
    assert "@media (prefers-color-scheme: dark)" in page
    assert "photo-01.webp" in page
    assert '<html lang="fr">' not in page


@pytest.mark.parametrize("client", ["sfr", "laposte"])
def test_sfr_and_la_poste_know_no_style_sheets_and_no_links_inside_the_mail(client: str) -> None:
    page = shown(client)
    assert "<style>" not in page
    assert "<a>plus bas</a>" in page
    assert "border-radius:4px" in page  # in the style attribute it is known
    assert "<code>code</code>" in page


def test_yahoo_knows_media_queries_of_width_but_no_dark_mode() -> None:
    page = shown("yahoo")
    assert "@media (max-width: 480px)" in page
    assert "prefers-color-scheme" not in page
    assert "calc(" not in page
    assert "photo-01.webp" in page


def test_apple_mail_shows_nearly_everything() -> None:
    page = shown("apple")
    assert "@media (prefers-color-scheme: dark)" in page
    assert "@font-face" in page
    assert "display:flex" in page
    assert "calc(50% + 1rem)" in page
    assert 'srcset="photo-02.webp 2x"' in page
    assert "<!--[if mso | IE]>" in page


def test_conditions_are_read_as_outlook_reads_them() -> None:
    page = "".join(
        f"<!--[if {condition}]><i>{number}</i><![endif]-->"
        for number, condition in enumerate(
            ["mso", "IE", "gte mso 9", "lt mso 16", "(gte mso 9)&(lte mso 15)", "!mso", "mso 16", "!IE"]
        )
    )
    opened = as_client(f"<html><body>{page}</body></html>", "outlook")
    assert "<body><i>0</i><i>2</i><i>6</i><i>7</i></body>" in opened


def test_settings_for_office_are_not_words() -> None:
    island = "<o:PixelsPerInch>96</o:PixelsPerInch>"
    page = f"<!--[if mso]><noscript><xml>{island}</xml></noscript><![endif]--></head><body><p>un</p></body>"
    assert "<body><p>un</p></body>" in as_client(f"<html><head>{page}</html>", "outlook")
    assert "96" not in as_client(f"<html><head>{page}</html>", "outlook")


def test_what_a_client_takes_away_is_told_in_words() -> None:
    assert taken_away("<p style='opacity:0.5'>un</p><style>p { color: red }</style>", "sfr") == (
        "<style> element",
    )
    assert taken_away("<p style='color:red'>un</p>", "apple") == ()


@pytest.mark.parametrize("client", CLIENTS)
def test_nothing_is_left_that_the_client_does_not_know(client: str) -> None:
    name = CLIENTS[client][1]
    page = as_client(SHAPES, client)
    assert [slug for slug in features_of(page) if support(slug, name) == "n"] == []


@pytest.mark.parametrize("client", CLIENTS)
def test_all_words_stay_and_a_second_look_changes_nothing(client: str) -> None:
    page = as_client(SHAPES, client)
    assert words(page) == words(SHAPES)
    assert as_client(page, client) == page
