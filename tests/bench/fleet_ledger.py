"""The ledger on its server as anybody may read it, with no code of the press."""

import time
from collections.abc import Sequence
from typing import Any

import psycopg


class LedgerServer:
    """Questions to the database at `url`; a server that is away is waited for."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.Connection[Any] | None = None
        self._ids = dict(self.rows("SELECT email, id FROM reader"))

    def rows(self, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """What the server says, as often as it takes it to be there."""
        until = time.monotonic() + 60
        while True:
            try:
                if self._connection is None or self._connection.closed:
                    self._connection = psycopg.connect(self._url, autocommit=True)
                return self._connection.execute(query.encode(), values or None).fetchall()
            except psycopg.OperationalError:
                self.close()
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)

    def state(self, issue: str, recipient: str) -> str:
        """The state of one row, "" if there is none."""
        query = "SELECT state FROM delivery WHERE issue_key = %s AND reader_id = %s"
        found = self.rows(query, (issue, self._ids.get(recipient)))
        return str(found[0][0]) if found else ""

    def owed(self, issue: str) -> int:
        query = "SELECT count(*) FROM delivery WHERE issue_key = %s AND state = 'owed'"
        return int(self.rows(query, (issue,))[0][0])

    def in_hand(self, worker: str) -> set[int]:
        """The batches that a worker took on last, and that are open."""
        query = "SELECT id FROM batch WHERE worker = %s AND closed_at IS NULL"
        return {int(batch) for (batch,) in self.rows(query, (worker,))}

    def taken_over(self, worker: str, batches: set[int]) -> set[int]:
        """Those that somebody else has, or that are closed."""
        query = "SELECT id FROM batch WHERE id = ANY(%s) AND (worker <> %s OR closed_at IS NOT NULL)"
        return {int(batch) for (batch,) in self.rows(query, (list(batches), worker))}

    def open_batches(self) -> int:
        return int(self.rows("SELECT count(*) FROM batch WHERE closed_at IS NULL")[0][0])

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None
