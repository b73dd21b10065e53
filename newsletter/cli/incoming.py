"""The command that brings in a list from elsewhere: looked at, shown, and only then written down."""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli.ask import ask_number
from newsletter.cli.private import open_private
from newsletter.cli.screen import number, plural, progress, say
from newsletter.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from newsletter.cli.press import Press
    from newsletter.readers.csv_file import BadRow, Row
    from newsletter.readers.dialect import Dialect
    from newsletter.readers.importing import Incoming, Plan

SHOWN = 20
"""Refused lines told one by one; the rest are counted."""

FEW = 20
"""So many newcomers are entered without a question."""

LARGE = 2_000_000
"""Bytes from which on reading a file takes long enough to say how far it is."""


@click.command("import", short_help="Add the readers of a CSV file.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--source", help="Where these people said yes: kept with each of them as the proof of it.")
@click.option("--dry-run", is_flag=True, help="Say what would happen, and write nothing.")
@click.option("--yes", is_flag=True, help="Do not ask, however many they are.")
@click.option(
    "--refused",
    type=click.Path(path_type=Path),
    metavar="FILE.csv",
    help="Where to write the lines that were refused, to be put right and imported.",
)
@click.pass_obj
def import_readers(
    press: Press, file: Path, source: str | None, dry_run: bool, yes: bool, refused: Path | None
) -> int:
    """Add the readers of a CSV file with a column email and perhaps name and status.

    Shows how the file is read and what would change; on a terminal it asks before it adds more than a few.
    Whoever left, bounced or complained stays so, and nobody who was erased comes back. Refused lines are
    named and left out; the exit code is then 4. Run it again at any time: nobody is added twice.

    \b
    Example:
      newsletter readers import readers.csv --dry-run
      newsletter readers import readers.csv --source "salon du livre, 12 November"
    """
    from newsletter.readers.dialect import look_at
    from newsletter.readers.importing import Incoming

    press.config  # noqa: B018 - no database may be made where there is no publication
    source = (source or "").strip(" \t")
    if not source and not dry_run:
        hint = 'add --source "where these people said yes": the proof that you may write to them'
        raise ConfigError(
            "nobody can be added without the proof of their consent", where="--source", hint=hint
        )
    file = Path(press.shown(press.folder / file))
    dialect = look_at(file)
    say(f"{file}: {dialect.in_words()}")
    for name, where in dialect.columns_in_words():
        say(f"  {name:6} {where}")
    with ExitStack() as stack:
        report = _Report(file, stack.enter_context(_refusals(press, refused, file)))
        database = stack.enter_context(press.database())
        incoming = stack.enter_context(Incoming(database, hashes=press.signer().hashes))
        _read(incoming, dialect, report)
        plan = incoming.plan()
        report.tell(plan)
        if dry_run:
            say(_counted(plan, plan.added, "would be added"))
            say("Dry run: nothing was written down.")
        else:
            if plan.added > FEW and not yes and sys.stdin.isatty():
                say(_counted(plan, plan.added, "to be added"))
                question = f"Type the number of new readers ({number(plan.added)}) to add them"
                ask_number(plan.added, question, yes=False, where="readers import")
            say(_counted(plan, _enter(press, incoming, plan, source), "added"))
    return 4 if plan.bad else 0


class _Report:
    """What is told of a list line by line: an example of how it is read, what was refused, who stays."""

    def __init__(self, file: Path, write: Callable[[BadRow], None]) -> None:
        self._file = file
        self._write = write
        self._refused: list[BadRow] = []
        self._example: Row | None = None

    def refuse(self, row: BadRow) -> None:
        self._write(row)
        if len(self._refused) < SHOWN:
            self._refused.append(row)

    def watch(self, rows: Iterator[Row | BadRow]) -> Iterator[Row | BadRow]:
        """The rows, of which one is kept as an example: by a name with an accent one sees more."""
        from newsletter.readers.csv_file import Row

        for row in rows:
            if isinstance(row, Row) and (
                self._example is None or (self._example.name.isascii() and not row.name.isascii())
            ):
                self._example = row
            yield row

    def tell(self, plan: Plan) -> None:
        if self._example:
            row = self._example
            person = f"{row.name} <{row.address.email}>" if row.name else row.address.email
            say(f"  line {number(row.line)} is {person}")
        for bad in self._refused:
            say(f"{self._file}:{bad.line}: {bad.reason}")
        if plan.bad > SHOWN:
            say(f"… and {number(plan.bad - SHOWN)} more refused lines")
        for line, email, status in plan.stay:
            say(f"{self._file}:{line}: {email} stays {status}")
        if plan.not_raised > len(plan.stay):
            say(f"… and {number(plan.not_raised - len(plan.stay))} more who stay as they are")
        for line, email in plan.out:
            say(f"{self._file}:{line}: {email} was erased, and stays out")
        if plan.kept_out > len(plan.out):
            say(f"… and {number(plan.kept_out - len(plan.out))} more who were erased")


def _read(incoming: Incoming, dialect: Dialect, report: _Report) -> None:
    from newsletter.readers.csv_file import read_csv

    with _so_far(100, wanted=dialect.size > LARGE) as tell:
        rows = read_csv(dialect, lambda done: tell(100 * done // dialect.size, "% read"))
        incoming.read(report.watch(rows), refuse=report.refuse)
        tell(100, "% read")


def _enter(press: Press, incoming: Incoming, plan: Plan, source: str) -> int:
    """Enter whoever is new; how many that were."""
    from newsletter.readers.importing import AT_ONCE
    from newsletter.readers.proof import Proof

    added = 0
    with _so_far(plan.added, wanted=plan.added > AT_ONCE) as tell:
        for count in incoming.enter(proof=Proof(source=source), now=press.utc_now()):
            added += count
            tell(added, "readers added")
    return added


@contextmanager
def _so_far(total: int, *, wanted: bool) -> Iterator[Callable[[int, str], None]]:
    """What shows how far it is, or does nothing where that is not wanted."""
    if not wanted:
        yield lambda done, words: None
        return
    with progress(total) as shown:
        yield shown.so_far


@contextmanager
def _refusals(press: Press, path: Path | None, file: Path) -> Iterator[Callable[[BadRow], None]]:
    """What writes refused lines into a file that can itself be imported; raises ConfigError."""
    from newsletter.readers.csv_file import row_writer

    if path is None:
        yield lambda row: None
        return
    shown = press.shown(press.folder / path)
    hint = "name another file with --refused"
    if (press.folder / path).exists() and (press.folder / path).samefile(press.folder / file):
        raise ConfigError("is the file to be imported", where=shown, hint=hint)
    try:
        with open_private(press.folder / path) as stream:
            write = row_writer(stream, ("line", "reason", "email", "name"))
            yield lambda row: write((str(row.line), row.reason, row.text, row.name))
    except BrokenPipeError:
        raise
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", where=shown, hint=hint) from error


def _counted(plan: Plan, count: int, what: str) -> str:
    from newsletter.model import Status

    others = [f"{number(n)} as {status}" for status, n in plan.new.items() if status is not Status.ACTIVE]
    erased = f"{number(plan.kept_out)} erased, " if plan.kept_out else ""
    with_status = f" ({', '.join(others)})" if others else ""
    return (
        f"{plural(count, 'reader')} {what}{with_status}, "
        f"{number(plan.known)} known already, {number(plan.not_raised)} not raised, {erased}"
        f"{number(plan.duplicates)} twice in the file, {number(plan.bad)} refused"
    )
