"""The hours of one run: `--at` and `--not-after`, and whether they can be kept."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from newsletter.errors import ConfigError, NewsletterError
from newsletter.ways import Send


class TooLate(NewsletterError):
    """The hour by which an issue had to be out cannot be kept."""

    exit_code = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """The moments between which a run may go on; None is no bound."""

    at: datetime | None = None
    not_after: datetime | None = None

    def check(self, now: datetime, needed: timedelta) -> None:
        """Raise TooLate if a run that takes so long from now on would not be over in time."""
        if self.not_after is None:
            return
        begins = max(now, self.at or now)
        ends = begins + needed
        if ends > self.not_after:
            words = f"the last copy would leave at {ends:%H:%M:%S}, and none may after {self.not_after:%H:%M}"
            hint = "send without --not-after, begin earlier, or raise per_second in [send]"
            raise TooLate(f"{words}: nothing was sent", where="--not-after", hint=hint)

    def over(self, now: datetime) -> bool:
        return self.not_after is not None and now >= self.not_after


def read_hours(at: str | None, not_after: str | None, *, day: date, zone: ZoneInfo, now: datetime) -> Hours:
    """The hours of a run for that day's issue; raises ConfigError for an hour that is not one, or is over.

    An hour such as "07:00" is meant on the issue's day in the publication's zone; a whole moment has to say
    in which zone it is meant. Without `not_after`, a run that was to begin at an hour must begin that day.
    """
    begin = _moment("--at", at, day, zone)
    end = _moment("--not-after", not_after, day, zone)
    if begin and begin < now:
        hint = "leave --at out to send at once"
        raise ConfigError(f"{at!r} is over: it is {now:%H:%M on %d %B %Y}", where="--at", hint=hint)
    if begin and end is None:
        end = datetime.combine(begin.date() + timedelta(days=1), datetime.min.time(), tzinfo=zone)
    if begin and end and end <= begin:
        raise ConfigError(f"{not_after!r} is before {at!r}", where="--not-after", hint="write a later hour")
    return Hours(at=begin, not_after=end)


def _moment(option: str, text: str | None, day: date, zone: ZoneInfo) -> datetime | None:
    if text is None:
        return None
    hint = "write an hour of the issue's day, 07:00, or a whole moment with its zone, 2026-11-23T07:00+01:00"
    whole = f"{day}T{text:0>5}" if re.fullmatch(r"\d{1,2}:\d{2}", text) else text
    if whole is text and not re.search(r"(?:[+-]\d{2}:?\d{2}|Z)\Z", text):
        raise ConfigError(f"{text!r} does not say in which zone", where=option, hint=hint)
    try:
        moment = datetime.fromisoformat(whole)
        there = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(zone)
        _ = there + timedelta(days=1)  # by which a run would have to be over
    except (ValueError, OverflowError) as error:
        raise ConfigError(f"{text!r} is not a time", where=option, hint=hint) from error
    # With its offset for a zone: Python compares two times of one zone by what their clocks show, which is
    # wrong in the night on which an hour comes twice.
    return there.astimezone(timezone(there.utcoffset() or timedelta()))


def needed(count: int, of_domains: Mapping[str, int], settings: Send) -> timedelta:
    """The least that so many messages take at the pace that is set; `of_domains` counts the slowed."""
    seconds = [count / settings.per_second] if settings.per_second else [0.0]
    for name, limit in settings.domains.items():
        if limit.per_second:
            seconds.append(of_domains.get(name, 0) / limit.per_second)
    return timedelta(seconds=max(seconds))
