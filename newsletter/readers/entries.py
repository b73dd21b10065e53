"""The two entries that are made for every message: the commit before it leaves, and what became of it.

Both are made for many rows in one statement, since one durable transaction serves all messages that are ready
at the same moment (delivery.md R1).
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain

from newsletter.model import Commit, Delivery, Outcome, State, Status
from newsletter.readers import schema
from newsletter.readers.database import Driver

ERASED = "erased"
CANCELLED = "cancelled"

# Right whoever else commits, records or decides at the same time: each says which state it takes a row from.
_COMMIT = """
UPDATE delivery SET state = 'in doubt', attempts = ?2, next_at = NULL, committed_at = ?3, host = ?4
WHERE issue_key = ?1 AND reader_id IN FREE(?5)
  AND BY_KEY(state) = 'owed' AND attempts = ?2 - 1 AND coalesce(next_at, 0) <= ?3
  AND EXISTS (SELECT 1 FROM reader WHERE reader.id = delivery.reader_id AND reader.status = 'active')
  AND EXISTS (
    SELECT 1 FROM issue WHERE issue.key = ?1 AND issue.cancelled_at IS NULL AND issue.paused_at IS NULL)
"""
_WHY_NOT = """
SELECT delivery.state, reader.status, issue.cancelled_at, issue.paused_at
FROM delivery JOIN issue ON issue.key = delivery.issue_key LEFT JOIN reader ON reader.id = delivery.reader_id
WHERE delivery.issue_key = ?1 AND delivery.reader_id = ?2
"""
_SENT = """
UPDATE delivery SET state = 'sent', next_at = NULL
WHERE issue_key = ?1 AND reader_id IN THESE(?3)
  AND BY_KEY(state) IN ('in doubt', 'owed') AND attempts = ?2
"""
_RECORD = """
UPDATE delivery SET state = ?5, attempts = ?6, next_at = ?7, reason = ?8
WHERE issue_key = ?1 AND reader_id = ?2
  AND (?4 AND BY_KEY(state) = 'in doubt' AND attempts = ?3
       OR NOT ?4 AND BY_KEY(state) = 'owed' AND attempts = ?3 - 1)
"""
_WITHHOLD = """
UPDATE delivery SET state = 'withheld', reason = ?3, next_at = NULL
WHERE issue_key = ?1 AND reader_id IN FREE(?2) AND BY_KEY(state) = 'owed'
"""
_STATE = "SELECT state FROM delivery WHERE issue_key = ?1 AND reader_id = ?2"

# So many attempts are noted in one statement. The driver lets other threads run at each statement, and may
# then have to wait for them; `executemany` would do so for each row.
_AT_ONCE = (64, 16, 4, 1)
_INSERT = """
INSERT INTO attempt (issue_key, reader_id, number, at, outcome, phase, code, detail, host, tls, milliseconds)
VALUES {} ON CONFLICT DO NOTHING
"""
_NOTE = {rows: _INSERT.format(", ".join(["(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"] * rows)) for rows in _AT_ONCE}

_Note = tuple[str | int, ...]

# What a row becomes by what an attempt gave; one that was not committed cannot be sent or in doubt, one that
# was cannot be withheld.
_AFTER = {
    (False, Outcome.DEFERRED): State.OWED,
    (False, Outcome.REFUSED): State.REFUSED,
    (False, Outcome.WITHHELD): State.WITHHELD,
    (True, Outcome.DEFERRED): State.OWED,
    (True, Outcome.REFUSED): State.REFUSED,
    (True, Outcome.IN_DOUBT): State.IN_DOUBT,
    (True, Outcome.SENT): State.SENT,
}


class ImpossibleError(Exception):
    """What a caller says cannot have happened; the text says why."""


class NotAllError(Exception):
    """Some of the rows must not be committed."""


def commit_all(driver: Driver, issue_key: str, commits: Sequence[Commit], now: datetime) -> dict[str, str]:
    """What `commit_some` does where there is nothing to veto, and faster; returns {}.

    Raises NotAllError if there is; the transaction then holds what must not be kept.
    """
    for group, ids in _groups(commits):
        if driver.execute(_COMMIT, _values(issue_key, group, ids, now)).rowcount != len(ids):
            raise NotAllError
    return {}


def commit_some(driver: Driver, issue_key: str, commits: Sequence[Commit], now: datetime) -> dict[str, str]:
    """Turn these rows from owed to in doubt; returns the vetoes, reader id -> reason.

    A row passes only if it is still owed and due, its number is the next one, its reader still wants mail and
    the issue is neither cancelled nor paused. The reason is empty if another run has the row or was told to
    wait with it, or if all are to wait; else the row is withheld for it, and that is noted. Raises
    ImpossibleError if a reader is named twice: one of the two messages would have to stay, and nobody could
    tell which.
    """
    ((twice, times),) = Counter(one.reader_id for one in commits).most_common(1)
    if times > 1:
        raise ImpossibleError(f"{twice!r} cannot be committed twice at once")
    vetoes: dict[str, str] = {}
    for group, ids in _groups(commits):
        rows = driver.execute(
            f"{_COMMIT} RETURNING reader_id", _values(issue_key, group, ids, now)
        ).fetchall()
        passed = {reader_id for (reader_id,) in rows}
        for reader_id in ids:
            if reader_id not in passed:
                vetoes[reader_id] = _veto(driver, issue_key, reader_id, group[0], now)
    return vetoes


def _groups(commits: Sequence[Commit]) -> Iterable[tuple[tuple[int, str], list[str]]]:
    """Number and host -> the ids of the readers that have them in common."""
    groups: defaultdict[tuple[int, str], list[str]] = defaultdict(list)
    for one in commits:
        groups[one.number, one.host].append(one.reader_id)
    return groups.items()


def _values(issue_key: str, group: tuple[int, str], ids: list[str], now: datetime) -> tuple[object, ...]:
    number, host = group
    return issue_key, number, schema.seconds(now), host, json.dumps(ids)


def _veto(driver: Driver, issue_key: str, reader_id: str, number: int, now: datetime) -> str:
    row = driver.execute(_WHY_NOT, (issue_key, reader_id)).fetchone()
    state, status, cancelled_at, paused_at = row or ("", "", None, None)
    if state != State.OWED or (paused_at is not None and cancelled_at is None):
        return ""
    if cancelled_at is not None:
        reason = CANCELLED
    elif status is None:
        reason = ERASED
    elif status != Status.ACTIVE:
        reason = status
    else:
        return ""
    return reason if withhold(driver, issue_key, reader_id, reason, now, number=number) else ""


def withhold(
    driver: Driver, issue_key: str, reader_id: str, reason: str, now: datetime, *, number: int = 0
) -> bool:
    """Turn an owed row to withheld and note it.

    False for one that is no longer owed, or that somebody else is changing: it stays as it is.
    """
    if driver.execute(_WITHHOLD, (issue_key, json.dumps([reader_id]), reason)).rowcount != 1:
        return False
    at = schema.seconds(now)
    note = (issue_key, reader_id, number, at, Outcome.WITHHELD.value, "", 0, reason, "", "", 0)
    driver.execute(_NOTE[1], note)
    return True


def record(driver: Driver, issue_key: str, deliveries: Sequence[Delivery]) -> None:
    """Note what attempts gave, and move each row on if it is still that attempt's to move.

    The number and `committed` tell whose it is: a row that another run has meanwhile, or that is settled,
    stays as it is; but a late "sent" also holds for one that somebody has decided to send again, as long as
    that has not been done (R4). Raises ImpossibleError for what cannot be: an outcome that has no place
    before or after the commit, a reader who was never owed the issue.
    """
    sent: defaultdict[int, list[str]] = defaultdict(list)
    for delivery in deliveries:
        after = _AFTER.get((delivery.committed, delivery.outcome))
        if after is None:
            when = "after" if delivery.committed else "without"
            raise ImpossibleError(f"{delivery.recipient.id!r} cannot be {delivery.outcome} {when} a commit")
        if after is State.SENT:
            sent[delivery.number].append(delivery.recipient.id)
        else:
            _record_one(driver, issue_key, delivery, after)
    for number, ids in sent.items():
        if driver.execute(_SENT, (issue_key, number, json.dumps(ids))).rowcount != len(ids):
            _all_known(driver, issue_key, ids)
    _note_all(driver, list(_notes(issue_key, deliveries)))


def _record_one(driver: Driver, issue_key: str, delivery: Delivery, after: State) -> None:
    tried = after is not State.WITHHELD
    values = (
        issue_key,
        delivery.recipient.id,
        delivery.number,
        delivery.committed,
        after.value,
        delivery.number if tried else delivery.number - 1,
        schema.seconds(delivery.next_at) if delivery.next_at and after is State.OWED else None,
        "" if tried else delivery.detail,
    )
    if driver.execute(_RECORD, values).rowcount != 1:
        _all_known(driver, issue_key, (delivery.recipient.id,))


def _all_known(driver: Driver, issue_key: str, ids: Iterable[str]) -> None:
    for reader_id in ids:
        if driver.execute(_STATE, (issue_key, reader_id)).fetchone() is None:
            raise ImpossibleError(f"{reader_id!r} was never owed the issue")


def _note_all(driver: Driver, notes: Sequence[_Note]) -> None:
    start = 0
    for rows in _AT_ONCE:
        while len(notes) - start >= rows:
            driver.execute(_NOTE[rows], tuple(chain.from_iterable(notes[start : start + rows])))
            start += rows


def _notes(issue_key: str, deliveries: Sequence[Delivery]) -> Iterator[_Note]:
    at, second = None, 0
    for delivery in deliveries:
        if delivery.at is not at:  # most of them ended in the same turn
            at = delivery.at
            second = schema.seconds(at)
        yield (
            issue_key,
            delivery.recipient.id,
            delivery.number,
            second,
            delivery.outcome.value,
            delivery.phase,
            delivery.code,
            delivery.detail,
            delivery.host,
            delivery.tls,
            delivery.milliseconds,
        )
