"""A small publication whose issue is proof-read as the command does it."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from newsletter.check.proofread import proofread
from newsletter.check.rule import Finding
from newsletter.cli.press import Press
from newsletter.cli.proof import proof_of
from tests.conftest import ROOT

KEY = "2026-11-23"

SETTINGS = """\
[publication]
name = "Le Matin"
url = "https://matin.example.org"
sender = "Le Matin <bonjour@matin.example.org>"
postal_address = "1 rue du Test, 75002 Paris"
"""
ISSUE = """\
---
subject: "Fusion et faux rabais"
preheader: "Un prix fait le yo-yo, et un cargo hisse les voiles."
editor: Camille
---
Bonjour à tous, voici les nouvelles.
"""
ARTICLE = """\
---
title: "Un titre"
---
Une phrase simple.
"""

Proofread = Callable[..., list[Finding]]


def make_paper(root: Path, files: Mapping[str, str | bytes], settings: str = "") -> Press:
    """A publication in `root` with the house's templates; `files` replace or add to those of its issue."""
    (root / "newsletter.toml").write_text(SETTINGS + settings, encoding="utf-8")
    if not (root / "templates").exists():
        (root / "templates").symlink_to(ROOT / "templates")
    folder = root / "issues" / KEY
    folder.mkdir(parents=True)
    for name, text in {"issue.md": ISSUE, "01-un.md": ARTICLE, **files}.items():
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return Press(root)


@pytest.fixture
def proofread_issue(tmp_path: Path) -> Proofread:
    """Proof-read an issue of these files; only the findings of the named rules, if any are named."""

    def look(
        files: Mapping[str, str | bytes] | None = None, *rules: str, settings: str = ""
    ) -> list[Finding]:
        press = make_paper(tmp_path, files or {}, settings)
        issue = press.issue(press.issue_folder(KEY, nearest=True))
        found = proofread(proof_of(press, issue, press.edition(issue)))
        return [finding for finding in found if not rules or finding.rule in rules]

    return look
