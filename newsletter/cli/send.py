"""The commands by which an issue leaves: test and send."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli.compose import edition_of
from newsletter.cli.screen import ISSUE_HELP, bold, number, plural, say
from newsletter.errors import ConfigError, DeliveryError, NewsletterError, Unavailable

if TYPE_CHECKING:
    from newsletter.cli.press import Press
    from newsletter.cli.run import Books
    from newsletter.model import Edition
    from newsletter.readers.ledger import Frozen


@click.command(epilog=ISSUE_HELP, short_help="Send an issue to yourself.")
@click.argument("issue", required=False)
@click.option(
    "--to", "addresses", metavar="ADDRESS", multiple=True, required=True, help="Who gets it; may be repeated."
)
@click.pass_obj
def test(press: Press, issue: str | None, addresses: tuple[str, ...]) -> int:
    """Send an issue to yourself: [TEST] in the subject, links to leave that lead nowhere, no ledger.

    It is the very mail that readers get, through the same backend. Without ISSUE, the nearest one that was
    not sent.

    \b
    Example:
      newsletter test --to me@example.org --to colleague@example.org
    """
    from newsletter.deliver.message import cut
    from newsletter.model import Reader
    from newsletter.readers.addresses import read_address

    config = press.config
    recipients = [read_address(address, where="--to").email for address in addresses]
    backend = press.backend()
    _, edition = edition_of(press, press.issue_folder(issue, nearest=True))
    now = press.now()
    template = cut(edition, config.publication, at=now, test=True)
    links = press.links(dead=True)
    failed = 0
    backend.open()
    try:
        for count, email in enumerate(recipients):
            # Each test is a message of its own: Gmail hides a second one with the same Message-ID.
            reader = Reader(id=f"test-{now.timestamp()}-{count}", email=email, name="")
            try:
                receipt = backend.send(template.fill(reader, links), lambda: None)
                say(f"{email}: sent, {receipt}")
            except Unavailable:
                raise
            except DeliveryError as error:
                failed += 1
                say(f"{email}: {error.message}")
    finally:
        backend.close()
    return 4 if failed else 0


@click.command(epilog=ISSUE_HELP, short_help="Send an issue to everybody who reads it.")
@click.argument("issue", required=False)
@click.option("--yes", is_flag=True, help="Do not ask; needed where there is no terminal.")
@click.option("--dry-run", is_flag=True, help="Do everything but sending, and write nothing down.")
@click.pass_obj
def send(press: Press, issue: str | None, yes: bool, dry_run: bool) -> int:
    """Send an issue to everybody who reads it, each one once, whatever happens on the way.

    Shows the plan and asks you to type the number of readers. Run it again at any time: it goes on where it
    was, and never sends to anybody twice. Without ISSUE, today's; a later day's only if its date is typed.

    \b
    Example:
      newsletter send
      newsletter send 2026-11-23 --yes
    """
    from newsletter.cli.run import deliver, freeze, only_run, open_books
    from newsletter.deliver.message import cut
    from newsletter.model import Status

    folder = press.issue_folder(issue, nearest=False)
    key = folder.name
    if issue == "next":
        raise ConfigError(
            f"the next issue is {key}, a later day's", where="ISSUE", hint=f"newsletter send {key}"
        )
    backend, links = press.backend(), press.links()
    with only_run(press, key), open_books(press, backend) as books:
        frozen = books.ledger.frozen(key)
        if frozen and books.rehearsal:
            frozen = _same_rehearsal(books, frozen, edition_of(press, folder)[1])
        if frozen:
            edition = None
            _tell_difference(press, folder, frozen)
            subject, count = frozen.subject, books.ledger.tally(key).owed
            if not count:
                return _finished(books, frozen)
        else:
            edition = edition_of(press, folder)[1]
            subject, count = edition.subject, books.readers.count(Status.ACTIVE)
            if not count:
                hint = "newsletter readers import FILE.csv"
                raise ConfigError("there is nobody to send to", where="readers", hint=hint)
        _plan(press, key, subject, count, rehearsal=books.rehearsal)
        if dry_run:
            say("Dry run: nothing was sent and nothing written down.")
            return 0
        _confirm(count, yes=yes)
        if edition:
            frozen = freeze(press, books, edition, cut(edition, press.config.publication, at=press.now()))
        return deliver(press, books, backend, links, frozen) if frozen else 0


def _same_rehearsal(books: Books, frozen: Frozen, edition: Edition) -> Frozen | None:
    """A rehearsal that was interrupted goes on; one that is done, or of other bytes, begins again."""
    if frozen.fingerprint == edition.fingerprint and books.ledger.tally(frozen.key).owed:
        return frozen
    say(f"{frozen.key} was rehearsed before; this is a new rehearsal.")
    return None


def _tell_difference(press: Press, folder: Path, frozen: Frozen) -> None:
    """One line if the files are no longer what is being sent: the frozen bytes go on all the same."""
    say(f"{bold(frozen.key)} was frozen at {frozen.frozen_at.astimezone(press.zone):%H:%M on %d %B %Y}.")
    try:
        same = press.edition(press.issue(folder)).fingerprint == frozen.fingerprint
    except NewsletterError as error:
        say(f"Its files cannot be composed any more ({error}); what was frozen goes on.")
        return
    if not same:
        say("Its files have changed since; what was frozen goes on.")


def _finished(books: Books, frozen: Frozen) -> int:
    from newsletter.cli.run import in_words

    tally = books.ledger.tally(frozen.key)
    say(f"Nothing is owed any more: {in_words(tally)}")
    return 5 if tally.in_doubt else 0


def _plan(press: Press, key: str, subject: str, count: int, *, rehearsal: bool) -> None:
    config = press.config
    sender = config.publication.sender
    say(f"{bold(subject)}")
    say(f"  issue    {key}")
    say(f"  from     {sender.name} <{sender.address}>")
    say(f"  to       {plural(count, 'reader')}")
    say(f"  through  {config.send.backend}{' (a rehearsal: nobody gets mail)' if rehearsal else ''}")


def _confirm(count: int, *, yes: bool) -> None:
    """Go on only if the person types the number of readers; raises ConfigError without a terminal."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigError(
            "nobody is there to confirm", where="send", hint="add --yes, or --dry-run to look only"
        )
    try:
        typed = click.prompt(f"Type the number of readers ({number(count)}) to send", err=True)
    except click.Abort:
        say("")  # the cursor still stands behind the question
        raise
    if re.sub(r"\D", "", str(typed)) != str(count):
        hint = "run it again, and type the number that it shows"
        raise ConfigError(f"{typed!r} is not {number(count)}: nothing was sent", where="send", hint=hint)
