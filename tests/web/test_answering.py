"""Answering: each notice leaves once, whatever the carrier says and whoever is killed when."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Self

import pytest

from newsletter.compose.notice import compose_notice
from newsletter.config import Look
from newsletter.errors import (
    Blocked,
    ContentError,
    Deferred,
    DeliveryError,
    InDoubt,
    Refused,
    Unavailable,
    Withheld,
)
from newsletter.links import Purpose, Signer
from newsletter.model import Message, Progress, Publication
from newsletter.readers.addresses import read_address
from newsletter.readers.database import Database
from newsletter.readers.proof import Proof
from newsletter.readers.requests import Notice, Request, Requests, Wish
from newsletter.readers.store import Readers
from newsletter.settings import Table
from newsletter.web.answering import Addresses, Answer, Answering
from tests.conftest import ROOT
from tests.readers.conftest import NOW, enter, hashes
from tests.readers.conftest import database as database
from tests.readers.conftest import readers as readers
from tests.readers.conftest import store as store

SIGNER = Signer((b"a key of the tests alone",), list_id="redaction.lettre.invalid")
FORM = Proof(source="the site", network="192.0.2.7")


@dataclass
class Carrier:
    """Takes messages, or raises what it is told to, before or after the point of no return."""

    reaches_people: bool = True
    taken: list[Message] = field(default_factory=list)
    before: DeliveryError | ContentError | None = None
    after: BaseException | None = None
    opened: int = 0
    closed: int = 0
    on_commit: Callable[[], None] = lambda: None

    @classmethod
    def configured(cls, table: Table) -> Self:
        return cls()

    def open(self) -> None:
        self.opened += 1

    def send(self, message: Message, commit: Callable[[], None]) -> str:
        if self.before:
            raise self.before
        self.on_commit()
        commit()
        if self.after:
            raise self.after
        self.taken.append(message)
        return "250 taken"

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def requests(database: Database) -> Requests:
    return Requests(database, hashes)


@pytest.fixture
def answering(requests: Requests, publication: Publication) -> Answering:
    return Answering(
        requests,
        Addresses(publication.url, SIGNER),
        compose=lambda notice, url: compose_notice(
            notice.value, publication, Look(), templates=ROOT / "templates", url=url
        ),
        per_hour=5,
    )


def ask(requests: Requests, email: str = "lea@example.org", *, seconds: int = 0) -> None:
    """Sign up, perhaps some seconds later than another."""
    now = NOW + timedelta(seconds=seconds)
    requests.ask(Wish.JOIN, read_address(email), proof=FORM, now=now)


def at(moment: datetime) -> Callable[[], datetime]:
    return lambda: moment


def told(answers: list[Answer]) -> list[tuple[str, str, str]]:
    return [(each.notice.value, each.state.value, each.said) for each in answers]


def test_what_was_asked_for_is_decided_and_sent_in_one_go(requests: Requests, answering: Answering) -> None:
    carrier = Carrier()
    assert answering.answer_all(carrier, at(NOW)) == []
    assert carrier.opened == 0
    ask(requests)
    ask(requests, "eva@example.org", seconds=1)
    assert told(answering.answer_all(carrier, at(NOW))) == [
        ("confirm", "sent", "250 taken"),
        ("confirm", "sent", "250 taken"),
    ]
    assert [message.recipient for message in carrier.taken] == ["lea@example.org", "eva@example.org"]
    assert (carrier.opened, carrier.closed) == (1, 1)
    assert answering.answer_all(carrier, at(NOW)) == []


def test_a_notice_is_in_doubt_before_it_may_leave(requests: Requests, answering: Answering) -> None:
    ask(requests)
    seen: list[Progress] = []

    class Looking(Carrier):
        def send(self, message: Message, commit: Callable[[], None]) -> str:
            commit()
            seen.extend(state_of(requests))
            return "250"

    answering.answer_all(Looking(), at(NOW))
    assert seen == [Progress.IN_DOUBT]
    assert state_of(requests) == [Progress.SENT]


def state_of(requests: Requests) -> list[Progress]:
    with requests._database.read() as connection:
        return [
            Progress(row[0]) for row in connection.exec_driver_sql("SELECT state FROM request ORDER BY at")
        ]


def test_whoever_is_killed_after_the_commit_leaves_a_doubt_and_no_second_mail(
    requests: Requests, answering: Answering
) -> None:
    ask(requests)
    with pytest.raises(KeyboardInterrupt):
        answering.answer_all(Carrier(after=KeyboardInterrupt()), at(NOW))
    assert state_of(requests) == [Progress.IN_DOUBT]
    carrier = Carrier()
    assert answering.answer_all(carrier, at(NOW + timedelta(hours=1))) == []
    assert carrier.taken == []


def test_of_two_runs_at_once_one_alone_sends(requests: Requests, answering: Answering) -> None:
    ask(requests)
    other = Carrier()

    def other_run() -> None:
        assert len(answering.answer_all(other, at(NOW))) == 1

    first = Carrier(on_commit=other_run)
    assert told(answering.answer_all(first, at(NOW))) == [("confirm", "in doubt", "another run sends it")]
    assert (len(first.taken), len(other.taken)) == (0, 1)
    assert state_of(requests) == [Progress.SENT]


@pytest.mark.parametrize(
    ("error", "state", "said"),
    [
        (Refused("550 no such user"), "refused", "550 no such user"),
        (Withheld("cannot be carried", reason="smtputf8"), "refused", "cannot be carried"),
        (ContentError("not an address"), "refused", "not an address"),
        (InDoubt("the line broke"), "in doubt", "the line broke"),
    ],
)
def test_what_is_settled_is_not_tried_again(
    requests: Requests, answering: Answering, error: DeliveryError, state: str, said: str
) -> None:
    ask(requests)
    assert told(answering.answer_all(Carrier(before=error), at(NOW))) == [("confirm", state, said)]
    carrier = Carrier()
    assert answering.answer_all(carrier, at(NOW + timedelta(hours=2))) == []
    assert carrier.taken == []


@pytest.mark.parametrize("error", [Deferred("451 later"), Blocked("554 policy")])
def test_what_is_put_off_is_tried_after_two_minutes_ten_and_an_hour(
    requests: Requests, answering: Answering, error: DeliveryError
) -> None:
    ask(requests)
    tried = []
    for minute in range(0, 150):
        if answering.answer_all(Carrier(after=error), at(NOW + timedelta(minutes=minute))):
            tried.append(minute)
    assert tried == [0, 2, 12, 72, 132]
    carrier = Carrier()
    assert len(answering.answer_all(carrier, at(NOW + timedelta(minutes=192)))) == 1
    assert len(carrier.taken) == 1


def test_a_carrier_that_is_away_is_told_and_everything_waits(
    requests: Requests, answering: Answering
) -> None:
    ask(requests)
    ask(requests, "eva@example.org", seconds=1)
    carrier = Carrier(before=Unavailable("nobody answers"))
    with pytest.raises(Unavailable):
        answering.answer_all(carrier, at(NOW))
    assert carrier.closed == 1
    assert state_of(requests) == [Progress.OWED, Progress.OWED]
    assert len(answering.answer_all(Carrier(), at(NOW))) == 2


def test_a_line_that_is_lost_after_the_commit_is_a_doubt(requests: Requests, answering: Answering) -> None:
    ask(requests)
    ask(requests, "eva@example.org", seconds=1)
    with pytest.raises(Unavailable):
        answering.answer_all(Carrier(after=Unavailable("gone")), at(NOW))
    assert state_of(requests) == [Progress.IN_DOUBT, Progress.OWED]


def test_what_nobody_waits_for_any_more_is_not_sent(requests: Requests, answering: Answering) -> None:
    ask(requests)
    with pytest.raises(Unavailable):
        answering.answer_all(Carrier(before=Unavailable("away for a day")), at(NOW))
    carrier = Carrier()
    late = NOW + timedelta(hours=24, seconds=1)
    assert told(answering.answer_all(carrier, at(late))) == [
        ("confirm", "withheld", "nobody waits for it any more")
    ]
    assert carrier.taken == []


def test_no_more_leave_in_an_hour_than_the_cap(requests: Requests, answering: Answering) -> None:
    for count in range(12):
        ask(requests, f"lea{count}@example.org")
    carrier = Carrier()
    assert len(answering.answer_all(carrier, at(NOW))) == 5
    assert answering.answer_all(carrier, at(NOW + timedelta(minutes=59))) == []
    assert len(carrier.taken) == 5


def test_each_notice_leads_to_its_page_with_a_token_for_it_alone(readers: Readers) -> None:
    (lea,) = enter(readers, "lea@example.org")
    addresses = Addresses("https://lettre.invalid/actu", SIGNER)
    day = date(2026, 11, 23)

    def path(notice: Notice) -> tuple[str, str]:
        request = Request(
            id="the-request-of-1",
            at=NOW,
            wish=Wish.JOIN,
            reader_id=lea,
            email="lea@example.org",
            proof=FORM,
            state=Progress.OWED,
            notice=notice,
            tries=0,
            used_at=None,
        )
        url = addresses.of(request, NOW, day)
        page, _, token = url.removeprefix("https://lettre.invalid/actu/").partition("/")
        return page, token

    week, hours = NOW + timedelta(days=7), NOW + timedelta(hours=24)
    for notice in (Notice.CONFIRM, Notice.MOVE):
        page, token = path(notice)
        assert page == "confirm"
        assert SIGNER.check_until(token, Purpose.CONFIRM, week) == "the-request-of-1"
    for notice in (Notice.MINE, Notice.ALREADY):
        page, token = path(notice)
        assert page == "mine"
        assert SIGNER.check_until(token, Purpose.MINE, hours) == lea
    page, token = path(Notice.LEFT)
    assert page == "leave"
    assert SIGNER.check(token, Purpose.LEAVE).reader_id == lea
    assert path(Notice.WELCOME) == ("archive", "")
    assert path(Notice.MOVED) == ("", "")


def test_no_address_and_no_secret_is_in_a_message_id(requests: Requests, answering: Answering) -> None:
    ask(requests)
    carrier = Carrier()
    answering.answer_all(carrier, lambda: NOW.astimezone(UTC))
    (message,) = carrier.taken
    assert message.id.endswith("@lettre.invalid")
    assert "lea" not in message.id
    assert (message.issue_key, message.sender) == ("confirm", "redaction@lettre.invalid")
