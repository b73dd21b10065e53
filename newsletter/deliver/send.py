"""Edition -> Deliveries: hands each owed message to the carrier and tells the ledger what became of it.

The point of no return is the commit: at the last moment at which nothing has left, it turns the reader's row
from owed to in doubt, durably, only if the row is still owed and the reader still wants the mail. A crash
before it changes nothing; a crash after it leaves one honest doubt, which no run touches again by itself.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from newsletter.deliver.backend import CarriesMany
from newsletter.deliver.pace import SOON, Tempos
from newsletter.deliver.patience import PatientLedger
from newsletter.deliver.run import Ledger, Run, World
from newsletter.errors import Unavailable
from newsletter.model import Delivery, Message, Outcome, Reader
from newsletter.ways import Send

__all__ = ["Ledger", "World", "send"]

BACK_OFF_SECONDS = (5, 10, 20, 40, 60)
"""Waits before the carrier is tried again after it has become unavailable in the middle of a run."""


def send(
    fill: Callable[[Reader], Message],
    *,
    issue_key: str,
    carrier: CarriesMany,
    ledger: Ledger,
    settings: Send,
    world: World,
    expires_at: datetime,
    start: str = "",
    fillers: int = 1,
    tempos: Tempos | None = None,
) -> Iterator[Delivery]:
    """Send what the ledger owes of one frozen issue, one Delivery after the other.

    `fill` makes a reader's message, in so many threads at once. Deferred messages are tried again as they
    fall due, for as long as the settings' patience; what is still owed then stays owed, and a later run goes
    on. Nothing is sent after `expires_at`. `start` is a reader's id to begin after: runs that begin at
    different ones seldom meet; `tempos` are those that they keep together. A ledger that may come back is
    waited for as long as the patience lasts. Raises Unavailable when the carrier cannot be used any more and
    StoreError when the ledger cannot; both leave every row true.
    """
    ledger = PatientLedger(ledger, world, settings.patience)
    run = Run(fill, issue_key, ledger, settings, world, expires_at, start, fillers, tempos)
    until = world.clock() + settings.patience
    troubles = 0
    carrier.open()
    try:
        while not world.stopping():
            if world.clock() >= expires_at:
                ledger.expire(issue_key, world.clock())
                return
            try:
                for _ in carrier.carry(run, settings.connections):
                    for delivery in run.news():
                        troubles = 0 if delivery.outcome is Outcome.SENT else troubles
                        yield delivery
            except Unavailable as error:
                yield from run.news()
                wait = error.wait or BACK_OFF_SECONDS[min(troubles, len(BACK_OFF_SECONDS) - 1)]
                again = world.clock() + timedelta(seconds=wait)
                if not error.passing or again > until or not _wait(again, str(error), world):
                    raise
                troubles += 1
                run.begin_again()
                continue
            run.write_rest()
            yield from run.news()
            due = ledger.next_due(issue_key)
            if due is None:
                return
            if world.clock() < expires_at:
                # Who is due already is in the hands of another run.
                again = max(due, world.clock() + timedelta(seconds=SOON))
                if again > until or not _wait(again, "messages that were put off", world):
                    return
            run.begin_again()
    finally:
        run.close()
        carrier.close()
    yield from run.news()


def _wait(until: datetime, why: str, world: World) -> bool:
    """Wait until then; False if the run is asked to stop meanwhile."""
    while not world.stopping() and (left := (until - world.clock()).total_seconds()) > 0:
        world.waiting(why, until)
        world.sleep(min(left, SOON))
    return not world.stopping()
