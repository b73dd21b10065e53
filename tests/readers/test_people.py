"""Which readers are meant."""

from datetime import timedelta

import pytest

from newsletter.model import Status
from newsletter.readers.addresses import read_address
from newsletter.readers.database import Database
from newsletter.readers.people import Which, find_people
from newsletter.readers.store import Readers
from tests.readers.conftest import BY_HAND, NOW, crowd, leaves

DAY = timedelta(days=1)


@pytest.fixture
def some(readers: Readers) -> None:
    people = [
        ("Lea@Example.org", "Léa Œuvrard"),
        ("max@mail.example.org", "Max"),
        ("eve@example.com", "LÉANDRE"),
        ("a_b@example.com", ""),
    ]
    for days, (email, name) in enumerate(people):
        readers.add(read_address(email), name, proof=BY_HAND, now=NOW + days * DAY)
    leaves(readers, "eve@example.com")


@pytest.mark.usefixtures("some")
@pytest.mark.parametrize(
    ("which", "found"),
    [
        (Which(), ["Lea@example.org", "a_b@example.com", "eve@example.com", "max@mail.example.org"]),
        (Which(status=Status.LEFT), ["eve@example.com"]),
        (Which(domain="Example.org"), ["Lea@example.org"]),
        (Which(domain="@example.com"), ["a_b@example.com", "eve@example.com"]),
        (Which(since=NOW + 2 * DAY), ["a_b@example.com", "eve@example.com"]),
        (Which(text="léa"), ["Lea@example.org", "eve@example.com"]),
        (Which(text="LEA"), ["Lea@example.org", "eve@example.com"]),
        (Which(text="a_b"), ["a_b@example.com"]),
        (Which(text="%"), []),
        (Which(text="lea", status=Status.ACTIVE, domain="example.org", since=NOW), ["Lea@example.org"]),
    ],
)
def test_readers_are_found_by_what_is_known_of_them(
    database: Database, which: Which, found: list[str]
) -> None:
    assert sorted(listed.reader.email for listed in find_people(database, which)) == found


def test_everybody_is_listed_once_over_many_pages(database: Database) -> None:
    crowd(database, 1_201)
    listed = list(find_people(database, Which(text="reader-0001")))
    assert len(listed) == 201
    assert len({each.reader.id for each in find_people(database, Which())}) == 1_201
    assert listed[0].since.year == 1970
