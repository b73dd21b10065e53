"""A publication with its readers, its ledger and a frozen issue, and a carrier that does as it is told."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert

from newsletter.deliver.backend import Backend, CarriesMany
from newsletter.deliver.backends.memory import MemoryBackend
from newsletter.deliver.fill import Filler
from newsletter.deliver.message import MessageTemplate, cut
from newsletter.deliver.send import World, send
from newsletter.deliver.threads import Threads
from newsletter.fields import field
from newsletter.links import Links, Signer
from newsletter.model import Commit, Delivery, Edition, Message, Publication, Reader
from newsletter.readers import schema
from newsletter.readers.database import Database
from newsletter.readers.ledger import Ledger
from newsletter.readers.store import Readers
from newsletter.ways import Send

KEY = "2026-11-23"
START = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
NAMES = ("ada", "bea", "cleo", "dora", "eve")
ADDRESSES = tuple(f"{name}@example.org" for name in NAMES)


class Clock:
    """A time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = START
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)


class House:
    """Readers by the name before their @, in the order in which they are written to."""

    def __init__(
        self, database: Database, publication: Publication, addresses: Sequence[str] = ADDRESSES
    ) -> None:
        self.database = database
        self.readers = Readers(database)
        self.ledger = Ledger(database)
        self.clock = Clock()
        self.stop = False
        self.waited: list[str] = []
        self.world = World(
            clock=lambda: self.clock.now,
            sleep=self.clock.sleep,
            random=lambda: 0.0,
            stopping=lambda: self.stop,
            waiting=lambda why, until: self.waited.append(f"{why}, until {until:%H:%M:%S}"),
        )
        self.links = Links(publication, Signer((b"k" * 32,), list_id=publication.list_id))
        rows = [
            {
                "id": f"reader-{number:06}",
                "email": address,
                "address_key": address,
                "name": address.partition("@")[0],
                "status": "active",
                "since": 0,
            }
            for number, address in enumerate(addresses)
        ]
        with database.write() as connection:
            connection.execute(insert(schema.reader), rows)
        edition = Edition(
            key=KEY,
            subject="Sujet",
            preheader="",
            html=f"<p>{field('name')}</p>",
            text=field("name"),
            sender=publication.sender,
        )
        self.template: MessageTemplate = cut(edition, publication, at=START)
        self.ledger.freeze(
            issue_key=KEY,
            fingerprint=edition.fingerprint,
            subject="Sujet",
            template=self.template.dumps(),
            date=START,
            now=START,
        )
        self.fill: Callable[[Reader], Message] = Filler(self.template, self.links).fill

    def run(
        self,
        carrier: Backend | CarriesMany,
        *,
        patience: int = 0,
        start: str = "",
        fillers: int = 1,
        **settings: Any,
    ) -> Iterator[Delivery]:
        """Send what is owed; `patience` is in minutes, `settings` are those of `config.Send`."""
        return send(
            self.fill,
            issue_key=KEY,
            carrier=carrier if isinstance(carrier, CarriesMany) else Threads([carrier]),
            ledger=self.ledger,
            settings=Send(patience=timedelta(minutes=patience), **settings),
            world=self.world,
            expires_at=START + timedelta(hours=12),
            start=start,
            fillers=fillers,
        )

    def states(self) -> dict[str, str]:
        return {row.email.partition("@")[0]: row.state for row in self.ledger.rows(KEY)}


class WatchedLedger(Ledger):
    """A ledger that does something before each transaction, numbered from 1, and keeps what was in it."""

    def __init__(
        self,
        database: Database,
        before: Callable[[int, Sequence[Commit]], None] = lambda number, commits: None,
    ) -> None:
        super().__init__(database)
        self.before = before
        self.turns: list[tuple[Sequence[Delivery], Sequence[Commit]]] = []

    def write(
        self,
        issue_key: str,
        *,
        deliveries: Sequence[Delivery] = (),
        commits: Sequence[Commit] = (),
        now: datetime,
    ) -> Mapping[str, str]:
        self.turns.append((deliveries, commits))
        self.before(len(self.turns), commits)
        return super().write(issue_key, deliveries=deliveries, commits=commits, now=now)


class Moody(MemoryBackend):
    """A carrier that does for each reader, before and after `commit`, what a test says."""

    def __init__(
        self,
        before: dict[str, Callable[[], None]] | None = None,
        after: dict[str, Callable[[], None]] | None = None,
    ) -> None:
        super().__init__()
        self.before = before or {}
        self.after = after or {}
        self.tried: list[str] = []

    def send(self, message: Message, commit: Callable[[], None]) -> str:
        name = message.recipient.partition("@")[0]
        self.tried.append(name)
        self.before.get(name, lambda: None)()

        def and_then() -> None:
            commit()
            self.after.get(name, lambda: None)()

        return super().send(message, and_then)


def raises(error: BaseException) -> Callable[[], None]:
    def do() -> None:
        raise error

    return do


def once(do: Callable[[], None]) -> Callable[[], None]:
    left = [do]
    return lambda: left.pop()() if left else None
