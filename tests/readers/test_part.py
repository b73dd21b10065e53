"""A part of an issue, as whoever sends it sees the ledger; and an issue that is paused."""

from datetime import timedelta

import pytest

from newsletter.model import Outcome
from newsletter.readers.accounts import Accounts
from newsletter.readers.database import Database
from newsletter.readers.decisions import Decisions, Kind
from newsletter.readers.ledger import Ledger
from newsletter.readers.part import Part
from tests.readers.conftest import KEY, NOW, commit, crowd, freeze, gave, record

LATER = NOW + timedelta(minutes=7)


def ids_of(part: Part | Ledger, *, start: str = "", now: object = NOW) -> list[str]:
    found = []
    last = None
    while page := part.due(KEY, now, 3, last, start):  # type: ignore[arg-type]
        found += [owed.reader.id for owed in page]
        last = page[-1]
    return found


def test_parts_that_follow_each_other_are_the_whole(database: Database, ledger: Ledger) -> None:
    ids = crowd(database, 10)
    freeze(ledger)
    first = Part(ledger, after="", last=ids[3])
    second = Part(ledger, after=ids[3], last=ids[9])
    assert ids_of(first) == ids[:4]
    assert ids_of(second) == ids[4:]
    assert ids_of(second, start=ids[6]) == ids[7:]


def test_a_part_holds_of_those_put_off_only_its_own(database: Database, ledger: Ledger) -> None:
    ids = crowd(database, 6)
    freeze(ledger)
    commit(ledger, ids[1], ids[4])
    record(ledger, gave(ids[1], Outcome.DEFERRED, next_at=LATER))
    record(ledger, gave(ids[4], Outcome.DEFERRED, next_at=LATER + timedelta(minutes=1)))
    first, second = Part(ledger, after="", last=ids[2]), Part(ledger, after=ids[2], last=ids[5])
    much_later = NOW + timedelta(hours=1)
    assert ids_of(first, now=much_later) == [ids[0], ids[2], ids[1]]
    assert ids_of(second, now=much_later) == [ids[3], ids[5], ids[4]]
    commit(ledger, ids[0], ids[2])
    record(ledger, gave(ids[0]), gave(ids[2]))
    assert first.next_due(KEY) == LATER
    assert second.next_due(KEY) is not None
    assert second.next_due(KEY) < LATER  # type: ignore[operator]


def test_nothing_is_next_in_a_part_of_which_nothing_is_owed(database: Database, ledger: Ledger) -> None:
    ids = crowd(database, 4)
    freeze(ledger)
    commit(ledger, ids[0], ids[1])
    record(ledger, gave(ids[0]), gave(ids[1]))
    assert Part(ledger, after="", last=ids[1]).next_due(KEY) is None
    assert Part(ledger, after=ids[1], last=ids[3]).next_due(KEY) is not None


# ---- paused ----


def test_of_a_paused_issue_nobody_is_due_and_nothing_is_committed(database: Database, ledger: Ledger) -> None:
    ids = crowd(database, 3)
    freeze(ledger)
    commit(ledger, ids[0])
    assert Decisions(database).pause(KEY, who="ada", now=NOW, note="a wrong link")
    assert ids_of(ledger) == []
    assert ledger.next_due(KEY) is None
    assert Part(ledger, after="", last=ids[2]).next_due(KEY) is None
    assert commit(ledger, ids[1], ids[2]) == {ids[1]: "", ids[2]: ""}
    record(ledger, gave(ids[0]))  # what was in flight is noted all the same
    tally = ledger.tally(KEY)
    assert (tally.sent, tally.owed, tally.in_doubt) == (1, 2, 0)


def test_a_resumed_issue_goes_on_where_it_was(database: Database, ledger: Ledger) -> None:
    ids = crowd(database, 3)
    freeze(ledger)
    decisions = Decisions(database)
    decisions.pause(KEY, who="ada", now=NOW)
    assert decisions.resume(KEY, who="zoe", now=LATER)
    assert ids_of(ledger) == ids
    assert commit(ledger, *ids) == {}


def test_who_paused_and_who_resumed_is_written_down_once(database: Database, ledger: Ledger) -> None:
    crowd(database, 3)
    freeze(ledger)
    decisions = Decisions(database)
    assert decisions.pause(KEY, who="ada", now=NOW, note="a wrong link")
    assert not decisions.pause(KEY, who="bob", now=NOW)
    assert Accounts(database).standing(KEY).paused_at == NOW
    assert decisions.resume(KEY, who="zoe", now=LATER)
    assert not decisions.resume(KEY, who="zoe", now=LATER)
    assert Accounts(database).standing(KEY).paused_at is None
    made = [(one.kind, one.who, one.readers, one.note) for one in decisions.made(KEY)]
    assert made == [(Kind.PAUSE, "ada", 3, "a wrong link"), (Kind.RESUME, "zoe", 3, "")]


def test_a_paused_issue_can_be_cancelled(database: Database, ledger: Ledger) -> None:
    crowd(database, 3)
    freeze(ledger)
    decisions = Decisions(database)
    decisions.pause(KEY, who="ada", now=NOW)
    assert decisions.cancel(KEY, who="ada", now=NOW) == 3
    assert not decisions.pause("2026-11-24", who="ada", now=NOW)
    assert ledger.tally(KEY).withheld == {"cancelled": 3}


def test_an_issue_held_at_its_freeze_is_let_go_without_a_decision(database: Database, ledger: Ledger) -> None:
    ids = crowd(database, 2)
    ledger.freeze(issue_key=KEY, fingerprint="f1", subject="s", template="{}", date=NOW, now=NOW, held=True)
    assert ids_of(ledger) == []
    decisions = Decisions(database)
    decisions.let_go(KEY)
    assert ids_of(ledger) == ids
    assert decisions.made(KEY) == []


def test_an_issue_that_somebody_pauses_while_it_is_held_is_not_let_go(
    database: Database, ledger: Ledger
) -> None:
    ids = crowd(database, 2)
    ledger.freeze(issue_key=KEY, fingerprint="f1", subject="s", template="{}", date=NOW, now=NOW, held=True)
    decisions = Decisions(database)
    assert decisions.pause(KEY, who="ada", now=LATER, note="a wrong link")
    assert not decisions.pause(KEY, who="bob", now=LATER)
    decisions.let_go(KEY)
    assert ids_of(ledger) == []
    assert [(one.kind, one.who) for one in decisions.made(KEY)] == [(Kind.PAUSE, "ada")]
    assert decisions.resume(KEY, who="zoe", now=LATER)
    assert ids_of(ledger) == ids


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_a_part_is_found_by_the_key_of_its_rows_and_not_by_all_that_are_owed(
    database: Database, ledger: Ledger
) -> None:
    from sqlalchemy import text

    from newsletter.readers.ledger import _NEXT_DUE_WITHIN

    crowd(database, 20_000)
    freeze(ledger)
    with database.write() as connection:
        connection.execute(text("ANALYZE delivery"))
        query = _NEXT_DUE_WITHIN.params(i=KEY, first="reader-0019000", last="reader-0019250")
        compiled = query.compile(connection.engine, compile_kwargs={"literal_binds": True})
        plan = "\n".join(connection.execute(text(f"EXPLAIN {compiled}")).scalars())
    assert "delivery_pkey" in plan
    assert "delivery_unsettled" not in plan
