"""How an issue is handed to the workers, and how theirs is heard of."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from newsletter.errors import Unavailable
from newsletter.fleet.engine import Engine
from newsletter.readers.batches import Batch, Batches, Plan
from newsletter.readers.crew import Crew, Rest, Worker
from newsletter.readers.database import Database
from newsletter.ways import Relay, shared_out


class NoWorker(Unavailable):
    """Nobody works for a relay that is to have a share of the issue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The workers, the relays that rest, and how many batches an issue has, in all and closed.

    `waiting_for` are the relays of those that are not closed.
    """

    workers: Sequence[Worker]
    resting: dict[str, Rest]
    batches: int
    closed: int
    waiting_for: Sequence[str]


class Dispatch:
    """The workers of one publication, as whoever gives them work sees them.

    Every method may raise StoreError.
    """

    def __init__(self, database: Database, engine: Engine, relays: Sequence[Relay], mark: str) -> None:
        self._relays = [relay for relay in relays if relay.share]
        self._engine = engine
        self._crew = Crew(database)
        self._plan = Plan(relays=lambda count: shared_out(self._relays, count), mark=mark)
        self._batches = batches_of(database, engine)

    def check(self) -> None:
        """Raise NoWorker if there is nobody to work for one of the relays."""
        missing = self._crew.unattended([relay.name for relay in self._relays])
        if missing:
            where = "" if len(self._relays) == 1 else f" for {' and '.join(missing)}"
            hint = "start one: newsletter worker; or send from this machine: newsletter send --here"
            raise NoWorker(f"no worker is there{where}", where="fleet", hint=hint, passing=True)

    def go_on(self, issue_key: str) -> int:
        """Have the workers send what is owed of a frozen issue; how many batches they were given."""
        return self._batches.go_on(issue_key, self._plan, self._engine.live)

    def reconcile(self, live: Collection[int]) -> int:
        """Give the workers what has been lost on the way, of all issues; how many batches that were."""
        return sum(self._batches.reconcile(key, live) for key in self._batches.under_way())

    def standing(self, issue_key: str) -> Standing:
        """How far the workers have come with an issue."""
        batches, closed = self._batches.counts(issue_key)
        return Standing(
            workers=self._crew.workers(),
            resting=dict(self._crew.resting()),
            batches=batches,
            closed=closed,
            waiting_for=self._batches.waiting_for(issue_key),
        )


def batches_of(database: Database, engine: Engine) -> Batches:
    """The batches of a database whose queue is this engine's."""

    def enqueue(connection: Any, batches: Sequence[Batch], at: datetime | None) -> None:
        bare = connection.connection.driver_connection
        engine.enqueue(bare, [(batch.id, batch.relay) for batch in batches], at)

    return Batches(database, enqueue)
