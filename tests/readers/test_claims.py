"""What is done once a day is done by one, however many would do it."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

from newsletter.readers.claims import Claim, Claims
from newsletter.readers.database import Database
from tests.readers.conftest import NOW, URL

DAY = date(2026, 11, 23)


def test_the_first_has_it_and_everybody_sees_who_that_is(database: Database) -> None:
    claims = Claims(database)
    assert claims.of_day(DAY) == {}
    assert claims.take(DAY, "begun", host="one", now=NOW)
    assert not claims.take(DAY, "begun", host="two", now=datetime(2026, 11, 23, 7, tzinfo=UTC))
    assert claims.of_day(DAY) == {"begun": Claim(at=NOW, host="one")}


def test_another_day_and_another_thing_to_do_are_to_be_had(database: Database) -> None:
    claims = Claims(database)
    assert not claims.any()
    assert claims.take(DAY, "begun", host="one", now=NOW)
    assert claims.take(DAY, "ended", host="two", now=NOW)
    assert claims.take(date(2026, 11, 24), "begun", host="two", now=NOW)
    assert claims.any()
    assert set(claims.of_day(DAY)) == {"begun", "ended"}


def test_of_twenty_at_once_one_has_it(tmp_path: Path) -> None:
    Database.open(URL, tmp_path).close()

    def take(number: int) -> bool:
        with Database.open(URL, tmp_path) as database:
            return Claims(database).take(DAY, "begun", host=f"host{number}", now=NOW)

    with ThreadPoolExecutor(20) as threads:
        assert Counter(threads.map(take, range(20))) == {True: 1, False: 19}
