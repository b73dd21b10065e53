"""The ledger as whoever sends a part of an issue sees it: the rows of a range of readers."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from newsletter.model import Commit, Delivery, Owed
from newsletter.readers.ledger import Ledger


class Part:
    """What `deliver.send` needs of a ledger, for the reader ids behind `after`, up to and with `last`."""

    def __init__(self, ledger: Ledger, *, after: str, last: str) -> None:
        self._ledger = ledger
        self._range = (after, last)

    def due(
        self, issue_key: str, now: datetime, limit: int, after: Owed | None = None, start: str = ""
    ) -> list[Owed]:
        """See `Ledger.due`."""
        return self._ledger.due(issue_key, now, limit, after, start, within=self._range)

    def next_due(self, issue_key: str) -> datetime | None:
        """See `Ledger.next_due`."""
        return self._ledger.next_due(issue_key, within=self._range)

    def write(
        self,
        issue_key: str,
        *,
        deliveries: Sequence[Delivery] = (),
        commits: Sequence[Commit] = (),
        now: datetime,
    ) -> Mapping[str, str]:
        """See `Ledger.write`."""
        return self._ledger.write(issue_key, deliveries=deliveries, commits=commits, now=now)

    def expire(self, issue_key: str, now: datetime) -> int:
        """See `Ledger.expire`: an issue that has become too old is so for everybody."""
        return self._ledger.expire(issue_key, now)
