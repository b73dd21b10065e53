"""Contrast of text and ground, as a reader's eye meets them in light and in dark."""

from pathlib import Path

import pytest

from newsletter.check.contrast import contrast, weak_contrast
from newsletter.check.page import Rgb, runs
from tests.check.conftest import ARTICLE
from tests.check.mail import ARTICLES, MAIL, PALETTE, SCREEN, found, line_of, proof_with

EVERYTHING = (
    ARTICLE
    + """
**Rappel :** un [lien](https://example.org/a), du `code`, une note[^1].

> Une citation.
> — Quelqu'un

::: number 375 M$
Un chiffre.
:::

| Année | Ventes |
|---|---|
| 2025 | 12 |

    du code

[^1]: En bas.
"""
)

DARK = "<style>@media (prefers-color-scheme: dark) {{ {} }}</style>"


def shown(inside: str, head: str = "", dark: bool = False) -> list[tuple[str, str, str]]:
    """Text, colour and ground of all that is shown of a body."""
    html = f"<!DOCTYPE html><html><head>{head}</head><body>{inside}</body></html>"
    return [(run.text, str(run.colour), str(run.ground)) for run in runs(html, dark)]


def test_black_on_white_is_twenty_one_to_one() -> None:
    assert contrast(Rgb(0, 0, 0), Rgb(1, 1, 1)) == 21.0
    grey = Rgb(0x77 / 255, 0x77 / 255, 0x77 / 255)
    assert round(contrast(grey, Rgb(1, 1, 1)), 2) == 4.48


@pytest.mark.parametrize("head", ["", "sponsored: true\n"])
def test_the_house_is_clean_in_light_and_in_dark(tmp_path: Path, head: str) -> None:
    article = EVERYTHING.replace('"Un titre"\n', f'"Un titre"\nsection: Conso\nauthor: Zoé\n{head}')
    proof = proof_with(tmp_path, files={"01-un.md": article})
    assert found(weak_contrast, proof) == []
    assert len(runs(proof.edition.html)) == len(runs(proof.edition.html, True)) > 30


def test_a_pale_colour_is_told_once_at_the_element_that_says_it(tmp_path: Path) -> None:
    change = (MAIL, '<mj-class name="small" font-size="14px"', '<mj-class name="small" font-size="14px" ')
    colour = (
        PALETTE,
        '"soft": "#5b6270", "accent": look.accent }',
        '"soft": "#9aa0aa", "accent": look.accent }',
    )
    faults = found(weak_contrast, proof_with(tmp_path, change, colour))
    place = line_of(MAIL, '<mj-class name="small"')
    assert faults[0] == (
        place,
        "'Lire en ligne' is #9aa0aa on #f1ede6 in light, a contrast of 2.2:1; 4.5:1 is the least",
    )
    assert {where for where, _ in faults} == {place}
    assert len(faults) == 3  # on the page, on the paper, on the tinted box


def test_the_accent_is_told_in_the_settings(tmp_path: Path) -> None:
    settings = '\n[look]\naccent = "#E8A09A"\naccent_dark = "#5a1a16"\n'
    faults = found(weak_contrast, proof_with(tmp_path, settings=settings))
    assert {place for place, _ in faults} == {"newsletter.toml:8", "newsletter.toml:9"}
    assert any("#5a1a16 on #17191e in dark" in message for _, message in faults)


def test_a_dark_rule_that_forgets_the_text_is_told_at_the_style(tmp_path: Path) -> None:
    change = (SCREEN, "  .ink div, .ink h1, .title h2 a,", "  .title h2 a,")
    faults = found(weak_contrast, proof_with(tmp_path, change))
    assert faults[0][1].startswith("'Le Matin' is #1f2430 on #17191e in dark, a contrast of 1.1:1")
    assert all(place.startswith("templates/mail/issue.mjml.j2:") for place, _ in faults)


def test_a_colour_of_the_article_sheet_is_told_at_the_element_around_the_words(tmp_path: Path) -> None:
    change = (ARTICLES, ".md code { ", ".md code { color: #cccccc; ")
    ((place, message), *_) = found(
        weak_contrast, proof_with(tmp_path, change, files={"01-un.md": EVERYTHING})
    )
    assert place == line_of("mail/article.mjml.j2", 'css-class="ink md"')
    assert message.startswith("'code' is #cccccc on #ffffff in light")


def test_colours_come_down_and_grounds_are_seen_through() -> None:
    inside = (
        '<div style="color:#ff0000"><table bgcolor="#eeeeee"><tr><td>a<b style="color:rgba(0,0,0,0.5)">b</b>'
        '<i style="background:transparent">c</i><a href="x">d</a><a>e</a></td></tr></table>f</div>'
    )
    assert shown(inside) == [
        ("a", "#ff0000", "#eeeeee"),
        ("b", "#777777", "#eeeeee"),
        ("c", "#ff0000", "#eeeeee"),
        ("d", "#0000ee", "#eeeeee"),
        ("e", "#ff0000", "#eeeeee"),
        ("f", "#ff0000", "#ffffff"),
    ]


def test_nobody_knows_what_text_on_a_picture_stands_on() -> None:
    inside = '<div style="background:#ffffff url(a.png)">a<p style="background-color:#000000">b</p></div>'
    assert shown(inside) == [("a", "#000000", "None"), ("b", "#000000", "#000000")]


@pytest.mark.parametrize(
    "style",
    [
        "display:none",
        "display:none;mso-hide:all",
        "visibility:hidden",
        "opacity:0",
        "max-height:0;overflow:hidden",
    ],
)
def test_what_is_hidden_is_not_looked_at(style: str) -> None:
    assert shown(f'<div style="{style}">a<p>b</p></div>c') == [("c", "#000000", "#ffffff")]


def test_the_dark_dress_obeys_the_cascade() -> None:
    head = DARK.format(
        ".a .b { color: #111111 !important; } .b { color: #222222 !important; } p { color: #333333; }"
    )
    inside = '<div class="a"><p class="b" style="color:#444444">x</p><p style="color:#555555">y</p></div>'
    assert shown(inside, head) == [("x", "#444444", "#ffffff"), ("y", "#555555", "#ffffff")]
    assert shown(inside, head, dark=True) == [("x", "#111111", "#121212"), ("y", "#555555", "#121212")]


def test_rules_of_equal_weight_go_by_their_order() -> None:
    head = "<style>.a { color: #111111; } .b { color: #222222; } .c { color: #333333 }</style>"
    assert shown('<p class="c a b">x</p>', head) == [("x", "#333333", "#ffffff")]


@pytest.mark.parametrize(
    "rule",
    [
        "@media (max-width: 480px) { p { color: #eeeeee; } }",
        "@media (prefers-color-scheme: dark) and (max-width: 480px) { p { color: #eeeeee !important; } }",
        "p:hover { color: #eeeeee; }",
        "[data-ogsc] p { color: #eeeeee; }",
        ".x > p { color: #eeeeee; } .x + p { color: #eeeeee; }",
    ],
)
def test_rules_for_other_screens_and_moments_are_left_out(rule: str) -> None:
    head = f"<style>{rule}</style>" + DARK.format("body { background: #000000; color: #ffffff }")
    inside = '<div class="x"><b>a</b></div><i>b</i><p>x</p>'
    assert shown(inside, head)[-1] == ("x", "#000000", "#ffffff")
    assert shown(inside, head, dark=True)[-1] == ("x", "#ffffff", "#000000")


def test_a_mail_without_a_dark_dress_has_none() -> None:
    assert shown("x", "<style>p { color: #111111; }</style>", dark=True) == []
