"""A folder of deliberately broken issues, one for each rule, and the finding where it must be.

`broken/RULE/` holds the issue, as `issues/` would, after any earlier ones that it repeats, and expected.txt:
what that rule finds in the last of them, a line each. Where it takes a designer to break the rule,
changes.txt has the slip, as TEMPLATE ~~> WHAT IS THERE ~~> WHAT STANDS THERE INSTEAD; a newsletter.toml is
added to the settings.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from newsletter.check.proofread import FAULT, RULES, finding_of, proofread
from newsletter.check.rule import Level
from newsletter.cli.press import Press
from newsletter.cli.proof import proof_of
from newsletter.errors import TemplateError
from tests.check.conftest import SETTINGS
from tests.conftest import ROOT

BROKEN = Path(__file__).parent / "broken"
FOLDERS = sorted(path for path in BROKEN.iterdir() if path.is_dir())

# These take the network, SpamAssassin, a key, a fault of the press itself, or 16 kB of style sheet.
NOT_BY_FILES = frozenset(
    (
        *("raw-lines", "header-fields", "header-form", "one-click", "mime-parts", "mail-size", "style-size"),
        *("dkim-broken", "signature-not-checked"),
        *("dead-link", "moved-link", "unvisited-link", "spam", "spam-smell"),
    )
)


def findings_in(root: Path, folder: Path) -> list[str]:
    """What the rule that the folder is named after finds in the folder's last issue."""
    more = folder / "newsletter.toml"
    settings = SETTINGS + (more.read_text(encoding="utf-8") if more.exists() else "")
    (root / "newsletter.toml").write_text(settings, encoding="utf-8")
    shutil.copytree(ROOT / "templates", root / "templates")
    for name, old, new in slips_in(folder / "changes.txt"):
        template = root / "templates" / name
        right = template.read_text(encoding="utf-8")
        assert old in right, old
        template.write_text(right.replace(old, new, 1), encoding="utf-8")
    shutil.copytree(folder, root / "issues", ignore=shutil.ignore_patterns("*.txt", "*.toml"))
    press = Press(root)
    issue = press.issue(max(path for path in (root / "issues").iterdir() if path.is_dir()))
    try:
        found = proofread(proof_of(press, issue, press.edition(issue)))
    except TemplateError as error:
        found = [finding_of(error)]
    return [f"{each.place}: {each.level}: [{each.rule}]" for each in found if each.rule == folder.name]


def slips_in(path: Path) -> Iterator[list[str]]:
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            yield line.split(" ~~> ")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_broken_issue_gives_the_finding_at_its_place(folder: Path, tmp_path: Path) -> None:
    expected = (folder / "expected.txt").read_text(encoding="utf-8").splitlines()
    assert expected
    assert findings_in(tmp_path, folder) == expected


def test_every_rule_has_a_broken_issue_unless_no_file_can_break_it() -> None:
    names = {*(rule.name for rule in RULES), FAULT}
    folders = {folder.name for folder in FOLDERS}
    assert names - folders - NOT_BY_FILES == set()
    assert (folders | NOT_BY_FILES) - names == set()
    assert folders & NOT_BY_FILES == set()


def test_every_error_has_a_broken_issue() -> None:
    errors = {rule.name for rule in RULES if rule.level is Level.ERROR}
    assert errors <= {folder.name for folder in FOLDERS}
