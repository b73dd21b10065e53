"""Another look by one setting: which templates a theme's stand before, and how its faults are told."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from newsletter.compose.edition import compose
from newsletter.compose.issue import read_issue
from newsletter.config import Config, read_config
from newsletter.errors import ConfigError, TemplateError
from newsletter.model import Edition
from tests.conftest import ROOT

ISSUE = ROOT / "issues" / "2026-11-20"


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    """The sample publication's look, in a folder of its own."""
    shutil.copytree(ROOT / "templates", tmp_path / "templates")
    shutil.copy(ROOT / "newsletter.toml", tmp_path)
    return tmp_path


def themed(paper: Path, theme: str) -> Config:
    path = paper / "newsletter.toml"
    settings = path.read_text(encoding="utf-8")
    assert settings.count('theme = ""\n') == 1
    path.write_text(settings.replace('theme = ""\n', f'theme = "{theme}"\n'), encoding="utf-8")
    return read_config(paper, {})


def composed(paper: Path, config: Config) -> Edition:
    issue = read_issue(ISSUE, root=ROOT)
    return compose(issue, config.publication, config.look, templates=paper / "templates", root=ROOT)


def test_one_setting_changes_the_look_and_no_word_of_it(paper: Path) -> None:
    plain, gazette = composed(paper, read_config(paper, {})), composed(paper, themed(paper, "gazette"))
    assert gazette.text == plain.text
    assert ("#f1ede6" in plain.html, "#e3eaee" in plain.html) == (True, False)
    assert ("#f1ede6" in gazette.html, "#e3eaee" in gazette.html) == (False, True)
    assert gazette.html.count("<!--[if mso") > 20


def test_a_theme_of_ones_own_needs_only_what_differs(paper: Path) -> None:
    folder = paper / "templates/themes/mine/mail"
    folder.mkdir(parents=True)
    palette = (paper / "templates/mail/palette.j2").read_text(encoding="utf-8")
    (folder / "palette.j2").write_text(palette.replace("#f1ede6", "#ffeedd"), encoding="utf-8")
    mine = composed(paper, themed(paper, "mine"))
    plain = composed(paper, replace(read_config(paper, {}), look=read_config(ROOT, {}).look))
    assert mine.html == plain.html.replace("#f1ede6", "#ffeedd")


@pytest.mark.parametrize(
    ("old", "new"), [("<mj-spacer ", "<mj-spacr "), ("{% macro rule() %}", "{% macro rule( %}")]
)
def test_a_fault_in_a_theme_is_told_by_the_themes_own_file(paper: Path, old: str, new: str) -> None:
    path = paper / "templates/themes/gazette/mail/parts.mjml.j2"
    text = path.read_text(encoding="utf-8")
    line = text[: text.index(old)].count("\n") + 1
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(TemplateError) as caught:
        composed(paper, themed(paper, "gazette"))
    assert caught.value.where == f"templates/themes/gazette/mail/parts.mjml.j2:{line}"


@pytest.mark.parametrize("theme", ["gazete", "..", "gazette/mail", "/etc"])
def test_a_theme_that_is_not_there_is_told_with_those_that_are(paper: Path, theme: str) -> None:
    with pytest.raises(ConfigError) as caught:
        themed(paper, theme)
    assert caught.value.message == f"[look] theme: {theme!r} is no folder in templates/themes"
    assert caught.value.hint == 'write "gazette" or ""'
    assert caught.value.where.startswith("newsletter.toml:")
