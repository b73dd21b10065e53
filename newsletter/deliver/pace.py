"""How fast messages may begin, in all and for each recipients' domain."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from newsletter.model import Owed
from newsletter.ways import Limit

PARKED = 10_000
"""Readers of slow domains who may be put aside while others go first; beyond that all wait for them."""

TICK = 2e-6
"""Seconds that a clock of microseconds can hardly tell from none."""

SOON = 1.0
"""Seconds after which to look again where nothing says when."""


class Tempo(Protocol):
    """When the next message may begin; `now` is seconds of one clock."""

    def wait(self, now: float) -> float:
        """Seconds until then; asked only by whoever has a message."""

    def begin(self, now: float) -> None:
        """A message begins."""


class Alone:
    """The tempo of one run alone: `per_second` messages begin in a second, 0 for no limit."""

    def __init__(self, per_second: float) -> None:
        self._gap = 1 / per_second if per_second else 0.0
        self._next = 0.0

    def wait(self, now: float) -> float:
        left = self._next - now
        # What is further off than one gap was set by a clock that has been put back since.
        return left if TICK < left < 2 * self._gap else 0.0

    def begin(self, now: float) -> None:
        self._next = now + self._gap


Tempos = Callable[[str, float], Tempo]
"""The tempo of a recipients' domain, or of all ("" for that), at so many messages a second."""


class Pace:
    """Lets messages begin in their tempo, and so many be on their way."""

    def __init__(self, limit: Limit, tempo: Tempo | None = None) -> None:
        self._tempo = tempo or Alone(limit.per_second)
        self._most = limit.connections
        self._on_their_way = 0

    def wait(self, now: float) -> float:
        """Seconds until the next may begin; `now` is seconds of the same clock as in `begin`."""
        return SOON if self._on_their_way >= self._most else self._tempo.wait(now)

    def begin(self, now: float) -> None:
        self._tempo.begin(now)
        self._on_their_way += 1

    def end(self) -> None:
        self._on_their_way -= 1


class Queue:
    """The readers who are due, in an order that keeps to every pace."""

    def __init__(
        self,
        pages: Callable[[Owed | None], Sequence[Owed]],
        pace: Pace,
        domains: Mapping[str, Pace],
    ) -> None:
        """`pages` gives the readers who come after one, or the first ones, and nothing at the end."""
        self._pages = pages
        self._pace = pace
        self._domains = domains
        self._page: deque[Owed] = deque()
        self._parked: dict[str, deque[Owed]] = {name: deque() for name in domains}
        self._held: Owed | None = None
        self._last: Owed | None = None
        self._over = False
        self._taken: set[str] = set()

    def take(self, now: datetime) -> Owed | float | None:
        """The next reader; or seconds to wait for one; or None: nobody else is due."""
        at = now.timestamp()
        found = self._held = self._held or self._unparked(at) or self._drawn(at)
        if not found:
            waits = [self._domains[name].wait(at) for name, parked in self._parked.items() if parked]
            return min(waits) if waits else None
        if wait := self._pace.wait(at):
            return wait
        self._held = None
        self._taken.add(found.reader.id)
        self._pace.begin(at)
        if self._domains and (lane := self._domains.get(_domain(found))):
            lane.begin(at)
        return found

    def end(self, owed: Owed) -> None:
        """The message of one who was taken is not on its way any more."""
        self._taken.discard(owed.reader.id)
        self._pace.end()
        if self._domains and (lane := self._domains.get(_domain(owed))):
            lane.end()

    def read_anew(self) -> None:
        """Ask once more for those who come next: some of them are not owed the issue any more."""
        self._page.clear()

    def again(self) -> None:
        """Begin at the first readers again; those whose messages are still on their way are passed over."""
        self._page.clear()
        for parked in self._parked.values():
            parked.clear()
        self._held, self._last, self._over = None, None, False

    def _unparked(self, at: float) -> Owed | None:
        for name, parked in self._parked.items():
            if parked and not self._domains[name].wait(at):
                return parked.popleft()
        return None

    def _drawn(self, at: float) -> Owed | None:
        while True:
            if not self._page and not self._over:
                self._page.extend(self._pages(self._last))
                self._over = not self._page
            if not self._page or (self._domains and sum(map(len, self._parked.values())) >= PARKED):
                return None
            found = self._last = self._page.popleft()
            if found.reader.id in self._taken:
                continue
            lane = self._domains and self._domains.get(_domain(found))
            if not lane or not lane.wait(at):
                return found
            self._parked[_domain(found)].append(found)


def _domain(owed: Owed) -> str:
    return owed.reader.email.rpartition("@")[2].lower()
