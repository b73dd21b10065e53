"""What became of an issue, counted or row by row: nobody is silently dropped."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, exists, func, or_, select

from newsletter.model import State
from newsletter.readers import schema

PAGE = 500

_row = schema.delivery.c
_issue = schema.issue.c
_reader = schema.reader.c
_attempt = schema.attempt.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many readers of one issue are in which state; `audience` was counted at the freeze."""

    audience: int
    owed: int = 0
    in_doubt: int = 0
    sent: int = 0
    refused: int = 0
    expired: int = 0
    withheld: Mapping[str, int] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether everybody is accounted for."""
        settled = self.sent + self.refused + self.expired + sum(self.withheld.values())
        return self.audience == self.owed + self.in_doubt + settled

    @property
    def done(self) -> bool:
        return self.holds and not self.owed and not self.in_doubt


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """One reader and one issue; `email` is empty once the reader is erased.

    `next_at` is None but for rows put off; `last_detail` is what the carrier said last.
    """

    reader_id: str
    email: str
    name: str
    state: State
    attempts: int
    next_at: datetime | None
    reason: str
    last_detail: str


def tally(connection: Connection, issue_key: str) -> Tally | None:
    """The count of each state, or None if the issue was never frozen."""
    audience = connection.scalar(select(_issue.audience).where(_issue.key == issue_key))
    if audience is None:
        return None
    query = select(_row.state, _row.reason, func.count()).where(_row.issue_key == issue_key)
    counts = connection.execute(query.group_by(_row.state, _row.reason)).all()
    total = dict.fromkeys(State, 0)
    for state, _, number in counts:
        total[State(state)] += number
    return Tally(
        audience=audience,
        owed=total[State.OWED],
        in_doubt=total[State.IN_DOUBT],
        sent=total[State.SENT],
        refused=total[State.REFUSED],
        expired=total[State.EXPIRED],
        withheld={reason: number for state, reason, number in counts if state == State.WITHHELD},
    )


def page_of_rows(
    connection: Connection, issue_key: str, state: State | None, *, after: str
) -> tuple[list[LedgerRow], str | None]:
    """The rows that follow the reader id `after`, and the id to go on from, None at the end."""
    last_detail = (
        select(_attempt.detail)
        .where(_attempt.issue_key == _row.issue_key, _attempt.reader_id == _row.reader_id)
        .where(_attempt.detail != "")
        .order_by(_attempt.number.desc(), _attempt.at.desc())
        .limit(1)
        .scalar_subquery()
    )
    query = (
        select(schema.delivery, _reader.email, _reader.name, last_detail.label("last_detail"))
        .outerjoin(schema.reader, _reader.id == _row.reader_id)
        .where(_row.issue_key == issue_key, _row.reader_id > after)
        .order_by(_row.reader_id)
        .limit(PAGE)
    )
    if state:
        query = query.where(_row.state == state.value)
    page = [
        LedgerRow(
            reader_id=row.reader_id,
            email=row.email or "",
            name=row.name or "",
            state=State(row.state),
            attempts=row.attempts,
            next_at=None if row.next_at is None else schema.moment(row.next_at),
            reason=row.reason,
            last_detail=row.last_detail or "",
        )
        for row in connection.execute(query)
    ]
    return page, page[-1].reader_id if len(page) == PAGE else None


def issue_keys(connection: Connection) -> dict[str, bool]:
    """The frozen issues in order, each with whether it is done."""
    mine = _row.issue_key == _issue.key
    unsettled = or_(exists().where(mine, schema.is_owed), exists().where(mine, schema.is_in_doubt))
    rows = connection.execute(select(_issue.key, unsettled).order_by(_issue.key)).all()
    return {key: not waiting for key, waiting in rows}
