"""A publication whose issue is frozen, a run over its real ledger, and what there is to say afterwards."""

import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert, select

from newsletter.deliver.backend import CarriesMany
from newsletter.deliver.backends.session import Deadlines, Server
from newsletter.deliver.backends.smtp import SmtpBackend
from newsletter.deliver.fill import Filler
from newsletter.deliver.message import MessageTemplate, cut
from newsletter.deliver.send import World, send
from newsletter.errors import NewsletterError
from newsletter.fields import field
from newsletter.links import Links, Signer
from newsletter.model import Delivery, Edition, Mailbox, Publication, Reader
from newsletter.readers import schema
from newsletter.readers.database import Database
from newsletter.readers.ledger import Ledger
from newsletter.ways import Send
from tests.deliver.scripted_server import OFFERS, Act, Always, ScriptedServer

KEY = "2026-11-23"
START = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
NAMES = ("ada", "bea", "cleo")
"""The readers in the order in which they are written to; whatever goes wrong does so for bea."""

FILE = "newsletter.db"
URL = f"sqlite:///{FILE}"
PUBLICATION = Publication(
    name="La lettre du test",
    url="https://lettre.invalid",
    sender=Mailbox(name="La lettre du test", address="redaction@lettre.invalid"),
)
LINKS = Links(PUBLICATION, Signer((b"k" * 32,), list_id=PUBLICATION.list_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """How a server takes commands: many in one packet, answered in one packet, or each in its turn."""

    name: str
    offers: tuple[bytes, ...]

    @property
    def pipelined(self) -> bool:
        return b"PIPELINING" in self.offers

    def server(
        self,
        at: Mapping[str, Act | Always | Sequence[Act]] | None = None,
        *,
        more: Sequence[bytes] = (),
        messages: int = 0,
    ) -> ScriptedServer:
        offers = (*self.offers, *more)
        return ScriptedServer(at, offers=offers, gathered=self.pipelined, messages=messages)


PIPELINED = Mode(name="pipelined", offers=OFFERS)
LOCKSTEP = Mode(name="lockstep", offers=tuple(offer for offer in OFFERS if offer != b"PIPELINING"))


class Clock:
    """A time that passes only while somebody sleeps; `then` is done at each sleep."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now
        self.slept: list[float] = []
        self.then: Callable[[], None] = lambda: None

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)
        self.then()


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a run told: the name and the outcome of each delivery in turn, and what it raised."""

    news: list[tuple[str, str]]
    error: NewsletterError | None


def build(root: Path, names: Sequence[str] = NAMES, *, padding: int = 0, url: str = URL) -> None:
    """A database with these readers and an issue frozen for them, `padding` octets long and more."""
    with Database.open(url, root, durable=False) as database:
        rows = [
            {
                "id": f"reader-{number:06}",
                "email": f"{name}@example.org",
                "address_key": f"{name}@example.org",
                "name": name,
                "status": "active",
                "since": 0,
            }
            for number, name in enumerate(names)
        ]
        with database.write() as connection:
            connection.execute(insert(schema.reader), rows)
        edition = Edition(
            key=KEY,
            subject="Sujet",
            preheader="",
            html=f"<p>{field('name')}</p>",
            text=field("name"),
            sender=PUBLICATION.sender,
        )
        template = cut(edition, PUBLICATION, at=START)
        *parts, last = template.parts
        assert isinstance(last, bytes)
        template = replace(template, parts=(*parts, (b"x" * 70 + b"\r\n") * (padding // 72) + last))
        Ledger(database).freeze(
            issue_key=KEY,
            fingerprint=edition.fingerprint,
            subject="Sujet",
            template=template.dumps(),
            date=START,
            now=START,
        )


class House:
    """The database that `build` made in `root`, or at `url`, and the runs that send what it owes.

    What is committed survives the process, but the machine only if the house is `durable`.
    """

    def __init__(
        self, root: Path, *, durable: bool = False, busy_timeout: float = 10.0, url: str = URL
    ) -> None:
        self.root = root
        self.database = Database.open(url, root, create=False, durable=durable, busy_timeout=busy_timeout)
        self.ledger = Ledger(self.database)
        self.clock = Clock()
        frozen = self.ledger.frozen(KEY)
        assert frozen
        self.fill = Filler(MessageTemplate.loads(frozen.template), LINKS).fill

    def deliveries(
        self, carrier: CarriesMany, *, connections: int = 1, patience: int = 0, max_age: int = 12
    ) -> Iterator[Delivery]:
        """Send what is owed; `patience` is in minutes, `max_age` in hours."""
        return send(
            self.fill,
            issue_key=KEY,
            carrier=carrier,
            ledger=self.ledger,
            settings=Send(connections=connections, patience=timedelta(minutes=patience)),
            world=World(
                clock=lambda: self.clock.now,
                sleep=self.clock.sleep,
                random=lambda: 0.0,
                stopping=lambda: False,
            ),
            expires_at=START + timedelta(hours=max_age),
        )

    def send(
        self, carrier: CarriesMany, *, connections: int = 1, patience: int = 0, max_age: int = 12
    ) -> Told:
        """The same to its end."""
        news: list[tuple[str, str]] = []
        run = self.deliveries(carrier, connections=connections, patience=patience, max_age=max_age)
        try:
            news.extend((delivery.recipient.name, str(delivery.outcome)) for delivery in run)
        except NewsletterError as error:
            return Told(news=news, error=error)
        return Told(news=news, error=None)

    def later(self, carrier: CarriesMany, *, minutes: int = 6) -> Told:
        """Send once more, when what was put off is due again."""
        self.clock.now += timedelta(minutes=minutes)
        return self.send(carrier)

    def close(self) -> None:
        self.database.close()

    # ---- what there is to say ----

    def states(self) -> dict[str, str]:
        """Each reader's state, with the reason if there is one: "withheld (left)"."""
        return {
            row.name or row.reader_id: f"{row.state} ({row.reason})" if row.reason else str(row.state)
            for row in self.ledger.rows(KEY)
        }

    def attempts(self, name: str) -> list[tuple[int, str, str, int]]:
        """What is noted of a reader's attempts: number, outcome, phase, code."""
        event = schema.attempt.c
        query = (
            select(event.number, event.outcome, event.phase, event.code)
            .join(schema.reader, schema.reader.c.id == event.reader_id)
            .where(schema.reader.c.name == name)
            .order_by(event.number, event.at, event.outcome)
        )
        with self.database.read() as connection:
            return [tuple(row) for row in connection.execute(query)]

    def last(self, name: str) -> tuple[str, str]:
        """To whom the reader's copy was committed last, and what is noted of it last."""
        [row] = [row for row in self.ledger.rows(KEY) if row.name == name]
        return row.host, row.last_detail

    def tls(self, name: str) -> str:
        """How the way of the reader's copy was secured."""
        [row] = [row for row in self.ledger.rows(KEY) if row.name == name]
        query = select(schema.attempt.c.tls).where(schema.attempt.c.reader_id == row.reader_id)
        with self.database.read() as connection:
            return str(connection.scalar(query))

    def octets(self, name: str) -> int:
        """How long the reader's message is."""
        [row] = [row for row in self.ledger.rows(KEY) if row.name == name]
        return len(self.fill(Reader(id=row.reader_id, email=row.email, name=row.name)).content)

    @property
    def holds(self) -> bool:
        return self.ledger.tally(KEY).holds


class Lock:
    """The right to write to a house's database, held by somebody else; any thread may let it go."""

    def __init__(self, root: Path) -> None:
        self.connection = sqlite3.connect(root / FILE, isolation_level=None, check_same_thread=False)

    def take(self) -> None:
        self.connection.execute("BEGIN IMMEDIATE")

    def let_go(self) -> None:
        self.connection.execute("COMMIT")

    def close(self) -> None:
        self.connection.close()


@contextmanager
def lock_on(house: House) -> Iterator[Lock]:
    lock = Lock(house.root)
    yield lock
    lock.close()


def copy_of(built: Path, root: Path) -> Path:
    """A database that was built once, for a test of its own."""
    root.mkdir(exist_ok=True)
    shutil.copy(built / FILE, root / FILE)
    return root


SHORT = 0.3
"""A deadline that a test can wait for, in seconds."""

_NAMED = {"greeting": "greeting", "DATA": "data", "text": "block", "dot": "dot"}


def relay(port: int, *, short: str = "") -> Server:
    """A server on this machine; a step that it will not finish can be given little time."""
    deadlines = Deadlines(connect=20, greeting=20, command=20, data=20, block=20, dot=20, quit=2)
    if short:
        deadlines = replace(deadlines, **{_NAMED.get(short, "command"): SHORT})
    return Server(host="127.0.0.1", port=port, security="plain", deadlines=deadlines)


def smtp(*ports: int, short: str = "") -> SmtpBackend:
    """A carrier to servers on this machine."""
    return SmtpBackend(*(relay(port, short=short) for port in ports))


def name_of(rcpt: bytes) -> str:
    return rcpt.partition(b"<")[2].partition(b"@")[0].decode()


def copies(server: ScriptedServer) -> Counter[str]:
    """How often a whole text has come in for each reader, whatever was answered to its dot."""
    return Counter(name_of(rcpt) for _, rcpt, _ in server.received)


def accepted(server: ScriptedServer) -> Counter[str]:
    """How often a copy for each reader was answered by a whole 2xx."""
    return Counter(name_of(rcpt) for _, rcpt, _ in server.accepted)
