"""Who is owed which issue, and what became of it: the states of delivery.md §1, kept in the database."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, exists, func, insert, literal, select, update

from newsletter.errors import StoreError
from newsletter.model import Commit, Delivery, Owed, State, Status
from newsletter.readers import schema
from newsletter.readers.accounts import LedgerRow, Tally, issue_keys, page_of_rows, tally
from newsletter.readers.database import Database, Driver
from newsletter.readers.entries import (
    ERASED,
    ImpossibleError,
    NotAllError,
    commit_all,
    commit_some,
    record,
    withhold,
)
from newsletter.readers.queue import EVERYBODY, page


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """An issue as it was when its first copy could leave.

    `template` is all that makes its messages, `files` a digest of the files it was composed from.
    """

    key: str
    fingerprint: str
    subject: str
    template: str
    date: datetime
    frozen_at: datetime
    files: str


_row = schema.delivery.c
_issue = schema.issue.c
_reader = schema.reader.c
_of_issue = _row.issue_key == bindparam("i")

_ISSUE = select(schema.issue).where(_issue.key == bindparam("i"))
_COUNT_OWED = select(func.count()).select_from(schema.delivery).where(_of_issue, schema.is_owed)
_unpaused = exists().where(_issue.key == bindparam("i"), _issue.paused_at.is_(None))
_NEXT_DUE = select(func.min(schema.due_at)).where(_of_issue, schema.is_owed, _unpaused)
# The rows of the range are few, and found by their key; the index of what is due would go through all that
# are owed. An aggregate of an outer query keeps PostgreSQL from that.
_part = (
    select(schema.due_at.label("due"), _row.state)
    .where(_of_issue, _row.reader_id > bindparam("first"), _row.reader_id <= bindparam("last"), _unpaused)
    .offset(0)
    .subquery()
)
_NEXT_DUE_WITHIN = select(func.min(_part.c.due)).where(_part.c.state == State.OWED.value)


class Ledger:
    """The ledger of one database; threads and runs may share it. Every method may raise StoreError.

    `rehearsal` says that the database is a rehearsal's own.
    """

    def __init__(self, database: Database, *, rehearsal: bool = False) -> None:
        self._database = database
        self._rehearsal = rehearsal

    def frozen(self, issue_key: str) -> Frozen | None:
        """The issue as frozen, or None if it is not."""
        with self._database.read() as connection:
            row = connection.execute(_ISSUE, {"i": issue_key}).one_or_none()
        return _as_frozen(row) if row else None

    def freeze(
        self,
        *,
        issue_key: str,
        fingerprint: str,
        subject: str,
        template: str,
        date: datetime,
        now: datetime,
        files: str = "",
        held: bool = False,
    ) -> Frozen:
        """Fix the issue's bytes and audience: from now on each active reader is owed it, and nobody else.

        `held`, it waits for `Decisions.let_go`, so that no worker begins before all is in place.
        If it is frozen already, perhaps by another run just now, returns that and changes nothing.
        """
        with self._database.write(issue=issue_key) as connection:
            row = connection.execute(_ISSUE, {"i": issue_key}).one_or_none()
            if row:
                return _as_frozen(row)
            connection.execute(
                insert(schema.issue).values(
                    key=issue_key,
                    fingerprint=fingerprint,
                    subject=subject,
                    template=template,
                    date=date.isoformat(),
                    audience=0,
                    frozen_at=schema.seconds(now),
                    paused_at=schema.seconds(now) if held else None,
                    files=files,
                )
            )
            # Readers come and go meanwhile: only of one statement it is sure which of them it has seen.
            values = [literal(issue_key), _reader.id, literal(State.OWED.value), literal(0), literal("")]
            owed = connection.execute(
                insert(schema.delivery).from_select(
                    ["issue_key", "reader_id", "state", "attempts", "reason"],
                    select(*values).where(_reader.status == Status.ACTIVE.value).order_by(_reader.id),
                ),
                execution_options={"preserve_rowcount": True},
            )
            connection.execute(
                update(schema.issue).where(_issue.key == issue_key).values(audience=owed.rowcount)
            )
            frozen = _as_frozen(connection.execute(_ISSUE, {"i": issue_key}).one())
        self._database.take_stock(schema.delivery.name)
        return frozen

    def due(
        self,
        issue_key: str,
        now: datetime,
        limit: int,
        after: Owed | None = None,
        start: str = "",
        *,
        within: tuple[str, str] = EVERYBODY,
    ) -> list[Owed]:
        """Up to `limit` readers to be tried now, first those never put off, then by id.

        It goes on after `after`, or begins after the reader id `start`, and keeps to the ids between those
        of `within`, the first left out. Nobody is due while the issue is paused. The readers need not be
        active any more: `write` decides that. Rows of erased readers become withheld here, since there is
        nobody left to write to.
        """
        while True:
            with self._database.drive(writing=False) as driver:
                found, erased = page(driver, issue_key, now, limit, after, start, within)
            if not erased:
                return found
            with self._database.drive(writing=True) as driver:
                for reader_id in erased:
                    withhold(driver, issue_key, reader_id, ERASED, now)

    def next_due(self, issue_key: str, *, within: tuple[str, str] | None = None) -> datetime | None:
        """When the next owed row is due (1970 if it was never put off).

        None if nobody is owed, among all or those `within` a range of ids, or while the issue is paused.
        """
        with self._database.read() as connection:
            if within:
                row = {"i": issue_key, "first": within[0], "last": within[1]}
                at = connection.scalar(_NEXT_DUE_WITHIN, row)
            else:
                at = connection.scalar(_NEXT_DUE, {"i": issue_key})
        return None if at is None else schema.moment(at)

    def write(
        self,
        issue_key: str,
        *,
        deliveries: Sequence[Delivery] = (),
        commits: Sequence[Commit] = (),
        now: datetime,
    ) -> Mapping[str, str]:
        """Note what became of messages, then commit others, in one durable transaction.

        A commit turns a row from owed to in doubt: the last step before the dot (delivery.md R1, R2). Returns
        the vetoes, reader id -> reason; for these nothing may leave. The reason is empty if another run has
        the row, or was told to wait with it; else the reader is not to be written to any more, and is now
        withheld. Raises StoreError if nothing could be written; then nothing may leave, and what became of
        the messages is still to be noted. Raises it too for what cannot be, as a message sent without a
        commit.
        """
        try:
            try:
                return self._write(issue_key, deliveries, commits, commit_all, now)
            except NotAllError:
                return self._write(issue_key, deliveries, commits, commit_some, now)
        except ImpossibleError as error:
            raise StoreError(f"issue {issue_key!r}: reader {error}", where=self._database.where) from error

    def _write(
        self,
        issue_key: str,
        deliveries: Sequence[Delivery],
        commits: Sequence[Commit],
        commit: Callable[[Driver, str, Sequence[Commit], datetime], dict[str, str]],
        now: datetime,
    ) -> dict[str, str]:
        with self._database.drive(writing=True) as driver:
            record(driver, issue_key, deliveries)
            return commit(driver, issue_key, commits, now)

    def expire(self, issue_key: str, now: datetime) -> int:
        """Give up on all that are still owed the issue; returns how many."""
        mine, said = _row.issue_key == issue_key, schema.attempt.c
        nothing, zero = literal(""), literal(0)
        at, outcome = literal(schema.seconds(now)), literal(State.EXPIRED.value)
        event = [_row.issue_key, _row.reader_id, _row.attempts, at, outcome]
        noted = exists().where(
            said.issue_key == _row.issue_key, said.reader_id == _row.reader_id, said.outcome == outcome
        )
        expired = {"state": State.EXPIRED.value, "next_at": None}
        with self._database.write(issue=issue_key) as connection:
            gone = connection.execute(update(schema.delivery).where(mine, schema.is_owed).values(expired))
            # Those that are noted are those that were taken, whatever another run has done meanwhile.
            connection.execute(
                insert(schema.attempt).from_select(
                    [column.name for column in schema.attempt.c],
                    select(*event, nothing, zero, nothing, nothing, nothing, zero).where(
                        mine, _row.state == State.EXPIRED.value, ~noted
                    ),
                )
            )
            return gone.rowcount

    def begin_again(self, issue_key: str) -> None:
        """Forget an issue and all its rows, so that a rehearsal can be held once more."""
        if not self._rehearsal:
            raise StoreError("only a rehearsal can begin again", where=self._database.where)
        with self._database.write(issue=issue_key) as connection:
            connection.execute(delete(schema.attempt).where(schema.attempt.c.issue_key == issue_key))
            connection.execute(delete(schema.delivery).where(_row.issue_key == issue_key))
            connection.execute(delete(schema.issue).where(_issue.key == issue_key))

    def count_owed(self, issue_key: str) -> int:
        """How many are still owed the issue; a fraction of what it takes to `tally` them all."""
        with self._database.read() as connection:
            return connection.scalar(_COUNT_OWED, {"i": issue_key}) or 0

    def tally(self, issue_key: str) -> Tally:
        """The count of each state; raises StoreError if the issue was never frozen."""
        with self._database.read() as connection:
            found = tally(connection, issue_key)
        if found is None:
            raise StoreError(f"the issue {issue_key!r} was never frozen", where=self._database.where)
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


def _as_frozen(row: Row[Any]) -> Frozen:
    return Frozen(
        key=row.key,
        fingerprint=row.fingerprint,
        subject=row.subject,
        template=row.template,
        date=datetime.fromisoformat(row.date),
        frozen_at=schema.moment(row.frozen_at),
        files=row.files,
    )
