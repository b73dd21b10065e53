"""What the person at the keyboard sees: words and progress on stderr, tables and data on stdout."""

import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import click

ISSUE_HELP = "ISSUE is a date (2026-11-23), today, next, or the path of an issue's folder."

PIPE_WIDTH = 10_000
"""Columns of a table that no eye but a program reads."""

PLAIN_EVERY = 10.0
"""Seconds between two lines of progress where there is no terminal to redraw."""


def say(text: str) -> None:
    """A line of words, on stderr; a log on a full disk stops nothing."""
    try:
        click.echo(text, err=True)
    except BrokenPipeError:
        raise
    except OSError:
        pass


def bold(text: str) -> str:
    return styled(text, None)


def styled(text: str, colour: str | None) -> str:
    """Bold, in a colour if one is given; plain if the person wants it plain (https://no-color.org)."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return click.style(text, fg=colour, bold=True)


def number(value: int) -> str:
    return f"{value:,}"


def plural(count: int, noun: str) -> str:
    return f"{number(count)} {noun}" if count == 1 else f"{number(count)} {noun}s"


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
        drawn.add_row(*(Text(cell) for cell in row))
    console = Console(width=None if sys.stdout.isatty() else PIPE_WIDTH)
    with console.capture() as captured:
        console.print(drawn)
    click.echo(captured.get(), nl=False)


class Progress:
    """How far a run is: a bar on a terminal, a line every ten seconds elsewhere."""

    def __init__(self, total: int, bar: "_Bar | None") -> None:
        self._total = total
        self._bar = bar
        self._counts: dict[str, int] = {}
        self._started = time.monotonic()
        self._told = self._started

    def count(self, what: str) -> None:
        """One more of something: "sent", "refused" …"""
        self._counts[what] = self._counts.get(what, 0) + 1
        if self._bar:
            self._bar.show(sum(self._counts.values()), self._words())
        elif time.monotonic() - self._told >= PLAIN_EVERY:
            self._told = time.monotonic()
            say(f"{sum(self._counts.values())} of {self._total}: {self._words()}")

    def _words(self) -> str:
        passed = max(time.monotonic() - self._started, 0.001)
        counts = ", ".join(f"{number(count)} {what}" for what, count in self._counts.items())
        return f"{counts}, {sum(self._counts.values()) / passed:,.0f}/s"


class _Bar:
    def __init__(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
        self.drawn = RichProgress(*columns, console=Console(stderr=True))
        self._task = self.drawn.add_task("", total=total)

    def show(self, done: int, words: str) -> None:
        self.drawn.update(self._task, completed=done, description=words)


@contextmanager
def progress(total: int) -> Iterator[Progress]:
    """Show progress towards `total` while the block runs."""
    if not sys.stderr.isatty():
        yield Progress(total, None)
        return
    bar = _Bar(total)
    with bar.drawn:
        yield Progress(total, bar)
