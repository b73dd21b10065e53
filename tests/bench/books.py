"""What the ledger costs a message: `python -m tests.bench.books`.

For each message it says who is due, commits the row before the message leaves and notes what became of it,
all on disk as in a real run. Printed is the CPU time of our own process, since a busy disk is nobody's fault;
the reference is the same work done by bare sqlite3 on the same tables with nothing around it, in turns with
ours. Last comes how long the freeze of a big audience takes.
"""

import json
import secrets
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import TypeVar

from newsletter.model import Commit, Delivery, Outcome, Owed
from newsletter.readers import schema
from newsletter.readers.database import Database
from newsletter.readers.ledger import Ledger

GROUPS = (4, 20, 50, 100)
ROUNDS = 7
AUDIENCE = 10_000
BIG = 1_000_000
PAGE = 500
RECEIPT = "250 2.0.0 Ok: queued as 12345"
HOST = "127.0.0.1:25"
NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)

DUE = """
SELECT delivery.reader_id, attempts, coalesce(next_at, 0), email, name, status
FROM delivery LEFT JOIN reader ON reader.id = delivery.reader_id
WHERE issue_key = ? AND state = 'owed' AND coalesce(next_at, 0) = 0 AND delivery.reader_id > ?
ORDER BY delivery.reader_id LIMIT ?
"""
SENT = """
UPDATE delivery SET state = 'sent'
WHERE issue_key = ? AND reader_id IN (SELECT value FROM json_each(?)) AND +state = 'in doubt' AND attempts = 1
"""
NOTE = "INSERT OR IGNORE INTO attempt VALUES (?, ?, 1, ?, 'sent', 'dot', 250, ?, ?, '', 3)"
COMMIT = """
UPDATE delivery SET state = 'in doubt', attempts = 1, next_at = NULL, committed_at = ?2, host = ?3
WHERE issue_key = ?1 AND reader_id IN (SELECT value FROM json_each(?4))
  AND +state = 'owed' AND attempts = 0 AND +coalesce(next_at, 0) <= ?2
  AND EXISTS (SELECT 1 FROM reader WHERE id = delivery.reader_id AND status = 'active')
  AND EXISTS (SELECT 1 FROM issue WHERE key = ?1 AND cancelled_at IS NULL)
"""


_T = TypeVar("_T")


@dataclass(slots=True)
class Clock:
    """CPU and wall seconds, added up only while it runs."""

    cpu: float = 0.0
    wall: float = 0.0

    def timed(self, work: Callable[[], _T]) -> _T:
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            return work()
        finally:
            self.cpu += time.process_time() - cpu
            self.wall += time.perf_counter() - wall


def groups(page: list[_T], size: int) -> Iterator[list[_T]]:
    return (page[at : at + size] for at in range(0, len(page), size))


def ours(database: Database, key: str, count: int, size: int, clock: Clock) -> None:
    """Send to nobody, `count` messages in groups of `size`; what the sender would make is not timed."""
    ledger = Ledger(database)
    last: Owed | None = None
    results: list[Delivery] = []
    for _ in range(0, count, PAGE):
        page = clock.timed(partial(ledger.due, key, NOW, PAGE, last))
        last = page[-1]
        for group in groups(page, size):
            commits = [Commit(reader_id=owed.reader.id, number=owed.tries + 1, host=HOST) for owed in group]
            write = partial(ledger.write, key, deliveries=results, commits=commits, now=NOW)
            assert not clock.timed(write)
            results = [delivery(owed) for owed in group]
    clock.timed(partial(ledger.write, key, deliveries=results, now=NOW))


def delivery(owed: Owed) -> Delivery:
    return Delivery(
        recipient=owed.reader,
        outcome=Outcome.SENT,
        number=owed.tries + 1,
        at=NOW,
        committed=True,
        detail=RECEIPT,
        phase="dot",
        code=250,
        host=HOST,
        milliseconds=3,
    )


def bare(driver: sqlite3.Connection, key: str, count: int, size: int, clock: Clock) -> None:
    """The same by sqlite3 alone, with the fastest statements we know."""
    now = schema.seconds(NOW)
    last = ""
    results: list[str] = []

    def due(key: str, last: str) -> list[tuple[str, int, int, str, str, str]]:
        return driver.execute(DUE, (key, last, PAGE)).fetchall()

    def write(key: str, results: list[str], commits: list[str]) -> None:
        driver.execute("BEGIN IMMEDIATE")
        driver.execute(SENT, (key, json.dumps(results)))
        driver.executemany(NOTE, [(key, reader_id, now, RECEIPT, HOST) for reader_id in results])
        assert driver.execute(COMMIT, (key, now, HOST, json.dumps(commits))).rowcount == len(commits)
        driver.execute("COMMIT")

    for _ in range(0, count, PAGE):
        page = clock.timed(partial(due, key, last))
        last = page[-1][0]
        for group in groups([row[0] for row in page], size):
            clock.timed(partial(write, key, results, group))
            results = group
    clock.timed(partial(write, key, results, []))


def bench(database: Database, driver: sqlite3.Connection, size: int) -> None:
    count = min(AUDIENCE, 500 * size)
    spent: dict[str, list[Clock]] = {"ours": [], "bare": []}
    for number in range(ROUNDS):
        for name, clocks in spent.items():
            key = f"{name}-{size}-{number}"
            freeze(database, key)
            driver.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
            clock = Clock()
            if name == "ours":
                ours(database, key, count, size, clock)
            else:
                bare(driver, key, count, size, clock)
            clocks.append(clock)
            assert Ledger(database).tally(key).sent == count
    cpu, wall, reference = (
        [value / count * 1e6 for value in values]
        for values in (
            [clock.cpu for clock in spent["ours"]],
            [clock.wall for clock in spent["ours"]],
            [clock.cpu for clock in spent["bare"]],
        )
    )
    ratio = median(mine / other for mine, other in zip(cpu, reference, strict=True))
    print(
        f"groups of {size:3}: {median(cpu):5.1f} us CPU a message ({min(cpu):.1f} at best), "
        f"{median(wall):6.1f} us on the clock; bare sqlite3 {median(reference):5.1f}; ratio {ratio:.2f}"
    )


def enter(database: Database, count: int) -> None:
    """Active readers whose ids are random, as they are in life."""
    numbers = range(count)
    with database.drive(writing=True) as driver:
        driver.executemany(
            "INSERT INTO reader VALUES (?, ?, ?, ?, 'active', 0, NULL)",
            (
                (secrets.token_urlsafe(12), f"reader{n}@example.org", f"reader{n}@example.org", "Zoé")
                for n in numbers
            ),
        )


def freeze(database: Database, key: str) -> float:
    """Freeze an issue; how many seconds that took."""
    started = time.perf_counter()
    Ledger(database).freeze(issue_key=key, fingerprint="f", subject="s", template="t", date=NOW, now=NOW)
    return time.perf_counter() - started


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        with (
            Database.open("sqlite:///books.db", root) as database,
            closing(sqlite3.connect(root / "books.db", isolation_level=None)) as driver,
        ):
            driver.execute("PRAGMA synchronous = FULL")
            enter(database, AUDIENCE)
            for size in GROUPS:
                bench(database, driver, size)
        with Database.open("sqlite:///big.db", root) as database:
            enter(database, BIG)
            seconds = freeze(database, "2026-11-23")
            started = time.perf_counter()
            assert Ledger(database).tally("2026-11-23").holds
            counted = time.perf_counter() - started
            print(f"{BIG:,} readers: frozen in {seconds:.1f} s, counted in {counted:.1f} s")


if __name__ == "__main__":
    main()
