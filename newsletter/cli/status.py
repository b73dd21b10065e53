"""The command that says what became of an issue."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import click

from newsletter.cli.screen import ISSUE_HELP, bold, plural, say
from newsletter.errors import ConfigError, ContentError, StoreError

if TYPE_CHECKING:
    from newsletter.cli.press import Press
    from newsletter.readers.accounts import LedgerRow, Tally
    from newsletter.readers.approvals import Approval
    from newsletter.readers.database import Database
    from newsletter.readers.decisions import Decision
    from newsletter.readers.ledger import Frozen


@click.command(epilog=ISSUE_HELP, short_help="What became of an issue.")
@click.argument("issue", required=False)
@click.option("--csv", "as_csv", is_flag=True, help="Whoever did not get it as CSV, for spreadsheets.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@click.option("--watch", is_flag=True, help="Follow the run in another terminal until it ends.")
@click.pass_obj
def status(press: Press, issue: str | None, as_csv: bool, as_json: bool, watch: bool) -> int:
    """What became of an issue: everybody accounted for, and by name whoever did not get it.

    Exit code 5 if there are doubts, 4 if somebody is still owed the issue. Without ISSUE, today's.

    \b
    Example:
      newsletter status 2026-11-23 --watch
      newsletter status 2026-11-23 --csv > missing.csv
    """
    from newsletter.readers.ledger import Ledger

    if as_csv and as_json:
        raise ConfigError("either CSV or JSON", where="--csv", hint="leave one of them out")
    folder = press.issue_folder(issue, nearest=False)
    key = folder.name
    approval = None
    if press.has_database():
        with press.database() as database:
            if frozen := Ledger(database).frozen(key):
                return _Report(press, database, frozen).show(as_csv=as_csv, as_json=as_json, watch=watch)
            approval = _approval(database, key)
    _not_sent(press, key, approval, is_there=folder.is_dir(), as_csv=as_csv, as_json=as_json)
    return 0


def _not_sent(
    press: Press, key: str, approval: Approval | None, *, is_there: bool, as_csv: bool, as_json: bool
) -> None:
    from newsletter.cli.listing import list_json
    from newsletter.readers.accounts import Tally

    rehearsal = _rehearsal(press, key)
    if not is_there and not rehearsal:
        raise ContentError("no such issue", where=f"issues/{key}", hint=f"newsletter new {key}")
    if as_json:
        list_json(_facts(key, None, Tally(audience=0), approval), "not_sent", ())
        return
    if as_csv:
        _write_csv(())
    say(f"{bold(key)} was not sent.")
    if approval:
        say(_approved(press, approval))
    if rehearsal:
        say(rehearsal)


def _rehearsal(press: Press, key: str) -> str:
    """What became of the issue's rehearsal, in words; "" if none was held."""
    from newsletter.cli.tallies import in_words
    from newsletter.readers.ledger import Ledger

    if not (press.config.state / "rehearsal.db").exists():
        return ""
    with press.rehearsal_database() as database:
        ledger = Ledger(database, rehearsal=True)
        frozen = ledger.frozen(key)
        if not frozen:
            return ""
        at = frozen.frozen_at.astimezone(press.zone)
        return f"A rehearsal was held at {at:%H:%M on %d %B %Y}: {in_words(ledger.tally(key))}"


class _Report:
    """What became of one issue that was frozen."""

    def __init__(self, press: Press, database: Database, frozen: Frozen) -> None:
        from newsletter.readers.ledger import Ledger

        self._press = press
        self._database = database
        self._frozen = frozen
        self._ledger = Ledger(database)

    def show(self, *, as_csv: bool, as_json: bool, watch: bool) -> int:
        """Show it, after the end of the run if that is to be watched; the exit code."""
        from newsletter.cli.watch import follow

        key = self._frozen.key
        if watch:
            try:
                follow(self._press, self._database, key)
            except KeyboardInterrupt:
                say("No longer watching; the run goes on.")
                return 130
        if as_json:
            self._print_json()
        else:
            self._tell()
            if as_csv:
                _write_csv(self._missing())
            else:
                self._print_table()
        tally = self._ledger.tally(key)
        return 5 if tally.in_doubt else 4 if tally.owed else 0

    def _missing(self) -> Iterator[LedgerRow]:
        """Whoever did not get it, first those for whom there is something to do."""
        from newsletter.model import State

        order = (State.IN_DOUBT, State.OWED, State.REFUSED, State.EXPIRED, State.WITHHELD)
        return (row for state in order for row in self._ledger.rows(self._frozen.key, state))

    def _tell(self) -> None:
        from newsletter.cli.tallies import in_words
        from newsletter.readers.accounts import Accounts
        from newsletter.readers.decisions import Decisions

        frozen, tally = self._frozen, self._ledger.tally(self._frozen.key)
        say(f"{bold(frozen.subject)}")
        at = frozen.frozen_at.astimezone(self._press.zone)
        say(f"{frozen.key}, frozen at {at:%H:%M on %d %B %Y}: {in_words(tally)}")
        if rate := Accounts(self._database).rate(frozen.key):
            say(f"Sent at {rate.per_second:,.1f} a second, pauses left out.")
        if approval := _approval(self._database, frozen.key):
            say(_approved(self._press, approval))
        for decision in Decisions(self._database).made(frozen.key):
            say(_decided(self._press, decision))
        from newsletter.cli.crew import lines, standing_of

        crew = standing_of(self._press, self._database, frozen.key)
        if crew and crew.closed < crew.batches:
            for line in lines(self._press, crew):
                say(line)
        if not tally.holds:
            say("The books do not balance: somebody is not accounted for.")
        self._tell_witness()

    def _tell_witness(self) -> None:
        from newsletter.readers.accounts import Accounts
        from newsletter.readers.witness import NAME, Witness

        try:
            witness = Witness(self._press.config.state / NAME)
            witness.check(Accounts(self._database).standing(self._frozen.key), self._frozen.key)
        except StoreError as error:
            say(f"{error}")

    def _print_table(self) -> None:
        from newsletter.cli.listing import list_rows

        zone = self._press.zone
        list_rows(
            ("reader", "state", "what was said", "next try"),
            (
                (
                    row.email or row.reader_id,
                    row.state,
                    row.reason or row.last_detail,
                    f"{row.next_at.astimezone(zone):%H:%M on %d %B}" if row.next_at else "",
                )
                for row in self._missing()
            ),
        )

    def _print_json(self) -> None:
        from newsletter.cli.crew import facts as crew_facts
        from newsletter.cli.crew import standing_of
        from newsletter.cli.listing import list_json
        from newsletter.readers.accounts import Accounts
        from newsletter.readers.decisions import Decisions

        key = self._frozen.key
        accounts = Accounts(self._database)
        rate, standing = accounts.rate(key), accounts.standing(key)
        facts = _facts(key, self._frozen, self._ledger.tally(key), _approval(self._database, key))
        facts["cancelled_at"] = standing.cancelled_at.isoformat() if standing.cancelled_at else None
        facts["paused_at"] = standing.paused_at.isoformat() if standing.paused_at else None
        facts |= crew_facts(self._press, standing_of(self._press, self._database, key))
        facts["per_second"] = round(rate.per_second, 1) if rate else None
        facts["decisions"] = [
            {"at": one.at.isoformat(), "who": one.who, "kind": one.kind, "readers": one.readers}
            for one in Decisions(self._database).made(key)
        ]
        rows = (
            {"email": row.email, "reader": row.reader_id, "state": row.state}
            | {"detail": row.reason or row.last_detail, "attempts": row.attempts}
            | {"next_at": row.next_at.isoformat() if row.next_at else None}
            for row in self._missing()
        )
        list_json(facts, "not_sent", rows)


def _facts(key: str, frozen: Frozen | None, tally: Tally, approval: Approval | None) -> dict[str, object]:
    """The same keys whether or not the issue was sent: what is not known is null."""
    from newsletter.cli.tallies import facts

    approved = approval and {
        "fingerprint": approval.fingerprint,
        "at": approval.at.isoformat(),
        "who": approval.who,
    }
    return {
        "issue": key,
        "subject": frozen.subject if frozen else None,
        "fingerprint": frozen.fingerprint if frozen else None,
        "frozen_at": frozen.frozen_at.isoformat() if frozen else None,
        **facts(tally),
        "cancelled_at": None,
        "paused_at": None,
        "batches": None,
        "relays": [],
        "workers": [],
        "per_second": None,
        "approval": approved,
        "decisions": [],
    }


def _approval(database: Database, key: str) -> Approval | None:
    from newsletter.readers.approvals import Approvals

    return Approvals(database).last(key)


def _approved(press: Press, approval: Approval) -> str:
    at = approval.at.astimezone(press.zone)
    return f"Approved by {approval.who} at {at:%H:%M on %d %B %Y}, {approval.fingerprint[:12]}."


def _decided(press: Press, decision: Decision) -> str:
    """Such as "Cancelled by ada at 06:58 on 23 November 2026: 988 readers"."""
    from newsletter.readers.decisions import Kind

    what = {
        Kind.CANCEL: "Cancelled",
        Kind.PAUSE: "Paused",
        Kind.RESUME: "Resumed",
        Kind.SENT: "Settled as sent",
        Kind.RESEND: "To be sent again, settled",
        Kind.RESTORED: "Taken as in doubt, the database being from a backup,",
    }[decision.kind]
    at = decision.at.astimezone(press.zone)
    words = f"{what} by {decision.who} at {at:%H:%M on %d %B %Y}: {plural(decision.readers, 'reader')}"
    return f"{words}, {decision.note}." if decision.kind is Kind.PAUSE and decision.note else f"{words}."


def _write_csv(rows: Iterable[LedgerRow]) -> None:
    from newsletter.readers.csv_file import write_rows

    cells = (
        (
            row.email or row.reader_id,
            row.name,
            row.state,
            row.reason or row.last_detail,
            str(row.attempts),
            row.next_at.isoformat() if row.next_at else "",
        )
        for row in rows
    )
    write_rows(sys.stdout, ("email", "name", "state", "detail", "attempts", "next_at"), cells)
    sys.stdout.flush()
