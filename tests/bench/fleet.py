"""How fast 1, 2 and 3 workers send, and whether they keep one pace: `python -m tests.bench.fleet`.

Workers are processes of their own on PostgreSQL, which waits for its disk; the mail server is sink.c, which
answers at once. With --per-second the sink is looked at all the time, and the most messages in any window of
one second are told.
"""

import argparse
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.fleet_ledger import LedgerServer
from tests.bench.sinks import FastSink, compiled, fast_sink
from tests.bench.throwaway import command, environment, make_publication, write_next_issue
from tests.cluster import Cluster, running
from tests.conftest import ROOT

KEY = "2026-11-23"
CLOCK = "2026-11-23T06:45"
LOOK_EVERY = 0.02


@dataclass(slots=True, kw_only=True)
class Watch:
    """How many messages a sink had at which moments."""

    sink: FastSink
    looks: list[tuple[float, int]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self.over.wait(LOOK_EVERY):
            self.looks.append((time.monotonic(), self.sink.seen().messages))

    def most_in_a_second(self) -> int:
        """In any window of a second between two looks; a look may come late, so windows are never longer."""
        most = start = 0
        for at, count in self.looks:
            while at - self.looks[start][0] > 1:
                start += 1
            most = max(most, count - self.looks[start][1])
        return most


@contextmanager
def workers(folder: Path, number: int, words: Path) -> Iterator[None]:
    """So many workers that are ready, until the block ends."""
    with ExitStack() as stack:
        ready = []
        for one in range(number):
            said = words.with_suffix(f".{one}")
            file = stack.enter_context(said.open("w"))
            process = subprocess.Popen(
                command(folder, CLOCK, "worker"), cwd=ROOT, env=environment(), stdout=file, stderr=file
            )
            stack.callback(_end, process)
            ready.append(said)
        while not all("ready." in said.read_text(encoding="utf-8") for said in ready):
            time.sleep(0.05)
        time.sleep(2)  # until they have given a sign
        yield


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGTERM)
    process.wait(60)


def measure(
    cluster: Cluster, program: Path, root: Path, number: int, options: argparse.Namespace
) -> tuple[float, int]:
    """Messages a second from the first copy to the last, and the most in any second."""
    with fast_sink(program) as sink:
        more = f"per_second = {options.per_second}\n" if options.per_second else ""
        url = cluster.empty()
        folders = make_publication(
            root, [sink.port], readers=options.readers, connections=options.connections, more=more, store=url
        )
        write_next_issue(root, KEY)
        (folder,) = folders.values()
        watch = Watch(sink=sink)
        thread = threading.Thread(target=watch.run)
        with workers(folder, number, root / "words"):
            if options.per_second:
                thread.start()
            order = command(folder, CLOCK, "send", KEY, "--yes")
            subprocess.run(order, cwd=ROOT, env=environment(), check=True, capture_output=True)
            if options.per_second:
                watch.over.set()
                thread.join()
        seen = sink.seen(end=True)
        ledger = LedgerServer(url)
        states = dict(ledger.rows("SELECT state, count(*) FROM delivery GROUP BY state"))
        ledger.close()
        assert states == {"sent": options.readers}, states
        assert seen.messages == options.readers, seen
        cluster.drop(url)
        return seen.messages / (seen.last - seen.first), watch.most_in_a_second()


def read_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.fleet", description=__doc__)
    add = parser.add_argument
    add("--workers", type=int, nargs="+", default=[1, 2, 3], help="how many workers at once (1 2 3)")
    add("--readers", type=int, default=10_000, help="readers of the issue (10000)")
    add("--connections", type=int, default=10, help="connections of each worker (10)")
    add("--per-second", type=int, default=0, help="the pace of all together, 0 for none (0)")
    return parser.parse_args(arguments)


def main() -> int:
    """Measure and tell; the exit code."""
    options = read_options()
    with tempfile.TemporaryDirectory(prefix="fleet-") as scratch, running(durable=True) as cluster:
        program = compiled(Path(scratch))
        for number in options.workers:
            rate, most = measure(cluster, program, Path(scratch) / f"of-{number}", number, options)
            words = f"; the most in any second {most:,}" if options.per_second else ""
            print(f"{number} workers: {rate:,.0f} messages a second{words}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
