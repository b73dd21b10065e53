"""An issue on its way, without a mail server: frozen for readers of whom some are in doubt, some owed."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from newsletter.cli.press import Press
from newsletter.model import Commit, Delivery, Outcome, Reader
from newsletter.readers.addresses import read_address
from newsletter.readers.database import Database
from newsletter.readers.ledger import Ledger
from newsletter.readers.store import Readers
from tests.readers.conftest import BY_HAND

KEY = "2026-11-23"
RELAY = "relay.example:587"
FROZEN = datetime(2026, 11, 23, 5, 30, tzinfo=UTC)  # 6:30 in Paris
LEFT = FROZEN + timedelta(seconds=12)


@contextmanager
def database(paper: Path) -> Iterator[Database]:
    with Database.open("sqlite:///.newsletter/newsletter.db", paper) as opened:
        yield opened


def freeze(paper: Path, *names: str) -> dict[str, str]:
    """Freeze the issue for readers NAME@example.org; their ids by name."""
    with database(paper) as opened:
        readers = Readers(opened)
        ids = {
            name: readers.add(read_address(f"{name}@example.org"), proof=BY_HAND, now=FROZEN).reader.id
            for name in names
        }
        Ledger(opened).freeze(
            issue_key=KEY,
            fingerprint="f1",
            subject="L’étincelle",
            template="{}",
            date=FROZEN,
            now=FROZEN,
        )
    return ids


def commit(paper: Path, *ids: str, number: int = 1) -> None:
    """Turn these rows from owed to in doubt."""
    with database(paper) as opened:
        commits = [Commit(reader_id=reader_id, number=number, host=RELAY) for reader_id in ids]
        assert Ledger(opened).write(KEY, commits=commits, now=LEFT) == {}


def record(
    paper: Path, *ids: str, outcome: Outcome = Outcome.SENT, detail: str = "250 OK", at: datetime = LEFT
) -> None:
    """Note what became of these rows, which were committed."""
    with database(paper) as opened:
        deliveries = [
            Delivery(
                recipient=Reader(id=reader_id, email=""),
                outcome=outcome,
                number=1,
                at=at,
                committed=True,
                detail=detail,
                next_at=at + timedelta(minutes=5) if outcome is Outcome.DEFERRED else None,
            )
            for reader_id in ids
        ]
        Ledger(opened).write(KEY, deliveries=deliveries, now=at)


def states(paper: Path) -> dict[str, str]:
    """The state of each row, by the reader's name."""
    with database(paper) as opened:
        return {row.email.partition("@")[0]: row.state.value for row in Ledger(opened).rows(KEY)}


def message_id(paper: Path, reader_id: str) -> str:
    return Press(paper).links().message_id(reader_id, date.fromisoformat(KEY))


@contextmanager
def a_run(paper: Path) -> Iterator[None]:
    """Hold the issue's lock, as a run in another terminal does."""
    with (paper / ".newsletter" / f"sending-{KEY}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture
def doubts(paper: Path) -> dict[str, str]:
    """Ada has it, Bea and Cid are in doubt, Dan is owed it: their ids."""
    ids = freeze(paper, "ada", "bea", "cid", "dan")
    commit(paper, ids["ada"], ids["bea"], ids["cid"])
    record(paper, ids["ada"])
    return ids
