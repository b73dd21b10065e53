"""One run of sending as the command line drives it: its books, its lock, its signals, its end in words."""

import fcntl
import random
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING

from newsletter.cli.press import Press
from newsletter.cli.screen import number, plural, progress, say
from newsletter.deliver.backend import Backend, CarriesMany
from newsletter.deliver.fill import Filler
from newsletter.deliver.message import MessageTemplate
from newsletter.deliver.send import World, send
from newsletter.deliver.threads import Threads
from newsletter.errors import NewsletterError, StoreError, Unavailable
from newsletter.links import Links
from newsletter.model import Outcome, Status
from newsletter.readers.accounts import Tally
from newsletter.readers.ledger import Frozen, Ledger
from newsletter.readers.store import Readers

if TYPE_CHECKING:
    from newsletter.model import Edition


class AnotherRun(NewsletterError):
    """Another run is sending this issue."""

    exit_code = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Where a run reads whom to write to and writes down what became of it."""

    readers: Readers
    ledger: Ledger
    rehearsal: bool


@contextmanager
def open_books(press: Press, backend: Backend) -> Iterator[Books]:
    """The publication's readers and ledger; for a backend that reaches nobody, a rehearsal's ledger."""
    with ExitStack() as stack:
        database = stack.enter_context(press.database())
        if backend.reaches_people:
            yield Books(readers=Readers(database), ledger=Ledger(database), rehearsal=False)
            return
        rehearsal = stack.enter_context(press.rehearsal_database())
        copy = Readers(rehearsal, rehearsal=True)
        copy.replace_all(Readers(database).stream(Status.ACTIVE))
        yield Books(readers=copy, ledger=Ledger(rehearsal, rehearsal=True), rehearsal=True)


@contextmanager
def only_run(press: Press, key: str) -> Iterator[None]:
    """Hold the issue's lock, which falls with the process; raises AnotherRun if somebody else has it.

    For the pace only: two runs at once would be safe, since each row is committed by one of them alone.
    """
    path = press.config.state / f"sending-{key}.lock"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = path.open("w")
    except OSError as error:
        hint = "make room on the disk, or the folder writable, and run the same command again"
        where = press.shown(path)
        raise StoreError(f"cannot be written: {error.strerror}", where=where, hint=hint) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            hint = f"follow it: newsletter status {key}"
            raise AnotherRun(f"another run is sending {key}", where=press.shown(path), hint=hint) from error
        yield


def freeze(press: Press, books: Books, edition: "Edition", template: MessageTemplate) -> Frozen:
    """Fix the edition's bytes and its audience; an earlier rehearsal of the issue is forgotten."""
    if books.rehearsal:
        books.ledger.begin_again(edition.key)
    return books.ledger.freeze(
        issue_key=edition.key,
        fingerprint=edition.fingerprint,
        subject=edition.subject,
        template=template.dumps(),
        date=template.date,
        now=press.utc_now(),
    )


def carrier(press: Press, backend: Backend) -> CarriesMany:
    """What carries many messages at once: the backend itself, or one thread for each of several like it."""
    if isinstance(backend, CarriesMany):
        return backend
    more = press.config.send.connections - 1 if backend.reaches_people else 0
    return Threads([backend, *(press.backend() for _ in range(more))])


def deliver(press: Press, books: Books, backend: Backend, links: Links, frozen: Frozen) -> int:
    """Send what is owed of a frozen issue, show how far it is, tell how it ended; the exit code."""
    config = press.config
    with _stop_on_signal() as stop:
        world = World(
            clock=press.utc_now,
            sleep=time.sleep,
            random=random.random,
            stopping=lambda: stop.asked,
        )
        deliveries = send(
            Filler(MessageTemplate.loads(frozen.template), links).fill,
            issue_key=frozen.key,
            carrier=carrier(press, backend),
            ledger=books.ledger,
            settings=config.send,
            world=world,
            expires_at=frozen.frozen_at + config.send.max_age,
        )
        refused = 0
        try:
            with progress(books.ledger.tally(frozen.key).owed) as shown:
                for delivery in deliveries:
                    refused += delivery.outcome is Outcome.REFUSED
                    shown.count(str(delivery.outcome))
        except (Unavailable, StoreError):
            with suppress(StoreError):
                say(in_words(books.ledger.tally(frozen.key)))
                say(f"To go on: newsletter send {frozen.key}")
            raise
    tally = books.ledger.tally(frozen.key)
    say(in_words(tally))
    if stop.asked:
        say(f"Stopped as asked. To go on: newsletter send {frozen.key}")
        return 130
    if tally.in_doubt:
        say(f"In doubt: nobody can tell whether they arrived. Who: newsletter status {frozen.key}")
        return 5
    if tally.owed:
        say(f"To go on: newsletter send {frozen.key}")
    return 4 if tally.owed or refused or tally.expired else 0


def in_words(tally: Tally) -> str:
    """Everybody accounted for: "1,000 readers = 998 sent + 1 refused + 1 withheld (left)"."""
    counts = {
        "sent": tally.sent,
        "refused": tally.refused,
        "expired": tally.expired,
        **{f"withheld ({reason})": count for reason, count in tally.withheld.items()},
        "in doubt": tally.in_doubt,
        "owed": tally.owed,
    }
    parts = " + ".join(f"{number(count)} {what}" for what, count in counts.items() if count) or "0"
    return f"{plural(tally.audience, 'reader')} = {parts}"


class _Stop:
    asked = False


@contextmanager
def _stop_on_signal() -> Iterator[_Stop]:
    """The first Ctrl-C (or SIGTERM) finishes the message in flight, the second stops at once."""
    stop = _Stop()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        if stop.asked:
            raise KeyboardInterrupt
        stop.asked = True
        say("Finishing the message in flight; once more to stop at once.")

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for signal_number, handler in before.items():
            signal.signal(signal_number, handler)
