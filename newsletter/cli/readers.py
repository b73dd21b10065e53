"""The commands about people: who reads us."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli.screen import number, plural, say, table
from newsletter.errors import ConfigError, ContentError

if TYPE_CHECKING:
    from newsletter.cli.press import Press
    from newsletter.model import Status
    from newsletter.readers.importing import Report

SHOWN = 20
"""Bad lines told one by one; the rest are counted."""


@click.group(short_help="Who reads us: import, add, remove, list, export.")
def readers() -> None:
    """Who reads us: import, add, remove, list, export."""


@readers.command("import", short_help="Add the readers of a CSV file.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--source", help="Where these people said yes: their proof of consent.  [default: the file's name]"
)
@click.option("--dry-run", is_flag=True, help="Say what would happen, and write nothing.")
@click.pass_obj
def import_readers(press: Press, file: Path, source: str | None, dry_run: bool) -> int:
    """Add the readers of a CSV file with a column email and perhaps name.

    Whoever left, bounced or complained stays so: an import never brings anybody back. Bad lines are named
    and left out; the exit code is then 4.

    \b
    Example:
      newsletter readers import readers.csv --source "salon du livre, 12 November" --dry-run
    """
    from newsletter.readers.csv_file import read_csv
    from newsletter.readers.importing import import_rows, plan
    from newsletter.readers.proof import Proof
    from newsletter.readers.store import Readers

    press.config  # noqa: B018 - no database may be made where there is no publication
    file = Path(press.shown(press.folder / file))
    rows = read_csv(file)
    with press.database() as database:
        store = Readers(database, hashes=press.signer().hashes)
        if dry_run:
            report = plan(store, rows)
        else:
            proof = Proof(source=source or f"import of {file.name}")
            report = import_rows(store, rows, proof=proof, now=press.utc_now())
    return _tell(report, file, dry_run)


def _tell(report: Report, file: Path, dry_run: bool) -> int:
    for bad in report.bad[:SHOWN]:
        say(f"{file}:{bad.line}: {bad.reason}")
    if len(report.bad) > SHOWN:
        say(f"… and {number(len(report.bad) - SHOWN)} more bad lines")
    for row, status in report.not_raised[:SHOWN]:
        say(f"{file}:{row.line}: {row.address.email} stays {status}")
    added = "would be added" if dry_run else "added"
    say(
        f"{plural(report.added, 'reader')} {added}, {number(report.known)} known already, "
        f"{number(len(report.not_raised))} not raised, {number(report.duplicates)} twice in the file, "
        f"{number(len(report.bad))} bad"
    )
    return 4 if report.bad else 0


@readers.command(short_help="Add one reader.")
@click.argument("email")
@click.option("--name", default="", help="What the reader is called.")
@click.option("--source", default="added by hand", show_default=True, help="Where this person said yes.")
@click.pass_obj
def add(press: Press, email: str, name: str, source: str) -> int:
    """Add one reader who asked for it.

    \b
    Example:
      newsletter readers add marie@example.org --name Marie
    """
    from newsletter.readers.addresses import clean_name, read_address
    from newsletter.readers.proof import Proof
    from newsletter.readers.store import Readers

    address = read_address(email, where="EMAIL")
    press.config  # noqa: B018
    with press.database() as database:
        store = Readers(database, hashes=press.signer().hashes)
        verdict = store.add(address, clean_name(name), proof=Proof(source=source), now=press.utc_now())
    if verdict.added:
        say(f"{address.email} was added")
        return 0
    say(f"{address.email} is known already and stays {verdict.reader.status}")
    return 0 if verdict.reader.status == "active" else 4


@readers.command(short_help="Take one reader off the list.")
@click.argument("email")
@click.pass_obj
def remove(press: Press, email: str) -> None:
    """Take one reader off the list, as if the reader had left; no import brings them back.

    \b
    Example:
      newsletter readers remove marie@example.org
    """
    from newsletter.readers.addresses import read_address
    from newsletter.readers.membership import Step, left
    from newsletter.readers.proof import Proof
    from newsletter.readers.store import Readers

    address = read_address(email, where="EMAIL")
    with press.database() as database:
        store = Readers(database)
        reader = store.find(address)
        if reader is None:
            raise ContentError(
                f"nobody has the address {address.email!r}", where="EMAIL", hint="newsletter readers list"
            )
        store.change(reader.id, left, Step.LEFT, proof=Proof(source="removed by hand"), now=press.utc_now())
    say(f"{address.email} is off the list")


@readers.command("list", short_help="List the readers.")
@click.option("--status", help="pending, active, paused, left, bounced or complained.")
@click.pass_obj
def list_readers(press: Press, status: str | None) -> None:
    """List the readers, or those of one status, and count them.

    \b
    Example:
      newsletter readers list --status left
    """
    from newsletter.readers.store import Readers

    with press.database() as database:
        store = Readers(database)
        chosen = _status(status) if status else None
        table(("email", "name", "status"), ((r.email, r.name, str(r.status)) for r in store.stream(chosen)))
        say(plural(store.count(chosen), "reader"))


@readers.command(short_help="Write the readers as CSV.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="The file to write.  [default: the screen]"
)
@click.pass_obj
def export(press: Press, output: Path | None) -> None:
    """Write all readers as CSV, ready to be imported again.

    \b
    Example:
      newsletter readers export -o readers.csv
    """
    from newsletter.readers.csv_file import write_csv
    from newsletter.readers.store import Readers

    with press.database() as database:
        store = Readers(database)
        if output is None:
            write_csv(sys.stdout, store)
            sys.stdout.flush()
            return
        shown = press.shown(press.folder / output)
        try:
            with (press.folder / output).open("w", encoding="utf-8", newline="") as stream:
                write_csv(stream, store)
        except OSError as error:
            hint = "name another file with -o"
            raise ConfigError(f"cannot be written: {error.strerror}", where=shown, hint=hint) from error
    say(f"wrote {shown}")


def _status(text: str) -> Status:
    from newsletter.errors import nearest
    from newsletter.model import Status

    try:
        return Status(text)
    except ValueError as error:
        meant = nearest(text, Status)
        hint = f'did you mean "{meant}"?' if meant else "known: " + ", ".join(Status)
        raise ConfigError(f"no status is called {text!r}", where="--status", hint=hint) from error
