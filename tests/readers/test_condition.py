"""The condition of a database, told without touching it: not a byte, not a file."""

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from newsletter.errors import StoreError
from newsletter.readers.condition import look_at
from newsletter.readers.database import Database
from newsletter.readers.schema import VERSION
from newsletter.readers.store import Readers
from newsletter.stores import Store
from tests.cluster import Cluster
from tests.readers.conftest import URL, enter

STORE = Store(url=URL)


def bytes_of(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def alter(folder: Path, *statements: str) -> None:
    with closing(sqlite3.connect(folder / ".newsletter/newsletter.db")) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A folder with a database of two readers, closed."""
    with Database.open(URL, tmp_path) as database:
        enter(Readers(database), "ada@example.org", "bea@example.org")
    return tmp_path


def test_a_good_database_is_told_and_left_as_it_is(kept: Path) -> None:
    before = bytes_of(kept)
    found = look_at(STORE, kept)
    assert found
    assert (found.version, found.current, found.damage) == (VERSION, True, "")
    assert (found.durable, found.settings) == (True, "write-ahead log, synchronous=full")
    assert found.readers == 2
    assert found.free is not None
    assert found.free > 0
    assert found.size == (kept / ".newsletter/newsletter.db").stat().st_size
    assert found.engine == f"SQLite {sqlite3.sqlite_version}"
    assert bytes_of(kept) == before


def test_where_there_is_none_none_is_made(tmp_path: Path) -> None:
    assert look_at(STORE, tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_one_in_use_is_looked_at_beside_its_user(kept: Path) -> None:
    with Database.open(URL, kept) as database, database.write():
        before = bytes_of(kept)
        found = look_at(STORE, kept)
        assert found
        assert (found.damage, found.readers) == ("", 2)
        assert bytes_of(kept).keys() == before.keys()


@pytest.mark.parametrize("version", [VERSION - 1, VERSION + 1])
def test_one_of_another_version_is_not_brought_up_to_date(kept: Path, version: int) -> None:
    alter(kept, f"UPDATE about SET schema_version = {version}")
    before = bytes_of(kept)
    found = look_at(STORE, kept)
    assert found
    assert (found.version, found.current, found.readers, found.durable) == (version, False, None, None)
    assert bytes_of(kept) == before


def test_one_that_keeps_no_log_of_changes_is_not_given_one(kept: Path) -> None:
    alter(kept, "PRAGMA journal_mode = DELETE")
    before = bytes_of(kept)
    found = look_at(STORE, kept)
    assert found
    assert found.durable is None
    assert bytes_of(kept) == before


def test_damage_is_found(kept: Path) -> None:
    path = kept / ".newsletter/newsletter.db"
    with closing(sqlite3.connect(path)) as connection:
        page, root = connection.execute(
            "SELECT (SELECT page_size FROM pragma_page_size), rootpage FROM sqlite_schema "
            "WHERE type = 'index' AND tbl_name = 'reader' LIMIT 1"
        ).fetchone()
    with path.open("r+b") as file:
        file.seek((root - 1) * page + 8)
        file.write(b"\xff" * 64)
    found = look_at(STORE, kept)
    assert found
    assert found.damage
    assert found.damage.startswith("*** in database main ***; On tree page ")
    assert "\n" not in found.damage
    assert (found.durable, found.readers) == (None, None)


def test_what_is_no_database_of_ours_is_told(tmp_path: Path) -> None:
    path = tmp_path / ".newsletter/newsletter.db"
    path.parent.mkdir()
    path.write_bytes(b"no database at all, but a text that is long enough to be looked at\n" * 20)
    with pytest.raises(StoreError, match="file is not a database"):
        look_at(STORE, tmp_path)
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE other (x)")
    with pytest.raises(StoreError, match="no such table: about"):
        look_at(STORE, tmp_path)


def test_that_of_a_server_tells_what_it_promises_and_not_what_its_disk_is(
    cluster: Cluster, tmp_path: Path
) -> None:
    url = cluster.cleared()
    with Database.open(url, tmp_path) as database:
        enter(Readers(database), "ada@example.org", "bea@example.org")
    found = look_at(Store(url=url), tmp_path)
    assert found
    assert found.engine.startswith("PostgreSQL ")
    assert (found.place, found.readers, found.current) == (url, 2, True)
    # The tests' own server need not wait for its disk.
    assert (found.durable, found.settings) == (
        False,
        "fsync=off, synchronous_commit=on, full_page_writes=off",
    )
    assert (found.free, found.damage) == (None, None)
    assert found.size is not None
    assert found.size > 1_000_000


def test_a_server_without_tables_says_what_to_type(cluster: Cluster, tmp_path: Path) -> None:
    with pytest.raises(StoreError) as raised:
        look_at(Store(url=cluster.empty()), tmp_path)
    assert raised.value.hint == "newsletter db upgrade"
