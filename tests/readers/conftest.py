"""What the tests of this wing share: a database in a file, some readers, one frozen issue, some results."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select, update

from newsletter.model import Commit, Delivery, Outcome, Reader, Status
from newsletter.readers import schema
from newsletter.readers.addresses import read_address
from newsletter.readers.database import Database
from newsletter.readers.ledger import Frozen, Ledger
from newsletter.readers.membership import Step, left
from newsletter.readers.proof import Proof
from newsletter.readers.store import Readers
from tests.cluster import Cluster

URL = "sqlite:///.newsletter/newsletter.db"
KEY = "2026-11-23"
ENGINES = ("sqlite", "postgresql")
only_sqlite = pytest.mark.parametrize("store", ["sqlite"], indirect=True)
NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
BY_HAND = Proof(source="by hand")
RELAY = "relay.example:587"


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest) -> str:
    """The address of a database of each kind, in turn."""
    if request.param == "sqlite":
        return URL
    cluster: Cluster = request.getfixturevalue("cluster")
    return cluster.cleared()


@pytest.fixture
def database(store: str, tmp_path: Path) -> Iterator[Database]:
    with Database.open(store, tmp_path) as database:
        yield database


@pytest.fixture
def readers(database: Database) -> Readers:
    return Readers(database)


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database)


def hashes(key: str) -> Sequence[str]:
    """In the place of the keyed hashes by which those who were erased are known."""
    return (f"hash of {key}",)


def enter(readers: Readers, *emails: str) -> list[str]:
    """Enter active readers, and give their ids."""
    return [readers.add(read_address(email), proof=BY_HAND, now=NOW).reader.id for email in emails]


def leaves(readers: Readers, email: str, now: datetime = NOW) -> bool:
    """Let the reader of this address leave; False if nobody has it."""
    reader = readers.find(read_address(email))
    if reader is None:
        return False
    readers.change(reader.id, left, Step.LEFT, proof=BY_HAND, now=now)
    return True


def crowd(database: Database, number: int) -> list[str]:
    """Enter so many active readers with ids that sort as they count, all in one go."""
    ids = [f"reader-{count:07}" for count in range(number)]
    rows = [
        {"id": i, "email": f"{i}@example.org", "address_key": i, "name": "", "status": "active", "since": 0}
        for i in ids
    ]
    with database.write() as connection:
        connection.execute(insert(schema.reader), rows)
    return ids


def freeze(ledger: Ledger, *, key: str = KEY, fingerprint: str = "f1") -> Frozen:
    return ledger.freeze(
        issue_key=key,
        fingerprint=fingerprint,
        subject="Fusion : l’étincelle",
        template='{"segments": []}',
        date=datetime.fromisoformat("2026-11-23T07:00:00+01:00"),
        now=NOW,
    )


def commits(*ids: str, number: int = 1) -> list[Commit]:
    return [Commit(reader_id=reader_id, number=number, host=RELAY) for reader_id in ids]


def commit(ledger: Ledger, *ids: str, number: int = 1, now: datetime = NOW) -> Mapping[str, str]:
    """Commit these rows, and give the vetoes."""
    return ledger.write(KEY, commits=commits(*ids, number=number), now=now)


def gave(
    reader_id: str,
    outcome: Outcome = Outcome.SENT,
    *,
    number: int = 1,
    committed: bool = True,
    at: datetime = NOW,
    next_at: datetime | None = None,
    detail: str = "",
    code: int = 0,
) -> Delivery:
    """What an attempt gave; of the recipient the ledger reads nothing but the id."""
    return Delivery(
        recipient=Reader(id=reader_id, email="somebody@example.org"),
        outcome=outcome,
        number=number,
        committed=committed,
        at=at,
        next_at=next_at,
        detail=detail,
        code=code,
    )


def record(ledger: Ledger, *deliveries: Delivery, now: datetime = NOW) -> None:
    assert ledger.write(KEY, deliveries=deliveries, now=now) == {}


def due(ledger: Ledger, now: datetime = NOW, limit: int = 100) -> list[str]:
    return [owed.reader.id for owed in ledger.due(KEY, now, limit)]


def state(ledger: Ledger, reader_id: str) -> tuple[str, int, str]:
    """The state of a row, the number of its last attempt, and why it was withheld."""
    (row,) = [row for row in ledger.rows(KEY) if row.reader_id == reader_id]
    return row.state.value, row.attempts, row.reason


def set_row(database: Database, reader_id: str, **values: object) -> None:
    """Make a row of the ledger what it cannot be made otherwise."""
    with database.write() as connection:
        row = schema.delivery.c
        connection.execute(update(schema.delivery).where(row.reader_id == reader_id).values(**values))


def set_status(database: Database, reader_id: str, status: Status) -> None:
    with database.write() as connection:
        changed = update(schema.reader).where(schema.reader.c.id == reader_id)
        connection.execute(changed.values(status=status.value))


def erase(database: Database, *ids: str) -> None:
    with database.write() as connection:
        connection.execute(delete(schema.reader).where(schema.reader.c.id.in_(ids)))


def events(database: Database) -> list[tuple[str, int, str, int, str]]:
    """The attempts noted, reader by reader: outcome, number, phase, code and detail."""
    event = schema.attempt.c
    query = select(event.outcome, event.number, event.phase, event.code, event.detail)
    with database.read() as connection:
        rows = connection.execute(query.order_by(event.reader_id, event.number, event.at, event.outcome))
        return [(a, b, c, d, e) for a, b, c, d, e in rows]
