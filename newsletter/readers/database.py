"""A store's address -> a database that is ours, safe to write from many threads and runs at once."""

import os
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self, cast

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    PoolProxiedConnection,
    create_engine,
    event,
    insert,
    inspect,
    make_url,
    select,
)
from sqlalchemy.exc import ArgumentError, DBAPIError

from newsletter.errors import StoreError
from newsletter.readers import schema
from newsletter.readers.migrations import upgrade
from newsletter.settings import without_password

BUSY_TIMEOUT = 10.0

Driver = sqlite3.Connection
"""The driver's own connection."""

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


class Database:
    """One open database; threads may share it, and each transaction uses a connection of its own.

    All that is raised for the database's sake is a StoreError.
    """

    def __init__(self, engine: Engine, path: Path, busy_timeout: float) -> None:
        self._engine = engine
        self._writer = engine.execution_options(begin="BEGIN IMMEDIATE")
        self._path = path
        self._busy_timeout = busy_timeout
        # Threads of this run queue here, in turn; SQLite alone would let them sleep and miss theirs.
        self._writing = threading.Lock()
        self._kept: PoolProxiedConnection | None = None

    @classmethod
    def open(
        cls,
        url: str,
        root: Path,
        *,
        create: bool = True,
        durable: bool = True,
        busy_timeout: float = BUSY_TIMEOUT,
    ) -> Self:
        """The database at `url`, such as "sqlite:///.newsletter/newsletter.db", relative to `root`.

        Makes file and folder, for the owner's eyes only, unless `create` is False. `durable` False may lose
        the last commits at a power cut: good for a rehearsal. `busy_timeout` is how many seconds to wait for
        other programs' writing. Raises StoreError.
        """
        path = root / _file_of(url)
        _provide(path, create)
        engine = create_engine(
            URL.create("sqlite", database=str(path)), connect_args={"timeout": busy_timeout}
        )
        _set_up(engine, durable=durable)
        database = cls(engine, path, busy_timeout)
        try:
            database._check_schema()
        except BaseException:
            database.close()
            raise
        return database

    @property
    def path(self) -> Path:
        return self._path

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database throughout. Raises StoreError."""
        with self._translated(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that holds the one right to write from its start (delivery.md R12).

        On disk when the block ends; undone if it raises. Not to be nested. Raises StoreError.
        """
        with self._translated(), self._writing, self._writer.begin() as connection:
            yield connection

    @contextmanager
    def drive(self, *, writing: bool) -> Iterator[Driver]:
        """What `write` is, or `read`, by the driver alone: for statements that run for every message.

        One connection is kept for it, with its pages in memory and its statements compiled; what SQLAlchemy
        adds to a transaction is more than the work for the few messages in it. Threads take turns, those that
        only read too; not to be nested, nor in `write`. Raises StoreError.
        """
        with self._translated(), self._writing:
            if self._kept is None:
                self._kept = self._engine.raw_connection()
            driver = cast(Driver, self._kept.driver_connection)
            driver.execute("BEGIN IMMEDIATE" if writing else "BEGIN")
            try:
                yield driver
                driver.execute("COMMIT")
            except BaseException:
                driver.rollback()  # nothing, where SQLite has done it by itself
                raise

    def wipe(self) -> None:
        """Let nothing that was deleted stand in the log of changes that SQLite keeps beside the file.

        Waits for other programs' transactions as a commit does, but no longer: the log is also emptied when
        the last of them closes the database. Raises StoreError.
        """
        with self._translated(), self._writing:
            connection = self._engine.raw_connection()
            try:
                cast(Driver, connection.driver_connection).execute(
                    "PRAGMA wal_checkpoint(TRUNCATE)"
                ).fetchall()
            finally:
                connection.close()

    def close(self) -> None:
        if self._kept is not None:
            self._kept.close()
            self._kept = None
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check_schema(self) -> None:
        with self.read() as connection:
            fresh = not inspect(connection).get_table_names()
        if fresh:
            with self.write() as connection:
                # Another run may have been quicker; it has then written the row as well.
                if not inspect(connection).get_table_names():
                    schema.metadata.create_all(connection)
                    row = {"schema_version": schema.VERSION, "instance_id": secrets.token_hex(16)}
                    connection.execute(insert(schema.about), row)
        with self.read() as connection:
            if not inspect(connection).has_table("about"):
                hint = "name another file in [store] url"
                raise StoreError("the database of another program", where=str(self._path), hint=hint)
            version = connection.scalar(select(schema.about.c.schema_version))
        if version is not None and version < schema.VERSION:
            with self.write() as connection:
                now = connection.scalar(select(schema.about.c.schema_version))
                if now and now < schema.VERSION:  # or another run has been quicker
                    upgrade(connection, now)
            return
        if version is None or version > schema.VERSION:
            raise StoreError(
                f"is from a newer version of the press (schema {version}, this one knows {schema.VERSION})",
                where=str(self._path),
                hint="upgrade the press: pip install --upgrade actu5",
            )

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
        return StoreError(message, where=str(self._path), hint=hint)


def _file_of(url: str) -> str:
    hint = 'write for instance "sqlite:///.newsletter/newsletter.db"'
    shown = without_password(url)
    try:
        parts = make_url(url)
    except (ArgumentError, ValueError):
        # Whose words quote the address, and with it the password.
        message = f"{shown!r} is not the address of a store"
        raise StoreError(message, where="[store] url", hint=hint) from None
    if parts.drivername != "sqlite" or not parts.database:
        raise StoreError(f"{shown!r} is not a store this press knows", where="[store] url", hint=hint)
    return parts.database


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
