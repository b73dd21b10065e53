"""An issue composed and proof-read: the gate that send, test and approve go through."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from newsletter.cli.screen import plural, say
from newsletter.errors import ContentError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from newsletter.check.proof import Proof
    from newsletter.check.rule import Finding
    from newsletter.cli.press import Press
    from newsletter.model import Edition, Issue

REMEMBERED = 20
"""Issues before this one that are looked at for what was said already: a month of weekdays."""


def proof_of(press: Press, issue: Issue, edition: Edition) -> Proof:
    """What the rules look at; raises ConfigError for a key that is here and cannot sign.

    An editor need not have the keys: without them the mail is looked at unsigned.
    """
    from newsletter.check.proof import Proof, texts_of
    from newsletter.cli.specimen import specimen
    from newsletter.deliver.dkim import keys_out_of_reach, read_seals
    from newsletter.settings import FILE

    config = press.config
    away = keys_out_of_reach(config.dkim)
    seals = () if away else read_seals(config.dkim)[0]
    at = press.sending_time(issue.day)
    return Proof(
        issue=issue,
        edition=edition,
        publication=config.publication,
        settings=config.check,
        texts=texts_of(issue, config.root),
        past=tuple(_past(press, issue)),
        message=specimen(edition, config.publication, at=at, seals=seals).content,
        seals=seals,
        root=config.root,
        toml=(config.root / FILE).read_text(encoding="utf-8-sig"),
        unsigned=tuple(press.shown(path) for path in away),
    )


def _past(press: Press, issue: Issue) -> Iterator[Issue]:
    """The issues before this one, the latest first; what cannot be read any more is passed over."""
    from newsletter.compose.issue import issue_days

    folders = press.config.root / "issues"
    for day in [day for day in issue_days(folders) if day < issue.day][: -REMEMBERED - 1 : -1]:
        with suppress(ContentError):
            yield press.issue(folders / day.isoformat())


def gate(press: Press, folder: Path, *, strict: bool = True) -> tuple[Issue, Edition]:
    """The issue in `folder`, composed and proof-read; what is found is told.

    Errors that nobody waived raise ContentError, unless it is not `strict`.
    """
    from newsletter.check.proofread import proofread
    from newsletter.check.rule import Level

    issue = press.issue(folder)
    edition = press.edition(issue)
    findings = [
        found for found in proofread(proof_of(press, issue, edition)) if found.level is not Level.NOTE
    ]
    tell(findings)
    if strict and (
        errors := [found for found in findings if found.level is Level.ERROR and not found.waived]
    ):
        raise to_put_right(plural(len(errors), "error"), issue.key, ", nothing was sent")
    return issue, edition


def to_put_right(words: str, key: str, then: str = "") -> ContentError:
    """What ends a command that found errors; `then` says what did not come of it."""
    return ContentError(
        f"{words} to put right{then}",
        where=f"issues/{key}",
        hint=f"put them right, then: newsletter check {key}",
    )


def tell(findings: Sequence[Finding]) -> None:
    """Findings in words, on stderr."""
    for line in in_words(findings):
        say(line)


def in_words(findings: Sequence[Finding]) -> Iterator[str]:
    """Two lines for each finding: where and what, then what to do."""
    for found in findings:
        yield f"{found.place}: {found.level}: {found.message} [{found.rule}]"
        yield f"  waived: {found.waived}" if found.waived else f"  {found.hint}"
