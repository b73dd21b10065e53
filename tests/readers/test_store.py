"""Readers in a real database, with the proof of their consent."""

from pathlib import Path

import pytest
from sqlalchemy import insert, select

from newsletter.errors import StoreError
from newsletter.model import Reader, Status
from newsletter.readers import schema
from newsletter.readers.addresses import read_address
from newsletter.readers.database import Database
from newsletter.readers.store import Readers
from tests.readers.conftest import BY_HAND, NOW, URL, crowd, enter, leaves


def consents(database: Database) -> list[tuple[str, str, str]]:
    consent, reader = schema.consent.c, schema.reader.c
    query = select(reader.email, consent.kind, consent.source).join(
        schema.reader, reader.id == consent.reader_id
    )
    with database.read() as connection:
        return [
            (email, kind, source) for email, kind, source in connection.execute(query.order_by(consent.id))
        ]


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
    crowd(database, 1200)
    enter(readers, "lea@example.org")
    leaves(readers, "lea@example.org", NOW)
    everybody = list(readers)
    assert len(everybody) == len({reader.id for reader in everybody}) == 1201
    assert [reader.email for reader in readers.stream(Status.LEFT)] == ["lea@example.org"]
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
    with pytest.raises(StoreError, match=r"(unique|UNIQUE) constraint"), database.write() as connection:
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
