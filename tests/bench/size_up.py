"""What a publication of your size needs: the sums of docs/scale.md, with your own figures if you have some.

python -m tests.bench.size_up --readers 250000 --kilobytes 45 --hours 0.5
python -m tests.bench.size_up --write     # writes the tables of scale.md anew

docs/scale.json and scale-hands.json are what two runs of `python -m tests.bench.capacity` measured.
"""

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.conftest import ROOT

TARGET = ROOT / "docs/scale.md"
KEPT = (ROOT / "docs/scale.json", ROOT / "docs/scale-hands.json")

PLAIN, SIGNED = 5_000, 1_100
"""Messages a second of one process on two shared cores: `tests.bench.send`, `tests.bench.dkim` (RSA-2048)."""
SPARE = 0.5
"""The part of what was measured that is counted on."""

ORANGE_CONNECTIONS, ORANGE_MESSAGES = 1_000, 100
"""Connections an hour that Orange takes from one address, and messages on each (scale.md has the sources)."""
ORANGE_SHARE = 0.15
"""The part of the readers at Orange and Wanadoo."""
FIRST_DAY, GROWTH = 1_000, 1.5
"""Messages of a new address on its first day, and how many times as many on each day after."""
ISSUES = 21
"""Issues a month: one each weekday."""

SIZES = (10_000, 1_000_000, 10_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How many readers, how large a mail in kB, in how many hours, and whether we sign it ourselves."""

    readers: int
    kilobytes: float = 45.0
    hours: float = 1.0
    signed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Figures of one run: bytes a reader or a message, rows a second."""

    list_bytes: float
    issue_bytes: float
    freeze_wal: float
    write_wal: float
    freeze_rate: float
    plan_rate: float
    write_rate: float
    tally_rate: float
    report_rate: float
    delete_rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What that takes; sizes in bytes, times in seconds."""

    per_second: float
    workers: int
    megabits: float
    orange: float
    addresses: int
    ramp_days: int
    list_size: float
    issue_size: float
    month_size: float
    wal: float
    freeze: float
    plan: float
    books: float
    tally: float
    report: float
    forget: float


def steps_of(*paths: Path) -> dict[str, dict[str, Any]]:
    """The steps of some runs by their names; of one that is in several, the last counts."""
    kept = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    return {step["name"]: {**step, "of": each["readers"]} for each in kept for step in each["steps"]}


def measured(*paths: Path) -> Measured:
    """The figures of the runs that are kept, or of others."""
    steps = steps_of(*(paths or KEPT))

    def size(*names: str) -> float:
        each = [(steps[name]["heap"] + steps[name]["indexes"]) / steps[name]["rows"] for name in names]
        return float(sum(each))

    def rate(*names: str) -> float:
        return float(steps[names[0]]["rows"] / sum(steps[name]["seconds"] for name in names))

    def wal(name: str) -> float:
        return float(steps[name]["wal"] / steps[name]["rows"])

    old, going = "an issue that was sent", "hands: 4, 10 messages a transaction"
    return Measured(
        list_bytes=size("readers", "proofs"),
        issue_bytes=size(f"{old}, its deliveries", f"{old}, its attempts"),
        freeze_wal=wal("freeze"),
        write_wal=wal(going),
        freeze_rate=rate("freeze"),
        plan_rate=rate("plan"),
        write_rate=rate(going),
        tally_rate=rate("tally of an issue that goes on"),
        report_rate=rate(f"report of {old}"),
        delete_rate=rate("delete an old issue's attempts", "delete an old issue's deliveries"),
    )


def need(wish: Wish, known: Measured) -> Need:
    """The sums, each as scale.md has it in words."""
    readers, seconds = wish.readers, wish.hours * 3600
    per_second = readers / seconds
    orange = readers * ORANGE_SHARE / wish.hours
    addresses = max(1, math.ceil(orange / (ORANGE_CONNECTIONS * ORANGE_MESSAGES)))
    first = FIRST_DAY * addresses
    return Need(
        per_second=per_second,
        workers=max(1, math.ceil(per_second / (SPARE * (SIGNED if wish.signed else PLAIN)))),
        megabits=per_second * wish.kilobytes * 8 / 1000,
        orange=orange,
        addresses=addresses,
        ramp_days=1 + max(0, math.ceil(math.log(readers / first) / math.log(GROWTH))),
        list_size=readers * known.list_bytes,
        issue_size=readers * known.issue_bytes,
        month_size=readers * known.issue_bytes * ISSUES,
        wal=readers * (known.freeze_wal + known.write_wal),
        freeze=readers / known.freeze_rate,
        plan=readers / known.plan_rate,
        books=readers / known.write_rate,
        tally=readers / known.tally_rate,
        report=readers / known.report_rate,
        forget=readers / known.delete_rate,
    )


def octets(size: float) -> str:
    """As "1.8 GB": two figures that count."""
    for unit, least in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if size >= least:
            return f"{_two(size / least)} {unit}"
    return f"{_two(size / 1e3)} kB"


def lasting(seconds: float) -> str:
    """As "4 min"."""
    if seconds < 1:
        return "under a second"
    for unit, least in (("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * least:
            return f"{_two(seconds / least)} {unit}"
    return f"{_two(seconds)} s"


def _two(value: float) -> str:
    digits = 1 - math.floor(math.log10(value)) if value else 0
    return f"{round(value, digits):,.{max(0, digits)}f}"


def rows(wishes: Sequence[Wish], known: Measured) -> list[list[str]]:
    """What each needs, line by line as in the table of scale.md."""
    plain = [need(replace(wish, signed=False), known) for wish in wishes]
    needs = [need(wish, known) for wish in wishes]

    def line(name: str, cells: Sequence[str]) -> list[str]:
        return [name, *cells]

    return [
        line("readers", [f"{wish.readers:,}" for wish in wishes]),
        line("all of it in", [f"{wish.hours:g} h" for wish in wishes]),
        line("messages a second", [_two(each.per_second) for each in needs]),
        line("worker processes, mails signed by us", [f"{each.workers:,}" for each in needs]),
        line("worker processes, mails signed by the relay", [f"{each.workers:,}" for each in plain]),
        line(f"line, at {wishes[0].kilobytes:g} kB a mail", [f"{_two(n.megabits)} Mbit/s" for n in needs]),
        line("relay addresses, at least", [f"{each.addresses:,}" for each in needs]),
        line("days to ramp up new addresses", [f"{each.ramp_days:,}" for each in needs]),
        line("readers and proofs", [octets(each.list_size) for each in needs]),
        line("an issue in the ledger", [octets(each.issue_size) for each in needs]),
        line(f"a month of {ISSUES} issues", [octets(each.month_size) for each in needs]),
        line("WAL of an issue", [octets(each.wal) for each in needs]),
        line("freeze", [lasting(each.freeze) for each in needs]),
        line("cut into batches", [lasting(each.plan) for each in needs]),
        line("the ledger's own time, 4 at it", [lasting(each.books) for each in needs]),
        line("one count of all states", [lasting(each.tally) for each in needs]),
        line("report of an issue", [lasting(each.report) for each in needs]),
        line("delete an old issue's rows", [lasting(each.forget) for each in needs]),
    ]


def table(wishes: Sequence[Wish], known: Measured) -> str:
    """The rows in Markdown."""
    head, *body = rows(wishes, known)
    rule = ["---", *["--:"] * len(wishes)]
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, rule, *body])


def figures() -> str:
    """All that was measured, in Markdown."""
    head = ("step", "among readers", "rows", "seconds", "rows/s", "WAL, B a row", "table + indexes, B a row")
    lines = [f"| {' | '.join(head)} | beside |"]
    lines.append("|---|--:|--:|--:|--:|--:|--:|---|")
    for step in steps_of(*KEPT).values():
        count, seconds = step["rows"], step["seconds"]
        size = f"{step['heap'] / count:,.0f} + {step['indexes'] / count:,.0f}" if step["heap"] > count else ""
        beside = f"{_two(step['ratio'])} × {step['reference']}" if step["reference"] else ""
        cells = [step["name"], f"{step['of']:,}", f"{count:,}", _two(seconds), f"{count / seconds:,.0f}"]
        cells += [f"{step['wal'] / count:,.0f}" if step["wal"] > count else "", size, beside]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def written(text: str) -> str:
    """The page with its two tables as they are now."""
    wishes = [Wish(readers=size) for size in SIZES]
    for name, content in (("needs", table(wishes, measured())), ("figures", figures())):
        before, mark, after = text.partition(f"<!-- {name} -->\n")
        _, end, after = after.partition("<!-- end -->")
        text = f"{before}{mark}{content}\n{end}{after}"
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--readers", type=int, nargs="+", default=SIZES)
    parser.add_argument("--kilobytes", type=float, default=Wish(readers=1).kilobytes, help="a mail's size")
    parser.add_argument("--hours", type=float, default=Wish(readers=1).hours)
    parser.add_argument("--write", action="store_true", help="write the tables of scale.md anew")
    options = parser.parse_args()
    if options.write:
        TARGET.write_text(written(TARGET.read_text(encoding="utf-8")), encoding="utf-8")
        return
    wishes = [Wish(readers=n, kilobytes=options.kilobytes, hours=options.hours) for n in options.readers]
    for line in rows(wishes, measured()):
        print(f"{line[0]:46}" + "".join(f"{cell:>16}" for cell in line[1:]))


if __name__ == "__main__":
    main()
