"""What was asked for -> the notices that answer it, through the backend that issues take.

Like an issue, a notice is written down before it leaves and after: whoever is killed in between leaves one
doubt and never a second mail.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from newsletter.deliver.backend import Backend
from newsletter.deliver.dkim import Seal
from newsletter.deliver.notice import notice_message
from newsletter.errors import (
    Blocked,
    ContentError,
    Deferred,
    InDoubt,
    Refused,
    Unavailable,
    Vetoed,
    Withheld,
)
from newsletter.links import Purpose, Signer
from newsletter.model import Edition, Message, Progress
from newsletter.readers.requests import Notice, Request, Requests

CONFIRM_LIFE = timedelta(days=7)
MINE_LIFE = timedelta(hours=24)

TOO_LATE = timedelta(hours=24)
"""A notice that could not leave for so long is not sent any more: nobody waits for it."""

WAITS = (timedelta(minutes=2), timedelta(minutes=10), timedelta(hours=1))
"""How long after each try the next one comes; the last wait serves for all that follow."""

Compose = Callable[[Notice, str], Edition]
"""A notice and the address that its link leads to -> its edition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of one notice; `said` is the carrier's receipt, or why it did not leave."""

    notice: Notice
    state: Progress
    said: str


class Addresses:
    """The addresses that links in notices lead to; `url` is the publication's, without a trailing slash."""

    def __init__(self, url: str, signer: Signer) -> None:
        self._url = url
        self._signer = signer

    def of(self, request: Request, now: datetime, day: date) -> str:
        """Where the one link of the notice that answers this request leads; `day` is today's."""
        match request.notice:
            case Notice.CONFIRM | Notice.MOVE:
                return f"{self._url}/confirm/{self._until(Purpose.CONFIRM, request.id, now, CONFIRM_LIFE)}"
            case Notice.MINE | Notice.ALREADY:
                return f"{self._url}/mine/{self._until(Purpose.MINE, request.reader_id, now, MINE_LIFE)}"
            case Notice.LEAVE | Notice.LEFT:
                return f"{self._url}/leave/{self._signer.sign(Purpose.LEAVE, request.reader_id, day)}"
            case Notice.WELCOME:
                return f"{self._url}/archive/"
            case _:
                return ""

    def _until(self, purpose: Purpose, about: str, now: datetime, life: timedelta) -> str:
        return self._signer.sign_until(purpose, about, now, life)


class Answering:
    """Answers the requests of one publication; used by one thread."""

    def __init__(
        self,
        requests: Requests,
        addresses: Addresses,
        *,
        compose: Compose,
        seals: Sequence[Seal] = (),
        return_path: Callable[[str, date], str] = lambda reader_id, day: "",
        per_hour: int,
    ) -> None:
        self._requests = requests
        self._addresses = addresses
        self._compose = compose
        self._seals = seals
        self._return_path = return_path
        self._per_hour = per_hour

    def answer_all(self, backend: Backend, clock: Callable[[], datetime]) -> list[Answer]:
        """Decide on all that was asked and send what is due; what became of each notice.

        `clock` tells the time in the publication's zone. Raises Unavailable if nothing can be carried now, or
        StoreError; what was not sent then is owed still.
        """
        while self._requests.decide(clock(), per_hour=self._per_hour):
            pass
        answers: list[Answer] = []
        owed = list(self._requests.owed(clock()))
        if not owed:
            return answers
        backend.open()
        try:
            for request in owed:
                answers.append(self._answer(backend, request, clock()))
        finally:
            backend.close()
        return answers

    def _answer(self, backend: Backend, request: Request, now: datetime) -> Answer:
        assert request.notice is not None
        if now - request.at > TOO_LATE:
            return self._record(request, Progress.WITHHELD, "nobody waits for it any more")
        committed = False

        def commit() -> None:
            nonlocal committed
            if not self._requests.commit(request):
                raise Vetoed("another run sends it")
            committed = True

        try:
            receipt = backend.send(self._message(request, now), commit)
        except Vetoed as error:
            return Answer(notice=request.notice, state=Progress.IN_DOUBT, said=error.message)
        except (Refused, Withheld, ContentError) as error:
            return self._record(request, Progress.REFUSED, error.message)
        except (Deferred, Blocked) as error:
            wait = WAITS[min(request.tries, len(WAITS) - 1)]
            return self._record(request, Progress.OWED, error.message, next_at=now + wait)
        except Unavailable:
            if committed:
                self._record(request, Progress.IN_DOUBT, "the connection was lost")
            raise
        except InDoubt as error:
            return self._record(request, Progress.IN_DOUBT, error.message)
        return self._record(request, Progress.SENT, receipt)

    def _message(self, request: Request, now: datetime) -> Message:
        assert request.notice is not None
        url = self._addresses.of(request, now, now.date())
        return notice_message(
            self._compose(request.notice, url),
            request_id=request.id,
            to=request.email,
            at=now,
            # Of the day it was asked for, by which a probe that comes back is known (`Returns.probed`).
            bounces=self._return_path(request.reader_id, request.at.date()),
            seals=self._seals,
        )

    def _record(
        self, request: Request, state: Progress, said: str, *, next_at: datetime | None = None
    ) -> Answer:
        assert request.notice is not None
        self._requests.record(request, state, said, next_at=next_at)
        return Answer(notice=request.notice, state=state, said=said)
