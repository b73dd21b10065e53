"""How SQLite finds the rows of the statements that run for every message: never by going through a table."""

import re
import sqlite3
from datetime import timedelta
from pathlib import Path

from newsletter.model import Outcome, Status
from newsletter.readers.database import Database
from newsletter.readers.ledger import Ledger
from tests.readers.conftest import (
    KEY,
    NOW,
    URL,
    commit,
    commits,
    crowd,
    due,
    erase,
    freeze,
    gave,
    only_sqlite,
    record,
    set_status,
)

LATER = NOW + timedelta(hours=1)

# What a step of a plan may be: a row found by its key, the queue's index with all columns that it can use, or
# what the caller handed in.
STEPS = [
    r"SEARCH delivery USING INDEX sqlite_autoindex_delivery_1 \(issue_key=\? AND reader_id=\?\)",
    r"SEARCH delivery USING INDEX delivery_unsettled \(issue_key=\? AND <expr>=\? AND reader_id>\? AND .*",
    r"SEARCH delivery USING INDEX delivery_unsettled \(issue_key=\? AND <expr>>\? AND <expr><\?\)",
    r"SEARCH reader USING PRIMARY KEY \(id=\?\)( LEFT-JOIN)?",
    r"SEARCH issue USING INDEX sqlite_autoindex_issue_1 \(key=\?\)",
    r"SCAN json_each VIRTUAL TABLE INDEX 1:",
    r"SCAN \d+ CONSTANT ROWS",
    r"(LIST|SCALAR|CORRELATED SCALAR) SUBQUERY \d+",
]


def work_a_morning(database: Database, ledger: Ledger, ids: list[str]) -> None:
    """All that a run does to the ledger for the sake of single messages."""
    group = [owed.reader.id for owed in ledger.due(KEY, NOW, 50)]
    assert commit(ledger, *group) == {}
    results = [gave(reader_id) for reader_id in group[:47]]
    results.append(gave(group[47], Outcome.DEFERRED, next_at=LATER))
    results.append(gave(group[48], Outcome.REFUSED))
    results.append(gave(group[49], Outcome.IN_DOUBT))
    assert ledger.write(KEY, deliveries=results, commits=commits(*ids[50:100]), now=NOW) == {}
    record(ledger, gave(group[49]), gave(ids[100], Outcome.WITHHELD, committed=False, detail="render_error"))
    record(ledger, gave(group[49]))
    set_status(database, ids[101], Status.LEFT)
    assert commit(ledger, *ids[101:103]) == {ids[101]: "left"}
    erase(database, ids[103])
    assert due(ledger, LATER, 5) == ids[104:109]
    last = ledger.due(KEY, LATER, 5)[-1]
    assert [owed.reader.id for owed in ledger.due(KEY, LATER, 1000, last)] == [*ids[109:], group[47]]


@only_sqlite
def test_each_row_is_found_by_its_key_and_the_queue_by_its_index(database: Database, ledger: Ledger) -> None:
    ids = crowd(database, 300)
    freeze(ledger)
    seen: list[str] = []
    with database.drive(writing=False) as driver:
        assert isinstance(driver, sqlite3.Connection)
        driver.set_trace_callback(seen.append)
    work_a_morning(database, ledger, ids)
    steps: set[str] = set()
    with database.drive(writing=False) as driver:
        assert isinstance(driver, sqlite3.Connection)
        driver.set_trace_callback(None)
        for statement in {one for one in seen if not one.startswith(("BEGIN", "COMMIT", "ROLLBACK"))}:
            steps |= {row[3] for row in driver.execute(f"EXPLAIN QUERY PLAN {statement}")}
    assert [step for step in steps if not any(re.fullmatch(known, step) for known in STEPS)] == []
    assert [known for known in STEPS if not any(re.fullmatch(known, step) for step in steps)] == []


def steps_taken(root: Path, audience: int) -> int:
    """The instructions of SQLite's machine for a commit, its record and a page of the queue."""
    with Database.open(URL, root) as database:
        ledger = Ledger(database)
        ids = crowd(database, audience)
        freeze(ledger)
        half = audience // 2
        assert commit(ledger, *ids[:half]) == {}
        record(ledger, *(gave(reader_id) for reader_id in ids[:half]))
        group = ids[half : half + 50]
        taken = 0

        def count() -> int:
            nonlocal taken
            taken += 1
            return 0

        with database.drive(writing=False) as driver:
            assert isinstance(driver, sqlite3.Connection)
            driver.set_progress_handler(count, 1)
        assert due(ledger, NOW, 50) == group
        assert commit(ledger, *group) == {}
        record(ledger, *(gave(reader_id) for reader_id in group))
        with database.drive(writing=False) as driver:
            assert isinstance(driver, sqlite3.Connection)
            driver.set_progress_handler(None, 1)
        return taken


def test_a_message_costs_no_more_in_a_big_audience_than_in_a_small_one(tmp_path: Path) -> None:
    small = steps_taken(tmp_path / "small", 200)
    assert small > 1000
    assert steps_taken(tmp_path / "big", 4000) < small * 1.02
