"""Who is due, in which order, a page at a time."""

import tracemalloc
from datetime import UTC, datetime, timedelta

from newsletter.model import Outcome, Owed, Status
from newsletter.readers.addresses import read_address
from newsletter.readers.database import Database
from newsletter.readers.ledger import Ledger
from newsletter.readers.store import Readers
from tests.readers.conftest import (
    BY_HAND,
    KEY,
    NOW,
    commit,
    crowd,
    due,
    erase,
    events,
    freeze,
    gave,
    record,
    set_row,
    set_status,
)

SOON = NOW + timedelta(minutes=5)
SECONDS = int(NOW.timestamp())


def walk(ledger: Ledger, limit: int, *, now: datetime = NOW, start: str = "") -> list[str]:
    """The ids of all that are due, fetched `limit` at a time while nothing is done about them."""
    found: list[str] = []
    last = None
    while page := ledger.due(KEY, now, limit, last, start):
        assert len(page) <= limit
        found += [owed.reader.id for owed in page]
        last = page[-1]
    return found


def test_whoever_is_owed_the_issue_is_due_with_all_that_a_message_needs(
    database: Database, readers: Readers, ledger: Ledger
) -> None:
    verdict = readers.add(
        read_address("Lea.Muller@example.org"), "Léa «\u00a0M\u00a0»", proof=BY_HAND, now=NOW
    )
    reader, lea = verdict.reader, verdict.reader.id
    freeze(ledger)
    assert reader.name == "Léa «\u00a0M\u00a0»"
    assert ledger.due(KEY, NOW, 10) == [Owed(reader=reader, tries=0, due=0)]
    set_row(database, lea, attempts=2, next_at=SECONDS)
    assert ledger.due(KEY, NOW, 10) == [Owed(reader=reader, tries=2, due=SECONDS)]


def test_those_never_put_off_come_first_then_by_the_time_they_are_due_then_by_id(
    database: Database, ledger: Ledger
) -> None:
    ids = crowd(database, 8)
    freeze(ledger)
    for place, seconds in ((0, 30), (1, 20), (2, 20), (3, 0), (6, 300)):
        set_row(database, ids[place], next_at=SECONDS + seconds)
    order = [ids[place] for place in (4, 5, 7, 3, 1, 2, 0)]
    assert due(ledger, NOW) == order[:4]
    late = NOW + timedelta(minutes=1)
    assert due(ledger, late) == order
    for limit in range(1, 9):
        assert walk(ledger, limit, now=late) == order


def test_a_page_goes_on_after_the_last_one_though_rows_have_left_the_queue(
    database: Database, ledger: Ledger
) -> None:
    ids = crowd(database, 6)
    freeze(ledger)
    first = ledger.due(KEY, NOW, 2)
    assert [owed.reader.id for owed in first] == ids[:2]
    commit(ledger, ids[1], ids[2])
    assert [owed.reader.id for owed in ledger.due(KEY, NOW, 2, first[-1])] == ids[3:5]


def test_a_run_may_begin_anywhere_in_the_queue(database: Database, ledger: Ledger) -> None:
    ids = crowd(database, 6)
    freeze(ledger)
    set_row(database, ids[1], next_at=SECONDS)
    assert walk(ledger, 2, start=ids[2]) == [ids[3], ids[4], ids[5], ids[1]]


def test_a_row_put_off_is_due_in_the_very_second_that_was_promised(
    database: Database, ledger: Ledger
) -> None:
    first, second = crowd(database, 2)
    freeze(ledger)
    assert ledger.next_due(KEY) == datetime(1970, 1, 1, tzinfo=UTC)
    commit(ledger, first, second)
    assert ledger.next_due(KEY) is None
    later = SOON + timedelta(minutes=1)
    record(ledger, gave(first, Outcome.DEFERRED, next_at=later), gave(second, Outcome.DEFERRED, next_at=SOON))
    assert ledger.next_due(KEY) == SOON
    assert due(ledger, SOON - timedelta(seconds=1)) == []
    assert due(ledger, SOON) == [second]
    assert due(ledger, later) == [second, first]


def test_somebody_who_left_since_is_still_in_the_queue_for_the_commit_to_decide(
    database: Database, ledger: Ledger
) -> None:
    (lea,) = crowd(database, 1)
    freeze(ledger)
    set_status(database, lea, Status.LEFT)
    assert [owed.reader.status for owed in ledger.due(KEY, NOW, 10)] == [Status.LEFT]
    assert commit(ledger, lea) == {lea: "left"}


def test_somebody_erased_leaves_the_queue_withheld_and_noted(database: Database, ledger: Ledger) -> None:
    ids = crowd(database, 2)
    freeze(ledger)
    erase(database, ids[0])
    assert due(ledger, limit=1) == [ids[1]]
    assert ledger.tally(KEY).withheld == {"erased": 1}
    assert events(database) == [("withheld", 0, "", 0, "erased")]


def test_a_whole_audience_erased_is_gone_through_however_small_the_pages(
    database: Database, ledger: Ledger
) -> None:
    ids = crowd(database, 1100)
    freeze(ledger)
    erase(database, *ids[:-1])
    assert due(ledger, limit=1) == [ids[-1]]
    assert ledger.tally(KEY).withheld == {"erased": 1099}


def test_a_big_audience_streams(database: Database, ledger: Ledger) -> None:
    ids = crowd(database, 6_000)
    freeze(ledger)
    seen = 0
    last = None
    ledger.due(KEY, NOW, 100)  # what is cached once and for all is not of interest
    tracemalloc.start()
    try:
        while page := ledger.due(KEY, NOW, 100, last):
            assert [owed.reader.id for owed in page] == ids[seen : seen + 100]
            seen += 100
            last = page[-1]
        streamed = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        ledger.due(KEY, NOW, 6_000)
        at_once = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert seen == 6_000
    assert streamed < at_once / 15
