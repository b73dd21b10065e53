"""F25: audiences of any size in the same memory, and a system that has no files left to open."""

import json
import sqlite3
import subprocess
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import PYTHON, ROOT
from tests.faults.child import Child
from tests.faults.house import FILE, KEY, House, Mode, build, copies, smtp

MANY = 200_000
MEGABYTE = 1_000_000

# A carrier that keeps nothing, 500 messages at a time, tells how much memory the run has as it goes on.
RUN = """
import json, os, sys
from itertools import islice
from pathlib import Path
from newsletter.deliver.backend import Ended, Ready
from newsletter.model import Message
from tests.faults.house import House

class Nowhere:
    def __init__(self):
        self.carried, self.resident = 0, []
    def open(self): pass
    def close(self): pass
    def carry(self, work, connections):
        while group := list(islice(iter(work.next, None), 500)):
            assert all(isinstance(message, Message) for message in group)
            assert not work.turn((), [Ready(message) for message in group])
            work.turn([Ended(message, "250 ok", True) for message in group], ())
            self.carried += len(group)
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            self.resident.append(pages * os.sysconf("SC_PAGE_SIZE"))
            yield

nowhere = Nowhere()
house = House(Path(sys.argv[1]))
sent = sum(delivery.outcome == "sent" for delivery in house.deliveries(nowhere, connections=250))
print(json.dumps({"sent": sent, "carried": nowhere.carried, "resident": nowhere.resident}))
"""


def test_f25_200000_readers_take_no_more_memory_than_a_thousand(tmp_path: Path) -> None:
    build(tmp_path, ["ada"])
    crowd(tmp_path, MANY - 1)
    order = [PYTHON, "-c", RUN, str(tmp_path)]
    said = subprocess.run(order, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    told = json.loads(said)
    assert (told["sent"], told["carried"]) == (MANY, MANY)
    after_a_thousand, *later = told["resident"][1:]
    assert max(later) - after_a_thousand < 20 * MEGABYTE
    house = House(tmp_path)
    assert (house.ledger.tally(KEY).sent, house.ledger.tally(KEY).done) == (MANY, True)
    house.close()


def crowd(root: Path, number: int) -> None:
    """So many readers more, who are owed the issue as well."""
    ids = [(f"reader-1{count:06}", f"r{count}@example.org") for count in range(number)]
    with closing(sqlite3.connect(root / FILE)) as connection, connection:
        connection.executemany(
            "INSERT INTO reader (id, email, address_key, name, status, since)"
            " VALUES (?1, ?2, ?2, '', 'active', 0)",
            ids,
        )
        connection.executemany(
            "INSERT INTO delivery (issue_key, reader_id, state, attempts, reason)"
            " VALUES (?, ?, 'owed', 0, '')",
            [(KEY, reader_id) for reader_id, _ in ids],
        )
        connection.execute("UPDATE issue SET audience = ?", (number + 1,))


@pytest.fixture
def crowded(tmp_path: Path) -> House:
    build(tmp_path, [f"reader{number:02}" for number in range(40)])
    return House(tmp_path)


def test_f25_with_few_files_to_open_fewer_connections_do_all_the_work(crowded: House, mode: Mode) -> None:
    with mode.server() as server:
        child = Child(crowded, server.port, connections=10, files=8)
        child.start()
        assert child.wait() == 0
        assert Counter(crowded.states().values()) == {"sent": 40}
        assert Counter(copies(server).values()) == {1: 40}
        assert 1 < len(server.visits) < 10
    crowded.close()


@pytest.mark.parametrize("files", [1, 2, 3])
def test_f25_with_no_files_to_open_the_run_says_so_and_another_goes_on(
    crowded: House, mode: Mode, files: int
) -> None:
    with mode.server() as server:
        child = Child(crowded, server.port, connections=10, files=files)
        child.start()
        assert child.wait() == 75
        assert crowded.holds
        crowded.send(smtp(server.port), connections=10)
        states = Counter(crowded.states().values())
        assert states["sent"] + states["in doubt"] == 40
        assert set(copies(server).values()) == {1}
        assert len(copies(server)) >= states["sent"]
    crowded.close()
