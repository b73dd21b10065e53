"""An issue in parts: which batches of readers it falls into, who has each, and which are closed."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    exists,
    func,
    insert,
    literal,
    literal_column,
    not_,
    or_,
    select,
    text,
    update,
)

from newsletter.model import State
from newsletter.readers import schema, work
from newsletter.readers.database import Database

LEAST, MOST = 250, 5000
"""Readers of a batch: so few that a slow one holds up little, so many that its start costs nothing."""

PARTS = 12
"""Batches that an issue falls into where these bounds let it."""

_batch = work.batch.c
_row = schema.delivery.c
_issue = schema.issue.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The readers of an issue with the ids behind `after`, up to and with `last`, and the relay they go by.

    `worker` is who took it on last, "" if nobody has yet, at the try number `tries`.
    """

    id: int
    issue_key: str
    after: str
    last: str
    readers: int
    relay: str
    mark: str
    worker: str
    tries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How an issue is shared out: the relay of each of so many batches, the mark of the key for links."""

    relays: Callable[[int], Sequence[str]]
    mark: str


Enqueue = Callable[[Connection, Sequence[Batch], datetime | None], None]
"""What hands batches to workers within a transaction, at once or from a moment on."""

_mine = and_(_row.issue_key == _batch.issue_key, _row.reader_id > _batch.after, _row.reader_id <= _batch.last)
# The rows of a batch are few, and found by their key: so the state is an expression, which is in no index, or
# all that are owed the issue would be gone through. An OFFSET keeps that question apart for each batch.
_owed = exists(
    select(_row.reader_id)
    .where(_mine, _row.state.concat("") == State.OWED.value)
    .offset(0)
    .correlate(work.batch)
)
# Asked of all batches that are closed, it must not go through their rows. The queue's index has those owed at
# once by their ids; of those put off, which are not many, each is asked for the batch that it is in.
_AT_ONCE: ColumnElement[int] = literal_column("0")
_owed_at_once = exists(
    select(_row.reader_id)
    .where(_mine, schema.is_owed, schema.due_at == _AT_ONCE)
    .offset(0)
    .correlate(work.batch)
)
_other = work.batch.alias()
_holder = (
    select(_other.c.id)
    .where(_other.c.issue_key == _row.issue_key, _other.c.after < _row.reader_id)
    .order_by(_other.c.after.desc())
    .limit(1)
    .correlate(schema.delivery)
    .scalar_subquery()
)
_going = and_(_issue.key == _batch.issue_key, _issue.cancelled_at.is_(None), _issue.paused_at.is_(None))


class Batches:
    """The batches kept in one database. Every method may raise StoreError."""

    def __init__(self, database: Database, enqueue: Enqueue) -> None:
        self._database = database
        self._enqueue = enqueue

    # ---- handing over ----

    def go_on(self, issue_key: str, plan: Plan, live: Callable[[], Collection[int]]) -> int:
        """Hand to the workers what is owed of an issue and in nobody's hands; how many batches that are.

        An issue that is not cut into batches yet is now. `live` are the ids of the batches that are in
        somebody's hands or wait for them.
        """
        with self._database.write(issue=issue_key) as connection:
            there = select(_batch.id).where(_batch.issue_key == issue_key).limit(1)
            if connection.execute(there).first() is None:
                _cut(connection, issue_key, plan)
            return self._hand_over(connection, issue_key, live)

    def reconcile(self, issue_key: str, live: Collection[int]) -> int:
        """Hand over what has been lost on the way; an issue that is paused stays so."""
        with self._database.write(issue=issue_key) as connection:
            held = select(_issue.paused_at).where(_issue.key == issue_key)
            if connection.scalar(held) is not None:
                return 0
            return self._hand_over(connection, issue_key, lambda: live)

    def _hand_over(self, connection: Connection, issue_key: str, live: Callable[[], Collection[int]]) -> int:
        _open_again(connection, issue_key)
        known = live()
        query = select(work.batch).where(_batch.issue_key == issue_key, _batch.closed_at.is_(None))
        found = [_as_batch(row) for row in connection.execute(query.order_by(_batch.id))]
        lost = [batch for batch in found if batch.id not in known]
        self._enqueue(connection, lost, None)
        return len(lost)

    def under_way(self) -> list[str]:
        """The issues that workers have to do with: neither cancelled nor paused, and not done."""
        of_issue = _batch.issue_key == _issue.key
        left = or_(
            exists().where(of_issue, _batch.closed_at.is_(None)),
            and_(exists().where(of_issue), exists().where(_row.issue_key == _issue.key, schema.is_owed)),
        )
        query = select(_issue.key).where(_issue.cancelled_at.is_(None), _issue.paused_at.is_(None), left)
        with self._database.read() as connection:
            return list(connection.scalars(query.order_by(_issue.key)))

    def counts(self, issue_key: str) -> tuple[int, int]:
        """How many batches an issue has, and how many of them are closed."""
        query = select(func.count(), func.count(_batch.closed_at)).where(_batch.issue_key == issue_key)
        with self._database.read() as connection:
            every, closed = connection.execute(query).one()
        return every, closed

    def waiting_for(self, issue_key: str) -> list[str]:
        """The relays by which the batches of an issue go that are not closed."""
        query = select(_batch.relay).where(_batch.issue_key == issue_key, _batch.closed_at.is_(None))
        with self._database.read() as connection:
            return list(connection.scalars(query.distinct().order_by(_batch.relay)))

    # ---- the work on one ----

    def begin(self, batch_id: int, worker: str) -> Batch | None:
        """Note who takes a batch on; None if there is nothing to do: it is closed, or its issue paused."""
        values = {"worker": worker, "begun_at": text(work.NOW), "tries": _batch.tries + 1}
        mine = and_(_batch.id == batch_id, _batch.closed_at.is_(None))
        with self._database.write(issue=f"batch {batch_id}") as connection:
            paused = exists().where(_issue.key == _batch.issue_key, _issue.paused_at.is_not(None))
            begun = update(work.batch).where(mine, not_(paused)).values(values)
            if not connection.execute(begun).rowcount:
                return None
            row = connection.execute(select(work.batch).where(_batch.id == batch_id)).one()
            return _as_batch(row)

    def end(self, batch: Batch, at: datetime | None, now: datetime) -> bool:
        """Close a batch of which nothing is owed, else hand it over again, from `at` on; says which.

        `at` and `now` are by the worker's clock. The queue goes by the database's, which may be ahead of it:
        the batch would come back at once, and again and again.
        """
        with self._database.write(issue=f"batch {batch.id}") as connection:
            mine = and_(_batch.id == batch.id, _batch.closed_at.is_(None))
            closed = update(work.batch).where(mine, not_(_owed)).values(closed_at=schema.seconds(now))
            if connection.execute(closed).rowcount:
                return True
            if connection.execute(select(_batch.id).where(mine, exists().where(_going))).first():
                later = at and connection.scalars(select(func.clock_timestamp())).one() + (at - now)
                self._enqueue(connection, [batch], later)
            return False


def _open_again(connection: Connection, issue_key: str) -> None:
    """Somebody may be owed it again since its batch was closed: by a late answer, or as a person decided."""
    later = select(_holder).where(_row.issue_key == issue_key, schema.is_owed, schema.due_at > _AT_ONCE)
    owed = or_(_owed_at_once, _batch.id.in_(later))
    again = and_(_batch.issue_key == issue_key, _batch.closed_at.is_not(None), owed)
    connection.execute(update(work.batch).where(again).values(closed_at=None))


def _cut(connection: Connection, issue_key: str, plan: Plan) -> None:
    """Cut a frozen issue into batches: ranges of ids that leave nobody out, since the rows are frozen too."""
    audience = connection.scalar(select(_issue.audience).where(_issue.key == issue_key)) or 0
    size = min(max(-(-audience // PARTS), LEAST), MOST)
    place = func.row_number().over(order_by=_row.reader_id) - 1
    rows = select(_row.reader_id, func.floor(place / literal(size)).label("part"))
    part = rows.where(_row.issue_key == issue_key).subquery()
    ends = connection.execute(
        select(func.max(part.c.reader_id), func.count()).group_by(part.c.part).order_by(part.c.part)
    ).all()
    after = ""
    values = []
    for (last, readers), relay in zip(ends, plan.relays(len(ends)), strict=True):
        values.append(
            {"issue_key": issue_key, "after": after, "last": last, "readers": readers}
            | {"relay": relay, "mark": plan.mark}
        )
        after = last
    if values:
        connection.execute(insert(work.batch), values)


def _as_batch(row: Any) -> Batch:
    return Batch(
        id=row.id,
        issue_key=row.issue_key,
        after=row.after,
        last=row.last,
        readers=row.readers,
        relay=row.relay,
        mark=row.mark,
        worker=row.worker,
        tries=row.tries,
    )
