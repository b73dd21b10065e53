"""The commands that begin something: a publication, an issue, an article from pasted text."""

from __future__ import annotations

import shlex
import sys
from contextlib import nullcontext
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli.screen import ISSUE_HELP, bold, say
from newsletter.errors import ConfigError, ContentError

if TYPE_CHECKING:
    from newsletter.cli.press import Press
    from newsletter.desk.pasted import Draft

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
    from newsletter.cli.press import Press
    from newsletter.desk.publication import sample_folder, start_publication

    root = Path(press.shown(press.folder / folder))
    name = name or root.absolute().name
    sample = Press(sample_folder(), press.clock)
    first = next_working_day(sample.today, sample.config.publication.country)
    for path in start_publication(root, sample.config.root, name, first):
        click.echo(path)
    say(f"{bold(name)} is ready. Next:")
    say(f"  cd {shlex.quote(str(root))}")
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


@click.command(
    "import", epilog=ISSUE_HELP, short_help="Turn text, a Word document or a web page into an article."
)
@click.argument("source", metavar="FILE|-", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--issue", "named", metavar="ISSUE", help="The issue it goes to.  [default: next]")
@click.pass_obj
def import_article(press: Press, source: Path, named: str | None) -> None:
    """Turn pasted text, a Word document (.docx) or a saved web page (.html) into an article file.

    Finds title, author, lead-ins, lists, tables, footnotes and quotations; unwraps links; drops sign-up boxes
    and repeated blocks. Says what it dropped, and marks in the article what it is not sure of. A document's
    pictures go beside the article. FILE may also be text in UTF-8; with - you paste it into the terminal.

    \b
    Example:
      newsletter import brief.txt --issue 2026-11-23
    """
    from newsletter.desk.new import place_article
    from newsletter.desk.pasted import article_file

    folder = press.issue_folder(named or "next", nearest=False)
    root = press.config.root
    if folder.parent.resolve() != (root / "issues").resolve():
        raise ConfigError(f"{named!r} is no issue of this publication", where="--issue", hint="name a date")
    draft = _draft(press, source)
    day, text = date.fromisoformat(folder.name), article_file(draft)
    path = place_article(root, day, text, draft.title, draft.pictures)
    click.echo(press.shown(path))
    for name in draft.pictures:
        click.echo(press.shown(path.with_name(name)))
    say(f"{bold(draft.title)}{f', by {draft.author}' if draft.author else ''}")
    for block in draft.dropped:
        say(f"dropped: {block if len(block) <= SHOWN else block[: SHOWN - 1] + '…'}")
    for doubt in draft.doubts:
        say(f"to check: {doubt}")


def _draft(press: Press, source: Path) -> Draft:
    """The article in a file, or on standard input; raises ContentError if there is none to be read."""
    from newsletter.desk.brought import MAX_BYTES, read_brought

    typed = str(source) == "-"
    where = "standard input" if typed else press.shown(press.folder / source)
    if typed and sys.stdin.isatty():
        say("Paste the text, then press Enter and Ctrl-D.")
    try:
        with nullcontext(sys.stdin.buffer) if typed else (press.folder / source).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        return read_brought(data, "" if typed else source.name)
    except OSError as error:
        raise ContentError(f"cannot be read: {error.strerror}", where=where) from error
    except ContentError as error:
        error.where = where + error.where  # which may be a line
        raise


def _date(text: str) -> date:
    from newsletter.compose.issue import day_of

    day = day_of(text)
    if day is None:
        raise ConfigError(f"{text!r} is not a date", where="DATE", hint="write it as in 2026-11-23")
    return day
