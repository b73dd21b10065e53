"""Where a sender is to be hit, and whether that moment has come."""

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from tests.bench.counting_sink import Line, Mail, Moment
from tests.bench.inquest import STEPS, UNSURE, Step

PATIENCE = 0.05
"""Seconds for which we watch the ledger for a state."""
TRIES = 30
"""Messages at which we may come too late before we strike all the same."""
BLIND = 0.15
"""How much of what could be watched for is struck at after a delay by chance."""


# How often each step is aimed at and, beside them, the moment that is waited for.
_PLAN = {
    Step.BEFORE_MAIL: (0.06, Moment.HELLO),
    Step.AFTER_MAIL: (0.07, Moment.MAIL),
    Step.AFTER_RCPT: (0.07, Moment.RCPT),
    Step.AFTER_354: (0.08, Moment.DATA),
    # The text may be kept by the sender's kernel until the dot follows: what we see before it is our 354.
    Step.IN_TEXT: (0.10, Moment.DATA),
    Step.AFTER_COMMIT: (0.17, Moment.DATA),
    Step.AFTER_DOT: (0.17, Moment.DOT),
    Step.AFTER_250: (0.12, Moment.REPLIED),
    Step.AFTER_SENT: (0.08, Moment.REPLIED),
    Step.BETWEEN: (0.08, Moment.COMMAND),
}
_WATCHED = {
    Step.AFTER_COMMIT: "in doubt",
    Step.AFTER_SENT: "sent",
    Step.BETWEEN: "sent",
}
_FREEZE_AT = (Step.AFTER_354, Step.IN_TEXT, Step.AFTER_COMMIT, Step.AFTER_DOT)

BY_THE_CLOCK = 0.2  # of all kills
AT_THE_START = 0.1  # of those: counted from the start of the process, not from its first connection


@dataclass(slots=True, kw_only=True)
class Aim:
    """One attempt on one process: at a step, the `passes`-th time it is seen, or after so many seconds.

    With `tries` the ledger is watched for the step, at that many messages, before any moment will do.
    """

    step: Step | None = None
    passes: int = 1
    delay: float = 0.0
    tries: int = 0
    freeze: bool = False
    from_start: bool = False


class Marksman:
    """Draws aims by chance, and more of those steps at which too few have `landed` so far."""

    def __init__(self, chance: random.Random, landed: Counter[Step]) -> None:
        self._chance = chance
        self._landed = landed

    def freeze(self) -> Aim:
        """Where to freeze a process: with a message begun, before its commit or after it."""
        aim = self._at(self._chance.choice(_FREEZE_AT))
        aim.freeze = True
        return aim

    def kill(self, *, only_missing: bool) -> Aim:
        """Where to kill a process; `only_missing` asks for a step at which no kill landed yet."""
        chance = self._chance
        missing = [step for step in STEPS if not self._landed[step]]
        if only_missing:
            return self._at(chance.choice(missing or list(UNSURE)))
        if chance.random() < BY_THE_CLOCK:
            if chance.random() < AT_THE_START:
                return Aim(delay=chance.uniform(0.05, 1.0), from_start=True)
            return Aim(delay=chance.uniform(0.0, 0.2))
        total = sum(self._landed.values()) + 1
        # What a step lacks of its share; never nothing, so that no step is safe for long.
        weights = [max(0.01, share - self._landed[step] / total) for step, (share, _) in _PLAN.items()]
        return self._at(chance.choices(STEPS, weights)[0])

    def _at(self, step: Step) -> Aim:
        chance = self._chance
        passes = 1 if step is Step.BEFORE_MAIL else chance.randint(1, 20)
        watch = step in _WATCHED and chance.random() > BLIND
        delay = chance.uniform(0.0, 0.002) if chance.random() < 0.5 else 0.0
        return Aim(step=step, passes=passes, tries=TRIES if watch else 0, delay=delay)


def is_time(aim: Aim, line: Line, moment: Moment, state: Callable[[str], str]) -> bool:
    """Whether to strike now; waits as the aim says. `state` gives the ledger's state of a recipient."""
    if aim.step is None or moment != _PLAN[aim.step][1]:
        return False
    message = line.last if aim.step in (Step.AFTER_250, Step.AFTER_SENT, Step.BETWEEN) else line.mail
    if aim.step is Step.BETWEEN and message is None:
        return False
    aim.passes -= 1
    if aim.passes > 0:
        return False
    if aim.tries and message:
        aim.tries -= 1
        return _came_in_time(aim.step, line, message, state) or not aim.tries
    if aim.delay:
        time.sleep(aim.delay)
    return True


def _came_in_time(step: Step, line: Line, message: Mail, state: Callable[[str], str]) -> bool:
    """Watch the ledger until the step begins; False if that does not come, or the sender is beyond it."""
    until = time.monotonic() + PATIENCE
    while state(message.recipient) != _WATCHED[step]:
        if time.monotonic() > until:
            return False
    return not (line.has_dot if step is Step.AFTER_COMMIT else step is not Step.BETWEEN and line.has_more)
