"""Days -> which of them are working days, by the public holidays of a country."""

from datetime import date, timedelta
from functools import cache

from newsletter.errors import ConfigError


def is_working_day(day: date, country: str) -> bool:
    """Whether `day` is a Monday to Friday that is no public holiday of `country` (ISO 3166, two capitals).

    Raises ConfigError if nobody has written down that country's holidays.
    """
    return day.weekday() < 5 and day not in _public_holidays(country, day.year)


def next_working_day(after: date, country: str) -> date:
    """The first working day of `country` that is later than `after`; raises as `is_working_day` does."""
    try:
        day = after + timedelta(days=1)
        while not is_working_day(day, country):
            day += timedelta(days=1)
    except OverflowError as error:
        raise ConfigError(
            f"no working day after {after}", where="DATE", hint="take an earlier day"
        ) from error
    return day


@cache
def _public_holidays(country: str, year: int) -> frozenset[date]:
    # The library takes long to load, and most commands never ask about a day.
    import holidays

    try:
        return frozenset(holidays.country_holidays(country, years=year))
    except NotImplementedError as error:
        raise ConfigError(
            f"no public holidays known for country {country!r}",
            where="newsletter.toml",
            hint='write a country of the ISO 3166 list under [publication], as in country = "FR"',
        ) from error
