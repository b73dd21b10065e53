"""Another terminal's run, followed from the ledger."""

import time
from collections import deque

from newsletter.cli.crew import lines, standing_of
from newsletter.cli.lock import is_sending
from newsletter.cli.press import Press
from newsletter.cli.screen import progress
from newsletter.cli.tallies import in_words
from newsletter.errors import StoreError
from newsletter.readers.accounts import Tally
from newsletter.readers.database import Database
from newsletter.readers.ledger import Ledger

EVERY = 1.0
"""Seconds between two looks, or more where a look takes long: the run shall not be slowed by it."""

LOOKS = 10
"""Looks back over which the rate is taken."""


def follow(press: Press, database: Database, key: str) -> None:
    """Show how far the issue is until nobody is owed it or nobody is sending it, and who works on it."""
    ledger = Ledger(database)
    looks: deque[tuple[float, int]] = deque(maxlen=LOOKS)
    with progress(ledger.tally(key).audience) as shown:
        while True:
            started = time.monotonic()
            try:
                tally = ledger.tally(key)
                done = tally.audience - tally.owed
                still = not looks or looks[-1][1] == done
                looks.append((started, done))
                crew = standing_of(press, database, key)
                below = lines(press, crew) if crew and crew.batches else []
                shown.tell(done, "\n".join([_words(tally, looks), *below]))
                if not tally.owed or (still and not is_sending(press, key)):
                    return
            except StoreError as error:
                if not error.passing:
                    raise
                shown.tell(looks[-1][1] if looks else 0, f"{error}; it is waited for")
            time.sleep(max(EVERY, 5 * (time.monotonic() - started)))


def _words(tally: Tally, looks: deque[tuple[float, int]]) -> str:
    """Such as "1,234 sent + 3 refused + 8,639 owed, 812/s, 0:11 left"."""
    parts = in_words(tally).partition(" = ")[2]
    (began, before), (now, done) = looks[0], looks[-1]
    if done <= before:
        return parts
    rate = (done - before) / (now - began)
    left = round(tally.owed / rate)
    return f"{parts}, {rate:,.0f}/s, {left // 60}:{left % 60:02} left"
