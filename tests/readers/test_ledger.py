"""The states of delivery.md §1: what leads on, what does not, and that everybody is accounted for."""

import random
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from newsletter.errors import StoreError
from newsletter.model import Outcome, State, Status
from newsletter.readers.database import Database
from newsletter.readers.ledger import Ledger
from newsletter.readers.store import Readers
from tests.readers.conftest import (
    KEY,
    NOW,
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
    leaves,
    record,
    set_status,
    state,
)

SOON = NOW + timedelta(minutes=5)


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
    assert due(ledger) == [lea]
    assert ledger.tally(KEY).audience == 1


def test_a_second_freeze_gives_the_first_ones_bytes(readers: Readers, ledger: Ledger) -> None:
    enter(readers, "lea@example.org")
    first = freeze(ledger)
    enter(readers, "late@example.org")
    assert freeze(ledger, fingerprint="f2") == first
    assert ledger.tally(KEY).audience == 1


def test_an_issue_too_old_expires_for_all_that_are_still_owed(
    database: Database, readers: Readers, ledger: Ledger
) -> None:
    first, second, third = sorted(enter(readers, "a@example.org", "b@example.org", "c@example.org"))
    freeze(ledger)
    commit(ledger, first, second)
    record(ledger, gave(second, Outcome.DEFERRED, next_at=SOON, detail="451 wait", code=451))
    assert ledger.expire(KEY, SOON) == 2
    assert ledger.expire(KEY, SOON) == 0
    assert [state(ledger, reader_id) for reader_id in (first, second, third)] == [
        ("in doubt", 1, ""),
        ("expired", 1, ""),
        ("expired", 0, ""),
    ]
    assert events(database) == [
        ("deferred", 1, "", 451, "451 wait"),
        ("expired", 1, "", 0, ""),
        ("expired", 0, "", 0, ""),
    ]
    assert {row.last_detail for row in ledger.rows(KEY, State.EXPIRED)} == {"", "451 wait"}
    assert ledger.next_due(KEY) is None
    assert ledger.issue_keys() == {KEY: False}
    assert commit(ledger, third, now=SOON) == {third: ""}
    record(ledger, gave(first))
    assert ledger.issue_keys() == {KEY: True}


def test_issues_do_not_touch_each_other(readers: Readers, ledger: Ledger) -> None:
    (lea,) = enter(readers, "lea@example.org")
    freeze(ledger, key="2026-11-24")
    freeze(ledger)
    commit(ledger, lea)
    record(ledger, gave(lea))
    assert ledger.expire(KEY, NOW) == 0
    assert list(ledger.issue_keys().items()) == [(KEY, True), ("2026-11-24", False)]
    assert len(ledger.due("2026-11-24", NOW, 10)) == 1


def test_an_issue_never_frozen_has_no_tally(ledger: Ledger) -> None:
    with pytest.raises(StoreError, match="the issue '2026-11-23' was never frozen"):
        ledger.tally(KEY)
    assert due(ledger) == []
    assert ledger.next_due(KEY) is None
    assert ledger.issue_keys() == {}


def test_only_a_rehearsal_can_begin_again(database: Database, readers: Readers, ledger: Ledger) -> None:
    (lea,) = enter(readers, "lea@example.org")
    freeze(ledger)
    with pytest.raises(StoreError, match="only a rehearsal can begin again"):
        ledger.begin_again(KEY)
    rehearsal = Ledger(database, rehearsal=True)
    commit(rehearsal, lea)
    record(rehearsal, gave(lea))
    rehearsal.begin_again(KEY)
    assert rehearsal.frozen(KEY) is None
    assert list(rehearsal.rows(KEY)) == []
    assert events(database) == []
    freeze(rehearsal, fingerprint="f2")
    assert due(rehearsal) == [lea]


def test_the_rows_of_an_issue_come_page_by_page_each_with_what_was_said_last(
    database: Database, ledger: Ledger
) -> None:
    ids = crowd(database, 1201)
    freeze(ledger)
    commit(ledger, *ids[:3])
    record(
        ledger,
        gave(ids[0], Outcome.DEFERRED, next_at=SOON, detail="451 first"),
        gave(ids[2], Outcome.REFUSED, detail="550 no"),
    )
    commit(ledger, ids[0], number=2, now=SOON)
    record(ledger, gave(ids[0], Outcome.DEFERRED, number=2, next_at=SOON, detail="451 second"))
    rows = list(ledger.rows(KEY))
    assert [row.reader_id for row in rows] == ids
    assert [row.last_detail for row in rows[:4]] == ["451 second", "", "550 no", ""]
    assert [row.next_at for row in rows[:2]] == [SOON, None]
    assert [row.email for row in ledger.rows(KEY, State.IN_DOUBT)] == ["reader-0000001@example.org"]
    assert len(list(ledger.rows(KEY, State.OWED))) == 1199


def test_of_many_threads_and_two_runs_one_wins_each_row(tmp_path: Path) -> None:
    with Database.open(URL, tmp_path) as one, Database.open(URL, tmp_path) as two:
        ids = crowd(one, 40)
        ledgers = [Ledger(one), Ledger(two)]
        freeze(ledgers[0])
        won: list[str] = []

        def run(ledger: Ledger, seed: int) -> None:
            owed = due(ledger)
            random.Random(seed).shuffle(owed)
            for group in (owed[at : at + 3] for at in range(0, len(owed), 3)):
                vetoes = commit(ledger, *group)
                mine = [reader_id for reader_id in group if reader_id not in vetoes]
                won.extend(mine)
                record(ledger, *(gave(reader_id) for reader_id in mine))

        threads = [threading.Thread(target=run, args=(ledgers[i % 2], i)) for i in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(won) == ids
        assert ledgers[0].tally(KEY).sent == 40


SETTLED = {State.SENT, State.REFUSED, State.WITHHELD, State.EXPIRED}
RESULTS = [f"{outcome} {when}" for outcome in Outcome for when in ("before", "after")]
DEEDS = ["commit", "leave", "erase", "expire", "hour", *RESULTS]
STEP = st.tuples(st.sampled_from(DEEDS), st.integers(0, 3), st.integers(1, 3), st.integers(0, 1))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEP, max_size=25))
def test_whatever_happens_everybody_is_accounted_for_and_what_is_settled_stays(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, int, int]]
) -> None:
    now = NOW
    with Database.open(URL, tmp_path_factory.mktemp("deeds"), durable=False) as database:
        readers = Readers(database)
        emails = [f"reader{i}@example.org" for i in range(4)]
        ids = enter(readers, *emails)
        ledgers = [Ledger(database), Ledger(database)]
        freeze(ledgers[0])
        before = {row.reader_id: row for row in ledgers[0].rows(KEY)}
        for deed, which, number, run in steps:
            ledger, reader_id = ledgers[run], ids[which]
            passed = False
            try:
                if deed == "commit":
                    passed = not ledger.write(KEY, commits=commits(reader_id, number=number), now=now)
                elif deed == "leave":
                    leaves(readers, emails[which], now)
                elif deed == "erase":
                    erase(database, reader_id)
                elif deed == "expire":
                    ledger.expire(KEY, now)
                elif deed == "hour":
                    now += timedelta(hours=1)
                else:
                    outcome, _, when = deed.rpartition(" ")
                    later = now + timedelta(minutes=30)
                    result = gave(
                        reader_id,
                        Outcome(outcome),
                        number=number,
                        committed=when == "after",
                        at=now,
                        next_at=later,
                    )
                    record(ledger, result, now=now)
            except StoreError:
                pass
            after = {row.reader_id: row for row in ledger.rows(KEY)}
            was, is_ = before[reader_id], after[reader_id]
            if passed:
                assert (was.state, was.attempts) == (State.OWED, number - 1)
                assert (is_.state, is_.attempts) == (State.IN_DOUBT, number)
            for key, row in before.items():
                assert row.state not in SETTLED or after[key].state is row.state
                assert after[key].attempts >= row.attempts
                if row.state is State.IN_DOUBT and after[key].state is not State.IN_DOUBT:
                    assert key == reader_id
                    assert deed.endswith("after")
                    assert number == row.attempts
            tally = ledger.tally(KEY)
            assert tally.audience == 4
            assert tally.holds
            assert tally.done == all(row.state in SETTLED for row in after.values())
            before = after
