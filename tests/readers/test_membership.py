"""Nobody is raised by another's hand."""

import pytest

from newsletter.model import Reader, Status
from newsletter.readers.membership import joined, left

NEW = Reader(id="new", email="lea@example.org", name="Léa")


def test_somebody_unknown_joins() -> None:
    assert joined(None, NEW) is NEW


@pytest.mark.parametrize("status", list(Status))
def test_whoever_is_known_stays_as_known(status: Status) -> None:
    known = Reader(id="old", email="lea@example.org", status=status)
    assert joined(known, NEW) is known


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("pending", "left"),
        ("active", "left"),
        ("paused", "left"),
        ("left", "left"),
        ("bounced", "left"),
        ("complained", "complained"),
    ],
)
def test_leaving_takes_anybody_off_the_list(before: str, after: str) -> None:
    known = Reader(id="old", email="lea@example.org", status=Status(before))
    assert left(known).status == after
