"""How fast issues leave, beside Postfix's load generator and the usual tools: `python -m tests.bench.send`.

All senders of a round send the same issue, one after the other, each to a fresh sink, forwards and backwards
in turn, so that whatever else the machine does weighs on all alike. A rate is the number of messages over the
time from the first connection to the end of the last message as seen at the far end: our sink notes it
itself, for Postfix's the table of TCP connections is watched. CPU is that of the whole sending process less
that of a run with one message, which stands in a column of its own. Our run is the whole command: freeze, a
real ledger on disk, each row durably in doubt before its dot, every header and personal field.

The reference is `smtp-source -s 20 -d`: 20 connections used again and again, the strongest of its settings,
with one fixed message of the same size. Peers come from `--peers DIR`, where pip and npm put them at the
first use.
"""

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.bench.papers import Paper, make_paper
from tests.bench.peers.commands import install, peers
from tests.bench.peers.letter import write_letter
from tests.bench.samples import faults
from tests.bench.senders import (
    REFUSED,
    SELECTOR,
    SIGNED,
    Cost,
    Running,
    Sender,
    smtp_source,
    the_press,
    why_unsigned,
)
from tests.bench.sinks import Sample, compiled, fast_sink, postfix, postfix_sink
from tests.bench.tables import Track, print_ratios, print_table

SIZES = {"8": 8_400, "61": 61_000}
SINKS = ("fast", "smtp-sink")
SHARE = 40
"""Slow senders are given so many times fewer messages."""

SAMPLES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run: its cost, its seconds on the wire, and what the sink knows if it is ours."""

    cost: Cost
    seconds: float
    octets: int = 0
    samples: tuple[Sample, ...] = ()


def main() -> None:
    options = _options()
    for program in ("smtp-sink", "smtp-source"):
        postfix(program)
    if options.peers:
        install(options.peers.absolute())
    tracks: list[Track] = []
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        sink = compiled(folder)
        for size in options.sizes:
            tracks += _of_size(SIZES[size], folder / size, sink, options)
    print_table(tracks)
    print_ratios(tracks)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.send", description="How fast issues leave.")
    parser.add_argument("--rounds", type=int, help="alternating rounds  [default: 5]")
    parser.add_argument("--messages", type=int, help="of a fast sender in a run  [default: 20,000]")
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=list(SIZES), help="of a message, in kB")
    parser.add_argument("--sinks", nargs="+", choices=SINKS, default=list(SINKS))
    parser.add_argument("--connections", type=int, default=50, help="our [send] connections  [default: 50]")
    parser.add_argument("--peers", type=Path, metavar="DIR", help="measure the peers too, installed in DIR")
    parser.add_argument("--folder", type=Path, help="where to work: its disk is the ledger's")
    parser.add_argument("--quick", action="store_true", help="about a minute: 2 rounds of 4,000 messages")
    options = parser.parse_args()
    options.rounds = options.rounds or (2 if options.quick else 5)
    options.messages = options.messages or (4_000 if options.quick else 20_000)
    return options


def _of_size(octets: int, folder: Path, program: Path, options: argparse.Namespace) -> list[Track]:
    """All rounds with messages of about so many octets."""
    paper = make_paper(folder / "paper", octets)
    octets = _weigh(paper, program)
    _say(f"messages of {octets:,} octets")
    senders = [the_press(paper, options.connections)]
    if reason := why_unsigned(paper):
        _say(f"left out: {SIGNED}, {reason}")
    else:
        paper.run("dkim", "keygen", SELECTOR)
        senders.append(the_press(paper, options.connections, name=SIGNED))
    if not options.quick:
        senders.append(the_press(paper, options.connections, name=REFUSED))
    senders.append(smtp_source(octets))
    if options.peers:
        senders += peers(options.peers.absolute(), write_letter(paper, folder / "letter"))
    tracks = [
        Track(sender=sender, sink=sink, octets=octets)
        for sink in options.sinks
        for sender in senders
        if sink == "fast" or not sender.refuse
    ]
    for number in range(options.rounds):
        for track in tracks if number % 2 == 0 else reversed(tracks):
            _round(track, options.messages if track.sender.fast else options.messages // SHARE, program)
            words = f"{track.sender.name} to {track.sink}, {track.rates[-1]:,.0f} msg/s"
            _say(f"round {number + 1} of {options.rounds}: {words}")
    return tracks


def _weigh(paper: Paper, program: Path) -> int:
    """The octets of one message as they arrive."""
    return _run(the_press(paper, 1), "fast", 1, program).octets


def _round(track: Track, count: int, program: Path) -> None:
    one = _run(track.sender, track.sink, 1, program)
    all_ = _run(track.sender, track.sink, count, program)
    track.add(count, all_.seconds, one.cost, all_.cost)
    if track.sender.personal:
        track.sampled += len(all_.samples)
        track.faults += faults(list(all_.samples))


def _run(sender: Sender, sink: str, count: int, program: Path) -> Run:
    """One sender's run to a sink of its own; ends the benchmark if a message is missing there."""
    if sink == "smtp-sink":
        with postfix_sink() as theirs:
            cost = Running(sender.command(count, theirs.port)).cost()
            return Run(cost=cost, seconds=theirs.seconds())
    refuse = ("-r", str(sender.refuse)) if sender.refuse else ()
    with fast_sink(program, *refuse, keep=max(1, count // SAMPLES)) as ours:
        cost = Running(sender.command(count, ours.port)).cost()
        seen = ours.seen(end=True)
        if seen.messages + seen.refused != count:
            raise SystemExit(f"{sender.name}: {seen.messages:,} of {count:,} messages arrived")
        samples = tuple(ours.samples())
        return Run(cost=cost, seconds=seen.last - seen.opened, octets=seen.octets, samples=samples)


def _say(words: str) -> None:
    print(words, file=sys.stderr)


if __name__ == "__main__":
    main()
