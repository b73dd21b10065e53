"""Who works on issues, for which relay, and which relays are left alone for a while.

Times are by the database's clock, which is one for all hosts.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, delete, or_, select, text
from sqlalchemy.engine import Connection

from newsletter.readers import schema, work
from newsletter.readers.database import Database

ALIVE_SECONDS = 10
"""A worker that gave no sign for so long is gone, or cut off."""

FORGOTTEN_SECONDS = 3600

RESTS = (5, 10, 20, 40, 60, 120, 300)
"""Seconds for which a relay is left alone when it could not be used once, twice, … in a row."""

_worker = work.worker.c
_relay = work.relay.c

_SEEN = text(f"""
INSERT INTO worker (name, relay, began_at, seen_at, batch, per_second)
VALUES (:name, :relay, {work.NOW}, {work.NOW}, :batch, :per_second)
ON CONFLICT (name, relay) DO UPDATE SET seen_at = {work.NOW}, batch = :batch, per_second = :per_second
""")  # noqa: S608 - nothing in it is anybody's but ours
_REST = text(f"""
INSERT INTO relay (name, trouble, times, rests_until)
VALUES (:name, :trouble, 1, {work.NOW} + :first)
ON CONFLICT (name) DO UPDATE SET trouble = :trouble, times = relay.times + 1,
  rests_until = {work.NOW}
    + greatest(:least, (CAST(:rests AS bigint[]))[least(relay.times + 1, {len(RESTS)})])
WHERE relay.rests_until <= {work.NOW}
""")  # noqa: S608
_clock = text(f"SELECT {work.NOW}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A worker, with its last sign so many seconds ago; `batch` is what it has in hand, None for nothing."""

    name: str
    relay: str
    began_at: datetime
    seconds_ago: int
    batch: int | None
    per_second: float

    @property
    def is_alive(self) -> bool:
        return self.seconds_ago <= ALIVE_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """Why a relay is left alone, for so many seconds more; how often in a row it was."""

    trouble: str
    seconds: int
    times: int


class Crew:
    """The workers and relays that one database knows of. Every method may raise StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def sign(self, name: str, relay: str, *, batch: int | None, per_second: float) -> None:
        """A worker gives a sign of life."""
        row = {"name": name, "relay": relay, "batch": batch, "per_second": per_second}
        with self._database.write(issue=f"worker {name}") as connection:
            connection.execute(_SEEN, row)

    def leave(self, name: str) -> None:
        """A worker goes home; those that have vanished long ago are forgotten."""
        with self._database.write(issue=f"worker {name}") as connection:
            now = _now(connection)
            old = (_worker.name == name) | (_worker.seen_at < now - FORGOTTEN_SECONDS)
            connection.execute(delete(work.worker).where(old))

    def workers(self) -> list[Worker]:
        """All that are known, by name and relay."""
        query = select(work.worker).order_by(_worker.relay, _worker.name)
        with self._database.read() as connection:
            now = _now(connection)
            rows = connection.execute(query).all()
        return [
            Worker(
                name=row.name,
                relay=row.relay,
                began_at=schema.moment(row.began_at),
                seconds_ago=max(0, now - row.seen_at),
                batch=row.batch,
                per_second=row.per_second,
            )
            for row in rows
        ]

    def unattended(self, relays: Collection[str]) -> list[str]:
        """Those of the relays for which nobody works."""
        attended = {worker.relay for worker in self.workers() if worker.is_alive}
        return [relay for relay in relays if relay not in attended]

    def is_busy(self, issue_key: str) -> bool:
        """Whether a worker that is there has a batch of the issue in hand, or has just taken one on."""
        batch, lately = work.batch.c, text(f"{work.NOW} - {ALIVE_SECONDS}")
        has = or_(_worker.batch == batch.id, batch.begun_at >= lately)
        mine = and_(batch.issue_key == issue_key, batch.closed_at.is_(None), batch.worker == _worker.name)
        query = select(_worker.name).join(work.batch, and_(mine, has)).where(_worker.seen_at >= lately)
        with self._database.read() as connection:
            return connection.execute(query.limit(1)).first() is not None

    def rest(self, relay: str, trouble: str, *, least: float) -> None:
        """Leave a relay alone that could not be used, longer each time; at `least` so many seconds.

        Nothing, if it is being left alone already.
        """
        row = {"name": relay, "trouble": trouble, "least": round(least)}
        with self._database.write(issue=f"relay {relay}") as connection:
            connection.execute(_REST, row | {"first": max(RESTS[0], round(least)), "rests": list(RESTS)})

    def recovered(self, relay: str) -> None:
        """A relay has taken mail again."""
        with self._database.write(issue=f"relay {relay}") as connection:
            connection.execute(delete(work.relay).where(_relay.name == relay))

    def resting(self) -> Mapping[str, Rest]:
        """The relays that could not be used the last time; those with 0 seconds may be tried again."""
        with self._database.read() as connection:
            now = _now(connection)
            rows = connection.execute(select(work.relay)).all()
        return {
            row.name: Rest(trouble=row.trouble, seconds=max(0, row.rests_until - now), times=row.times)
            for row in rows
        }


def _now(connection: Connection) -> int:
    return int(connection.scalar(_clock) or 0)
