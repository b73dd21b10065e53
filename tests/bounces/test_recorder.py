"""What comes back is counted once, decided upon with its whole batch in view, and can be taken back."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from newsletter.bounces.recorder import Recorder
from newsletter.bounces.returned import Kind, Proof, Returned
from newsletter.links import Claim, Links, Purpose, Signer
from newsletter.model import Mailbox, Publication, Status
from newsletter.readers import schema
from newsletter.readers.addresses import read_address
from newsletter.readers.database import Database
from newsletter.readers.proof import Proof as Consent
from newsletter.readers.requests import Notice, Requests
from newsletter.readers.store import Readers
from tests.readers.conftest import hashes

DAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
PUBLICATION = Publication(
    name="L'actu", sender=Mailbox(name="L'actu", address="bonjour@actu5.example"), url="https://actu5.example"
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database.open("sqlite:///newsletter.db", tmp_path) as database:
        yield database


@pytest.fixture
def recorder(database: Database) -> Recorder:
    links = Links(PUBLICATION, Signer((b"a key of sixteen!",), list_id=PUBLICATION.list_id))
    return Recorder(database, links, ours="actu5.example")


def enter(database: Database, *emails: str) -> list[str]:
    """Enter active readers who got the issue of `DAY`; their ids."""
    readers = Readers(database)
    proof = Consent(source="by hand")
    ids = [readers.add(read_address(email), proof=proof, now=NOW).reader.id for email in emails]
    issue = {"key": DAY.isoformat(), "fingerprint": "", "subject": "", "template": "", "date": ""}
    with database.write() as connection:
        if not connection.execute(select(schema.issue)).all():
            at = schema.seconds(NOW)
            connection.execute(insert(schema.issue), {**issue, "audience": len(ids), "frozen_at": at})
        connection.execute(
            insert(schema.delivery),
            [
                {
                    "issue_key": DAY.isoformat(),
                    "reader_id": i,
                    "state": "sent",
                    "attempts": 1,
                    "host": "",
                    "reason": "",
                }
                for i in ids
            ],
        )
    return ids


def came_back(reader_id: str, kind: Kind = Kind.HARD, digest: str = "", **more: object) -> Returned:
    facts: dict[str, object] = {
        "proof": Proof.RETURN_PATH,
        "claim": Claim(purpose=Purpose.BOUNCE, reader_id=reader_id, day=DAY),
        "code": "5.1.1" if kind is Kind.HARD else "4.2.2",
        "host": "mx.boite.example",
        "explanation": "no such mailbox",
        "at": NOW,
    }
    return Returned(kind=kind, digest=digest or f"{reader_id} {kind}", **(facts | more))  # type: ignore[arg-type]


def statuses(database: Database, ids: list[str]) -> list[str]:
    readers = Readers(database)
    return [reader.status.value if (reader := readers.get(i)) else "?" for i in ids]


def test_a_hard_bounce_ends_it_and_says_why(database: Database, recorder: Recorder) -> None:
    (lea,) = enter(database, "lea@boite.example")
    assert recorder.record([came_back(lea)], now=NOW) == 1
    assert recorder.decide_all(now=NOW) == {"bounce": 1}
    assert statuses(database, [lea]) == ["bounced"]
    last = Readers(database).history(lea)[-1]
    assert (last.step, last.proof.issue_key) == ("bounced", "2026-11-23")
    assert last.proof.source == "hard came back: no such mailbox (5.1.1), says mx.boite.example"


def test_each_mail_is_counted_once(database: Database, recorder: Recorder) -> None:
    (lea,) = enter(database, "lea@boite.example")
    soft = came_back(lea, Kind.SOFT)
    assert recorder.record([soft, soft], now=NOW) == 1
    assert recorder.record([soft], now=NOW) == 0
    assert recorder.decide_all(now=NOW) == {"count": 1}
    assert recorder.record([soft], now=NOW + HOUR) == 0
    assert recorder.decide_all(now=NOW + HOUR) == {}
    assert statuses(database, [lea]) == ["active"]


def test_what_was_written_down_before_a_kill_is_decided_upon_after_it(
    database: Database, recorder: Recorder
) -> None:
    (lea,) = enter(database, "lea@boite.example")
    recorder.record([came_back(lea)], now=NOW)
    again = Recorder(
        database, Links(PUBLICATION, Signer((b"a key of sixteen!",), list_id="x")), ours="actu5.example"
    )
    assert again.decide_all(now=NOW + HOUR) == {"bounce": 1}
    assert statuses(database, [lea]) == ["bounced"]


@pytest.mark.parametrize(
    ("kind", "status", "notices"),
    [
        (Kind.COMPLAINT, Status.COMPLAINED, []),
        (Kind.STOP, Status.LEFT, [Notice.LEFT]),
        (Kind.AUTO_REPLY, Status.ACTIVE, []),
        (Kind.DELAYED, Status.ACTIVE, []),
    ],
)
def test_each_kind_has_its_end(
    database: Database, recorder: Recorder, kind: Kind, status: Status, notices: list[Notice]
) -> None:
    (lea,) = enter(database, "lea@boite.example")
    recorder.record([came_back(lea, kind)], now=NOW)
    recorder.decide_all(now=NOW)
    assert statuses(database, [lea]) == [status.value]
    assert [one.notice for one in Requests(database, hashes).owed(NOW)] == notices


def test_whoever_writes_stop_without_proof_is_asked(database: Database, recorder: Recorder) -> None:
    (lea,) = enter(database, "lea@boite.example")
    forged = came_back(lea, Kind.STOP, proof=Proof.NONE, claim=None, addresses=("lea@boite.example",))
    recorder.record([forged], now=NOW)
    assert recorder.decide_all(now=NOW) == {"ask": 1}
    assert statuses(database, [lea]) == ["active"]
    assert [one.notice for one in Requests(database, hashes).owed(NOW)] == [Notice.LEAVE]
    recorder.record(
        [
            came_back(
                lea, Kind.STOP, "another", proof=Proof.NONE, claim=None, addresses=("lea@boite.example",)
            )
        ],
        now=NOW,
    )
    recorder.decide_all(now=NOW + HOUR)
    assert len(list(Requests(database, hashes).owed(NOW + HOUR))) == 1


def test_a_friend_to_whom_it_was_forwarded_cannot_leave_for_the_reader(
    database: Database, recorder: Recorder
) -> None:
    (lea,) = enter(database, "lea@boite.example")
    recorder.record([came_back(lea, Kind.STOP, addresses=("ami@ailleurs.example",))], now=NOW)
    assert recorder.decide_all(now=NOW) == {"ask": 1}
    assert statuses(database, [lea]) == ["active"]
    assert [(one.email, one.notice) for one in Requests(database, hashes).owed(NOW)] == [
        ("lea@boite.example", Notice.LEAVE)
    ]
    recorder.record([came_back(lea, Kind.STOP, "hers", addresses=("Lea@boite.example",))], now=NOW)
    recorder.decide_all(now=NOW)
    assert statuses(database, [lea]) == ["left"]


def test_a_forged_bounce_does_nothing(database: Database, recorder: Recorder) -> None:
    (lea,) = enter(database, "lea@boite.example")
    forged = came_back(lea, proof=Proof.NONE, claim=None, addresses=("lea@boite.example",))
    recorder.record([forged], now=NOW)
    assert recorder.decide_all(now=NOW) == {"nothing": 1}
    assert statuses(database, [lea]) == ["active"]


def test_a_message_id_of_ours_proves_what_has_no_token(database: Database, recorder: Recorder) -> None:
    (lea,) = enter(database, "lea@boite.example")
    links = Links(PUBLICATION, Signer((b"a key of sixteen!",), list_id=PUBLICATION.list_id))
    told = came_back(
        lea,
        proof=Proof.NONE,
        claim=None,
        addresses=("lea@boite.example",),
        message_ids=(links.message_id(lea, DAY),),
    )
    recorder.record([told], now=NOW)
    assert recorder.decide_all(now=NOW) == {"bounce": 1}


def test_the_outage_of_a_provider_is_nobodys_fault(database: Database, recorder: Recorder) -> None:
    ids = enter(database, *(f"reader{count}@boite.example" for count in range(12)))
    recorder.record([came_back(i) for i in ids], now=NOW)
    assert recorder.decide_all(now=NOW) == {"hold": 12}
    assert statuses(database, ids) == ["active"] * 12


def test_what_was_done_in_haste_is_taken_back_when_an_outage_shows(
    database: Database, recorder: Recorder
) -> None:
    ids = enter(database, *(f"reader{count}@boite.example" for count in range(12)))
    recorder.record([came_back(i) for i in ids[:4]], now=NOW)
    assert recorder.decide_all(now=NOW) == {"bounce": 4}
    recorder.record([came_back(i, at=NOW + HOUR / 2) for i in ids[4:]], now=NOW + HOUR / 2)
    assert recorder.decide_all(now=NOW + HOUR / 2) == {"hold": 8, "taken back": 4}
    assert statuses(database, ids) == ["active"] * 12


def test_who_left_meanwhile_is_not_brought_back_by_an_outage(database: Database, recorder: Recorder) -> None:
    ids = enter(database, *(f"reader{count}@boite.example" for count in range(12)))
    recorder.record([came_back(ids[0])], now=NOW)
    recorder.decide_all(now=NOW)
    recorder.record([came_back(ids[0], Kind.COMPLAINT)], now=NOW)
    recorder.decide_all(now=NOW)
    recorder.record([came_back(i) for i in ids[1:]], now=NOW)
    recorder.decide_all(now=NOW)
    assert statuses(database, ids) == ["complained"] + ["active"] * 11


def test_five_soft_ones_over_a_fortnight_pause_and_a_probe_decides(
    database: Database, recorder: Recorder
) -> None:
    (lea,) = enter(database, "lea@boite.example")
    for count in range(5):
        at = NOW + timedelta(days=4 * count)
        soft = came_back(
            lea,
            Kind.SOFT,
            f"soft {count}",
            at=at,
            claim=Claim(purpose=Purpose.BOUNCE, reader_id=lea, day=at.date()),
        )
        recorder.record([soft], now=at)
        recorder.decide_all(now=at)
    assert statuses(database, [lea]) == ["paused"]
    (probe,) = Requests(database, hashes).owed(at)
    assert probe.notice is Notice.PROBE
    recorder.decide_all(now=at + timedelta(days=6))
    assert statuses(database, [lea]) == ["paused"]
    recorder.decide_all(now=at + timedelta(days=8))
    assert statuses(database, [lea]) == ["active"]
