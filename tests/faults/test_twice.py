"""F2, F3: runs at once, one of them frozen and awake again; each reader gets one copy."""

import signal
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from newsletter.readers.ledger import Ledger
from tests.deliver.scripted_server import Visit, always, as_usual
from tests.faults.child import Child, Fate
from tests.faults.house import KEY, House, Lock, Mode, build, copies, copy_of, smtp

BEA = "reader-000001"
ONE_EACH = {"ada": 1, "bea": 1, "cleo": 1}
ALL_SENT = {"ada": "sent", "bea": "sent", "cleo": "sent"}


def test_f02_frozen_before_its_commit_and_awake_when_another_run_has_sent_it_all(
    house: House, lock: Lock, mode: Mode
) -> None:
    frozen = threading.Event()

    def hold(visit: Visit) -> None:
        lock.take()
        as_usual(visit)

    def freeze(visit: Visit) -> None:
        """The text is there but its dot, and the run waits for its commit."""
        visit.take(house.octets("bea") + 2)
        zombie.freezes(visit)
        lock.let_go()
        frozen.set()

    with mode.server({"DATA bea@example.org": hold, "text bea@example.org": freeze}) as server:
        zombie = Child(house, server.port)
        zombie.start()
        assert frozen.wait(20)
        # Where the 250 for the one before came with this 354, both were to be written down together.
        first = "in doubt" if mode.pipelined else "sent"
        assert house.states() == {"ada": first, "bea": "owed", "cleo": "owed"}
        assert house.send(smtp(server.port)).news == [("bea", "sent"), ("cleo", "sent")]
        assert house.states() == {"ada": first, "bea": "sent", "cleo": "sent"}
        zombie.signal(signal.SIGCONT)
        assert zombie.wait() == 0
        assert (house.states(), copies(server)) == (ALL_SENT, ONE_EACH)
        assert house.attempts("bea") == [(1, "sent", "", 0)]


def test_f02_frozen_between_commit_and_dot_the_other_run_leaves_the_row_alone(
    house: House, mode: Mode
) -> None:
    with mode.server() as server:
        zombie = Child(
            house, server.port, fate=Fate(signal=signal.SIGSTOP, moment="after commit", reader_id=BEA)
        )
        zombie.start()
        zombie.wait_until_stopped()
        assert house.states() == {"ada": "sent", "bea": "in doubt", "cleo": "owed"}
        assert house.send(smtp(server.port)).news == [("cleo", "sent")]
        assert house.states() == {"ada": "sent", "bea": "in doubt", "cleo": "sent"}
        assert copies(server) == {"ada": 1, "cleo": 1}
        zombie.signal(signal.SIGCONT)
        assert zombie.wait() == 0
        assert (house.states(), copies(server)) == (ALL_SENT, ONE_EACH)


def test_f02_frozen_after_its_dot_a_late_answer_still_settles_the_doubt(house: House, mode: Mode) -> None:
    frozen = threading.Event()

    def freeze(visit: Visit) -> None:
        zombie.freezes(visit)
        frozen.set()

    with mode.server({"dot bea@example.org": freeze}) as server:
        zombie = Child(house, server.port)
        zombie.start()
        assert frozen.wait(20)
        assert house.send(smtp(server.port)).news == [("cleo", "sent")]
        assert house.states() == {"ada": "sent", "bea": "in doubt", "cleo": "sent"}
        zombie.signal(signal.SIGCONT)
        assert zombie.wait() == 0
        assert (house.states(), copies(server)) == (ALL_SENT, ONE_EACH)
        assert house.attempts("bea") == [(1, "sent", "", 0)]


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("crowd")
    build(root, [f"reader{number:02}" for number in range(60)])
    return root


@pytest.fixture
def crowded(crowd: Path, tmp_path: Path) -> Iterator[House]:
    house = House(copy_of(crowd, tmp_path / "house"))
    yield house
    house.close()


@pytest.mark.parametrize("runs", [2, 5])
def test_f03_the_same_run_so_many_times_at_once(crowded: House, mode: Mode, runs: int) -> None:
    def all_together(visit: Visit) -> None:
        """Nobody is greeted before all are there."""
        while len(server.visits) < runs:
            visit.server.over.wait(0.01)
        as_usual(visit)

    with mode.server({"greeting": always(all_together)}) as server:
        children = [Child(crowded, server.port, connections=3) for _ in range(runs)]
        for child in children:
            child.start()
        assert [child.wait() for child in children] == [0] * runs
        assert Counter(crowded.states().values()) == {"sent": 60}
        assert Ledger(crowded.database).tally(KEY).done
        assert Counter(copies(server).values()) == {1: 60}
        assert {tuple(crowded.attempts(name)) for name in crowded.states()} == {((1, "sent", "", 0),)}
