"""Which runs have an issue in hand, as machines that share a database tell each other.

Times are by the database's clock, which is one for all hosts.
"""

from collections.abc import Callable

from sqlalchemy import delete, select, text

from newsletter.readers import work
from newsletter.readers.crew import ALIVE_SECONDS
from newsletter.readers.database import Database

_run = work.run.c
_since = text(f"{work.NOW} - {ALIVE_SECONDS}")
_SEEN = text(f"""
INSERT INTO run (name, issue_key, alone, seen_at) VALUES (:name, :key, :alone, {work.NOW})
ON CONFLICT (name) DO UPDATE SET issue_key = :key, alone = :alone, seen_at = {work.NOW}
""")  # noqa: S608 - nothing in it is anybody's but ours


class Runs:
    """The runs that one database knows of. Every method may raise StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def enter(
        self, issue_key: str, name: str, *, join: bool, alone: bool, is_gone: Callable[[str], bool]
    ) -> list[str]:
        """Note a run, unless others have the issue in hand; gives those that are in the way.

        They are not in the way of one that is to `join` them, but for those that want to be `alone`. Of two
        that enter at the same moment one comes first. `is_gone` knows of runs that have ended without a word.
        """
        with self._database.write(issue=issue_key) as connection:
            connection.execute(delete(work.run).where(_run.seen_at < _since))
            rows = connection.execute(select(_run.name, _run.alone).where(_run.issue_key == issue_key)).all()
            others = sorted(row.name for row in rows if row.alone or not join)
            others = [other for other in others if other != name and not is_gone(other)]
            if not others:
                connection.execute(_SEEN, {"name": name, "key": issue_key, "alone": int(alone)})
            return others

    def sign(self, issue_key: str, name: str, *, alone: bool) -> None:
        """A run gives a sign of life."""
        with self._database.write(issue=f"run {name}") as connection:
            connection.execute(_SEEN, {"name": name, "key": issue_key, "alone": int(alone)})

    def leave(self, name: str) -> None:
        """A run has ended."""
        with self._database.write(issue=f"run {name}") as connection:
            connection.execute(delete(work.run).where(_run.name == name))

    def of(self, issue_key: str) -> list[str]:
        """The runs that have the issue in hand, and gave a sign of life lately."""
        query = select(_run.name).where(_run.issue_key == issue_key, _run.seen_at >= _since)
        with self._database.read() as connection:
            return list(connection.scalars(query.order_by(_run.name)))
