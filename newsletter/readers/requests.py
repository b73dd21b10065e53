"""What somebody asked for by the site or by mail, and the notice that answers it: the notices' small ledger.

Whoever asks is answered by mail alone, so that nobody learns from the site who reads us. A request is first
written down (`ask`), at the same cost whoever asks; later it is decided which notice answers it, if any
(`decide`), and that notice then goes the way of every message: owed, in doubt, sent.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, Row, func, insert, or_, select, update

from newsletter.model import Progress, Reader, Status
from newsletter.readers import schema
from newsletter.readers.addresses import Address
from newsletter.readers.database import Database
from newsletter.readers.membership import Step, is_reader, may_be_asked
from newsletter.readers.proof import Proof, note
from newsletter.readers.store import insert_readers, known_by_id, known_by_key, random_id
from newsletter.readers.suppression import Hashes, suppressed

_request = schema.request.c

ONE_IN = timedelta(hours=24)
"""One address is answered once in this time, so that nobody can be flooded in our name."""

MOST = 3
"""So many answers an address gets within `FORGOTTEN_AFTER` before it has used a link in one of them."""

FORGOTTEN_AFTER = timedelta(days=30)
"""How long a request is kept, and a sign-up waits for its confirmation."""


class Wish(StrEnum):
    """What was asked for."""

    JOIN = "join"
    MOVE = "move"
    MINE = "mine"
    NOTHING = "nothing"
    """Nobody asked: the notice comes of something else, such as a welcome of a confirmation."""


class Notice(StrEnum):
    """Which mail answers a request."""

    CONFIRM = "confirm"
    ALREADY = "already"
    WELCOME = "welcome"
    MOVE = "move"
    MOVED = "moved"
    MINE = "mine"
    LEAVE = "leave"
    LEFT = "left"
    PROBE = "probe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request; `id` is random and is what a link to confirm carries, `email` who gets the answer."""

    id: str
    at: datetime
    wish: Wish
    reader_id: str
    email: str
    proof: Proof
    state: Progress
    notice: Notice | None
    tries: int
    used_at: datetime | None


class Requests:
    """All requests of one database; `hashes` finds those who were erased.

    Every method may raise StoreError.
    """

    def __init__(self, database: Database, hashes: Hashes, *, new_id: Callable[[], str] = random_id) -> None:
        self._database = database
        self._hashes = hashes
        self._new_id = new_id

    # ---- asking: the same work, whoever asks ----

    def ask(self, wish: Wish, address: Address, *, proof: Proof, now: datetime, reader_id: str = "") -> None:
        """Write down what somebody asked for; what comes of it is decided later."""
        row = _row(self._new_id(), wish, address, proof, now, reader_id)
        with self._database.write() as connection:
            connection.execute(insert(schema.request), {**row, "state": Progress.ASKED.value})

    # ---- deciding ----

    def decide(self, now: datetime, *, per_hour: int) -> int:
        """Decide on what was asked: which notice answers it, or none; how many requests that were.

        An address that was answered within a day, or three times without using a link, gets nothing more, and
        nobody does once `per_hour` answers are made within an hour: more than that is an attack.
        """
        query = select(schema.request).where(_request.state == Progress.ASKED.value)
        with self._database.read() as connection:
            # Most of the time nobody has: whoever sends an issue then need not wait for this.
            if connection.execute(query.limit(1)).first() is None:
                return 0
        with self._database.write() as connection:
            asked = connection.execute(query.order_by(_request.at).limit(500)).all()
            room = per_hour - _answered_since(connection, now - timedelta(hours=1))
            for row in asked:
                answer = self._answer(connection, _as_request(row), now, room)
                values: dict[str, object] = {"state": Progress.WITHHELD.value, "detail": answer.value}
                if isinstance(answer, Notice):
                    room -= 1
                    at = schema.seconds(now)
                    values = {"state": Progress.OWED.value, "notice": answer.value, "answered_at": at}
                connection.execute(update(schema.request).where(_request.id == row.id).values(values))
        return len(asked)

    def _answer(self, connection: Connection, request: Request, now: datetime, room: int) -> "Notice | Why":
        """The notice that answers a request, or why there is none."""
        if request.wish is Wish.MINE:
            known = known_by_id(connection, request.reader_id)
        else:
            known = known_by_key(connection, [_key(request)]).get(_key(request))
        if not may_be_asked(known.status if known else self._erased_as(connection, request)):
            return Why.COMPLAINED
        if why := _too_often(connection, request, now):
            return why
        if room <= 0:
            return Why.TOO_MANY
        match request.wish:
            case Wish.JOIN if is_reader(known):
                return Notice.ALREADY
            case Wish.JOIN:
                self._note_asked(connection, request, known, now)
                return Notice.CONFIRM
            case Wish.MOVE:
                return Notice.MOVE
            case Wish.MINE:
                return Notice.MINE
            case Wish.NOTHING:
                raise AssertionError("nobody asks for nothing")

    def _erased_as(self, connection: Connection, request: Request) -> Status | None:
        return suppressed(connection, [_key(request)], self._hashes).get(_key(request))

    def _note_asked(
        self, connection: Connection, request: Request, known: Reader | None, now: datetime
    ) -> None:
        """Somebody new waits for their confirmation; somebody who left stays so until then."""
        if known is None:
            known = Reader(id=self._new_id(), email=request.email, status=Status.PENDING)
            insert_readers(connection, [known], since=schema.seconds(now))
        note(connection, [known.id], Step.ASKED, request.proof, request.at)
        connection.execute(update(schema.request).where(_request.id == request.id).values(reader_id=known.id))

    # ---- answering ----

    def owed(self, now: datetime) -> Iterator[Request]:
        """The requests whose notice is to leave now, the oldest first."""
        due = or_(_request.next_at.is_(None), _request.next_at <= schema.seconds(now))
        query = select(schema.request).where(_request.state == Progress.OWED.value, due).order_by(_request.at)
        with self._database.read() as connection:
            rows = connection.execute(query.limit(500)).all()
        yield from map(_as_request, rows)

    def commit(self, request: Request) -> bool:
        """Turn a request from owed to in doubt, durably; False if another run has it: nothing may leave."""
        change = (
            update(schema.request)
            .where(_request.id == request.id, _request.state == Progress.OWED.value)
            .where(_request.tries == request.tries)
            .values(state=Progress.IN_DOUBT.value, tries=request.tries + 1, next_at=None)
        )
        with self._database.write() as connection:
            return connection.execute(change).rowcount == 1

    def record(
        self, request: Request, state: Progress, detail: str = "", *, next_at: datetime | None = None
    ) -> None:
        """Write down what became of a notice; `next_at` is when one that is still owed is due again."""
        at = schema.seconds(next_at) if next_at else None
        change = update(schema.request).where(_request.id == request.id)
        with self._database.write() as connection:
            connection.execute(change.values(state=state.value, detail=detail, next_at=at))

    # ---- the link in a notice ----

    def find(self, request_id: str) -> Request | None:
        with self._database.read() as connection:
            return find(connection, request_id)


class Why(StrEnum):
    """Why a request is not answered."""

    COMPLAINED = "this address called our mail unwanted"
    TOO_SOON = "answered already within a day"
    TOO_OFTEN = "answered three times, and no link was used"
    TOO_MANY = "more requests within an hour than we answer"


def find(connection: Connection, request_id: str) -> Request | None:
    row = connection.execute(select(schema.request).where(_request.id == request_id)).one_or_none()
    return _as_request(row) if row else None


def use(connection: Connection, request_id: str, now: datetime) -> bool:
    """Use the link of a request up; False if it was used before."""
    change = update(schema.request).where(_request.id == request_id, _request.used_at.is_(None))
    return connection.execute(change.values(used_at=schema.seconds(now))).rowcount == 1


def owe(
    connection: Connection, notice: Notice, reader: Reader, *, proof: Proof, now: datetime, email: str = ""
) -> None:
    """Owe a reader a notice that was not asked for by a form, such as a welcome.

    It goes to `email` if that is not the reader's address any more.
    """
    row = _row(random_id(), Wish.NOTHING, Address(email=email or reader.email), proof, now, reader.id)
    answered = {"notice": notice.value, "answered_at": schema.seconds(now)}
    connection.execute(insert(schema.request), {**row, **answered, "state": Progress.OWED.value})


def _too_often(connection: Connection, request: Request, now: datetime) -> "Why | None":
    """Why an address gets no further answer: it has had enough of them, whoever asked."""

    def answers(since: datetime, *more: object) -> int:
        query = (
            select(func.count())
            .select_from(schema.request)
            .where(_request.address_key == _key(request), _request.wish == request.wish.value)
            .where(_request.answered_at > schema.seconds(since), *more)  # type: ignore[arg-type]
        )
        return connection.scalar(query) or 0

    if answers(now - ONE_IN, _request.used_at.is_(None)):
        return Why.TOO_SOON
    if answers(now - FORGOTTEN_AFTER, _request.used_at.is_(None)) >= MOST:
        return Why.TOO_OFTEN
    return None


def _answered_since(connection: Connection, since: datetime) -> int:
    query = (
        select(func.count()).select_from(schema.request).where(_request.answered_at > schema.seconds(since))
    )
    return connection.scalar(query) or 0


def _key(request: Request) -> str:
    return Address(email=request.email).key


def _row(
    request_id: str, wish: Wish, address: Address, proof: Proof, now: datetime, reader_id: str
) -> dict[str, object]:
    return {
        "id": request_id,
        "at": schema.seconds(now),
        "wish": wish.value,
        "reader_id": reader_id,
        "email": address.email,
        "address_key": address.key,
        "words": proof.words,
        "page": proof.page,
        "network": proof.network,
    }


def _as_request(row: Row[tuple[object, ...]]) -> Request:
    return Request(
        id=row.id,
        at=schema.moment(row.at),
        wish=Wish(row.wish),
        reader_id=row.reader_id,
        email=row.email,
        proof=Proof(source="the site", words=row.words, page=row.page, network=row.network),
        state=Progress(row.state),
        notice=Notice(row.notice) if row.notice else None,
        tries=row.tries,
        used_at=None if row.used_at is None else schema.moment(row.used_at),
    )
