"""Requests: the same for whoever asks, answered by mail alone, and never so often that it is a nuisance."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from newsletter.model import Progress, Status
from newsletter.readers import schema
from newsletter.readers.addresses import read_address
from newsletter.readers.database import Database
from newsletter.readers.erasure import erase
from newsletter.readers.proof import Proof
from newsletter.readers.requests import Notice, Request, Requests, Wish
from newsletter.readers.store import Readers
from tests.readers.conftest import BY_HAND, NOW, enter, hashes

HOUR = timedelta(hours=1)
FORM = Proof(source="the site", words="Gratuit.", page="https://actu5.example.org/", network="192.0.2.7")


@pytest.fixture
def requests(database: Database) -> Requests:
    return Requests(database, hashes)


def ask(requests: Requests, email: str, now: datetime = NOW, wish: Wish = Wish.JOIN, **more: str) -> None:
    requests.ask(wish, read_address(email), proof=FORM, now=now, **more)


def decided(requests: Requests, database: Database, now: datetime = NOW) -> list[tuple[str, str, str]]:
    """Decide, and give address, state and notice or reason of what was asked, the oldest first."""
    requests.decide(now, per_hour=100)
    with database.read() as connection:
        rows = connection.execute(schema.request.select().order_by(schema.request.c.at)).all()
    return [(row.email, row.state, row.notice or row.detail) for row in rows]


def set_status(database: Database, email: str, status: Status) -> None:
    with database.write() as connection:
        connection.execute(
            update(schema.reader).where(schema.reader.c.email == email).values(status=status.value)
        )


def test_somebody_new_waits_for_their_confirmation(
    database: Database, readers: Readers, requests: Requests
) -> None:
    ask(requests, "lea@example.org")
    assert readers.count() == 0
    assert decided(requests, database) == [("lea@example.org", "owed", "confirm")]
    lea = readers.find(read_address("lea@example.org"))
    assert lea is not None
    assert lea.status is Status.PENDING
    (event,) = readers.history(lea.id)
    assert (event.step, event.proof) == ("asked", FORM)
    (request,) = requests.owed(NOW)
    assert (request.reader_id, request.notice, request.tries) == (lea.id, Notice.CONFIRM, 0)


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (Status.PENDING, ("owed", "confirm")),
        (Status.ACTIVE, ("owed", "already")),
        (Status.PAUSED, ("owed", "already")),
        (Status.LEFT, ("owed", "confirm")),
        (Status.BOUNCED, ("owed", "confirm")),
        (Status.COMPLAINED, ("withheld", "this address called our mail unwanted")),
    ],
)
def test_whoever_is_known_is_answered_as_they_are_and_stays_so(
    database: Database, readers: Readers, requests: Requests, status: Status, answer: tuple[str, str]
) -> None:
    (reader_id,) = enter(readers, "lea@example.org")
    set_status(database, "lea@example.org", status)
    ask(requests, "LEA@example.org")
    assert decided(requests, database) == [("LEA@example.org", *answer)]
    known = readers.get(reader_id)
    assert known is not None
    assert known.status is status


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (Status.LEFT, ("owed", "confirm")),
        (Status.COMPLAINED, ("withheld", "this address called our mail unwanted")),
    ],
)
def test_whoever_was_erased_is_answered_unless_they_had_complained(
    database: Database, readers: Readers, requests: Requests, status: Status, answer: tuple[str, str]
) -> None:
    (reader_id,) = enter(readers, "lea@example.org")
    set_status(database, "lea@example.org", status)
    assert erase(database, reader_id, hashes=hashes, now=NOW)
    ask(requests, "lea@example.org")
    assert decided(requests, database) == [("lea@example.org", *answer)]


def test_one_address_is_answered_once_a_day_and_three_times_at_most(
    database: Database, requests: Requests
) -> None:
    for hours in (0, 1, 25, 50, 75, 100):
        ask(requests, "lea@example.org", NOW + hours * HOUR)
        found = decided(requests, database, NOW + hours * HOUR)
    assert [what for _, _, what in found] == [
        "confirm",
        "answered already within a day",
        "confirm",
        "confirm",
        "answered three times, and no link was used",
        "answered three times, and no link was used",
    ]


def test_whoever_used_a_link_is_answered_again(database: Database, requests: Requests) -> None:
    ask(requests, "lea@example.org")
    decided(requests, database)
    with database.write() as connection:
        connection.execute(update(schema.request).values(used_at=1))
    ask(requests, "lea@example.org", NOW + HOUR)
    assert decided(requests, database, NOW + HOUR)[1][1:] == ("owed", "confirm")


def test_an_attack_is_answered_no_more_often_than_the_cap(
    database: Database, readers: Readers, requests: Requests
) -> None:
    for count in range(40):
        ask(requests, f"victim{count}@example.org")
    while requests.decide(NOW, per_hour=25):
        pass
    assert len(list(requests.owed(NOW))) == 25
    assert readers.count() == 25
    ask(requests, "late@example.org", NOW + HOUR / 2)
    requests.decide(NOW + HOUR / 2, per_hour=25)
    assert len(list(requests.owed(NOW + HOUR))) == 25
    ask(requests, "next@example.org", NOW + 2 * HOUR)
    requests.decide(NOW + 2 * HOUR, per_hour=25)
    assert [one.email for one in requests.owed(NOW + 2 * HOUR)][25:] == ["next@example.org"]


def test_a_notice_is_committed_by_one_run_alone(database: Database, requests: Requests) -> None:
    ask(requests, "lea@example.org")
    requests.decide(NOW, per_hour=9)
    (request,) = requests.owed(NOW)
    assert requests.commit(request)
    assert not requests.commit(request)
    assert list(requests.owed(NOW)) == []
    requests.record(request, Progress.SENT, "250 ok")
    assert state_of(requests, request) is Progress.SENT


def test_a_notice_that_was_put_off_waits_its_time(database: Database, requests: Requests) -> None:
    ask(requests, "lea@example.org")
    requests.decide(NOW, per_hour=9)
    (request,) = requests.owed(NOW)
    assert requests.commit(request)
    requests.record(request, Progress.OWED, "451 later", next_at=NOW + HOUR)
    assert list(requests.owed(NOW)) == []
    (again,) = requests.owed(NOW + HOUR)
    assert again.tries == 1
    assert requests.commit(again)


def test_the_owner_of_a_page_is_answered_at_the_address_known(
    database: Database, readers: Readers, requests: Requests
) -> None:
    reader_id = readers.add(read_address("lea@example.org"), proof=BY_HAND, now=NOW).reader.id
    ask(requests, "lea@example.org", wish=Wish.MINE, reader_id=reader_id)
    ask(requests, "neu@example.org", NOW + HOUR, wish=Wish.MOVE, reader_id=reader_id)
    assert decided(requests, database) == [
        ("lea@example.org", "owed", "mine"),
        ("neu@example.org", "owed", "move"),
    ]


def state_of(requests: Requests, request: Request) -> Progress:
    found = requests.find(request.id)
    assert found is not None
    return found.state
