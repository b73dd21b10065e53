"""`newsletter db`: tables are made and brought up to date when asked, and a publication moves to a server."""

import sqlite3
import stat
import subprocess
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import insert

from newsletter.errors import StoreError
from newsletter.readers import schema
from newsletter.readers.addresses import read_address
from newsletter.readers.database import Database, make
from newsletter.readers.store import Readers
from tests.cluster import Cluster
from tests.conftest import PYTHON, Newsletter
from tests.readers import monday
from tests.readers.conftest import BY_HAND, NOW
from tests.readers.test_migrations import VERSION_3

FILE = ".newsletter/newsletter.db"
URL = f"sqlite:///{FILE}"
EARLIER = Path(__file__).parent.parent / "readers" / "earlier" / "version_2.sql"


@pytest.fixture
def server(cluster: Cluster) -> str:
    return cluster.empty()


def earlier(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(EARLIER.read_text(encoding="utf-8"))


def test_an_earlier_database_is_copied_and_brought_up_to_date_when_asked(
    newsletter: Newsletter, paper: Path
) -> None:
    earlier(paper / FILE)
    earlier(paper / ".newsletter/rehearsal.db")
    refused = newsletter("readers", "list")
    assert refused.code == 75
    assert refused.err == (
        f"Error: {FILE}: is of an earlier version of the press (schema 2, this one needs 5)\n"
        "Hint: newsletter db upgrade\n"
    )
    done = newsletter("db", "upgrade")
    assert done.code == 0
    assert done.err == (
        "The tables were of version 2, and are of version 5 now. "
        f"As they were, they stand in {FILE}.version-2: "
        "delete that once all is well, for people are in it.\n"
    )
    copy = paper / f"{FILE}.version-2"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT schema_version FROM about").fetchone() == (2,)
        assert connection.execute("SELECT count(*) FROM reader").fetchone() == (4,)
    assert newsletter("readers", "list").out.count("@example.org") == 4
    assert newsletter("db", "upgrade").err == "There is nothing to do: the tables are of version 5.\n"
    with closing(sqlite3.connect(paper / ".newsletter/rehearsal.db")) as connection:
        assert connection.execute("SELECT schema_version FROM about").fetchone() == (5,)
    assert sorted(path.name for path in (paper / ".newsletter").glob("*version*")) == [
        "newsletter.db.version-2"
    ]


def test_a_newer_database_is_left_alone(newsletter: Newsletter, paper: Path) -> None:
    earlier(paper / FILE)
    with closing(sqlite3.connect(paper / FILE)) as connection, connection:
        connection.execute("UPDATE about SET schema_version = 6")
    refused = newsletter("db", "upgrade")
    assert (refused.code, "pip install --upgrade actu5" in refused.err) == (75, True)


def test_on_a_server_nothing_is_changed_before_there_is_a_copy(
    newsletter: Newsletter, paper: Path, cluster: Cluster
) -> None:
    url = cluster.made()
    with psycopg.connect(url) as connection:
        for statement in VERSION_3:
            connection.execute(statement.encode())
    with (paper / "newsletter.toml").open("a") as file:
        file.write(f'\n[store]\nurl = "{url}"\n')
    assert newsletter("db", "upgrade").code == 2
    assert newsletter("readers", "list").code == 75
    done = newsletter("db", "upgrade", "--yes")
    assert done.err == (
        "The tables were of version 3, and are of version 5 now.\nThe queue for workers is ready.\n"
    )
    assert newsletter("readers", "list").code == 0


def counts(url: str, root: Path) -> dict[str, int]:
    with Database.open(url, root) as database, database.read() as connection:
        return {
            name: len(connection.execute(table.select()).all())
            for name, table in schema.metadata.tables.items()
        }


def test_a_publication_moves_to_a_server_with_all_that_is_known(
    newsletter: Newsletter, paper: Path, server: str
) -> None:
    with Database.open(URL, paper) as open_since_before:
        monday.write(open_since_before)
        with open_since_before.write() as connection:
            row = {"reader_id": "reader-01", "at": 1, "kind": "joined", "source": "é\0\\N\t«\u00a0»\n"}
            connection.execute(insert(schema.consent), row)
        before = counts(URL, paper)
        report = newsletter("--clock", "2026-11-23T20:00", "report", "--since", "2026-11-02")
        moved = newsletter("db", "move", server)
        assert moved.code == 0, moved.err
        assert f'Now write url = "{server}" below [store] in newsletter.toml.' in moved.err
        assert "reader               29 rows, each the same; digest " in moved.err

        # From now on the file takes nothing, not even from whoever had it open.
        with pytest.raises(StoreError, match=f"the publication has moved to {server}"):
            Readers(open_since_before).add(read_address("late@example.org"), proof=BY_HAND, now=NOW)
    refused = newsletter("readers", "list")
    assert refused.code == 75
    assert refused.err == (
        f"Error: {FILE}: the publication has moved to {server}\n"
        f'Hint: write url = "{server}" below [store] in newsletter.toml\n'
    )
    assert newsletter("db", "move", server).code == 75

    with (paper / "newsletter.toml").open("a") as file:
        file.write(f'\n[store]\nurl = "{server}"\n')
    assert counts(server, paper) == before
    again = newsletter("--clock", "2026-11-23T20:00", "report", "--since", "2026-11-02")
    assert (again.code, again.out) == (0, report.out)
    with closing(sqlite3.connect(paper / FILE)) as old, psycopg.connect(server) as new:
        for name, key in (("reader", "id"), ("delivery", "issue_key, reader_id"), ("approval", "id")):
            query = f"SELECT * FROM {name} ORDER BY {key}"
            assert old.execute(query).fetchall() == new.execute(query.encode()).fetchall()
        instance = "SELECT instance_id FROM about"
        assert old.execute(instance).fetchone() == new.execute(instance.encode()).fetchone()
        ids = new.execute("SELECT source FROM consent ORDER BY id DESC LIMIT 1").fetchone()
    assert ids == ("é\N{REPLACEMENT CHARACTER}\\N\t«\u00a0»\n",)
    assert newsletter("readers", "add", "new@example.org").code == 0
    assert "the publication is on a server already" in newsletter("db", "move", server).err


def test_a_server_that_has_readers_already_is_not_moved_to(
    newsletter: Newsletter, paper: Path, server: str
) -> None:
    assert newsletter("readers", "add", "lea@example.org").code == 0
    assert newsletter("db", "move", server).code == 0
    other = paper / "other"
    other.mkdir()
    (other / "newsletter.toml").write_text(
        (paper / "newsletter.toml").read_text(encoding="utf-8"), encoding="utf-8"
    )
    assert newsletter("-C", "other", "readers", "add", "max@example.org").code == 0
    refused = newsletter("-C", "other", "db", "move", server)
    assert (refused.code, "is not empty: there are rows in" in refused.err) == (75, True)
    assert newsletter("-C", "other", "readers", "list").out.count("max@example.org") == 1


def test_what_does_not_arrive_as_it_was_undoes_the_move(
    newsletter: Newsletter, paper: Path, server: str
) -> None:
    assert newsletter("readers", "add", "lea@example.org", "--name", "Léa").code == 0
    make(server, paper)
    with psycopg.connect(server) as connection:
        connection.execute(
            """
            CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS
              $$ BEGIN NEW.name := upper(NEW.name); RETURN NEW; END $$;
            CREATE TRIGGER spoil BEFORE INSERT ON reader FOR EACH ROW EXECUTE FUNCTION spoil()
            """
        )
    refused = newsletter("db", "move", server)
    assert (refused.code, "row 1 of 'reader' did not arrive as it was" in refused.err) == (75, True)
    assert newsletter("readers", "list").out.count("lea@example.org") == 1
    assert counts(server, paper)["reader"] == 0


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///other.db",
        "postgresql://press:hush@localhost/news",
        "postgresql://press@localhost/news?sslmode=require&password=hush",
        "mysql://x/y",
    ],
)
def test_only_a_server_without_a_password_in_its_address_is_moved_to(
    newsletter: Newsletter, url: str
) -> None:
    refused = newsletter("db", "move", url)
    assert refused.code == 2
    assert "hush" not in refused.err


IMPORTED = """
import sys
from newsletter.cli import run
code = run(sys.argv[1:])
print(code, sorted({"alembic", "psycopg", "procrastinate"} & set(sys.modules)))
"""


def test_what_a_server_needs_is_loaded_by_nobody_else(paper: Path) -> None:
    order = [PYTHON, "-c", IMPORTED, "readers", "add", "lea@example.org"]
    done = subprocess.run(order, cwd=paper, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 []"
