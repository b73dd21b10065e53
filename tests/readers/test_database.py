"""Opening and writing: what goes wrong is said in words, and nothing is half done."""

import os
import sqlite3
import stat
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from newsletter.errors import StoreError
from newsletter.readers import schema
from newsletter.readers.database import Database
from tests.readers.conftest import URL, only_sqlite

ROW = {"reader_id": "r", "at": 0, "kind": "joined", "source": "test"}


@contextmanager
def without_privileges() -> Iterator[Path]:
    """A folder that its owner, this process, is not allowed everything in; root is nobody for a while."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if os.geteuid() == 0:
            os.chown(folder, 65534, 65534)
            os.seteuid(65534)
            try:
                yield folder
            finally:
                os.seteuid(0)
        else:
            yield folder


def count(database: Database) -> int:
    with database.read() as connection:
        return len(connection.execute(select(schema.consent)).all())


def test_the_first_opening_makes_a_database_for_the_owners_eyes_only(tmp_path: Path) -> None:
    with Database.open("sqlite:///.newsletter/demo/newsletter.db", tmp_path) as database:
        path = tmp_path / ".newsletter/demo/newsletter.db"
        assert Path(database.where) == path
        modes = [stat.S_IMODE(place.stat().st_mode) for place in (path.parent.parent, path.parent, path)]
        assert modes == [0o700, 0o700, 0o600]
        assert stat.S_IMODE(path.with_name("newsletter.db-wal").stat().st_mode) == 0o600
        with database.read() as connection:
            version, instance, _ = connection.execute(select(schema.about)).one()
    assert version == 5
    with Database.open(f"sqlite:///{path}", Path("/")) as database, database.read() as connection:
        assert connection.scalar(select(schema.about.c.instance_id)) == instance


def test_a_publications_folder_may_be_called_anything(tmp_path: Path) -> None:
    root = tmp_path / "L'actu à 100 % ? #1"
    Database.open(URL, root).close()
    assert [path.name for path in (root / ".newsletter").iterdir()] == ["newsletter.db"]


def pragmas(database: Database) -> list[object]:
    names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
    with database.write() as connection:
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]
    with database.drive(writing=False) as driver:
        assert found == [driver.execute(f"PRAGMA {name}").fetchone()[0] for name in names]
    return found


def test_commits_are_on_disk_unless_they_need_not_be(tmp_path: Path) -> None:
    with Database.open(URL, tmp_path) as database:
        assert pragmas(database) == ["wal", 2, 1, 10_000]
    with Database.open("sqlite:///rehearsal.db", tmp_path, durable=False) as database:
        assert pragmas(database) == ["wal", 1, 1, 10_000]


def test_a_write_that_fails_leaves_nothing(database: Database) -> None:
    def fail() -> None:
        with database.write() as connection:
            connection.execute(insert(schema.consent), ROW)
            raise ZeroDivisionError

    def fail_driving() -> None:
        with database.drive(writing=True) as driver:
            driver.execute("INSERT INTO consent VALUES (1, 'r', 0, 'joined', 'test', '', '', '', '')")
            raise ZeroDivisionError

    for failing in (fail, fail_driving):
        with pytest.raises(ZeroDivisionError):
            failing()
        assert count(database) == 0
    with database.drive(writing=True) as driver:
        driver.execute("INSERT INTO consent VALUES (1, 'r', 0, 'joined', 'test', '', '', '', '')")
    assert count(database) == 1


@pytest.mark.parametrize("by", ["write", "drive"])
def test_the_right_to_write_is_held_from_the_start(tmp_path: Path, by: str) -> None:
    with (
        Database.open(URL, tmp_path) as database,
        Database.open(URL, tmp_path, busy_timeout=0.05) as other,
        database.write() if by == "write" else database.drive(writing=True),
    ):
        for begin in (other.write(), other.drive(writing=True)):
            with pytest.raises(StoreError) as caught, begin:
                pass
            assert caught.value.message == "another program has kept the database locked for 0.05 s"
            assert caught.value.where == f"{tmp_path}/.newsletter/newsletter.db"
            assert caught.value.hint


def test_reading_needs_no_right_to_write(tmp_path: Path) -> None:
    with Database.open(URL, tmp_path) as database, Database.open(URL, tmp_path, busy_timeout=0.05) as other:
        with database.write(), other.drive(writing=False) as driver:
            assert driver.execute("SELECT count(*) FROM consent").fetchall() == [(0,)]
        with database.drive(writing=True):
            assert count(other) == 0


@only_sqlite
def test_a_statement_that_fails_by_the_driver_is_told_as_any_other(database: Database) -> None:
    with (
        pytest.raises(StoreError, match="the database says 'no such table: nowhere'") as caught,
        database.drive(writing=False) as driver,
    ):
        driver.execute("SELECT 1 FROM nowhere")
    assert caught.value.where == database.where


def test_a_lock_that_lasts_less_than_the_timeout_is_waited_for(tmp_path: Path) -> None:
    with Database.open(URL, tmp_path) as database, Database.open(URL, tmp_path) as other:
        held, release = threading.Event(), threading.Event()

        def hold() -> None:
            with other.write():
                held.set()
                release.wait(5)

        holder = threading.Thread(target=hold)
        holder.start()
        held.wait(5)
        threading.Timer(0.1, release.set).start()
        with database.write() as connection:
            connection.execute(insert(schema.consent), ROW)
        holder.join()
        assert count(database) == 1


def test_many_threads_write_in_turn(database: Database) -> None:
    def write() -> None:
        for _ in range(10):
            with database.write() as connection:
                connection.execute(insert(schema.consent), ROW)

    threads = [threading.Thread(target=write) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count(database) == 120


def test_two_first_openings_at_once_make_one_database(tmp_path: Path) -> None:
    failures: list[BaseException] = []

    def open_it() -> None:
        try:
            Database.open(URL, tmp_path).close()
        except StoreError as error:
            failures.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with Database.open(URL, tmp_path) as database, database.read() as connection:
        assert len(connection.execute(select(schema.about)).all()) == 1


def test_a_database_from_a_newer_press_is_left_alone(tmp_path: Path) -> None:
    with Database.open(URL, tmp_path) as database, database.write() as connection:
        connection.execute(update(schema.about).values(schema_version=6))
    with pytest.raises(StoreError) as caught:
        Database.open(URL, tmp_path)
    assert caught.value.message == "is from a newer version of the press (schema 6, this one knows 5)"
    assert caught.value.hint == "upgrade the press: pip install --upgrade actu5"
    assert caught.value.where == f"{tmp_path}/.newsletter/newsletter.db"


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE moz_places (id)")
    with pytest.raises(StoreError, match="the database of another program"):
        Database.open("sqlite:///other.db", tmp_path)
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("moz_places",)]


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "newsletter.db").write_text("Dear diary, " * 100)
    with pytest.raises(StoreError) as caught:
        Database.open("sqlite:///newsletter.db", tmp_path)
    assert str(caught.value) == f"{tmp_path}/newsletter.db: not a database"
    assert (tmp_path / "newsletter.db").read_text() == "Dear diary, " * 100


def test_a_folder_in_the_files_place_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "newsletter.db").mkdir()
    with pytest.raises(StoreError, match="cannot be opened"):
        Database.open("sqlite:///newsletter.db", tmp_path)


@pytest.mark.parametrize("url", ["mysql:///news", "postgresql://", "sqlite://", "nonsense"])
def test_an_address_of_another_kind_of_store_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(StoreError) as caught:
        Database.open(url, tmp_path)
    assert caught.value.where == "[store] url"


def test_without_create_a_missing_database_is_an_error_and_stays_missing(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no database yet"):
        Database.open(URL, tmp_path, create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_may_not_be_written_is_told() -> None:
    with without_privileges() as folder:
        Database.open("sqlite:///newsletter.db", folder).close()
        (folder / "newsletter.db").chmod(0o400)
        with (
            pytest.raises(StoreError) as caught,
            Database.open("sqlite:///newsletter.db", folder) as database,
            database.write() as connection,
        ):
            connection.execute(insert(schema.consent), ROW)
    assert caught.value.message == "cannot be written"
    assert "chmod u+w" in caught.value.hint


def test_a_folder_that_may_not_be_written_is_told() -> None:
    with without_privileges() as folder:
        Database.open("sqlite:///newsletter.db", folder).close()
        folder.chmod(0o500)
        try:
            with pytest.raises(StoreError, match="cannot be written"):
                Database.open("sqlite:///newsletter.db", folder)
            with pytest.raises(StoreError, match="cannot be made: Permission denied"):
                Database.open("sqlite:///new/newsletter.db", folder)
        finally:
            folder.chmod(0o700)


@only_sqlite
def test_a_full_disk_is_told_and_what_was_there_stays(database: Database) -> None:
    with database.write() as connection:
        connection.execute(insert(schema.consent), ROW)
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError) as caught, database.write() as connection:
        connection.execute(insert(schema.consent), [ROW | {"source": "x" * 1000}] * 100)
    assert caught.value.message == "the disk is full"
    assert "free some space" in caught.value.hint
    assert count(database) == 1


def test_a_damaged_database_is_told(tmp_path: Path) -> None:
    with Database.open("sqlite:///newsletter.db", tmp_path) as database, database.write() as connection:
        connection.execute(insert(schema.consent), [ROW] * 2000)
    path = tmp_path / "newsletter.db"
    content = bytearray(path.read_bytes())
    content[100:4096] = b"\xff" * 3996
    path.write_bytes(content)
    with pytest.raises(StoreError, match="the database is damaged"):
        Database.open("sqlite:///newsletter.db", tmp_path)
