"""A run that is killed between commit and record leaves one honest doubt, and nobody is lost."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from newsletter.errors import Vetoed
from newsletter.model import Outcome, State
from newsletter.readers.database import Database
from newsletter.readers.ledger import Ledger
from newsletter.readers.store import Readers
from tests.readers.conftest import KEY, NOW, URL, enter, freeze

RUN = """
import os, signal, sys
from pathlib import Path
from newsletter.errors import Vetoed
from newsletter.model import Outcome
from newsletter.readers.database import Database
from newsletter.readers.ledger import Ledger
from tests.readers.conftest import KEY, NOW, URL

root, step, number = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
ledger = Ledger(Database.open(URL, root))
with (root / "accepted").open("ab", buffering=0) as accepted:
    for count, (reader, _) in enumerate(ledger.due(KEY, NOW, 100)):
        def here(name):
            if (name, count) == (step, number):
                os.kill(os.getpid(), signal.SIGKILL)
        here("before commit")
        try:
            ledger.commit(KEY, reader.id, NOW)
        except Vetoed:
            continue
        here("after commit")
        accepted.write(reader.id.encode() + b"\\n")
        here("before record")
        ledger.record(KEY, reader.id, outcome=Outcome.SENT, now=NOW)
        here("after record")
"""


def run(root: Path, step: str = "never", number: int = 0) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", RUN, str(root), step, str(number)])


@pytest.mark.parametrize(
    ("step", "doubts", "arrived"),
    [("before commit", 0, 4), ("after commit", 1, 4), ("before record", 1, 5), ("after record", 0, 5)],
)
def test_a_killed_run_leaves_at_most_one_doubt_and_the_next_goes_on(
    tmp_path: Path, step: str, doubts: int, arrived: int
) -> None:
    with Database.open(URL, tmp_path) as database:
        enter(Readers(database), *(f"reader{i}@example.org" for i in range(10)))
        ledger = Ledger(database)
        freeze(ledger)
        assert run(tmp_path, step, 4).wait(30) == -signal.SIGKILL
        assert len((tmp_path / "accepted").read_text().split()) == arrived
        tally = ledger.tally(KEY)
        assert tally.holds
        assert tally.in_doubt == doubts

        for reader, _ in ledger.due(KEY, NOW, 100):
            ledger.commit(KEY, reader.id, NOW)
            with (tmp_path / "accepted").open("a") as accepted_file:
                accepted_file.write(f"{reader.id}\n")
            ledger.record(KEY, reader.id, outcome=Outcome.SENT, now=NOW)
        tally = ledger.tally(KEY)
        assert tally.holds
        assert (tally.owed, tally.in_doubt, tally.sent) == (0, doubts, 10 - doubts)
        accepted = (tmp_path / "accepted").read_text().split()
        assert len(accepted) == len(set(accepted))
        in_doubt = {row.reader_id for row in ledger.rows(KEY, State.IN_DOUBT)}
        assert {row.reader_id for row in ledger.rows(KEY)} == set(accepted) | in_doubt
        for reader_id in in_doubt:
            with pytest.raises(Vetoed):
                ledger.commit(KEY, reader_id, NOW)
            ledger.record(KEY, reader_id, outcome=Outcome.SENT, now=NOW)
        assert ledger.tally(KEY).done


def test_three_processes_at_once_send_each_message_once(tmp_path: Path) -> None:
    with Database.open(URL, tmp_path) as database:
        enter(Readers(database), *(f"reader{i}@example.org" for i in range(30)))
        ledger = Ledger(database)
        freeze(ledger)
        processes = [run(tmp_path) for _ in range(3)]
        assert [process.wait(60) for process in processes] == [0, 0, 0]
        accepted = (tmp_path / "accepted").read_text().split()
        assert len(accepted) == len(set(accepted)) == 30
        assert ledger.tally(KEY).done
