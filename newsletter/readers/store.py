"""Readers, as the database keeps them."""

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Protocol, TypeVar

from sqlalchemy import Connection, delete, func, insert, select, update

from newsletter.errors import StoreError
from newsletter.model import Reader, Status
from newsletter.readers import schema
from newsletter.readers.addresses import Address
from newsletter.readers.database import Database
from newsletter.readers.membership import Step, joined, resumed
from newsletter.readers.proof import Event, Proof, history, note
from newsletter.readers.suppression import Hashes, suppressed

BATCH = 500

PAUSE_OVER = "the pause was over"
"""Where the end of a pause comes from that nobody asked for."""

_T = TypeVar("_T")

_reader = schema.reader.c
_one = (_reader.id, _reader.email, _reader.name, _reader.status)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of somebody entered by another's hand: the reader, as new or as already known.

    Whoever was `erased` is nowhere written down, and stays so.
    """

    reader: Reader
    added: bool
    erased: bool = False


class ReaderRow(Protocol):
    """A database row that holds a reader."""

    id: str
    email: str
    name: str
    status: str


def random_id() -> str:
    """16 characters that may stand in a link, 96 bits that nobody can guess."""
    return secrets.token_urlsafe(12)


Rule = Callable[[Reader], Reader]
"""A rule of `membership.py`: a reader as known -> the reader as they are from now on."""


class Readers:
    """All readers of one database. Every method may raise StoreError; iterating goes by ids.

    `hashes` finds those who were erased, and must be there for whoever enters readers. `new_id` makes the
    random ids that links carry; `rehearsal` says that the database is a rehearsal's own.
    """

    def __init__(
        self,
        database: Database,
        *,
        hashes: Hashes | None = None,
        rehearsal: bool = False,
        new_id: Callable[[], str] = random_id,
    ) -> None:
        self._database = database
        self._hashes = hashes
        self._rehearsal = rehearsal
        self._new_id = new_id

    # ---- entering, by another's hand ----

    def add(self, address: Address, name: str = "", *, proof: Proof, now: datetime) -> Verdict:
        """Enter one reader, unless they are known or were erased."""
        newcomer = Reader(id=self._new_id(), email=address.email, name=name)
        key = address.key
        with self._database.write() as connection:
            reader = joined(known_by_key(connection, [key]).get(key), newcomer)
            if reader is not newcomer:
                return Verdict(reader=reader, added=False)
            kept_out = suppressed(connection, [key], self._hashes) if self._hashes else {}
            if key in kept_out:
                return Verdict(reader=replace(newcomer, status=kept_out[key]), added=False, erased=True)
            insert_readers(connection, [newcomer], since=schema.seconds(now))
            note(connection, [newcomer.id], Step.JOINED, proof, now)
        return Verdict(reader=newcomer, added=True)

    # ---- changing, by the reader's own wish or by what came back ----

    def change(
        self,
        reader_id: str,
        rule: Rule,
        step: Step,
        *,
        proof: Proof,
        now: datetime,
    ) -> Reader | None:
        """Let a rule decide what becomes of a reader; who they are now, or None if nobody has the id.

        The step is noted if that is a change.
        """
        with self._database.write() as connection:
            known = known_by_id(connection, reader_id)
            if known is None:
                return None
            return change(connection, known, rule, step, proof=proof, now=now)

    def resume_all(self, now: datetime) -> int:
        """Make those active again whose pause is over, and say how many they are."""
        over = select(*_one).where(_reader.paused_until <= schema.seconds(now))
        proof = Proof(source=PAUSE_OVER)
        with self._database.read() as connection:
            if connection.execute(over.limit(1)).first() is None:
                return 0
        with self._database.write() as connection:
            readers = [as_reader(row) for row in connection.execute(over)]
            for reader in readers:
                change(connection, reader, resumed, Step.RESUMED, proof=proof, now=now)
        return len(readers)

    # ---- looking ----

    def find(self, address: Address) -> Reader | None:
        with self._database.read() as connection:
            return known_by_key(connection, [address.key]).get(address.key)

    def get(self, reader_id: str) -> Reader | None:
        with self._database.read() as connection:
            return known_by_id(connection, reader_id)

    def history(self, reader_id: str) -> list[Event]:
        """All that is proved of a reader, the first step first."""
        with self._database.read() as connection:
            return history(connection, reader_id)

    def paused_until(self, reader_id: str) -> datetime | None:
        with self._database.read() as connection:
            until = connection.scalar(select(_reader.paused_until).where(_reader.id == reader_id))
        return None if until is None else schema.moment(until)

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
            raise StoreError("only a rehearsal's readers may be replaced", where=self._database.where)
        with self._database.write() as connection:
            connection.execute(delete(schema.reader))
            for batch in batches(readers):
                insert_readers(connection, batch, since=0)


def as_reader(row: ReaderRow) -> Reader:
    return Reader(id=row.id, email=row.email, name=row.name, status=Status(row.status))


def batches(items: Iterable[_T]) -> Iterator[list[_T]]:
    """The items, some hundreds at a time: as many as one transaction takes."""
    iterator = iter(items)
    while batch := list(islice(iterator, BATCH)):
        yield batch


def key_of(reader: Reader) -> str:
    return Address(email=reader.email).key


def known_by_key(connection: Connection, keys: Sequence[str]) -> dict[str, Reader]:
    """Address key -> the reader who has it, for those that somebody has."""
    query = select(*_one, _reader.address_key).where(_reader.address_key.in_(keys))
    return {row.address_key: as_reader(row) for row in connection.execute(query)}


def known_by_id(connection: Connection, reader_id: str) -> Reader | None:
    row = connection.execute(select(*_one).where(_reader.id == reader_id)).one_or_none()
    return as_reader(row) if row else None


def change(
    connection: Connection,
    known: Reader,
    rule: Rule,
    step: Step,
    *,
    proof: Proof,
    now: datetime,
    until: datetime | None = None,
) -> Reader:
    """The reader as a rule decides, written down and noted if that is a change."""
    reader = rule(known)
    pausing = until is not None and reader.status is Status.PAUSED
    if reader != known or pausing:
        values: dict[str, object] = {
            "status": reader.status.value,
            "email": reader.email,
            "address_key": key_of(reader),
        }
        if pausing or reader.status is not known.status:
            values["paused_until"] = schema.seconds(until) if until and pausing else None
        connection.execute(update(schema.reader).where(_reader.id == reader.id).values(values))
        note(connection, [reader.id], step, proof, now)
    return reader


def insert_readers(connection: Connection, readers: Sequence[Reader], *, since: int) -> None:
    """Write down readers whose ids and addresses nobody has; `since` is in seconds since 1970."""
    rows = [
        {
            "id": reader.id,
            "email": reader.email,
            "address_key": key_of(reader),
            "name": reader.name,
            "status": reader.status,
            "since": since,
        }
        for reader in readers
    ]
    connection.execute(insert(schema.reader), rows)
