"""Days -> which of them are working days, on which an issue appears, and when it is due."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from newsletter.errors import ConfigError
from newsletter.model import Schedule

GRACE = timedelta(hours=3)
"""How long after its hour an issue may still begin to leave, where no deadline is set."""

LOOK_BACK = 31
"""Days: no schedule by weekdays has a longer pause, whatever the holidays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One day's issue: from `at` on it may leave, and not begin to from `deadline` on; both are UTC."""

    day: date
    at: datetime
    deadline: datetime


def is_working_day(day: date, country: str) -> bool:
    """Whether `day` is a Monday to Friday that is no public holiday of `country` (ISO 3166, two capitals).

    Raises ConfigError if nobody has written down that country's holidays.
    """
    return day.weekday() < 5 and not holiday(day, country)


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


def holiday(day: date, country: str) -> str:
    """The English name of the public holiday that `day` is in `country`, "" if it is none.

    Raises as `is_working_day` does.
    """
    return _public_holidays(country, day.year).get(day, "")


def appears(schedule: Schedule, day: date) -> bool:
    """Whether an issue appears on that day; raises as `is_working_day` does."""
    if day.weekday() not in schedule.days:
        return False
    return schedule.on_holidays or not holiday(day, schedule.country)


def due(schedule: Schedule, now: datetime) -> Due | None:
    """The latest issue whose hour has come, be it too late for it or not; None if none ever did.

    Where the clocks skip its hour, it is due as much later; where they show it twice, the first time.
    """
    today = now.astimezone(ZoneInfo(schedule.time_zone)).date()
    for back in range(min(LOOK_BACK, (today - date.min).days) + 1):
        day = today - timedelta(days=back)
        if appears(schedule, day) and (found := hours_of(schedule, day)).at <= now:
            return found
    return None


def coming(schedule: Schedule, now: datetime) -> Iterator[Due]:
    """The issues whose hour has yet to come, in their order."""
    day = now.astimezone(ZoneInfo(schedule.time_zone)).date()
    while day < date.max:
        if appears(schedule, day) and (found := hours_of(schedule, day)).at > now:
            yield found
        day += timedelta(days=1)


def hours_of(schedule: Schedule, day: date) -> Due:
    """When the issue of `day` is due, if one appears."""
    at = _moment(schedule, day, schedule.hour)
    if schedule.deadline is None:
        return Due(day=day, at=at, deadline=at + GRACE)
    deadline = _moment(schedule, day, schedule.deadline)
    if deadline <= at:  # the clocks have skipped the hour, but not the deadline: it moves along
        deadline = at + (datetime.combine(day, schedule.deadline) - datetime.combine(day, schedule.hour))
    return Due(day=day, at=at, deadline=deadline)


def _moment(schedule: Schedule, day: date, hour: time) -> datetime:
    # In UTC: Python compares two times of one zone by what their clocks show, whatever these did in between.
    return datetime.combine(day, hour, tzinfo=ZoneInfo(schedule.time_zone)).astimezone(UTC)


@cache
def _public_holidays(country: str, year: int) -> Mapping[date, str]:
    # The library takes long to load, and most commands never ask about a day.
    import holidays

    try:
        return dict(holidays.country_holidays(country, years=year, language="en_US"))
    except NotImplementedError as error:
        raise ConfigError(
            f"no public holidays known for country {country!r}",
            where="newsletter.toml",
            hint='write a country of the ISO 3166 list under [publication], as in country = "FR"',
        ) from error
