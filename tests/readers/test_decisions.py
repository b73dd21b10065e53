"""What a person decides: an end for good, a doubt settled, a restored database taken for what it is."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from newsletter.errors import StoreError
from newsletter.model import Outcome
from newsletter.readers import schema
from newsletter.readers.accounts import Accounts
from newsletter.readers.database import Database
from newsletter.readers.decisions import Decision, Decisions, Kind
from newsletter.readers.ledger import Ledger
from newsletter.readers.store import Readers
from tests.readers.conftest import KEY, NOW, commit, crowd, due, enter, events, freeze, gave, record, state

LATER = NOW + timedelta(minutes=7)


@pytest.fixture
def decisions(database: Database) -> Decisions:
    return Decisions(database)


def rows_of_decisions(database: Database) -> list[tuple[str | None, str, str, str]]:
    column = schema.decision.c
    query = select(column.reader_id, column.who, column.kind, column.note).order_by(column.id)
    with database.read() as connection:
        return [(a, b, c, d) for a, b, c, d in connection.execute(query)]


# ---- cancel ----


def test_a_cancelled_issue_leaves_nobody_owed_and_every_doubt_as_it_is(
    database: Database, readers: Readers, ledger: Ledger, decisions: Decisions
) -> None:
    sent, doubt, late, never = enter(readers, "a@b.org", "c@b.org", "d@b.org", "e@b.org")
    freeze(ledger)
    assert commit(ledger, sent, doubt, late) == {}
    record(ledger, gave(sent), gave(late, Outcome.DEFERRED, next_at=LATER))
    assert decisions.cancel(KEY, who="ada", now=LATER) == 2
    assert state(ledger, sent) == ("sent", 1, "")
    assert state(ledger, doubt) == ("in doubt", 1, "")
    assert state(ledger, late) == ("withheld", 1, "cancelled")
    assert state(ledger, never) == ("withheld", 0, "cancelled")
    assert ledger.next_due(KEY) is None
    assert ledger.tally(KEY).holds
    assert rows_of_decisions(database) == [(None, "ada", "cancel", "2")]
    assert decisions.made(KEY) == [
        Decision(at=datetime(2026, 11, 23, 6, 7, tzinfo=UTC), who="ada", kind=Kind.CANCEL, readers=2, note="")
    ]


def test_a_run_that_holds_rows_of_a_cancelled_issue_commits_none_of_them(
    readers: Readers, ledger: Ledger, decisions: Decisions
) -> None:
    (lea,) = enter(readers, "lea@example.org")
    freeze(ledger)
    assert due(ledger) == [lea]
    decisions.cancel(KEY, who="ada", now=NOW)
    assert commit(ledger, lea) == {lea: ""}
    assert state(ledger, lea) == ("withheld", 0, "cancelled")


def test_cancelling_again_takes_in_a_late_answer_and_keeps_the_first_moment(
    database: Database, readers: Readers, ledger: Ledger, decisions: Decisions
) -> None:
    (lea,) = enter(readers, "lea@example.org")
    freeze(ledger)
    commit(ledger, lea)
    assert decisions.cancel(KEY, who="ada", now=NOW) == 0
    record(ledger, gave(lea, Outcome.DEFERRED, next_at=NOW))
    assert state(ledger, lea) == ("owed", 1, "")
    assert decisions.cancel(KEY, who="zoe", now=LATER) == 1
    assert state(ledger, lea) == ("withheld", 1, "cancelled")
    assert Accounts(database).standing(KEY).cancelled_at == NOW


def test_an_issue_that_was_never_frozen_cannot_be_cancelled(database: Database, decisions: Decisions) -> None:
    with pytest.raises(StoreError) as caught:
        decisions.cancel(KEY, who="ada", now=NOW)
    assert caught.value.message == "'2026-11-23' was never frozen"
    assert rows_of_decisions(database) == []


def test_another_issue_is_not_touched(
    database: Database, readers: Readers, ledger: Ledger, decisions: Decisions
) -> None:
    enter(readers, "lea@example.org")
    freeze(ledger)
    freeze(ledger, key="2026-11-24")
    decisions.cancel("2026-11-24", who="ada", now=NOW)
    assert (ledger.tally(KEY).owed, ledger.tally("2026-11-24").owed) == (1, 0)
    assert Accounts(database).standing(KEY).cancelled_at is None
    assert decisions.made(KEY) == []


# ---- settle ----


def test_a_doubt_is_settled_as_sent_with_its_evidence(
    database: Database, readers: Readers, ledger: Ledger, decisions: Decisions
) -> None:
    lea, max_ = enter(readers, "lea@example.org", "max@example.org")
    freeze(ledger)
    commit(ledger, lea, max_)
    done = decisions.settle(KEY, {lea: "qmgr: 4jX: from=<>"}, kind=Kind.SENT, who="log", now=LATER)
    assert done == [lea]
    assert state(ledger, lea) == ("sent", 1, "")
    assert state(ledger, max_) == ("in doubt", 1, "")
    assert rows_of_decisions(database) == [(lea, "log", "sent", "qmgr: 4jX: from=<>")]


def test_a_doubt_that_is_to_be_sent_again_is_owed_at_once_and_gets_the_next_number(
    readers: Readers, ledger: Ledger, decisions: Decisions
) -> None:
    (lea,) = enter(readers, "lea@example.org")
    freeze(ledger)
    commit(ledger, lea)
    assert decisions.settle(KEY, {lea: ""}, kind=Kind.RESEND, who="ada", now=NOW) == [lea]
    assert state(ledger, lea) == ("owed", 1, "")
    assert due(ledger) == [lea]
    assert commit(ledger, lea, number=1) == {lea: ""}
    assert commit(ledger, lea, number=2) == {}


def test_only_a_doubt_can_be_settled(
    database: Database, readers: Readers, ledger: Ledger, decisions: Decisions
) -> None:
    sent, refused, owed = enter(readers, "a@b.org", "c@b.org", "d@b.org")
    freeze(ledger)
    commit(ledger, sent, refused)
    record(ledger, gave(sent), gave(refused, Outcome.REFUSED))
    everybody = dict.fromkeys((sent, refused, owed, "nobody"), "")
    for kind in (Kind.RESEND, Kind.SENT):
        assert decisions.settle(KEY, everybody, kind=kind, who="ada", now=NOW) == []
    assert [state(ledger, reader)[0] for reader in (sent, refused, owed)] == ["sent", "refused", "owed"]
    assert rows_of_decisions(database) == []


def test_a_thousand_doubts_settled_at_once_are_told_as_one_decision(
    database: Database, ledger: Ledger, decisions: Decisions
) -> None:
    ids = crowd(database, 1001)
    freeze(ledger)
    commit(ledger, *ids)
    assert (
        len(decisions.settle(KEY, dict.fromkeys(ids, "by hand"), kind=Kind.SENT, who="ada", now=NOW)) == 1001
    )
    assert ledger.tally(KEY).sent == 1001
    assert len(rows_of_decisions(database)) == 1001
    assert decisions.made(KEY) == [Decision(at=NOW, who="ada", kind=Kind.SENT, readers=1001, note="by hand")]


# ---- a restored database ----


def test_whoever_a_restored_database_has_as_owed_is_in_doubt_and_can_be_settled(
    database: Database, readers: Readers, ledger: Ledger, decisions: Decisions
) -> None:
    sent, tried, never = enter(readers, "a@b.org", "c@b.org", "d@b.org")
    freeze(ledger)
    commit(ledger, sent, tried)
    record(ledger, gave(sent), gave(tried, Outcome.DEFERRED, next_at=LATER, detail="451 later"))
    assert decisions.doubt_all(KEY, who="ada", now=LATER) == 2
    assert state(ledger, sent) == ("sent", 1, "")
    assert state(ledger, tried) == ("in doubt", 2, "")
    assert state(ledger, never) == ("in doubt", 1, "")
    unknown = "the database was restored from a backup: whether this copy had left is not known"
    assert ("in doubt", 1, "", 0, unknown) in events(database)
    assert rows_of_decisions(database) == [(None, "ada", "restored", "2")]
    decisions.settle(KEY, {tried: "", never: ""}, kind=Kind.RESEND, who="ada", now=LATER)
    assert commit(ledger, never, number=2, now=LATER) == {}
    assert commit(ledger, tried, number=3, now=LATER) == {}


def test_an_answer_that_comes_after_the_decision_to_send_again_saves_the_second_copy(
    readers: Readers, ledger: Ledger, decisions: Decisions
) -> None:
    lea, bob = enter(readers, "lea@example.org", "bob@example.org")
    freeze(ledger)
    assert commit(ledger, lea, bob) == {}
    decisions.settle(KEY, {lea: "", bob: ""}, kind=Kind.RESEND, who="ada", now=NOW)
    record(ledger, gave(lea))
    assert state(ledger, lea) == ("sent", 1, "")
    assert due(ledger) == [bob]
    assert commit(ledger, bob, number=2) == {}
    record(ledger, gave(bob))  # of the first attempt: the second is out, and may be a second copy
    assert state(ledger, bob) == ("in doubt", 2, "")
