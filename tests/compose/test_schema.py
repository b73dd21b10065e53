"""MJML by its schema: what the compiler would drop or copy without a word is refused at its line."""

import json
import zipfile
from pathlib import Path

import pytest
from mjml import mjml2html

from newsletter.compose import schema
from newsletter.compose.markup import to_html
from newsletter.compose.templates import PLACE
from newsletter.errors import TemplateError
from tests.conftest import ROOT


def in_column(inside: str) -> str:
    return f"<mjml><mj-body><mj-section><mj-column>{inside}</mj-column></mj-section></mj-body></mjml>"


def in_head(inside: str) -> str:
    return f"<mjml><mj-head><mj-attributes>{inside}</mj-attributes></mj-head><mj-body></mj-body></mjml>"


def placed(tag: str, line: int) -> str:
    return f'<{tag} {PLACE}="mail/issue.mjml.j2:{line}"'


def refused(source: str) -> tuple[str, str, str]:
    with pytest.raises(TemplateError) as caught:
        to_html(source, "")
    return caught.value.where, caught.value.message, caught.value.hint


def test_an_unknown_attribute_is_refused_with_the_one_that_was_meant() -> None:
    assert refused(in_column(f'{placed("mj-text", 9)} font-siez="17px">x</mj-text>')) == (
        "templates/mail/issue.mjml.j2:9",
        "<mj-text> has no attribute 'font-siez'",
        "did you mean font-size?",
    )


@pytest.mark.parametrize(
    ("element", "message", "hint"),
    [
        (
            '<mj-text font-size="17">x</mj-text>',
            "font-size='17' on <mj-text> is not a number with px behind it",
            "write for instance 20px",
        ),
        (
            '<mj-text padding="1px 2px 3px 4px 5px">x</mj-text>',
            "padding='1px 2px 3px 4px 5px' on <mj-text> is not one to 4 numbers with px or %",
            "write for instance 10px 25px",
        ),
        (
            '<mj-text color="notacolor">x</mj-text>',
            "color='notacolor' on <mj-text> is not a colour",
            "write for instance #b3261e",
        ),
        (
            '<mj-text align="middle">x</mj-text>',
            "align='middle' on <mj-text> is not one of left, right, center, justify",
            "write left",
        ),
        (
            '<mj-image src="https://e.org/i.png" alt="" fluid-on-mobile="yes" />',
            "fluid-on-mobile='yes' on <mj-image> is not true or false",
            "write true, or leave it out",
        ),
        (
            '<mj-table cellpadding="2px"><tr><td>x</td></tr></mj-table>',
            "cellpadding='2px' on <mj-table> is not a whole number",
            "write 1",
        ),
        (
            '<mj-image src="https://e.org/i.png" alt="" width="100%" />',
            "width='100%' on <mj-image> is not a number with px behind it",
            "write for instance 20px",
        ),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(element: str, message: str, hint: str) -> None:
    assert refused(in_column(element))[1:] == (message, hint)


@pytest.mark.parametrize(
    "element",
    [
        '<mj-text line-height="1.6" padding="0 20px" letter-spacing="-0.5px">x</mj-text>',
        '<mj-text font-size="  17px " color="RED">x</mj-text>',
        '<mj-text color="rgba(1, 2, 3, 0.5)" background-color="transparent">x</mj-text>',
        '<mj-text css-class="a b" mj-class="small">x</mj-text>',
        '<mj-text color="#EDC" padding=".5px 12.5%">x</mj-text>',
        '<mj-image src="https://e.org/i.png" alt="" height="auto" fluid-on-mobile="true" />',
        '<mj-text><p align="nonsense" data-x="1">HTML is not MJML</p></mj-text>',
        '<mj-raw><div><p align="nonsense">x</p></div></mj-raw>',
        "<mj-table><tr><th>x</th></tr></mj-table>",
        "<mj-divider /><!-- a word to the designer -->",
    ],
)
def test_what_mjml_allows_passes(element: str) -> None:
    assert "<!DOCTYPE html>" in to_html(in_column(element), "")


@pytest.mark.parametrize(
    ("source", "message", "hint"),
    [
        (
            "<mjml><mj-body><mj-text>x</mj-text></mj-body></mjml>",
            "<mj-text> cannot stand in <mj-body>",
            "put it into <mj-column> or <mj-hero>",
        ),
        (
            in_column("<mj-section></mj-section>"),
            "<mj-section> cannot stand in <mj-column>",
            "put it into <mj-body> or <mj-wrapper>",
        ),
        (
            in_column("<mj-text><p>x <mj-button>y</mj-button></p></mj-text>"),
            "<mj-button> cannot stand in <mj-text>",
            "put it into <mj-column> or <mj-hero>",
        ),
        (in_column("<p>x</p>"), "<p> cannot stand in <mj-column>", "put it into <mj-text>"),
        (
            "<mjml><mj-head><meta name='x' /></mj-head><mj-body></mj-body></mjml>",
            "<meta> cannot stand in <mj-head>",
            "put it into <mj-raw>",
        ),
        (in_column("Bonjour"), "text directly in <mj-column>: 'Bonjour'", "put it into <mj-text>"),
        (in_column("<mj-divider />Salut"), "text directly in <mj-column>: 'Salut'", "put it into <mj-text>"),
    ],
)
def test_what_stands_in_the_wrong_place_is_refused(source: str, message: str, hint: str) -> None:
    assert refused(source)[1:] == (message, hint)


@pytest.mark.parametrize(
    ("default", "message"),
    [
        ('<mj-text font-siez="17px" />', "<mj-text> has no attribute 'font-siez'"),
        ('<mj-text font-size="17" />', "font-size='17' on <mj-text> is not a number with px behind it"),
        ('<mj-class name="small" colour="#112233" />', "<mj-class> has no attribute 'colour'"),
        ('<mj-all colour="#112233" />', "<mj-all> has no attribute 'colour'"),
        ('<mj-class name="small"><mj-text /></mj-class>', "<mj-class> in <mj-attributes> holds nothing"),
        ('<mj-body id="x" />', "the compiler ignores id on <mj-body>"),
    ],
)
def test_defaults_are_held_to_the_same_schema(default: str, message: str) -> None:
    assert refused(in_head(default))[1] == message


def test_a_class_may_have_the_attributes_of_any_component() -> None:
    classes = '<mj-class name="a" font-size="14px" width="50%" icon-size="20px" /><mj-all color="#112233" />'
    assert "<!DOCTYPE html>" in to_html(in_head(classes), "")


def test_an_element_that_no_template_wrote_is_told_by_the_one_around_it() -> None:
    source = in_column(f"{placed('mj-text', 7)}><p><mj-divider /></p></mj-text>")
    assert refused(source)[0] == "templates/mail/issue.mjml.j2:7"


INSIDE = {
    "mj-section": "<mj-section {}><mj-column><mj-text>x</mj-text></mj-column></mj-section>",
    "mj-hero": "<mj-hero {}><mj-text>x</mj-text></mj-hero>",
    "mj-button": "<mj-section><mj-column><mj-button {}>x</mj-button></mj-column></mj-section>",
    "mj-image": "<mj-section><mj-column><mj-image src='i.png' {} /></mj-column></mj-section>",
    "mj-table": "<mj-section><mj-column><mj-table {}><tr><td>x</td></tr></mj-table></mj-column></mj-section>",
    "mj-social": "<mj-section><mj-column><mj-social {}></mj-social></mj-column></mj-section>",
    "mj-social-element": "<mj-section><mj-column><mj-social><mj-social-element src='i.png' {}>x"
    "</mj-social-element></mj-social></mj-column></mj-section>",
}
VALUES = {
    "title": "T",
    "role": "none",
    "icon-position": "right",
    "sizes": "50vw",
    "srcset": "j.png 2x",
    "gutter": "7px",
    "border-radius": "7px",
}


@pytest.mark.parametrize(("tag", "name"), sorted(schema.IGNORED - {("mj-body", "id")}))
def test_what_is_refused_as_ignored_is_indeed_ignored_by_the_compiler(tag: str, name: str) -> None:
    def compiled(attributes: str) -> str:
        return str(mjml2html(f"<mjml><mj-body>{INSIDE[tag].format(attributes)}</mj-body></mjml>", fonts={}))

    assert compiled(f'{name}="{VALUES.get(name, "7px solid #123456")}"') == compiled("")


def test_the_schema_says_where_it_is_from() -> None:
    data = ROOT / "newsletter" / "compose" / "data"
    found = json.loads((data / "mjml.json").read_text(encoding="utf-8"))
    note = (data / "README.md").read_text(encoding="utf-8")
    assert (found["version"], found["date"], len(found["components"])) == ("5.4.1", "2026-11-23", 31)
    assert found["version"] in note
    assert found["date"] in note
    assert "The MIT License (MIT)" in note
    assert (ROOT / "docs" / "dump_mjml_schema.cjs").exists()


def test_the_schema_is_in_the_wheel(tmp_path: Path) -> None:
    import subprocess
    import sys

    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "newsletter/compose/data/mjml.json" in names
    assert "newsletter/compose/data/README.md" in names
