"""Selectors as mail uses them, and the lines of the style sheet that is inlined."""

from pathlib import Path

import pytest

from newsletter.compose.selectors import selector
from newsletter.compose.tree import elements, parse
from newsletter.errors import TemplateError
from tests.check.mail import ARTICLES, line_of, proof_with

PAGE = parse(
    '<div class="md a"><p id="one">1</p><p class="x y">2</p>'
    '<ul><li><p class="x" lang="fr">3</p></li></ul></div>'
)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        (".md p", ["1", "2", "3"]),
        (".md > p", ["1", "2"]),
        ("p + p", ["2"]),
        ("p ~ ul p", ["3"]),
        (".a.md .y.x", ["2"]),
        ("#one", ["1"]),
        ("p[lang]", ["3"]),
        ("[lang='fr']", ["3"]),
        (".md > .x p", []),
        ("* > li > *", ["3"]),
        ("p:hover", []),
        ("u + .md p", []),
    ],
)
def test_a_selector_is_for_the_elements_that_css_says(text: str, ids: list[str]) -> None:
    chosen = selector(text)
    matched = [each for each in elements(PAGE) if chosen and chosen.matches(each)]
    assert [each.text for each in matched] == ids


def test_what_a_selector_weighs() -> None:
    weighed = [selector(text) for text in ("#a .b", ".a .b[c] d", "p", "*")]
    assert [each.specificity for each in weighed if each] == [(1, 1, 0), (0, 3, 1), (0, 0, 1), (0, 0, 0)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (".md code { ", ".md code { color: #00000080; "),
        (".md hr { ", ".md hr { color: #112233 !important; "),
        (
            ".md blockquote .by { margin",
            ".md blockquote .by { padding: 0; padding-top: 1px; padding: 2px; margin",
        ),
    ],
)
def test_faults_of_the_inlined_sheet_are_told_by_the_templates_own_line(
    tmp_path: Path, old: str, new: str
) -> None:
    text = '---\ntitle: "Un titre"\n---\n> Une citation.\n> — Quelqu’un\n'
    with pytest.raises(TemplateError) as caught:
        proof_with(tmp_path, (ARTICLES, old, new), files={"01-un.md": text})
    assert caught.value.where == line_of(ARTICLES, old)
