"""Who sends in the benchmarks, and what a run cost: the press itself, and Postfix's load generator."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bench.papers import KEY, Paper, surroundings
from tests.bench.sinks import postfix
from tests.conftest import ROOT

PRESS = "newsletter send"
SIGNED = f"{PRESS}, DKIM"
REFUSED = f"{PRESS}, 1 in 50 refused"
SELECTOR = "banc"
SMTP_SOURCE = "smtp-source -s 20 -d"
SMTP_SOURCE_HEAD = 112
"""Octets of the header that smtp-source writes before the payload it is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to run, with which environment; one of `fine` is how it exits when all went well."""

    words: list[str]
    environment: Mapping[str, str]
    fine: tuple[int, ...] = (0,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Somebody who sends: `command(count, port)` gets everything ready for a run and names its command.

    `fast` ones are given the full number of messages, the others a share; those of a `personal` one are
    looked into; of every `refuse` recipients one is refused, 0 is nobody.
    """

    name: str
    command: Callable[[int, int], Command]
    fast: bool = True
    personal: bool = True
    refuse: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one run took: moments of the monotonic clock, CPU seconds (user and system), octets of memory."""

    started: float
    ended: float
    code: int
    cpu: float
    peak: int


class Running:
    """A command under way; `pid` is its own process and not that of measured.py around it."""

    def __init__(self, command: Command) -> None:
        self._command = command
        self._complaints = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed in cost()
        launcher = [sys.executable, "-I", "-S", str(Path(__file__).with_name("measured.py"))]
        self._process = subprocess.Popen(
            [*launcher, *command.words],
            cwd=ROOT,
            env=dict(command.environment),
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            text=True,
        )
        assert self._process.stdout is not None
        self._out = self._process.stdout
        self.pid = int(self._out.readline())

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def cost(self, *, limit: float = 0) -> Cost:
        """Wait for its end, and after `limit` seconds press Ctrl-C; a failure ends the benchmark."""
        timer = threading.Timer(limit, os.kill, (self.pid, signal.SIGINT))
        if limit:
            timer.start()
        line = self._out.readline()
        timer.cancel()
        self._process.wait()
        self._out.close()
        with self._complaints:
            self._complaints.seek(0)
            last_words = self._complaints.read()[-2000:]
        cost = Cost(**json.loads(line))
        if cost.code not in self._command.fine:
            raise SystemExit(f"{' '.join(self._command.words)}: exit {cost.code}\n{last_words}")
        return cost


def the_press(paper: Paper, connections: int, *, name: str = PRESS) -> Sender:
    """Our whole `send`: a real ledger on disk, each row durably in doubt before its dot, all headers.

    `name` is PRESS, SIGNED or REFUSED, and makes it so.
    """
    selectors = (SELECTOR,) if name == SIGNED else ()
    fine = (0, 4) if name == REFUSED else (0,)  # 4: some were refused

    def command(count: int, port: int) -> Command:
        paper.set_up(port=port, connections=connections, selectors=selectors)
        paper.renew(count)
        return sending(paper, fine=fine)

    return Sender(name=name, command=command, refuse=50 if name == REFUSED else 0)


def sending(paper: Paper, *, fine: tuple[int, ...] = (0,)) -> Command:
    """Send the paper's issue as its settings say, to those who are still owed it."""
    return Command(words=paper.newsletter("send", KEY, "--yes"), environment=surroundings(), fine=fine)


def why_unsigned(paper: Paper) -> str:
    """Why mail cannot be signed here, or "" if it can."""
    return "" if paper.knows("dkim", "keygen") else "this press has no `newsletter dkim keygen`"


def smtp_source(octets: int) -> Sender:
    """Postfix's load generator: 20 connections, each used again, one fixed message of so many octets."""

    def command(count: int, port: int) -> Command:
        words = [postfix("smtp-source"), "-s", "20", "-d", "-m", str(count)]
        words += ["-l", str(octets - SMTP_SOURCE_HEAD), f"127.0.0.1:{port}"]
        return Command(words=words, environment=surroundings())

    return Sender(name=SMTP_SOURCE, command=command, personal=False)
