"""An issue that workers send, followed from here like a run of this machine."""

import time

from newsletter.cli.press import Press
from newsletter.cli.screen import Progress, progress, say
from newsletter.cli.sending import Books, Manner, ended, note_witness, stop_on_signal
from newsletter.errors import StoreError, Unavailable
from newsletter.fleet.dispatch import Dispatch, NoWorker, Standing
from newsletter.fleet.hand import WHO
from newsletter.model import Outcome, State
from newsletter.readers.accounts import Accounts, LedgerRow, Tally
from newsletter.readers.decisions import Decisions, Kind
from newsletter.readers.ledger import Frozen

EVERY = 0.5
"""Seconds between two looks, or more where a look takes long: the workers shall not be slowed by it."""

STILL = 15.0
"""Seconds after which workers that are there and have nothing in hand of what is due have a reason for it."""


def follow_workers(press: Press, books: Books, dispatch: Dispatch, frozen: Frozen, manner: Manner) -> int:
    """Give a frozen issue to the workers, show how far they are, tell how it ended; the exit code.

    Raises NoWorker if nobody works, Unavailable if no relay can be used any more, StoreError if the database
    stays away: the workers go on as soon as they can.
    """
    dispatch.check()
    before = books.ledger.tally(frozen.key)
    with stop_on_signal("No longer following.") as stop:
        dispatch.go_on(frozen.key)
        with progress(before.owed, as_json=manner.as_json) as shown:
            follower = _Follower(press, books, dispatch, frozen, manner, shown, before)
            while not stop.asked and follower.look():
                note_witness(books, frozen)
                time.sleep(max(EVERY, 5 * follower.took))
            if not stop.asked:
                follower.tell_missed()
        note_witness(books, frozen)
    return ended(press, books, frozen, refused=follower.refused, asked=stop.asked, manner=manner)


class _Follower:
    """Looks at the ledger and the workers, again and again."""

    def __init__(
        self,
        press: Press,
        books: Books,
        dispatch: Dispatch,
        frozen: Frozen,
        manner: Manner,
        shown: Progress,
        before: Tally,
    ) -> None:
        self.took = 0.0
        self.refused = 0
        self._press = press
        self._books = books
        self._dispatch = dispatch
        self._key = frozen.key
        self._manner = manner
        self._shown = shown
        self._before = before
        self._until = press.utc_now() + press.config.send.patience
        self._known = {row.reader_id for row in self._missing()} if manner.as_json else set()
        self._moved = time.monotonic()
        self._last: Tally | None = None
        self._told = ""

    def look(self) -> bool:
        """Look once and show it; whether to look again."""
        try:
            return self._look()
        except StoreError as error:
            if not error.passing or self._press.utc_now() > self._until:
                raise
            self._tell_once(f"{error}: the workers wait for it too")
            return True

    def _look(self) -> bool:
        began = time.monotonic()
        tally = self._books.ledger.tally(self._key)
        standing = self._dispatch.standing(self._key)
        self.took = time.monotonic() - began
        self._show(tally)
        if tally.owed and self._manner.hours.over(self._press.now()):
            note = "at the hour of --not-after"
            Decisions(self._books.database).pause(self._key, who="send", now=self._press.utc_now(), note=note)
            return False
        if not tally.owed and (standing.closed == standing.batches or not _relays_worked_for(standing)):
            return False
        return self._is_going_on(standing)

    def _show(self, tally: Tally) -> None:
        if tally != self._last:
            self._last, self._moved = tally, time.monotonic()
        before = self._before
        self.refused = tally.refused - before.refused
        withheld = sum(tally.withheld.values()) - sum(before.withheld.values())
        self._shown.stand(
            {
                Outcome.SENT: tally.sent - before.sent,
                Outcome.REFUSED: self.refused,
                Outcome.WITHHELD: withheld,
            }
        )

    def _is_going_on(self, standing: Standing) -> bool:
        """Whether there is anything to wait for; raises Unavailable if nobody can go on for a long time."""
        if self._is_paused():
            return False
        now, still = self._press.utc_now(), time.monotonic() - self._moved
        error = self._trouble(standing)
        due = self._books.ledger.next_due(self._key) if still > 1 and not error else None
        if due and self._in_hand(standing) == 0:
            if due > now:
                self._shown.waiting("messages that were put off", due, now)
                return due <= self._until
            if still > STILL:
                hint = f"see what the workers say, and newsletter status {self._key} --watch"
                error = Unavailable("the workers take nothing on", where="fleet", hint=hint, passing=True)
        if error:
            if now > self._until:
                raise error
            self._tell_once(f"{error}; it is tried again")
        return True

    def _in_hand(self, standing: Standing) -> int:
        return sum(worker.batch is not None for worker in standing.workers if worker.is_alive)

    def _is_paused(self) -> bool:
        """Whether somebody holds it; raises Unavailable if that is a worker, who has said why."""
        if Accounts(self._books.database).standing(self._key).paused_at is None:
            return False
        last = Decisions(self._books.database).made(self._key)[-1:]
        if last and (last[0].kind, last[0].who) == (Kind.PAUSE, WHO):
            hint = f"see what was said, put it right, then newsletter resume {self._key}"
            raise Unavailable(last[0].note, where="fleet", hint=hint)
        return True

    def _trouble(self, standing: Standing) -> Unavailable | None:
        """What keeps all workers from going on, if anything does."""
        alive = _relays_worked_for(standing)
        missing = [relay for relay in standing.waiting_for if relay not in alive]
        if not alive or (missing and missing == standing.waiting_for):
            where = f" for {' and '.join(missing)}" if alive else ""
            hint = "start one: newsletter worker; or send from this machine: newsletter send --here"
            return NoWorker(f"no worker is there any more{where}", where="fleet", hint=hint, passing=True)
        troubles = [f"{relay}: no worker is there any more" for relay in missing]
        resting = {relay: standing.resting.get(relay) for relay in standing.waiting_for if relay in alive}
        troubles += [f"{name}: {rest.trouble}" for name, rest in resting.items() if rest]
        if troubles and len(troubles) == len(standing.waiting_for):
            return Unavailable("; ".join(troubles), where="fleet", passing=True)
        return None

    def _tell_once(self, words: str) -> None:
        if words != self._told:
            self._told = words
            say(words)

    def tell_missed(self) -> None:
        """An event for each reader who does not have the issue, for programs."""
        if not self._manner.as_json:
            return
        names = {State.OWED: "deferred", State.EXPIRED: "expired"}
        for row in self._missing():
            if row.reader_id not in self._known:
                name = names.get(row.state, str(row.state))
                self._shown.missed(name, row.reader_id, row.email, row.reason or row.last_detail)

    def _missing(self) -> list[LedgerRow]:
        states = (State.REFUSED, State.WITHHELD, State.IN_DOUBT)
        rows = [row for state in states for row in self._books.ledger.rows(self._key, state)]
        return rows + [row for row in self._books.ledger.rows(self._key, State.OWED) if row.next_at]


def _relays_worked_for(standing: Standing) -> set[str]:
    return {worker.relay for worker in standing.workers if worker.is_alive}
