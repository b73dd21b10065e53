"""The command by which doubts are settled: by a relay's log, or by a person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import click

from newsletter.cli.decide import frozen_issue
from newsletter.cli.screen import ISSUE_HELP, number, plural, say
from newsletter.errors import ConfigError

if TYPE_CHECKING:
    from newsletter.cli.press import Press
    from newsletter.deliver.mail_log import MailLog, Trace
    from newsletter.readers.accounts import LedgerRow, Tally
    from newsletter.readers.database import Database

AT_ONCE = 500
"""Doubts settled in one transaction."""

TOLD = 20
"""Copies told one by one when a log settles them; the rest are counted."""

_GZIP = "\x1f\ufffd"  # the first bytes of RFC 1952 §2.3.1, read as text


@click.command(epilog=ISSUE_HELP, short_help="Find out about doubts, and settle them.")
@click.argument("issue", required=False)
@click.option(
    "--log",
    "logs",
    metavar="FILE",
    multiple=True,
    help="Postfix's mail.log; may be repeated; - reads a pipe.",
)
@click.option("--sent", is_flag=True, help="Decide that they have it.")
@click.option("--resend", is_flag=True, help="Decide that they get it again: perhaps a second copy.")
@click.option("--reader", "named", metavar="ADDRESS", multiple=True, help="Of whom; may be repeated.")
@click.option("--all", "everybody", is_flag=True, help="Of everybody who is still in doubt.")
@click.option("--yes", is_flag=True, help="Do not ask; needed where there is no terminal.")
@click.option("--who", help="Who decides.  [default: your user name]")
@click.option("--json", "as_json", is_flag=True, help="The doubts as JSON, for programs.")
@click.pass_obj
def settle(press: Press, /, issue: str | None, **options: Any) -> int:
    """List the copies of which nobody can tell whether they arrived, and settle them.

    Look for their Message-IDs in your mail server's log, or let --log do so: what it proves to have been
    accepted is settled as sent. That it has no trace of a copy proves nothing: the rest is for you to decide,
    by --sent or --resend. Exit code 5 while doubts remain, 4 if somebody is owed the issue. Without ISSUE,
    today's.

    \b
    Example:
      newsletter settle 2026-11-23 --log /var/log/mail.log
      newsletter settle 2026-11-23 --resend --reader marie@example.org
    """
    from newsletter.readers.ledger import Ledger

    wishes = _Wishes(**options)
    key = press.issue_folder(issue, nearest=False).name
    with frozen_issue(press, key) as database:
        doubts = _Doubts(press, database, key)
        log = doubts.settle_by_log(wishes.logs) if wishes.logs else None
        if wishes.sent or wishes.resend:
            doubts.settle_by_person(wishes)
        tally = Ledger(database).tally(key)
        if wishes.as_json:
            doubts.print_json(tally, log)
        elif tally.in_doubt:
            doubts.print_table(log)
    _tell(press, key, tally, log)
    return 5 if tally.in_doubt else 4 if tally.owed else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wishes:
    """What was asked for on the command line; raises ConfigError for what cannot be meant."""

    logs: tuple[str, ...]
    sent: bool
    resend: bool
    named: tuple[str, ...]
    everybody: bool
    yes: bool
    who: str | None
    as_json: bool

    def __post_init__(self) -> None:
        hint = "newsletter settle ISSUE --sent --reader ADDRESS, or --resend; --all for everybody in doubt"
        if self.sent and self.resend:
            raise ConfigError("either they have it or they get it again", where="--resend", hint=hint)
        if (self.sent or self.resend) == (not self.named and not self.everybody):
            message = "say of whom" if self.sent or self.resend else "say what is decided"
            raise ConfigError(message, where="settle", hint=hint)
        if self.named and self.everybody:
            raise ConfigError("either some readers or all", where="--all", hint=hint)


class _Doubts:
    """The doubts of one issue, with what is known of them."""

    def __init__(self, press: Press, database: Database, key: str) -> None:
        from newsletter.readers.decisions import Decisions
        from newsletter.readers.ledger import Ledger

        self._press = press
        self._database = database
        self._key = key
        self._ledger = Ledger(database)
        self._decisions = Decisions(database)
        self._copies = press.links().copies(date.fromisoformat(key))

    def _rows(self) -> Iterator[LedgerRow]:
        from newsletter.model import State

        return self._ledger.rows(self._key, State.IN_DOUBT)

    def _message_id(self, row: LedgerRow) -> str:
        _, _, message_id, _ = self._copies.copy(row.reader_id)
        return message_id

    def settle_by_log(self, names: Iterable[str]) -> MailLog:
        """Settle as sent what these logs prove to have been accepted, and tell whom that concerns."""
        from newsletter.deliver.mail_log import MailLog
        from newsletter.readers.decisions import Kind

        doubts = {self._message_id(row): (row.reader_id, _name(row)) for row in self._rows()}
        log = MailLog(doubts)
        _read(self._press, names, log)
        proved = [(*doubts[one], trace) for one, trace in log.traces.items() if trace.accepted]
        lines = {reader_id: trace.delivered or trace.accepted for reader_id, _, trace in proved}
        now = self._press.utc_now()
        done = set(self._decisions.settle(self._key, lines, kind=Kind.SENT, who="log", now=now))
        told = [(name, lines[reader_id]) for reader_id, name, _ in proved if reader_id in done]
        for name, line in told[:TOLD]:
            say(f"{name}: accepted: {line}")
        if len(told) > TOLD:
            say(f"… and {number(len(told) - TOLD)} more")
        return log

    def settle_by_person(self, wishes: _Wishes) -> None:
        """Settle what a person decides to be sent, or to be sent again, once they have said so twice."""
        from newsletter.cli.ask import ask_number, who_decides
        from newsletter.cli.lock import no_run
        from newsletter.readers.accounts import Accounts
        from newsletter.readers.decisions import Kind

        key, who = self._key, who_decides(wishes.who)
        if wishes.resend and Accounts(self._database).standing(key).cancelled_at:
            hint = f"newsletter settle {key} --sent, or leave it in doubt"
            raise ConfigError(f"{key} was cancelled: nobody gets it any more", where="--resend", hint=hint)
        # A run has messages in flight, which are doubts too, though not for long.
        with no_run(self._press, key):
            _check_workers(self._press, key)
            chosen = self._chosen(wishes.named)
            count = self._ledger.tally(key).in_doubt if wishes.everybody else len(chosen)
            if not count:
                return
            if wishes.resend:
                say("Whoever does have it will get a second copy.")
            what = "be sent it again" if wishes.resend else "be taken as having it"
            question = f"Type the number of readers ({number(count)}) who are to {what}"
            ask_number(count, question, yes=wishes.yes, where="settle")
            kind = Kind.RESEND if wishes.resend else Kind.SENT
            rows = self._rows()
            done = 0
            while page := [row.reader_id for row in islice(rows, AT_ONCE)]:
                notes = {reader_id: "" for reader_id in page if wishes.everybody or reader_id in chosen}
                now = self._press.utc_now()
                done += len(self._decisions.settle(key, notes, kind=kind, who=who, now=now))
        say(f"{plural(done, 'reader')} {'owed it again' if wishes.resend else 'settled as sent'}.")

    def _chosen(self, named: Iterable[str]) -> set[str]:
        """The ids of these readers; raises ConfigError for one who is not in doubt."""
        from newsletter.readers.addresses import read_address
        from newsletter.readers.store import Readers

        readers = Readers(self._database)
        ids: dict[str, str] = {}
        for name in named:  # an erased reader has no address any more, and is listed by the id
            reader = readers.find(read_address(name, where="--reader")) if "@" in name else None
            ids[reader.id if reader else name] = name
        doubts = {row.reader_id for row in self._rows() if row.reader_id in ids}
        if wrong := next((name for reader_id, name in ids.items() if reader_id not in doubts), ""):
            hint = f"newsletter settle {self._key}"
            raise ConfigError(f"{wrong!r} is not in doubt", where="--reader", hint=hint)
        return doubts

    def print_table(self, log: MailLog | None) -> None:
        from newsletter.cli.listing import list_rows

        headings = ["reader", "was to leave", "to", "last reply", "Message-ID"]
        rows = (
            [
                _name(row),
                f"{row.committed_at.astimezone(self._press.zone):%Y-%m-%d %H:%M:%S}"
                if row.committed_at
                else "",
                row.host,
                row.last_detail if row.last_number == row.attempts else "",
                f"<{message_id}>",
                *([_in_words(log.traces.get(message_id))] if log else []),
            ]
            for row in self._rows()
            for message_id in [self._message_id(row)]
        )
        list_rows([*headings, "in the log"] if log else headings, rows)

    def print_json(self, tally: Tally, log: MailLog | None) -> None:
        from newsletter.cli.listing import list_json

        rows = (
            {
                "reader": row.reader_id,
                "email": row.email,
                "attempt": row.attempts,
                "committed_at": row.committed_at.isoformat() if row.committed_at else None,
                "host": row.host,
                "last_reply": row.last_detail if row.last_number == row.attempts else "",
                "message_id": message_id,
                "log": list(log.traces[message_id].hints) if log and message_id in log.traces else [],
            }
            for row in self._rows()
            for message_id in [self._message_id(row)]
        )
        facts = {"issue": self._key, "in_doubt": tally.in_doubt, "owed": tally.owed}
        list_json(facts, "doubts", rows)


def _name(row: LedgerRow) -> str:
    return row.email or row.reader_id


def _in_words(trace: Trace | None) -> str:
    if trace is None:
        return "no trace"
    return "; ".join(trace.hints) or "its Message-ID, but not that it was accepted"


def _check_workers(press: Press, key: str) -> None:
    """Raise AnotherRun while workers have messages of the issue in flight."""
    from newsletter.cli.lock import AnotherRun, is_busy

    if press.config.store.is_shared and is_busy(press, key):
        hint = f"newsletter pause {key}, and once more; or wait: newsletter status {key} --watch"
        raise AnotherRun(f"workers are sending {key}", where="fleet", hint=hint)


def _tell(press: Press, key: str, tally: Tally, log: MailLog | None) -> None:
    """What remains, and what to type next."""
    from newsletter.cli.lock import is_sending
    from newsletter.cli.tallies import in_words

    if log:
        first, last = log.span
        span = f" from {first} to {last}" if first else ""
        say(f"The log has {plural(log.lines, 'line')} of Postfix{span}.")
    say(f"{'' if tally.in_doubt else 'No doubts: '}{in_words(tally)}")
    if tally.in_doubt:
        if is_sending(press, key):
            say("A run is sending it: doubts may be messages in flight.")
        elif log:
            say("That a log has no trace of a copy proves nothing; who knows better decides:")
            say(f"  newsletter settle {key} --sent --reader ADDRESS, or --resend; --all for everybody")
        else:
            say("Find them by Message-ID in the log of the mail server:")
            say(f"  newsletter settle {key} --log /var/log/mail.log")
    if tally.owed:
        say(f"To send to whoever is owed it: newsletter send {key}")


def _read(press: Press, names: Iterable[str], log: MailLog) -> None:
    """Read these logs, the oldest first; raises ConfigError for one that cannot be read."""
    from newsletter.deliver.mail_log import begins

    now = press.now()
    with ExitStack() as stack:
        found: list[tuple[datetime, Iterable[str]]] = []
        for name in names:
            path = name if name == "-" else press.shown(press.folder / name)
            try:
                stream = stack.enter_context(click.open_file(path, encoding="utf-8", errors="replace"))
                first = stream.readline()
            except OSError as error:
                hint = f"sudo cat {path} | newsletter settle ISSUE --log -"
                raise ConfigError(f"cannot be read: {error.strerror}", where=path, hint=hint) from error
            if first.startswith(_GZIP):
                hint = f"zcat {path} | newsletter settle ISSUE --log -"
                raise ConfigError("compressed", where=path, hint=hint)
            found.append((begins(first, now) or datetime.min.replace(tzinfo=UTC), chain([first], stream)))
        for _, lines in sorted(found, key=lambda one: one[0]):
            log.read(lines)
