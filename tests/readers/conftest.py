"""What the tests of this wing share: a database in a file, some readers, one frozen issue."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from newsletter.readers.addresses import read_address
from newsletter.readers.database import Database
from newsletter.readers.ledger import Frozen, Ledger
from newsletter.readers.store import Readers

URL = "sqlite:///.newsletter/newsletter.db"
KEY = "2026-11-23"
NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database.open(URL, tmp_path) as database:
        yield database


@pytest.fixture
def readers(database: Database) -> Readers:
    return Readers(database)


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database)


def enter(readers: Readers, *emails: str) -> list[str]:
    """Enter active readers, and give their ids."""
    return [readers.add(read_address(email), source="test", now=NOW).reader.id for email in emails]


def freeze(ledger: Ledger, *, key: str = KEY, fingerprint: str = "f1") -> Frozen:
    return ledger.freeze(
        issue_key=key,
        fingerprint=fingerprint,
        subject="Fusion : l’étincelle",
        template='{"segments": []}',
        date=datetime.fromisoformat("2026-11-23T07:00:00+01:00"),
        now=NOW,
    )
