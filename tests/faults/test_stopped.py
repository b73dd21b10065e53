"""F18, F19: power that fails at the dot, and signals while its answer is waited for."""

import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.conftest import PYTHON, ROOT, Newsletter
from tests.deliver.scripted_server import Visit, as_usual
from tests.faults.house import LOCKSTEP, PIPELINED, House, Mode, copies, copy_of, smtp
from tests.faults.paper import go_through, publish, tally
from tests.stories.conftest import start

RUN = """
import sys
from pathlib import Path
from tests.faults.house import House, smtp
House(Path(sys.argv[1]), durable=True).send(smtp(int(sys.argv[2])))
"""


def test_f18_what_the_disk_holds_when_a_dot_arrives_says_that_the_message_may_have_left(
    house: House, mode: Mode, tmp_path: Path
) -> None:
    def power_cut(visit: Visit) -> None:
        """Another disk has what this one has at the moment at which the dot is there."""
        wal = house.root / "newsletter.db-wal"
        shutil.copy(wal, copy_of(house.root, tmp_path / "after the cut") / wal.name)
        as_usual(visit)

    with mode.server({"dot bea@example.org": power_cut}) as server:
        assert house.send(smtp(server.port)).error is None
    after = House(tmp_path / "after the cut")
    assert after.states() == {"ada": "sent", "bea": "in doubt", "cleo": "owed"}
    with mode.server() as server:
        assert after.send(smtp(server.port)).news == [("cleo", "sent")]
        assert copies(server) == {"cleo": 1}
    assert after.states() == {"ada": "sent", "bea": "in doubt", "cleo": "sent"}
    after.close()


def test_f18_no_dot_is_written_before_the_disk_has_confirmed_its_commit(house: House, mode: Mode) -> None:
    strace = shutil.which("strace")
    if not strace or subprocess.run([strace, "true"], capture_output=True).returncode:
        pytest.skip("needs strace, and the right to trace")
    calls = house.root / "calls"
    traced = [strace, "-f", "-y", "-s", "8", "-e", "trace=fdatasync,fsync,pwrite64,sendto", "-o", str(calls)]
    house.close()
    with mode.server() as server:
        order = [*traced, PYTHON, "-c", RUN, str(house.root), str(server.port)]
        subprocess.run(order, cwd=ROOT, check=True, capture_output=True)
        assert copies(server) == {"ada": 1, "bea": 1, "cleo": 1}
    written = synced = 0
    dots = []
    for line in calls.read_text().splitlines():
        written += bool(re.search(r" pwrite64\(\d+<.*newsletter\.db-wal>", line))
        if re.search(r" fd?a?t?a?sync\(\d+<.*newsletter\.db-wal>.* = 0", line):
            synced = written
        if re.search(r' sendto\(\d+<.*>, "\.\\r\\n', line):
            dots.append((written > 0, synced == written))
    assert dots == [(True, True)] * 3


# ---- F19 ----


def interrupted(
    paper: Path, newsletter: Newsletter, mode: Mode, signals: list[signal.Signals]
) -> tuple[int, str, dict[str, int]]:
    """What a run of four readers says and gives, and what has arrived, if these meet it at its first dot."""

    def strike(visit: Visit) -> None:
        for number in signals:
            run.send_signal(number)
            visit.server.over.wait(0.3)
        as_usual(visit)

    with mode.server({"dot": strike}) as server:
        publish(paper, newsletter, server.port)
        run = start(paper, "send", "--yes")
        _, words = run.communicate(timeout=30)
        return run.returncode, words, dict(copies(server))


@pytest.mark.parametrize(
    ("mode", "number"),
    [(PIPELINED, signal.SIGINT), (LOCKSTEP, signal.SIGTERM)],
    ids=["pipelined-INT", "lockstep-TERM"],
)
def test_f19_the_first_signal_waits_for_the_answer_to_the_dot(
    paper: Path, newsletter: Newsletter, mode: Mode, number: signal.Signals
) -> None:
    code, words, arrived = interrupted(paper, newsletter, mode, [number])
    assert code == 130
    assert "once more to stop at once" in words
    assert "To go on: newsletter send 2026-11-23" in words
    # Where the next message's envelope has gone out with the dot, it is in flight as well.
    sent = 2 if mode.pipelined else 1
    assert (tally(newsletter), len(arrived)) == ((sent, 0, 4 - sent), sent)


@pytest.mark.parametrize(
    ("mode", "number"),
    [(PIPELINED, signal.SIGTERM), (LOCKSTEP, signal.SIGINT)],
    ids=["pipelined-TERM", "lockstep-INT"],
)
def test_f19_the_second_signal_stops_at_once_and_leaves_an_honest_doubt(
    paper: Path, newsletter: Newsletter, mode: Mode, number: signal.Signals
) -> None:
    code, _, arrived = interrupted(paper, newsletter, mode, [number, number])
    assert code == 130
    assert (tally(newsletter), len(arrived)) == ((0, 1, 3), 1)
    with mode.server() as server:
        go_through(paper, server.port)
        assert newsletter("send", "--yes").code == 5
        assert len(copies(server)) == 3
        assert copies(server).keys().isdisjoint(arrived)
    assert tally(newsletter) == (3, 1, 0)
