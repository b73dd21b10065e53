"""The commands that look at an issue before anybody gets it: check and build."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli.screen import ISSUE_HELP, bold, plural, say
from newsletter.errors import ContentError

if TYPE_CHECKING:
    from newsletter.cli.press import Press
    from newsletter.model import Edition, Issue


def edition_of(press: Press, folder: Path) -> tuple[Issue, Edition]:
    """The issue in `folder`, composed and checked; findings are told, and errors raise ContentError."""
    from newsletter.check.basics import check as find
    from newsletter.check.finding import Level

    issue = press.issue(folder)
    edition = press.edition(issue)
    findings = find(issue, edition)
    for finding in findings:
        say(f"{finding.where}: {finding.level}: {finding.message} [{finding.rule}]")
        say(f"  {finding.hint}")
    errors = sum(finding.level is Level.ERROR for finding in findings)
    if errors:
        raise ContentError(
            f"{plural(errors, 'error')} to put right, nothing was sent",
            where=f"issues/{issue.key}",
            hint=f"put them right, then: newsletter check {issue.key}",
        )
    return issue, edition


@click.command(epilog=ISSUE_HELP, short_help="Proof-read an issue.")
@click.argument("issue", required=False)
@click.pass_obj
def check(press: Press, issue: str | None) -> None:
    """Proof-read an issue: what must not leave the house is an error, exit code 3.

    Without ISSUE, the nearest one that was not sent.

    \b
    Example:
      newsletter check 2026-11-23
    """
    found, edition = edition_of(press, press.issue_folder(issue, nearest=True))
    minutes, seconds = divmod(edition.reading_seconds, 60)
    size = len(edition.html.encode()) / 1000
    articles = plural(len(found.articles), "article")
    say(f"{bold(found.key)} is good to go: {articles}, {minutes} min {seconds:02} s, {size:.0f} kB of HTML.")


@click.command(epilog=ISSUE_HELP, short_help="Write an issue as files to look at.")
@click.argument("issue", required=False)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="The folder to write to."
)
@click.pass_obj
def build(press: Press, issue: str | None, output: Path) -> None:
    """Write an issue as files: issue.html to look at, issue.txt, and issue.eml, the mail itself.

    The blanks are filled for a reader who does not exist, and its links to leave lead nowhere. The same
    files give the same bytes every time. Without ISSUE, the nearest one that was not sent.

    \b
    Example:
      newsletter build 2026-11-23 -o preview
    """
    from newsletter.cli.specimen import write_specimen

    found = press.issue(press.issue_folder(issue, nearest=True))
    edition = press.edition(found)
    folder = Path(press.shown(press.folder / output))
    for path in write_specimen(edition, press.config.publication, folder, at=press.sending_time(found.day)):
        click.echo(path)
