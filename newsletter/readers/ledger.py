"""Who is owed which issue, and what became of it: the states of delivery.md §1, kept in the database."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, delete, exists, func, insert, literal, select, update

from newsletter.errors import StoreError, Vetoed
from newsletter.model import Outcome, Reader, State, Status
from newsletter.readers import schema
from newsletter.readers.accounts import LedgerRow, Tally, issue_keys, page_of_rows, tally
from newsletter.readers.database import Database
from newsletter.readers.store import as_reader

ERASED = "erased"
CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """An issue as it was when its first copy could leave; `template` is all that makes its messages."""

    key: str
    fingerprint: str
    subject: str
    template: str
    date: datetime
    frozen_at: datetime


# What may follow on what; anything else is a mistake of the caller. From sent, refused, withheld and expired
# nothing leads on.
_NEXT = {
    (State.OWED, Outcome.DEFERRED): State.OWED,
    (State.OWED, Outcome.REFUSED): State.REFUSED,
    (State.OWED, Outcome.WITHHELD): State.WITHHELD,
    (State.IN_DOUBT, Outcome.SENT): State.SENT,
    (State.IN_DOUBT, Outcome.DEFERRED): State.OWED,
    (State.IN_DOUBT, Outcome.REFUSED): State.REFUSED,
    (State.IN_DOUBT, Outcome.IN_DOUBT): State.IN_DOUBT,
}

_row = schema.delivery.c
_issue = schema.issue.c
_reader = schema.reader.c
_this_row = and_(_row.issue_key == bindparam("i"), _row.reader_id == bindparam("r"))
_of_issue = _row.issue_key == bindparam("i")

# The statements of the hot path are built once, so that their compiled text is found at once.
_COMMIT = (
    update(schema.delivery)
    .where(
        _this_row,
        schema.is_owed,
        schema.due_at <= bindparam("now"),
        exists().where(_reader.id == bindparam("r"), _reader.status == Status.ACTIVE.value),
        exists().where(_issue.key == bindparam("i"), _issue.cancelled_at.is_(None)),
    )
    .values(state=State.IN_DOUBT.value, next_at=None)
)
_WHY_NOT = (
    select(_row.state, _reader.status, _issue.cancelled_at)
    .join(schema.issue, _issue.key == _row.issue_key)
    .outerjoin(schema.reader, _reader.id == _row.reader_id)
    .where(_this_row)
)
_WITHHOLD = (
    update(schema.delivery)
    .where(_this_row, schema.is_owed)
    .values(state=State.WITHHELD.value, reason=bindparam("why"), next_at=None)
)
_RECORD = (
    update(schema.delivery)
    .where(_this_row, _row.state == bindparam("before"))
    .values(
        state=bindparam("after"),
        attempts=_row.attempts + bindparam("more"),
        next_at=bindparam("later"),
        reason=bindparam("why"),
    )
)
_ISSUE = select(schema.issue).where(_issue.key == bindparam("i"))
_STATE = select(_row.state).where(_this_row)
_NOTE = insert(schema.attempt)
_DUE = (
    select(_row.reader_id, _row.attempts, _reader.id, _reader.email, _reader.name, _reader.status)
    .select_from(schema.delivery)
    .outerjoin(schema.reader, _reader.id == _row.reader_id)
    .where(_of_issue, schema.is_owed, schema.due_at <= bindparam("now"))
    .order_by(schema.due_at, _row.reader_id)
    .limit(bindparam("limit"))
)
_NEXT_DUE = select(func.min(schema.due_at)).where(_of_issue, schema.is_owed)


class Ledger:
    """The ledger of one database; threads and runs may share it. Every method may raise StoreError.

    `rehearsal` says that the database is a rehearsal's own.
    """

    def __init__(self, database: Database, *, rehearsal: bool = False) -> None:
        self._database = database
        self._rehearsal = rehearsal
        # What this run has committed and not yet recorded. Only it may move such a row on: a "450" that
        # another run got before its own commit would make a message owed again that is about to be accepted.
        self._committed: set[tuple[str, str]] = set()

    def frozen(self, issue_key: str) -> Frozen | None:
        """The issue as frozen, or None if it is not."""
        with self._database.read() as connection:
            row = connection.execute(_ISSUE, {"i": issue_key}).one_or_none()
        return _as_frozen(row) if row else None

    def freeze(
        self, *, issue_key: str, fingerprint: str, subject: str, template: str, date: datetime, now: datetime
    ) -> Frozen:
        """Fix the issue's bytes and audience: from now on each active reader is owed it, and nobody else.

        If it is frozen already, perhaps by another run just now, returns that and changes nothing.
        """
        with self._database.write() as connection:
            row = connection.execute(_ISSUE, {"i": issue_key}).one_or_none()
            if row:
                return _as_frozen(row)
            active = _reader.status == Status.ACTIVE.value
            audience = connection.scalar(select(func.count()).select_from(schema.reader).where(active))
            connection.execute(
                insert(schema.issue).values(
                    key=issue_key,
                    fingerprint=fingerprint,
                    subject=subject,
                    template=template,
                    date=date.isoformat(),
                    audience=audience,
                    frozen_at=schema.seconds(now),
                )
            )
            values = [literal(issue_key), _reader.id, literal(State.OWED.value), literal(0), literal("")]
            connection.execute(
                insert(schema.delivery).from_select(
                    ["issue_key", "reader_id", "state", "attempts", "reason"],
                    select(*values).where(active).order_by(_reader.id),
                )
            )
            return _as_frozen(connection.execute(_ISSUE, {"i": issue_key}).one())

    def due(self, issue_key: str, now: datetime, limit: int) -> list[tuple[Reader, int]]:
        """Up to `limit` readers to be tried now, each with the tries made so far; first those never put off.

        They need not be active any more: `commit` decides that. Rows of erased readers become withheld here,
        since there is nobody left to write to.
        """
        values = {"i": issue_key, "now": schema.seconds(now), "limit": limit}
        with self._database.read() as connection:
            rows = connection.execute(_DUE, values).all()
        if all(row.id for row in rows):
            return [(as_reader(row), row.attempts) for row in rows]
        with self._database.write() as connection:
            for row in rows:
                if not row.id:
                    _withhold(connection, issue_key, row.reader_id, ERASED, now)
        return self.due(issue_key, now, limit)

    def next_due(self, issue_key: str) -> datetime | None:
        """When the next owed row is due (1970 if it was never put off), or None if nobody is owed."""
        with self._database.read() as connection:
            at = connection.scalar(_NEXT_DUE, {"i": issue_key})
        return None if at is None else schema.moment(at)

    def commit(self, issue_key: str, reader_id: str, now: datetime) -> None:
        """Turn the row from owed to in doubt, durably: the last step before the dot (delivery.md R1, R2).

        Raises Vetoed, and then nothing may leave: with a reason if the reader is no longer to be written to,
        who is then withheld, noted and needs no `record`; without one if another run has the row, or was told
        to wait with it. Raises StoreError if nothing could be written, and then too nothing may leave.
        """
        values = {"i": issue_key, "r": reader_id, "now": schema.seconds(now)}
        with self._database.write() as connection:
            won = connection.execute(_COMMIT, values).rowcount == 1
            reason = "" if won else _why_not(connection, values)
            if reason:
                _withhold(connection, issue_key, reader_id, reason, now)
        if not won:
            words = f"withheld: {reason}" if reason else "another run has this row"
            raise Vetoed(words, reason=reason)
        self._committed.add((issue_key, reader_id))

    def record(
        self,
        issue_key: str,
        reader_id: str,
        *,
        outcome: Outcome,
        now: datetime,
        next_at: datetime | None = None,
        detail: str = "",
        phase: str = "",
        code: int = 0,
    ) -> None:
        """Note what an attempt gave, and move the row on if it is still this run's to move.

        `detail` is the carrier's reply, or the reason for withholding; `phase` and `code` are as in
        DeliveryError; `next_at` is when a deferred row is due again. The attempt is noted in any case; a row
        that another run has meanwhile, or that is settled, stays as it is. Raises StoreError, and notes
        nothing, for what cannot be: sent without a commit, withheld after one, a reader never owed the issue.
        """
        own = (issue_key, reader_id) in self._committed
        evident = outcome in (Outcome.SENT, Outcome.IN_DOUBT)  # who says so must have committed (R3, R4)
        before = State.IN_DOUBT if own or evident else State.OWED
        after = _NEXT.get((before, outcome))
        if after is None:
            raise self._impossible(issue_key, reader_id, before, outcome)
        values = {
            "i": issue_key,
            "r": reader_id,
            "before": before.value,
            "after": after.value,
            "more": int(outcome is not Outcome.WITHHELD and (own or not evident)),
            "later": schema.seconds(next_at) if next_at and after is State.OWED else None,
            "why": detail if after is State.WITHHELD else "",
        }
        with self._database.write() as connection:
            if connection.execute(_RECORD, values).rowcount != 1:
                state = connection.scalar(_STATE, {"i": issue_key, "r": reader_id})
                if state is None or (outcome is Outcome.SENT and state != State.SENT):
                    raise self._impossible(issue_key, reader_id, state, outcome)
            _note(connection, issue_key, reader_id, now, outcome, phase=phase, code=code, detail=detail)
        self._committed.discard((issue_key, reader_id))

    def expire(self, issue_key: str, now: datetime) -> int:
        """Give up on all that are still owed the issue; returns how many."""
        owed = and_(_row.issue_key == issue_key, schema.is_owed)
        nothing = literal("")
        event = [_row.issue_key, _row.reader_id, literal(schema.seconds(now)), literal(State.EXPIRED.value)]
        with self._database.write() as connection:
            connection.execute(
                insert(schema.attempt).from_select(
                    ["issue_key", "reader_id", "at", "outcome", "phase", "code", "detail"],
                    select(*event, nothing, literal(0), nothing).where(owed),
                )
            )
            expired = {"state": State.EXPIRED.value, "next_at": None}
            return connection.execute(update(schema.delivery).where(owed).values(expired)).rowcount

    def begin_again(self, issue_key: str) -> None:
        """Forget an issue and all its rows, so that a rehearsal can be held once more."""
        if not self._rehearsal:
            raise StoreError("only a rehearsal can begin again", where=str(self._database.path))
        with self._database.write() as connection:
            connection.execute(delete(schema.attempt).where(schema.attempt.c.issue_key == issue_key))
            connection.execute(delete(schema.delivery).where(_row.issue_key == issue_key))
            connection.execute(delete(schema.issue).where(_issue.key == issue_key))

    def tally(self, issue_key: str) -> Tally:
        """The count of each state; raises StoreError if the issue was never frozen."""
        with self._database.read() as connection:
            found = tally(connection, issue_key)
        if found is None:
            raise StoreError(f"the issue {issue_key!r} was never frozen", where=str(self._database.path))
        return found

    def rows(self, issue_key: str, state: State | None = None) -> Iterator[LedgerRow]:
        """The issue's rows, or those in one state, a page in memory at a time."""
        last: str | None = ""
        while last is not None:
            with self._database.read() as connection:
                page, last = page_of_rows(connection, issue_key, state, after=last)
            yield from page

    def issue_keys(self) -> dict[str, bool]:
        """The frozen issues in order, each with whether it is done."""
        with self._database.read() as connection:
            return issue_keys(connection)

    def _impossible(self, issue_key: str, reader_id: str, state: str | None, outcome: Outcome) -> StoreError:
        held = f"is {state}" if state else "was never owed the issue"
        message = f"issue {issue_key!r}: reader {reader_id!r} {held}, so it cannot be noted as {outcome}"
        return StoreError(message, where=str(self._database.path))


def _as_frozen(row: Row[Any]) -> Frozen:
    return Frozen(
        key=row.key,
        fingerprint=row.fingerprint,
        subject=row.subject,
        template=row.template,
        date=datetime.fromisoformat(row.date),
        frozen_at=schema.moment(row.frozen_at),
    )


def _why_not(connection: Connection, values: Mapping[str, object]) -> str:
    """Why this row may not be committed, or "" if it is not, or not yet, this run's to commit."""
    row = connection.execute(_WHY_NOT, values).one_or_none()
    if row is None or row.state != State.OWED:
        return ""
    if row.cancelled_at is not None:
        return CANCELLED
    if row.status is None:
        return ERASED
    return "" if row.status == Status.ACTIVE else str(row.status)


def _withhold(connection: Connection, issue_key: str, reader_id: str, reason: str, now: datetime) -> None:
    """Turn an owed row to withheld; one that is no longer owed stays as it is."""
    values = {"i": issue_key, "r": reader_id, "why": reason}
    if connection.execute(_WITHHOLD, values).rowcount == 1:
        _note(connection, issue_key, reader_id, now, Outcome.WITHHELD, detail=reason)


def _note(
    connection: Connection,
    issue_key: str,
    reader_id: str,
    now: datetime,
    outcome: Outcome,
    *,
    phase: str = "",
    code: int = 0,
    detail: str = "",
) -> None:
    event: dict[str, object] = {"issue_key": issue_key, "reader_id": reader_id, "at": schema.seconds(now)}
    event |= {"outcome": outcome.value, "phase": phase, "code": code, "detail": detail}
    connection.execute(_NOTE, event)
