"""What a person decides about an issue that is on its way: to end it, to settle its doubts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, and_, func, insert, literal, not_, or_, select, update

from newsletter.errors import StoreError
from newsletter.model import Outcome, State
from newsletter.readers import schema
from newsletter.readers.database import Database
from newsletter.readers.entries import CANCELLED

AT_ONCE = 500
"""Rows named in one statement: SQLite knows no end of parameters only since its version 3.32."""

UNKNOWN = "the database was restored from a backup: whether this copy had left is not known"

_row = schema.delivery.c
_issue = schema.issue.c
_decision = schema.decision.c


class Kind(StrEnum):
    """What was decided."""

    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    SENT = "sent"
    RESEND = "resend"
    RESTORED = "restored"


# What a doubt becomes; one that is to be sent again keeps its number, so that the next copy has the next one.
_SETTLED = {Kind.SENT: State.SENT, Kind.RESEND: State.OWED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One decision, made about so many readers at the same moment; `note` is that of the first of them."""

    at: datetime
    who: str
    kind: Kind
    readers: int
    note: str


class Decisions:
    """The decisions kept in one database, each with who and when. Every method may raise StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def cancel(self, issue_key: str, *, who: str, now: datetime) -> int:
        """End a frozen issue for good: whoever is owed it gets nothing more; returns how many that are.

        Doubts stay. A run that is at it finds its commits vetoed from the first moment on, and ends.
        Cancelling once more takes in who is owed the issue again since, by a late answer of the carrier.
        """
        cancelled = {"cancelled_at": func.coalesce(_issue.cancelled_at, schema.seconds(now))}
        withheld = {"state": State.WITHHELD.value, "reason": CANCELLED, "next_at": None}
        # Known to all runs before the rows are gone through, which may take a while.
        with self._database.write(issue=issue_key) as connection:
            issue = update(schema.issue).where(_issue.key == issue_key).values(cancelled)
            if not connection.execute(issue).rowcount:
                raise StoreError(f"{issue_key!r} was never frozen", where=self._database.where)
        with self._database.write(issue=issue_key) as connection:
            count = connection.execute(
                update(schema.delivery).where(_owed(issue_key)).values(withheld)
            ).rowcount
            _note(connection, issue_key, Kind.CANCEL, who, now, {None: str(count)})
        return count

    def pause(self, issue_key: str, *, who: str, now: datetime, note: str = "") -> bool:
        """Hold a frozen issue: nothing more leaves from this moment on, and whoever is owed it stays so.

        False if somebody has paused it already, or it was cancelled.
        """
        free = or_(_issue.paused_at.is_(None), not_(_paused_by_somebody(issue_key)))
        mine = and_(_issue.key == issue_key, free, _issue.cancelled_at.is_(None))
        return self._hold(mine, {"paused_at": schema.seconds(now)}, issue_key, Kind.PAUSE, who, now, note)

    def resume(self, issue_key: str, *, who: str, now: datetime) -> bool:
        """Let a paused issue go on; False if it is not paused."""
        mine = and_(_issue.key == issue_key, _issue.paused_at.is_not(None))
        return self._hold(mine, {"paused_at": None}, issue_key, Kind.RESUME, who, now, "")

    def let_go(self, issue_key: str) -> None:
        """Let an issue go on that was held at its freeze: that nobody decided, and it is not noted.

        One that somebody has paused meanwhile stays so.
        """
        mine = and_(_issue.key == issue_key, not_(_paused_by_somebody(issue_key)))
        with self._database.write(issue=issue_key) as connection:
            connection.execute(update(schema.issue).where(mine).values(paused_at=None))

    def _hold(
        self,
        which: ColumnElement[bool],
        values: dict[str, int | None],
        issue_key: str,
        kind: Kind,
        who: str,
        now: datetime,
        note: str,
    ) -> bool:
        with self._database.write(issue=issue_key) as connection:
            if not connection.execute(update(schema.issue).where(which).values(values)).rowcount:
                return False
            count = connection.scalar(
                select(func.count()).select_from(schema.delivery).where(_owed(issue_key))
            )
            _note(connection, issue_key, kind, who, now, {None: f"{count} {note}".rstrip()})
        return True

    def settle(
        self, issue_key: str, notes: Mapping[str, str], *, kind: Kind, who: str, now: datetime
    ) -> list[str]:
        """Settle these doubts, reader id -> why: SENT or RESEND, which makes them owed again, at once.

        Returns the ids of those that were still in doubt; the others stay as they are.
        """
        settled = {"state": _SETTLED[kind].value, "next_at": None}
        in_doubt = and_(_row.issue_key == issue_key, _row.state == State.IN_DOUBT.value)
        ids = list(notes)
        done: list[str] = []
        with self._database.write(issue=issue_key) as connection:
            for start in range(0, len(ids), AT_ONCE):
                named = _row.reader_id.in_(ids[start : start + AT_ONCE])
                statement = update(schema.delivery).where(in_doubt, named).values(settled)
                done += connection.scalars(statement.returning(_row.reader_id))
            _note(connection, issue_key, kind, who, now, {reader_id: notes[reader_id] for reader_id in done})
        return done

    def doubt_all(self, issue_key: str, *, who: str, now: datetime) -> int:
        """Take as in doubt whoever a restored database has as owed; returns how many that are.

        Their copies may have left after the backup was made, at any time since the freeze.
        """
        number = _row.attempts + 1
        event = [_row.issue_key, _row.reader_id, number, literal(schema.seconds(now))]
        event += [literal(value) for value in (Outcome.IN_DOUBT.value, "", 0, UNKNOWN, "", "", 0)]
        frozen_at = select(_issue.frozen_at).where(_issue.key == issue_key).scalar_subquery()
        in_doubt = {
            "state": State.IN_DOUBT.value,
            "attempts": number,
            "next_at": None,
            "committed_at": func.coalesce(_row.committed_at, frozen_at),
        }
        owed = _owed(issue_key)
        with self._database.write(issue=issue_key) as connection:
            names = [column.name for column in schema.attempt.c]
            connection.execute(insert(schema.attempt).from_select(names, select(*event).where(owed)))
            count = connection.execute(update(schema.delivery).where(owed).values(in_doubt)).rowcount
            _note(connection, issue_key, Kind.RESTORED, who, now, {None: str(count)})
        return count

    def made(self, issue_key: str) -> list[Decision]:
        """The decisions about one issue in their order; those made of many readers at once are one."""
        query = (
            select(
                _decision.at,
                _decision.who,
                _decision.kind,
                func.count(_decision.reader_id).label("readers"),
                func.min(_decision.id).label("first"),
            )
            .where(_decision.issue_key == issue_key)
            .group_by(_decision.at, _decision.who, _decision.kind)
            .subquery()
        )
        joined = select(query, _decision.note).join(schema.decision, _decision.id == query.c.first)
        with self._database.read() as connection:
            rows = connection.execute(joined.order_by(query.c.first)).all()
        return [
            Decision(
                at=schema.moment(row.at),
                who=row.who,
                kind=Kind(row.kind),
                readers=row.readers or int(row.note.partition(" ")[0]),
                note=row.note if row.readers else row.note.partition(" ")[2],
            )
            for row in rows
        ]


def _owed(issue_key: str) -> ColumnElement[bool]:
    return and_(_row.issue_key == issue_key, _row.state == State.OWED.value)


def _paused_by_somebody(issue_key: str) -> ColumnElement[bool]:
    """Whether the last to hold the issue, or to let it go on, was a person who has paused it."""
    of_pauses = and_(
        _decision.issue_key == issue_key, _decision.kind.in_([Kind.PAUSE.value, Kind.RESUME.value])
    )
    last = select(_decision.kind).where(of_pauses).order_by(_decision.id.desc()).limit(1)
    return func.coalesce(last.scalar_subquery(), "") == Kind.PAUSE.value


def _note(
    connection: Connection,
    issue_key: str,
    kind: Kind,
    who: str,
    now: datetime,
    notes: Mapping[str, str] | Mapping[None, str],
) -> None:
    rows = [
        {
            "issue_key": issue_key,
            "reader_id": reader_id,
            "at": schema.seconds(now),
            "who": who,
            "kind": kind.value,
            "note": note,
        }
        for reader_id, note in notes.items()
    ]
    if rows:
        connection.execute(insert(schema.decision), rows)
