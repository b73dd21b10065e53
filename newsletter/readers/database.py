"""A store's address -> a database that is ours, safe to write from many threads and runs at once.

What the two kinds have in common; `sqlite.py` and `postgresql.py` say how each does it.
"""

import secrets
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from sqlalchemy import Connection, Inspector, insert, inspect, make_url, select
from sqlalchemy.exc import ArgumentError

from newsletter.errors import StoreError
from newsletter.readers import schema, work
from newsletter.settings import without_password

BUSY_TIMEOUT = 10.0


class Rows(Protocol):
    """What a statement gave."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


class Driver(Protocol):
    """The driver's own connection; statements are written as `spelling.py` has them."""

    def execute(self, sql: str, values: Sequence[Any] = ..., /) -> Rows: ...

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> Rows: ...

    def load(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> int:
        """Enter many rows at once, those that come first by the first column first, and say how many.

        One that has in common with another what must be there only once is passed over.
        """


class Database(ABC):
    """One open database; threads may share it. `where` is what errors call it.

    All that is raised for the database's sake is a StoreError.
    """

    conninfo = ""
    """How the driver alone reaches the server, for the queue that workers keep there; "" for a file."""

    def __init__(self, where: str) -> None:
        self.where = where

    @staticmethod
    def open(
        url: str,
        root: Path,
        *,
        create: bool = True,
        durable: bool = True,
        busy_timeout: float = BUSY_TIMEOUT,
        password: str = "",
    ) -> "Database":
        """The database at `url`, such as "sqlite:///.newsletter/newsletter.db", relative to `root`, or
        "postgresql://press@db.example/press", to which `password` belongs if it needs one.

        Makes a file and its folder, for the owner's eyes only, unless `create` is False. `durable` False may
        lose the last commits at a power cut: good for a rehearsal. `busy_timeout` is how many seconds to wait
        for other programs' writing. Raises StoreError.
        """
        database = _kind_of(url, root, create, durable, busy_timeout, password)
        try:
            database._check_schema(create)
        except BaseException:
            database.close()
            raise
        return database

    @abstractmethod
    def read(self) -> AbstractContextManager[Connection]:
        """A transaction that sees one state of the database throughout. Raises StoreError."""

    @abstractmethod
    def write(self, *, issue: str = "") -> AbstractContextManager[Connection]:
        """A transaction that holds the one right to write from its start (delivery.md R12).

        Where that right can be shared out, `issue` takes only the one to decide upon an issue's rows: for
        statements that may go on for minutes in a big audience, while readers come and go. Such a statement
        says by itself which rows it means, since runs commit and record theirs meanwhile (`drive`).

        On disk when the block ends; undone if it raises. Not to be nested. Raises StoreError.
        """

    @abstractmethod
    def drive(self, *, writing: bool, alone: bool = False) -> AbstractContextManager[Driver]:
        """A transaction by the driver alone: for statements that run for every message.

        One connection is kept for it; what SQLAlchemy adds to a transaction is more than the work for the few
        messages in it. Threads take turns, those that only read too; not to be nested, nor in `write`.
        What is written must be right whoever else writes at the same time; only with `alone` is it as in
        `write`. Raises StoreError, and then nothing was written.
        """

    @abstractmethod
    def wipe(self) -> None:
        """Let nothing that was deleted stand in what the database keeps beside its tables.

        Raises StoreError.
        """

    @abstractmethod
    def take_stock(self, table: str) -> None:
        """Let the database know what a table holds, after much has come into it: it plans by that.

        Raises StoreError.
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of all connections."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ---- the tables ----

    @abstractmethod
    def _check_schema(self, create: bool) -> None:
        """Raise StoreError unless the tables are those of this version; new ones may be made."""

    def make(self) -> bool:
        """Make the tables in an empty database; False if there were some already."""
        with self.write() as connection:
            # Another run may have been quicker; it has then written the row as well.
            if not is_empty(connection):
                return False
            work.metadata.create_all(connection)
            row = {"schema_version": schema.VERSION, "instance_id": secrets.token_hex(16)}
            connection.execute(insert(schema.about), row)
        return True

    def version(self) -> int:
        """The version of the tables; raises StoreError for tables that are not ours."""
        with self.read() as connection:
            if not inspector(connection).has_table("about"):
                hint = "name another in [store] url"
                raise StoreError("the database of another program", where=self.where, hint=hint)
            return connection.scalar(select(schema.about.c.schema_version)) or 0

    def upgrade(self) -> None:
        """Bring the tables up to this version, all of it or nothing. Raises StoreError."""
        from newsletter.readers.migrations.upgrading import upgrade

        with self.write() as connection:
            upgrade(connection)

    def is_behind(self) -> bool:
        """Whether the tables are of an earlier version; raises StoreError if they are of a newer one."""
        version = self.version()
        self._refuse_newer(version)
        return version < schema.VERSION

    def check(self) -> None:
        """Raise StoreError for a database of another version, or one that another has taken the place of."""
        version = self.version()
        if version < schema.VERSION:
            raise StoreError(
                f"is of an earlier version of the press (schema {version}, this one needs {schema.VERSION})",
                where=self.where,
                hint="newsletter db upgrade",
            )
        self._refuse_newer(version)
        with self.read() as connection:
            moved_to = connection.scalar(select(schema.about.c.moved_to))
        if moved_to:
            hint = f'write url = "{moved_to}" below [store] in newsletter.toml'
            raise StoreError(f"the publication has moved to {moved_to}", where=self.where, hint=hint)

    def _refuse_newer(self, version: int) -> None:
        if version > schema.VERSION:
            raise StoreError(
                f"is from a newer version of the press (schema {version}, this one knows {schema.VERSION})",
                where=self.where,
                hint="upgrade the press: pip install --upgrade actu5",
            )


def make(url: str, root: Path, *, password: str = "") -> bool:
    """Make the tables in the empty database at `url`; False if there are some already. Raises StoreError."""
    with unchecked(url, root, password=password) as database:
        return database.make()


def unchecked(url: str, root: Path, *, password: str = "") -> Database:
    """The database at `url` as it is: perhaps empty, or of another version. Raises StoreError."""
    return _kind_of(url, root, create=True, durable=True, busy_timeout=BUSY_TIMEOUT, password=password)


def is_empty(connection: Connection) -> bool:
    return not inspector(connection).get_table_names()


def inspector(connection: Connection) -> Inspector:
    return inspect(connection)


def _kind_of(
    url: str, root: Path, create: bool, durable: bool, busy_timeout: float, password: str
) -> Database:
    hint = 'write for instance "sqlite:///.newsletter/newsletter.db"'
    shown = without_password(url)
    try:
        parts = make_url(url)
    except (ArgumentError, ValueError):
        # Whose words quote the address, and with it the password.
        message = f"{shown!r} is not the address of a store"
        raise StoreError(message, where="[store] url", hint=hint) from None
    if parts.drivername == "sqlite" and parts.database:
        from newsletter.readers.sqlite import Sqlite

        return Sqlite(root / parts.database, create=create, durable=durable, busy_timeout=busy_timeout)
    if parts.drivername == "postgresql" and parts.database:
        try:
            from newsletter.readers.postgresql import Postgresql
        except ImportError as error:
            hint = "pip install 'actu5[fleet]'"
            raise StoreError(f"cannot be used: {error}", where="[store] url", hint=hint) from error
        return Postgresql(parts, password, durable=durable, busy_timeout=busy_timeout)
    raise StoreError(f"{shown!r} is not a store this press knows", where="[store] url", hint=hint)
