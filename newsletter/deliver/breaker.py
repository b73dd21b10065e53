"""When a run must not go on: the carrier turns everybody away, and it is not the readers' fault (R10)."""

from collections import deque
from collections.abc import Iterable

from newsletter.errors import Unavailable
from newsletter.model import Delivery, Outcome

IN_A_ROW = 10
LAST = 100
A_THIRD = LAST // 3


class TurnedAway(Unavailable):
    """The run must end, and a person look at it: to go on would cost other readers their issue."""


class Breaker:
    """Watches what comes of messages, and says when enough is enough."""

    def __init__(self, connections: int) -> None:
        """On so many connections: a server that restarts leaves a doubt on each, and that is no sign yet."""
        self._blocked = 0
        self._doubts = 0
        self._most_doubts = 2 * connections + IN_A_ROW
        self._last: deque[bool] = deque(maxlen=LAST)

    def see(self, deliveries: Iterable[tuple[Delivery, bool]]) -> TurnedAway | None:
        """Take in deliveries, each with whether the carrier objected to us; returns why the run must end."""
        for delivery, blocked in deliveries:
            if delivery.outcome is Outcome.SENT:  # which is never a reason to end
                self._blocked = self._doubts = 0
                self._last.append(False)
                continue
            self._blocked += blocked
            if delivery.outcome is Outcome.IN_DOUBT:
                self._doubts += 1
            elif delivery.committed:
                self._doubts = 0
            if blocked or delivery.outcome is Outcome.REFUSED:
                self._last.append(True)
            if self._blocked >= IN_A_ROW:
                return self._stop(f"{self._blocked} messages in a row were blocked", delivery)
            if self._doubts >= self._most_doubts:
                return self._stop(f"{self._doubts} messages in a row were taken without an answer", delivery)
            if len(self._last) == LAST and sum(self._last) > A_THIRD:
                return self._stop(f"{sum(self._last)} of the last {LAST} messages were turned away", delivery)
        return None

    def _stop(self, words: str, last: Delivery) -> TurnedAway:
        self._blocked = self._doubts = 0
        self._last.clear()
        hint = "see what was said, put it right, and send again: nobody else was tried"
        return TurnedAway(f"{words}, the last with {last.detail!r}", where=last.host, hint=hint)
