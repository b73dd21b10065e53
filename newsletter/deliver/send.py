"""Edition -> Deliveries: hands each owed message to the backend and tells the ledger what became of it.

The point of no return is `commit`. The backend calls it at the last moment at which nothing has left, and it
turns the reader's row from owed to in doubt, durably, only if the row is still owed and the reader still
wants the mail. A crash before it changes nothing; a crash after it leaves one honest doubt, which no run
touches again by itself.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from newsletter.deliver.backend import Backend
from newsletter.deliver.message import MessageTemplate
from newsletter.errors import Deferred, DeliveryError, InDoubt, NewsletterError, Refused, Unavailable, Vetoed
from newsletter.links import Links
from newsletter.model import Delivery, Message, Outcome, Reader

AT_ONCE = 500
"""Readers fetched from the ledger in one go: memory stays flat whatever the audience."""

RETRY_MINUTES = (5, 10, 20, 40, 66)
"""Waits before the next try of a deferred message, the last one for ever: a doubling up to 4000 s, as
Postfix's minimal and maximal backoff; RFC 5321 §4.5.4.1 leaves the schedule to the sender."""


class Ledger(Protocol):
    """What sending needs of the ledger; each call is one durable transaction."""

    def due(self, issue_key: str, now: datetime, limit: int) -> Sequence[tuple[Reader, int]]:
        """Up to `limit` readers whose row is owed and due, each with the tries made so far."""

    def next_due(self, issue_key: str) -> datetime | None:
        """When the next owed row is due, None if nothing is owed."""

    def commit(self, issue_key: str, reader_id: str, now: datetime) -> None:
        """Owed -> in doubt, or raise Vetoed; see `commit` above."""

    def record(
        self,
        issue_key: str,
        reader_id: str,
        *,
        outcome: Outcome,
        now: datetime,
        next_at: datetime | None = None,
        detail: str = "",
        phase: str = "",
        code: int = 0,
    ) -> None:
        """Write down what an attempt gave."""

    def expire(self, issue_key: str, now: datetime) -> int:
        """Owed -> expired, for all that is still owed; how many there were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What sending takes from outside.

    The time with its zone, a way to wait some seconds, numbers from 0 to 1 drawn by chance, and whether it is
    asked to stop.
    """

    clock: Callable[[], datetime]
    sleep: Callable[[float], None]
    random: Callable[[], float]
    stopping: Callable[[], bool]


class Pace:
    """Lets at most `per_second` messages begin in a second; 0 is no limit."""

    def __init__(self, per_second: float, world: World) -> None:
        self._gap = timedelta(seconds=1 / per_second) if per_second else timedelta()
        self._world = world
        self._next = world.clock()

    def wait(self) -> None:
        """Return when the next message may begin."""
        now = self._world.clock()
        if self._next > now:
            self._world.sleep((self._next - now).total_seconds())
        self._next = max(now, self._next) + self._gap


def send(
    template: MessageTemplate,
    *,
    links: Links,
    backend: Backend,
    ledger: Ledger,
    pace: Pace,
    world: World,
    patience: timedelta,
    expires_at: datetime,
) -> Iterator[Delivery]:
    """Send what the ledger owes of one frozen issue, one Delivery after the other.

    Deferred messages are tried again as they fall due, for as long as `patience`; what is still owed then
    stays owed, and a later run goes on. Nothing is sent after `expires_at`. Raises Unavailable when the
    backend cannot be used any more and StoreError when the ledger cannot; both leave every row true.
    """
    key = template.issue_key
    until = world.clock() + patience
    backend.open()
    try:
        while not world.stopping():
            now = world.clock()
            if now >= expires_at:
                ledger.expire(key, now)
                return
            owed = ledger.due(key, now, AT_ONCE)
            for reader, tries in owed:
                if world.stopping():
                    return
                pace.wait()
                delivery = _hand_over(template.fill(reader, links), reader, tries, backend, ledger, world)
                if delivery:
                    yield delivery
            if not owed and not _wait_for_due(ledger.next_due(key), until, world):
                return
    finally:
        backend.close()


def _wait_for_due(due: datetime | None, until: datetime, world: World) -> bool:
    """Sleep until a row falls due; False if none will in time or the run is asked to stop."""
    if due is None or due > until:
        return False
    while not world.stopping() and (left := (due - world.clock()).total_seconds()) > 0:
        world.sleep(min(left, 1.0))
    return not world.stopping()


def _hand_over(
    message: Message, reader: Reader, tries: int, backend: Backend, ledger: Ledger, world: World
) -> Delivery | None:
    """One attempt for one reader; None if another run has the row."""
    key = message.issue_key
    committed = False

    def commit() -> None:
        nonlocal committed
        ledger.commit(key, reader.id, world.clock())
        committed = True

    def record(outcome: Outcome, detail: str, error: DeliveryError | None = None) -> Delivery:
        now = world.clock()
        ledger.record(
            key,
            reader.id,
            outcome=outcome,
            now=now,
            next_at=now + _wait(tries, world.random()) if outcome is Outcome.DEFERRED else None,
            detail=detail,
            phase=error.phase if error else "",
            code=error.code if error else 0,
        )
        return Delivery(recipient=reader, outcome=outcome, detail=detail)

    try:
        receipt = backend.send(message, commit)
    except Vetoed as veto:
        # The ledger has written down why when it said no.
        return (
            Delivery(recipient=reader, outcome=Outcome.WITHHELD, detail=veto.reason) if veto.reason else None
        )
    except Refused as error:
        return record(Outcome.REFUSED, error.reply or error.message, error)
    except Deferred as error:
        return record(Outcome.DEFERRED, error.reply or error.message, error)
    except InDoubt as error:
        return record(Outcome.IN_DOUBT, error.reply or error.message, error)
    except NewsletterError:
        # The carrier or the ledger is gone: the row stays as it is, owed or in doubt, and the run ends.
        raise
    except Exception as error:
        # A plug-in may raise anything. What it raises after `commit` is a doubt, which the row already says.
        hint = (
            "the message is in doubt" if committed else "the message is still owed; tell the backend's author"
        )
        raise Unavailable(f"the backend failed: {type(error).__name__}: {error}", hint=hint) from error
    if not committed:
        # The receipt says that the message has left: it must not be sent again, whatever the plug-in forgot.
        commit()
        record(Outcome.SENT, receipt)
        raise Unavailable(
            "the backend sent a message without committing it first", hint="tell the backend's author"
        )
    return record(Outcome.SENT, receipt)


def _wait(tries: int, chance: float) -> timedelta:
    """How long to leave a deferred row alone: the schedule and up to a tenth more by chance."""
    return timedelta(minutes=RETRY_MINUTES[min(tries, len(RETRY_MINUTES) - 1)] * (1 + chance / 10))
