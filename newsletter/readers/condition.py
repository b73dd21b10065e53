"""How a database is: whether it is whole, keeps what it is told, has room; looked at, and not touched.

`Database.open` turns on in a file what it needs: so it is asked only where there is nothing to be done.
"""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from newsletter.errors import StoreError
from newsletter.model import Status
from newsletter.readers import schema
from newsletter.readers.database import Database
from newsletter.readers.store import Readers
from newsletter.stores import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What is known of a store: None for what cannot be known from here.

    `engine` is in words, "SQLite 3.46.1"; `version` is that of its schema, and `known` the one that this
    program is for; `durable` says whether a commit outlives a power cut, by the `settings` in words;
    `damage` is what was found, "" for nothing; `free` and `size` are bytes; `readers` counts those who are
    mailed.
    """

    engine: str
    place: str
    version: int
    known: int = schema.VERSION
    durable: bool | None = None
    settings: str = ""
    damage: str | None = None
    free: int | None = None
    size: int | None = None
    readers: int | None = None

    @property
    def current(self) -> bool:
        return self.version == self.known


def look_at(store: Store, root: Path) -> Condition | None:
    """The condition of a store, whose file is relative to `root`; None if there is none yet.

    Raises StoreError for one that cannot be opened, or is no store of ours.
    """
    if not store.file:
        return _served(store, root)
    path = root / store.file
    return _kept(store, root, path) if path.exists() else None


def _kept(store: Store, root: Path, path: Path) -> Condition:
    """That of a file."""
    version, damage, journal = _bare(path)
    ours = Condition(
        engine=f"SQLite {sqlite3.sqlite_version}",
        place=str(path),
        version=version,
        damage=damage,
        free=shutil.disk_usage(path.parent).free,
        size=path.stat().st_size,
    )
    if not ours.current or damage or journal != "wal":
        return ours
    # What can be told by opening it as every command does.
    with Database.open(store.url, root, create=False) as database:
        with database.drive(writing=False) as driver:
            synchronous = driver.execute("PRAGMA synchronous").fetchone()[0]
        names = {0: "off", 1: "normal", 2: "full", 3: "extra"}
        return replace(
            ours,
            durable=synchronous >= 2,
            settings=f"write-ahead log, synchronous={names.get(synchronous, synchronous)}",
            readers=Readers(database).count(Status.ACTIVE),
        )


def _served(store: Store, root: Path) -> Condition:
    """That of a database server's: who keeps its disk, its copies and its wholeness is its administrator."""
    with Database.open(store.url, root, create=False, password=store.password) as database:
        with database.read() as connection:
            said = {name: connection.exec_driver_sql(f"SHOW {name}").scalar_one() for name in _PROMISES}
            engine = connection.exec_driver_sql("SHOW server_version").scalar_one()
            size = connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one()
        return Condition(
            engine=f"PostgreSQL {engine}",
            place=database.where,
            version=schema.VERSION,  # or it would not have been opened
            durable="off" not in said.values(),
            settings=", ".join(f"{name}={value}" for name, value in said.items()),
            size=size,
            readers=Readers(database).count(Status.ACTIVE),
        )


# Without one of these a power cut may take back what was committed, or leave half a page of it
# (https://www.postgresql.org/docs/current/wal-reliability.html).
_PROMISES = ("fsync", "synchronous_commit", "full_page_writes")


def _bare(path: Path) -> tuple[int, str, str]:
    """Schema version, damage and journal mode, by a connection that cannot write."""
    # Opened for reading only, SQLite would leave its two files beside a database that had none.
    mode = "ro" if path.with_name(f"{path.name}-wal").exists() else "rw"
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True)) as connection:
            connection.execute("PRAGMA query_only = ON")
            rows = connection.execute("PRAGMA quick_check(3)").fetchall()
            journal = connection.execute("PRAGMA journal_mode").fetchone()[0]
            version = connection.execute("SELECT schema_version FROM about").fetchone()
    except sqlite3.DatabaseError as error:
        hint = "restore it from a backup, or name another in [store] url"
        raise StoreError(f"not a database of ours: {error}", where=str(path), hint=hint) from error
    damage = "; ".join(line for row in rows for line in str(row[0]).splitlines())
    return (version[0] if version else 0), "" if damage == "ok" else damage, str(journal)
