"""The commands by which an issue leaves: test and send."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from newsletter.cli.ask import ask_number, who_decides
from newsletter.cli.proof import gate
from newsletter.cli.screen import ISSUE_HELP, bold, number, plural, say
from newsletter.errors import ConfigError, ContentError, NewsletterError

if TYPE_CHECKING:
    from collections.abc import Callable

    from newsletter.cli.press import Press
    from newsletter.cli.schedule import Schedule
    from newsletter.cli.sending import Books
    from newsletter.deliver.backend import Backend
    from newsletter.deliver.fill import Filler
    from newsletter.deliver.message import MessageTemplate
    from newsletter.model import Edition
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
@click.option("--at", metavar="HH:MM", help="Wait until this hour of the issue's day.")
@click.option("--not-after", metavar="HH:MM", help="Be over by then, or do not begin; exit code 7.")
@click.option("--join", is_flag=True, help="Take part in a run that goes on in another terminal.")
@click.option("--strict", is_flag=True, help="Send nothing if anybody's message cannot be made.")
@click.option("--restored", is_flag=True, help="The database is from a backup: doubt whatever it forgot.")
@click.option("--json", "as_json", is_flag=True, help="Events on standard output, for programs.")
@click.pass_obj
def send(press: Press, /, issue: str | None, **options: Any) -> int:
    """Send an issue to everybody who reads it, each one once, whatever happens on the way.

    Shows the plan and asks you to type the number of readers. Run it again at any time: it goes on where it
    was, and never sends to anybody twice. Without ISSUE, today's; a later day's only if its date is typed.

    \b
    Example:
      newsletter send
      newsletter send 2026-11-23 --at 07:00 --not-after 07:45 --yes
    """
    from newsletter.cli.lock import only_run
    from newsletter.cli.schedule import read_schedule
    from newsletter.cli.sending import open_books, pen
    from newsletter.cli.site import check_url

    folder = press.issue_folder(issue, nearest=False)
    key = folder.name
    if issue == "next":
        raise ConfigError(
            f"the next issue is {key}, a later day's", where="ISSUE", hint=f"newsletter send {key}"
        )
    schedule = read_schedule(
        options["at"], options["not_after"], day=date.fromisoformat(key), zone=press.zone, now=press.now()
    )
    wishes = Wishes(
        yes=options["yes"],
        dry_run=options["dry_run"],
        strict=options["strict"],
        restored=options["restored"],
        as_json=options["as_json"],
        schedule=schedule,
    )
    if press.config.send.require_web_version:
        check_url(press)
    backend, write = press.backend(), pen(press)
    with only_run(press, key, join=options["join"]) as beside, open_books(press, backend) as books:
        return _send(press, books, backend, write, folder, wishes, beside=beside)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What was asked for on the command line."""

    yes: bool
    dry_run: bool
    strict: bool
    restored: bool
    as_json: bool
    schedule: Schedule


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
    from newsletter.model import Status

    key = folder.name
    frozen = books.ledger.frozen(key)
    if not wishes.restored:
        _check_witness(books, key)
    if frozen and books.rehearsal:
        frozen = _same_rehearsal(books, frozen, gate(press, folder)[1])
    if frozen:
        _tell_difference(press, folder, frozen)
        subject, count = frozen.subject, books.ledger.count_owed(key)
        if not count:
            return _finished(books, frozen)
    else:
        edition = gate(press, folder)[1]
        _check_approval(press, books, edition)
        if not wishes.dry_run:
            books.readers.resume_all(press.utc_now())
        subject, count = edition.subject, books.readers.count(Status.ACTIVE)
        if not count:
            hint = "newsletter readers import FILE.csv --source WHERE"
            raise ConfigError("there is nobody to send to", where="readers", hint=hint)
    _plan(press, key, subject, count, rehearsal=books.rehearsal)
    _check_hours(press, books, count, wishes.schedule)
    if wishes.dry_run:
        say("Dry run: nothing was sent and nothing written down.")
        return 0
    ask_number(count, f"Type the number of readers ({number(count)}) to send", yes=wishes.yes, where="send")
    _wait_for_hour(press, wishes.schedule)
    if not frozen:
        frozen = _frozen(press, books, folder)
        _check_hours(press, books, books.ledger.count_owed(key), wishes.schedule)
    if wishes.restored and not books.rehearsal:
        _doubt_all(press, books, key)
    filler = write(MessageTemplate.loads(frozen.template))
    if press.config.send.require_web_version and not books.rehearsal:
        wait_for_page(press, key, wishes.schedule)
    if wishes.strict:
        check_everybody(filler, books.ledger, key, press.utc_now())
    manner = Manner(schedule=wishes.schedule, beside=beside, as_json=wishes.as_json)
    return deliver(press, books, backend, filler, frozen, manner)


def _frozen(press: Press, books: Books, folder: Path) -> Frozen:
    """The issue frozen as its files are now, which may be later than the plan was shown."""
    from newsletter.cli.sending import freeze
    from newsletter.deliver.message import cut

    files = press.files_digest(folder)
    edition = gate(press, folder)[1]
    _check_approval(press, books, edition)
    template = cut(edition, press.config.publication, at=press.now())
    return freeze(press, books, edition, template, files=files)


def _check_witness(books: Books, key: str) -> None:
    """Raise StoreError if the database has forgotten copies that had left, as one from a backup has."""
    from newsletter.readers.accounts import Accounts

    if books.witness is None:
        return
    books.witness.check(Accounts(books.database).standing(key), key)
    if books.witness.trouble:
        say(f"Warning: {books.witness.trouble}")


def _doubt_all(press: Press, books: Books, key: str) -> None:
    from newsletter.readers.decisions import Decisions

    count = Decisions(books.database).doubt_all(key, who=who_decides(None), now=press.utc_now())
    say(f"{plural(count, 'reader')} may have the issue already, and is in doubt now.")
    say(f"What the mail server knows of them: newsletter settle {key} --log /var/log/mail.log")


def _check_approval(press: Press, books: Books, edition: Edition) -> None:
    """Raise ContentError if this is not what was approved, or nobody approved it where somebody must."""
    from newsletter.readers.approvals import Approvals, differences, parts_of, text_difference, text_of

    if books.rehearsal:
        return
    key = edition.key
    approval = Approvals(books.database).last(key)
    if approval is None:
        if press.config.send.approval == "required":
            message = "nobody has approved this issue"
            raise ContentError(message, where=f"issues/{key}", hint=f"newsletter approve {key}")
        return
    if approval.fingerprint != edition.fingerprint:
        changed = "; ".join(differences(approval, parts_of(edition)))
        for line in text_difference(approval, text_of(edition)):
            say(f"  {line}")
        at = approval.at.astimezone(press.zone)
        message = f"not what {approval.who} approved at {at:%H:%M on %d %B}: {changed}"
        hint = f"look at it, then newsletter approve {key}"
        raise ContentError(message, where=f"issues/{key}", hint=hint)


def _check_hours(press: Press, books: Books, count: int, schedule: Schedule) -> None:
    """Raise TooLate if the run could not be over in time at the pace that is set."""
    from newsletter.cli.schedule import needed

    settings = press.config.send
    of_domains = {name: books.readers.count_at(name) for name in settings.domains}
    schedule.check(press.now(), needed(count, of_domains, settings))


def _wait_for_hour(press: Press, schedule: Schedule) -> None:
    from newsletter.cli.screen import progress

    if schedule.at is None:
        return
    with progress(1) as shown:
        while (left := (schedule.at - press.now()).total_seconds()) > 0:
            shown.waiting("the hour to send", schedule.at, press.now())
            time.sleep(min(left, 1.0))


def _same_rehearsal(books: Books, frozen: Frozen, edition: Edition) -> Frozen | None:
    """A rehearsal that was interrupted goes on; one that is done, or of other bytes, begins again."""
    if frozen.fingerprint == edition.fingerprint and books.ledger.tally(frozen.key).owed:
        return frozen
    say(f"{frozen.key} was rehearsed before; this is a new rehearsal.")
    return None


def _tell_difference(press: Press, folder: Path, frozen: Frozen) -> None:
    """One line if the files are no longer what is being sent: the frozen bytes go on all the same."""
    say(f"{bold(frozen.key)} was frozen at {frozen.frozen_at.astimezone(press.zone):%H:%M on %d %B %Y}.")
    if press.files_digest(folder) == frozen.files:
        return  # composing takes as long as hundreds of mails, which is not for a run that goes on
    try:
        same = press.edition(press.issue(folder)).fingerprint == frozen.fingerprint
    except NewsletterError as error:
        say(f"Its files cannot be composed any more ({error}); what was frozen goes on.")
        return
    if not same:
        say("Its files have changed since; what was frozen goes on.")


def _finished(books: Books, frozen: Frozen) -> int:
    from newsletter.cli.tallies import in_words

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
