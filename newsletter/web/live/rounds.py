"""What is to be done again and again beside the answering, in a thread of its own, whatever goes wrong."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from newsletter.errors import ConfigError, StoreError, TemplateError, Unavailable
from newsletter.web.live.door import fault

LOOK = 0.5
"""Seconds between two looks at what is due."""

PATIENCE = 15.0
"""Seconds to let the last duty come to its end."""


@dataclass(slots=True, kw_only=True)
class Duty:
    """Something to `do` every so many seconds, `after_trouble` if it failed; when it was done last, and how.

    `trouble` is "" or what a person may read: no address is in it.
    """

    name: str
    do: Callable[[], None]
    every: float
    after_trouble: float = 30.0
    done_at: datetime | None = None
    trouble: str = ""
    due: float = field(default=0.0)


class Rounds:
    """Does its duties in turn until it is told to stop.

    `seconds` is a clock that only goes forward, `clock` the time of day; `log` takes a line.
    """

    def __init__(
        self,
        duties: Sequence[Duty],
        *,
        seconds: Callable[[], float],
        clock: Callable[[], datetime],
        log: Callable[[str], None],
    ) -> None:
        self.duties = duties
        self._seconds = seconds
        self._clock = clock
        self._log = log
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._go_round, name=duties[0].name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End after what is being done; whoever does not come to an end is left behind."""
        self._stop.set()
        self._thread.join(PATIENCE)

    def once(self) -> None:
        """Do what is due."""
        for duty in self.duties:
            if self._seconds() >= duty.due and not self._stop.is_set():
                self._do(duty)

    def _go_round(self) -> None:
        while not self._stop.wait(LOOK):
            self.once()

    def _do(self, duty: Duty) -> None:
        try:
            duty.do()
        except (Unavailable, StoreError, ConfigError, TemplateError) as error:
            self._failed(duty, str(error))
        except Exception as error:
            self._failed(duty, fault(error))
        else:
            if duty.trouble:
                self._log(f"{duty.name}: all is well again")
            duty.trouble = ""
            duty.done_at = self._clock()
            duty.due = self._seconds() + duty.every

    def _failed(self, duty: Duty, words: str) -> None:
        if words != duty.trouble:  # the same again and again would fill the log
            self._log(f"{duty.name}: {words}")
        duty.trouble = words
        duty.due = self._seconds() + duty.after_trouble
