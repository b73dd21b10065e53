"""A run in a process of its own, to be killed, frozen or limited; processes are forked from a clean one."""

import multiprocessing
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from newsletter.model import Commit, Delivery
from newsletter.readers.ledger import Ledger
from tests.deliver.scripted_server import Left, Visit, as_usual
from tests.faults.house import House, smtp

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["__main__", __name__])


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What a run does to itself: which signal, and when as in `FatefulLedger`, for which reader."""

    signal: signal.Signals
    moment: str
    reader_id: str


class FatefulLedger(Ledger):
    """A ledger whose run is struck before or after the transaction that commits a reader or that notes one.

    The moments are "before commit", "after commit", "before note", "after note".
    """

    fate: Fate

    def write(
        self,
        issue_key: str,
        *,
        deliveries: Sequence[Delivery] = (),
        commits: Sequence[Commit] = (),
        now: datetime,
    ) -> Mapping[str, str]:
        what = {"commit" for one in commits if one.reader_id == self.fate.reader_id}
        what |= {"note" for one in deliveries if one.recipient.id == self.fate.reader_id}
        self._strike("before", what)
        vetoes = super().write(issue_key, deliveries=deliveries, commits=commits, now=now)
        self._strike("after", what)
        return vetoes

    def _strike(self, when: str, what: set[str]) -> None:
        if self.fate.moment in {f"{when} {each}" for each in what}:
            os.kill(os.getpid(), self.fate.signal)


def _run(root: Path, port: int, connections: int, fate: Fate | None, files: int) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    house = House(root)
    if fate:
        house.ledger = FatefulLedger(house.database)
        house.ledger.fate = fate
    if files:
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        there = len(list(Path("/proc/self/fd").iterdir()))
        resource.setrlimit(resource.RLIMIT_NOFILE, (there + files, most))
    told = house.send(smtp(port), connections=connections)
    sys.exit(told.error.exit_code if told.error else 0)


class Child:
    """One such run; `files` is how many more it may open, 0 for as many as usual."""

    def __init__(
        self,
        house: House,
        port: int,
        *,
        connections: int = 1,
        fate: Fate | None = None,
        files: int = 0,
    ) -> None:
        self._started = threading.Event()
        arguments = (house.root, port, connections, fate, files)
        self._process = _FORKS.Process(target=_run, args=arguments, daemon=True)

    def start(self) -> None:
        self._process.start()
        self._started.set()

    def signal(self, number: signal.Signals) -> None:
        self._started.wait(10)
        assert self._process.pid
        os.kill(self._process.pid, number)

    def kills(self, visit: Visit) -> None:
        """An act of a server: the client is killed, and is dead when this is over."""
        self.signal(signal.SIGKILL)
        while visit.socket.recv(65536):
            pass
        raise Left

    def freezes(self, visit: Visit) -> None:
        """An act of a server: the client is stopped, then all goes on as usual."""
        self.signal(signal.SIGSTOP)
        self.wait_until_stopped()
        as_usual(visit)

    def wait_until_stopped(self) -> None:
        """Wait until every thread of it stands still."""
        self._started.wait(10)
        tasks = Path(f"/proc/{self._process.pid}/task")
        deadline = time.monotonic() + 20
        while any(_state(task) not in "Tt" for task in tasks.iterdir()):
            assert time.monotonic() < deadline, "it does not stop"
            time.sleep(0.01)

    def wait(self) -> int:
        """Its exit code; minus the signal that ended it."""
        self._process.join(30)
        code = self._process.exitcode
        assert code is not None, "it does not end"
        self._process.close()
        return code


def _state(task: Path) -> str:
    return (task / "stat").read_text().rpartition(") ")[2][0]
