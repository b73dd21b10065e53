"""`--at` and `--not-after`: hours that are meant, refused, or cannot be kept."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from newsletter.cli.hours import Hours, TooLate, needed, read_hours
from newsletter.errors import ConfigError
from newsletter.ways import Limit, Send

PARIS = ZoneInfo("Europe/Paris")
DAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 6, 45, tzinfo=PARIS)


def at(hour: int, minute: int = 0, day: int = 23) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=PARIS)


def read(begin: str | None, end: str | None = None, *, now: datetime = NOW, day: date = DAY) -> Hours:
    return read_hours(begin, end, day=day, zone=PARIS, now=now)


def test_an_hour_is_meant_on_the_issues_day_in_the_publications_zone() -> None:
    assert read("07:00", "7:45") == Hours(at=at(7), not_after=at(7, 45))
    evening_before = read("07:00", day=date(2026, 11, 24))
    assert evening_before.at == at(7, day=24)


def test_a_moment_says_its_zone() -> None:
    assert read("2026-11-23T06:30Z").at == at(7, 30)
    assert read("2026-11-23T07:30+01:00").at == at(7, 30)


def test_without_a_bound_a_run_begins_on_the_day_it_was_meant_for() -> None:
    assert read("07:00").not_after == at(0, day=24)
    assert read(None) == Hours()


@pytest.mark.parametrize(
    ("begin", "end", "words"),
    [
        ("2026-11-23T07:00", None, "'2026-11-23T07:00' does not say in which zone"),
        ("seven", None, "'seven' does not say in which zone"),
        ("25:00", None, "'25:00' is not a time"),
        ("9999-12-31T23:59-12:00", None, "'9999-12-31T23:59-12:00' is not a time"),
        ("9999-12-31T23:00+01:00", None, "'9999-12-31T23:00+01:00' is not a time"),
        ("2026-13-01T07:00Z", None, "'2026-13-01T07:00Z' is not a time"),
        ("06:30", None, "'06:30' is over: it is 06:45 on 23 November 2026"),
        ("07:00", "06:59", "'06:59' is before '07:00'"),
        (None, "half past", "'half past' does not say in which zone"),
    ],
)
def test_what_is_not_a_time_to_come_is_refused(begin: str | None, end: str | None, words: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read(begin, end)
    assert raised.value.message == words


def test_the_slowest_of_all_paces_says_how_long_a_run_takes() -> None:
    settings = Send(per_second=50, domains={"gmail.com": Limit(per_second=2), "free.fr": Limit()})
    assert needed(6_000, {"gmail.com": 100, "free.fr": 900}, settings) == timedelta(minutes=2)
    assert needed(6_000, {"gmail.com": 1_000, "free.fr": 900}, settings) == timedelta(seconds=500)
    assert needed(6_000, {}, Send()) == timedelta()


def test_a_run_that_cannot_be_over_in_time_is_not_begun() -> None:
    hours = Hours(at=at(7), not_after=at(7, 45))
    hours.check(NOW, timedelta(minutes=45))
    with pytest.raises(
        TooLate, match="the last copy would leave at 07:46:00, and none may after 07:45"
    ) as raised:
        hours.check(NOW, timedelta(minutes=46))
    assert raised.value.exit_code == 7
    with pytest.raises(TooLate):  # the machine slept through the hour
        hours.check(at(8), timedelta())


def test_it_is_over_at_the_hour_and_not_before() -> None:
    hours = Hours(not_after=at(7, 45))
    assert [hours.over(at(7, 44)), hours.over(at(7, 45)), Hours().over(at(23))] == [
        False,
        True,
        False,
    ]
