"""What a database server costs beside a file: `python -m tests.bench.server`.

The same list is brought in, the same issue frozen and counted, and the same books are kept of messages that
nobody gets, once by SQLite and once by PostgreSQL on this machine, both waiting for their disk. CPU time is
that of our own process; for the server the log it writes (WAL) is given too, by message.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from newsletter.readers.addresses import read_address
from newsletter.readers.csv_file import Row
from newsletter.readers.database import Database
from newsletter.readers.importing import Incoming
from newsletter.readers.ledger import Ledger
from newsletter.readers.proof import Proof
from tests.bench.books import PAGE, Clock, ours
from tests.bench.import_readers import people
from tests.cluster import running

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
GROUPS = (10, 50, 100)
MESSAGES = 10_000


def bring_in(database: Database, lines: int) -> tuple[float, float]:
    """Seconds on the clock and of the processor, the reading of the file left out."""
    rows = [
        Row(line=line, address=read_address(email), name=name)
        for line, (email, name) in enumerate(people(lines), 2)
    ]
    clock = Clock()

    def work() -> None:
        with Incoming(database, hashes=lambda key: (key,)) as incoming:
            incoming.read(rows, refuse=print)
            assert incoming.plan().added == lines
            assert sum(incoming.enter(proof=Proof(source="made up"), now=NOW)) == lines

    clock.timed(work)
    return clock.wall, clock.cpu


def freeze(database: Database, key: str) -> float:
    started = time.perf_counter()
    Ledger(database).freeze(issue_key=key, fingerprint="f", subject="s", template="t", date=NOW, now=NOW)
    return time.perf_counter() - started


def bench(name: str, database: Database, lines: int, wal: Callable[[], int]) -> None:
    wall, cpu = bring_in(database, lines)
    print(f"{name}: {lines:,} readers brought in in {wall:.1f} s ({cpu:.1f} s of the processor)")
    before = wal()
    seconds = freeze(database, "frozen")
    log = f", {(wal() - before) / lines:.0f} B of log each" if wal() else ""
    started = time.perf_counter()
    assert Ledger(database).tally("frozen").holds
    counted = time.perf_counter() - started
    print(f"{name}: frozen in {seconds:.1f} s{log}, counted in {counted:.1f} s")
    for size in GROUPS:
        key = f"in groups of {size}"
        freeze(database, key)
        before, clock, count = wal(), Clock(), min(MESSAGES, lines) // PAGE * PAGE
        ours(database, key, count, size, clock)
        log = f", {(wal() - before) / count:.0f} B of log" if wal() else ""
        print(
            f"{name}: {key}: {clock.wall / count * 1e6:.0f} us a message on the clock,"
            f" {clock.cpu / count * 1e6:.0f} us of our processor{log}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--lines", type=int, default=200_000)
    lines = parser.parse_args().lines
    with tempfile.TemporaryDirectory() as name, Database.open("sqlite:///n.db", Path(name)) as database:
        bench("SQLite", database, lines, lambda: 0)
    with running(durable=True) as cluster:

        def wal() -> int:
            ((place,),) = cluster.order("SELECT pg_current_wal_insert_lsn() - '0/0'")
            return int(str(place))

        with Database.open(cluster.made(), Path()) as database:
            bench("PostgreSQL", database, lines, wal)


if __name__ == "__main__":
    main()
