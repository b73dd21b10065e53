"""Who came and who went: how many readers there were, day by day, week by week or month by month."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from newsletter.model import Status
from newsletter.readers import schema
from newsletter.readers.membership import Step

DAYS = 35
"""Up to so many days are told day by day, up to `WEEKS` weeks week by week, more month by month."""

WEEKS = 60

ON_THE_LIST = (Status.ACTIVE.value, Status.PAUSED.value)
"""Who counts as a reader: a pause is no leaving."""

# Moments are counted together in SQL by quarters of an hour, which begin with the days in every time zone.
_SLOT = 900

_CAME = tuple(step.value for step in (Step.JOINED, Step.CONFIRMED, Step.CAME_BACK, Step.TAKEN_BACK))
_WENT = (Step.LEFT.value, Step.BOUNCED.value, Step.COMPLAINED.value, Step.ERASED.value)


class Unit(StrEnum):
    """How long a period is."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """One day, week or month from `begins` on; `readers` is how many there were at its end."""

    begins: date
    joined: int
    left: int
    bounced: int
    complained: int
    erased: int
    readers: int

    @property
    def gone(self) -> int:
        return self.left + self.bounced + self.complained + self.erased


def unit_of(since: date, until: date) -> Unit:
    """The length of periods that makes neither a handful nor a hundred of them."""
    days = (until - since).days + 1
    if days <= DAYS:
        return Unit.DAY
    return Unit.WEEK if days <= WEEKS * 7 else Unit.MONTH


def readers_now(connection: Connection) -> int:
    on = schema.reader.c.status.in_(ON_THE_LIST)
    return connection.scalar(select(func.count()).select_from(schema.reader).where(on)) or 0


def periods(connection: Connection, since: date, until: datetime, zone: ZoneInfo) -> tuple[Period, ...]:
    """The periods from the day `since` to the moment `until`.

    Told backwards from today's count, so that the last period ends with it whatever the database was started
    with.
    """
    days = list(_beginnings(since, until.astimezone(zone).date()))
    begins = [schema.seconds(datetime.combine(day, time(), tzinfo=zone)) for day in days]
    counts: list[dict[str, int]] = [{} for _ in [*days, None]]  # the last one is of what came after
    for slot, kind, count in _changes(connection, begins[0]):
        at = slot * _SLOT
        index = len(days) if at > schema.seconds(until) else bisect_right(begins, at) - 1
        counts[index][kind] = counts[index].get(kind, 0) + count
    found = []
    readers = readers_now(connection) - _net(counts.pop())
    for day, steps in zip(reversed(days), reversed(counts), strict=True):
        found.append(_period(day, steps, readers))
        readers -= _net(steps)
    return tuple(reversed(found))


def _beginnings(since: date, until: date) -> Iterator[date]:
    """The first day of each period: `since` itself, then Mondays or firsts of the month."""
    unit, day = unit_of(since, until), since
    while day <= until:
        yield day
        if unit is Unit.DAY:
            day += timedelta(days=1)
        elif unit is Unit.WEEK:
            day += timedelta(days=7 - day.weekday())
        else:
            day = date(day.year + day.month // 12, day.month % 12 + 1, 1)


def _changes(connection: Connection, since: int) -> Iterator[tuple[int, str, int]]:
    """Quarter of an hour, kind of step, and how many readers it made come or go.

    Not every step does: whoever complains after leaving is gone already.
    """
    step = schema.consent.c
    earlier = schema.consent.alias("earlier")
    before = (
        select(earlier.c.kind)
        .where(earlier.c.reader_id == step.reader_id, earlier.c.id < step.id)
        .where(earlier.c.kind.in_((Step.ASKED.value, *_CAME, *_WENT)))
        .order_by(earlier.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    slot = (step.at // _SLOT).label("slot")
    query = (
        select(slot, step.kind, func.count())
        .where(step.at >= since, _counts(step.kind, before))
        .group_by(slot, step.kind)
    )
    for at, kind, count in connection.execute(query):
        yield int(at), kind, count


def _counts(kind: ColumnElement[str], before: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether a step changed anything; one of a time before there were proofs is believed."""
    came = and_(kind.in_(_CAME), func.coalesce(before, "").not_in(_CAME))
    went = and_(kind.in_(_WENT), func.coalesce(before, _CAME[0]).in_(_CAME))
    return or_(came, went)


def _net(counts: Mapping[str, int]) -> int:
    return sum(counts.get(kind, 0) for kind in _CAME) - sum(counts.get(kind, 0) for kind in _WENT)


def _period(day: date, counts: Mapping[str, int], readers: int) -> Period:
    return Period(
        begins=day,
        joined=sum(counts.get(kind, 0) for kind in _CAME),
        left=counts.get(Step.LEFT.value, 0),
        bounced=counts.get(Step.BOUNCED.value, 0),
        complained=counts.get(Step.COMPLAINED.value, 0),
        erased=counts.get(Step.ERASED.value, 0),
        readers=readers,
    )
