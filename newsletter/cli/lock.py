"""Who is sending an issue: one run alone, or several that know of each other.

The locks are for the pace, and for what a person decides while nobody is sending; they fall with their
process. Two runs at once would be safe without: each row is committed by one of them alone. Where machines
share the database, a run gives signs of life there as well, for those that do not see the locks.
"""

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from newsletter.cli.press import Press
from newsletter.errors import NewsletterError, StoreError

GLANCE = 0.05
"""Seconds after which a lock is tried again: whoever only asks whether it is held holds it for less."""

SIGN_EVERY = 2.0
"""Seconds between two signs of life; whoever gave none for ten seconds is taken for gone."""


class AnotherRun(NewsletterError):
    """Another run is sending this issue."""

    exit_code = 6


def _another(key: str, where: str) -> AnotherRun:
    hint = f"newsletter status {key} --watch, or take part: newsletter send {key} --join"
    return AnotherRun(f"another run is sending {key}", where=where, hint=hint)


@contextmanager
def only_run(press: Press, key: str, *, join: bool = False) -> Iterator[bool]:
    """Hold the issue's locks; gives whether another run may go on beside this one.

    Raises AnotherRun if somebody else sends it, unless we `join`, or if somebody is not to be joined.
    """
    shared = press.config.store.is_shared
    with ExitStack() as stack:
        first, second = (stack.enter_context(_opened(press, path)) for path in _paths(press, key))
        alone = _held(first, fcntl.LOCK_EX)
        if not (alone or join) or not _held(second, fcntl.LOCK_SH if join else fcntl.LOCK_EX):
            raise _another(key, press.shown(Path(first.name)))
        if not join:
            fcntl.flock(second, fcntl.LOCK_SH)  # from now on whoever wants to may take part
        if shared:
            stack.enter_context(_signing(press, key, join=join))
        yield join and (shared or not alone)


@contextmanager
def no_run(press: Press, key: str) -> Iterator[None]:
    """Keep everybody from sending the issue, and from taking part; raises AnotherRun if somebody sends it."""
    with ExitStack() as stack:
        for path in _paths(press, key):
            if not _held(stack.enter_context(_opened(press, path)), fcntl.LOCK_EX):
                raise _another(key, press.shown(path))
        if press.config.store.is_shared:
            stack.enter_context(_signing(press, key, alone=True))
        yield


def is_sending(press: Press, key: str) -> bool:
    """Whether a run has the issue in hand, here or elsewhere, or workers have it.

    The locks are held a moment for it.
    """
    if press.config.store.is_shared and (_runs_elsewhere(press, key) or is_busy(press, key)):
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


def _runs_elsewhere(press: Press, key: str) -> bool:
    from newsletter.readers.runs import Runs

    with press.database() as database:
        return any(not _is_gone(name) for name in Runs(database).of(key))


@contextmanager
def _signing(press: Press, key: str, *, join: bool = False, alone: bool = False) -> Iterator[None]:
    """Give signs of life in the database; raises AnotherRun if another machine's run is in the way."""
    from newsletter.readers.runs import Runs

    name, over = f"{os.uname().nodename}:{os.getpid()}", threading.Event()
    with press.database() as database:
        runs = Runs(database)
        if others := runs.enter(key, name, join=join, alone=alone, is_gone=_is_gone):
            raise _another(key, others[0])

        def sign() -> None:
            while not over.wait(SIGN_EVERY):
                with suppress(StoreError):  # the run itself says so, and waits until it is back
                    runs.sign(key, name, alone=alone)

        thread = threading.Thread(target=sign, name="signs", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            with suppress(StoreError):
                runs.leave(name)


def _is_gone(name: str) -> bool:
    """Whether a run was of this machine and its process is there no more; of others only their signs tell."""
    host, _, process = name.rpartition(":")
    if host != os.uname().nodename:
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass  # somebody else's, but there
    return False


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
