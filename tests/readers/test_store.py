"""Readers in a real database, with the proof of their consent."""

from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from newsletter.errors import StoreError
from newsletter.model import Reader, Status
from newsletter.readers import schema
from newsletter.readers.addresses import read_address
from newsletter.readers.csv_file import BadRow, Row
from newsletter.readers.database import Database
from newsletter.readers.importing import import_rows
from newsletter.readers.importing import plan as plan_rows
from newsletter.readers.store import Readers
from tests.readers.conftest import BY_HAND, NOW, URL, enter, leaves


def row(line: int, email: str) -> Row:
    return Row(line=line, address=read_address(email))


def consents(database: Database) -> list[tuple[str, str, str]]:
    consent, reader = schema.consent.c, schema.reader.c
    query = select(reader.email, consent.kind, consent.source).join(
        schema.reader, reader.id == consent.reader_id
    )
    with database.read() as connection:
        return [
            (email, kind, source) for email, kind, source in connection.execute(query.order_by(consent.id))
        ]


def set_status(database: Database, email: str, status: Status) -> None:
    with database.write() as connection:
        connection.execute(
            update(schema.reader).where(schema.reader.c.email == email).values(status=status.value)
        )


def test_a_reader_is_added_once_with_a_random_id_and_proof(database: Database, readers: Readers) -> None:
    first = readers.add(read_address("Lea@Example.org"), "Léa", proof=BY_HAND, now=NOW)
    second = readers.add(read_address("LEA@example.org"), "Other", proof=BY_HAND, now=NOW)
    assert first.added
    assert not second.added
    assert second.reader == first.reader
    assert (first.reader.email, first.reader.name, first.reader.status) == (
        "Lea@example.org",
        "Léa",
        "active",
    )
    assert len(first.reader.id) == 16
    assert consents(database) == [("Lea@example.org", "joined", "by hand")]


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.ACTIVE])
def test_an_import_never_raises_a_status(database: Database, readers: Readers, status: Status) -> None:
    enter(readers, "lea@example.org")
    set_status(database, "lea@example.org", status)
    report = import_rows(readers, [row(2, "LEA@example.org")], proof=BY_HAND, now=NOW)
    assert readers.add(read_address("lea@example.org"), proof=BY_HAND, now=NOW).reader.status is status
    assert (report.added, report.known) == (0, 0)
    assert [(row.line, kept) for row, kept in report.not_raised] == [(2, status)]
    found = readers.find(read_address("lea@example.org"))
    assert found is not None
    assert found.status is status
    assert len(consents(database)) == 1


def test_a_plan_reports_what_the_import_then_does(database: Database, readers: Readers) -> None:
    enter(readers, "known@example.org", "gone@example.org")
    leaves(readers, "gone@example.org", NOW)
    emails = [f"new{i}@example.org" for i in range(1200)]
    emails += ["known@example.org", "gone@example.org", "NEW3@example.org", "new3@example.org"]
    bad = BadRow(line=1, text="x", reason="no")
    rows = [row(line, email) for line, email in enumerate(emails, 2)]
    plan = plan_rows(readers, [*rows, bad])
    assert readers.count() == 2
    report = import_rows(readers, [*rows, bad], proof=BY_HAND, now=NOW)
    assert report == plan
    assert (report.added, report.known, report.duplicates) == (1200, 1, 2)
    assert [(row.address.email, kept) for row, kept in report.not_raised] == [("gone@example.org", "left")]
    assert report.bad == [bad]
    assert (readers.count(), readers.count(Status.ACTIVE), readers.count(Status.LEFT)) == (1202, 1201, 1)
    assert len(consents(database)) == 1203

    again = import_rows(readers, rows, proof=BY_HAND, now=NOW)
    assert (again.added, again.known, again.duplicates) == (0, 1201, 2)


def test_leaving_is_noted_once_and_unknown_addresses_are_told(database: Database, readers: Readers) -> None:
    enter(readers, "lea@example.org")
    assert leaves(readers, "LEA@example.org", NOW)
    assert leaves(readers, "lea@example.org", NOW)
    assert not leaves(readers, "max@example.org", NOW)
    assert consents(database) == [
        ("lea@example.org", "joined", "by hand"),
        ("lea@example.org", "left", "by hand"),
    ]
    assert readers.count(Status.LEFT) == 1


def test_streaming_meets_everybody_once_over_many_pages(database: Database, readers: Readers) -> None:
    rows = [row(line, f"reader{line}@example.org") for line in range(2, 1203)]
    import_rows(readers, rows, proof=BY_HAND, now=NOW)
    leaves(readers, "reader7@example.org", NOW)
    everybody = list(readers)
    assert len(everybody) == len({reader.id for reader in everybody}) == 1201
    assert [reader.email for reader in readers.stream(Status.LEFT)] == ["reader7@example.org"]
    assert sum(1 for _ in readers.stream(Status.ACTIVE)) == 1200


def test_writing_between_two_readers_of_a_stream_does_not_wait_for_it(readers: Readers) -> None:
    enter(readers, "lea@example.org", "max@example.org")
    for reader in readers:
        leaves(readers, reader.email, NOW)
    assert readers.count(Status.LEFT) == 2


def test_a_rehearsal_has_the_same_readers_and_ids_as_the_publication(
    readers: Readers, tmp_path: Path
) -> None:
    enter(readers, "lea@example.org", "max@example.org")
    leaves(readers, "max@example.org", NOW)
    with Database.open("sqlite:///.newsletter/rehearsal.db", tmp_path, durable=False) as other:
        copy = Readers(other, rehearsal=True)
        enter(copy, "old@example.org")
        copy.replace_all(readers)
        copy.replace_all(readers)
        assert list(copy) == list(readers)
        assert consents(other) == []


def test_the_publications_own_readers_cannot_be_replaced(readers: Readers) -> None:
    enter(readers, "lea@example.org")
    with pytest.raises(StoreError, match="only a rehearsal's readers"):
        readers.replace_all([])
    assert readers.count() == 1


def test_the_table_itself_refuses_a_second_reader_of_one_address(
    database: Database, readers: Readers
) -> None:
    enter(readers, "lea@example.org")
    double = {"id": "x", "email": "Lea@example.org", "address_key": "lea@example.org", "name": ""}
    with pytest.raises(StoreError, match="UNIQUE"), database.write() as connection:
        connection.execute(insert(schema.reader), double | {"status": "active", "since": 0})
    with pytest.raises(StoreError, match="status_is_known"), database.write() as connection:
        connection.execute(
            insert(schema.reader), double | {"address_key": "y", "status": "raised", "since": 0}
        )


def test_what_a_hostile_name_says_is_kept_as_text(tmp_path: Path) -> None:
    name = "Robert'); DROP TABLE reader;--"
    with Database.open(URL, tmp_path) as database:
        readers = Readers(database, new_id=lambda: "0123456789abcdef")
        readers.add(read_address("bobby@example.org"), name, proof=BY_HAND, now=NOW)
    with Database.open(URL, tmp_path) as database:
        assert list(Readers(database)) == [
            Reader(id="0123456789abcdef", email="bobby@example.org", name=name)
        ]
