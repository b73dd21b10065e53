"""One run of sending as the command line drives it: its books, its signals, its end in words."""

import json
import random
import secrets
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from newsletter.cli.hours import Hours, TooLate
from newsletter.cli.press import Press
from newsletter.cli.screen import Progress, number, plural, progress, say
from newsletter.cli.tallies import facts, in_words
from newsletter.deliver.backend import Backend, CarriesMany
from newsletter.deliver.dkim import read_seals
from newsletter.deliver.fill import Filler
from newsletter.deliver.message import MessageTemplate
from newsletter.deliver.send import World, send
from newsletter.deliver.threads import Threads
from newsletter.errors import ContentError, StoreError, Unavailable
from newsletter.model import Delivery, Outcome, Owed, State, Status
from newsletter.readers.accounts import Accounts, Tally
from newsletter.readers.database import Database
from newsletter.readers.ledger import Frozen, Ledger
from newsletter.readers.store import Readers
from newsletter.readers.witness import NAME as WITNESS
from newsletter.readers.witness import Witness

if TYPE_CHECKING:
    from newsletter.model import Edition

SIGNERS = 2
"""Threads that make messages where each is signed: an RSA signature takes longer than all the rest."""

WITNESS_SECONDS = 5.0
NAMED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Where a run reads whom to write to and writes down what became of it; a rehearsal has no witness."""

    database: Database
    readers: Readers
    ledger: Ledger
    witness: Witness | None

    @property
    def rehearsal(self) -> bool:
        return self.witness is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a run is to go: until when, beside others, and whether programs read what it says."""

    hours: Hours
    beside: bool
    as_json: bool


@contextmanager
def open_books(press: Press, backend: Backend) -> Iterator[Books]:
    """The publication's readers and ledger; for a backend that reaches nobody, a rehearsal's ledger."""
    with ExitStack() as stack:
        database = stack.enter_context(press.database())
        if backend.reaches_people:
            witness = Witness(Path(press.shown(press.config.state)) / WITNESS)
            yield Books(
                database=database, readers=Readers(database), ledger=Ledger(database), witness=witness
            )
            return
        rehearsal = stack.enter_context(press.rehearsal_database())
        copy = Readers(rehearsal, rehearsal=True)
        copy.replace_all(Readers(database).stream(Status.ACTIVE))
        yield Books(database=rehearsal, readers=copy, ledger=Ledger(rehearsal, rehearsal=True), witness=None)


def freeze(
    press: Press, books: Books, edition: "Edition", template: MessageTemplate, *, files: str
) -> Frozen:
    """Fix the edition's bytes and its audience; an earlier rehearsal of the issue is forgotten."""
    if books.rehearsal:
        books.ledger.begin_again(edition.key)
    frozen = books.ledger.freeze(
        issue_key=edition.key,
        fingerprint=edition.fingerprint,
        subject=edition.subject,
        template=template.dumps(),
        date=template.date,
        now=press.utc_now(),
        files=files,
    )
    _witness(books, frozen)
    return frozen


def pen(press: Press, *, dead: bool = False) -> Callable[[MessageTemplate], Filler]:
    """What makes the messages of a template, signed if there are keys, whose dangers are told.

    With `dead` links, as in a test mail, nobody can leave by them. Raises ConfigError if a key cannot be had.
    """
    links = press.links(dead=dead)
    seals, warnings = read_seals(press.config.dkim)
    for warning in warnings:
        say(f"Warning: {warning}")
    return lambda template: Filler(template, links, seals=seals, bounces=press.config.send.bounces)


def check_everybody(filler: Filler, ledger: Ledger, key: str, now: datetime) -> None:
    """Make everybody's message once, and raise ContentError with the names of those for whom that fails."""
    wrong: list[str] = []
    last: Owed | None = None
    while page := ledger.due(key, now, 500, last):
        last = page[-1]
        for owed in page:
            try:
                filler.fill(owed.reader)
            except ContentError as error:
                wrong.append(error.message)
    if wrong:
        more = f"; and {number(len(wrong) - 3)} more" if len(wrong) > 3 else ""
        hint = "newsletter readers remove ADDRESS, or send without --strict, which leaves them out"
        raise ContentError(f"{'; '.join(wrong[:3])}{more}", where="--strict", hint=hint)


def carrier(press: Press, backend: Backend) -> CarriesMany:
    """What carries many messages at once: the backend itself, or one thread for each of several like it."""
    if isinstance(backend, CarriesMany):
        return backend
    more = press.config.send.connections - 1 if backend.reaches_people else 0
    return Threads([backend, *(press.backend() for _ in range(more))])


def deliver(
    press: Press, books: Books, backend: Backend, filler: Filler, frozen: Frozen, manner: Manner
) -> int:
    """Send what is owed of a frozen issue, show how far it is, tell how it ended; the exit code."""
    config = press.config
    with _stop_on_signal() as stop:
        total = books.ledger.count_owed(frozen.key)
        timed = manner.hours.not_after is not None
        try:
            with progress(total, as_json=manner.as_json) as shown:
                world = World(
                    clock=press.utc_now,
                    sleep=time.sleep,
                    random=random.random,
                    stopping=lambda: stop.asked or (timed and manner.hours.over(press.now())),
                    waiting=lambda why, until: shown.waiting(why, until, press.now()),
                )
                deliveries = send(
                    filler.fill,
                    issue_key=frozen.key,
                    carrier=carrier(press, backend),
                    ledger=books.ledger,
                    settings=config.send,
                    world=world,
                    expires_at=frozen.frozen_at + config.send.max_age,
                    start=secrets.token_urlsafe(12) if manner.beside else "",
                    fillers=SIGNERS if config.dkim.selectors else 1,
                )
                refused = _watch(books, frozen, deliveries, shown)
        except (Unavailable, StoreError):
            with suppress(StoreError):
                say(in_words(books.ledger.tally(frozen.key)))
                say(f"To go on: newsletter send {frozen.key}")
            raise
        finally:
            _witness(books, frozen)
    return _ended(press, books, frozen, refused=refused, asked=stop.asked, manner=manner)


def _watch(books: Books, frozen: Frozen, deliveries: Iterator[Delivery], shown: Progress) -> int:
    """Show each delivery as it comes, and have the witness see it; returns how many were refused."""
    refused = 0
    next_note = time.monotonic() + WITNESS_SECONDS
    for delivery in deliveries:
        refused += delivery.outcome is Outcome.REFUSED
        shown.count(delivery)
        if (now := time.monotonic()) > next_note:
            _witness(books, frozen)
            took = time.monotonic() - now
            next_note = now + max(WITNESS_SECONDS, 20 * took)
    return refused


def _witness(books: Books, frozen: Frozen) -> None:
    """Remember beside the database how far the issue has come; that this fails stops nothing."""
    if books.witness is None:
        return
    with suppress(StoreError):
        standing = Accounts(books.database).standing(frozen.key)
        books.witness.note(standing.instance, frozen.key, frozen_at=frozen.frozen_at, gone=standing.gone)


def _ended(press: Press, books: Books, frozen: Frozen, *, refused: int, asked: bool, manner: Manner) -> int:
    """Tell how the run ended and what to type next; the exit code."""
    key = frozen.key
    tally = books.ledger.tally(key)
    if books.witness and books.witness.trouble:
        say(f"Warning: {books.witness.trouble}")
    code = _code(tally, refused=refused, asked=asked)
    late = bool(tally.owed) and not asked and manner.hours.over(press.now())
    if manner.as_json:
        click.echo(json.dumps({"event": "ended", "exit": 7 if late else code, **facts(tally)}))
    say(in_words(tally))
    if tally.owed:
        _name_owed(press, books.ledger, key)
    if asked:
        say(f"Stopped as asked. To go on: newsletter send {key}")
    elif late:
        hint = f"newsletter send {key}, if it is not too late after all; or newsletter cancel {key}"
        raise TooLate(f"{plural(tally.owed, 'reader')} not reached in time", where="--not-after", hint=hint)
    elif tally.in_doubt:
        words = "nobody can tell whether they arrived"
        say(f"{number(tally.in_doubt)} in doubt: {words}. To settle: newsletter settle {key}")
    if tally.owed and not asked and not late:
        say(f"To go on: newsletter send {key}")
    return code


def _code(tally: Tally, *, refused: int, asked: bool) -> int:
    if asked:
        return 130
    if tally.in_doubt:
        return 5
    return 4 if tally.owed or refused or tally.expired else 0


def _name_owed(press: Press, ledger: Ledger, key: str) -> None:
    """Who is still owed the issue, and why."""
    rows = list(islice(ledger.rows(key, State.OWED), NAMED + 1))
    for row in rows[:NAMED]:
        due = f", next try at {row.next_at.astimezone(press.zone):%H:%M}" if row.next_at else ""
        said = f": {row.last_detail}" if row.last_detail else ""
        say(f"  still owed: {row.email or row.reader_id}{due}{said}")
    if len(rows) > NAMED:
        say(f"  … and more: newsletter status {key}")


class _Stop:
    asked = False


@contextmanager
def _stop_on_signal() -> Iterator[_Stop]:
    """The first Ctrl-C (or SIGTERM) finishes what is in flight, the second stops at once."""
    stop = _Stop()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        if stop.asked:
            raise KeyboardInterrupt
        stop.asked = True
        say("Finishing what is in flight; once more to stop at once.")

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for signal_number, handler in before.items():
            signal.signal(signal_number, handler)
