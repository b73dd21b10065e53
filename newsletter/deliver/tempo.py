"""The tempo that many runs keep together, whatever their number and wherever they are."""

import math
from collections.abc import Callable

from newsletter.deliver.pace import SOON, TICK

AHEAD = 0.02
"""Seconds for which places are reserved in one go: one question for many messages, and little lost with a
run that ends."""

LATE = 0.05
"""Seconds after which a place that was not used is nobody's: or else a run that was held up would catch up,
and all together be faster than they may. Within them it may be used late, so places are further apart by as
much: in no second are there more than `per_second`, if asking for places takes a small part of that time."""


class Together:
    """Places in one row, in which `per_second` of them come in a second; see `pace.Tempo`.

    `reserve` takes so many seconds of the row for us and returns in how many seconds they begin, None if
    that cannot be told for now: it is asked of whoever keeps the row, by a clock of its own, so that the
    clocks of runs need not agree.
    """

    def __init__(self, per_second: float, reserve: Callable[[float], float | None]) -> None:
        self._gap = (1 + LATE) / per_second
        self._many = max(1, round(per_second * AHEAD))
        self._reserve = reserve
        self._next = 0.0
        self._left = 0
        self._most = math.inf

    def wait(self, now: float) -> float:
        late = now - LATE - self._next
        if self._left and late > 0:
            gone = min(self._left, math.ceil(late / self._gap))
            self._left -= gone
            self._next += gone * self._gap
        left = self._next - now
        if not self._left or left > self._most:  # which only a clock that was put back can bring about
            begins = self._reserve(self._many * self._gap)
            if begins is None:
                self._left = 0
                return SOON
            left = begins
            self._left = self._many
            self._next = now + left
            self._most = left + self._many * self._gap
        return left if left > TICK else 0.0

    def begin(self, now: float) -> None:
        self._left -= 1
        self._next += self._gap
