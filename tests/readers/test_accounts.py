"""How fast an issue was sent, how far it has come, what is known of each row."""

from datetime import timedelta

from newsletter.model import Commit, Outcome, State, Status
from newsletter.readers.accounts import Accounts, Rate
from newsletter.readers.database import Database
from newsletter.readers.decisions import Decisions, Kind
from newsletter.readers.ledger import Ledger
from newsletter.readers.store import Readers
from tests.readers.conftest import (
    KEY,
    NOW,
    RELAY,
    commit,
    crowd,
    enter,
    freeze,
    gave,
    record,
    set_status,
)


def test_the_rate_leaves_out_the_pause_between_two_runs(database: Database, ledger: Ledger) -> None:
    ids = crowd(database, 200)
    freeze(ledger)
    assert Accounts(database).rate(KEY) is None
    commit(ledger, *ids)
    for second in range(10):  # ten a second, an hour of nothing, ten a second
        for pause, first in ((0, 0), (3600, 100)):
            at = NOW + timedelta(seconds=second + pause)
            record(ledger, *(gave(reader, at=at) for reader in ids[first + 10 * second :][:10]))
    rate = Accounts(database).rate(KEY)
    assert rate == Rate(sent=200, seconds=20)
    assert rate.per_second == 10.0


def test_only_what_was_sent_counts_for_the_rate(database: Database, readers: Readers, ledger: Ledger) -> None:
    lea, max_ = enter(readers, "lea@example.org", "max@example.org")
    freeze(ledger)
    commit(ledger, lea, max_)
    record(ledger, gave(lea), gave(max_, Outcome.REFUSED, at=NOW + timedelta(seconds=4)))
    assert Accounts(database).rate(KEY) == Rate(sent=1, seconds=1)


def test_the_standing_of_an_issue_that_was_never_frozen_has_the_databases_name(database: Database) -> None:
    standing = Accounts(database).standing(KEY)
    assert len(standing.instance) == 32
    assert (standing.frozen_at, standing.cancelled_at, standing.gone) == (None, None, 0)


def test_what_is_gone_never_becomes_less_whatever_is_decided(
    database: Database, readers: Readers, ledger: Ledger
) -> None:
    sent, doubt, late, left, never = enter(readers, "a@b.org", "c@b.org", "d@b.org", "e@b.org", "f@b.org")
    accounts = Accounts(database)
    freeze(ledger)
    assert (accounts.standing(KEY).frozen_at, accounts.standing(KEY).gone) == (NOW, 0)
    commit(ledger, sent, doubt, late)
    assert accounts.standing(KEY).gone == 3
    record(ledger, gave(sent), gave(late, Outcome.DEFERRED, next_at=NOW))
    assert accounts.standing(KEY).gone == 3
    set_status(database, left, Status.LEFT)
    assert commit(ledger, left) == {left: "left"}
    assert accounts.standing(KEY).gone == 4
    Decisions(database).settle(KEY, {doubt: ""}, kind=Kind.RESEND, who="ada", now=NOW)
    assert accounts.standing(KEY).gone == 4
    Decisions(database).doubt_all(KEY, who="ada", now=NOW)
    Decisions(database).settle(
        KEY, dict.fromkeys((doubt, late, never), ""), kind=Kind.RESEND, who="ada", now=NOW
    )
    assert ledger.tally(KEY).owed == 3
    assert accounts.standing(KEY).gone == 5


def test_a_row_says_when_and_to_whom_it_left_and_which_attempt_was_answered_last(
    readers: Readers, ledger: Ledger
) -> None:
    (lea,) = enter(readers, "lea@example.org")
    freeze(ledger)
    (row,) = ledger.rows(KEY)
    assert (row.committed_at, row.host, row.last_detail, row.last_number) == (None, "", "", 0)
    commit(ledger, lea)
    record(ledger, gave(lea, Outcome.DEFERRED, next_at=NOW, detail="451 later"))
    commit(ledger, lea, number=2, now=NOW + timedelta(minutes=5))
    (row,) = ledger.rows(KEY, State.IN_DOUBT)
    assert (row.committed_at, row.host) == (NOW + timedelta(minutes=5), RELAY)
    assert (row.attempts, row.last_detail, row.last_number) == (2, "451 later", 1)


def test_every_state_is_counted(database: Database, ledger: Ledger) -> None:
    ids = crowd(database, 21)
    freeze(ledger)
    sent, refused, doubt, withheld = ids[:6], ids[6:11], ids[11:15], ids[15:18]
    commit(ledger, *sent, *refused, *doubt)
    record(ledger, *map(gave, sent), *(gave(one, Outcome.REFUSED) for one in refused))
    for one, status in zip(withheld, (Status.LEFT, Status.LEFT, Status.BOUNCED), strict=True):
        set_status(database, one, status)
        commit(ledger, one)
    tally = ledger.tally(KEY)
    assert (tally.sent, tally.refused, tally.in_doubt, tally.owed, tally.expired) == (6, 5, 4, 3, 0)
    assert tally.withheld == {"left": 2, "bounced": 1}
    assert tally.holds
    assert ledger.expire(KEY, NOW) == 3
    assert ledger.tally(KEY).expired == 3


def test_an_issue_is_out_once_it_is_frozen_unless_it_ended_before_anybody_got_it(
    database: Database, readers: Readers, ledger: Ledger
) -> None:
    lea, max_ = enter(readers, "lea@example.org", "max@example.org")
    late = NOW + timedelta(days=1)
    decisions = Decisions(database)
    keys = {
        name: f"2026-11-{day}"
        for day, name in enumerate(("begun", "sent", "stopped", "never", "late"), 2 + 10)
    }
    for key in keys.values():
        freeze(ledger, key=key)
    for name in ("sent", "stopped"):
        ledger.write(keys[name], commits=[Commit(reader_id=lea, number=1)], now=NOW)
        ledger.write(keys[name], deliveries=[gave(lea)], now=NOW)
    for name in ("stopped", "never"):
        decisions.cancel(keys[name], who="Ada", now=NOW)
    ledger.expire(keys["late"], late)
    out = Accounts(database).issues_out()
    assert list(out) == [keys["begun"], keys["sent"], keys["stopped"]]
    # In doubt: it may have arrived.
    freeze(ledger, key="2026-11-20")
    ledger.write("2026-11-20", commits=[Commit(reader_id=max_, number=1)], now=NOW)
    decisions.cancel("2026-11-20", who="Ada", now=NOW)
    assert "2026-11-20" in Accounts(database).issues_out()


def test_an_issue_that_was_sent_when_nobody_read_yet_is_out(database: Database, ledger: Ledger) -> None:
    freeze(ledger)
    assert Accounts(database).issues_out() == {KEY: ""}
