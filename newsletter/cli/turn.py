"""One day of the schedule as a trigger finds it: how far its issue has come, what keeps it, in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from newsletter.cli.alarm import Alarm
from newsletter.errors import Unavailable

if TYPE_CHECKING:
    from newsletter.calendar import Due
    from newsletter.cli.alarm import Reason
    from newsletter.cli.press import Press
    from newsletter.deliver.backend import Backend
    from newsletter.errors import NewsletterError
    from newsletter.readers.claims import Claim
    from newsletter.readers.database import Database
    from newsletter.readers.ledger import Frozen

BEGUN, ENDED = "begun", "ended"
"""What is claimed once a day, beside the reasons for which someone is told."""

SILENCE = timedelta(minutes=5)
"""After which something must have left; and for which nobody takes over from a run on another host."""

NO_MORE = "Nothing leaves by itself any more."


class KeptError(Exception):
    """What keeps the issue from leaving, why someone is told of it, and what the schedule does then."""

    def __init__(self, reason: Reason, error: NewsletterError, then: str) -> None:
        super().__init__(str(error))
        self.reason = reason
        self.error = error
        self.then = then


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """How far the issue has come: frozen, so many owed, begun and ended by the schedule."""

    frozen: Frozen | None
    owed: int
    begun: Claim | None
    ended: Claim | None
    rehearsal: bool

    @property
    def done(self) -> bool:
        """Whether nothing is left to do; a rehearsal by hand is no reason not to hold one on time."""
        by_hand = self.rehearsal and not self.begun
        return bool(self.ended or (self.frozen and not self.owed and not by_hand))


class Turn:
    """What every trigger knows of the issue that is due: whose it is, when, and through what it leaves."""

    def __init__(self, press: Press, due: Due, backend: Backend) -> None:
        self.press = press
        self.due = due
        self.backend = backend
        self.key = due.day.isoformat()
        self.alarm = Alarm(press, due, self.open_database)

    def open_database(self) -> Database:
        """Where the schedule is kept: beside the ledger, which is another for a rehearsal."""
        return open_database(self.press, self.backend)

    def look(self, database: Database) -> State:
        """How far the issue has come by now."""
        from newsletter.readers.claims import Claims
        from newsletter.readers.ledger import Ledger

        taken, ledger = Claims(database).of_day(self.due.day), Ledger(database)
        frozen = ledger.frozen(self.key)
        return State(
            frozen=frozen,
            owed=ledger.count_owed(self.key) if frozen else 0,
            begun=taken.get(BEGUN),
            ended=taken.get(ENDED),
            rehearsal=not self.backend.reaches_people,
        )

    @property
    def late(self) -> bool:
        return self.press.utc_now() >= self.due.deadline

    @property
    def again(self) -> str:
        """What the schedule does about an issue that could not leave."""
        if self.late:
            return NO_MORE
        until = f"{self.due.deadline.astimezone(self.press.zone):%H:%M}"
        return f"The schedule tries again until {until}: once this is put right, the issue leaves by itself."

    # ---- in words ----

    def coming(self) -> str:
        """Such as " before Tue 24 Nov, 07:00", to stand behind "nothing is due"."""
        return coming(self.press)

    def who_began(self, begun: Claim) -> str:
        return f"{begun.host}, at {begun.at.astimezone(self.press.zone):%H:%M},"

    def done(self, database: Database, state: State) -> str:
        from newsletter.cli.tallies import in_words
        from newsletter.readers.ledger import Ledger

        words = in_words(Ledger(database).tally(self.key)) if state.frozen else "not sent"
        return f"Nothing is due{self.coming()}; {self.key}: {words}"

    def silent(self, begun: Claim) -> Unavailable:
        """What is wrong if a run has begun so long ago and nothing has left."""
        minutes = SILENCE.seconds // 60
        return Unavailable(
            f"nothing has left {minutes} minutes after {self.who_began(begun)} began to send it",
            where=f"issues/{self.key}",
            hint=f"newsletter status {self.key}; if its run hangs, end it: the next trigger goes on",
        )


def coming(press: Press) -> str:
    """See `Turn.coming`."""
    from newsletter import calendar

    found = next(calendar.coming(press.config.schedule, press.utc_now()), None)
    return f" before {found.at.astimezone(press.zone):%a %d %b, %H:%M}" if found else ""


def open_database(press: Press, backend: Backend) -> Database:
    """The database in which the schedule is kept for what this backend carries."""
    return press.database() if backend.reaches_people else press.rehearsal_database()
