"""The rows of free places that many runs take theirs from, so that all together keep one pace."""

import time

from newsletter.errors import StoreError
from newsletter.readers.database import Database

# One statement, one journey. It may be lost at a power cut, which takes the runs with it: so nobody waits for
# the disk.
_RESERVE = """
INSERT INTO pace AS had (name, next_at)
SELECT ?1, at + ?2 FROM (SELECT extract(epoch FROM clock_timestamp())::float8 AS at) AS now
ON CONFLICT (name) DO UPDATE
SET next_at = greatest(had.next_at, excluded.next_at - ?2) + ?2
RETURNING next_at - ?2 - extract(epoch FROM clock_timestamp())::float8,
  set_config('synchronous_commit', 'off', true)
"""


class Paces:
    """The paces kept in one database, by its own clock."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def reserve(self, name: str, seconds: float) -> float | None:
        """Take so many seconds of the row called `name`; how many seconds after the call they begin.

        None if the database is away, and may be back soon. Raises StoreError.
        """
        asked = time.monotonic()
        try:
            with self._database.drive(writing=True) as driver:
                (wait, _) = driver.execute(_RESERVE, (name, seconds)).fetchone()
        except StoreError as error:
            if error.passing:
                return None
            raise
        return max(0.0, float(wait)) + time.monotonic() - asked
