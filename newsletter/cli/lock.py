"""Who is sending an issue: one run alone, or several that know of each other.

The locks are for the pace, and for what a person decides while nobody is sending; they fall with their
process. Two runs at once would be safe without: each row is committed by one of them alone.
"""

import fcntl
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from newsletter.cli.press import Press
from newsletter.errors import NewsletterError, StoreError

GLANCE = 0.05
"""Seconds after which a lock is tried again: whoever only asks whether it is held holds it for less."""


class AnotherRun(NewsletterError):
    """Another run is sending this issue."""

    exit_code = 6


@contextmanager
def only_run(press: Press, key: str, *, join: bool = False) -> Iterator[bool]:
    """Hold the issue's locks; gives whether another run goes on beside this one.

    Raises AnotherRun if somebody else holds one, unless we `join`: then all who join may go on together.
    """
    with ExitStack() as stack:
        first, second = (stack.enter_context(_opened(press, path)) for path in _paths(press, key))
        alone = _held(first, fcntl.LOCK_EX)
        if not (alone or join) or not _held(second, fcntl.LOCK_SH if join else fcntl.LOCK_EX):
            hint = f"newsletter status {key} --watch, or take part: newsletter send {key} --join"
            raise AnotherRun(f"another run is sending {key}", where=press.shown(Path(first.name)), hint=hint)
        yield not alone


def is_sending(press: Press, key: str) -> bool:
    """Whether a run holds one of the issue's locks, which are held a moment for it, or workers have it."""
    if press.config.store.is_shared and is_busy(press, key):
        return True
    for path in _paths(press, key):
        try:
            with path.open() as lock:
                if not _held(lock, fcntl.LOCK_EX):
                    return True
        except OSError:
            continue  # nobody has ever held it
    return False


def is_busy(press: Press, key: str) -> bool:
    """Whether workers have the issue in hand; its database is one that they share."""
    from newsletter.readers.crew import Crew

    with press.database() as database:
        return Crew(database).is_busy(key)


def _paths(press: Press, key: str) -> tuple[Path, Path]:
    """The lock of whoever began, and that of all who take part."""
    return press.config.state / f"sending-{key}.lock", press.config.state / f"joined-{key}.lock"


def _opened(press: Press, path: Path) -> IO[str]:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path.open("w")
    except OSError as error:
        hint = "make room on the disk, or the folder writable, and run the same command again"
        where = press.shown(path)
        raise StoreError(f"cannot be written: {error.strerror}", where=where, hint=hint) from error


def _held(lock: IO[str], kind: int) -> bool:
    for wait in (GLANCE, 0.0):
        try:
            fcntl.flock(lock, kind | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            time.sleep(wait)
    return False
