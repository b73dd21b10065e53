"""Which readers are meant -> those readers, one by one, however many there are."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from newsletter.model import Reader, Status
from newsletter.readers import schema
from newsletter.readers.database import Database
from newsletter.readers.store import as_reader

PAGE = 500

_reader = schema.reader.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """Which readers are meant: all conditions hold at once, and one that is None or "" says nothing.

    `domain` is the end of the address after its @, `since` the first moment at which they may have come,
    `text` stands somewhere in address or name, whatever the accents and capitals.
    """

    status: Status | None = None
    domain: str = ""
    since: datetime | None = None
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A reader, and since when they are known."""

    reader: Reader
    since: datetime


def find_people(database: Database, which: Which) -> Iterator[Listed]:
    """The readers who are meant, by their ids, a page in memory at a time; raises StoreError."""
    query = (
        select(_reader.id, _reader.email, _reader.name, _reader.status, _reader.since)
        .order_by(_reader.id)
        .limit(PAGE)
    )
    if which.status:
        query = query.where(_reader.status == which.status.value)
    if which.domain:
        end = "@" + which.domain.lower().removeprefix("@")
        query = query.where(_reader.address_key.endswith(end, autoescape=True))
    if which.since:
        query = query.where(_reader.since >= schema.seconds(which.since))
    wanted, last = _folded(which.text), ""
    while True:
        with database.read() as connection:
            page = connection.execute(query.where(_reader.id > last)).all()
        for row in page:
            if not wanted or wanted in _folded(f"{row.email}\n{row.name}"):
                yield Listed(reader=as_reader(row), since=schema.moment(row.since))
        if len(page) < PAGE:
            return
        last = page[-1].id


def _folded(text: str) -> str:
    """A text without accents and capitals."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text).casefold()
    return "".join(char for char in apart if not unicodedata.combining(char))
