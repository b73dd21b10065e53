"""Who is owed an issue and due now, a page at a time: the ledger is the queue."""

from datetime import datetime

from newsletter.model import Owed, Reader, Status
from newsletter.readers import schema
from newsletter.readers.database import Driver

_STATUS = {status.value: status for status in Status}

# Two statements, since SQLite would not use the index for (due, reader) > (due, last).
_OWED = """
SELECT delivery.reader_id, delivery.attempts, coalesce(delivery.next_at, 0),
       reader.email, reader.name, reader.status
FROM delivery LEFT JOIN reader ON reader.id = delivery.reader_id
WHERE delivery.issue_key = ?1 AND delivery.state = 'owed'
  AND EXISTS (SELECT 1 FROM issue WHERE issue.key = ?1 AND issue.paused_at IS NULL)
"""
_THEN = f"""{_OWED}
  AND AFTER(?2, ?3, ?5) LIMIT ?4
"""
# The same within a part, whose rows are few: a server would go through the queue to its end, past the part's.
_WITHIN = f"""{_OWED}
  AND coalesce(delivery.next_at, 0) = ?2 AND delivery.reader_id > ?3 AND delivery.reader_id <= ?5
ORDER BY delivery.reader_id LIMIT ?4
"""
_LATER = f"""{_OWED}
  AND coalesce(delivery.next_at, 0) > ?2 AND coalesce(delivery.next_at, 0) <= ?3
  AND delivery.reader_id > ?6 AND delivery.reader_id <= ?5
ORDER BY coalesce(delivery.next_at, 0), delivery.reader_id LIMIT ?4
"""

EVERYBODY = ("", "\U0010ffff")
"""The range of all reader ids."""


def page(
    driver: Driver,
    issue_key: str,
    now: datetime,
    limit: int,
    after: Owed | None,
    start: str,
    within: tuple[str, str] = EVERYBODY,
) -> tuple[list[Owed], list[str]]:
    """The next rows in the queue, and the ids of the erased readers among them; none of a paused issue.

    It goes on after `after`, or begins after the reader id `start`. The ids come after the first that
    `within` names, and not after the last.
    """
    first, final = within
    due, last = (after.due, after.reader.id) if after else (0, max(start, first))
    then = _THEN if within == EVERYBODY else _WITHIN
    rows = driver.execute(then, (issue_key, due, last, limit, final)).fetchall()
    if len(rows) < limit:
        values = (issue_key, due, schema.seconds(now), limit - len(rows), final, first)
        rows = [*rows, *driver.execute(_LATER, values).fetchall()]
    erased = [reader_id for reader_id, _, _, email, _, _ in rows if email is None]
    found = [
        Owed(reader=Reader(id=reader_id, email=email, name=name, status=_STATUS[status]), tries=tries, due=at)
        for reader_id, tries, at, email, name, status in rows
        if email is not None
    ]
    return found, erased
