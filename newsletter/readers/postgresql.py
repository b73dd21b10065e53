"""A publication's database on a PostgreSQL server, which many machines may share."""

import threading
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, cast

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.types.numeric import Int8Dumper
from psycopg.types.string import StrDumper
from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as AllInUse
from sqlalchemy.util import immutabledict

from newsletter.errors import StoreError
from newsletter.readers.database import Database, is_empty
from newsletter.readers.spelling import for_postgresql

# A server or a network that is gone is noticed within seconds; one that stands still with our rows locked
# lets go of them (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS).
_CONNECTING = {
    "connect_timeout": 3,
    "keepalives_idle": 3,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 4000,
    "application_name": "newsletter",
}
_SETTINGS = {"idle_in_transaction_session_timeout": "10s", "tcp_user_timeout": "10s", "timezone": "UTC"}

# Our advisory locks are numbers from here on, so that they are nobody else's: the right to write at all, and
# behind it those to decide upon one issue.
_ALL = 0x0AC705 << 32

UNSURE_SECONDS = 15.0
"""For so long it is asked what became of a commit whose answer was lost: a server that has lost us too undoes
what we had begun within this time."""

# SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html) -> what to say, and the way out.
_WORDS = {
    "25006": ("can only be read", "name the server that may be written to in [store] url"),
    "40001": ("another program was quicker", "run the same command again"),
    "40P01": ("two programs stood in each other's way", "run the same command again"),
    "42501": ("this user may not do that: {}", "let the user of [store] url own the database's tables"),
    "53100": ("the disk is full", "free some space and run the same command again"),
    "53300": ("the server takes no more connections", "raise max_connections, or end some programs"),
}
# What may be over in a moment: the statement is undone, and the same again may well succeed.
_PASSING = {"25006", "40001", "40P01", "53300"}
_LOST = "see that the server runs and can be reached: psql, with the address in [store] url"


class PostgresqlDriver:
    """The driver's own connection, `bare`, with statements as `spelling.py` has them.

    `started` says since when its server runs.
    """

    def __init__(self, bare: "psycopg.Connection[Any]") -> None:
        self.bare = bare
        bare.autocommit = True
        # Or each number would be of the size it has, and each mixture of sizes a statement of its own.
        bare.adapters.register_dumper(int, Int8Dumper)
        self.started: object
        (self.started,) = self.execute("SELECT pg_postmaster_start_time()").fetchone() or (None,)

    def execute(self, sql: str, values: Sequence[Any] = (), /) -> "psycopg.Cursor[Any]":
        cursor: psycopg.Cursor[Any] = psycopg.RawCursor(self.bare)
        return cursor.execute(for_postgresql(sql).encode(), values or None)

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> "psycopg.Cursor[Any]":
        cursor: psycopg.Cursor[Any] = psycopg.RawCursor(self.bare)
        cursor.executemany(for_postgresql(sql).encode(), rows)
        return cursor

    def copy_in(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Enter rows as they are; one that conflicts with another is an error."""
        statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN".encode()
        with self.bare.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)

    def stream(self, sql: str) -> Iterator[tuple[Any, ...]]:
        """The rows of a query in this transaction, however many."""
        with self.bare.cursor(name="streamed") as cursor:
            cursor.itersize = 5_000
            yield from cursor.execute(sql.encode())

    def load(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> int:
        """See `database.Driver`; by COPY into a table at the side, which knows no conflicts."""
        self.execute(f"CREATE TEMP TABLE arriving (LIKE {table}) ON COMMIT DROP")
        self.copy_in("arriving", columns, rows)
        names = ", ".join(columns)
        entered = self.execute(
            f"INSERT INTO {table} ({names}) SELECT {names} FROM arriving ORDER BY {columns[0]}"  # noqa: S608
            " ON CONFLICT DO NOTHING"
        )
        return entered.rowcount


class Postgresql(Database):
    """See `Database`; to write alone is to hold an advisory lock until the end of the transaction.

    Transactions are READ COMMITTED, where each statement sees what is committed at its start, so that what a
    holder of the lock reads is what the holder before has written; those that only read see one state.
    """

    def __init__(self, url: URL, password: str, *, durable: bool, busy_timeout: float) -> None:
        super().__init__(url._replace(password=None, query=immutabledict()).render_as_string())
        self._busy_timeout = busy_timeout
        self._url = url.set(drivername="postgresql+psycopg", password=password or url.password)
        own = {name: value for name, value in _CONNECTING.items() if name not in url.query}
        settings = _SETTINGS | {"lock_timeout": f"{round(busy_timeout * 1000)}ms"}
        if not durable:
            settings["synchronous_commit"] = "off"
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        own["options"] = f"{options} {url.query.get('options', '')}".strip()
        plain = self._url.translate_connect_args(username="user", database="dbname")
        try:
            self.conninfo = make_conninfo("", **{**plain, **url.query, **own})
            self._engine = create_engine(self._url, connect_args=own, pool_pre_ping=True, max_overflow=40)
            self._engine.dialect.create_connect_args(self._url)  # what it cannot read it would tell only then
        except (psycopg.Error, ArgumentError) as error:
            said = " ".join(str(error).split("\n")[0].split())
            hint = "see what libpq knows: postgresql.org/docs/current/libpq-connect.html"
            raise StoreError(
                f"no address to reach a server by: {said}", where="[store] url", hint=hint
            ) from error
        _set_up(self._engine, durable=durable)
        self._reader = self._engine.execution_options(isolation_level="REPEATABLE READ")
        self._turns = threading.Lock()
        self._kept: PostgresqlDriver | None = None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with self._translated(), self._reader.begin() as connection:
            yield connection

    @contextmanager
    def write(self, *, issue: str = "") -> Iterator[Connection]:
        """See `Database.write`; nobody who writes of readers waits for whoever writes of an issue."""
        number = _number_of(issue) if issue else _ALL
        with self._translated(), self._engine.begin() as connection:
            connection.execute(_LOCK, {"number": number})
            yield connection

    @contextmanager
    def drive(self, *, writing: bool, alone: bool = False) -> Iterator[PostgresqlDriver]:
        """See `Database.drive`.

        Where the server's answer to the commit is lost, it is asked again what became of it.
        """
        with self._translated(), self._turns:
            driver = self._driver()
            number = 0
            try:
                if writing:
                    number = _begin(driver)
                    if alone:
                        driver.execute(f"SELECT pg_advisory_xact_lock({_ALL})")
                else:
                    driver.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
                yield driver
            except BaseException:
                self._undo(driver)
                raise
            try:
                driver.execute("COMMIT")
            except psycopg.Error:
                self._undo(driver)
                if not (driver.bare.closed and number and self._has_committed(driver, number)):
                    raise

    def _driver(self) -> PostgresqlDriver:
        if self._kept is None:
            pooled = self._engine.raw_connection()
            bare = cast("psycopg.Connection[Any]", pooled.driver_connection)
            pooled.detach()
            self._kept = PostgresqlDriver(bare)
        return self._kept

    def _undo(self, driver: PostgresqlDriver) -> None:
        with suppress(psycopg.Error):
            driver.execute("ROLLBACK")
        if driver.bare.closed:
            self._kept = None

    def _has_committed(self, lost: PostgresqlDriver, number: int) -> bool:
        """Whether the transaction of this number was committed; asks until the server can be asked.

        False if nobody knows: a server that crashed may have given the number to somebody else since.
        """
        until = time.monotonic() + UNSURE_SECONDS
        while True:
            with suppress(psycopg.OperationalError, DBAPIError):
                driver = self._driver()
                if driver.started != lost.started:
                    return False
                try:
                    (status,) = driver.execute(_STATUS, (str(number),)).fetchone() or ("",)
                except psycopg.Error:
                    self._undo(driver)
                    raise
                if status != "in progress":  # as it is until the server sees that we are gone
                    return bool(status == "committed")
            if time.monotonic() > until:
                return False
            time.sleep(0.2)

    def wipe(self) -> None:
        """See `Database.wipe`; the server does so by itself.

        Rows that were deleted stand in its files until autovacuum comes by, and in its log of changes until
        the next checkpoints: no program can see them there.
        """

    def take_stock(self, table: str) -> None:
        """See `Database.take_stock`; autovacuum would come by within a minute or so."""
        with self._translated(), self._engine.begin() as connection:
            connection.exec_driver_sql(f"ANALYZE {table}")

    def close(self) -> None:
        if self._kept is not None:
            self._kept.bare.close()
            self._kept = None
        self._engine.dispose()

    def _check_schema(self, create: bool) -> None:
        with self.read() as connection:
            empty = is_empty(connection)
        if empty:
            raise StoreError("has no tables yet", where=self.where, hint="newsletter db upgrade")
        self.check()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise self._in_words(error.orig) from error
        except psycopg.Error as error:
            raise self._in_words(error) from error
        except AllInUse as error:
            message, hint = _WORDS["53300"]
            raise StoreError(message, where=self.where, hint=hint, passing=True) from error

    def _in_words(self, error: BaseException | None) -> StoreError:
        code = getattr(error, "sqlstate", None) or ""
        said = " ".join(str(error).split("\n")[0].split())
        if code == "55P03":
            message = f"another program has kept the database locked for {self._busy_timeout:g} s"
            hint = "wait until it is done, or end it; then run the same command again"
            return StoreError(message, where=self.where, hint=hint)
        if code in _WORDS:
            message, hint = _WORDS[code]
            return StoreError(message.format(said), where=self.where, hint=hint, passing=code in _PASSING)
        if _is_lost(error, code):
            return StoreError(f"not to be had: {said}", where=self.where, hint=_LOST, passing=True)
        return StoreError(f"the database says {said!r}", where=self.where)


_LOCK = text("SELECT pg_advisory_xact_lock(:number)")
_STATUS = "SELECT pg_xact_status(?1::xid8)"


def _begin(driver: PostgresqlDriver) -> int:
    """Begin a transaction; its number, by which it can be asked what became of it."""
    cursor = driver.execute("BEGIN; SELECT pg_current_xact_id()::text")
    cursor.nextset()
    (number,) = cursor.fetchone() or ("0",)
    return int(number)


def _is_lost(error: BaseException | None, code: str) -> bool:
    """Whether the connection is gone, or was not to be had: the server is away, or on its way up or down."""
    ours = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return (ours and not code) or code[:2] == "08" or code in ("57P01", "57P02", "57P03", "57P05", "25P03")


def _number_of(issue_key: str) -> int:
    """Two issues that had the same would but wait for each other."""
    return _ALL + 1 + zlib.crc32(issue_key.encode()) % (2**32 - 1)


class _Text(StrDumper):
    """What a mail server says may hold a NUL, which PostgreSQL does not take."""

    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace("\0", "\N{REPLACEMENT CHARACTER}") if "\0" in obj else obj)


def _set_up(engine: Engine, *, durable: bool) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(connection: "psycopg.Connection[Any]", _record: object) -> None:
        connection.adapters.register_dumper(str, _Text)
        if durable:
            # A server that is told not to wait for its disk is told otherwise by us.
            connection.execute(
                "SELECT set_config('synchronous_commit', 'on', false)"
                " WHERE current_setting('synchronous_commit') = 'off'"
            )
            connection.commit()
