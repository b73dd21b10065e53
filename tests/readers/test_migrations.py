"""A database of an earlier version is brought up to date: all of it, or none of it."""

import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import select

from newsletter.errors import StoreError
from newsletter.model import State
from newsletter.readers import schema
from newsletter.readers.database import Database, unchecked
from newsletter.readers.ledger import Ledger
from newsletter.readers.migrations.upgrading import newest
from newsletter.readers.store import Readers
from tests.cluster import Cluster
from tests.readers.conftest import KEY, NOW, URL, commit, due, events, gave, record, state

# The tables and some rows as each version made them, in its own words.
EARLIER = Path(__file__).parent / "earlier"
SOON = NOW + timedelta(minutes=5)


@pytest.fixture(params=[1, 2])
def number(request: pytest.FixtureRequest) -> int:
    """The version that the database is of."""
    assert isinstance(request.param, int)
    return request.param


@pytest.fixture
def earlier(tmp_path: Path, number: int) -> Path:
    """A database of that version in the place of the publication's."""
    path = tmp_path / ".newsletter/newsletter.db"
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript((EARLIER / f"version_{number}.sql").read_text(encoding="utf-8"))
    return path


def tables(path: Path) -> dict[str, str]:
    """What the database is made of, name by name, however it is spaced."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT name, coalesce(sql, '') FROM sqlite_master").fetchall()
    return {name: "".join(sql.split()) for name, sql in rows}


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        (number,) = connection.execute("SELECT schema_version FROM about").fetchone()
    assert isinstance(number, int)
    return number


def upgrade(root: Path, url: str = URL) -> None:
    with unchecked(url, root) as database:
        database.upgrade()


def test_a_database_of_an_earlier_version_is_not_touched_until_it_is_asked_for(
    tmp_path: Path, earlier: Path, number: int
) -> None:
    before = tables(earlier)
    with pytest.raises(StoreError) as caught:
        Database.open(URL, tmp_path)
    words = f"is of an earlier version of the press (schema {number}, this one needs 5)"
    assert (caught.value.message, caught.value.hint) == (words, "newsletter db upgrade")
    assert (version(earlier), tables(earlier)) == (number, before)


def test_a_database_of_an_earlier_version_keeps_all_it_knows(tmp_path: Path, earlier: Path) -> None:
    upgrade(tmp_path)
    with Database.open(URL, tmp_path) as database:
        ledger = Ledger(database)
        with database.read() as connection:
            about = connection.execute(select(schema.about)).one()
            consents = connection.execute(select(schema.consent)).all()
        assert tuple(about) == (5, "0123456789abcdef", "")
        assert [tuple(row) for row in consents] == [(7, "lea", 2, "joined", "import", "", "", "", "")]
        readers = [(one.id, one.email, one.name, one.status.value) for one in Readers(database)]
        assert readers == [
            ("lea", "Lea@example.org", "Léa", "active"),
            ("max", "max@example.org", "", "left"),
            ("ravi", "ravi@example.org", "", "active"),
            ("zoe", "zoe@example.org", "Zoé", "active"),
        ]
        assert [state(ledger, reader_id) for reader_id in ("lea", "max", "ravi", "zoe")] == [
            ("owed", 2, ""),
            ("withheld", 0, "left"),
            ("sent", 1, ""),
            ("in doubt", 0, ""),
        ]
        assert [(row.committed_at, row.host) for row in ledger.rows(KEY)] == [(None, "")] * 4
        assert events(database) == [
            ("deferred", 1, "RCPT", 450, "450 first"),
            ("deferred", 2, "RCPT", 451, "451 second"),
            ("withheld", 1, "", 0, "left"),
            ("sent", 1, "dot", 250, "250 ok"),
        ]
        assert [row.last_detail for row in ledger.rows(KEY)] == ["451 second", "left", "250 ok", ""]
        assert ledger.tally(KEY).holds


def test_a_database_of_an_earlier_version_goes_on_where_it_was(tmp_path: Path, earlier: Path) -> None:
    upgrade(tmp_path)
    with Database.open(URL, tmp_path) as database:
        ledger = Ledger(database)
        assert ledger.next_due(KEY) == SOON
        assert due(ledger, SOON) == ["lea"]
        assert commit(ledger, "lea", "zoe", number=3, now=SOON) == {"zoe": ""}
        record(ledger, gave("lea", number=3))
        assert state(ledger, "lea") == ("sent", 3, "")
        assert [row.reader_id for row in ledger.rows(KEY, State.IN_DOUBT)] == ["zoe"]


def test_a_database_brought_up_to_date_is_made_as_a_new_one_is(tmp_path: Path, earlier: Path) -> None:
    upgrade(tmp_path)
    Database.open("sqlite:///new.db", tmp_path).close()
    assert tables(earlier) == tables(tmp_path / "new.db")
    before = earlier.read_bytes()
    upgrade(tmp_path)
    assert earlier.read_bytes() == before


OPEN = """
import os, signal, sys
from pathlib import Path
from sqlalchemy import Engine, event
from newsletter.readers.database import unchecked

@event.listens_for(Engine, "before_cursor_execute")
def kill(connection, cursor, statement, *others):
    if sys.argv[3] in statement:
        os.kill(os.getpid(), signal.SIGKILL)

unchecked(sys.argv[1], Path(sys.argv[2])).upgrade()
"""


@pytest.mark.parametrize(
    "statement",
    [
        "RENAME TO old_reader",
        "CREATE TABLE request",
        "INSERT INTO consent",
        "UPDATE about",
        "ADD COLUMN moved_to",
    ],
)
def test_f29_a_migration_killed_in_the_middle_is_undone_and_done_by_the_next_one(
    tmp_path: Path, earlier: Path, number: int, statement: str
) -> None:
    before = tables(earlier)
    killed = subprocess.run([sys.executable, "-c", OPEN, URL, str(tmp_path), statement], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert (version(earlier), tables(earlier)) == (number, before)
    upgrade(tmp_path)
    with Database.open(URL, tmp_path) as database:
        assert Ledger(database).tally(KEY).holds
        assert len(events(database)) == 4
    assert version(earlier) == 5


def test_of_many_upgrades_at_once_one_does_it(tmp_path: Path, earlier: Path) -> None:
    failures: list[BaseException] = []

    def open_it() -> None:
        try:
            upgrade(tmp_path)
            with Database.open(URL, tmp_path) as database:
                assert Ledger(database).tally(KEY).holds
        except (StoreError, AssertionError) as error:
            failures.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with Database.open(URL, tmp_path) as database:
        assert len(events(database)) == 4


def test_a_database_newer_than_this_press_is_refused_and_not_touched(tmp_path: Path, earlier: Path) -> None:
    upgrade(tmp_path)
    with closing(sqlite3.connect(earlier)) as connection, connection:
        connection.execute("UPDATE about SET schema_version = 6")
    before = tables(earlier)
    with pytest.raises(StoreError, match="is from a newer version of the press") as caught:
        Database.open(URL, tmp_path)
    assert caught.value.hint == "upgrade the press: pip install --upgrade actu5"
    assert (version(earlier), tables(earlier)) == (6, before)


def test_the_steps_lead_to_the_version_that_new_databases_are_made_in() -> None:
    assert newest() == schema.VERSION == 5


VERSION_3 = (
    "ALTER TABLE about DROP COLUMN moved_to",
    "ALTER TABLE issue DROP COLUMN paused_at",
    "DROP TABLE claim, batch, worker, relay, pace, run",
    "UPDATE about SET schema_version = 3",
)


def columns(url: str) -> list[tuple[object, ...]]:
    """What a server's tables are made of."""
    with psycopg.connect(url) as connection:
        found = connection.execute(
            """
            SELECT table_name, column_name, data_type, collation_name, is_nullable, column_default
            FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2
            """
        ).fetchall()
        indexes = connection.execute(
            "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2"
        ).fetchall()
        constraints = connection.execute(
            "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2"
        ).fetchall()
    return [*found, *indexes, *constraints]


def test_a_servers_database_brought_up_to_date_is_made_as_a_new_one_is(
    cluster: Cluster, tmp_path: Path
) -> None:
    fresh, earlier = cluster.made(), cluster.made()
    with psycopg.connect(earlier) as connection:
        for statement in VERSION_3:
            connection.execute(statement.encode())
    with pytest.raises(StoreError, match=r"\(schema 3, this one needs 5\)"):
        Database.open(earlier, tmp_path)
    upgrade(tmp_path, earlier)
    upgrade(tmp_path, earlier)
    Database.open(earlier, tmp_path).close()
    assert columns(earlier) == columns(fresh)
    cluster.drop(fresh)
    cluster.drop(earlier)
