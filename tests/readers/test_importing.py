"""A list from elsewhere: it adds whoever is new, changes nobody, and brings nobody back."""

import csv
import io
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from sqlalchemy import func, select

from newsletter.model import Reader, Status
from newsletter.readers import schema
from newsletter.readers.addresses import read_address
from newsletter.readers.csv_file import BadRow, Row, read_csv
from newsletter.readers.database import Database
from newsletter.readers.dialect import look_at
from newsletter.readers.erasure import erase
from newsletter.readers.importing import Incoming, Plan
from newsletter.readers.proof import Proof
from newsletter.readers.store import Readers
from tests.readers.conftest import BY_HAND, NOW, enter, leaves, only_sqlite, set_status
from tests.readers.test_addresses import HOSTILE

FAIR = Proof(source="the book fair")


def hashes(key: str) -> tuple[str, ...]:
    return (f"new {key[::-1]}", f"old {key[::-1]}")


def row(line: int, email: str, name: str = "", status: Status = Status.ACTIVE) -> Row:
    return Row(line=line, address=read_address(email), name=name, status=status)


def bring_in(database: Database, rows: Iterable[Row | BadRow]) -> tuple[Plan, int, list[BadRow]]:
    """The plan, how many were then added, and who was refused."""
    refused: list[BadRow] = []
    with Incoming(database, hashes=hashes) as incoming:
        incoming.read(rows, refuse=refused.append)
        plan = incoming.plan()
        return plan, sum(incoming.enter(proof=FAIR, now=NOW)), refused


def proofs(database: Database) -> int:
    with database.read() as connection:
        return connection.scalar(select(func.count()).select_from(schema.consent)) or 0


def test_whoever_is_new_is_added_with_the_proof_of_their_consent(
    database: Database, readers: Readers
) -> None:
    plan, added, _ = bring_in(database, [row(2, "Lea@Example.org", "Léa"), row(3, "max@example.org")])
    assert (plan.added, added) == (2, 2)
    lea = readers.find(read_address("lea@example.org"))
    assert lea is not None
    assert (lea.email, lea.name, lea.status, len(lea.id)) == ("Lea@example.org", "Léa", "active", 16)
    (event,) = readers.history(lea.id)
    assert (event.at, event.step, event.proof) == (NOW, "joined", FAIR)


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.ACTIVE])
def test_an_import_never_raises_a_status(database: Database, readers: Readers, status: Status) -> None:
    (reader_id,) = enter(readers, "lea@example.org")
    set_status(database, reader_id, status)
    plan, added, _ = bring_in(database, [row(2, "LEA@example.org")])
    assert readers.add(read_address("lea@example.org"), proof=BY_HAND, now=NOW).reader.status is status
    assert (plan.added, plan.known, plan.not_raised, added) == (0, 0, 1, 0)
    assert plan.stay == ((2, "LEA@example.org", status),)
    assert readers.find(read_address("lea@example.org")) == Reader(
        id=reader_id, email="lea@example.org", status=status
    )
    assert proofs(database) == 1


def test_each_row_is_counted_once(database: Database, readers: Readers) -> None:
    enter(readers, "known@example.org", "gone@example.org")
    leaves(readers, "gone@example.org", NOW)
    emails = [f"new{i}@example.org" for i in range(12_000)]
    emails += ["known@example.org", "gone@example.org", "NEW3@example.org", "new3@example.org"]
    bad = BadRow(line=1, text="x", reason="no")
    rows = [row(line, email) for line, email in enumerate(emails, 2)]
    plan, added, refused = bring_in(database, [*rows, bad])
    assert (plan.added, plan.known, plan.not_raised, plan.duplicates, plan.bad) == (12_000, 1, 1, 2, 1)
    assert (added, refused) == (12_000, [bad])
    assert (readers.count(), readers.count(Status.ACTIVE), readers.count(Status.LEFT)) == (12_002, 12_001, 1)
    assert proofs(database) == 12_003

    again, added, _ = bring_in(database, rows)
    assert (again.added, again.known, again.not_raised, again.duplicates, added) == (0, 12_001, 1, 2, 0)
    assert proofs(database) == 12_003


@only_sqlite
def test_a_plan_writes_nothing_and_leaves_nothing_behind(database: Database, readers: Readers) -> None:
    with Incoming(database, hashes=hashes) as incoming:
        incoming.read([row(2, "lea@example.org")], refuse=print)
        assert incoming.plan().added == 1
    with Incoming(database, hashes=hashes) as incoming:
        assert incoming.plan().added == 0
    assert (readers.count(), proofs(database)) == (0, 0)
    assert b"lea@example.org" not in Path(database.where).read_bytes()


def test_whoever_was_erased_is_not_brought_back(database: Database, readers: Readers) -> None:
    lea, max_ = enter(readers, "lea@example.org", "max@example.org")
    assert erase(database, lea, hashes=lambda key: (hashes(key)[1],), now=NOW)  # by a key that is old now
    assert erase(database, max_, hashes=hashes, now=NOW)
    rows = [row(2, "LEA@example.org"), row(3, "eve@example.org"), row(4, "max@example.org")]
    plan, added, _ = bring_in(database, rows)
    assert (plan.added, plan.kept_out, added) == (1, 2, 1)
    assert plan.out == ((2, "LEA@example.org"), (4, "max@example.org"))
    assert [reader.email for reader in readers] == ["eve@example.org"]
    own = Readers(database, hashes=hashes)
    verdict = own.add(read_address("lea@example.org"), proof=BY_HAND, now=NOW)
    assert (verdict.added, verdict.erased, readers.count()) == (False, True, 1)


def test_whoever_is_erased_or_leaves_while_the_plan_is_looked_at_stays_so(
    database: Database, readers: Readers
) -> None:
    (lea,) = enter(readers, "lea@example.org")
    with Incoming(database, hashes=hashes) as incoming:
        incoming.read([row(2, "lea@example.org"), row(3, "max@example.org")], refuse=print)
        assert incoming.plan().added == 1
        erase(database, lea, hashes=hashes, now=NOW)
        enter(readers, "max@example.org")
        leaves(readers, "max@example.org")
        assert sum(incoming.enter(proof=FAIR, now=NOW)) == 0
    assert [(reader.email, reader.status) for reader in readers] == [("max@example.org", "left")]


def test_a_list_that_says_who_left_keeps_them_so(database: Database, readers: Readers) -> None:
    rows = [
        row(2, "a@example.org"),
        row(3, "b@example.org", status=Status.LEFT),
        row(4, "c@example.org", status=Status.BOUNCED),
        row(5, "d@example.org", status=Status.COMPLAINED),
        row(6, "e@example.org", status=Status.PAUSED),
        row(7, "f@example.org", status=Status.PENDING),
    ]
    plan, added, _ = bring_in(database, rows)
    assert (plan.added, plan.new[Status.LEFT], added) == (6, 1, 6)
    found = sorted((reader.email[0], reader.status, readers.history(reader.id)[0].step) for reader in readers)
    assert found == [
        ("a", "active", "joined"),
        ("b", "left", "left"),
        ("c", "bounced", "bounced"),
        ("d", "complained", "complained"),
        ("e", "paused", "joined"),
        ("f", "pending", "asked"),
    ]


def test_an_address_that_could_go_elsewhere_makes_no_reader(
    database: Database, readers: Readers, tmp_path: Path
) -> None:
    # A NUL byte is no text, nor is a lone surrogate, which ends the reading: see test_csv_file.
    hostile = [text for text in HOSTILE if not {"\0", "\ud800"} & set(text)]
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows([["name", "email"], *(["Eve", text] for text in hostile)])
    path = tmp_path / "list.csv"
    path.write_text(stream.getvalue(), encoding="utf-8", newline="")
    plan, added, refused = bring_in(database, read_csv(look_at(path)))
    assert (plan.added, added, readers.count()) == (0, 0, 0)
    assert len(refused) == len(hostile) > 30


KILLED = """
import os, signal, sys, threading
from datetime import UTC, datetime
from pathlib import Path
from newsletter.readers.csv_file import read_csv
from newsletter.readers.database import Database
from newsletter.readers.dialect import look_at
from newsletter.readers.importing import Incoming
from newsletter.readers.proof import Proof

with Database.open(sys.argv[1], Path(sys.argv[2])) as database:
    with Incoming(database, hashes=lambda key: (key,)) as incoming:
        incoming.read(read_csv(look_at(Path(sys.argv[3]))), refuse=print)
        for number, _ in enumerate(incoming.enter(proof=Proof(source="x"), now=datetime.now(UTC)), 1):
            if number == 2:
                threading.Timer(0.01, os.kill, (os.getpid(), signal.SIGKILL)).start()
"""


def test_an_import_killed_in_the_middle_is_right_once_it_is_run_again(
    database: Database, readers: Readers, store: str, tmp_path: Path
) -> None:
    path = tmp_path / "list.csv"
    path.write_text("email\n" + "".join(f"r{n}@example.org\n" for n in range(20_000)), encoding="utf-8")
    killed = subprocess.run([sys.executable, "-c", KILLED, store, str(tmp_path), str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert (readers.count(), proofs(database)) == (10_000, 10_000)
    plan, added, _ = bring_in(database, read_csv(look_at(path)))
    assert (plan.known, plan.added, added) == (10_000, 10_000, 10_000)
    assert (readers.count(), proofs(database)) == (20_000, 20_000)


def test_others_write_between_two_parts_of_an_import(
    database: Database, readers: Readers, store: str, tmp_path: Path
) -> None:
    rows = [row(line, f"r{line}@example.org") for line in range(2, 10_002)]
    with (
        Database.open(store, tmp_path, busy_timeout=0.1) as other,
        Incoming(database, hashes=hashes) as incoming,
    ):
        incoming.read(rows, refuse=print)
        for number, _ in enumerate(incoming.enter(proof=FAIR, now=NOW)):
            email = read_address(f"web{number}@example.org")
            assert Readers(other).add(email, proof=BY_HAND, now=NOW).added
    assert readers.count() == 10_002
