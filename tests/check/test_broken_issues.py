"""A folder of deliberately broken issues, one for each rule, and the finding where it must be.

`broken/RULE/` holds the issue, as `issues/` would, after any earlier ones that it repeats, and expected.txt:
what that rule finds in the last of them, a line each.
"""

import shutil
from pathlib import Path

import pytest

from newsletter.check.proofread import RULES, proofread
from newsletter.cli.press import Press
from newsletter.cli.proof import proof_of
from tests.check.conftest import SETTINGS
from tests.conftest import ROOT

BROKEN = Path(__file__).parent / "broken"
FOLDERS = sorted(path for path in BROKEN.iterdir() if path.is_dir())

# What writers cannot break: these take a template, a setting, the network, or a fault of the press.
NOT_BY_AN_ISSUE = frozenset(
    (
        *("leftover-blank", "no-way-to-leave", "text-says-less", "house-word", "client-support-few"),
        *("one-h1", "language", "title", "table-headers", "layout-table", "small-text", "contrast"),
        *("corrupted-markup", "picture-width", "foreign-host", "style-size"),
        *("linked-picture-without-alt", "picture-format"),
        *("raw-lines", "header-fields", "header-form", "one-click", "mime-parts", "mail-size", "dkim-broken"),
        "signature-not-checked",
        *("dead-link", "moved-link", "unvisited-link", "spam", "spam-smell"),
    )
)


def findings_in(root: Path, folder: Path) -> list[str]:
    """What the rule that the folder is named after finds in the folder's last issue."""
    (root / "newsletter.toml").write_text(SETTINGS, encoding="utf-8")
    (root / "templates").symlink_to(ROOT / "templates")
    shutil.copytree(folder, root / "issues", ignore=shutil.ignore_patterns("expected.txt"))
    press = Press(root)
    issue = press.issue(max(path for path in (root / "issues").iterdir() if path.is_dir()))
    found = proofread(proof_of(press, issue, press.edition(issue)))
    return [f"{each.place}: {each.level}: [{each.rule}]" for each in found if each.rule == folder.name]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_broken_issue_gives_the_finding_at_its_place(folder: Path, tmp_path: Path) -> None:
    expected = (folder / "expected.txt").read_text(encoding="utf-8").splitlines()
    assert expected
    assert findings_in(tmp_path, folder) == expected


def test_every_rule_has_a_broken_issue_unless_no_issue_can_break_it() -> None:
    names = {rule.name for rule in RULES}
    folders = {folder.name for folder in FOLDERS}
    assert names - folders - NOT_BY_AN_ISSUE == set()
    assert (folders | NOT_BY_AN_ISSUE) - names == set()
    assert folders & NOT_BY_AN_ISSUE == set()
