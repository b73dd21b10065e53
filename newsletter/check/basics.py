"""The rules that hold for every issue: five minutes, a subject that fits, no leftovers, a way to leave."""

import re
from collections.abc import Callable, Iterator
from itertools import chain

from newsletter.check.finding import Finding, Level
from newsletter.compose.issue import TO_CHECK
from newsletter.fields import MARK, Place, names_in, split
from newsletter.model import Edition, Issue

CLIP = 102_000
"""Bytes of HTML after which Gmail cuts a mail off; not published by Google, measured by senders."""

FIVE_MINUTES = 300

Rule = Callable[[Issue, Edition, str], Iterator[Finding]]


def check(issue: Issue, edition: Edition) -> list[Finding]:
    """All findings of an issue and its edition, errors first."""
    where = f"issues/{issue.key}"
    findings = list(chain.from_iterable(rule(issue, edition, where) for rule in RULES))
    return sorted(findings, key=lambda finding: finding.level is not Level.ERROR)


def _reading_time(issue: Issue, edition: Edition, where: str) -> Iterator[Finding]:
    over = edition.reading_seconds - FIVE_MINUTES
    if over > 0:
        longest = max(issue.articles, key=lambda article: len(article.body))
        yield Finding(
            rule="five-minutes",
            level=Level.ERROR,
            where=f"{where}/{longest.source.name}",
            message=f"the issue takes {over} s more than five minutes; this article is the longest",
            hint=f"cut about {over * 4} words",
        )


def _subject(issue: Issue, edition: Edition, where: str) -> Iterator[Finding]:
    for name, text, least, most in (
        ("subject", edition.subject, 10, 60),
        ("preheader", edition.preheader, 40, 110),
    ):
        if not least <= len(text) <= most:
            yield Finding(
                rule=f"{name}-length",
                level=Level.WARNING,
                where=f"{where}/issue.md",
                message=f"the {name} has {len(text)} characters; inboxes show {least} to {most} best",
                hint=f"make it {'longer' if len(text) < least else 'shorter'}",
            )


def _leftovers(issue: Issue, edition: Edition, where: str) -> Iterator[Finding]:
    for name, text, place in (("html", edition.html, Place.HTML), ("text", edition.text, Place.TEXT)):
        literal = "".join(piece for piece in split(text, place) if isinstance(piece, str))
        for pattern, what in ((MARK, "the mark of a blank"), (r"\{\{|\}\}|\{%", "a piece of a template")):
            if re.search(pattern, literal) and not _typed(issue, pattern):
                yield Finding(
                    rule="leftover-blank",
                    level=Level.ERROR,
                    where=f"templates/mail/issue.{'mjml' if name == 'html' else 'txt'}.j2",
                    message=f"{what} is left in the {name} part",
                    hint="write blanks as {{ field(…) }}",
                )


def _typed(issue: Issue, pattern: str) -> bool:
    """Whether a writer typed it: articles may well be about templates."""
    texts = chain([issue.opening, issue.subject, issue.preheader], (a.title + a.body for a in issue.articles))
    return any(re.search(pattern, text) for text in texts)


def _way_to_leave(issue: Issue, edition: Edition, where: str) -> Iterator[Finding]:
    for name, text in (("issue.mjml.j2", edition.html), ("issue.txt.j2", edition.text)):
        if "leave_url" not in names_in(text):
            yield Finding(
                rule="no-way-to-leave",
                level=Level.ERROR,
                where=f"templates/mail/{name}",
                message="the mail has no link to leave by",
                hint='put {{ field("leave_url") }} into it',
            )


def _clip(issue: Issue, edition: Edition, where: str) -> Iterator[Finding]:
    size = len(edition.html.encode())
    if size > CLIP:
        yield Finding(
            rule="clipped",
            level=Level.ERROR,
            where=where,
            message=f"the HTML has {size // 1000} kB; Gmail cuts mails off at {CLIP // 1000} kB",
            hint="take an article out",
        )


def _unsure(issue: Issue, edition: Edition, where: str) -> Iterator[Finding]:
    for article in issue.articles:
        for number, line in enumerate(article.body.split("\n"), article.body_line):
            if f"[{TO_CHECK}" in line:
                yield Finding(
                    rule="import-mark",
                    level=Level.ERROR,
                    where=f"{where}/{article.source.name}:{number}",
                    message="a mark to check something is still there",
                    hint="settle it and delete the mark",
                )


RULES: tuple[Rule, ...] = (_reading_time, _subject, _leftovers, _way_to_leave, _clip, _unsure)
