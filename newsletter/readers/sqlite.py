"""A publication's database in one file, by SQLite."""

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, cast

from sqlalchemy import URL, Connection, Engine, PoolProxiedConnection, create_engine, event
from sqlalchemy.exc import DBAPIError

from newsletter.errors import StoreError
from newsletter.readers.database import Database, is_empty
from newsletter.readers.spelling import for_sqlite

# SQLite's primary result code (https://sqlite.org/rescode.html) -> what to say, and the way out.
_WORDS = {
    sqlite3.SQLITE_NOTADB: ("not a database", "move this file away, or name another in [store] url"),
    sqlite3.SQLITE_CORRUPT: ("the database is damaged", "restore it from a backup"),
    sqlite3.SQLITE_READONLY: ("cannot be written", "make the file and its folder writable: chmod u+w"),
    sqlite3.SQLITE_CANTOPEN: ("cannot be opened", "make the file and its folder writable: chmod u+w"),
    sqlite3.SQLITE_PERM: ("cannot be written", "make the file and its folder writable: chmod u+w"),
    sqlite3.SQLITE_FULL: ("the disk is full", "free some space and run the same command again"),
    sqlite3.SQLITE_IOERR: ("the disk failed", "see to its space and health, then run the same command again"),
}


class SqliteDriver(sqlite3.Connection):
    """The driver's own connection."""

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        return super().execute(for_sqlite(sql), parameters)

    def executemany(self, sql: str, rows: Iterable[Any], /) -> sqlite3.Cursor:
        return super().executemany(for_sqlite(sql), rows)

    def load(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> int:
        """See `database.Driver`."""
        places = ", ".join("?" * len(columns))
        names = ", ".join(columns)
        statement = f"INSERT INTO {table} ({names}) VALUES ({places}) ON CONFLICT DO NOTHING"  # noqa: S608
        return self.executemany(statement, sorted(rows)).rowcount


class Sqlite(Database):
    """See `Database`; each transaction uses a connection of its own.

    There is one right to write for the whole file: all who write are alone.
    """

    def __init__(self, path: Path, *, create: bool, durable: bool, busy_timeout: float) -> None:
        super().__init__(str(path))
        _provide(path, create)
        arguments = {"timeout": busy_timeout, "factory": SqliteDriver}
        self._engine = create_engine(URL.create("sqlite", database=str(path)), connect_args=arguments)
        _set_up(self._engine, durable=durable)
        self._writer = self._engine.execution_options(begin="BEGIN IMMEDIATE")
        self._busy_timeout = busy_timeout
        # Threads of this run queue here, in turn; SQLite alone would let them sleep and miss theirs.
        self._writing = threading.Lock()
        self._kept: PoolProxiedConnection | None = None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with self._translated(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self, *, issue: str = "") -> Iterator[Connection]:
        with self._translated(), self._writing, self._writer.begin() as connection:
            yield connection

    @contextmanager
    def drive(self, *, writing: bool, alone: bool = False) -> Iterator[SqliteDriver]:
        """See `Database.drive`; the kept connection has its pages in memory and its statements compiled."""
        with self._translated(), self._writing:
            if self._kept is None:
                self._kept = self._engine.raw_connection()
            driver = cast(SqliteDriver, self._kept.driver_connection)
            driver.execute("BEGIN IMMEDIATE" if writing else "BEGIN")
            try:
                yield driver
                driver.execute("COMMIT")
            except BaseException:
                driver.rollback()  # nothing, where SQLite has done it by itself
                raise

    def wipe(self) -> None:
        """See `Database.wipe`; it is the log of changes that SQLite keeps beside the file.

        Waits for other programs' transactions as a commit does, but no longer: the log is also emptied when
        the last of them closes the database.
        """
        with self._translated(), self._writing:
            connection = self._engine.raw_connection()
            try:
                driver = cast(SqliteDriver, connection.driver_connection)
                driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            finally:
                connection.close()

    def take_stock(self, table: str) -> None:
        """See `Database.take_stock`; SQLite plans by its indexes alone."""

    def copy(self, path: Path) -> None:
        """Write a copy of the database as it is now, for the owner's eyes only; one there is replaced.

        Raises StoreError.
        """
        own = path.with_name(f"{path.name}-{os.getpid()}")
        try:
            os.close(os.open(own, os.O_CREAT | os.O_RDWR | os.O_TRUNC, 0o600))
            with self._translated(), closing(sqlite3.connect(own)) as target:
                with self.drive(writing=False) as driver:
                    driver.backup(target)
                target.execute("PRAGMA journal_mode = DELETE")
            own.replace(path)
        except OSError as error:
            hint = "make room beside the database, or its folder writable"
            raise StoreError(f"cannot be written: {error.strerror}", where=str(path), hint=hint) from error
        finally:
            own.unlink(missing_ok=True)

    def close(self) -> None:
        if self._kept is not None:
            self._kept.close()
            self._kept = None
        self._engine.dispose()

    def _check_schema(self, create: bool) -> None:
        with self.read() as connection:
            fresh = is_empty(connection)
        if fresh:
            self.make()
        self.check()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise self._in_words(error.orig) from error
        except sqlite3.Error as error:
            raise self._in_words(error) from error

    def _in_words(self, error: BaseException | None) -> StoreError:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            message = f"another program has kept the database locked for {self._busy_timeout:g} s"
            hint = "wait until it is done, or end it; then run the same command again"
        else:
            message, hint = _WORDS.get(code, (f"the database says {str(error)!r}", ""))
        return StoreError(message, where=self.where, hint=hint)


def _provide(path: Path, create: bool) -> None:
    try:
        if path.exists():
            return
        if not create:
            hint = "newsletter readers add someone@example.org"
            raise StoreError("there is no database yet", where=str(path), hint=hint)
        for folder in reversed([folder for folder in path.parents if not folder.exists()]):
            folder.mkdir(mode=0o700, exist_ok=True)
        # SQLite gives its -wal and -shm files the same mode.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        hint = "make the folder writable, or name another place in [store] url"
        raise StoreError(f"cannot be made: {error.strerror}", where=str(path), hint=hint) from error


def _set_up(engine: Engine, *, durable: bool) -> None:
    """Take transactions out of the driver's hands, as SQLAlchemy's documentation of pysqlite advises."""

    @event.listens_for(engine, "connect")
    def on_connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        connection.execute("PRAGMA foreign_keys = ON")
        # Zeros in the place of whatever is deleted or moved. It must be so from the first row on: one that a
        # page once had to make room for would have left its traces there.
        connection.execute("PRAGMA secure_delete = ON")

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))
