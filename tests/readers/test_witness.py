"""A database that is older than what was sent is found out; the file that does so stops nothing itself."""

import json
import resource
import shutil
import stat
from pathlib import Path

import pytest

from newsletter.errors import StoreError
from newsletter.readers.accounts import Accounts
from newsletter.readers.database import Database
from newsletter.readers.decisions import Decisions, Kind
from newsletter.readers.ledger import Ledger
from newsletter.readers.store import Readers
from newsletter.readers.witness import Witness
from tests.readers.conftest import KEY, NOW, URL, commit, crowd, enter, freeze, gave, record


@pytest.fixture
def store() -> str:
    """What is set back here is a file."""
    return URL


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".newsletter" / "witness.json"


def note(path: Path, database: Database) -> Witness:
    """Note how far the issue has come, as a run does at its end."""
    witness, standing = Witness(path), Accounts(database).standing(KEY)
    assert standing.frozen_at
    witness.note(standing.instance, KEY, frozen_at=standing.frozen_at, gone=standing.gone)
    return witness


def check(path: Path, database: Database) -> Witness:
    witness = Witness(path)
    witness.check(Accounts(database).standing(KEY), KEY)
    return witness


def sent(ledger: Ledger, ids: list[str]) -> None:
    commit(ledger, *ids)
    record(ledger, *map(gave, ids))


def test_f20_a_database_restored_from_a_backup_is_found_out(tmp_path: Path) -> None:
    with Database.open(URL, tmp_path) as database:
        ledger = Ledger(database)
        ids = crowd(database, 30)
        freeze(ledger)
        sent(ledger, ids[:12])
        path = Path(database.where).with_name("witness.json")
    shutil.copy(Path(database.where), tmp_path / "backup.db")
    with Database.open(URL, tmp_path) as database:
        sent(Ledger(database), ids[12:29])
        note(path, database)
        check(path, database)
    shutil.copy(tmp_path / "backup.db", Path(database.where))
    with Database.open(URL, tmp_path) as database:
        with pytest.raises(StoreError) as caught:
            check(path, database)
        assert caught.value.message == (
            "the database knows of 12 copies, but 29 had left: it is older than what was sent"
        )
        assert caught.value.hint == (
            "bring back the newest copy of the database, or, if there is none: "
            "newsletter send 2026-11-23 --restored"
        )
        # What --restored does: nobody is sent anything whose copy may have left.
        assert Decisions(database).doubt_all(KEY, who="ada", now=NOW) == 18
        check(path, database)
        note(path, database)
        assert Ledger(database).due(KEY, NOW, 10) == []
        # And whoever is then found to be without one can get it, with no further ado.
        Decisions(database).settle(KEY, {ids[29]: ""}, kind=Kind.RESEND, who="ada", now=NOW)
        check(path, database)


def test_f20_a_database_from_before_the_freeze_is_found_out(tmp_path: Path) -> None:
    with Database.open(URL, tmp_path) as database:
        enter(Readers(database), "lea@example.org")
        path = Path(database.where).with_name("witness.json")
    shutil.copy(Path(database.where), tmp_path / "backup.db")
    with Database.open(URL, tmp_path) as database:
        freeze(Ledger(database))
        note(path, database)
    shutil.copy(tmp_path / "backup.db", Path(database.where))
    with Database.open(URL, tmp_path) as database, pytest.raises(StoreError) as caught:
        check(path, database)
    assert caught.value.message == (
        "the database does not know of 2026-11-23, of which at least 0 copies had left: "
        "it is older than what was sent"
    )


def test_another_database_and_another_issue_are_none_of_its_business(
    tmp_path: Path, path: Path, database: Database, ledger: Ledger, readers: Readers
) -> None:
    enter(readers, "lea@example.org")
    freeze(ledger)
    note(path, database)
    Witness(path).check(Accounts(database).standing("2026-11-24"), "2026-11-24")
    with Database.open(URL, tmp_path / "other") as other:
        check(path, other)


def test_what_is_known_of_one_issue_never_becomes_less_but_by_a_new_freeze(
    path: Path, database: Database
) -> None:
    witness = Witness(path)
    for key, at, gone in ((KEY, NOW, 900), (KEY, NOW, 12), ("2026-11-24", NOW, 1)):
        witness.note("one", key, frozen_at=at, gone=gone)
    witness.note("two", KEY, frozen_at=NOW, gone=3)
    assert json.loads(path.read_text()) == {
        "one": {
            "2026-11-23": {"frozen_at": "2026-11-23T06:00:00+00:00", "gone": 900},
            "2026-11-24": {"frozen_at": "2026-11-23T06:00:00+00:00", "gone": 1},
        },
        "two": {"2026-11-23": {"frozen_at": "2026-11-23T06:00:00+00:00", "gone": 3}},
    }
    witness.note("one", KEY, frozen_at=NOW.replace(hour=9), gone=12)
    assert json.loads(path.read_text())["one"]["2026-11-23"]["gone"] == 12
    assert witness.trouble == ""


def test_the_file_is_for_its_owner_only_and_nothing_is_left_beside_it(path: Path, database: Database) -> None:
    Witness(path).note("one", KEY, frozen_at=NOW, gone=1)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir() if "witness" in one.name] == ["witness.json"]


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", '{"one": []}', '{"one": {"k": {"gone": null, "frozen_at": ""}}}', "\udcff"]
)
def test_a_damaged_file_is_told_and_stops_nothing(
    damage: str, path: Path, database: Database, ledger: Ledger, readers: Readers
) -> None:
    enter(readers, "lea@example.org")
    freeze(ledger)
    path.write_bytes(damage.encode(errors="surrogateescape"))
    assert check(path, database).trouble == f"{path}: damaged"
    note(path, database)
    assert check(path, database).trouble == ""


def test_a_full_disk_is_told_and_stops_nothing_and_what_was_known_stays(
    path: Path, database: Database
) -> None:
    witness = Witness(path)
    witness.note("one", KEY, frozen_at=NOW, gone=1)
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16, hard))
    try:
        witness.note("one", KEY, frozen_at=NOW, gone=2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert witness.trouble == f"{path}: cannot be written: File too large"
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir() if "witness" in one.name] == ["witness.json"]
