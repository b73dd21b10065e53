"""One run of sending as the command line drives it: its books, its signals, its end in words."""

import json
import random
import secrets
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
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
from newsletter.deliver.pace import Tempos
from newsletter.deliver.send import World, send
from newsletter.deliver.tempo import Together
from newsletter.deliver.threads import Threads
from newsletter.errors import ConfigError, ContentError, StoreError, Unavailable
from newsletter.model import Delivery, Outcome, Reader, State, Status
from newsletter.readers.accounts import Accounts, Tally
from newsletter.readers.database import Database
from newsletter.readers.ledger import Frozen, Ledger
from newsletter.readers.store import Readers
from newsletter.readers.witness import NAME as WITNESS
from newsletter.readers.witness import Witness
from newsletter.ways import Relay

if TYPE_CHECKING:
    from newsletter.fleet.dispatch import Dispatch
    from newsletter.model import Edition

SIGNERS = 2
"""Threads that make messages where each is signed: an RSA signature takes longer than all the rest."""

WITNESS_SECONDS = 5.0
NAMED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Where a run reads whom to write to and writes down what became of it.

    A rehearsal has no witness, and a run of this machine alone nobody to `dispatch` the issue to.
    """

    database: Database
    readers: Readers
    ledger: Ledger
    witness: Witness | None
    dispatch: "Dispatch | None" = None

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
def open_books(press: Press, backend: Backend, *, here: bool = False) -> Iterator[Books]:
    """The publication's readers and ledger; for a backend that reaches nobody, a rehearsal's ledger.

    Where workers can share the database they are to do the sending, unless it is to be done `here`.
    """
    with ExitStack() as stack:
        database = stack.enter_context(press.database())
        if backend.reaches_people:
            witness = Witness(Path(press.shown(press.config.state)) / WITNESS)
            yield Books(
                database=database,
                readers=Readers(database),
                ledger=Ledger(database),
                witness=witness,
                dispatch=None if here or not database.conninfo else dispatch_of(press, database),
            )
            return
        rehearsal = stack.enter_context(press.rehearsal_database())
        copy = Readers(rehearsal, rehearsal=True)
        copy.replace_all(Readers(database).stream(Status.ACTIVE))
        yield Books(database=rehearsal, readers=copy, ledger=Ledger(rehearsal, rehearsal=True), witness=None)


def freeze(
    press: Press, books: Books, edition: "Edition", template: MessageTemplate, *, files: str
) -> Frozen:
    """Fix the edition's bytes and its audience; an earlier rehearsal of the issue is forgotten.

    For workers it is held until `deliver`. Raises NoWorker if there are none.
    """
    if books.dispatch:
        books.dispatch.check()
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
        held=books.dispatch is not None,
    )
    note_witness(books, frozen)
    return frozen


def dispatch_of(press: Press, database: Database) -> "Dispatch":
    """The workers of this publication; its database is on a server."""
    from newsletter.fleet.dispatch import Dispatch
    from newsletter.fleet.engine import Engine

    return Dispatch(database, Engine(database.conninfo), press.config.relays, press.signer().mark)


def pen(press: Press, *, dead: bool = False) -> Callable[[MessageTemplate], Filler]:
    """What makes the messages of a template, signed if there are keys, whose dangers are told.

    With `dead` links, as in a test mail, nobody can leave by them. Raises ConfigError if a key cannot be had.
    """
    links = press.links(dead=dead)
    seals, warnings = read_seals(press.config.dkim)
    for warning in warnings:
        say(f"Warning: {warning}")
    return lambda template: Filler(template, links, seals=seals, bounces=press.config.send.bounces)


def check_everybody(filler: Filler, ledger: Ledger, key: str) -> None:
    """Make everybody's message once, and raise ContentError with the names of those for whom that fails."""
    wrong: list[str] = []
    for row in ledger.rows(key, State.OWED):  # also while the issue is held for workers, when nobody is due
        if row.email:
            try:
                filler.fill(Reader(id=row.reader_id, email=row.email, name=row.name))
            except ContentError as error:
                wrong.append(error.message)
    if wrong:
        more = f"; and {number(len(wrong) - 3)} more" if len(wrong) > 3 else ""
        hint = "newsletter readers remove ADDRESS, or send without --strict, which leaves them out"
        raise ContentError(f"{'; '.join(wrong[:3])}{more}", where="--strict", hint=hint)


def carrier(press: Press, backend: Backend, relay: Relay) -> CarriesMany:
    """What carries many messages at once: the backend itself, or one thread for each of several like it."""
    if isinstance(backend, CarriesMany):
        return backend
    more = relay.connections - 1 if backend.reaches_people else 0
    return Threads([backend, *(press.backend(relay) for _ in range(more))])


def deliver(
    press: Press, books: Books, backend: Backend, filler: Filler, frozen: Frozen, manner: Manner
) -> int:
    """Send what is owed of a frozen issue, show how far it is, tell how it ended; the exit code."""
    _check_pause(press, books, frozen.key)
    if books.dispatch:
        from newsletter.cli.following import follow_workers

        return follow_workers(press, books, books.dispatch, frozen, manner)
    config = press.config
    relay = config.relays[0]
    with stop_on_signal("Finishing what is in flight; once more to stop at once.") as stop:
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
                    carrier=carrier(press, backend, relay),
                    ledger=books.ledger,
                    settings=replace(config.send, per_second=relay.per_second, connections=relay.connections),
                    world=world,
                    expires_at=frozen.frozen_at + config.send.max_age,
                    start=secrets.token_urlsafe(12) if manner.beside else "",
                    fillers=SIGNERS if config.dkim.selectors else 1,
                    tempos=tempos_of(books.database, relay) if books.database.conninfo else None,
                )
                refused = _watch(books, frozen, deliveries, shown)
        except (Unavailable, StoreError):
            with suppress(StoreError):
                say(in_words(books.ledger.tally(frozen.key)))
                say(f"To go on: newsletter send {frozen.key}")
            raise
        finally:
            note_witness(books, frozen)
    return ended(press, books, frozen, refused=refused, asked=stop.asked, manner=manner)


def tempos_of(database: Database, relay: Relay) -> Tempos:
    """The pace of a relay, and of recipients' domains at it, kept together with all who use it."""
    from newsletter.readers.paces import Paces

    paces = Paces(database)

    def tempo(domain: str, per_second: float) -> Together:
        name = f"{relay.name} {domain}".rstrip()
        return Together(per_second, lambda seconds: paces.reserve(name, seconds))

    return tempo


def _check_pause(press: Press, books: Books, key: str) -> None:
    """Raise ConfigError if a person has paused the issue; what was only held for workers goes on."""
    from newsletter.readers.decisions import Decisions, Kind

    if not Accounts(books.database).standing(key).paused_at:
        return
    decisions = Decisions(books.database)
    held = [one for one in decisions.made(key) if one.kind in (Kind.PAUSE, Kind.RESUME)]
    if held and held[-1].kind is Kind.PAUSE:
        at = held[-1].at.astimezone(press.zone)
        words = f"was paused by {held[-1].who} at {at:%H:%M on %d %B %Y}"
        raise ConfigError(f"{key} {words}", where="ISSUE", hint=f"newsletter resume {key}")
    decisions.let_go(key)


def _watch(books: Books, frozen: Frozen, deliveries: Iterator[Delivery], shown: Progress) -> int:
    """Show each delivery as it comes, and have the witness see it; returns how many were refused."""
    refused = 0
    next_note = time.monotonic() + WITNESS_SECONDS
    for delivery in deliveries:
        refused += delivery.outcome is Outcome.REFUSED
        shown.count(delivery)
        if (now := time.monotonic()) > next_note:
            note_witness(books, frozen)
            took = time.monotonic() - now
            next_note = now + max(WITNESS_SECONDS, 20 * took)
    return refused


def note_witness(books: Books, frozen: Frozen) -> None:
    """Remember beside the database how far the issue has come; that this fails stops nothing."""
    if books.witness is None:
        return
    with suppress(StoreError):
        standing = Accounts(books.database).standing(frozen.key)
        books.witness.note(standing.instance, frozen.key, frozen_at=frozen.frozen_at, gone=standing.gone)


def ended(press: Press, books: Books, frozen: Frozen, *, refused: int, asked: bool, manner: Manner) -> int:
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
    paused = tally.owed and Accounts(books.database).standing(key).paused_at
    if tally.owed and not paused:
        _name_owed(press, books.ledger, key)
    if asked and books.dispatch:
        say(f"No longer following; the workers go on. To hold them: newsletter pause {key}")
    elif asked:
        say(f"Stopped as asked. To go on: newsletter send {key}")
    elif late:
        order = "resume" if books.dispatch else "send"
        hint = f"newsletter {order} {key}, if it is not too late after all; or newsletter cancel {key}"
        raise TooLate(f"{plural(tally.owed, 'reader')} not reached in time", where="--not-after", hint=hint)
    elif tally.in_doubt:
        words = "nobody can tell whether they arrived"
        say(f"{number(tally.in_doubt)} in doubt: {words}. To settle: newsletter settle {key}")
    if paused and not late:
        say(f"{key} is paused. To go on: newsletter resume {key}")
    elif tally.owed and not asked and not late:
        say(
            f"The workers go on with it: newsletter status {key} --watch"
            if books.dispatch
            else f"To go on: newsletter send {key}"
        )
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
def stop_on_signal(words: str) -> Iterator[_Stop]:
    """The first Ctrl-C (or SIGTERM) asks to stop and says these words, the second stops at once."""
    stop = _Stop()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        if stop.asked:
            raise KeyboardInterrupt
        stop.asked = True
        say(words)

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for signal_number, handler in before.items():
            signal.signal(signal_number, handler)
