"""What bringing in a list costs: `python -m tests.bench.import_readers`.

The whole of `newsletter readers import`, from the start of the program to its last word, of a file whose
names and addresses are as various as in life, each address looked at, each reader with a proof. The
reference is what sqlite3 takes to write the same rows, ready in memory, into the same table by one bare
`executemany` in one transaction, in turns with ours. Memory is the whole program's, against a list of a
thousand.
"""

import argparse
import csv
import random
import secrets
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from statistics import median

from newsletter.readers.database import Database
from tests.bench.papers import NAMES, Paper, surroundings
from tests.bench.senders import Command, Cost, Running
from tests.conftest import ROOT

FEW = 1_000
HOSTS = ("gmail.com", "orange.fr", "free.fr", "hotmail.fr", "wanadoo.fr", "Yahoo.fr", "laposte.net", "sfr.fr")
INSERT = "INSERT INTO reader (id, email, address_key, name, status, since) VALUES (?, ?, ?, ?, 'active', 0)"


def people(count: int) -> Iterator[tuple[str, str]]:
    """Addresses and names; one in twenty is at a host of its own."""
    chance = random.Random(count)
    for number in range(count):
        name = chance.choice(NAMES)
        host = f"maison{number}.example.org" if number % 20 == 0 else chance.choice(HOSTS)
        yield f"{chance.choice(('Jean.', 'marie-', 'a', 'LEA_'))}{number}@{host}", name


def make_file(folder: Path, count: int) -> Path:
    path = folder / f"people-{count}.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter=";")
        writer.writerow(("Courriel", "Nom"))
        writer.writerows(people(count))
    return path


def ours(paper: Paper, file: Path, count: int) -> Cost:
    """Import the file into an empty database."""
    state = paper.root / ".newsletter"
    shutil.rmtree(state, ignore_errors=True)
    words = paper.newsletter("readers", "import", str(file), "--source", "made up", "--yes")
    cost = Running(Command(words=words, environment=surroundings())).cost()
    with closing(sqlite3.connect(state / "newsletter.db")) as connection:
        found = connection.execute("SELECT (SELECT count(*) FROM reader), (SELECT count(*) FROM consent)")
        assert found.fetchone() == (count, count)
    return cost


def bare(folder: Path, count: int) -> tuple[float, float]:
    """Seconds on the clock and of the processor for the bare rows."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    Database.open("sqlite:///bare.db", folder).close()
    rows = [(secrets.token_urlsafe(12), email, email.lower(), name) for email, name in people(count)]
    with closing(sqlite3.connect(folder / "bare.db")) as connection:
        connection.execute("PRAGMA synchronous = FULL")
        wall, cpu = time.perf_counter(), time.process_time()
        with connection:
            connection.executemany(INSERT, rows)
        return time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where to work: its disk is the database's")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        root = Path(name)
        shutil.copytree(ROOT / "templates", root / "paper" / "templates")
        paper = Paper(root=root / "paper", octets=0)
        paper.set_up(port=25, connections=1)
        few = ours(paper, make_file(root, FEW), FEW)
        file = make_file(root, options.lines)
        costs, references = [], []
        for _ in range(options.rounds):
            costs.append(ours(paper, file, options.lines))
            references.append(bare(root / "bare", options.lines))
        again = _again(paper, file)
    wall = [cost.ended - cost.started for cost in costs]
    cpu = [cost.cpu for cost in costs]
    ratio = median(mine / other for mine, (other, _) in zip(wall, references, strict=True))
    cpu_ratio = median(mine / other for mine, (_, other) in zip(cpu, references, strict=True))
    bare_wall, bare_cpu = (median(values) for values in zip(*references, strict=True))
    peak = max(cost.peak for cost in costs)
    print(f"{options.lines:,} lines: {median(wall):.1f} s ({median(cpu):.1f} s of the processor)")
    print(f"bare sqlite3 executemany of the same rows: {bare_wall:.1f} s ({bare_cpu:.1f} s)")
    print(f"ratio {ratio:.2f} on the clock, {cpu_ratio:.2f} of the processor")
    print(f"once more, everybody known: {again.ended - again.started:.1f} s")
    print(f"peak memory {peak / 1e6:.0f} MB, with {FEW:,} lines {few.peak / 1e6:.0f} MB")


def _again(paper: Paper, file: Path) -> Cost:
    words = paper.newsletter("readers", "import", str(file), "--source", "made up", "--yes")
    return Running(Command(words=words, environment=surroundings())).cost()


if __name__ == "__main__":
    main()
