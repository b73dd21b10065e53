"""The commit before a message leaves, and what became of it: which rows move, and which must not."""

import resource
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from newsletter.errors import StoreError
from newsletter.model import Commit, Delivery, Outcome, Reader, State, Status
from newsletter.readers import schema
from newsletter.readers.database import Database
from newsletter.readers.ledger import Ledger
from newsletter.readers.store import Readers
from tests.readers.conftest import (
    KEY,
    NOW,
    RELAY,
    URL,
    commit,
    commits,
    crowd,
    due,
    enter,
    erase,
    events,
    freeze,
    gave,
    only_sqlite,
    record,
    set_row,
    set_status,
    state,
)

SOON = NOW + timedelta(minutes=5)
SECONDS = int(NOW.timestamp())

BEFORE = [Outcome.DEFERRED, Outcome.REFUSED, Outcome.WITHHELD]
AFTER = [Outcome.DEFERRED, Outcome.REFUSED, Outcome.IN_DOUBT, Outcome.SENT]
NOT_OWED = [one for one in State if one is not State.OWED]
NOT_ACTIVE = [one for one in Status if one is not Status.ACTIVE]


@pytest.fixture
def lea(readers: Readers, ledger: Ledger) -> str:
    """A reader who is owed the issue."""
    (lea,) = enter(readers, "lea@example.org")
    freeze(ledger)
    return lea


def committed_to(database: Database, reader_id: str) -> tuple[int | None, str]:
    """When a row was committed last, and to whom its message was about to go."""
    row = schema.delivery.c
    with database.read() as connection:
        query = select(row.committed_at, row.host).where(row.reader_id == reader_id)
        at, host = connection.execute(query).one()
    return at, host


# What passes a commit.


def test_a_message_is_in_doubt_from_its_commit_until_it_is_told_what_became_of_it(
    database: Database, ledger: Ledger, lea: str
) -> None:
    assert commit(ledger, lea) == {}
    assert state(ledger, lea) == ("in doubt", 1, "")
    assert committed_to(database, lea) == (SECONDS, RELAY)
    assert due(ledger) == []
    assert not ledger.tally(KEY).done
    record(ledger, gave(lea, detail="250 2.0.0 ok"))
    assert state(ledger, lea) == ("sent", 1, "")
    assert ledger.tally(KEY).done
    assert [row.last_detail for row in ledger.rows(KEY)] == ["250 2.0.0 ok"]


@pytest.mark.parametrize("settled", NOT_OWED)
def test_a_row_that_is_not_owed_passes_no_commit(
    database: Database, ledger: Ledger, lea: str, settled: State
) -> None:
    set_row(database, lea, state=settled.value)
    assert commit(ledger, lea) == {lea: ""}
    assert state(ledger, lea) == (settled.value, 0, "")
    assert events(database) == []


def test_a_row_that_was_put_off_passes_no_commit_before_its_time(
    database: Database, ledger: Ledger, lea: str
) -> None:
    set_row(database, lea, next_at=SECONDS + 1)
    assert commit(ledger, lea) == {lea: ""}
    assert state(ledger, lea) == ("owed", 0, "")
    assert commit(ledger, lea, now=NOW + timedelta(seconds=1)) == {}


@pytest.mark.parametrize("number", [0, 1, 3])
def test_only_the_next_number_passes_a_commit(
    database: Database, ledger: Ledger, lea: str, number: int
) -> None:
    set_row(database, lea, attempts=1)
    assert commit(ledger, lea, number=number) == {lea: ""}
    assert state(ledger, lea) == ("owed", 1, "")
    assert commit(ledger, lea, number=2) == {}
    assert state(ledger, lea) == ("in doubt", 2, "")


@pytest.mark.parametrize("status", NOT_ACTIVE)
def test_somebody_who_left_after_the_freeze_is_withheld_at_the_last_moment(
    database: Database, ledger: Ledger, lea: str, status: Status
) -> None:
    set_status(database, lea, status)
    assert commit(ledger, lea) == {lea: status.value}
    assert state(ledger, lea) == ("withheld", 0, status.value)
    assert ledger.tally(KEY).withheld == {status.value: 1}
    assert ledger.tally(KEY).done
    assert events(database) == [("withheld", 1, "", 0, status.value)]
    assert committed_to(database, lea) == (None, "")


def test_somebody_erased_is_withheld_at_the_last_moment_and_no_longer_named(
    database: Database, ledger: Ledger, lea: str
) -> None:
    erase(database, lea)
    assert commit(ledger, lea) == {lea: "erased"}
    assert [(row.email, row.reason) for row in ledger.rows(KEY, State.WITHHELD)] == [("", "erased")]


def test_a_cancelled_issue_goes_to_nobody_more(database: Database, ledger: Ledger, lea: str) -> None:
    with database.write() as connection:
        connection.execute(update(schema.issue).values(cancelled_at=1))
    assert commit(ledger, lea) == {lea: "cancelled"}
    assert ledger.tally(KEY).withheld == {"cancelled": 1}
    assert events(database) == [("withheld", 1, "", 0, "cancelled")]


def test_somebody_who_was_never_owed_the_issue_passes_no_commit(ledger: Ledger, lea: str) -> None:
    assert commit(ledger, "nobody", lea) == {"nobody": ""}
    assert state(ledger, lea) == ("in doubt", 1, "")


def test_of_a_group_the_rows_that_may_pass_do(database: Database, ledger: Ledger) -> None:
    ids = crowd(database, 8)
    freeze(ledger)
    set_status(database, ids[0], Status.LEFT)
    set_row(database, ids[2], state="in doubt", attempts=1)
    erase(database, ids[4])
    set_row(database, ids[6], attempts=1)
    group = [*commits(*ids[:6]), *commits(ids[6], number=2), Commit(reader_id=ids[7], number=1, host="b")]
    assert ledger.write(KEY, commits=group, now=NOW) == {ids[0]: "left", ids[2]: "", ids[4]: "erased"}
    tally = ledger.tally(KEY)
    assert (tally.in_doubt, tally.owed, tally.withheld) == (6, 0, {"left": 1, "erased": 1})
    assert [committed_to(database, ids[at])[1] for at in (1, 2, 6, 7)] == [RELAY, "", RELAY, "b"]
    assert state(ledger, ids[6]) == ("in doubt", 2, "")


@pytest.mark.parametrize("numbers", [(1, 1), (1, 2)])
def test_a_row_committed_twice_in_one_write_is_an_error_since_its_message_might_leave_twice(
    ledger: Ledger, lea: str, numbers: tuple[int, int]
) -> None:
    twice = [Commit(reader_id=lea, number=number) for number in numbers]
    with pytest.raises(StoreError, match=f"reader '{lea}' cannot be committed twice at once"):
        ledger.write(KEY, commits=twice, now=NOW)
    assert state(ledger, lea) == ("owed", 0, "")


def test_what_became_of_a_message_is_noted_before_the_same_row_is_committed_again(
    ledger: Ledger, lea: str
) -> None:
    commit(ledger, lea)
    again = gave(lea, Outcome.DEFERRED, next_at=NOW)
    assert ledger.write(KEY, deliveries=[again], commits=commits(lea, number=2), now=NOW) == {}
    assert state(ledger, lea) == ("in doubt", 2, "")


# What became of it.


def test_every_attempt_is_noted_with_all_that_is_known_of_it(
    database: Database, ledger: Ledger, lea: str
) -> None:
    commit(ledger, lea)
    delivery = Delivery(
        recipient=Reader(id=lea, email="lea@example.org"),
        outcome=Outcome.SENT,
        number=1,
        at=NOW + timedelta(seconds=3, microseconds=999_999),
        committed=True,
        detail="250 2.0.0 Ok: queued as «12345»\u00a0",
        phase="dot",
        code=250,
        host=RELAY,
        tls="TLSv1.3 TLS_AES_256_GCM_SHA384",
        milliseconds=1234,
    )
    record(ledger, delivery)
    with database.read() as connection:
        (row,) = connection.execute(select(schema.attempt)).mappings()
    assert dict(row) == {
        "issue_key": "2026-11-23",
        "reader_id": lea,
        "number": 1,
        "at": SECONDS + 3,
        "outcome": "sent",
        "phase": "dot",
        "code": 250,
        "detail": "250 2.0.0 Ok: queued as «12345»\u00a0",
        "host": "relay.example:587",
        "tls": "TLSv1.3 TLS_AES_256_GCM_SHA384",
        "milliseconds": 1234,
    }


@pytest.mark.parametrize("number", [1, 2, 3, 7, 8, 9, 31, 32, 33, 100])
def test_of_a_group_of_any_size_each_attempt_is_noted_once(
    database: Database, ledger: Ledger, number: int
) -> None:
    ids = crowd(database, number)
    freeze(ledger)
    commit(ledger, *ids)
    record(ledger, *(gave(reader_id, detail=f"250 {reader_id}", code=250) for reader_id in ids))
    assert events(database) == [("sent", 1, "", 250, f"250 {reader_id}") for reader_id in ids]
    assert ledger.tally(KEY).sent == number


def test_results_written_again_after_a_failure_that_was_none_are_noted_once(
    database: Database, ledger: Ledger, lea: str
) -> None:
    commit(ledger, lea)
    for _ in range(2):
        record(ledger, gave(lea, detail="250 ok"))
    assert events(database) == [("sent", 1, "", 0, "250 ok")]
    assert state(ledger, lea) == ("sent", 1, "")


def test_a_deferred_message_is_owed_again_when_its_time_has_come(
    database: Database, ledger: Ledger, lea: str
) -> None:
    commit(ledger, lea)
    record(ledger, gave(lea, Outcome.DEFERRED, next_at=SOON, detail="451 wait", code=451))
    assert state(ledger, lea) == ("owed", 1, "")
    assert [row.next_at for row in ledger.rows(KEY)] == [SOON]
    assert commit(ledger, lea, number=2) == {lea: ""}
    assert commit(ledger, lea, number=2, now=SOON) == {}
    assert [row.next_at for row in ledger.rows(KEY)] == [None]
    record(ledger, gave(lea, number=2))
    assert state(ledger, lea) == ("sent", 2, "")
    assert events(database) == [("deferred", 1, "", 451, "451 wait"), ("sent", 2, "", 0, "")]


@pytest.mark.parametrize("committed", [False, True])
def test_a_refusal_is_for_good(ledger: Ledger, lea: str, committed: bool) -> None:
    if committed:
        commit(ledger, lea)
    record(ledger, gave(lea, Outcome.REFUSED, committed=committed, detail="550 5.1.1 unknown", code=550))
    assert state(ledger, lea) == ("refused", 1, "")
    assert [row.last_detail for row in ledger.rows(KEY, State.REFUSED)] == ["550 5.1.1 unknown"]
    assert commit(ledger, lea, number=2) == {lea: ""}


def test_a_doubt_stays_until_a_late_acceptance_of_the_same_attempt(
    database: Database, ledger: Ledger, lea: str
) -> None:
    commit(ledger, lea)
    record(ledger, gave(lea, Outcome.IN_DOUBT, detail="no reply"))
    assert state(ledger, lea) == ("in doubt", 1, "")
    assert commit(ledger, lea, number=2, now=SOON) == {lea: ""}
    record(ledger, gave(lea, Outcome.SENT, number=2, at=SOON))
    assert state(ledger, lea) == ("in doubt", 1, "")
    record(Ledger(database), gave(lea, Outcome.SENT, number=1, at=SOON))
    assert state(ledger, lea) == ("sent", 1, "")


def test_a_message_that_cannot_be_made_is_withheld_with_its_reason(
    database: Database, ledger: Ledger, lea: str
) -> None:
    record(ledger, gave(lea, Outcome.WITHHELD, committed=False, detail="render_error"))
    assert state(ledger, lea) == ("withheld", 0, "render_error")
    assert events(database) == [("withheld", 1, "", 0, "render_error")]


@pytest.mark.parametrize(
    ("outcome", "committed", "message"),
    [
        (Outcome.SENT, False, "cannot be sent without a commit"),
        (Outcome.IN_DOUBT, False, "cannot be in doubt without a commit"),
        (Outcome.WITHHELD, True, "cannot be withheld after a commit"),
    ],
)
def test_what_cannot_be_is_an_error_and_nothing_of_its_group_is_written(
    database: Database, ledger: Ledger, outcome: Outcome, committed: bool, message: str
) -> None:
    first, second, third = crowd(database, 3)
    freeze(ledger)
    commit(ledger, first)
    deliveries = [gave(first), gave(second, outcome, committed=committed)]
    with pytest.raises(StoreError, match=f"issue '2026-11-23': reader 'reader-0000001' {message}") as caught:
        ledger.write(KEY, deliveries=deliveries, commits=commits(third), now=NOW)
    assert caught.value.where == database.where
    assert [state(ledger, reader_id)[0] for reader_id in (first, second, third)] == [
        "in doubt",
        "owed",
        "owed",
    ]
    assert events(database) == []


@pytest.mark.parametrize("outcome", AFTER)
def test_what_became_of_a_message_to_somebody_who_was_never_owed_it_is_an_error(
    database: Database, ledger: Ledger, lea: str, outcome: Outcome
) -> None:
    commit(ledger, lea)
    with pytest.raises(StoreError, match="reader 'nobody' was never owed the issue"):
        ledger.write(KEY, deliveries=[gave(lea, outcome), gave("nobody", outcome)], now=NOW)
    assert state(ledger, lea) == ("in doubt", 1, "")
    assert events(database) == []


# Two runs, and a run that was frozen past its time.


def test_of_two_runs_that_commit_the_same_number_one_wins(tmp_path: Path) -> None:
    with Database.open(URL, tmp_path) as one, Database.open(URL, tmp_path) as two:
        (lea,) = crowd(one, 1)
        freeze(Ledger(one))
        assert commit(Ledger(one), lea) == {}
        assert commit(Ledger(two), lea) == {lea: ""}
        assert state(Ledger(two), lea) == ("in doubt", 1, "")


@pytest.mark.parametrize("outcome", BEFORE)
def test_another_runs_failure_before_its_commit_never_moves_a_row_that_is_committed(
    database: Database, ledger: Ledger, lea: str, outcome: Outcome
) -> None:
    other = Ledger(database)
    commit(ledger, lea)
    record(other, gave(lea, outcome, number=1, committed=False, next_at=SOON, detail="450 wait"))
    assert state(ledger, lea) == ("in doubt", 1, "")
    assert [row.next_at for row in ledger.rows(KEY)] == [None]
    record(ledger, gave(lea))
    record(other, gave(lea, outcome, number=1, committed=False, at=SOON, next_at=SOON))
    assert state(ledger, lea) == ("sent", 1, "")
    assert sorted(event[0] for event in events(database)) == sorted([outcome, outcome, "sent"])


@pytest.mark.parametrize("outcome", BEFORE)
def test_a_failure_before_the_commit_of_an_older_attempt_never_moves_a_row_that_was_put_off_since(
    database: Database, ledger: Ledger, lea: str, outcome: Outcome
) -> None:
    commit(ledger, lea)
    record(ledger, gave(lea, Outcome.DEFERRED, next_at=SOON))
    record(Ledger(database), gave(lea, outcome, number=1, committed=False, detail="450 wait"))
    assert state(ledger, lea) == ("owed", 1, "")
    assert [row.next_at for row in ledger.rows(KEY)] == [SOON]


@pytest.mark.parametrize("outcome", AFTER)
def test_a_zombies_late_result_does_not_move_a_row_that_was_settled_and_committed_again(
    database: Database, ledger: Ledger, lea: str, outcome: Outcome
) -> None:
    zombie = Ledger(database)
    commit(zombie, lea)
    set_row(database, lea, state="owed")  # a person decided that it may leave again
    assert commit(ledger, lea, number=2, now=SOON) == {}
    record(zombie, gave(lea, outcome, number=1, at=SOON, next_at=SOON))
    assert state(ledger, lea) == ("in doubt", 2, "")
    assert [row.next_at for row in ledger.rows(KEY)] == [None]
    record(ledger, gave(lea, number=2, at=SOON))
    assert state(ledger, lea) == ("sent", 2, "")
    assert [event[:2] for event in events(database)] == [(outcome.value, 1), ("sent", 2)]


# The database fails.


def set_room(database: Database, pages: int) -> None:
    """Let the database grow by so many pages and no more, as a full disk would."""
    with database.drive(writing=True) as driver:
        (now,) = driver.execute("PRAGMA page_count").fetchone()
        driver.execute(f"PRAGMA max_page_count = {now + pages}")


@only_sqlite
def test_what_a_full_disk_refused_is_written_later_from_memory(database: Database, ledger: Ledger) -> None:
    ids = crowd(database, 400)
    freeze(ledger)
    set_room(database, 12)
    results: list[Delivery] = []

    def run() -> None:
        for group in (ids[at : at + 20] for at in range(0, 400, 20)):
            assert ledger.write(KEY, deliveries=results, commits=commits(*group), now=NOW) == {}
            results[:] = [gave(reader_id, detail="250 " + "x" * 500) for reader_id in group]

    with pytest.raises(StoreError, match="the disk is full"):
        run()
    tally = ledger.tally(KEY)
    assert tally.holds
    assert (tally.in_doubt, len(results)) == (20, 20)
    assert tally.sent == len(events(database)) > 0
    assert tally.owed == 380 - tally.sent

    set_room(database, 10_000)
    record(ledger, *results)
    assert ledger.tally(KEY).sent == tally.sent + 20 == len(events(database))
    assert ledger.tally(KEY).in_doubt == 0


HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """While another process holds the right to write."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        yield


def test_while_another_process_keeps_the_database_locked_nothing_passes_and_nothing_is_lost(
    tmp_path: Path,
) -> None:
    with Database.open(URL, tmp_path, busy_timeout=0.05) as database:
        ledger = Ledger(database)
        first, second = crowd(database, 2)
        freeze(ledger)
        commit(ledger, first)
        result = gave(first, detail="250 ok")
        with locked(Path(database.where)):
            with pytest.raises(StoreError, match=r"kept the database locked for 0\.05 s") as caught:
                ledger.write(KEY, deliveries=[result], commits=commits(second), now=NOW)
            assert caught.value.where == database.where
            assert state(ledger, first) == ("in doubt", 1, "")
            assert due(ledger) == [second]
        assert ledger.write(KEY, deliveries=[result], commits=commits(second), now=NOW) == {}
        assert [state(ledger, reader_id)[0] for reader_id in (first, second)] == ["sent", "in doubt"]
        assert events(database) == [("sent", 1, "", 0, "250 ok")]


@only_sqlite
def test_a_transaction_that_writes_for_messages_is_a_writers_from_its_start(
    database: Database, ledger: Ledger
) -> None:
    """R12: one that began by reading would fail at its first writing, had another run written meanwhile."""
    ids = crowd(database, 4)
    freeze(ledger)
    erase(database, ids[0], ids[3])
    statements: list[str] = []
    with database.drive(writing=False) as driver:
        assert isinstance(driver, sqlite3.Connection)
        driver.set_trace_callback(statements.append)
    assert due(ledger) == ids[1:3]
    assert commit(ledger, *ids[1:4]) == {ids[3]: ""}
    record(ledger, gave(ids[1]), gave(ids[2], Outcome.REFUSED))
    begun = {"": 0, "BEGIN": 0, "BEGIN IMMEDIATE": 0}
    begin = ""
    for statement in statements:
        if statement.startswith(("BEGIN", "COMMIT", "ROLLBACK")):
            begin = statement if statement in begun else ""
        elif not statement.lstrip().startswith("SELECT"):
            begun[begin] += 1
    assert begun == {"": 0, "BEGIN": 0, "BEGIN IMMEDIATE": 10}


@only_sqlite
def test_a_commit_that_the_disk_refuses_at_its_very_end_is_undone(
    database: Database, ledger: Ledger, lea: str
) -> None:
    journal = Path(database.where).with_name(f"{Path(database.where).name}-wal")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (journal.stat().st_size, hard))
    try:
        with pytest.raises(StoreError, match="the disk failed"):
            commit(ledger, lea)
        assert state(ledger, lea) == ("owed", 0, "")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert commit(ledger, lea) == {}
    assert state(ledger, lea) == ("in doubt", 1, "")
