"""A database of an earlier version is brought up to date: all of it, or none of it."""

import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from newsletter.errors import StoreError
from newsletter.model import State
from newsletter.readers import schema
from newsletter.readers.database import Database
from newsletter.readers.ledger import Ledger
from newsletter.readers.store import Readers
from tests.readers.conftest import KEY, NOW, URL, commit, due, events, gave, record, state

# The tables as version 1 made them, in its own words.
VERSION_1 = """
CREATE TABLE about (
    schema_version INTEGER NOT NULL,
    instance_id TEXT NOT NULL
);
CREATE TABLE reader (
    id TEXT NOT NULL,
    email TEXT NOT NULL,
    address_key TEXT NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT status_is_known CHECK (
        status IN ('pending', 'active', 'paused', 'left', 'bounced', 'complained')
    ),
    UNIQUE (address_key)
);
CREATE TABLE consent (
    id INTEGER NOT NULL,
    reader_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX ix_consent_reader_id ON consent (reader_id);
CREATE TABLE issue (
    "key" TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    subject TEXT NOT NULL,
    template TEXT NOT NULL,
    date TEXT NOT NULL,
    audience INTEGER NOT NULL,
    frozen_at INTEGER NOT NULL,
    cancelled_at INTEGER,
    PRIMARY KEY ("key")
);
CREATE TABLE delivery (
    issue_key TEXT NOT NULL,
    reader_id TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    next_at INTEGER,
    reason TEXT NOT NULL,
    PRIMARY KEY (issue_key, reader_id),
    CONSTRAINT state_is_known CHECK (state IN ('owed', 'in doubt', 'sent', 'refused', 'withheld', 'expired')),
    FOREIGN KEY(issue_key) REFERENCES issue ("key")
)
 WITHOUT ROWID;
CREATE INDEX delivery_unsettled ON delivery (issue_key, coalesce(next_at, 0), reader_id)
WHERE state = 'owed' OR state = 'in doubt';
CREATE TABLE attempt (
    id INTEGER NOT NULL,
    issue_key TEXT NOT NULL,
    reader_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    phase TEXT NOT NULL,
    code INTEGER NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(issue_key) REFERENCES issue ("key")
);
CREATE INDEX attempt_of ON attempt (issue_key, reader_id);
"""
ROWS = """
INSERT INTO about VALUES (1, '0123456789abcdef');
INSERT INTO reader VALUES
  ('ravi', 'ravi@example.org', 'ravi@example.org', '', 'active', 1),
  ('lea', 'Lea@example.org', 'lea@example.org', 'Léa', 'active', 2),
  ('max', 'max@example.org', 'max@example.org', '', 'left', 3),
  ('zoe', 'zoe@example.org', 'zoe@example.org', 'Zoé', 'active', 4);
INSERT INTO consent VALUES (7, 'lea', 2, 'joined', 'import');
INSERT INTO issue VALUES
  ('2026-11-23', 'f1', 'Fusion', '{}', '2026-11-23T07:00:00+01:00', 4, 1795413600, NULL);
INSERT INTO delivery VALUES
  ('2026-11-23', 'lea', 'owed', 2, 1795413900, ''),
  ('2026-11-23', 'max', 'withheld', 0, NULL, 'left'),
  ('2026-11-23', 'ravi', 'sent', 1, NULL, ''),
  ('2026-11-23', 'zoe', 'in doubt', 0, NULL, '');
INSERT INTO attempt VALUES
  (1, '2026-11-23', 'ravi', 1795413601, 'sent', 'dot', 250, '250 ok'),
  (2, '2026-11-23', 'lea', 1795413602, 'deferred', 'RCPT', 450, '450 first'),
  (3, '2026-11-23', 'max', 1795413602, 'withheld', '', 0, 'left'),
  (4, '2026-11-23', 'lea', 1795413602, 'deferred', 'RCPT', 451, '451 second');
"""
SOON = NOW + timedelta(minutes=5)


@pytest.fixture
def version_1(tmp_path: Path) -> Path:
    """A database of version 1 in the place of the publication's."""
    path = tmp_path / ".newsletter/newsletter.db"
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(VERSION_1 + ROWS)
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


def test_a_database_of_version_1_keeps_all_it_knows(tmp_path: Path, version_1: Path) -> None:
    with Database.open(URL, tmp_path) as database:
        ledger = Ledger(database)
        with database.read() as connection:
            about = connection.execute(select(schema.about)).one()
            consents = connection.execute(select(schema.consent)).all()
        assert tuple(about) == (2, "0123456789abcdef")
        assert [tuple(row) for row in consents] == [(7, "lea", 2, "joined", "import")]
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


def test_a_database_of_version_1_goes_on_where_it_was(tmp_path: Path, version_1: Path) -> None:
    with Database.open(URL, tmp_path) as database:
        ledger = Ledger(database)
        assert ledger.next_due(KEY) == SOON
        assert due(ledger, SOON) == ["lea"]
        assert commit(ledger, "lea", "zoe", number=3, now=SOON) == {"zoe": ""}
        record(ledger, gave("lea", number=3))
        assert state(ledger, "lea") == ("sent", 3, "")
        assert [row.reader_id for row in ledger.rows(KEY, State.IN_DOUBT)] == ["zoe"]


def test_a_database_brought_up_to_date_is_made_as_a_new_one_is(tmp_path: Path, version_1: Path) -> None:
    Database.open(URL, tmp_path).close()
    Database.open("sqlite:///new.db", tmp_path).close()
    assert tables(version_1) == tables(tmp_path / "new.db")
    before = version_1.read_bytes()
    Database.open(URL, tmp_path).close()
    assert version_1.read_bytes() == before


OPEN = """
import os, signal, sys
from pathlib import Path
from sqlalchemy import Engine, event
from newsletter.readers.database import Database

@event.listens_for(Engine, "before_cursor_execute")
def kill(connection, cursor, statement, *others):
    if sys.argv[3] in statement:
        os.kill(os.getpid(), signal.SIGKILL)

Database.open(sys.argv[1], Path(sys.argv[2]))
"""


@pytest.mark.parametrize(
    "statement", ["RENAME TO attempt_1", "CREATE TABLE approval", "INSERT INTO attempt", "UPDATE about"]
)
def test_a_migration_killed_in_the_middle_is_undone_and_done_by_the_next_opening(
    tmp_path: Path, version_1: Path, statement: str
) -> None:
    before = tables(version_1)
    killed = subprocess.run([sys.executable, "-c", OPEN, URL, str(tmp_path), statement], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert (version(version_1), tables(version_1)) == (1, before)
    with Database.open(URL, tmp_path) as database:
        assert Ledger(database).tally(KEY).holds
        assert len(events(database)) == 4
    assert version(version_1) == 2


def test_of_many_openings_at_once_one_migrates(tmp_path: Path, version_1: Path) -> None:
    failures: list[BaseException] = []

    def open_it() -> None:
        try:
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


def test_a_database_newer_than_this_press_is_refused_and_not_touched(tmp_path: Path, version_1: Path) -> None:
    Database.open(URL, tmp_path).close()
    with closing(sqlite3.connect(version_1)) as connection, connection:
        connection.execute("UPDATE about SET schema_version = 3")
    before = tables(version_1)
    with pytest.raises(StoreError, match="is from a newer version of the press") as caught:
        Database.open(URL, tmp_path)
    assert caught.value.hint == "upgrade the press: pip install --upgrade actu5"
    assert (version(version_1), tables(version_1)) == (3, before)
