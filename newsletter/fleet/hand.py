"""One worker at one relay: a batch at a time, by the very code that sends on one machine."""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from newsletter.deliver.backend import CarriesMany
from newsletter.deliver.breaker import TurnedAway
from newsletter.deliver.pace import SOON, Tempo
from newsletter.deliver.send import World, send
from newsletter.deliver.tempo import Together
from newsletter.errors import StoreError, Unavailable
from newsletter.model import Commit, Delivery, Message, Outcome, Reader
from newsletter.readers.batches import Batch, Batches
from newsletter.readers.crew import Crew
from newsletter.readers.database import Database
from newsletter.readers.decisions import Decisions
from newsletter.readers.ledger import Frozen, Ledger
from newsletter.readers.paces import Paces
from newsletter.readers.part import Part
from newsletter.ways import Relay, Send

STRANGE_SECONDS = 10
"""For so long a batch waits for another worker if this one has another key."""

WHO = "a worker"
"""Who pauses an issue that a relay turns away."""

KEEP_SECONDS = 120.0
KEEP_EVERY = 0.5
"""How long the outcomes of what has left are kept for a database that is away, and how often it is tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What a worker brings along, whatever it sends.

    How it is done, the mark of its key for links, what makes an issue's messages and in how many threads, a
    relay's carrier, the time in UTC, and whom to tell.
    """

    settings: Send
    mark: str
    fill: Callable[[Frozen], Callable[[Reader], Message]]
    fillers: int
    carrier: Callable[[Relay], CarriesMany]
    clock: Callable[[], datetime]
    tell: Callable[[str], None]


class Hand:
    """Works for one relay, as the worker called `name`; `database` is for this hand alone."""

    def __init__(self, name: str, relay: Relay, tools: Tools, database: Database, batches: Batches) -> None:
        self.relay = relay
        self.batch: int | None = None
        self.sent = 0
        """Messages that have left since the beginning."""
        self._name = name
        self._tools = tools
        self._ledger = Ledger(database)
        self._paces = Paces(database)
        self._crew = Crew(database)
        self._decisions = Decisions(database)
        self._batches = batches
        self._fill: dict[str, tuple[Frozen, Callable[[Reader], Message]]] = {}
        self._tempos: dict[str, Tempo] = {}
        self._settings = replace(
            tools.settings,
            per_second=relay.per_second,
            connections=relay.connections,
            patience=timedelta(),  # whoever is put off is another batch's work, later
        )

    def work(self, batch_id: int, should_stop: Callable[[], bool]) -> None:
        """Send what is owed of a batch, and hand over again what is still owed; nothing if it is closed.

        What cannot be sent because of the relay is left until the relay may be tried again. Raises
        StoreError; the batch then stays as it is, for whoever has it next.
        """
        batch = self._batches.begin(batch_id, self._name)
        if batch is None:
            return
        self.batch = batch.id
        try:
            again = self._attempt(batch, should_stop)
            self._batches.end(batch, again, self._tools.clock())
        finally:
            self.batch = None

    def _attempt(self, batch: Batch, should_stop: Callable[[], bool]) -> datetime | None:
        """Send what can be sent of a batch now; when to go on with the rest, if there is any."""
        if batch.mark != self._tools.mark:
            self._tools.tell(
                f"{batch.issue_key}: was begun with another key for links than this worker has;"
                " give all of them the same NEWSLETTER_SECRET"
            )
            return self._tools.clock() + timedelta(seconds=STRANGE_SECONDS)
        rest = self._crew.resting().get(self.relay.name)
        if rest and rest.seconds:
            return self._tools.clock() + timedelta(seconds=rest.seconds)
        try:
            if self._send(batch, should_stop) and rest:
                self._crew.recovered(self.relay.name)
                self._tools.tell(f"{self.relay.name}: takes mail again.")
        except Unavailable as error:
            # Another try would be at the cost of other readers (delivery.md R10).
            if isinstance(error, TurnedAway):
                self._decisions.pause(batch.issue_key, who=WHO, now=self._tools.clock(), note=str(error))
            self._crew.rest(self.relay.name, str(error), least=error.wait)
            self._tools.tell(f"{self.relay.name}: {error}")
            rest = self._crew.resting().get(self.relay.name)
            return self._tools.clock() + timedelta(seconds=max(SOON, rest.seconds if rest else 0))
        part = Part(self._ledger, after=batch.after, last=batch.last)
        due = part.next_due(batch.issue_key)
        return due and max(due, self._tools.clock() + timedelta(seconds=SOON))

    def _send(self, batch: Batch, should_stop: Callable[[], bool]) -> int:
        """One run over the batch; how many messages have left."""
        frozen, fill = self._template(batch.issue_key)
        before = self.sent
        deliveries = send(
            fill,
            issue_key=batch.issue_key,
            carrier=self._tools.carrier(self.relay),
            ledger=_Kept(self._ledger, after=batch.after, last=batch.last),
            settings=self._settings,
            world=World(
                clock=self._tools.clock, sleep=time.sleep, random=random.random, stopping=should_stop
            ),
            expires_at=frozen.frozen_at + self._settings.max_age,
            fillers=self._tools.fillers,
            tempos=self._tempo,
        )
        for delivery in deliveries:
            self.sent += delivery.outcome is Outcome.SENT
        return self.sent - before

    def _template(self, key: str) -> tuple[Frozen, Callable[[Reader], Message]]:
        if key not in self._fill:
            frozen = self._ledger.frozen(key)
            if frozen is None:
                raise StoreError(f"the issue {key!r} was never frozen")
            self._fill = {key: (frozen, self._tools.fill(frozen))}
        return self._fill[key]

    def _tempo(self, domain: str, per_second: float) -> Tempo:
        """The row of places of the relay, or of a recipients' domain at it, that all its workers share."""
        name = f"{self.relay.name} {domain}".rstrip()
        if name not in self._tempos:
            self._tempos[name] = Together(per_second, lambda seconds: self._paces.reserve(name, seconds))
        return self._tempos[name]


class _Kept(Part):
    """A part whose outcomes stay in memory while the database is away, and are written when it is back.

    The batch ends then, since others may have taken it over meanwhile; but nobody else knows what the relay
    said to this worker, and without it those copies would stay in doubt.
    """

    def write(
        self,
        issue_key: str,
        *,
        deliveries: Sequence[Delivery] = (),
        commits: Sequence[Commit] = (),
        now: datetime,
    ) -> Mapping[str, str]:
        until = time.monotonic() + KEEP_SECONDS
        while True:
            try:
                return super().write(issue_key, deliveries=deliveries, commits=commits, now=now)
            except StoreError as error:
                if commits or not error.passing or time.monotonic() > until:
                    raise
            time.sleep(KEEP_EVERY)
