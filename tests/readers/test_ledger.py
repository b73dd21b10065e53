"""The states of delivery.md §1: what leads on, what does not, and that everybody is accounted for."""

import random
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from newsletter.errors import StoreError, Vetoed
from newsletter.model import Outcome, State, Status
from newsletter.readers import schema
from newsletter.readers.addresses import read_address
from newsletter.readers.database import Database
from newsletter.readers.ledger import Ledger
from newsletter.readers.store import Readers
from tests.readers.conftest import KEY, NOW, URL, enter, freeze

SOON = NOW + timedelta(minutes=5)


def state(ledger: Ledger, reader_id: str) -> tuple[str, int, str]:
    (row,) = [row for row in ledger.rows(KEY) if row.reader_id == reader_id]
    return row.state.value, row.attempts, row.reason


def set_status(database: Database, reader_id: str, status: Status) -> None:
    with database.write() as connection:
        changed = update(schema.reader).where(schema.reader.c.id == reader_id)
        connection.execute(changed.values(status=status.value))


def erase(database: Database, reader_id: str) -> None:
    with database.write() as connection:
        connection.execute(delete(schema.reader).where(schema.reader.c.id == reader_id))


def events(database: Database) -> list[tuple[str, str, int, str]]:
    event = schema.attempt.c
    query = select(event.outcome, event.phase, event.code, event.detail).order_by(event.id)
    with database.read() as connection:
        return [(a, b, c, d) for a, b, c, d in connection.execute(query)]


def test_a_freeze_owes_the_issue_to_the_active_readers_of_that_moment(
    database: Database, readers: Readers, ledger: Ledger
) -> None:
    lea, max_ = enter(readers, "lea@example.org", "max@example.org")
    set_status(database, max_, Status.PAUSED)
    assert ledger.frozen(KEY) is None
    frozen = freeze(ledger)
    enter(readers, "late@example.org")
    assert frozen == ledger.frozen(KEY)
    assert (frozen.key, frozen.fingerprint, frozen.template) == (KEY, "f1", '{"segments": []}')
    assert frozen.subject == "Fusion : l’étincelle"
    assert frozen.date.isoformat() == "2026-11-23T07:00:00+01:00"
    assert frozen.frozen_at == NOW
    assert [reader.id for reader, _ in ledger.due(KEY, NOW, 10)] == [lea]
    assert ledger.tally(KEY).audience == 1


def test_a_second_freeze_gives_the_first_ones_bytes(readers: Readers, ledger: Ledger) -> None:
    enter(readers, "lea@example.org")
    first = freeze(ledger)
    enter(readers, "late@example.org")
    assert freeze(ledger, fingerprint="f2") == first
    assert ledger.tally(KEY).audience == 1


def test_a_message_is_in_doubt_from_commit_to_its_record(readers: Readers, ledger: Ledger) -> None:
    (lea,) = enter(readers, "lea@example.org")
    freeze(ledger)
    ledger.commit(KEY, lea, NOW)
    assert ledger.tally(KEY).in_doubt == 1
    assert ledger.due(KEY, NOW, 10) == []
    assert not ledger.tally(KEY).done
    ledger.record(KEY, lea, outcome=Outcome.SENT, now=NOW, detail="250 2.0.0 ok", phase="dot", code=250)
    tally = ledger.tally(KEY)
    assert (tally.sent, tally.in_doubt, tally.done) == (1, 0, True)
    (row,) = ledger.rows(KEY)
    assert (row.email, row.attempts, row.last_detail) == ("lea@example.org", 1, "250 2.0.0 ok")


def test_a_deferred_message_is_owed_again_when_its_time_has_come(
    database: Database, readers: Readers, ledger: Ledger
) -> None:
    first, second = sorted(enter(readers, "lea@example.org", "max@example.org"))
    freeze(ledger)
    assert ledger.next_due(KEY) == datetime(1970, 1, 1, tzinfo=UTC)
    ledger.commit(KEY, first, NOW)
    ledger.record(KEY, first, outcome=Outcome.DEFERRED, now=NOW, next_at=SOON, detail="451 wait", code=451)
    ledger.record(KEY, second, outcome=Outcome.DEFERRED, now=NOW, next_at=SOON + timedelta(minutes=1))
    assert ledger.due(KEY, NOW, 10) == []
    assert ledger.next_due(KEY) == SOON
    with pytest.raises(Vetoed):
        ledger.commit(KEY, first, NOW)
    assert [reader.id for reader, _ in ledger.due(KEY, SOON, 10)] == [first]
    assert len(ledger.due(KEY, SOON + timedelta(minutes=1), 1)) == 1
    assert state(ledger, first) == ("owed", 1, "")
    ledger.commit(KEY, first, SOON)
    ledger.record(KEY, first, outcome=Outcome.SENT, now=SOON)
    assert state(ledger, first) == ("sent", 2, "")
    assert ledger.next_due(KEY) == SOON + timedelta(minutes=1)
    assert events(database)[0] == ("deferred", "", 451, "451 wait")


def test_a_doubt_stays_until_a_late_acceptance(readers: Readers, ledger: Ledger, database: Database) -> None:
    (lea,) = enter(readers, "lea@example.org")
    freeze(ledger)
    ledger.commit(KEY, lea, NOW)
    ledger.record(KEY, lea, outcome=Outcome.IN_DOUBT, now=NOW, detail="no reply", phase="dot")
    assert state(ledger, lea) == ("in doubt", 1, "")
    assert ledger.due(KEY, SOON, 10) == []
    with pytest.raises(Vetoed) as caught:
        ledger.commit(KEY, lea, SOON)
    assert caught.value.reason == ""
    ledger.record(KEY, lea, outcome=Outcome.DEFERRED, now=SOON)
    ledger.record(KEY, lea, outcome=Outcome.REFUSED, now=SOON)
    assert state(ledger, lea) == ("in doubt", 1, "")
    Ledger(database).record(KEY, lea, outcome=Outcome.SENT, now=SOON)
    assert state(ledger, lea) == ("sent", 1, "")


@pytest.mark.parametrize("committed", [False, True])
def test_a_refusal_is_for_good(readers: Readers, ledger: Ledger, committed: bool) -> None:
    (lea,) = enter(readers, "lea@example.org")
    freeze(ledger)
    if committed:
        ledger.commit(KEY, lea, NOW)
    ledger.record(
        KEY, lea, outcome=Outcome.REFUSED, now=NOW, detail="550 5.1.1 unknown", phase="RCPT", code=550
    )
    assert state(ledger, lea) == ("refused", 1, "")
    assert [row.last_detail for row in ledger.rows(KEY, State.REFUSED)] == ["550 5.1.1 unknown"]
    with pytest.raises(Vetoed):
        ledger.commit(KEY, lea, NOW)


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.ACTIVE])
def test_somebody_who_left_after_the_freeze_is_withheld_at_the_last_moment(
    database: Database, readers: Readers, ledger: Ledger, status: Status
) -> None:
    (lea,) = enter(readers, "lea@example.org")
    freeze(ledger)
    set_status(database, lea, status)
    with pytest.raises(Vetoed) as caught:
        ledger.commit(KEY, lea, NOW)
    assert caught.value.reason == status.value
    assert ledger.tally(KEY).withheld == {status.value: 1}
    assert ledger.tally(KEY).done
    assert events(database) == [("withheld", "", 0, status.value)]


def test_somebody_erased_is_withheld_and_no_longer_named(
    database: Database, readers: Readers, ledger: Ledger
) -> None:
    lea, max_ = enter(readers, "lea@example.org", "max@example.org")
    freeze(ledger)
    erase(database, lea)
    with pytest.raises(Vetoed) as caught:
        ledger.commit(KEY, lea, NOW)
    assert caught.value.reason == "erased"
    assert [row.email for row in ledger.rows(KEY, State.WITHHELD)] == [""]
    erase(database, max_)
    assert ledger.due(KEY, NOW, 10) == []
    assert ledger.tally(KEY).withheld == {"erased": 2}


def test_a_cancelled_issue_goes_to_nobody_more(database: Database, readers: Readers, ledger: Ledger) -> None:
    (lea,) = enter(readers, "lea@example.org")
    freeze(ledger)
    with database.write() as connection:
        connection.execute(update(schema.issue).values(cancelled_at=1))
    with pytest.raises(Vetoed) as caught:
        ledger.commit(KEY, lea, NOW)
    assert caught.value.reason == "cancelled"
    assert ledger.tally(KEY).withheld == {"cancelled": 1}


def test_a_message_that_cannot_be_made_is_withheld_with_its_reason(readers: Readers, ledger: Ledger) -> None:
    (lea,) = enter(readers, "lea@example.org")
    freeze(ledger)
    ledger.record(KEY, lea, outcome=Outcome.WITHHELD, now=NOW, detail="render_error")
    assert state(ledger, lea) == ("withheld", 0, "render_error")


def test_what_cannot_be_is_an_error_and_changes_nothing(
    database: Database, readers: Readers, ledger: Ledger
) -> None:
    (lea,) = enter(readers, "lea@example.org")
    freeze(ledger)
    with pytest.raises(StoreError, match="is owed, so it cannot be noted as sent"):
        ledger.record(KEY, lea, outcome=Outcome.SENT, now=NOW)
    with pytest.raises(StoreError, match="was never owed the issue"):
        ledger.record(KEY, "nobody", outcome=Outcome.REFUSED, now=NOW)
    ledger.commit(KEY, lea, NOW)
    with pytest.raises(StoreError, match="is in doubt, so it cannot be noted as withheld"):
        ledger.record(KEY, lea, outcome=Outcome.WITHHELD, now=NOW, detail="left")
    assert state(ledger, lea) == ("in doubt", 0, "")
    assert events(database) == []
    with pytest.raises(Vetoed):
        ledger.commit(KEY, "nobody", NOW)


@pytest.mark.parametrize("outcome", [Outcome.DEFERRED, Outcome.REFUSED, Outcome.WITHHELD])
def test_another_runs_failure_before_its_commit_never_moves_a_row_that_is_about_to_be_accepted(
    database: Database, readers: Readers, outcome: Outcome
) -> None:
    (lea,) = enter(readers, "lea@example.org")
    mine, other = Ledger(database), Ledger(database)
    freeze(mine)
    mine.commit(KEY, lea, NOW)
    other.record(KEY, lea, outcome=outcome, now=NOW, detail="450 wait", phase="RCPT", code=450)
    assert state(mine, lea) == ("in doubt", 0, "")
    mine.record(KEY, lea, outcome=Outcome.SENT, now=NOW)
    other.record(KEY, lea, outcome=outcome, now=NOW, detail="450 wait", phase="RCPT", code=450)
    assert state(mine, lea) == ("sent", 1, "")
    assert [event[0] for event in events(database)] == [outcome, "sent", outcome]


def test_an_issue_too_old_expires_for_all_that_are_still_owed(readers: Readers, ledger: Ledger) -> None:
    first, second, third = enter(readers, "a@example.org", "b@example.org", "c@example.org")
    freeze(ledger)
    ledger.commit(KEY, first, NOW)
    ledger.record(KEY, second, outcome=Outcome.DEFERRED, now=NOW, next_at=SOON, detail="451 wait")
    assert ledger.expire(KEY, NOW) == 2
    assert ledger.expire(KEY, NOW) == 0
    assert state(ledger, third) == ("expired", 0, "")
    assert {row.last_detail for row in ledger.rows(KEY, State.EXPIRED)} == {"", "451 wait"}
    assert ledger.next_due(KEY) is None
    assert ledger.issue_keys() == {KEY: False}
    ledger.record(KEY, first, outcome=Outcome.SENT, now=NOW)
    assert ledger.issue_keys() == {KEY: True}


def test_issues_do_not_touch_each_other(readers: Readers, ledger: Ledger) -> None:
    (lea,) = enter(readers, "lea@example.org")
    freeze(ledger, key="2026-11-24")
    freeze(ledger)
    ledger.commit(KEY, lea, NOW)
    ledger.record(KEY, lea, outcome=Outcome.SENT, now=NOW)
    assert ledger.expire(KEY, NOW) == 0
    assert list(ledger.issue_keys().items()) == [(KEY, True), ("2026-11-24", False)]
    assert len(ledger.due("2026-11-24", NOW, 10)) == 1


def test_an_issue_never_frozen_has_no_tally(ledger: Ledger) -> None:
    with pytest.raises(StoreError, match="the issue '2026-11-23' was never frozen"):
        ledger.tally(KEY)
    assert ledger.due(KEY, NOW, 10) == []
    assert ledger.issue_keys() == {}


def test_only_a_rehearsal_can_begin_again(database: Database, readers: Readers, ledger: Ledger) -> None:
    (lea,) = enter(readers, "lea@example.org")
    freeze(ledger)
    with pytest.raises(StoreError, match="only a rehearsal can begin again"):
        ledger.begin_again(KEY)
    rehearsal = Ledger(database, rehearsal=True)
    rehearsal.commit(KEY, lea, NOW)
    rehearsal.record(KEY, lea, outcome=Outcome.SENT, now=NOW)
    rehearsal.begin_again(KEY)
    assert rehearsal.frozen(KEY) is None
    assert list(rehearsal.rows(KEY)) == []
    freeze(rehearsal, fingerprint="f2")
    assert [reader.id for reader, _ in rehearsal.due(KEY, NOW, 10)] == [lea]


def test_an_outcome_that_a_full_disk_refused_is_recorded_later_from_memory(
    database: Database, readers: Readers, ledger: Ledger
) -> None:
    enter(readers, *(f"reader{i}@example.org" for i in range(200)))
    freeze(ledger)
    with database.write() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    committed: list[str] = []

    def run() -> None:
        for reader, _ in ledger.due(KEY, NOW, 200):
            ledger.commit(KEY, reader.id, NOW)
            committed.append(reader.id)
            ledger.record(KEY, reader.id, outcome=Outcome.SENT, now=NOW, detail="250 " + "x" * 1000)

    with pytest.raises(StoreError, match="the disk is full"):
        run()
    tally = ledger.tally(KEY)
    assert tally.holds
    assert (tally.sent, tally.in_doubt) == (len(committed) - 1, 1)
    assert tally.owed == 200 - len(committed)

    with database.write() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
    ledger.record(KEY, committed[-1], outcome=Outcome.SENT, now=NOW, detail="250 ok")
    assert ledger.tally(KEY).in_doubt == 0


def test_of_many_threads_and_two_runs_one_wins_each_row(tmp_path: Path) -> None:
    with Database.open(URL, tmp_path) as one, Database.open(URL, tmp_path) as two:
        enter(Readers(one), *(f"reader{i}@example.org" for i in range(25)))
        ledgers = [Ledger(one), Ledger(two)]
        freeze(ledgers[0])
        won: list[str] = []

        def run(ledger: Ledger, seed: int) -> None:
            due = [reader for reader, _ in ledger.due(KEY, NOW, 100)]
            random.Random(seed).shuffle(due)
            for reader in due:
                try:
                    ledger.commit(KEY, reader.id, NOW)
                except Vetoed:
                    continue
                won.append(reader.id)
                ledger.record(KEY, reader.id, outcome=Outcome.SENT, now=NOW)

        threads = [threading.Thread(target=run, args=(ledgers[i % 2], i)) for i in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(won) == len(set(won)) == 25
        assert ledgers[0].tally(KEY).sent == 25


OUTCOMES = [str(outcome) for outcome in Outcome]
SETTLED = {State.SENT, State.REFUSED, State.WITHHELD, State.EXPIRED}
DEEDS = ["commit", "leave", "erase", "expire", "hour", *OUTCOMES]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(DEEDS), st.integers(0, 3), st.integers(0, 1)), max_size=25))
def test_whatever_happens_everybody_is_accounted_for_and_what_is_settled_stays(
    tmp_path_factory: pytest.TempPathFactory, deeds: list[tuple[str, int, int]]
) -> None:
    now = NOW
    with Database.open(URL, tmp_path_factory.mktemp("deeds"), durable=False) as database:
        readers = Readers(database)
        emails = [f"reader{i}@example.org" for i in range(4)]
        ids = enter(readers, *emails)
        ledgers = [Ledger(database), Ledger(database)]
        freeze(ledgers[0])
        before = {row.reader_id: row for row in ledgers[0].rows(KEY)}
        for deed, which, run in deeds:
            ledger, reader_id = ledgers[run], ids[which]
            try:
                if deed == "commit":
                    ledger.commit(KEY, reader_id, now)
                    assert before[reader_id].state is State.OWED
                elif deed == "leave":
                    readers.leave(read_address(emails[which]), source="test", now=now)
                elif deed == "erase":
                    erase(database, reader_id)
                elif deed == "expire":
                    ledger.expire(KEY, now)
                elif deed == "hour":
                    now += timedelta(hours=1)
                else:
                    ledger.record(KEY, reader_id, outcome=Outcome(deed), now=now, next_at=now + timedelta(1))
            except (Vetoed, StoreError):
                pass
            after = {row.reader_id: row for row in ledger.rows(KEY)}
            for key, row in before.items():
                assert row.state not in SETTLED or after[key].state is row.state
                if row.state is State.IN_DOUBT and deed not in OUTCOMES:
                    assert after[key].state is State.IN_DOUBT
            tally = ledger.tally(KEY)
            assert tally.audience == 4
            assert tally.holds
            assert tally.done == all(row.state in SETTLED for row in after.values())
            before = after
