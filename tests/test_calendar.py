"""Working days, against calendars that hang on French walls."""

from datetime import date

import pytest

from newsletter.calendar import is_working_day, next_working_day
from newsletter.errors import ConfigError

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
