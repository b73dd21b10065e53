"""What became of an issue, counted or row by row: nobody is silently dropped."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, TextClause, and_, case, exists, func, not_, or_, select

from newsletter.model import Outcome, State
from newsletter.readers import schema
from newsletter.readers.database import Database

PAGE = 500

PAUSE = 10
"""Seconds between two copies from which on nothing was being sent in between."""

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

    `next_at` is None but for rows put off. `committed_at` and `host` say when and to whom the last copy was
    about to leave; `last_detail` is what the carrier said last, to the attempt `last_number`.
    """

    reader_id: str
    email: str
    name: str
    state: State
    attempts: int
    next_at: datetime | None
    reason: str
    committed_at: datetime | None
    host: str
    last_detail: str
    last_number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How fast copies were sent: so many in so many seconds of sending, pauses left out."""

    sent: int
    seconds: int

    @property
    def per_second(self) -> float:
        return self.sent / self.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far one issue has come in one database, whose lasting name is `instance`.

    `frozen_at` is None for an issue that it does not know. `gone` counts the readers whose copy may have left
    and whoever will get none: it never becomes smaller, whatever is decided.
    """

    instance: str
    frozen_at: datetime | None
    cancelled_at: datetime | None
    paused_at: datetime | None
    gone: int


class Accounts:
    """What the database of all issues says of one. Every method may raise StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def standing(self, issue_key: str) -> Standing:
        """How far the issue has come."""
        past = or_(_row.state != State.OWED.value, _row.committed_at.is_not(None))
        gone = select(func.count()).select_from(schema.delivery).where(_row.issue_key == issue_key, past)
        query = select(_issue.frozen_at, _issue.cancelled_at, _issue.paused_at).where(_issue.key == issue_key)
        with self._database.read() as connection:
            instance = connection.scalar(select(schema.about.c.instance_id))
            row = connection.execute(query).one_or_none()
            count = connection.scalar(gone) if row else 0
        return Standing(
            instance=instance or "",
            frozen_at=schema.moment(row.frozen_at) if row else None,
            cancelled_at=schema.moment(row.cancelled_at) if row and row.cancelled_at is not None else None,
            paused_at=schema.moment(row.paused_at) if row and row.paused_at is not None else None,
            gone=count or 0,
        )

    def has_left(self, issue_key: str) -> bool:
        """Whether any copy of the issue may have left."""
        left = select(_row.reader_id).where(
            _row.issue_key == issue_key, _row.state.in_((State.SENT.value, State.IN_DOUBT.value))
        )
        with self._database.read() as connection:
            return connection.execute(left.limit(1)).one_or_none() is not None

    def issues_out(self) -> dict[str, str]:
        """The issues that were sent or are being sent: key -> the digests of the files they were made of.

        One that is frozen is, for its first copy may leave at any moment; but not one that was cancelled or
        came too late before anybody got it.
        """
        mine = _row.issue_key == _issue.key
        got = exists().where(mine, _row.state.in_((State.SENT.value, State.IN_DOUBT.value)))
        waiting = exists().where(mine, schema.is_owed)
        late = exists().where(mine, _row.state == State.EXPIRED.value)
        out = or_(got, and_(_issue.cancelled_at.is_(None), or_(waiting, not_(late))))
        query = select(_issue.key, _issue.files).where(out).order_by(_issue.key)
        with self._database.read() as connection:
            return {row.key: row.files for row in connection.execute(query)}

    def rate(self, issue_key: str) -> Rate | None:
        """How fast the issue was sent, or None if no copy of it was."""
        sent = and_(_attempt.issue_key == issue_key, _attempt.outcome == Outcome.SENT.value)
        at = select(_attempt.at, func.count().label("sent")).where(sent).group_by(_attempt.at).subquery()
        before = func.lag(at.c.at).over(order_by=at.c.at)
        steps = select(at.c.sent, (at.c.at - before).label("step")).subquery()
        step = case((steps.c.step <= PAUSE, steps.c.step), else_=1)
        with self._database.read() as connection:
            count, seconds = connection.execute(select(func.sum(steps.c.sent), func.sum(step))).one()
        return Rate(sent=int(count), seconds=int(seconds)) if count else None


def tally(connection: Connection, issue_key: str) -> Tally | None:
    """The count of each state, or None if the issue was never frozen."""
    audience = connection.scalar(select(_issue.audience).where(_issue.key == issue_key))
    if audience is None:
        return None

    def count(which: ColumnElement[bool] | TextClause) -> int:
        rows = select(func.count()).select_from(schema.delivery).where(_row.issue_key == issue_key, which)
        return connection.scalar(rows) or 0

    # Grouping by the state would sort all rows first; the index has those that are unsettled.
    few = (State.REFUSED.value, State.EXPIRED.value, State.WITHHELD.value)
    query = select(_row.state, _row.reason, func.count()).where(_row.issue_key == issue_key)
    settled = connection.execute(query.where(_row.state.in_(few)).group_by(_row.state, _row.reason)).all()
    return Tally(
        audience=audience,
        owed=count(schema.is_owed),
        in_doubt=count(schema.is_in_doubt),
        sent=count(_row.state == State.SENT.value),
        refused=sum(number for state, _, number in settled if state == State.REFUSED),
        expired=sum(number for state, _, number in settled if state == State.EXPIRED),
        withheld={reason: number for state, reason, number in settled if state == State.WITHHELD},
    )


def page_of_rows(
    connection: Connection, issue_key: str, state: State | None, *, after: str
) -> tuple[list[LedgerRow], str | None]:
    """The rows that follow the reader id `after`, and the id to go on from, None at the end."""
    of_row = and_(_attempt.issue_key == _row.issue_key, _attempt.reader_id == _row.reader_id)
    last = (
        select(column)
        .where(of_row, _attempt.detail != "")
        .order_by(_attempt.number.desc(), _attempt.at.desc())
        .limit(1)
        .scalar_subquery()
        .label(f"last_{column.name}")
        for column in (_attempt.detail, _attempt.number)
    )
    query = (
        select(schema.delivery, _reader.email, _reader.name, *last)
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
            committed_at=None if row.committed_at is None else schema.moment(row.committed_at),
            host=row.host,
            last_detail=row.last_detail or "",
            last_number=row.last_number or 0,
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
