"""A publication's database in a file -> the same on a server, table by table and verified row by row.

The file stays as it is, but for a note of where the publication has gone: it takes no more changes, not even
from a program that has had it open since before, so that nothing can be sent from both.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, select, update

from newsletter.errors import StoreError
from newsletter.readers import schema
from newsletter.readers.postgresql import Postgresql, PostgresqlDriver
from newsletter.readers.sqlite import Sqlite

_TABLES = [table for table in schema.metadata.sorted_tables if table is not schema.about]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One table that is the same on both sides: how many rows, and a digest of them all in their order."""

    table: str
    rows: int
    digest: str


def move(source: Sqlite, target: Postgresql, url: str, *, told: Callable[[Moved], object]) -> None:
    """Carry everything over to the server at `url`, whose tables are made and empty; tells of each table.

    Nobody writes to either meanwhile. Raises StoreError, and then neither is changed.
    """
    with source.write() as here:
        with target.drive(writing=True, alone=True) as there:
            there.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            _refuse_full(there, target.where)
            for table in _TABLES:
                columns = [column.name for column in table.columns]
                there.copy_in(table.name, columns, _rows(here, table))
            for table in _TABLES:
                told(_verified(here, there, table, target.where))
            instance = here.scalar(select(schema.about.c.instance_id))
            there.execute("UPDATE about SET instance_id = ?1", (instance,))
            _count_on(there)
        # Should we be killed here, the server's tables are full and nobody reads them: move again, elsewhere.
        here.execute(update(schema.about).values(moved_to=url))
        _lock(here, url)
    with target.drive(writing=False) as there:
        there.execute("COMMIT")
        there.execute("ANALYZE")
        there.execute("BEGIN")


def _refuse_full(there: PostgresqlDriver, where: str) -> None:
    for table in _TABLES:
        if there.execute(f"SELECT 1 FROM {table.name} LIMIT 1").fetchone():  # noqa: S608
            hint = "name an empty database, or empty this one: dropdb, createdb, newsletter db move"
            raise StoreError(f"is not empty: there are rows in {table.name!r}", where=where, hint=hint)


def _ordered(table: Table) -> Any:
    return select(table).order_by(*table.primary_key.columns)


def _rows(here: Connection, table: Table) -> Iterator[tuple[Any, ...]]:
    """The file's rows in the order of their key, as the server can hold them: it knows no NUL in a text."""
    for row in here.execution_options(yield_per=5_000).execute(_ordered(table)):
        yield tuple(
            value.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) else value
            for value in row
        )


def _verified(here: Connection, there: PostgresqlDriver, table: Table, where: str) -> Moved:
    """Compare each row on both sides; raises StoreError at the first that differs."""
    names = ", ".join(column.name for column in table.columns)
    keys = ", ".join(column.name for column in table.primary_key.columns)
    arrived = there.stream(f"SELECT {names} FROM {table.name} ORDER BY {keys}")  # noqa: S608
    digest = hashlib.sha256()
    count = 0
    for count, mine in enumerate(_rows(here, table), 1):
        _same(mine, next(arrived, None), table, count, where)
        digest.update(repr(mine).encode())
    _same(None, next(arrived, None), table, count + 1, where)
    return Moved(table=table.name, rows=count, digest=digest.hexdigest())


def _same(
    mine: Sequence[Any] | None, theirs: Sequence[Any] | None, table: Table, number: int, where: str
) -> None:
    if mine != theirs:
        raise StoreError(f"row {number:,} of {table.name!r} did not arrive as it was", where=where)


def _count_on(there: PostgresqlDriver) -> None:
    """Let the numbers that the server gives by itself begin after those that are there."""
    for table in _TABLES:
        if "id" in table.columns and isinstance(table.columns["id"].type, type(schema.Integer)):
            following = f"SELECT coalesce(max(id), 0) + 1 FROM {table.name}"  # noqa: S608
            there.execute(
                f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), ({following}), false)"
            )


def _lock(here: Connection, url: str) -> None:
    words = f"the publication has moved to {url}".replace("'", "''")
    for table in _TABLES:
        for verb in ("INSERT", "UPDATE", "DELETE"):
            here.exec_driver_sql(
                f"CREATE TRIGGER moved_{table.name}_{verb.lower()} BEFORE {verb} ON {table.name}"
                f" BEGIN SELECT raise(ABORT, '{words}'); END"
            )
