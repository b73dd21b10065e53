"""What became of each issue: who got it, how long that took, who left by it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, func, select

from newsletter.model import State
from newsletter.readers import schema
from newsletter.readers.membership import Step

_issue = schema.issue.c
_row = schema.delivery.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """One issue's outcome, counted: `audience` is how many readers it had at the freeze.

    `withheld` is told by reason; `first_at` and `last_at` are when the first and the last copy left that were
    sent, None if none was. `came_back` counts the readers whose copy came back later, `left` and `complained`
    those who did so by this very issue; whoever took it back has not left.
    """

    key: str
    subject: str
    audience: int
    sent: int = 0
    refused: int = 0
    withheld: Mapping[str, int] = field(default_factory=dict)
    expired: int = 0
    in_doubt: int = 0
    owed: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    came_back: int = 0
    left: int = 0
    complained: int = 0
    cancelled: bool = False

    @property
    def holds(self) -> bool:
        """Whether everybody is accounted for."""
        return self.audience == self.sent + self.not_sent

    @property
    def not_sent(self) -> int:
        settled = self.refused + sum(self.withheld.values()) + self.expired
        return settled + self.in_doubt + self.owed

    @property
    def took(self) -> timedelta | None:
        """From the first copy to the last, pauses and second tries included."""
        return self.last_at - self.first_at if self.first_at and self.last_at else None

    @property
    def leaving_rate(self) -> float | None:
        """How many of those who got it left by it, from 0 to 1."""
        return self.left / self.sent if self.sent else None


def sendings(connection: Connection, first: str, last: str) -> tuple[Sending, ...]:
    """The issues from the key `first` to the key `last`, those included, in their order."""

    def within(column: ColumnElement[str]) -> ColumnElement[bool]:
        return column.between(first, last)

    back, gone = schema.returned.c, schema.consent.c
    query = (
        select(back.issue_key, func.count(func.distinct(back.reader_id)))
        .where(within(back.issue_key), back.kind.in_(("hard", "soft")))
        .group_by(back.issue_key)
    )
    came_back = {row.issue_key: row[1] for row in connection.execute(query)}
    leaving = (
        select(gone.issue_key, gone.kind, func.count(func.distinct(gone.reader_id)))
        .where(within(gone.issue_key), for_good())
        .group_by(gone.issue_key, gone.kind)
    )
    went = {(key, kind): count for key, kind, count in connection.execute(leaving)}
    issues = connection.execute(select(schema.issue).where(within(_issue.key)).order_by(_issue.key)).all()
    return tuple(
        Sending(
            key=one.key,
            subject=one.subject,
            audience=one.audience,
            **_outcome(connection, one.key),
            came_back=came_back.get(one.key, 0),
            left=went.get((one.key, Step.LEFT.value), 0),
            complained=went.get((one.key, Step.COMPLAINED.value), 0),
            cancelled=one.cancelled_at is not None,
        )
        for one in issues
    )


def for_good() -> ColumnElement[bool]:
    """The steps of those who left or complained, and did not take it back."""
    gone, later = schema.consent.c, schema.consent.alias("later")
    again = exists().where(
        later.c.reader_id == gone.reader_id,
        later.c.id > gone.id,
        later.c.kind == Step.CAME_BACK.value,
    )
    return gone.kind.in_((Step.LEFT.value, Step.COMPLAINED.value)) & ~again


def usual_rate(issues: Sequence[Sending]) -> float | None:
    """The leaving rate in the middle of these issues' rates, None if none of them was sent."""
    rates = [rate for one in issues if (rate := one.leaving_rate) is not None]
    return median(rates) if rates else None


def _outcome(connection: Connection, key: str) -> dict[str, Any]:
    """What became of the copies of one issue, as a Sending calls it.

    Two passes over the issue's rows in the order they lie in: those that were sent are most and are only
    counted, so that but a few have to be sorted by state.
    """
    of_issue, is_sent = _row.issue_key == key, _row.state == State.SENT.value
    sent, first, last = connection.execute(
        select(func.count(), func.min(_row.committed_at), func.max(_row.committed_at)).where(
            of_issue, is_sent
        )
    ).one()
    counts: dict[str, int] = {}
    withheld: dict[str, int] = {}
    others = select(_row.state, _row.reason, func.count()).where(of_issue, ~is_sent)
    for state, reason, count in connection.execute(others.group_by(_row.state, _row.reason)):
        if state == State.WITHHELD:
            withheld[reason] = count
        else:
            name = State(state).name.lower()
            counts[name] = counts.get(name, 0) + count
    return counts | {
        "sent": sent,
        "withheld": withheld,
        "first_at": None if first is None else schema.moment(first),
        "last_at": None if last is None else schema.moment(last),
    }
