"""The reports of a small world, and the same world in a publication's folder."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from newsletter.readers.database import Database
from newsletter.readers.report import IssueReport, Report, Reports
from tests.readers.conftest import URL
from tests.readers.monday import FIRST_KEY, NOW, write

PARIS = ZoneInfo("Europe/Paris")


@pytest.fixture
def monday(tmp_path: Path) -> Iterator[Database]:
    with Database.open(URL, tmp_path) as database:
        write(database)
        yield database


@pytest.fixture
def report(monday: Database) -> Report:
    return Reports(monday).since(date(2026, 11, 2), NOW, PARIS)


@pytest.fixture
def issue_report(monday: Database) -> IssueReport:
    return Reports(monday).issue(FIRST_KEY, NOW)
