"""Wishes by mailed links: each does what it says, once, and nothing against a complaint."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from newsletter.model import Progress, Reader, Status
from newsletter.readers import schema
from newsletter.readers.addresses import read_address
from newsletter.readers.database import Database
from newsletter.readers.erasure import erase
from newsletter.readers.proof import Proof
from newsletter.readers.requests import Notice, Requests, Wish
from newsletter.readers.store import Readers
from newsletter.readers.suppression import suppressed
from newsletter.readers.wishes import Wishes
from tests.readers.conftest import BY_HAND, NOW, enter, hashes, set_status

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
CLICK = Proof(source="the link in our mail", network="192.0.2.7")


@pytest.fixture
def wishes(database: Database) -> Wishes:
    return Wishes(database, hashes)


@pytest.fixture
def requests(database: Database) -> Requests:
    return Requests(database, hashes)


def answered(requests: Requests, email: str, *, wish: Wish = Wish.JOIN, reader_id: str = "") -> str:
    """Ask for something, let it be answered; the request's id, which its link carries."""
    requests.ask(wish, read_address(email), proof=BY_HAND, now=NOW, reader_id=reader_id)
    requests.decide(NOW, per_hour=100)
    (request,) = [one for one in requests.owed(NOW) if one.email == email]
    requests.commit(request)
    requests.record(request, Progress.SENT)
    return request.id


def steps(readers: Readers, reader: Reader | None) -> list[str]:
    assert reader is not None
    return [event.step.value for event in readers.history(reader.id)]


def owed(requests: Requests) -> list[tuple[str, str]]:
    return [(one.notice.value, one.email) for one in requests.owed(NOW) if one.notice]


# ---- confirming ----


def test_a_sign_up_is_confirmed_once_with_its_proof_and_welcomed(
    readers: Readers, requests: Requests, wishes: Wishes
) -> None:
    request_id = answered(requests, "lea@example.org")
    first = wishes.confirm(request_id, proof=CLICK, now=NOW + HOUR)
    again = wishes.confirm(request_id, proof=CLICK, now=NOW + 2 * HOUR)
    assert first is not None
    assert first.status is Status.ACTIVE
    assert again == first
    assert steps(readers, first) == ["asked", "confirmed"]
    last = readers.history(first.id)[-1]
    assert (last.at, last.proof) == (NOW + HOUR, CLICK)
    assert owed(requests) == [("welcome", "lea@example.org")]


def test_a_link_that_was_used_brings_nobody_back(
    readers: Readers, requests: Requests, wishes: Wishes
) -> None:
    request_id = answered(requests, "lea@example.org")
    lea = wishes.confirm(request_id, proof=CLICK, now=NOW)
    assert lea is not None
    wishes.leave(lea.id, proof=CLICK, now=NOW)
    after = wishes.confirm(request_id, proof=CLICK, now=NOW + HOUR)
    assert after is not None
    assert after.status is Status.LEFT


def test_nothing_is_confirmed_by_what_is_unknown_forgotten_or_of_another_kind(
    database: Database, readers: Readers, requests: Requests, wishes: Wishes
) -> None:
    request_id = answered(requests, "lea@example.org")
    (eva,) = enter(readers, "eva@example.org")
    mine = answered(requests, "eva@example.org", wish=Wish.MINE, reader_id=eva)
    assert wishes.confirm("nobody's", proof=CLICK, now=NOW) is None
    assert wishes.confirm(mine, proof=CLICK, now=NOW) is None
    assert wishes.confirm(request_id, proof=CLICK, now=NOW + 31 * DAY) is None
    assert readers.count(Status.PENDING) == 1


@pytest.mark.parametrize(
    ("status", "after"),
    [
        (Status.PENDING, Status.ACTIVE),
        (Status.LEFT, Status.ACTIVE),
        (Status.BOUNCED, Status.ACTIVE),
        (Status.COMPLAINED, Status.COMPLAINED),
    ],
)
def test_whoever_says_yes_is_a_reader_but_for_who_complained(
    database: Database, readers: Readers, requests: Requests, wishes: Wishes, status: Status, after: Status
) -> None:
    request_id = answered(requests, "lea@example.org")
    lea = readers.find(read_address("lea@example.org"))
    assert lea is not None
    set_status(database, lea.id, status)
    confirmed = wishes.confirm(request_id, proof=CLICK, now=NOW)
    assert confirmed is not None
    assert confirmed.status is after
    assert owed(requests) == ([("welcome", "lea@example.org")] if after is Status.ACTIVE else [])


def test_whoever_was_erased_and_says_yes_again_is_let_in(
    database: Database, readers: Readers, requests: Requests, wishes: Wishes
) -> None:
    (lea,) = enter(readers, "lea@example.org")
    erase(database, lea, hashes=hashes, now=NOW)
    request_id = answered(requests, "lea@example.org")
    with database.read() as connection:
        assert suppressed(connection, ["lea@example.org"], hashes) == {"lea@example.org": Status.LEFT}
    assert wishes.confirm(request_id, proof=CLICK, now=NOW) is not None
    with database.read() as connection:
        assert suppressed(connection, ["lea@example.org"], hashes) == {}


def test_the_link_of_somebody_erased_meanwhile_confirms_nothing(
    database: Database, readers: Readers, requests: Requests, wishes: Wishes
) -> None:
    request_id = answered(requests, "lea@example.org")
    lea = readers.find(read_address("lea@example.org"))
    assert lea is not None
    erase(database, lea.id, hashes=hashes, now=NOW)
    assert wishes.confirm(request_id, proof=CLICK, now=NOW) is None
    assert readers.count() == 0


# ---- another address ----


def test_a_reader_goes_to_another_address_and_the_old_one_is_told(
    readers: Readers, requests: Requests, wishes: Wishes
) -> None:
    (lea,) = enter(readers, "lea@example.org")
    request_id = answered(requests, "New@example.org", wish=Wish.MOVE, reader_id=lea)
    moved = wishes.confirm(request_id, proof=CLICK, now=NOW)
    assert moved == Reader(id=lea, email="New@example.org")
    assert readers.find(read_address("new@example.org")) == moved
    assert readers.find(read_address("lea@example.org")) is None
    assert steps(readers, moved) == ["joined", "moved"]
    assert owed(requests) == [("moved", "lea@example.org")]


def test_whoever_moves_to_an_address_that_was_erased_is_let_in_there(
    database: Database, readers: Readers, requests: Requests, wishes: Wishes
) -> None:
    lea, old = enter(readers, "lea@example.org", "old@example.org")
    erase(database, old, hashes=hashes, now=NOW)
    request_id = answered(requests, "old@example.org", wish=Wish.MOVE, reader_id=lea)
    assert wishes.confirm(request_id, proof=CLICK, now=NOW) is not None
    with database.read() as connection:
        assert suppressed(connection, ["old@example.org"], hashes) == {}


def test_another_spelling_of_the_same_address_is_told_to_nobody(
    readers: Readers, requests: Requests, wishes: Wishes
) -> None:
    (lea,) = enter(readers, "lea@example.org")
    request_id = answered(requests, "Lea@example.org", wish=Wish.MOVE, reader_id=lea)
    moved = wishes.confirm(request_id, proof=CLICK, now=NOW)
    assert moved is not None
    assert moved.email == "Lea@example.org"
    assert owed(requests) == []


def test_whoever_moves_to_where_they_read_us_already_is_one_reader(
    readers: Readers, requests: Requests, wishes: Wishes
) -> None:
    lea, eva = enter(readers, "lea@example.org", "eva@example.org")
    request_id = answered(requests, "eva@example.org", wish=Wish.MOVE, reader_id=lea)
    moved = wishes.confirm(request_id, proof=CLICK, now=NOW)
    assert moved is not None
    assert (moved.id, moved.status) == (eva, Status.ACTIVE)
    old = readers.get(lea)
    assert old is not None
    assert old.status is Status.LEFT
    assert readers.count(Status.ACTIVE) == 1


def test_a_pause_moves_along(
    database: Database, readers: Readers, requests: Requests, wishes: Wishes
) -> None:
    (lea,) = enter(readers, "lea@example.org")
    wishes.pause(lea, NOW + 7 * DAY, proof=CLICK, now=NOW)
    request_id = answered(requests, "new@example.org", wish=Wish.MOVE, reader_id=lea)
    moved = wishes.confirm(request_id, proof=CLICK, now=NOW)
    assert moved is not None
    assert moved.status is Status.PAUSED
    assert readers.paused_until(lea) == NOW + 7 * DAY


# ---- leaving, coming back ----


def test_leaving_twice_is_noted_once(readers: Readers, wishes: Wishes) -> None:
    (lea,) = enter(readers, "lea@example.org")
    for _ in range(3):
        after = wishes.leave(lea, proof=CLICK, now=NOW)
    assert after is not None
    assert after.status is Status.LEFT
    assert steps(readers, after) == ["joined", "left"]
    assert wishes.leave("nobody", proof=CLICK, now=NOW) is None


@pytest.mark.parametrize(("hours", "after"), [(23, Status.ACTIVE), (24, Status.ACTIVE), (25, Status.LEFT)])
def test_leaving_is_undone_within_a_day(readers: Readers, wishes: Wishes, hours: int, after: Status) -> None:
    (lea,) = enter(readers, "lea@example.org")
    wishes.leave(lea, proof=CLICK, now=NOW)
    now = NOW + hours * HOUR
    assert wishes.may_undo(lea, now) is (after is Status.ACTIVE)
    back = wishes.undo(lea, proof=CLICK, now=now)
    assert back is not None
    assert back.status is after


def test_only_who_left_by_themselves_comes_back_by_undoing(
    database: Database, readers: Readers, wishes: Wishes
) -> None:
    (lea,) = enter(readers, "lea@example.org")
    assert not wishes.may_undo(lea, NOW)
    assert not wishes.may_undo("nobody", NOW)
    assert wishes.undo("nobody", proof=CLICK, now=NOW) is None
    wishes.leave(lea, proof=CLICK, now=NOW)
    for status in (Status.COMPLAINED, Status.BOUNCED):
        set_status(database, lea, status)
        assert not wishes.may_undo(lea, NOW)
        after = wishes.undo(lea, proof=CLICK, now=NOW)
        assert after is not None
        assert after.status is status


def test_leaving_ends_a_pause(readers: Readers, wishes: Wishes) -> None:
    (lea,) = enter(readers, "lea@example.org")
    wishes.pause(lea, NOW + 7 * DAY, proof=CLICK, now=NOW)
    wishes.leave(lea, proof=CLICK, now=NOW)
    assert readers.paused_until(lea) is None
    assert readers.resume_all(NOW + 8 * DAY) == 0


# ---- pauses ----


def test_a_pause_can_be_made_longer_shorter_and_ended(readers: Readers, wishes: Wishes) -> None:
    (lea,) = enter(readers, "lea@example.org")
    for days in (7, 30, 3):
        paused = wishes.pause(lea, NOW + days * DAY, proof=CLICK, now=NOW)
        assert paused is not None
        assert paused.status is Status.PAUSED
        assert readers.paused_until(lea) == NOW + days * DAY
    resumed = wishes.resume(lea, proof=CLICK, now=NOW)
    assert resumed is not None
    assert resumed.status is Status.ACTIVE
    assert readers.paused_until(lea) is None
    assert steps(readers, resumed) == ["joined", "paused", "paused", "paused", "resumed"]


def test_a_pause_is_three_months_at_most(readers: Readers, wishes: Wishes) -> None:
    (lea,) = enter(readers, "lea@example.org")
    wishes.pause(lea, NOW + 1000 * DAY, proof=CLICK, now=NOW)
    assert readers.paused_until(lea) == NOW + 92 * DAY


@pytest.mark.parametrize("status", [Status.PENDING, Status.LEFT, Status.BOUNCED, Status.COMPLAINED])
def test_who_gets_nothing_cannot_pause_nor_resume(
    database: Database, readers: Readers, wishes: Wishes, status: Status
) -> None:
    (lea,) = enter(readers, "lea@example.org")
    set_status(database, lea, status)
    for after in (
        wishes.pause(lea, NOW + DAY, proof=CLICK, now=NOW),
        wishes.resume(lea, proof=CLICK, now=NOW),
    ):
        assert after is not None
        assert after.status is status
    assert steps(readers, readers.get(lea)) == ["joined"]
    assert wishes.pause("nobody", NOW + DAY, proof=CLICK, now=NOW) is None
    assert wishes.resume("nobody", proof=CLICK, now=NOW) is None


def test_a_notice_without_a_link_to_confirm_confirms_nothing(
    database: Database, requests: Requests, wishes: Wishes
) -> None:
    request_id = answered(requests, "lea@example.org")
    with database.write() as connection:
        connection.execute(update(schema.request).values(notice=Notice.ALREADY.value))
    assert wishes.confirm(request_id, proof=CLICK, now=NOW) is None
