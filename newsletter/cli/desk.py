"""The commands that begin something: a publication, an issue, an article from pasted text."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli.screen import bold, say
from newsletter.errors import ConfigError, ContentError

if TYPE_CHECKING:
    from newsletter.cli.press import Press

SHOWN = 100
"""Characters told of each block that an import drops: enough to know it by."""


@click.command(short_help="Make a publication in a new folder.")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--name", help="What the newsletter is called.  [default: the folder's name]")
@click.pass_obj
def init(press: Press, folder: Path, name: str | None) -> None:
    """Make a publication in a new folder: settings, templates and a first issue to rewrite.

    \b
    Example:
      newsletter init my-paper --name "Le café de huit heures"
    """
    from newsletter.calendar import next_working_day
    from newsletter.config import read_config
    from newsletter.desk.publication import sample_folder, start_publication

    root = press.folder / folder
    sample = sample_folder()
    country = read_config(sample).publication.country
    first = next_working_day(date.today(), country)
    for path in start_publication(root, sample, name or root.name, first):
        click.echo(press.shown(path))
    say(f"{bold(name or root.name)} is ready. Next:")
    say(f"  cd {folder}")
    say(f"  edit the files in issues/{first}")
    say(f"  newsletter build {first} -o preview")


@click.command(short_help="Start an issue: the next working day's, or that of DATE.")
@click.argument("day", metavar="[DATE]", required=False)
@click.pass_obj
def new(press: Press, day: str | None) -> None:
    """Start an issue: the next working day's without one, or that of DATE (2026-11-23).

    Weekends and the public holidays of the publication's country are not working days.

    \b
    Example:
      newsletter new
    """
    from newsletter.calendar import is_working_day, next_working_day
    from newsletter.compose.issue import issue_days
    from newsletter.desk.new import new_issue

    root, publication = press.config.root, press.config.publication
    if day is None:
        taken = issue_days(root / "issues")
        chosen = press.today
        while True:
            chosen = next_working_day(chosen, publication.country)
            if chosen not in taken:
                break
    else:
        chosen = _date(day)
        if not is_working_day(chosen, publication.country):
            say(f"Note: {chosen} is not a working day in {publication.country}.")
    folder = new_issue(root, chosen, publication)
    say(f"Started {bold(press.shown(folder))}. Next: edit its files, then newsletter build -o preview")
    for path in sorted(folder.iterdir()):
        click.echo(press.shown(path))


@click.command("import", short_help="Turn pasted text into an article file.")
@click.argument("source", metavar="FILE|-", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--issue", "named", metavar="DATE", help="The issue it goes to.  [default: the next one]")
@click.pass_obj
def import_article(press: Press, source: Path, named: str | None) -> None:
    """Turn text pasted from a web page or a word processor into an article file.

    Finds title, author, lead-ins, lists and quotations; unwraps links; drops sign-up boxes and repeated
    blocks. Says what it dropped, and marks in the article what it is not sure of.

    \b
    Example:
      newsletter import brief.txt --issue 2026-11-23
    """
    from newsletter.desk.new import place_article
    from newsletter.desk.pasted import article_file, read_pasted

    folder = press.issue_folder(named or "next", nearest=False)
    draft = read_pasted(_pasted(press.folder, source))
    path = place_article(press.config.root, date.fromisoformat(folder.name), article_file(draft), draft.title)
    click.echo(press.shown(path))
    say(f"{bold(draft.title)}{f', by {draft.author}' if draft.author else ''}")
    for block in draft.dropped:
        say(f"dropped: {block if len(block) <= SHOWN else block[: SHOWN - 1] + '…'}")
    for doubt in draft.doubts:
        say(f"to check: {doubt}")


def _pasted(folder: Path, source: Path) -> str:
    try:
        data = sys.stdin.buffer.read() if str(source) == "-" else (folder / source).read_bytes()
        return data.decode("utf-8-sig")
    except OSError as error:
        raise ContentError(f"cannot be read: {error.strerror}", where=str(source)) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        hint = "save the text as UTF-8"
        raise ContentError("not UTF-8", where=f"{source}:{line}", hint=hint) from error


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(
            f"{text!r} is not a date", where="DATE", hint="write it as in 2026-11-23"
        ) from error
