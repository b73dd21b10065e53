"""The store as the doctor tells it: room, durability, memory; and the clock."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from newsletter.doctor.line import Verdict
from newsletter.doctor.names import Names
from newsletter.doctor.store import clock, durability, integrity, room, store
from newsletter.readers.accounts import Accounts
from newsletter.readers.condition import Condition
from newsletter.readers.database import Database
from newsletter.readers.schema import VERSION
from newsletter.readers.witness import Witness
from tests.doctor.conftest import Make, only, told
from tests.doctor.web_server import WebServer
from tests.readers import monday

URL = "sqlite:///.newsletter/newsletter.db"


@pytest.fixture
def kept(root: Path) -> Path:
    with Database.open(URL, root) as database:
        monday.write(database)
    return root / ".newsletter/newsletter.db"


def alter(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)
        connection.commit()


def test_a_good_store_is_told_line_by_line(case: Make, kept: Path) -> None:
    lines = told(store(case()))
    assert [(title, verdict) for title, verdict, _ in lines] == [
        ("Database", "pass"),
        ("Durability", "pass"),
        ("Integrity", "pass"),
        ("Free disk", "pass"),
    ]
    assert lines[0][2].startswith(f"{kept}: SQLite {sqlite3.sqlite_version}, schema {VERSION}; ")
    assert lines[0][2].endswith("; 24 on the list")
    assert lines[1][2] == "a commit outlives a power cut: write-ahead log, synchronous=full"


def test_where_there_is_none_or_nobody_to_send_to_is_a_warning(case: Make, root: Path) -> None:
    line = only(store(case()))
    assert (line.verdict, line.seen) == (Verdict.WARN, "there is none yet, and nobody to send to")
    assert list(root.iterdir()) == [root / "newsletter.toml"]
    with Database.open(URL, root):
        pass
    line = next(store(case()))
    assert (line.verdict, line.do) == (Verdict.WARN, "newsletter readers import readers.csv --source WHERE")
    assert line.seen.endswith("; nobody to send to")


def test_what_is_no_store_of_ours_fails(case: Make, root: Path) -> None:
    (root / ".newsletter").mkdir()
    (root / ".newsletter/newsletter.db").write_text("x" * 4000, encoding="ascii")
    line = only(store(case()))
    assert line.verdict is Verdict.FAIL
    assert "not a database of ours" in line.seen
    assert line.do == "restore it from a backup, or name another in [store] url"


@pytest.mark.parametrize(
    ("version", "verdict", "words"),
    [
        (VERSION - 1, "fail", f"schema {VERSION - 1}, and this press needs {VERSION}"),
        (VERSION + 1, "fail", f"schema {VERSION + 1}, of a newer press"),
    ],
)
def test_a_store_of_another_version_is_told_and_left_alone(
    case: Make, kept: Path, version: int, verdict: str, words: str
) -> None:
    alter(kept, f"UPDATE about SET schema_version = {version}")
    before = kept.read_bytes()
    lines = told(store(case()))
    assert (lines[0][0], lines[0][1], words in lines[0][2]) == ("Database", verdict, True)
    assert lines[1] == ("Durability", "unknown", "cannot be told without opening it for writing")
    assert kept.read_bytes() == before


def condition(**facts: object) -> Condition:
    good = Condition(engine="SQLite 3", place="x.db", version=VERSION, free=10**9, readers=1000)
    return replace(good, **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "mails", "verdict", "seen"),
    [
        (condition(), 0, "pass", "1.0 GB free, and an issue needs about 51.0 MB"),
        (condition(free=152_000_000), 0, "warn", "152.0 MB free, and an issue needs about 51.0 MB"),
        (condition(free=50_000_000), 0, "fail", "50.0 MB free, and an issue needs about 51.0 MB"),
        (condition(free=7000), 0, "fail", "7 kB free, and an issue needs about 51.0 MB"),
        (condition(), 10**9, "fail", "1.0 GB free, and an issue needs about 1.1 GB"),
        (condition(free=None), 0, "unknown", "that of the database's server is not seen from here"),
    ],
)
def test_room_on_the_disk_is_held_against_an_issue(
    found: Condition, mails: int, verdict: str, seen: str
) -> None:
    line = room(found, mails)
    assert (line.title, line.verdict.value, line.seen) == ("Free disk", verdict, seen)


@pytest.mark.parametrize(
    ("facts", "verdict", "seen"),
    [
        ({"durable": True, "settings": "fsync=on"}, "pass", "a commit outlives a power cut: fsync=on"),
        ({"durable": False, "settings": "fsync=off"}, "fail", "a power cut may lose commits: fsync=off"),
        ({}, "unknown", "cannot be told without opening it for writing"),
    ],
)
def test_what_a_power_cut_would_lose(facts: dict[str, object], verdict: str, seen: str) -> None:
    line = durability(condition(**facts))
    assert (line.title, line.verdict.value, line.seen) == ("Durability", verdict, seen)


def test_a_store_that_nobody_looked_into_may_be_damaged() -> None:
    assert integrity(condition()).verdict is Verdict.UNKNOWN
    assert integrity(condition(damage="")).verdict is Verdict.PASS
    assert integrity(condition(damage="page 4")).seen == "damaged: page 4"


def test_mails_that_are_written_as_files_need_room_too(case: Make, kept: Path) -> None:
    def needs(backend: str) -> str:
        return [line.seen.rpartition(" about ")[2] for line in store(case(backend=backend))][3]

    assert needs("sendmail") == "50.0 MB"
    assert needs("folder") == "52.4 MB"


def test_damage_fails(case: Make, kept: Path) -> None:
    with closing(sqlite3.connect(kept)) as connection:
        (page,) = connection.execute("PRAGMA page_size").fetchone()
        (number,) = connection.execute(
            "SELECT rootpage FROM sqlite_schema WHERE type = 'table' AND name = 'attempt'"
        ).fetchone()
    with kept.open("r+b") as file:
        file.seek((number - 1) * page)
        file.write(b"\xff" * page)
    assert "fail" in [line.verdict.value for line in store(case())]


def test_a_database_without_its_log_of_changes_is_not_opened(case: Make, kept: Path) -> None:
    alter(kept, "PRAGMA journal_mode = DELETE")
    assert told(store(case()))[1][:2] == ("Durability", "unknown")


# ---- what the database remembers ----


def test_a_database_that_has_forgotten_what_left_fails(case: Make, kept: Path) -> None:
    witness = Witness(kept.with_name("witness.json"))
    with Database.open(URL, kept.parent.parent) as database:
        standing = Accounts(database).standing(monday.FIRST_KEY)
    assert standing.frozen_at
    witness.note(standing.instance, monday.FIRST_KEY, frozen_at=standing.frozen_at, gone=standing.gone)
    assert told(store(case()))[-1] == (
        "Memory",
        "pass",
        "the database knows of every copy that left, last of 2026-11-16",
    )
    witness.note(standing.instance, monday.FIRST_KEY, frozen_at=standing.frozen_at, gone=standing.gone + 1)
    line = list(store(case()))[-1]
    assert (line.title, line.verdict) == ("Memory", Verdict.FAIL)
    assert "it is older than what was sent" in line.seen
    kept.with_name("witness.json").write_text("?", encoding="ascii")
    assert told(store(case()))[-1][:2] == ("Memory", "unknown")


# ---- the clock ----


@pytest.mark.parametrize(
    ("date", "verdict", "seen"),
    [
        ("Mon, 23 Nov 2026 05:45:30 GMT", "pass", "30 s from that of {url}"),
        ("Mon, 23 Nov 2026 05:44:00 GMT", "pass", "60 s from that of {url}"),
        ("Mon, 23 Nov 2026 05:43:59 GMT", "fail", "61 s from that of {url}"),
        ("Mon, 23 Nov 2026 05:45:30 -0000", "pass", "30 s from that of {url}"),
        ("yesterday", "unknown", "{url} does not say what time it is"),
        (None, "unknown", "{url} does not say what time it is"),
    ],
)
def test_the_clock_is_held_against_that_of_another_machine(
    case: Make, online: Names, date: str | None, verdict: str, seen: str
) -> None:
    # 127.0.0.2 stands for another machine: it is reached from 127.0.0.1.
    with WebServer({}, host="127.0.0.2", date=date) as site:
        line = only(clock(case(url=site.url, names=online)))
    assert (line.title, line.verdict.value, line.seen) == ("Clock", verdict, seen.format(url=site.url))


def test_the_clock_of_this_very_machine_proves_nothing(case: Make, online: Names) -> None:
    with WebServer({}) as site:
        line = only(clock(case(url=site.url, names=online)))
    assert (line.verdict, line.seen) == (
        Verdict.UNKNOWN,
        f"{site.url} is on this machine, whose only other clock this is not",
    )


def test_without_anybody_to_ask_the_clock_is_unknown(case: Make, online: Names) -> None:
    with WebServer({}) as site:
        pass
    for found in (case(), case(url="", names=online), case(url=site.url, names=online)):
        assert only(clock(found)).verdict is Verdict.UNKNOWN
