"""What lies on the light table, and what the table asks of the house."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from newsletter.check.rule import Finding
from newsletter.config import Look
from newsletter.model import Edition, Issue, Publication


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """An issue in the list: `state` is "sent", "being sent" or "not sent", "" if nobody can tell."""

    key: str
    subject: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One issue, composed: `message` is the mail for a reader who does not exist, due `at` that time.

    `values` fill its blanks; `root` is the publication's folder, in which its templates are. `stamp` says of
    which state of the files it was made, and `seconds` how long that took.
    """

    issue: Issue
    edition: Edition
    publication: Publication
    message: bytes
    values: Mapping[str, str]
    at: datetime
    look: Look = field(default_factory=Look)
    root: Path = field(default_factory=Path)
    stamp: str = ""
    seconds: float = 0.0


class House(Protocol):
    """The publication, read anew at each call; what is wrong in its files is raised as NewsletterError."""

    root: Path

    def issues(self) -> Sequence[Listed]:
        """The latest issues, the newest first."""

    def watched(self, key: str) -> Sequence[Path]:
        """All files and folders that the issue's sheet is made of."""

    def sheet(self, key: str) -> Sheet:
        """The issue composed."""

    def findings(self, sheet: Sheet) -> Sequence[Finding]:
        """What proof-reading finds in it."""

    def send_test(self, key: str, address: str) -> str:
        """Send the issue, as its files are now, to an address; what became of it, in words."""
