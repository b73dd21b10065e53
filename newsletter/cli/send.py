"""The commands by which an issue leaves: test and send."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from newsletter.cli.ask import ask_number, who_decides
from newsletter.cli.begin import (
    check_approval,
    check_witness,
    count_readers,
    frozen_now,
    plan,
    ready,
    same_rehearsal,
    tell_difference,
)
from newsletter.cli.proof import gate
from newsletter.cli.screen import ISSUE_HELP, number, plural, say
from newsletter.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from newsletter.cli.begin import Ready
    from newsletter.cli.hours import Hours
    from newsletter.cli.press import Press
    from newsletter.cli.sending import Books
    from newsletter.deliver.backend import Backend
    from newsletter.deliver.fill import Filler
    from newsletter.deliver.message import MessageTemplate
    from newsletter.readers.ledger import Frozen


@click.command(epilog=ISSUE_HELP, short_help="Send an issue to yourself.")
@click.argument("issue", required=False)
@click.option(
    "--to", "addresses", metavar="ADDRESS", multiple=True, required=True, help="Who gets it; may be repeated."
)
@click.option("--strict", is_flag=True, help="Refuse an issue with errors, as send does.")
@click.pass_obj
def test(press: Press, issue: str | None, addresses: tuple[str, ...], strict: bool) -> int:
    """Send an issue to yourself: [TEST] in the subject, links to leave that lead nowhere, no ledger.

    It is the very mail that readers get, through the same backend. Without ISSUE, the nearest one that was
    not sent.

    \b
    Example:
      newsletter test --to me@example.org --to colleague@example.org
    """
    from newsletter.cli.trial import try_out
    from newsletter.readers.addresses import read_address

    recipients = [read_address(address, where="--to").email for address in addresses]
    backend = press.backend()
    _, edition = gate(press, press.issue_folder(issue, nearest=True), strict=strict)
    failed = 0
    for trial in try_out(press, backend, edition, recipients):
        failed += not trial.left
        say(f"{trial.email}: sent, {trial.said}" if trial.left else f"{trial.email}: {trial.said}")
    return 4 if failed else 0


@click.command(epilog=ISSUE_HELP, short_help="Send an issue to everybody who reads it.")
@click.argument("issue", required=False)
@click.option("--yes", is_flag=True, help="Do not ask; needed where there is no terminal.")
@click.option("--dry-run", is_flag=True, help="Do everything but sending, and write nothing down.")
@click.option("--due", is_flag=True, help="Send what is approved and due, once; for timers, at any moment.")
@click.option("--at", metavar="HH:MM", help="Wait until this hour of the issue's day.")
@click.option("--not-after", metavar="HH:MM", help="Be over by then, or do not begin; exit code 7.")
@click.option("--here", is_flag=True, help="Send from this machine, although there are workers.")
@click.option("--join", is_flag=True, help="Take part in a run that goes on in another terminal.")
@click.option("--strict", is_flag=True, help="Send nothing if anybody's message cannot be made.")
@click.option("--restored", is_flag=True, help="The database is from a backup: doubt whatever it forgot.")
@click.option("--json", "as_json", is_flag=True, help="Events on standard output, for programs.")
@click.pass_obj
def send(press: Press, /, issue: str | None, **options: Any) -> int:
    """Send an issue to everybody who reads it, each one once, whatever happens on the way.

    Shows the plan and asks you to type the number of readers. Run it again at any time: it goes on where it
    was, and never sends to anybody twice. Without ISSUE, today's; a later day's only if its date is typed.
    Where the database is PostgreSQL, the workers do it (`newsletter worker`), and it is followed from here.

    With --due, what [schedule] in newsletter.toml says is due, and only if it was approved: as often and from
    as many machines as you like, one of them sends. See `newsletter schedule`.

    \b
    Example:
      newsletter send
      newsletter send --due
      newsletter send 2026-11-23 --at 07:00 --not-after 07:45 --yes
    """
    if options["due"]:
        from newsletter.cli.due import send_due

        if issue or any(value for name, value in options.items() if name not in ("due", "as_json")):
            hint = "newsletter send --due, or newsletter send ISSUE"
            raise ConfigError("takes no ISSUE and no option but --json", where="--due", hint=hint)
        return send_due(press, as_json=options["as_json"])
    from newsletter.cli.hours import read_hours
    from newsletter.cli.lock import only_run
    from newsletter.cli.sending import open_books, pen
    from newsletter.cli.site import check_url

    folder = press.issue_folder(issue, nearest=False)
    key = folder.name
    if issue == "next":
        raise ConfigError(
            f"the next issue is {key}, a later day's", where="ISSUE", hint=f"newsletter send {key}"
        )
    hours = read_hours(
        options["at"], options["not_after"], day=date.fromisoformat(key), zone=press.zone, now=press.now()
    )
    wishes = Wishes(
        yes=options["yes"],
        dry_run=options["dry_run"],
        strict=options["strict"],
        restored=options["restored"],
        as_json=options["as_json"],
        hours=hours,
    )
    if press.config.send.require_web_version:
        check_url(press)
    backend, write = press.backend(), pen(press)
    here = options["here"] or options["join"]
    with only_run(press, key, join=options["join"]) as beside, open_books(press, backend, here=here) as books:
        if here and not options["join"]:
            _check_workers(books, key)
        return _send(press, books, backend, write, folder, wishes, beside=beside)


def _check_workers(books: Books, key: str) -> None:
    """Raise AnotherRun if workers have the issue in hand: two at once are safe, and seldom meant."""
    from newsletter.cli.lock import AnotherRun
    from newsletter.readers.crew import Crew

    if books.database.conninfo and Crew(books.database).is_busy(key):
        hint = f"newsletter status {key} --watch, or take part: newsletter send {key} --join"
        raise AnotherRun(f"workers are sending {key}", where="fleet", hint=hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What was asked for on the command line."""

    yes: bool
    dry_run: bool
    strict: bool
    restored: bool
    as_json: bool
    hours: Hours


def _send(
    press: Press,
    books: Books,
    backend: Backend,
    write: Callable[[MessageTemplate], Filler],
    folder: Path,
    wishes: Wishes,
    *,
    beside: bool,
) -> int:
    """From the plan to the end of the run, with the issue's lock in hand."""
    from newsletter.cli.sending import Manner, check_everybody, deliver
    from newsletter.cli.web_version import wait_for_page
    from newsletter.deliver.message import MessageTemplate

    key = folder.name
    frozen = books.ledger.frozen(key)
    if not wishes.restored:
        check_witness(books, key)
    if frozen and books.rehearsal:
        frozen = same_rehearsal(books, frozen, gate(press, folder)[1])
    if frozen:
        tell_difference(press, folder, frozen)
        subject, count = frozen.subject, books.ledger.count_owed(key)
        if not count:
            return _finished(books, frozen)
    else:
        subject = _approved(press, books, folder).edition.subject
        if not wishes.dry_run:
            books.readers.resume_all(press.utc_now())
        count = count_readers(books)
    plan(press, key, subject, count, rehearsal=books.rehearsal)
    _check_hours(press, books, count, wishes.hours)
    if wishes.dry_run:
        say("Dry run: nothing was sent and nothing written down.")
        return 0
    ask_number(count, f"Type the number of readers ({number(count)}) to send", yes=wishes.yes, where="send")
    _wait_for_hour(press, wishes.hours)
    if not frozen:
        frozen = frozen_now(press, books, _approved(press, books, folder))
        _check_hours(press, books, books.ledger.count_owed(key), wishes.hours)
    if wishes.restored and not books.rehearsal:
        _doubt_all(press, books, key)
    filler = write(MessageTemplate.loads(frozen.template))
    if press.config.send.require_web_version and not books.rehearsal:
        wait_for_page(press, key, wishes.hours)
    if wishes.strict:
        check_everybody(filler, books.ledger, key)
    manner = Manner(hours=wishes.hours, beside=beside, as_json=wishes.as_json)
    return deliver(press, books, backend, filler, frozen, manner)


def _approved(press: Press, books: Books, folder: Path) -> Ready:
    """The issue as its files are now, which may be later than the plan was shown; nobody objects to it."""
    found = ready(press, folder)
    if not books.rehearsal:
        required = press.config.send.approval == "required"
        check_approval(press, books.database, found.edition, required=required)
    return found


def _doubt_all(press: Press, books: Books, key: str) -> None:
    from newsletter.readers.decisions import Decisions

    count = Decisions(books.database).doubt_all(key, who=who_decides(None), now=press.utc_now())
    say(f"{plural(count, 'reader')} may have the issue already, and is in doubt now.")
    say(f"What the mail server knows of them: newsletter settle {key} --log /var/log/mail.log")


def _check_hours(press: Press, books: Books, count: int, hours: Hours) -> None:
    """Raise TooLate if the run could not be over in time at the pace that is set."""
    from newsletter.cli.hours import needed

    settings = press.config.send
    if books.dispatch:
        paces = [relay.per_second for relay in press.config.relays if relay.share]
        settings = replace(settings, per_second=sum(paces) if all(paces) else 0.0)
    of_domains = {name: books.readers.count_at(name) for name in settings.domains}
    hours.check(press.now(), needed(count, of_domains, settings))


def _wait_for_hour(press: Press, hours: Hours) -> None:
    from newsletter.cli.screen import progress

    if hours.at is None:
        return
    with progress(1) as shown:
        while (left := (hours.at - press.now()).total_seconds()) > 0:
            shown.waiting("the hour to send", hours.at, press.now())
            time.sleep(min(left, 1.0))


def _finished(books: Books, frozen: Frozen) -> int:
    from newsletter.cli.tallies import in_words

    tally = books.ledger.tally(frozen.key)
    say(f"Nothing is owed any more: {in_words(tally)}")
    return 5 if tally.in_doubt else 0
