"""What a reader wishes by a link that was mailed to them -> what becomes of their membership."""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from newsletter.model import Reader, Status
from newsletter.readers.addresses import Address
from newsletter.readers.database import Database
from newsletter.readers.membership import Step, came_back, confirmed, is_reader, left, paused, resumed
from newsletter.readers.proof import Proof, history
from newsletter.readers.requests import FORGOTTEN_AFTER, Notice, Wish, find, owe, use
from newsletter.readers.store import change, known_by_id, known_by_key
from newsletter.readers.suppression import Hashes, lift

UNDO = timedelta(hours=24)
"""For so long after leaving the link that was left by also leads back."""

LONGEST_PAUSE = timedelta(days=92)


class Wishes:
    """The wishes of the readers of one database, each one transaction. Every method may raise StoreError."""

    def __init__(self, database: Database, hashes: Hashes) -> None:
        self._database = database
        self._hashes = hashes

    def confirm(self, request_id: str, *, proof: Proof, now: datetime) -> Reader | None:
        """Confirm a sign-up or a new address by the link that was mailed there; who reads us by it now.

        None if there is no such request, or not any more; a link that was used leads to the same reader again
        and changes nothing.
        """
        with self._database.write() as connection:
            request = find(connection, request_id)
            if request is None or request.notice not in (Notice.CONFIRM, Notice.MOVE):
                return None
            if now - request.at > FORGOTTEN_AFTER:
                return None
            reader = known_by_id(connection, request.reader_id)
            if reader is None or not use(connection, request_id, now):
                return reader
            address = Address(email=request.email)
            if request.wish is Wish.MOVE:
                return self._move(connection, reader, address, proof, now)
            after = change(connection, reader, confirmed, Step.CONFIRMED, proof=proof, now=now)
            if after.status is Status.ACTIVE:
                lift(connection, address.key, self._hashes)
                owe(connection, Notice.WELCOME, after, proof=proof, now=now)
            return after

    def leave(self, reader_id: str, *, proof: Proof, now: datetime) -> Reader | None:
        """Take a reader off the list at once; None if there is none. Leaving twice does nothing more."""
        with self._database.write() as connection:
            known = known_by_id(connection, reader_id)
            return known and change(connection, known, left, Step.LEFT, proof=proof, now=now)

    def undo(self, reader_id: str, *, proof: Proof, now: datetime) -> Reader | None:
        """Take back a leaving of the last day; the reader as they then are, None if there is none."""
        with self._database.write() as connection:
            known = known_by_id(connection, reader_id)
            if known is None:
                return None
            if not _has_just_left(connection, reader_id, now):
                return known
            return change(connection, known, came_back, Step.CAME_BACK, proof=proof, now=now)

    def may_undo(self, reader_id: str, now: datetime) -> bool:
        """Whether `undo` would take back that somebody left."""
        with self._database.read() as connection:
            known = known_by_id(connection, reader_id)
            could = known is not None and came_back(known) != known
            return could and _has_just_left(connection, reader_id, now)

    def pause(self, reader_id: str, until: datetime, *, proof: Proof, now: datetime) -> Reader | None:
        """Send a reader nothing until then; three months at most, since the list should not be forgotten."""
        with self._database.write() as connection:
            known = known_by_id(connection, reader_id)
            end = min(until, now + LONGEST_PAUSE)
            return known and change(connection, known, paused, Step.PAUSED, proof=proof, now=now, until=end)

    def resume(self, reader_id: str, *, proof: Proof, now: datetime) -> Reader | None:
        """End a pause."""
        with self._database.write() as connection:
            known = known_by_id(connection, reader_id)
            return known and change(connection, known, resumed, Step.RESUMED, proof=proof, now=now)

    def _move(
        self, connection: Connection, reader: Reader, address: Address, proof: Proof, now: datetime
    ) -> Reader:
        """The reader at a new address, whose owner has just said yes; the old one is told.

        If the new address is a reader's already, that is the same person: they stay one reader, there.
        """
        other = known_by_key(connection, [address.key]).get(address.key)
        if other and other.id != reader.id:
            change(connection, reader, left, Step.MOVED, proof=proof, now=now)
            moved = change(connection, other, confirmed, Step.CONFIRMED, proof=proof, now=now)
        else:
            moved = change(
                connection,
                reader,
                lambda known: replace(known, email=address.email),
                Step.MOVED,
                proof=proof,
                now=now,
            )
        lift(connection, address.key, self._hashes)
        if is_reader(moved) and address.key != Address(email=reader.email).key:
            owe(connection, Notice.MOVED, moved, proof=proof, now=now, email=reader.email)
        return moved


def _has_just_left(connection: Connection, reader_id: str, now: datetime) -> bool:
    steps = history(connection, reader_id)
    return bool(steps) and steps[-1].step is Step.LEFT and now - steps[-1].at <= UNDO
