"""A run that is killed between commit and record leaves honest doubts, and nobody is lost."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from newsletter.model import State
from newsletter.readers.database import Database
from newsletter.readers.ledger import Ledger
from newsletter.readers.store import Readers
from tests.readers.conftest import KEY, NOW, URL, commit, due, enter, freeze, gave, record

# Each turn writes in one transaction what became of the group before and the commits of the next one.
RUN = """
import os, signal, sys
from datetime import datetime
from pathlib import Path
from newsletter.model import Commit, Delivery, Outcome
from newsletter.readers.database import Database
from newsletter.readers.ledger import Ledger

url, key, now = sys.argv[1], sys.argv[2], datetime.fromisoformat(sys.argv[3])
root, step, number, size = Path(sys.argv[4]), sys.argv[5], int(sys.argv[6]), int(sys.argv[7])
ledger = Ledger(Database.open(url, root))
readers = [owed.reader for owed in ledger.due(key, now, 100)]
results = []
with (root / "accepted").open("ab", buffering=0) as accepted:
    for turn, at in enumerate([*range(0, len(readers), size), len(readers)]):
        def here(name):
            if (name, turn) == (step, number):
                os.kill(os.getpid(), signal.SIGKILL)
        group = readers[at : at + size]
        here("before write")
        commits = [Commit(reader_id=reader.id, number=1) for reader in group]
        vetoes = ledger.write(key, deliveries=results, commits=commits, now=now)
        here("after write")
        passed = [reader for reader in group if reader.id not in vetoes]
        accepted.write("".join(f"{reader.id}\\n" for reader in passed).encode())
        here("after acceptance")
        results = [
            Delivery(recipient=reader, outcome=Outcome.SENT, number=1, at=now, committed=True)
            for reader in passed
        ]
"""


def run(root: Path, step: str = "never", number: int = 0, size: int = 1) -> subprocess.Popen[bytes]:
    about = [URL, KEY, NOW.isoformat(), str(root), step, str(number), str(size)]
    return subprocess.Popen([sys.executable, "-c", RUN, *about])


@pytest.mark.parametrize("size", [1, 4])
@pytest.mark.parametrize(
    ("step", "doubts", "arrived"), [("before write", 1, 2), ("after write", 1, 2), ("after acceptance", 1, 3)]
)
def test_a_killed_run_leaves_the_messages_in_flight_in_doubt_and_the_next_goes_on(
    tmp_path: Path, step: str, doubts: int, arrived: int, size: int
) -> None:
    with Database.open(URL, tmp_path) as database:
        enter(Readers(database), *(f"reader{i}@example.org" for i in range(16)))
        ledger = Ledger(database)
        freeze(ledger)
        assert run(tmp_path, step, 2, size).wait(30) == -signal.SIGKILL
        assert len((tmp_path / "accepted").read_text().split()) == arrived * size
        tally = ledger.tally(KEY)
        assert tally.holds
        assert tally.in_doubt == doubts * size

        for reader_id in due(ledger):
            assert commit(ledger, reader_id) == {}
            with (tmp_path / "accepted").open("a") as accepted_file:
                accepted_file.write(f"{reader_id}\n")
            record(ledger, gave(reader_id))
        tally = ledger.tally(KEY)
        assert tally.holds
        assert (tally.owed, tally.in_doubt, tally.sent) == (0, doubts * size, 16 - doubts * size)
        accepted = (tmp_path / "accepted").read_text().split()
        assert len(accepted) == len(set(accepted))
        in_doubt = {row.reader_id for row in ledger.rows(KEY, State.IN_DOUBT)}
        assert {row.reader_id for row in ledger.rows(KEY)} == set(accepted) | in_doubt
        for reader_id in in_doubt:
            assert commit(ledger, reader_id, number=2) == {reader_id: ""}
            record(ledger, gave(reader_id))
        assert ledger.tally(KEY).done


@pytest.mark.parametrize("size", [1, 7])
def test_three_processes_at_once_send_each_message_once(tmp_path: Path, size: int) -> None:
    with Database.open(URL, tmp_path) as database:
        enter(Readers(database), *(f"reader{i}@example.org" for i in range(30)))
        ledger = Ledger(database)
        freeze(ledger)
        processes = [run(tmp_path, size=size) for _ in range(3)]
        assert [process.wait(60) for process in processes] == [0, 0, 0]
        accepted = (tmp_path / "accepted").read_text().split()
        assert len(accepted) == len(set(accepted)) == 30
        assert ledger.tally(KEY).done
