"""The work of one run as its carrier sees it: messages to take, and a ledger told what became of each."""

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from newsletter.deliver.backend import Ended, Ready
from newsletter.deliver.breaker import Breaker
from newsletter.deliver.pace import SOON, Pace, Queue, Tempos
from newsletter.errors import (
    Blocked,
    ContentError,
    Deferred,
    DeliveryError,
    Refused,
    StoreError,
    Withheld,
)
from newsletter.model import Commit, Delivery, Message, Outcome, Owed, Reader
from newsletter.ways import Limit, Send

AT_ONCE = 500
"""Readers fetched from the ledger in one go: memory stays flat whatever the audience."""

RETRY_MINUTES = (5, 10, 20, 40, 66)
"""Waits before the next try of a deferred message, the last one for ever: a doubling up to 4000 s, as
Postfix's minimal and maximal backoff; RFC 5321 §4.5.4.1 leaves the schedule to the sender."""

WRITE_AGAIN_SECONDS = (1, 2, 4, 8, 15)
"""Waits before what is known of messages that have left is written again, when the ledger could not."""

RENDER_ERROR = "render_error"


class Ledger(Protocol):
    """What sending needs of the ledger; each call is one durable transaction."""

    def due(
        self, issue_key: str, now: datetime, limit: int, after: Owed | None = None, start: str = ""
    ) -> Sequence[Owed]:
        """Up to `limit` readers who are owed and due, after one of them or after the reader id `start`."""

    def next_due(self, issue_key: str) -> datetime | None:
        """When the next owed row is due, None if nothing is owed."""

    def write(
        self,
        issue_key: str,
        *,
        deliveries: Sequence[Delivery] = (),
        commits: Sequence[Commit] = (),
        now: datetime,
    ) -> Mapping[str, str]:
        """Note what became of messages and commit others; returns the vetoes, reader id -> reason."""

    def expire(self, issue_key: str, now: datetime) -> int:
        """Owed -> expired, for all that is still owed; how many there were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What sending takes from outside.

    The time with its zone, a way to wait some seconds, numbers from 0 to 1 drawn by chance, whether it is
    asked to stop, and whom to tell what is being waited for, and until when.
    """

    clock: Callable[[], datetime]
    sleep: Callable[[float], None]
    random: Callable[[], float]
    stopping: Callable[[], bool]
    waiting: Callable[[str, datetime], None] = lambda why, until: None


@dataclass(slots=True)
class _Task:
    """A reader's message that is on its way through the carrier."""

    owed: Owed
    committed: bool = False


class Run:
    """See `backend.Work`; arguments as those of `send`."""

    def __init__(
        self,
        fill: Callable[[Reader], Message],
        issue_key: str,
        ledger: Ledger,
        settings: Send,
        world: World,
        expires_at: datetime,
        start: str,
        fillers: int,
        tempos: Tempos | None,
    ) -> None:
        self._fill = fill
        self._key = issue_key
        self._ledger = ledger
        self._world = world
        self._expires_at = expires_at
        self._start, self._stop = start, ""
        self._ahead = 4 * fillers
        # A connection may have one message at its dot, the next behind it, and one more prepared for it.
        at_once = 3 * settings.connections + self._ahead
        limits = {"": Limit(per_second=settings.per_second, connections=at_once), **settings.domains}
        paces = {
            name: Pace(limit, tempos(name, limit.per_second) if tempos and limit.per_second else None)
            for name, limit in limits.items()
        }
        self._queue = Queue(self._page, paces.pop(""), paces)
        self._breaker = Breaker(settings.connections)
        self._tasks: dict[str, _Task] = {}
        self._in_hand: deque[Message] = deque()
        self._news: list[Delivery] = []
        self._unwritten: list[Delivery] = []
        self._fillers = ThreadPoolExecutor(fillers) if fillers > 1 else None
        self._filling: deque[tuple[Owed, Future[Message]]] = deque()

    def news(self) -> Iterator[Delivery]:
        """What has become of messages since the last time."""
        news, self._news = self._news, []
        yield from news

    def write_rest(self) -> None:
        """Write what no turn has written: of those for whom no message could be made."""
        if self._unwritten:
            self._write(self._world.clock())

    def begin_again(self) -> None:
        """Look for readers from the first one on, since some may have fallen due."""
        self._start = self._stop = ""
        self._queue.again()

    def close(self) -> None:
        """Write what could not be written while the run went on, as often as it takes (F13)."""
        if self._fillers:
            self._fillers.shutdown(wait=False, cancel_futures=True)
        for seconds in (*WRITE_AGAIN_SECONDS, 0):
            if not self._unwritten:
                return
            try:
                self._write(self._world.clock())
            except StoreError:
                if not self._world.stopping():
                    self._world.sleep(seconds)

    # ---- what the carrier asks ----

    def next(self) -> Message | float | None:
        now = self._world.clock()
        if self._world.stopping() or now >= self._expires_at:
            return None
        return self._in_hand.popleft() if self._in_hand else self._made(now)

    def prepare(self, messages: int) -> None:
        now = self._world.clock()
        while len(self._in_hand) < messages and not self._fillers:  # they are always ahead
            made = self._made(now)
            if not isinstance(made, Message):
                return
            self._in_hand.append(made)

    def _made(self, now: datetime) -> Message | float | None:
        """The next message; whoever cannot be written to is passed over, and noted with the next turn."""
        while True:
            owed, filled = self._filled(now) if self._fillers else self._taken(now)
            if not isinstance(owed, Owed):
                return owed
            try:
                message = filled.result() if filled else self._fill(owed.reader)
            except ContentError:
                self._queue.end(owed)
                self._unwritten.append(_withheld(owed, RENDER_ERROR, now))
                continue
            self._tasks[message.id] = _Task(owed)
            return message

    def _taken(self, now: datetime) -> tuple[Owed | float | None, None]:
        return self._queue.take(now), None

    def _filled(self, now: datetime) -> tuple[Owed | float | None, Future[Message] | None]:
        """The next reader whose message is being made, with some more begun behind it."""
        rest: float | None = None
        while len(self._filling) < self._ahead and self._fillers:
            found = self._queue.take(now)
            if not isinstance(found, Owed):
                rest = found
                break
            self._filling.append((found, self._fillers.submit(self._fill, found.reader)))
        return self._filling.popleft() if self._filling else (rest, None)

    def put_back(self, message: Message) -> None:
        self._in_hand.append(message)

    def rest(self, seconds: float) -> None:
        self._world.sleep(min(seconds, SOON))  # or who asks us to stop would wait as long

    def turn(self, ended: Sequence[Ended], ready: Sequence[Ready]) -> Collection[str]:
        now = self._world.clock()
        deliveries = [(self._delivery(end, now), isinstance(end.result, Blocked)) for end in ended]
        self._unwritten += [delivery for delivery, _ in deliveries]
        stop = self._breaker.see(deliveries)
        tasks = () if stop else [(each.message, self._tasks[each.message.id], each.host) for each in ready]
        commits = [
            Commit(reader_id=task.owed.reader.id, number=task.owed.tries + 1, host=host)
            for _, task, host in tasks
        ]
        vetoes = self._write(now, commits)
        if stop:
            raise stop
        if not vetoes:
            for _, task, _ in tasks:
                task.committed = True
            return ()
        held = set()
        for message, task, _ in tasks:
            reason = vetoes.get(task.owed.reader.id)
            if reason is None:
                task.committed = True
                continue
            held.add(message.id)
            self._queue.end(self._tasks.pop(message.id).owed)
            if reason:
                self._news.append(_withheld(task.owed, reason, now))
            else:
                self._queue.read_anew()
        return held

    # ---- what becomes of it ----

    def _page(self, last: Owed | None) -> Sequence[Owed]:
        """The next readers in the ledger's queue; past its end, those before where this run began."""
        found = self._ledger.due(self._key, self._world.clock(), AT_ONCE, last, self._start)
        if self._stop:
            found = [owed for owed in found if not owed.due and owed.reader.id <= self._stop]
        if found or not self._start:
            return found
        self._start, self._stop = "", self._start
        return self._page(None)

    def _write(self, now: datetime, commits: Sequence[Commit] = ()) -> Mapping[str, str]:
        """One transaction; what it could not write is kept, for what has left cannot be asked again."""
        vetoes = self._ledger.write(self._key, deliveries=self._unwritten, commits=commits, now=now)
        self._news += self._unwritten
        self._unwritten = []
        return vetoes

    def _delivery(self, end: Ended, now: datetime) -> Delivery:
        owed = self._tasks.pop(end.message.id).owed
        self._queue.end(owed)
        error = end.result if isinstance(end.result, DeliveryError) else None
        outcome = _outcome(error, owed.tries, committed=end.committed)
        return Delivery(
            recipient=owed.reader,
            outcome=outcome,
            number=owed.tries + 1,
            at=now,
            committed=end.committed,
            detail=_detail(end.result),
            next_at=now + self._patience(owed.tries) if outcome is Outcome.DEFERRED else None,
            phase=error.phase if error else "",
            code=error.code if error else 0,
            host=end.host,
            tls=end.tls,
            milliseconds=end.milliseconds,
        )

    def _patience(self, tries: int) -> timedelta:
        """How long to leave a deferred row alone: the schedule and up to a tenth more by chance."""
        minutes = RETRY_MINUTES[min(tries, len(RETRY_MINUTES) - 1)]
        return timedelta(minutes=minutes * (1 + self._world.random() / 10))


def _withheld(owed: Owed, reason: str, now: datetime) -> Delivery:
    return Delivery(
        recipient=owed.reader, outcome=Outcome.WITHHELD, number=owed.tries + 1, at=now, detail=reason
    )


def _outcome(error: DeliveryError | None, tries: int, *, committed: bool) -> Outcome:
    """What an error means for the row; before the commit nothing can be in doubt.

    One that objects to us is put off once, since it may be over by then, and taken at its word the next time.
    """
    match error:
        case None:
            return Outcome.SENT
        case Refused():
            return Outcome.REFUSED
        case Blocked():
            return Outcome.REFUSED if tries else Outcome.DEFERRED
        case Withheld() if not committed:
            return Outcome.WITHHELD
        case Deferred():
            return Outcome.DEFERRED
        case _:
            return Outcome.IN_DOUBT if committed else Outcome.DEFERRED


def _detail(result: str | DeliveryError) -> str:
    if isinstance(result, str):
        return result
    return result.reason if isinstance(result, Withheld) else result.reply or result.message
