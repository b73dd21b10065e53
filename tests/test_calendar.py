"""Working days, against calendars that hang on French walls; and what is due, whatever the clocks do."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.calendar import (
    Due,
    coming,
    due,
    holiday,
    hours_of,
    is_working_day,
    next_working_day,
)
from newsletter.errors import ConfigError
from newsletter.model import Schedule

FRENCH_HOLIDAYS_OF_2026 = (
    date(2026, 1, 1),
    date(2026, 4, 6),  # Easter Monday
    date(2026, 5, 1),
    date(2026, 5, 8),
    date(2026, 5, 14),  # Ascension
    date(2026, 5, 25),  # Whit Monday
    date(2026, 7, 14),
    date(2026, 8, 15),
    date(2026, 11, 1),
    date(2026, 11, 11),
    date(2026, 12, 25),
)


@pytest.mark.parametrize("day", FRENCH_HOLIDAYS_OF_2026)
def test_a_french_public_holiday_is_no_working_day(day: date) -> None:
    assert not is_working_day(day, "FR")


def test_2026_has_as_many_french_working_days_as_the_calendars_say() -> None:
    days = [date.fromordinal(n) for n in range(date(2026, 1, 1).toordinal(), date(2027, 1, 1).toordinal())]
    assert (
        sum(is_working_day(day, "FR") for day in days) == 252
    )  # 261 weekdays, 9 of the 11 holidays among them


def test_saturday_and_sunday_are_no_working_days() -> None:
    assert is_working_day(date(2026, 11, 20), "FR")
    assert not is_working_day(date(2026, 11, 21), "FR")
    assert not is_working_day(date(2026, 11, 22), "FR")
    assert is_working_day(date(2026, 11, 23), "FR")


def test_good_friday_is_worked_in_france_and_not_in_britain() -> None:
    assert is_working_day(date(2026, 4, 3), "FR")
    assert not is_working_day(date(2026, 4, 3), "GB")


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (date(2026, 11, 23), date(2026, 11, 24)),  # a Monday: strictly later
        (date(2026, 11, 20), date(2026, 11, 23)),  # a Friday
        (date(2026, 11, 10), date(2026, 11, 12)),  # over Armistice Day
        (date(2026, 4, 2), date(2026, 4, 3)),
        (date(2026, 4, 3), date(2026, 4, 7)),  # over Easter, Monday included
        (date(2026, 12, 24), date(2026, 12, 28)),  # Christmas on a Friday
        (date(2026, 12, 31), date(2027, 1, 4)),  # over the year's end
        (date(2025, 4, 30), date(2025, 5, 2)),
    ],
)
def test_the_next_working_day_skips_weekends_and_holidays(after: date, expected: date) -> None:
    assert next_working_day(after, "FR") == expected


def test_an_unknown_country_is_named_with_a_way_out() -> None:
    with pytest.raises(ConfigError, match="'XX'") as caught:
        is_working_day(date(2026, 11, 23), "XX")
    assert 'country = "FR"' in caught.value.hint


# ---- what is due ----

PARIS = ZoneInfo("Europe/Paris")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


def paris(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS)


@pytest.mark.parametrize(
    ("day", "at", "deadline"),
    [
        ("2027-03-26", "2027-03-26T06:00", "2027-03-26T09:00"),  # the Friday before summer time
        ("2027-03-28", "2027-03-28T05:00", "2027-03-28T08:00"),
        ("2027-03-29", "2027-03-29T05:00", "2027-03-29T08:00"),
        ("2027-10-29", "2027-10-29T05:00", "2027-10-29T08:00"),  # the Friday before winter time
        ("2027-10-31", "2027-10-31T06:00", "2027-10-31T09:00"),
        ("2027-11-02", "2027-11-02T06:00", "2027-11-02T09:00"),
    ],
)
@pytest.mark.parametrize("deadline_set", [time(10), None])
def test_seven_is_seven_on_both_sides_of_both_changes(
    day: str, at: str, deadline: str, deadline_set: time | None
) -> None:
    schedule = Schedule(days=frozenset(range(7)), deadline=deadline_set)
    assert hours_of(schedule, date.fromisoformat(day)) == Due(
        day=date.fromisoformat(day), at=utc(at), deadline=utc(deadline)
    )


@pytest.mark.parametrize(
    ("zone", "day", "at", "deadline"),
    [
        ("Europe/Paris", "2027-03-28", "2027-03-28T01:30", "2027-03-28T02:15"),  # 03:30, until 04:15
        ("Europe/Paris", "2027-10-31", "2027-10-31T00:30", "2027-10-31T02:15"),  # the first 02:30
        ("America/New_York", "2027-03-14", "2027-03-14T07:30", "2027-03-14T08:15"),
        (
            "America/New_York",
            "2027-11-07",
            "2027-11-07T07:30",
            "2027-11-07T08:15",
        ),  # 01:30 comes twice
        ("Australia/Lord_Howe", "2027-04-04", "2027-04-03T16:00", "2027-04-03T16:45"),  # half an hour
        ("Australia/Lord_Howe", "2027-10-03", "2027-10-02T15:30", "2027-10-02T16:15"),
        ("Asia/Kathmandu", "2027-03-28", "2027-03-27T20:45", "2027-03-27T21:30"),  # no summer time
    ],
)
def test_an_hour_in_the_gap_comes_later_and_one_that_comes_twice_counts_once(
    zone: str, day: str, at: str, deadline: str
) -> None:
    schedule = Schedule(
        days=frozenset(range(7)), hour=time(2, 30), deadline=time(3, 15), on_holidays=True, time_zone=zone
    )
    found = hours_of(schedule, date.fromisoformat(day))
    assert (found.at, found.deadline) == (utc(at), utc(deadline))
    assert due(schedule, found.at) == found
    assert due(schedule, found.at + timedelta(hours=1)) == found
    before = due(schedule, found.at - timedelta(seconds=1))
    assert before
    assert before.day == found.day - timedelta(days=1)


def test_the_latest_day_whose_hour_has_come_is_due_until_the_next_ones_has() -> None:
    schedule = Schedule()
    friday = due(schedule, paris("2026-11-23T06:59:59"))
    monday = due(schedule, paris("2026-11-23T07:00:00"))
    assert friday
    assert monday
    assert (friday.day, monday.day) == (date(2026, 11, 20), date(2026, 11, 23))
    assert monday.deadline == utc("2026-11-23T09:00")


def test_on_a_holiday_nothing_is_due_unless_it_is_asked_for() -> None:
    armistice = paris("2026-11-11T08:00")
    skipped, kept = due(Schedule(), armistice), due(Schedule(on_holidays=True), armistice)
    assert skipped
    assert kept
    assert (skipped.day, kept.day) == (date(2026, 11, 10), date(2026, 11, 11))
    assert holiday(date(2026, 11, 11), "FR") == "Armistice Day"
    assert holiday(date(2026, 11, 12), "FR") == ""


def test_what_is_coming_is_told_in_order() -> None:
    ahead = list(islice(coming(Schedule(), paris("2026-11-10T07:00")), 3))
    assert [each.day for each in ahead] == [date(2026, 11, 12), date(2026, 11, 13), date(2026, 11, 16)]
    assert list(coming(Schedule(), datetime(9999, 12, 31, 12, tzinfo=UTC))) == []
    assert due(Schedule(on_holidays=True), datetime(1, 1, 2, tzinfo=UTC)) is not None


ZONES = (
    "Europe/Paris",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "America/Nuuk",
    "UTC",
)


@given(
    zone=st.sampled_from(ZONES),
    hour=st.times(max_value=time(23, 58)).map(lambda each: each.replace(second=0, microsecond=0)),
    days=st.frozensets(st.integers(0, 6), min_size=1),
    now=st.datetimes(datetime(2026, 1, 1), datetime(2029, 1, 1)).map(lambda each: each.replace(tzinfo=UTC)),
)
def test_every_day_of_a_schedule_is_due_once_and_at_its_hour(
    zone: str, hour: time, days: frozenset[int], now: datetime
) -> None:
    schedule = Schedule(
        days=days, hour=hour, deadline=time(23, 59), on_holidays=True, country="FR", time_zone=zone
    )
    found = due(schedule, now)
    following = next(coming(schedule, now))
    assert found
    assert found.at <= now < following.at
    assert found.at < found.deadline
    assert found.day.weekday() in days
    assert all(
        (found.day + timedelta(days=n)).weekday() not in days
        for n in range(1, (following.day - found.day).days)
    )
    clock = found.at.astimezone(ZoneInfo(zone))
    naive = datetime.combine(found.day, hour)
    assert clock.replace(tzinfo=None) == naive or clock.replace(tzinfo=None) - naive in (
        timedelta(hours=1),
        timedelta(minutes=30),
    )
    # Triggers between the two hours all see the same day, and the one at the hour sees the next.
    assert due(schedule, following.at - timedelta(microseconds=1)) == found
    assert due(schedule, following.at) == following
