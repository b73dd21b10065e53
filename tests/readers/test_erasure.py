"""Nothing is kept for ever: erased people leave no trace, and what has served its time goes by itself."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from newsletter.errors import StoreError
from newsletter.model import Outcome, Status
from newsletter.readers import schema
from newsletter.readers.addresses import read_address
from newsletter.readers.database import Database
from newsletter.readers.decisions import Decisions, Kind
from newsletter.readers.entries import ERASED
from newsletter.readers.erasure import (
    Swept,
    erase,
    erase_address,
    forget,
    inactive,
    is_known,
    shortened,
    sweep,
    years_before,
)
from newsletter.readers.ledger import Ledger
from newsletter.readers.membership import Step, bounced, confirmed, left, paused, resumed
from newsletter.readers.personal import as_rows, personal_data
from newsletter.readers.proof import Proof
from newsletter.readers.requests import Requests, Wish
from newsletter.readers.store import PAUSE_OVER, Readers
from newsletter.readers.wishes import Wishes
from tests.readers.conftest import (
    BY_HAND,
    KEY,
    NOW,
    URL,
    commit,
    crowd,
    due,
    enter,
    freeze,
    gave,
    only_sqlite,
    record,
    set_status,
    state,
)

LEA = "lea.secret@example.org"
FORM = Proof(
    source="the site",
    words="Gratuit, chaque matin.",
    page="https://actu5.example.org/lea-secret",
    network="192.0.2.77",
)
DAY = timedelta(days=1)


def hashes(key: str) -> Sequence[str]:
    return (f"hash of {len(key)} octets",)


def bytes_of(database: Database) -> bytes:
    """The database's file and all that SQLite keeps beside it."""
    path = Path(database.where)
    return b"".join(each.read_bytes() for each in sorted(path.parent.glob(f"{path.name}*")))


def lea_who_did_everything(database: Database, ledger: Ledger) -> str:
    """A reader of whom something stands in every table."""
    readers, requests = Readers(database), Requests(database, hashes)
    (lea,) = enter(readers, LEA)
    readers.change(lea, left, Step.LEFT, proof=FORM, now=NOW)
    readers.change(lea, confirmed, Step.CONFIRMED, proof=FORM, now=NOW)
    requests.ask(Wish.MINE, read_address(LEA), proof=FORM, now=NOW, reader_id=lea)
    requests.ask(Wish.JOIN, read_address(LEA.upper()), proof=FORM, now=NOW)
    freeze(ledger)
    commit(ledger, lea)
    record(ledger, gave(lea, Outcome.IN_DOUBT, detail=f"421 <{LEA}> perhaps"))
    Decisions(database).settle(KEY, {lea: f"{LEA} has it"}, kind=Kind.SENT, who="ada", now=NOW)
    row = {"digest": "d", "at": 1, "reader_id": lea, "issue_key": KEY, "domain": "lea-secret.fr"}
    row |= {"kind": "hard", "code": "5.1.1", "detail": f"no {LEA} here", "effect": "bounced"}
    with database.write() as connection:
        connection.execute(insert(schema.returned), row)
    return lea


@only_sqlite
def test_of_an_erased_reader_no_octet_is_left(database: Database, ledger: Ledger) -> None:
    crowd(database, 3_000)  # so that rows have had to move
    lea = lea_who_did_everything(database, ledger)
    crowd_later = [{"id": f"z{n}", "email": f"z{n}@x", "address_key": f"z{n}"} for n in range(3_000)]
    with database.write() as connection:
        rows = [{**row, "name": "", "status": "active", "since": 0} for row in crowd_later]
        connection.execute(insert(schema.reader), rows)
    traces = (b"secret", b"SECRET", b"Gratuit", b"192.0.2.77")
    assert all(trace in bytes_of(database) for trace in traces)

    assert erase(database, lea, hashes=hashes, now=NOW)
    assert [trace for trace in traces if trace in bytes_of(database)] == []
    assert Readers(database).get(lea) is None
    assert personal_data(database, lea) == {}
    assert not erase(database, lea, hashes=hashes, now=NOW)


def test_an_erased_readers_steps_and_copies_are_still_counted(database: Database, ledger: Ledger) -> None:
    lea = lea_who_did_everything(database, ledger)
    erase(database, lea, hashes=hashes, now=NOW)
    assert [(event.step.value, event.proof) for event in Readers(database).history(lea)] == [
        ("joined", Proof(source="")),
        ("left", Proof(source="")),
        ("confirmed", Proof(source="")),
        ("erased", Proof(source="asked to be erased")),
    ]
    assert state(ledger, lea) == ("sent", 1, "")
    assert ledger.tally(KEY).holds
    with database.read() as connection:
        (back,) = connection.execute(select(schema.returned)).all()
    assert (back.digest, back.kind, back.code, back.effect, back.detail) == (
        "d",
        "hard",
        "5.1.1",
        "bounced",
        "",
    )


def test_nobody_else_loses_anything(database: Database, ledger: Ledger, readers: Readers) -> None:
    (max_,) = enter(readers, "max@example.org")
    lea = lea_who_did_everything(database, ledger)
    before = personal_data(database, max_)
    assert before["history"][0]["source"] == "by hand"
    erase(database, lea, hashes=hashes, now=NOW)
    assert personal_data(database, max_) == before


def test_a_run_that_is_sending_withholds_the_copy_of_whoever_is_erased(
    database: Database, ledger: Ledger, readers: Readers
) -> None:
    lea, max_ = enter(readers, LEA, "max@example.org")
    freeze(ledger)
    assert sorted(due(ledger)) == sorted([lea, max_])
    erase(database, lea, hashes=hashes, now=NOW)
    assert commit(ledger, lea, max_) == {lea: ERASED}
    assert state(ledger, lea) == ("withheld", 0, "erased")
    assert ledger.tally(KEY).holds


@pytest.mark.parametrize(
    ("before", "kept"),
    [("active", "left"), ("pending", "left"), ("bounced", "bounced"), ("complained", "complained")],
)
def test_as_what_somebody_is_kept_out(database: Database, readers: Readers, before: str, kept: str) -> None:
    (lea,) = enter(readers, LEA)
    set_status(database, lea, Status(before))
    erase(database, lea, hashes=hashes, now=NOW)
    with database.read() as connection:
        (row,) = connection.execute(select(schema.suppressed)).all()
    assert (row.hash, row.status, row.at) == ("hash of 22 octets", kept, 1795413600)


def test_whoever_only_asked_is_erased_by_address(database: Database) -> None:
    Requests(database, hashes).ask(Wish.JOIN, read_address(LEA), proof=FORM, now=NOW)
    assert is_known(database, read_address("LEA.Secret@example.org"))
    assert erase_address(database, read_address("LEA.Secret@example.org"), hashes=hashes, now=NOW)
    assert b"secret" not in bytes_of(database)
    assert not is_known(database, read_address(LEA))
    assert not erase_address(database, read_address(LEA), hashes=hashes, now=NOW)
    verdict = Readers(database, hashes=hashes).add(read_address(LEA), proof=BY_HAND, now=NOW)
    assert (verdict.added, verdict.erased) == (False, True)


@only_sqlite
def test_an_erasure_that_fails_is_undone_as_a_whole(database: Database, ledger: Ledger) -> None:
    lea = lea_who_did_everything(database, ledger)
    before = personal_data(database, lea)
    with database.write() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER no BEFORE UPDATE ON attempt BEGIN SELECT raise(ABORT, 'no'); END"
        )
    with pytest.raises(StoreError):
        erase(database, lea, hashes=hashes, now=NOW)
    assert personal_data(database, lea) == before
    with database.read() as connection:
        assert connection.execute(select(schema.suppressed)).all() == []


# ---- everything that is kept, for the reader ----


def test_a_reader_is_given_everything_that_is_kept(database: Database, ledger: Ledger) -> None:
    lea = lea_who_did_everything(database, ledger)
    at = "2026-11-23T06:00:00+00:00"
    data = personal_data(database, lea)
    assert data["reader"] == {
        "id": lea,
        "email": LEA,
        "name": "",
        "status": "active",
        "since": at,
        "paused_until": None,
    }
    assert [step["step"] for step in data["history"]] == ["joined", "left", "confirmed"]
    assert data["history"][1] == {
        "at": at,
        "step": "left",
        "source": "the site",
        "words": "Gratuit, chaque matin.",
        "page": "https://actu5.example.org/lea-secret",
        "network": "192.0.2.77",
        "issue": "",
    }
    assert [(each["wish"], each["network"]) for each in data["requests"]] == [
        ("mine", "192.0.2.77"),
        ("join", "192.0.2.77"),
    ]
    (issue,) = data["issues"]
    assert (issue["issue"], issue["subject"], issue["state"]) == (KEY, "Fusion : l’étincelle", "sent")
    assert [(each["outcome"], each["detail"]) for each in issue["attempts"]] == [
        ("in doubt", f"421 <{LEA}> perhaps")
    ]
    assert [each["detail"] for each in data["returned"]] == [f"no {LEA} here"]
    assert [(each["kind"], each["note"]) for each in data["decisions"]] == [("sent", f"{LEA} has it")]
    assert "ada" not in str(data)

    rows = list(as_rows(data))
    assert rows[1] == ("reader, email", LEA)
    assert ("history 2, words", "Gratuit, chaque matin.") in rows
    assert ("issues 1, attempts 1, outcome", "in doubt") in rows
    assert all(isinstance(cell, str) for row in rows for cell in row)


def test_nobody_has_no_data(database: Database) -> None:
    assert personal_data(database, "nobody") == {}


# ---- what has served its time ----


@pytest.mark.parametrize(
    ("network", "short"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("fe80::1%eth0", "fe80::/48"),
        ("nonsense", ""),
    ],
)
def test_a_network_is_cut_short(network: str, short: str) -> None:
    assert shortened(network) == short


def test_what_is_thirty_days_old_is_swept(database: Database, readers: Readers) -> None:
    requests = Requests(database, hashes)
    (lea,) = enter(readers, LEA)
    readers.change(lea, left, Step.LEFT, proof=FORM, now=NOW)
    readers.change(lea, confirmed, Step.CONFIRMED, proof=FORM, now=NOW + 2 * DAY)
    for email, at in (("old@example.org", NOW), ("again@example.org", NOW), ("new@example.org", NOW + DAY)):
        requests.ask(Wish.JOIN, read_address(email), proof=FORM, now=at)
        requests.decide(at, per_hour=100)
    requests.ask(Wish.JOIN, read_address("again@example.org"), proof=FORM, now=NOW + 2 * DAY)
    requests.decide(NOW + 2 * DAY, per_hour=100)
    assert sweep(database, NOW + 30 * DAY) == Swept(networks=0, requests=0, pending=0)

    later = NOW + 30 * DAY + timedelta(hours=1)
    assert sweep(database, later) == Swept(networks=3, requests=2, pending=1)
    assert sorted(reader.email for reader in readers) == ["again@example.org", LEA, "new@example.org"]
    networks = [event.proof.network for event in readers.history(lea)]
    assert networks == ["", "192.0.2.0/24", "192.0.2.77"]
    assert b"old@example.org" not in bytes_of(database)
    assert sweep(database, later) == Swept(networks=0, requests=0, pending=0)


def test_many_networks_are_cut_in_one_go(database: Database) -> None:
    rows = [
        {"reader_id": f"r{n}", "at": 0, "kind": "joined", "source": "x", "network": "192.0.2.77"}
        for n in range(1_200)
    ] + [{"reader_id": "odd", "at": 0, "kind": "joined", "source": "x", "network": "a host"}]
    with database.write() as connection:
        connection.execute(insert(schema.consent), rows)
    assert sweep(database, NOW).networks == 1_201
    assert b"192.0.2.77" not in bytes_of(database)
    assert b"a host" not in bytes_of(database)


# ---- whoever gives no sign of life ----

LONG_AGO = datetime(2023, 11, 22, 12, 0, tzinfo=UTC)


def names(database: Database, now: datetime = NOW) -> list[str]:
    return sorted(each.reader.email for each in inactive(database, now))


def test_whoever_gives_no_sign_of_life_for_three_years_is_named(
    database: Database, readers: Readers, ledger: Ledger
) -> None:
    ids = {}
    for name in ("silent", "bouncer", "sleeper", "alive", "gone"):
        verdict = readers.add(read_address(f"{name}@example.org"), proof=BY_HAND, now=LONG_AGO)
        ids[name] = verdict.reader.id
    readers.add(read_address("young@example.org"), proof=BY_HAND, now=LONG_AGO + DAY)
    readers.change(ids["bouncer"], bounced, Step.BOUNCED, proof=BY_HAND, now=NOW)
    Wishes(database, hashes).pause(ids["sleeper"], NOW, proof=BY_HAND, now=LONG_AGO)
    assert readers.resume_all(NOW) == 1
    readers.change(ids["alive"], paused, Step.PAUSED, proof=BY_HAND, now=LONG_AGO)
    readers.change(ids["alive"], resumed, Step.RESUMED, proof=FORM, now=NOW)
    readers.change(ids["gone"], left, Step.LEFT, proof=FORM, now=LONG_AGO + 2 * DAY)
    freeze(ledger)  # getting an issue is no sign of life
    found = {each.reader.email: each.last for each in inactive(database, NOW)}
    assert found == {
        "silent@example.org": LONG_AGO,
        "bouncer@example.org": LONG_AGO,
        "sleeper@example.org": LONG_AGO,
    }
    assert PAUSE_OVER in [event.proof.source for event in readers.history(ids["sleeper"])]


def test_whoever_is_forgotten_leaves_no_trace_and_is_brought_back_by_nobody(
    database: Database, readers: Readers
) -> None:
    for name in ("silent-one", "back-again"):
        readers.add(read_address(f"{name}@example.org"), proof=BY_HAND, now=LONG_AGO)
    silent = list(inactive(database, NOW))
    back = readers.find(read_address("back-again@example.org"))
    assert back is not None
    readers.change(back.id, left, Step.LEFT, proof=FORM, now=NOW)  # between the list and its end
    assert forget(database, silent, hashes=hashes, now=NOW) == 1
    assert [reader.email for reader in readers] == ["back-again@example.org"]
    assert b"silent-one" not in bytes_of(database)
    own = Readers(database, hashes=hashes)
    assert own.add(read_address("silent-one@example.org"), proof=BY_HAND, now=NOW).erased


def test_three_years_before_a_leap_day_is_a_day_too() -> None:
    assert years_before(datetime(2028, 2, 29, tzinfo=UTC), 3) == datetime(2025, 2, 28, tzinfo=UTC)
    assert years_before(NOW, 3) == datetime(2023, 11, 23, 6, 0, tzinfo=UTC)


@only_sqlite
def test_another_program_that_reads_does_not_keep_somebody_from_being_erased(
    database: Database, tmp_path: Path
) -> None:
    (lea,) = enter(Readers(database), LEA)
    with Database.open(URL, tmp_path, busy_timeout=0.1) as eraser, database.read() as connection:
        connection.execute(select(schema.reader)).all()
        assert erase(eraser, lea, hashes=hashes, now=NOW)
    assert Readers(database).get(lea) is None
    database.wipe()
    assert b"secret" not in bytes_of(database)
