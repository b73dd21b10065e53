"""What a million readers cost the ledger: `python -m tests.bench.ledger`.

How long the freeze takes, how long a run that was killed needs until its next mail once it is started again,
and how much more memory a run takes than with a thousand readers. All of it is seen from outside: the command
line at one end, our own sink at the other.
"""

import argparse
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median

from newsletter.config import read_config
from newsletter.model import Reader
from newsletter.readers.database import Database
from newsletter.readers.store import Readers, random_id
from tests.bench.papers import Paper, email_of, make_paper, name_of, surroundings
from tests.bench.senders import Cost, Running, sending
from tests.bench.sinks import Seen, compiled, fast_sink
from tests.conftest import ROOT

FEW = 1_000
KILLED = -signal.SIGKILL
FINE = (0, 5, 130)
"""All sent; some in doubt, as they must be after a kill; ended by Ctrl-C."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.ledger", description="A million readers.")
    parser.add_argument("--readers", type=int, default=1_000_000)
    parser.add_argument("--kill-at", type=int, default=5_000, help="messages after which the run is killed")
    parser.add_argument(
        "--limit", type=float, default=120, help="seconds after which the second run is ended"
    )
    parser.add_argument("--connections", type=int, default=50, help="our [send] connections  [default: 50]")
    parser.add_argument("--folder", type=Path, help="where to work: its disk is the ledger's")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        program = compiled(Path(name))
        paper = make_paper(Path(name) / "paper", 8_400)
        _enter(paper, FEW)
        few, seen_few = _send(paper, program, options)
        _enter(paper, options.readers)
        first, seen_first = _send(paper, program, options, kill=True)
        again, seen_again = _send(paper, program, options)
        start = _start(paper)
    audience = f"{options.readers:,}"
    ready, ready_few = seen_first.opened - first.started, seen_few.opened - few.started
    print(
        f"freeze of {audience} rows: {ready - ready_few:.1f} s ({ready:.1f} s from the start of the command "
        f"to its first connection, less {ready_few:.1f} s with {FEW:,} readers)"
    )
    print(f"killed after {seen_first.messages:,} messages")
    next_mail = seen_again.first - again.started
    print(
        f"restart to the next mail: {next_mail:.2f} s, of which {start:.2f} s are the start of the program "
        f"(`newsletter --version`): {next_mail - start:.2f} s"
    )
    rate = seen_again.messages / (seen_again.last - seen_again.opened)
    print(f"then {seen_again.messages:,} messages at {rate:,.0f} a second")
    peak = max(first.peak, again.peak)
    print(
        f"peak memory: {few.peak / 1e6:.0f} MB for {FEW:,} readers, {first.peak / 1e6:.0f} MB with the "
        f"freeze of {audience}, {again.peak / 1e6:.0f} MB after: {(peak - few.peak) / 1e6:+.0f} MB"
    )


def _enter(paper: Paper, count: int) -> None:
    """Make these the paper's readers, and forget what was sent."""
    for path in (paper.root / ".newsletter").glob("newsletter.db*"):
        path.unlink()
    config = read_config(paper.root, {})
    started = time.monotonic()
    # Its database calls itself a rehearsal's, so that a million come in at once and without proofs.
    with Database.open(config.store.url, paper.root) as database:
        Readers(database, rehearsal=True).replace_all(
            Reader(id=random_id(), email=email_of(number), name=name_of(number)) for number in range(count)
        )
    print(f"{count:,} readers entered in {time.monotonic() - started:.1f} s")


def _send(
    paper: Paper, program: Path, options: argparse.Namespace, *, kill: bool = False
) -> tuple[Cost, Seen]:
    """Send to whoever is owed the issue; with `kill` only until some messages have arrived."""
    with fast_sink(program) as sink:
        paper.set_up(port=sink.port, connections=options.connections)
        running = Running(sending(paper, fine=(*FINE, KILLED)))
        if kill:
            while not running.ended and sink.seen().messages < options.kill_at:
                time.sleep(0.02)
            os.kill(running.pid, signal.SIGKILL)
        cost = running.cost(limit=0 if kill else options.limit)
        return cost, sink.seen(end=True)


def _start(paper: Paper) -> float:
    """Seconds until the program has started and said its name: the median of five."""
    times = []
    for _ in range(5):
        started = time.monotonic()
        subprocess.run(
            paper.newsletter("--version"), cwd=ROOT, env=surroundings(), check=True, stdout=subprocess.DEVNULL
        )
        times.append(time.monotonic() - started)
    return median(times)


if __name__ == "__main__":
    main()
