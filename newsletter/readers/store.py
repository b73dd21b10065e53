"""Readers and their consents, as the database keeps them."""

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Protocol, TypeVar

from sqlalchemy import Connection, delete, func, insert, select, update

from newsletter.errors import StoreError
from newsletter.model import Reader, Status
from newsletter.readers import schema
from newsletter.readers.addresses import Address
from newsletter.readers.csv_file import BadRow, Row
from newsletter.readers.database import Database
from newsletter.readers.membership import joined, left

BATCH = 500

_T = TypeVar("_T")

_reader = schema.reader.c
_one = (_reader.id, _reader.email, _reader.name, _reader.status)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of somebody entered by another's hand: the reader, as new or as already known."""

    reader: Reader
    added: bool


@dataclass(slots=True, kw_only=True)
class Report:
    """What an import did, or would do: each row of the file is counted once.

    `known` are active already; `not_raised` are known with another status, which they keep; `duplicates` name
    an address that stands further up in the file.
    """

    added: int = 0
    known: int = 0
    duplicates: int = 0
    not_raised: list[tuple[Row, Status]] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)


class ReaderRow(Protocol):
    """A database row that holds a reader."""

    id: str
    email: str
    name: str
    status: str


def random_id() -> str:
    """16 characters that may stand in a link, 96 bits that nobody can guess."""
    return secrets.token_urlsafe(12)


class Readers:
    """All readers of one database. Every method may raise StoreError; iterating goes by ids.

    `new_id` makes the random ids that links carry; `rehearsal` says that the database is a rehearsal's own.
    """

    def __init__(
        self,
        database: Database,
        *,
        rehearsal: bool = False,
        new_id: Callable[[], str] = random_id,
    ) -> None:
        self._database = database
        self._rehearsal = rehearsal
        self._new_id = new_id

    def add(self, address: Address, name: str = "", *, source: str, now: datetime) -> Verdict:
        """Enter one reader; `source` says in the proof of consent where the wish comes from."""
        with self._database.write() as connection:
            return _enter(connection, [self._newcomer(address, name)], source, now)[0]

    def import_rows(self, rows: Iterable[Row | BadRow], *, source: str, now: datetime) -> Report:
        """Enter the rows of a file, some hundreds in a transaction; running it again does no harm."""

        def enter(newcomers: Sequence[Reader]) -> list[Verdict]:
            with self._database.write() as connection:
                return _enter(connection, newcomers, source, now)

        return self._go_through(rows, enter)

    def plan(self, rows: Iterable[Row | BadRow]) -> Report:
        """What `import_rows` would report, with nothing written."""

        def look_up(newcomers: Sequence[Reader]) -> list[Verdict]:
            with self._database.read() as connection:
                return _verdicts(connection, newcomers)

        return self._go_through(rows, look_up)

    def leave(self, address: Address, *, source: str, now: datetime) -> bool:
        """Take the reader of this address off the list; False if nobody has it."""
        with self._database.write() as connection:
            known = _known(connection, [address.key]).get(address.key)
            if known is None:
                return False
            reader = left(known)
            if reader != known:
                connection.execute(
                    update(schema.reader).where(_reader.id == reader.id).values(status=reader.status)
                )
                _note(connection, [reader], "left", source, now)
            return True

    def find(self, address: Address) -> Reader | None:
        with self._database.read() as connection:
            return _known(connection, [address.key]).get(address.key)

    def count(self, status: Status | None = None) -> int:
        query = select(func.count()).select_from(schema.reader)
        if status:
            query = query.where(_reader.status == status)
        with self._database.read() as connection:
            return connection.scalar(query) or 0

    def count_at(self, domain: str) -> int:
        """How many active readers have an address at this domain, given in lower case."""
        at = _reader.address_key.endswith(f"@{domain}", autoescape=True)
        query = select(func.count()).select_from(schema.reader).where(at, _reader.status == Status.ACTIVE)
        with self._database.read() as connection:
            return connection.scalar(query) or 0

    def __iter__(self) -> Iterator[Reader]:
        return self.stream()

    def stream(self, status: Status | None = None) -> Iterator[Reader]:
        """Readers one by one, a page in memory at a time; no transaction is held between pages."""
        query = select(*_one).order_by(_reader.id).limit(BATCH)
        if status:
            query = query.where(_reader.status == status)
        last = ""
        while True:
            with self._database.read() as connection:
                page = connection.execute(query.where(_reader.id > last)).all()
            for row in page:
                yield as_reader(row)
            if len(page) < BATCH:
                return
            last = page[-1].id

    def replace_all(self, readers: Iterable[Reader]) -> None:
        """Make these the only readers, ids and all: a rehearsal's copy of the publication's list.

        Only in a rehearsal's own database, for it forgets whoever was there and keeps no proof.
        """
        if not self._rehearsal:
            raise StoreError("only a rehearsal's readers may be replaced", where=str(self._database.path))
        with self._database.write() as connection:
            connection.execute(delete(schema.reader))
            for batch in _batches(readers):
                _insert(connection, batch, since=0)

    def _newcomer(self, address: Address, name: str) -> Reader:
        return Reader(id=self._new_id(), email=address.email, name=name)

    def _go_through(
        self, rows: Iterable[Row | BadRow], decide: Callable[[Sequence[Reader]], list[Verdict]]
    ) -> Report:
        report = Report()
        for batch in _batches(_good(rows, report)):
            verdicts = decide([self._newcomer(row.address, row.name) for row in batch])
            for row, verdict in zip(batch, verdicts, strict=True):
                if verdict.added:
                    report.added += 1
                elif verdict.reader.status is Status.ACTIVE:
                    report.known += 1
                else:
                    report.not_raised.append((row, verdict.reader.status))
        return report


def as_reader(row: ReaderRow) -> Reader:
    return Reader(id=row.id, email=row.email, name=row.name, status=Status(row.status))


def _good(rows: Iterable[Row | BadRow], report: Report) -> Iterator[Row]:
    """The rows that are an address and the first to name it; the others go into the report."""
    seen: set[str] = set()
    for row in rows:
        if isinstance(row, BadRow):
            report.bad.append(row)
        elif row.address.key in seen:
            report.duplicates += 1
        else:
            seen.add(row.address.key)
            yield row


def _batches(items: Iterable[_T]) -> Iterator[list[_T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, BATCH)):
        yield batch


def _key(reader: Reader) -> str:
    return Address(email=reader.email).key


def _known(connection: Connection, keys: Sequence[str]) -> dict[str, Reader]:
    query = select(*_one, _reader.address_key).where(_reader.address_key.in_(keys))
    return {row.address_key: as_reader(row) for row in connection.execute(query)}


def _verdicts(connection: Connection, newcomers: Sequence[Reader]) -> list[Verdict]:
    known = _known(connection, [_key(newcomer) for newcomer in newcomers])
    readers = [joined(known.get(_key(newcomer)), newcomer) for newcomer in newcomers]
    return [
        Verdict(reader=reader, added=reader is newcomer)
        for reader, newcomer in zip(readers, newcomers, strict=True)
    ]


def _enter(connection: Connection, newcomers: Sequence[Reader], source: str, now: datetime) -> list[Verdict]:
    verdicts = _verdicts(connection, newcomers)
    if added := [verdict.reader for verdict in verdicts if verdict.added]:
        _insert(connection, added, since=schema.seconds(now))
        _note(connection, added, "joined", source, now)
    return verdicts


def _insert(connection: Connection, readers: Sequence[Reader], *, since: int) -> None:
    rows = [
        {
            "id": reader.id,
            "email": reader.email,
            "address_key": _key(reader),
            "name": reader.name,
            "status": reader.status,
            "since": since,
        }
        for reader in readers
    ]
    connection.execute(insert(schema.reader), rows)


def _note(connection: Connection, readers: Sequence[Reader], kind: str, source: str, now: datetime) -> None:
    at = schema.seconds(now)
    rows = [{"reader_id": reader.id, "at": at, "kind": kind, "source": source} for reader in readers]
    connection.execute(insert(schema.consent), rows)
