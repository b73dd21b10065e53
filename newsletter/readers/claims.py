"""What is done once on a scheduled day, however many triggers on however many hosts would do it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import delete, select, text

from newsletter.readers import schema
from newsletter.readers.database import Database

_claim = schema.claim.c

# In words of its own, since SQLAlchemy has this for one engine at a time; both understand it.
_TAKE = text(
    "INSERT INTO claim (day, what, at, host) VALUES (:day, :what, :at, :host)"
    " ON CONFLICT (day, what) DO NOTHING"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """When somebody took it on, and on which host."""

    at: datetime
    host: str


class Claims:
    """The claims kept in one database. Every method may raise StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, day: date, what: str, *, host: str, now: datetime) -> bool:
        """Take on what is to be done on that day of the schedule; False if somebody has it already."""
        row = {"day": day.isoformat(), "what": what, "at": schema.seconds(now), "host": host}
        with self._database.write() as connection:
            return connection.execute(_TAKE, row).rowcount == 1

    def give_back(self, day: date, what: str) -> None:
        """Leave to whoever comes next what was taken on and could not be done."""
        with self._database.write() as connection:
            connection.execute(delete(schema.claim).where(_claim.day == day.isoformat(), _claim.what == what))

    def of_day(self, day: date) -> Mapping[str, Claim]:
        """What was taken on of one day."""
        query = select(_claim.what, _claim.at, _claim.host).where(_claim.day == day.isoformat())
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return {row.what: Claim(at=schema.moment(row.at), host=row.host) for row in rows}

    def any(self) -> bool:
        """Whether anything was ever taken on."""
        with self._database.read() as connection:
            return connection.execute(select(_claim.day).limit(1)).one_or_none() is not None
