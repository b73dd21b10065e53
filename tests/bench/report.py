"""What the report costs on a large list: `python -m tests.bench.report --readers 1000000 --issues 10`.

Both reports are timed against the barest question one can ask the same database, `SELECT count(*)` of the
deliveries that they are about, round by round, in seconds of the processor: the database works in this very
process, and others may be at work beside it.
"""

import argparse
import resource
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

from newsletter.readers.database import Database
from newsletter.readers.report import Reports

URL = "sqlite:///newsletter.db"
PARIS = ZoneInfo("Europe/Paris")
MONDAY = date(2026, 3, 2)

# What a French list looks like: seven large providers and, for one reader in ten, a domain of 10,000 others.
_READERS = """
INSERT INTO reader (id, email, address_key, name, status, since)
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :readers),
  one AS (SELECT i, lower(hex(randomblob(8))) AS id, CASE WHEN i % 10 = 9
    THEN 'firm' || abs(random() % 10000) || '.example'
    ELSE substr('gmail.com   orange.fr   hotmail.fr  wanadoo.fr  yahoo.fr    free.fr     '
      || 'laposte.net sfr.fr      gmail.com   ', i % 9 * 12 + 1, 12) END AS domain FROM n)
SELECT id, 'r' || i || '@' || trim(domain), 'r' || i || '@' || trim(domain), '', 'active', 0
FROM one ORDER BY id
"""
_JOINED = """
INSERT INTO consent (reader_id, at, kind, source, words)
SELECT id, :at, 'joined', 'import of readers.csv', 'Je veux recevoir la lettre chaque matin.' FROM reader
"""
_ISSUE = """
INSERT INTO issue (key, fingerprint, subject, template, date, audience, frozen_at)
VALUES (:key, '', 'Un numéro', '', :key, (SELECT count(*) FROM reader), :at)
"""
# In a thousand readers two are refused, one is withheld, one leaves by it, and one copy comes back.
_DELIVERIES = """
INSERT INTO delivery (issue_key, reader_id, state, attempts, committed_at, host, reason)
SELECT :key, id, CASE abs(random() % 1000) WHEN 0 THEN 'refused'
  WHEN 1 THEN 'refused' WHEN 2 THEN 'withheld' ELSE 'sent' END, 1, :at + abs(random() % 600),
  'relay.example:587', '' FROM reader ORDER BY id
"""
_ATTEMPTS = """
INSERT INTO attempt (issue_key, reader_id, number, at, outcome, phase, code, detail, host, tls, milliseconds)
SELECT issue_key, reader_id, 1, committed_at, state, 'dot', CASE state WHEN 'sent' THEN 250 ELSE 550 END,
  CASE state WHEN 'sent' THEN '250 2.0.0 Ok: queued as 4bXyZ1' ELSE '550 5.1.1 no such user' END, host,
  'TLSv1.3', abs(random() % 400) FROM delivery WHERE issue_key = :key ORDER BY reader_id
"""
_LEFT = """
INSERT INTO consent (reader_id, at, kind, source, issue_key)
SELECT id, :at + 3600, 'left', 'the link in the mail', :key FROM reader WHERE random() % 1000 = 0
"""
_RETURNED = """
INSERT INTO returned (digest, at, reader_id, issue_key, domain, kind, code, detail, effect)
SELECT id || :key, :at + 60, id, :key, substr(email, instr(email, '@') + 1),
  CASE WHEN random() % 2 THEN 'soft' ELSE 'hard' END, '5.1.1', '', '' FROM reader WHERE random() % 1000 = 0
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.report", description=__doc__)
    parser.add_argument("--readers", type=int, default=1_000_000)
    parser.add_argument("--issues", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where to work: about 300 bytes a delivery")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        root = Path(name)
        with Database.open(URL, root):
            pass
        days = [MONDAY + timedelta(days=number) for number in range(options.issues)]
        started = time.monotonic()
        _fill(root / "newsletter.db", options.readers, days)
        size = (root / "newsletter.db").stat().st_size
        print(f"{options.readers * options.issues:,} deliveries, {size / 1e9:.1f} GB,", end=" ")
        print(f"made in {time.monotonic() - started:.0f} s")
        _measure(root, days, options.rounds)


def _fill(path: Path, readers: int, days: list[date]) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        first = datetime.combine(days[0] - timedelta(days=30), datetime.min.time(), UTC)
        connection.execute(_READERS, {"readers": readers})
        connection.execute(_JOINED, {"at": int(first.timestamp())})
        for day in days:
            at = datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=6)
            values = {"key": day.isoformat(), "at": int(at.timestamp())}
            for statement in (_ISSUE, _DELIVERIES, _ATTEMPTS, _LEFT, _RETURNED):
                connection.execute(statement, values)
        connection.execute("COMMIT")


def _measure(root: Path, days: list[date], rounds: int) -> None:
    now = datetime.combine(days[-1], datetime.min.time(), UTC) + timedelta(hours=20)
    with Database.open(URL, root) as database, closing(sqlite3.connect(root / "newsletter.db")) as bare:
        reports = Reports(database)
        pairs: dict[str, tuple[str, Callable[[], object]]] = {
            "all issues": (
                "SELECT count(*) FROM delivery",
                lambda: reports.since(days[0], now, PARIS),
            ),
            "one issue": (
                f"SELECT count(*) FROM delivery WHERE issue_key = '{days[-1]}'",
                lambda: reports.issue(days[-1].isoformat(), now),
            ),
        }
        for name, (query, report) in pairs.items():
            _seconds(lambda query=query: bare.execute(query).fetchone())  # type: ignore[misc]
            counts, reported = [], []
            for _ in range(rounds):
                counts.append(_seconds(lambda query=query: bare.execute(query).fetchone()))  # type: ignore[misc]
                reported.append(_seconds(report))
            ratio = median(b / a for a, b in zip(counts, reported, strict=True))
            took = f"{median(reported):.2f} s against {median(counts):.3f} s for count(*)"
            print(f"{name}: {took}: {ratio:.0f} times")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000:.0f} MB")


def _seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


if __name__ == "__main__":
    main()
