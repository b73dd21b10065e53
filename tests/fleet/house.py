"""A publication on PostgreSQL with workers as processes, and a mail server that tells of every step."""

import json
import os
import random
import re
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.counting_sink import Line, Moment, Sink
from tests.bench.fleet_ledger import LedgerServer
from tests.bench.throwaway import command, environment, make_publication, write_next_issue
from tests.cluster import Cluster
from tests.conftest import ROOT

KEY = "2026-11-23"
CLOCK = "2026-11-23T06:45"


@dataclass(eq=False)
class Process:
    """The press as a process of its own; what it says is in `words`."""

    popen: subprocess.Popen[bytes]
    words: Path

    @property
    def said(self) -> str:
        return self.words.read_text(encoding="utf-8", errors="replace")

    @property
    def name(self) -> str:
        """What the press calls it as a worker."""
        return f"{os.uname().nodename}:{self.popen.pid}"

    def until(self, words: str, *, seconds: float = 30) -> None:
        """Wait until it says this."""
        wait_for(lambda: words in self.said or self._has_ended(words), seconds=seconds)

    def _has_ended(self, words: str) -> bool:
        assert self.popen.poll() is None, f"it ended without {words!r}:\n{self.said}"
        return False

    def end(self, *, seconds: float = 30) -> int:
        """Wait for its end; the exit code."""
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it does not end:\n{self.said}") from None


def wait_for(true: Callable[[], bool], *, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it does not come true"
        time.sleep(0.02)


@dataclass(eq=False)
class House:
    """Places for workers, each with its port of the mail server; the last place is where a person sits."""

    root: Path
    url: str
    folders: Sequence[Path]
    sink: Sink
    ledger: LedgerServer
    ports: Sequence[int]
    processes: list[Process] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=environment)

    def worker(self, place: int = 0, *options: str) -> Process:
        """A worker that is ready."""
        worker = self.start(place, "worker", *options)
        worker.until("ready.")
        wait_for(lambda: any(name == worker.name for name in self.signs()))
        return worker

    def signs(self) -> list[str]:
        """The workers that have given a sign."""
        return [str(name) for (name,) in self.ledger.rows("SELECT name FROM worker")]

    def start(self, place: int, *arguments: str) -> Process:
        words = self.root / f"words-{len(self.processes)}"
        with words.open("wb") as file:
            popen = subprocess.Popen(
                command(self.folders[place], CLOCK, *arguments),
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        process = Process(popen, words)
        self.processes.append(process)
        return process

    def press(self, *arguments: str) -> Process:
        """Whoever sits at the keyboard."""
        return self.start(-1, *arguments)

    def run(self, *arguments: str, seconds: float = 60) -> tuple[int, str]:
        """A command from its beginning to its end: exit code, words."""
        process = self.press(*arguments)
        return process.end(seconds=seconds), process.said

    def send(self, *options: str) -> Process:
        return self.press("send", KEY, "--yes", *options)

    def state(self) -> Counter[str]:
        rows = self.ledger.rows("SELECT state, count(*) FROM delivery GROUP BY state")
        return Counter({str(state): int(count) for state, count in rows})

    def copies(self) -> Counter[str]:
        """How many copies each recipient has got."""
        facts = (json.loads(line) for line in (self.root / "sink.log").read_text("utf-8").splitlines())
        return Counter(str(fact["recipient"]) for fact in facts if fact["what"] == "accepted")

    def check_once_each(self, readers: int) -> None:
        """Everybody has one copy, and the ledger says so."""
        assert self.state() == {"sent": readers}
        copies = self.copies()
        assert len(copies) == readers
        assert set(copies.values()) == {1}

    def set(self, pattern: str, line: str, *, places: Sequence[int] | None = None) -> None:
        """Put a line of settings in the place of what matches."""
        for place in places if places is not None else range(len(self.folders)):
            file = self.folders[place] / "newsletter.toml"
            text = file.read_text(encoding="utf-8")
            changed = re.sub(pattern, line, text, flags=re.MULTILINE | re.DOTALL)
            assert changed != text
            file.write_text(changed, encoding="utf-8")


@contextmanager
def house(
    cluster: Cluster,
    root: Path,
    *,
    workers: int = 2,
    readers: int = 600,
    connections: int = 4,
    more: str = "",
) -> Iterator[House]:
    """A publication with an issue; the mail server answers in a thread, all processes end with the block."""
    root.mkdir(exist_ok=True)
    sink = Sink(root / "sink.log", ports=workers + 1, pipelining=True, chance=random.Random(1))
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            sink.turn(0.02)

    server = threading.Thread(target=serve)
    url = cluster.empty()
    made: House | None = None
    server.start()
    try:
        folders = make_publication(
            root / "paper", sink.ports, readers=readers, connections=connections, more=more, store=url
        )
        write_next_issue(root / "paper", KEY)
        for folder in folders.values():
            settings = folder / "newsletter.toml"
            text = settings.read_text(encoding="utf-8").replace('patience = "0s"', 'patience = "2m"')
            settings.write_text(text, encoding="utf-8")
        made = House(
            root=root,
            url=url,
            folders=list(folders.values()),
            sink=sink,
            ledger=LedgerServer(url),
            ports=sink.ports,
        )
        yield made
    finally:
        if made:
            for process in made.processes:
                if process.popen.poll() is None:
                    process.popen.send_signal(signal.SIGCONT)
                    process.popen.kill()
                    process.popen.wait()
            made.ledger.close()
        over.set()
        server.join()
        sink.close()
        cluster.drop(url)


class Trap:
    """Waits for a moment at one port of the mail server, and does something there, once."""

    def __init__(
        self, house: House, place: int, moment: Moment, passes: int, act: Callable[[], None]
    ) -> None:
        self._port = house.ports[place]
        self._moment = moment
        self._passes = passes
        self._act = act
        self.sprung = threading.Event()
        house.sink.tell = self._on_moment

    def _on_moment(self, line: Line, moment: Moment) -> None:
        if line.port != self._port or moment != self._moment or self.sprung.is_set():
            return
        self._passes -= 1
        if self._passes <= 0:
            self._act()
            self.sprung.set()
