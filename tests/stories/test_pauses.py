"""A reader who pauses gets nothing until the pause is over, and then the next issue."""

from datetime import UTC, datetime
from pathlib import Path

from newsletter.model import Status
from newsletter.readers.addresses import read_address
from newsletter.readers.database import Database
from newsletter.readers.proof import Proof
from newsletter.readers.store import Readers
from newsletter.readers.wishes import Wishes
from tests.conftest import Newsletter
from tests.stories.conftest import Mailroom, through_smtp

SUNDAY = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PROOF = Proof(source="the page of the reader")


def pause(paper: Path, email: str, until: datetime) -> None:
    with Database.open("sqlite:///.newsletter/newsletter.db", paper) as database:
        reader = Readers(database).find(read_address(email))
        assert reader is not None
        wishes = Wishes(database, hashes=lambda key: (key,))
        after = wishes.pause(reader.id, until, proof=PROOF, now=SUNDAY)
        assert after is not None
        assert after.status is Status.PAUSED


def test_who_pauses_gets_nothing_until_the_pause_is_over(
    paper: Path, newsletter: Newsletter, mailroom: Mailroom
) -> None:
    (paper / "readers.csv").write_text("email\na@example.org\nb@example.org\nc@example.org\n")
    assert newsletter("readers", "import", "readers.csv", "--source", "test").code == 0
    through_smtp(paper, mailroom.port)
    pause(paper, "a@example.org", datetime(2026, 11, 23, 5, 0, tzinfo=UTC))
    pause(paper, "b@example.org", datetime(2026, 12, 1, 5, 0, tzinfo=UTC))
    dry = newsletter("send", "--dry-run")
    assert "1 reader" in dry.err
    assert newsletter("send", "--yes").code == 0
    assert sorted(mailroom.recipients) == ["a@example.org", "c@example.org"]
