"""Proofs whose mail or templates have been tampered with."""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from newsletter.check.rule import Proof, Rule
from newsletter.cli.proof import proof_of
from tests.check.conftest import KEY, make_paper
from tests.conftest import ROOT

MAIL = "mail/issue.mjml.j2"
MASTHEAD = "mail/masthead.mjml.j2"
COLUMN = "mail/article.mjml.j2"
PALETTE = "mail/palette.j2"
SCREEN = "mail/screen.css.j2"
ARTICLES = "mail/article.css.j2"


def proof_with(
    root: Path,
    *changes: tuple[str, str, str],
    files: Mapping[str, str] | None = None,
    settings: str = "",
) -> Proof:
    """The proof of a small issue after changes of templates: file, old text, new text."""
    shutil.copytree(ROOT / "templates", root / "templates")
    for name, old, new in changes:
        path = root / "templates" / name
        text = path.read_text(encoding="utf-8")
        assert old in text, old
        path.write_text(text.replace(old, new), encoding="utf-8")
    press = make_paper(root, files or {}, settings)
    issue = press.issue(press.issue_folder(KEY, nearest=True))
    return proof_of(press, issue, press.edition(issue))


def tampered(proof: Proof, old: str, new: str) -> Proof:
    """The same proof with something else in its finished HTML."""
    assert old in proof.edition.html, old
    return replace(proof, edition=replace(proof.edition, html=proof.edition.html.replace(old, new)))


def line_of(name: str, text: str) -> str:
    """`templates/FILE:LINE` of a text in the house's templates."""
    lines = (ROOT / "templates" / name).read_text(encoding="utf-8").splitlines()
    return f"templates/{name}:{next(n for n, line in enumerate(lines, 1) if text in line)}"


def found(rule: Rule, proof: Proof) -> list[tuple[str, str]]:
    """Places and messages."""
    return [(str(fault.place), fault.message) for fault in rule.find(proof)]
