"""The command that writes an issue as files to look at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli.screen import ISSUE_HELP

if TYPE_CHECKING:
    from newsletter.cli.press import Press


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
