"""The commands about people: who reads us."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from newsletter.cli.incoming import import_readers
from newsletter.cli.listing import list_rows
from newsletter.cli.person import erase, forget_inactive, show
from newsletter.cli.private import open_private
from newsletter.cli.screen import plural, say
from newsletter.errors import ConfigError, ContentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from newsletter.cli.press import Press
    from newsletter.model import Status
    from newsletter.readers.people import Which


@click.group(short_help="Who reads us: import, add, remove, list, export, show, erase, forget-inactive.")
def readers() -> None:
    """Who reads us, and what is kept of them."""


readers.add_command(import_readers)


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
    if verdict.erased:
        say(f"{address.email} was erased: only they themselves can come back, by the sign-up form")
        return 4
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


def _filters(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say which readers are meant."""
    for option in (
        click.option("--text", default="", help="A part of address or name, whatever the accents."),
        click.option(
            "--since",
            type=click.DateTime(["%Y-%m-%d"]),
            metavar="YYYY-MM-DD",
            help="Only who has come since that day.",
        ),
        click.option("--domain", default="", help="Only addresses at this domain, such as gmail.com."),
        click.option("--status", help="pending, active, paused, left, bounced or complained."),
    ):
        command = option(command)
    return command


@readers.command("list", short_help="List the readers.")
@_filters
@click.pass_obj
def list_readers(press: Press, /, **filters: Any) -> None:
    """List the readers, or some of them, and count them.

    \b
    Example:
      newsletter readers list --status left
      newsletter readers list --domain orange.fr --since 2026-11-01
    """
    from newsletter.readers.people import find_people

    which = _which(press, **filters)
    count = 0
    with press.database() as database:

        def rows() -> Iterator[tuple[str, str, str, str]]:
            nonlocal count
            for listed in find_people(database, which):
                count += 1
                reader = listed.reader
                since = f"{listed.since.astimezone(press.zone):%Y-%m-%d}"
                yield reader.email, reader.name, str(reader.status), since

        list_rows(("email", "name", "status", "since"), rows())
    say(plural(count, "reader"))


@readers.command(short_help="Write the readers as CSV.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="The file to write.  [default: the screen]"
)
@_filters
@click.pass_obj
def export(press: Press, /, output: Path | None, **filters: Any) -> None:
    """Write the readers, or some of them, as CSV: ready to be imported again, each with their status.

    \b
    Example:
      newsletter readers export -o readers.csv
      newsletter readers export --status active > active.csv
    """
    from newsletter.readers.csv_file import write_csv
    from newsletter.readers.people import find_people

    which = _which(press, **filters)
    with press.database() as database:
        found = (listed.reader for listed in find_people(database, which))
        if output is None:
            write_csv(sys.stdout, found)
            sys.stdout.flush()
            return
        shown = press.shown(press.folder / output)
        try:
            with open_private(press.folder / output) as stream:
                write_csv(stream, found)
        except OSError as error:
            hint = "name another file with -o"
            raise ConfigError(f"cannot be written: {error.strerror}", where=shown, hint=hint) from error
    say(f"wrote {shown}")


readers.add_command(show)
readers.add_command(erase)
readers.add_command(forget_inactive)


def _which(press: Press, *, status: str | None, domain: str, since: datetime | None, text: str) -> Which:
    from newsletter.readers.people import Which

    return Which(
        status=_status(status) if status else None,
        domain=domain,
        since=since.replace(tzinfo=press.zone) if since else None,
        text=text,
    )


def _status(text: str) -> Status:
    from newsletter.errors import nearest
    from newsletter.model import Status

    try:
        return Status(text)
    except ValueError as error:
        meant = nearest(text, Status)
        hint = f'did you mean "{meant}"?' if meant else "known: " + ", ".join(Status)
        raise ConfigError(f"no status is called {text!r}", where="--status", hint=hint) from error
