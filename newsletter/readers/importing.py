"""A list from elsewhere -> readers: looked at as a whole, then entered, some thousands in a transaction."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from types import TracebackType
from typing import Self

from newsletter.model import Status
from newsletter.readers import schema
from newsletter.readers.csv_file import BadRow, Row
from newsletter.readers.database import Database, Driver
from newsletter.readers.proof import Proof
from newsletter.readers.store import random_id
from newsletter.readers.suppression import Hashes

AT_ONCE = 5_000
"""Rows in a transaction: others who want to write wait for less than a second."""

SHOWN = 20

_MAKE = """
CREATE TEMP TABLE incoming (
  line INTEGER PRIMARY KEY, id TEXT NOT NULL, email TEXT NOT NULL, address_key TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL, status TEXT NOT NULL, kept_out TEXT
)
"""
# Readers are kept in the order of their ids. Entered in that order, those of one transaction come to stand
# side by side, and few pages of the database are written for them.
_SORT = "CREATE UNIQUE INDEX incoming_by_id ON incoming (id)"
_READ = ("line", "id", "email", "address_key", "name", "status")
_PAGE_END = "SELECT max(id) FROM (SELECT id FROM incoming WHERE id > ? ORDER BY id LIMIT ?) AS page"
_PAGE = """
SELECT id, address_key FROM incoming
WHERE id > ? AND id <= ? AND kept_out IS NULL
  AND NOT EXISTS (SELECT 1 FROM reader WHERE reader.address_key = incoming.address_key)
"""
_SUPPRESSED = "SELECT hash, status FROM suppressed WHERE hash IN THESE(?1)"
_KEEP_OUT = "UPDATE incoming SET kept_out = ? WHERE id = ?"

# Whoever is known stays as known (`membership.joined`): only those nobody has heard of are entered.
_ADD = """
INSERT INTO reader (id, email, address_key, name, status, since)
SELECT id, email, address_key, name, status, ?3 FROM incoming
WHERE id > ?1 AND id <= ?2 AND kept_out IS NULL
  AND NOT EXISTS (SELECT 1 FROM reader WHERE reader.address_key = incoming.address_key)
"""
# What happened to whoever comes with another status than active is called as that status is.
_NOTE = """
INSERT INTO consent (reader_id, at, kind, source)
SELECT id, ?3,
  CASE WHEN status IN ('active', 'paused') THEN 'joined' WHEN status = 'pending' THEN 'asked' ELSE status END,
  ?4
FROM incoming
WHERE id > ?1 AND id <= ?2 AND EXISTS (SELECT 1 FROM reader WHERE reader.id = incoming.id)
"""

_COUNT_NEW = """
SELECT status, count(*) FROM incoming
WHERE kept_out IS NULL
  AND NOT EXISTS (SELECT 1 FROM reader WHERE reader.address_key = incoming.address_key)
GROUP BY status
"""
_COUNT_KNOWN = """
SELECT reader.status, count(*) FROM incoming JOIN reader ON reader.address_key = incoming.address_key
GROUP BY reader.status
"""
_STAYS = """
SELECT line, incoming.email, reader.status
FROM incoming JOIN reader ON reader.address_key = incoming.address_key
WHERE reader.status != 'active' ORDER BY line LIMIT ?
"""
_COUNT_OUT = "SELECT count(*) FROM incoming WHERE kept_out IS NOT NULL"
_OUT = "SELECT line, email FROM incoming WHERE kept_out IS NOT NULL ORDER BY line LIMIT ?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What becomes of a list: each of its rows is counted once.

    `new` are those to be entered, by the status they bring along; `known` are active already, `not_raised`
    are known with another status, which they keep, `kept_out` were erased, `duplicates` name an address that
    stands further up, and `bad` name nobody. The first of those who stay are in `stay`, as line, address and
    status, and of those kept out in `out`.
    """

    new: Mapping[Status, int]
    known: int
    not_raised: int
    kept_out: int
    duplicates: int
    bad: int
    stay: tuple[tuple[int, str, Status], ...]
    out: tuple[tuple[int, str], ...]

    @property
    def added(self) -> int:
        return sum(self.new.values())


class Incoming:
    """One list on its way in: read, then planned, then entered. Every method may raise StoreError.

    What was read stands in a table on disk that nobody else can see and that is gone when this program is,
    however it ends: memory stays flat, and what is entered is what was shown.
    """

    def __init__(self, database: Database, *, hashes: Hashes, new_id: Callable[[], str] = random_id) -> None:
        self._database = database
        self._hashes = hashes
        self._new_id = new_id
        self._duplicates = 0
        self._bad = 0

    def __enter__(self) -> Self:
        with self._database.drive(writing=False) as driver:
            driver.execute(_MAKE)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._database.drive(writing=False) as driver:
            driver.execute("DROP TABLE IF EXISTS incoming")

    def read(self, rows: Iterable[Row | BadRow], *, refuse: Callable[[BadRow], object]) -> None:
        """Read a file's rows; those that name nobody are given to `refuse`."""
        good = self._good(rows, refuse)
        while batch := list(islice(good, AT_ONCE)):
            with self._database.drive(writing=False) as driver:
                count = driver.load("incoming", _READ, batch)
            self._duplicates += len(batch) - count
        with self._database.drive(writing=False) as driver:
            driver.execute(_SORT)

    def _good(
        self, rows: Iterable[Row | BadRow], refuse: Callable[[BadRow], object]
    ) -> Iterator[tuple[int, str, str, str, str, str]]:
        for row in rows:
            if isinstance(row, BadRow):
                self._bad += 1
                refuse(row)
            else:
                address = row.address
                yield row.line, self._new_id(), address.email, address.key, row.name, row.status.value

    def plan(self) -> Plan:
        """What entering the list would do now."""
        with self._database.drive(writing=False) as driver:
            for after, until in _pages(driver):
                self._keep_out(driver, after, until)
            known = dict(driver.execute(_COUNT_KNOWN).fetchall())
            return Plan(
                new={Status(status): count for status, count in driver.execute(_COUNT_NEW)},
                known=known.pop(Status.ACTIVE.value, 0),
                not_raised=sum(known.values()),
                kept_out=driver.execute(_COUNT_OUT).fetchone()[0],
                duplicates=self._duplicates,
                bad=self._bad,
                stay=tuple(
                    (line, email, Status(status)) for line, email, status in driver.execute(_STAYS, (SHOWN,))
                ),
                out=tuple(driver.execute(_OUT, (SHOWN,)).fetchall()),
            )

    def enter(self, *, proof: Proof, now: datetime) -> Iterator[int]:
        """Enter whoever is new; gives, after each transaction, how many it has added.

        Killed at any moment and run again, it ends as if nothing had happened: those entered are known.
        """
        at = schema.seconds(now)
        after = ""
        while True:
            with self._database.drive(writing=True, alone=True) as driver:
                page = next(_pages(driver, after), None)
                if page is None:
                    return
                _, until = page
                self._keep_out(driver, after, until)  # somebody may have been erased since the plan
                added = driver.execute(_ADD, (after, until, at)).rowcount
                driver.execute(_NOTE, (after, until, at, proof.source))
            yield added
            after = until

    def _keep_out(self, driver: Driver, after: str, until: str) -> None:
        """Mark those of a page who were erased."""
        if driver.execute("SELECT 1 FROM suppressed LIMIT 1").fetchone() is None:
            return
        page = driver.execute(_PAGE, (after, until)).fetchall()
        meant = {text: new_id for new_id, key in page for text in self._hashes(key)}
        found = driver.execute(_SUPPRESSED, (json.dumps(list(meant)),)).fetchall()
        driver.executemany(_KEEP_OUT, [(status, meant[text]) for text, status in found])


def _pages(driver: Driver, after: str = "") -> Iterator[tuple[str, str]]:
    """The pages of the list: from after which id to which."""
    while True:
        (until,) = driver.execute(_PAGE_END, (after, AT_ONCE)).fetchone()
        if until is None:
            return
        yield after, until
        after = until
