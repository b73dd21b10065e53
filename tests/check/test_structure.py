"""The finished HTML: what a screen reader, Outlook and Gmail need of it, told at the line that wrote it."""

from pathlib import Path

import pytest

from newsletter.check import structure
from newsletter.check.rule import Level
from tests.check.conftest import ARTICLE, Proofread
from tests.check.mail import COLUMN, MAIL, MASTHEAD, SCREEN, found, line_of, proof_with, tampered

H1 = '<mj-text css-class="ink" line-height="1.1">'
TABLE = "\n| Année | Ventes |\n|---|---|\n| 2025 | 12 |\n"


def test_the_house_is_clean(proofread_issue: Proofread) -> None:
    names = [rule.name for rule in structure.RULES]
    article = ARTICLE + "\n## Un intertitre\n\n### Un plus petit\n\nNote[^1].\n\n[^1]: En bas.\n" + TABLE
    assert proofread_issue({"02-deux.md": article}, *names) == []


def test_a_second_h1_is_told_where_the_template_writes_it(tmp_path: Path) -> None:
    proof = proof_with(tmp_path, (COLUMN, '{{ _("Share:") }}', '<h1>Partager</h1>{{ _("Share:") }}'))
    place = line_of(COLUMN, '{{ _("Share:") }}')
    assert found(structure.one_h1, proof) == [(place, "a second <h1>: 'Partager'")]


def test_a_mail_without_h1_is_told(tmp_path: Path) -> None:
    proof = proof_with(tmp_path, (MASTHEAD, "<h1 ", "<h2 "), (MASTHEAD, "</h1>", "</h2>"))
    assert found(structure.one_h1, proof) == [("templates/mail/issue.mjml.j2", "the mail has no <h1>")]


def test_a_heading_too_deep_is_told_in_the_article(tmp_path: Path) -> None:
    text = ARTICLE + "\n### **L’été** à l'envers\n\nUne phrase.\n"
    proof = proof_with(tmp_path, files={"01-un.md": text})
    assert [(str(f.place), f.message, f.hint) for f in structure.heading_order.find(proof)] == [
        (
            "issues/2026-11-23/01-un.md:6:7",
            "after <h2> comes <h4>: 'L’été à l’envers'",
            "write ## in front of it",
        )
    ]


def test_a_heading_too_deep_is_told_in_the_template(tmp_path: Path) -> None:
    proof = proof_with(tmp_path, (COLUMN, "<h2>", "<h3>"), (COLUMN, "</h2>", "</h3>"))
    place = line_of(COLUMN, "<h2>")
    assert found(structure.heading_order, proof) == [(place, "after <h1> comes <h3>: 'Un titre'")]


@pytest.mark.parametrize(
    ("new", "message"),
    [
        ("<mjml", "the mail says that its language is 'und'"),
        ('<mjml lang="en"', "the mail says that its language is 'en'"),
    ],
)
def test_a_mail_in_the_wrong_language_is_told(tmp_path: Path, new: str, message: str) -> None:
    proof = proof_with(tmp_path, (MAIL, '<mjml lang="{{ publication.language }}"', new))
    assert found(structure.language, proof) == [("templates/mail/issue.mjml.j2:3", message)]


def test_a_country_may_stand_behind_the_language(tmp_path: Path) -> None:
    proof = proof_with(tmp_path, (MAIL, '<mjml lang="{{ publication.language }}"', '<mjml lang="fr-FR"'))
    assert found(structure.language, proof) == []


def test_a_mail_without_a_title_is_told(tmp_path: Path) -> None:
    proof = proof_with(tmp_path, (MAIL, "<mj-title>{{ subject }}</mj-title>", ""))
    assert found(structure.title, proof) == [("templates/mail/issue.mjml.j2:4", "the mail has no title")]


def test_headers_without_scope_are_told_where_the_table_was_typed(tmp_path: Path) -> None:
    proof = proof_with(tmp_path, files={"01-un.md": ARTICLE + TABLE})
    assert found(structure.table_headers, proof) == []
    place = "issues/2026-11-23/01-un.md:6:3"
    assert found(structure.table_headers, tampered(proof, ' scope="col"', "")) == [
        (place, "the header 'Année' has no scope"),
        (place, "the header 'Ventes' has no scope"),
    ]


def test_a_table_for_layout_needs_its_role(tmp_path: Path) -> None:
    table = "<table{}><tr><td>Bonjour à tous</td></tr></table>"
    line = '{{ _("In this issue") }}'
    bad = proof_with(tmp_path / "a", (MAIL, line, line + table.format("")))
    good = proof_with(tmp_path / "b", (MAIL, line, line + table.format(' role="presentation"')))
    assert found(structure.layout_table, bad) == [
        ("issues/2026-11-23/issue.md:6:1", "a table with neither headers nor a role")
    ]
    assert found(structure.layout_table, good) == []


def test_running_text_below_fourteen_pixels_is_told_at_the_template(tmp_path: Path) -> None:
    change = (COLUMN, '<mj-text css-class="ink md"', '<mj-text css-class="ink md" font-size="13px"')
    long = ARTICLE + "Un mot de plus pour le numéro du jour, et quelques autres encore. " * 3
    proof = proof_with(tmp_path, change, files={"01-un.md": long})
    assert found(structure.small_text, proof) == [
        (
            line_of(COLUMN, 'css-class="ink md"'),
            "text of 13 pixels: 'Une phrase simple. Un mot de plus pour l'",
        )
    ]


def test_any_text_below_twelve_pixels_is_told_but_not_asterisks(tmp_path: Path) -> None:
    line = '{{ _("In this issue") }}'
    change = (MAIL, line, line + '<sup style="font-size:9px">1</sup><span style="font-size:8pt">Vite</span>')
    place = line_of(MAIL, line)
    assert found(structure.small_text, proof_with(tmp_path, change)) == [
        (place, "text of 10.7 pixels: 'Vite'")
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<!DOCTYPE html>", "", "the doctype is gone"),
        ("<!--[if mso", "<!--[if gone", "Outlook's conditional comments are gone"),
        ('aria-label="', 'aria-label="\\u{a0}', "\\u{a0} stands in aria-label of <div>"),
        ('style="margin:0;', 'style="\\n margin:0;', "\\n stands in style of <h1>"),
    ],
)
def test_signs_of_damage_are_errors(tmp_path: Path, old: str, new: str, message: str) -> None:
    proof = tampered(proof_with(tmp_path), old, new)
    assert found(structure.corrupted_markup, proof)[:1] == [("templates/mail/issue.mjml.j2", message)]
    assert structure.corrupted_markup.level is Level.ERROR


def test_an_article_on_programming_is_not_damaged(tmp_path: Path) -> None:
    head = ARTICLE.replace("Un titre", "Le signe \\\\n et \\\\u{a0}")
    text = head + "\nEn Rust, `\\u{a0}` est une espace, et `\\n` une fin de ligne.\n"
    assert found(structure.corrupted_markup, proof_with(tmp_path, files={"01-un.md": text})) == []


@pytest.mark.parametrize(
    ("width", "says"), [("", "no width"), (' width="100%"', "the width '100%', which is")]
)
def test_a_picture_needs_its_width_in_pixels(tmp_path: Path, width: str, says: str) -> None:
    line = '{{ _("In this issue") }}'
    image = f'<img src="https://matin.example.org/a.png" alt=""{width} />'
    faults = found(structure.picture_width, proof_with(tmp_path, (MAIL, line, line + image)))
    assert [place for place, _ in faults] == [line_of(MAIL, line)]
    assert f"the picture 'https://matin.example.org/a.png' has {says}" in faults[0][1]


@pytest.mark.parametrize(
    ("markup", "hosts"),
    [
        ('<img src="https://pixel.example.com/o.gif" alt="" width="1" />', ["pixel.example.com"]),
        ('<p style="background:url(//cdn.example.com/a.png)">x</p>', ["cdn.example.com"]),
        (
            '<p style="background: url( &quot;https://cdn.example.com/a.png&quot; )">x</p>',
            ["cdn.example.com"],
        ),
        ('<table role="presentation" background="http://a.example.com/b.png"></table>', ["a.example.com"]),
        (
            '<!--[if mso]><v:fill type="tile" src="https://vml.example.com/b.png" /><![endif]-->',
            ["vml.example.com"],
        ),
        (
            '<img srcset="https://b.example.com/2.png 2x, //c.example.com/3.png 3x" alt="" width="1" />',
            ["b.example.com", "c.example.com"],
        ),
        ('<img src="https://matin.example.org/a.png" alt="" width="9" />', []),
        ('<img src="https://images.matin.example.org/a.png" alt="" width="9" />', []),
        ('<img src="cid:a@b" alt="" width="9" />', []),
        ('<a href="https://elsewhere.example.com/">a link loads nothing</a>', []),
        ('<img src="https://notmatin.example.org/a.png" alt="" width="9" />', ["notmatin.example.org"]),
    ],
)
def test_what_a_mail_loads_from_elsewhere_is_told(tmp_path: Path, markup: str, hosts: list[str]) -> None:
    line = '{{ _("In this issue") }}'
    proof = proof_with(tmp_path, (MAIL, line, line + markup))
    place = line_of(MAIL, line)
    assert found(structure.foreign_host, proof) == [
        (place, f"the mail would load something from {host}") for host in hosts
    ]


def test_fonts_of_a_style_sheet_are_loaded_as_well(tmp_path: Path) -> None:
    fonts = ":root { color-scheme: light dark;"
    imported = f'@import "https://fonts.example.com/a.css";\n{fonts}'
    proof = proof_with(tmp_path, (SCREEN, fonts, imported))
    assert found(structure.foreign_host, proof) == [
        (line_of(MAIL, "<mj-style>"), "the mail would load something from fonts.example.com")
    ]


def test_a_style_sheet_that_gmail_drops_is_told(tmp_path: Path) -> None:
    body = "body { margin: 0; "
    rules = ".a { color: #112233; }\n"
    proof = proof_with(tmp_path, (SCREEN, body, rules * 700 + body))
    ((place, message),) = found(structure.style_size, proof)
    assert place == line_of(MAIL, "<mj-style>")
    assert message.endswith("bytes of <style>; Gmail takes 16384")
