"""Runs of machines that share a database: who has an issue in hand."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from newsletter.readers.database import Database
from newsletter.readers.runs import Runs
from tests.readers.conftest import KEY

pytestmark = pytest.mark.parametrize("store", ["postgresql"], indirect=True)


def here(_: str) -> bool:
    return False


def test_one_run_has_an_issue_until_it_leaves(database: Database) -> None:
    runs = Runs(database)
    assert runs.enter(KEY, "a:1", join=False, alone=False, is_gone=here) == []
    assert runs.enter(KEY, "b:2", join=False, alone=False, is_gone=here) == ["a:1"]
    assert runs.enter("2026-11-24", "c:3", join=False, alone=False, is_gone=here) == []
    assert runs.of(KEY) == ["a:1"]
    runs.leave("a:1")
    assert runs.of(KEY) == []
    assert runs.enter(KEY, "b:2", join=False, alone=False, is_gone=here) == []


def test_whoever_takes_part_is_noted_beside_the_others(database: Database) -> None:
    runs = Runs(database)
    assert runs.enter(KEY, "a:1", join=False, alone=False, is_gone=here) == []
    assert runs.enter(KEY, "b:2", join=True, alone=False, is_gone=here) == []
    assert runs.of(KEY) == ["a:1", "b:2"]
    assert runs.enter(KEY, "c:3", join=False, alone=True, is_gone=here) == ["a:1", "b:2"]


def test_nobody_takes_part_in_what_wants_to_be_alone(database: Database) -> None:
    runs = Runs(database)
    assert runs.enter(KEY, "a:1", join=False, alone=True, is_gone=here) == []
    assert runs.enter(KEY, "b:2", join=True, alone=False, is_gone=here) == ["a:1"]
    runs.sign(KEY, "a:1", alone=True)
    assert runs.enter(KEY, "b:2", join=True, alone=False, is_gone=here) == ["a:1"]


def test_a_run_that_is_gone_or_gives_no_sign_is_not_counted_on(database: Database) -> None:
    runs = Runs(database)
    runs.enter(KEY, "a:1", join=False, alone=False, is_gone=here)
    assert runs.enter(KEY, "a:2", join=False, alone=False, is_gone=lambda name: name == "a:1") == []
    with database.write() as connection:
        connection.execute(text("UPDATE run SET seen_at = seen_at - 11"))
    assert runs.of(KEY) == []
    runs.sign(KEY, "a:2", alone=False)
    assert runs.of(KEY) == ["a:2"]
    assert runs.enter(KEY, "b:3", join=False, alone=False, is_gone=here) == ["a:2"]


def test_of_many_that_begin_at_once_one_has_it(database: Database, store: str, tmp_path: Path) -> None:
    def enter(number: int) -> bool:
        with Database.open(store, tmp_path) as own:
            return not Runs(own).enter(KEY, f"a:{number}", join=False, alone=False, is_gone=here)

    with ThreadPoolExecutor(5) as many:
        assert sorted(many.map(enter, range(5))) == [False, False, False, False, True]
