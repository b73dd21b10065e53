"""The commands about one person: what is kept of them and why, and its end."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from newsletter.cli.ask import ask_number, ask_word
from newsletter.cli.listing import list_rows
from newsletter.cli.screen import bold, harmless, plural, say
from newsletter.errors import ConfigError, ContentError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.cli.press import Press
    from newsletter.readers.addresses import Address
    from newsletter.readers.database import Database
    from newsletter.readers.erasure import Silent

LATELY = 10
"""Issues shown to the person at the keyboard; as data they come all."""


@click.command(short_help="Show all that is kept of a reader.")
@click.argument("address")
@click.option("--json", "as_json", is_flag=True, help="All of it as JSON, to be sent to the reader.")
@click.option("--csv", "as_csv", is_flag=True, help="All of it as CSV, to be sent to the reader.")
@click.pass_obj
def show(press: Press, address: str, as_json: bool, as_csv: bool) -> None:
    """Show what is kept of a reader: status, the proof of consent, issues sent or not, what came back.

    \b
    Example:
      newsletter readers show marie@example.org
      newsletter readers show marie@example.org --json > marie.json
    """
    from newsletter.readers.addresses import read_address
    from newsletter.readers.csv_file import write_rows
    from newsletter.readers.personal import as_rows, personal_data
    from newsletter.readers.store import Readers

    if as_csv and as_json:
        raise ConfigError("either CSV or JSON", where="--csv", hint="leave one of them out")
    wanted = read_address(address, where="ADDRESS")
    with press.database() as database:
        reader = Readers(database).find(wanted)
        if reader is None:
            raise _nobody(press, database, wanted)
        data = personal_data(database, reader.id)
    if as_json:
        click.echo(json.dumps(data, ensure_ascii=False, indent=2))
    elif as_csv:
        write_rows(sys.stdout, ("what", "value"), as_rows(data))
        sys.stdout.flush()
    else:
        _tell(press, data)


@click.command(short_help="Erase a person, for good.")
@click.argument("address")
@click.option("--yes", is_flag=True, help="Do not ask; needed where there is no terminal.")
@click.pass_obj
def erase(press: Press, address: str, yes: bool) -> None:
    """Erase all that is kept of a person, and keep the address out of every list to come.

    What stays is a keyed hash, which tells nobody the address, and that a copy of an issue went to somebody.
    A run that is sending leaves them out. It cannot be undone: only they can come back, by the sign-up form.

    \b
    Example:
      newsletter readers erase marie@example.org
    """
    from newsletter.readers.addresses import read_address
    from newsletter.readers.erasure import erase_address, is_known

    wanted = read_address(address, where="ADDRESS")
    signer = press.signer()
    with press.database() as database:
        if not is_known(database, wanted):
            raise _nobody(press, database, wanted)
        question = f"Type {wanted.email} to erase all that is kept of it"
        ask_word(wanted.email, question, yes=yes, where="readers erase")
        erase_address(database, wanted, hashes=signer.hashes, now=press.utc_now())
    forget_rehearsals(press, [wanted])
    say(f"{wanted.email} is erased, and no list brings it back.")
    say("Not reached are your backups, the mail server's log and files that you exported.")


@click.command("forget-inactive", short_help="Erase whoever gave no sign of life for three years.")
@click.option("--dry-run", is_flag=True, help="List them, and erase nobody.")
@click.option("--yes", is_flag=True, help="Do not ask; needed where there is no terminal.")
@click.pass_obj
def forget_inactive(press: Press, dry_run: bool, yes: bool) -> None:
    """Erase whoever gave no sign of life for three years: nobody may be kept for ever.

    A sign of life is what a person does: to sign up, confirm, pause, come back, move or leave; an import
    counts as the day they said yes. Getting a mail is none, nor is opening it.

    \b
    Example:
      newsletter readers forget-inactive --dry-run
    """
    from newsletter.readers.addresses import Address
    from newsletter.readers.erasure import YEARS, forget, inactive, years_before

    now = press.utc_now()
    with press.database() as database:
        found = list(inactive(database, now))
        list_rows(("email", "name", "status", "last sign of life"), _rows(press, found))
        since = _day(press, years_before(now, YEARS))
        say(f"{plural(len(found), 'reader')} without a sign of life since {since}")
        if dry_run or not found:
            return
        question = f"Type their number ({len(found):,}) to erase them"
        ask_number(len(found), question, yes=yes, where="readers forget-inactive")
        count = forget(database, found, hashes=press.signer().hashes, now=now)
    forget_rehearsals(press, [Address(email=each.reader.email) for each in found])
    say(f"{plural(count, 'reader')} erased")


def _rows(press: Press, found: list[Silent]) -> Iterator[tuple[str, str, str, str]]:
    for each in found:
        reader = each.reader
        yield reader.email, reader.name, str(reader.status), _day(press, each.last)


def forget_rehearsals(press: Press, addresses: list[Address]) -> None:
    """Take these people out of what rehearsals have left behind; raises StoreError."""
    from newsletter.deliver.backends.folder import FolderBackend
    from newsletter.readers.erasure import erase_address

    hashes = press.signer().hashes
    if (press.config.state / "rehearsal.db").exists():
        with press.rehearsal_database() as database:
            for address in addresses:
                erase_address(database, address, hashes=hashes, now=press.utc_now())
    outbox = FolderBackend.configured(press.config.backend_table("folder"))
    try:
        for address in addresses:
            outbox.forget(address.email)
    except OSError as error:
        raise StoreError(f"cannot be deleted: {error.strerror}", where=str(error.filename)) from error


def _nobody(press: Press, database: Database, address: Address) -> ContentError:
    from newsletter.readers.suppression import suppressed

    with database.read() as connection:
        erased = suppressed(connection, [address.key], press.signer().hashes)
    if erased:
        return ContentError(f"{address.email!r} was erased: nothing is kept of it", where="ADDRESS")
    hint = "newsletter readers list --text " + address.email.partition("@")[0]
    return ContentError(f"nobody has the address {address.email!r}", where="ADDRESS", hint=hint)


# ---- what is kept, in words ----


def _tell(press: Press, data: dict[str, Any]) -> None:
    reader = data["reader"]
    until = f" until {_moment(press, reader['paused_until'])}" if reader["paused_until"] else ""
    name = f"{reader['name']} " if reader["name"] else ""
    click.echo(harmless(f"{name}<{reader['email']}>"))
    click.echo(f"  {reader['status']}{until}, known since {_moment(press, reader['since'])}")
    _section("proof of consent", (_step(press, each) for each in data["history"]))
    issues = data["issues"]
    more = f", the last {LATELY} of {len(issues)}" if len(issues) > LATELY else ""
    _section(f"issues{more}", (_issue(each) for each in issues[: -LATELY - 1 : -1]))
    _section("what came back", (_came_back(press, each) for each in data["returned"]))
    _section("what was asked for", (_asked(press, each) for each in data["requests"]))
    _section("decisions", (_decided(press, each) for each in data["decisions"]))


def _section(title: str, lines: Iterator[str]) -> None:
    listed = list(lines)
    if listed:
        click.echo(bold(title))
        for line in listed:
            click.echo(harmless(f"  {line}"))


def _step(press: Press, step: dict[str, Any]) -> str:
    told = [step["source"]]
    told += [f"agreed to “{step['words']}”"] if step["words"] else []
    told += [f"on {step['page']}"] if step["page"] else []
    told += [f"from {step['network']}"] if step["network"] else []
    told += [f"by the issue of {step['issue']}"] if step["issue"] else []
    return f"{_moment(press, step['at'])}  {step['step']:10} {', '.join(filter(None, told))}".rstrip(" ")


def _issue(issue: dict[str, Any]) -> str:
    said = issue["reason"] or next((a["detail"] for a in reversed(issue["attempts"]) if a["detail"]), "")
    return f"{issue['issue']}  {issue['state']:10} {said}".rstrip(" ")


def _came_back(press: Press, back: dict[str, Any]) -> str:
    facts = [
        back["kind"],
        back["code"],
        back["detail"],
        f"of the issue of {back['issue']}" if back["issue"] else "",
    ]
    facts += [f"{back['effect']} ({back['reason']})" if back["reason"] else back["effect"]]
    return f"{_moment(press, back['at'])}  {', '.join(filter(None, facts))}"


def _asked(press: Press, asked: dict[str, Any]) -> str:
    answer = f"{asked['notice']} {asked['state']}".strip(" ")
    facts = [asked["wish"], answer, asked["detail"], f"from {asked['network']}" if asked["network"] else ""]
    return f"{_moment(press, asked['at'])}  {', '.join(filter(None, facts))}"


def _decided(press: Press, decision: dict[str, Any]) -> str:
    facts = [f"{decision['kind']}, of the issue of {decision['issue']}", decision["note"]]
    return f"{_moment(press, decision['at'])}  {', '.join(filter(None, facts))}"


def _moment(press: Press, text: str) -> str:
    return f"{datetime.fromisoformat(text).astimezone(press.zone):%Y-%m-%d %H:%M}"


def _day(press: Press, moment: datetime) -> str:
    return f"{moment.astimezone(press.zone):%Y-%m-%d}"
