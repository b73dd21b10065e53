"""The mail servers at the far end: Postfix's smtp-sink, and a fast one of ours that counts and samples."""

import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

SOURCE = Path(__file__).with_name("sink.c")
LOOK_EVERY = 0.005
LOOK_ON_EVERY = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a sink saw: moments are seconds of the monotonic clock, 0 if nothing came; `cpu` is its own."""

    messages: int
    octets: int
    refused: int
    connections: int
    at_once: int
    opened: float
    first: float
    last: float
    cpu: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One message as it arrived, dots undoubled, for the one recipient of its envelope."""

    recipient: str
    content: bytes


class FastSink:
    """Ours (sink.c): it pipelines, counts, and keeps every `keep`-th message."""

    def __init__(self, program: Path, folder: Path, options: list[str], keep: int) -> None:
        self._kept = folder / "sample"
        command = [str(program), *options]
        if keep:
            command += ["-k", str(keep), "-o", str(self._kept)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self._out = _readable(self.process)
        self.port = int(self._out.readline())

    def seen(self, *, end: bool = False) -> Seen:
        """What came until now, and with `end` that is the last word."""
        self.process.send_signal(signal.SIGTERM if end else signal.SIGUSR1)
        return Seen(**json.loads(self._out.readline()))

    def samples(self) -> list[Sample]:
        """The messages kept; whole once the sink has ended."""
        found = []
        with self._kept.open("rb") as file:
            while head := file.readline():
                recipient, octets = head.decode("ascii").rsplit(" ", 1)
                content = file.read(int(octets))
                found.append(Sample(recipient=recipient, content=re.sub(rb"(?m)^\.", b"", content)))
        return found


@contextmanager
def fast_sink(program: Path, *options: str, keep: int = 0) -> Iterator[FastSink]:
    """Our sink, compiled at `program`; `options` are those that sink.c names."""
    with tempfile.TemporaryDirectory() as folder:
        sink = FastSink(program, Path(folder), list(options), keep)
        with _ending(sink.process):
            yield sink


def compiled(folder: Path) -> Path:
    """Our sink, made in `folder` by the C compiler of this machine."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise SystemExit("no C compiler for the fast sink: apt-get install gcc libc6-dev")
    program = folder / "sink"
    subprocess.run([compiler, "-O2", "-o", str(program), str(SOURCE)], check=True)
    return program


class PostfixSink:
    """Postfix's; it reports nothing, so the table of TCP connections is looked at instead."""

    def __init__(self) -> None:
        self.port = _free_port()
        command = [postfix("smtp-sink")]
        if os.getuid() == 0:
            command += ["-u", "nobody" if _exists("nobody") else "daemon"]
        self.process = subprocess.Popen([*command, f"127.0.0.1:{self.port}", "1000"])
        _wait_for(self.port)
        self._opened = self._closed = 0.0
        self._done = threading.Event()
        self._watch = threading.Thread(target=self._look)
        self._watch.start()

    def seconds(self) -> float:
        """From the first connection to the end of the last one."""
        self.stop()
        return self._closed - self._opened

    def stop(self) -> None:
        self._done.set()
        self._watch.join()

    def _look(self) -> None:
        """Note when a connection was there for the first time, and when for the last."""
        while not self._done.wait(LOOK_ON_EVERY if self._opened else LOOK_EVERY):
            if _connected(self.port):
                self._closed = time.monotonic()
                self._opened = self._opened or self._closed


@contextmanager
def postfix_sink() -> Iterator[PostfixSink]:
    sink = PostfixSink()
    try:
        with _ending(sink.process):
            yield sink
    finally:
        sink.stop()


def postfix(program: str) -> str:
    """The path of one of Postfix's tools, which live where only root looks."""
    found = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if found is None:
        raise SystemExit(f"{program} is not installed: apt-get install postfix (it need not run)")
    return found


def _connected(port: int) -> bool:
    """Whether the sink's end of a connection is open: state 01 in /proc/net/tcp (proc(5))."""
    with Path("/proc/net/tcp").open(encoding="ascii") as table:
        return any(
            fields[1].endswith(f":{port:04X}") and fields[3] == "01" for fields in map(str.split, table)
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.01)
            continue
        while _connected(port):
            time.sleep(0.01)
        return
    raise SystemExit("smtp-sink does not listen")


def _exists(user: str) -> bool:
    return any(entry.pw_name == user for entry in pwd.getpwall())


def _readable(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdout is not None
    return process.stdout


@contextmanager
def _ending(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()
