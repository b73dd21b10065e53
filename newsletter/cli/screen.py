"""What the person at the keyboard sees: words and progress on stderr, tables and data on stdout."""

import json
import os
import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

import click

from newsletter.model import Delivery, Outcome

ISSUE_HELP = "ISSUE is a date (2026-11-23), today, next, or the path of an issue's folder."

PIPE_WIDTH = 10_000
"""Columns of a table that no eye but a program reads."""

PLAIN_EVERY = 10.0
"""Seconds between two lines of progress where there is no terminal to redraw."""

BAR_EVERY = 0.2
EVENT_EVERY = 1.0


# What a terminal obeys instead of showing it: all control characters but tabs and line ends (C1 has the
# 8-bit forms of ESC sequences), and ESC itself unless it begins one of the colours that we write.
_OBEYED = re.compile(r"\x1b(?!\[[0-9;]{0,20}m)|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f]")


def harmless(text: str) -> str:
    """A text, perhaps a stranger's, that a terminal only shows: what it would obey is spelt out."""
    return _OBEYED.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def say(text: str) -> None:
    """A line of words, on stderr; a log on a full disk stops nothing."""
    try:
        click.echo(harmless(text), err=True)
    except BrokenPipeError:
        raise
    except OSError:
        pass


def bold(text: str) -> str:
    return styled(text, None)


def styled(text: str, colour: str | None) -> str:
    """Bold, in a colour if one is given; plain if the person wants it plain (https://no-color.org)."""
    return text if _is_plain() else click.style(text, fg=colour, bold=True)


def coloured(text: str, colour: str) -> str:
    return text if _is_plain() else click.style(text, fg=colour)


def _is_plain() -> bool:
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"


def number(value: int) -> str:
    return f"{value:,}"


def plural(count: int, noun: str) -> str:
    return f"{number(count)} {noun}" if count == 1 else f"{number(count)} {noun}s"


def sparkline(values: Sequence[float]) -> str:
    """A curve in one line of text, from the lowest value to the highest: "▁▂▄█"."""
    low, high = min(values), max(values)
    steps = "▁▂▃▄▅▆▇█"
    if high == low:
        return steps[3] * len(values)
    return "".join(steps[round((value - low) / (high - low) * (len(steps) - 1))] for value in values)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[int] = ()) -> None:
    """A table on stdout; `right` are the columns to align on the right. Lines of a pipe have no end."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for index, heading in enumerate(headings):
        drawn.add_column(heading, justify="right" if index in right else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(harmless(cell)) for cell in row))
    console = Console(width=None if sys.stdout.isatty() else PIPE_WIDTH)
    with console.capture() as captured:
        console.print(drawn)
    click.echo(captured.get(), nl=False)


class Progress:
    """How far a run is, on one line that can be read at seven in the morning.

    A bar on a terminal, a line every ten seconds elsewhere, and for programs an event a second on stdout.
    """

    def __init__(self, total: int, bar: "_Bar | None", *, as_json: bool) -> None:
        self._total = total
        self._bar = bar
        self._as_json = as_json
        self._counts = dict.fromkeys(("sent", "deferred", "refused", "in doubt", "withheld"), 0)
        self._tried = 0
        self._every = EVENT_EVERY if as_json else BAR_EVERY if bar else PLAIN_EVERY
        self._started = self._told = time.monotonic()
        self._waiting = ""

    def count(self, delivery: Delivery) -> None:
        """One more delivery; whoever does not have the issue by it is an event of its own."""
        self._tried += 1
        self._counts[delivery.outcome] += 1
        if self._as_json and delivery.outcome is not Outcome.SENT:
            reader = delivery.recipient
            self._event(str(delivery.outcome), reader=reader.id, email=reader.email, detail=delivery.detail)
        now = time.monotonic()
        if now - self._told >= self._every:
            self._told = now
            self._show(self.words(now))

    def stand(self, counts: Mapping[str, int]) -> None:
        """How far others are: so many of each outcome by now."""
        self._counts.update(counts)
        self._tried = sum(self._counts.values())
        now = time.monotonic()
        if now - self._told >= self._every:
            self._told = now
            self._show(self.words(now))

    def missed(self, outcome: str, reader: str, email: str, detail: str) -> None:
        """Somebody does not have the issue: an event of its own, for programs."""
        if self._as_json:
            self._event(outcome, reader=reader, email=email, detail=detail)

    def waiting(self, why: str, until: datetime, now: datetime) -> None:
        """Nothing can be done before `until`: counted down on a terminal, told once elsewhere."""
        left = round((until - now).total_seconds())
        at = f"{until.astimezone(now.tzinfo):%H:%M:%S}"
        if self._bar:
            self._show(f"waiting until {at} for {why}: {left // 60}:{left % 60:02}")
        elif self._waiting != at:
            self._waiting = at
            say(f"Waiting until {at} for {why}.")
            if self._as_json:
                self._event("waiting", until=until.isoformat(), why=why)

    def tell(self, done: int, words: str) -> None:
        """How far another's run is: drawn on a terminal, told at first and every ten seconds elsewhere."""
        now = time.monotonic()
        if self._bar:
            self._bar.show(done, words)
        elif self._told == self._started or now - self._told >= self._every:
            self._told = now
            say(f"{number(done)} of {number(self._total)}: {words}")

    def so_far(self, done: int, words: str) -> None:
        """How far this run is: drawn on a terminal, told every ten seconds elsewhere."""
        now = time.monotonic()
        if self._bar:
            self._bar.show(done, words)
        elif now - self._told >= self._every:
            self._told = now
            say(f"{number(done)} of {number(self._total)}: {words}")

    def words(self, now: float) -> str:
        """Such as "1,234 sent, 3 deferred, 812/s, 0:04 left"."""
        counts = [f"{number(count)} {what}" for what, count in self._counts.items() if count]
        rate = self._tried / max(now - self._started, 0.001)
        left = round(max(0, self._total - self._tried) / rate) if rate else 0
        return ", ".join([*counts, f"{rate:,.0f}/s", f"{left // 60}:{left % 60:02} left"])

    def _show(self, words: str) -> None:
        if self._as_json:
            counts = {what.replace(" ", "_"): count for what, count in self._counts.items()}
            rate = self._tried / max(time.monotonic() - self._started, 0.001)
            self._event("progress", total=self._total, **counts, per_second=round(rate, 1))
        elif self._bar:
            self._bar.show(self._tried, words)
        else:
            say(f"{number(self._tried)} of {number(self._total)}: {words}")

    def _event(self, name: str, **facts: object) -> None:
        click.echo(json.dumps({"event": name, **facts}, ensure_ascii=False))


class _Bar:
    def __init__(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
        from rich.progress import Progress as RichProgress

        columns = (BarColumn(bar_width=20), MofNCompleteColumn(), TextColumn("{task.description}"))
        self.drawn = RichProgress(*columns, console=Console(stderr=True))
        self._task = self.drawn.add_task("", total=total)

    def show(self, done: int, words: str) -> None:
        self.drawn.update(self._task, completed=done, description=words)


@contextmanager
def progress(total: int, *, as_json: bool = False) -> Iterator[Progress]:
    """Show progress towards `total` while the block runs."""
    if not sys.stderr.isatty() or as_json:
        yield Progress(total, None, as_json=as_json)
        return
    bar = _Bar(total)
    with bar.drawn:
        yield Progress(total, bar, as_json=False)
