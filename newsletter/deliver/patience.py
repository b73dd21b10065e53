"""A ledger that may be away for a while, as when its server starts anew: the same is asked of it again.

What is known of messages that have left stays in memory meanwhile, and nothing more leaves (delivery.md F14).
Every call is one transaction that either was made or was not, and may be made again.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from newsletter.deliver.run import Ledger, World
from newsletter.errors import StoreError
from newsletter.model import Commit, Delivery, Owed

WAITS = (0.2, 0.5, 1.0, 2.0)
"""Seconds before the ledger is asked again, the last one for ever: no time is lost once it is back."""

_T = TypeVar("_T")


class PatientLedger:
    """See `run.Ledger`; waits for what may be over soon, for as long as `patience` from its beginning on.

    Raises what it waited for if that lasts longer, or if the run is asked to stop meanwhile.
    """

    def __init__(self, ledger: Ledger, world: World, patience: timedelta) -> None:
        self._ledger = ledger
        self._world = world
        self._patience = patience
        self._until: datetime | None = None  # the end of our patience, while it is away

    def due(
        self, issue_key: str, now: datetime, limit: int, after: Owed | None = None, start: str = ""
    ) -> Sequence[Owed]:
        return self._asked(lambda: self._ledger.due(issue_key, now, limit, after, start))

    def next_due(self, issue_key: str) -> datetime | None:
        return self._asked(lambda: self._ledger.next_due(issue_key))

    def write(
        self,
        issue_key: str,
        *,
        deliveries: Sequence[Delivery] = (),
        commits: Sequence[Commit] = (),
        now: datetime,
    ) -> Mapping[str, str]:
        return self._asked(
            lambda: self._ledger.write(issue_key, deliveries=deliveries, commits=commits, now=now)
        )

    def expire(self, issue_key: str, now: datetime) -> int:
        return self._asked(lambda: self._ledger.expire(issue_key, now))

    def _asked(self, call: Callable[[], _T]) -> _T:
        tries = 0
        while True:
            try:
                answer = call()
            except StoreError as error:
                now = self._world.clock()
                self._until = self._until or now + self._patience
                if not error.passing or now >= self._until or self._world.stopping():
                    raise
                self._world.waiting(str(error), self._until)
            else:
                self._until = None
                return answer
            self._world.sleep(WAITS[min(tries, len(WAITS) - 1)])
            tries += 1
