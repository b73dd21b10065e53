"""F1: a run that is killed at each step; nobody gets two copies, nobody is lost, and doubts are named."""

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.deliver.scripted_server import Visit, after, as_usual
from tests.faults.child import Child, Fate
from tests.faults.house import KEY, LOCKSTEP, PIPELINED, House, Lock, Mode, build, copies, smtp

BEA = "reader-000001"
KILLED = -signal.SIGKILL

# Where many commands share a packet, the answer to the dot before travels with the answers to them: who was
# killed before he could read it leaves a doubt about that message too.
AT_THE_SERVER = {
    "greeting": ("greeting", 1),
    "EHLO": ("EHLO", 1),
    "between-messages": ("RSET", 1),
    "MAIL": ("MAIL", 2),
    "RCPT": ("RCPT", 2),
    "DATA": ("DATA", 2),
    "dot": ("dot", 2),
    "QUIT": ("QUIT", 1),
}
OWED, DOUBT, SENT = "owed", "in doubt", "sent"
AFTERWARDS: dict[tuple[str, str], tuple[tuple[str, str, str], set[str]]] = {
    # step and mode -> the states of ada, bea and cleo, and whose text has arrived with its dot
    ("greeting", "pipelined"): ((OWED, OWED, OWED), set()),
    ("greeting", "lockstep"): ((OWED, OWED, OWED), set()),
    ("EHLO", "pipelined"): ((OWED, OWED, OWED), set()),
    ("EHLO", "lockstep"): ((OWED, OWED, OWED), set()),
    ("between-messages", "lockstep"): ((SENT, OWED, OWED), {"ada"}),
    ("MAIL", "pipelined"): ((DOUBT, OWED, OWED), {"ada"}),
    ("MAIL", "lockstep"): ((SENT, OWED, OWED), {"ada"}),
    ("RCPT", "pipelined"): ((DOUBT, OWED, OWED), {"ada"}),
    ("RCPT", "lockstep"): ((SENT, OWED, OWED), {"ada"}),
    ("DATA", "pipelined"): ((DOUBT, OWED, OWED), {"ada"}),
    ("DATA", "lockstep"): ((SENT, OWED, OWED), {"ada"}),
    ("dot", "pipelined"): ((SENT, DOUBT, OWED), {"ada", "bea"}),
    ("dot", "lockstep"): ((SENT, DOUBT, OWED), {"ada", "bea"}),
    ("QUIT", "pipelined"): ((SENT, SENT, SENT), {"ada", "bea", "cleo"}),
    ("QUIT", "lockstep"): ((SENT, SENT, SENT), {"ada", "bea", "cleo"}),
}
MODES = {mode.name: mode for mode in (PIPELINED, LOCKSTEP)}


def states(house: House) -> tuple[str, ...]:
    assert house.holds
    return tuple(house.states().values())


def the_next_run_reaches_the_others(house: House, mode: Mode, before: set[str]) -> None:
    """And those in doubt stay so: all in all there is one copy for each who is sent, none too many."""
    doubts = {name for name, state in house.states().items() if state == DOUBT}
    owed = {name for name, state in house.states().items() if state == OWED}
    with mode.server() as server:
        told = house.send(smtp(server.port))
        assert told.error is None
        assert copies(server) == dict.fromkeys(owed, 1)
    assert not owed & before
    assert house.states() == {name: DOUBT if name in doubts else SENT for name in ("ada", "bea", "cleo")}
    assert {name for name in ("ada", "bea", "cleo") if name not in doubts} <= owed | before


@pytest.mark.parametrize(("step", "name"), AFTERWARDS, ids=map("-".join, AFTERWARDS))
def test_f01_killed_by_the_time_the_server_has_heard(house: House, step: str, name: str) -> None:
    mode = MODES[name]
    expected, arrived = AFTERWARDS[step, name]
    at, turn = AT_THE_SERVER[step]
    with mode.server({at: [*[as_usual] * (turn - 1), lambda visit: child.kills(visit)]}) as server:
        child = Child(house, server.port)
        child.start()
        assert child.wait() == KILLED
        assert states(house) == expected
        assert copies(server) == dict.fromkeys(arrived, 1)
    the_next_run_reaches_the_others(house, mode, arrived)


@pytest.mark.parametrize(
    ("moment", "pipelined", "lockstep", "arrived"),
    [
        ("before commit", (DOUBT, OWED, OWED), (SENT, OWED, OWED), {"ada"}),
        ("after commit", (SENT, DOUBT, OWED), (SENT, DOUBT, OWED), {"ada"}),
        ("before note", (SENT, DOUBT, OWED), (SENT, DOUBT, OWED), {"ada", "bea"}),
        ("after note", (SENT, SENT, DOUBT), (SENT, SENT, OWED), {"ada", "bea"}),
    ],
    ids=["before-the-commit", "between-commit-and-dot", "after-the-250", "after-sent-is-written"],
)
def test_f01_killed_around_a_transaction(
    house: House,
    mode: Mode,
    moment: str,
    pipelined: tuple[str, str, str],
    lockstep: tuple[str, str, str],
    arrived: set[str],
) -> None:
    with mode.server() as server:
        fate = Fate(signal=signal.SIGKILL, moment=moment, reader_id=BEA)
        child = Child(house, server.port, fate=fate)
        child.start()
        assert child.wait() == KILLED
        assert states(house) == (pipelined if mode.pipelined else lockstep)
        settle(lambda: copies(server) == dict.fromkeys(arrived, 1))
    the_next_run_reaches_the_others(house, mode, arrived)


def settle(so: Callable[[], bool]) -> None:
    """Wait until the server has seen all that was on its way."""
    deadline = time.monotonic() + 10
    while not so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_f01_killed_when_the_whole_text_is_there_but_its_dot(house: House, lock: Lock, mode: Mode) -> None:
    """Before the commit, for which it waits."""

    def hold(visit: Visit) -> None:
        lock.take()
        as_usual(visit)

    def kill(visit: Visit) -> None:
        visit.take(house.octets("bea") + 2)
        try:
            child.kills(visit)
        finally:
            lock.let_go()

    with mode.server({"DATA bea@example.org": hold, "text bea@example.org": kill}) as server:
        child = Child(house, server.port)
        child.start()
        assert child.wait() == KILLED
        assert states(house) == ((DOUBT, OWED, OWED) if mode.pipelined else (SENT, OWED, OWED))
        assert copies(server) == {"ada": 1}
    the_next_run_reaches_the_others(house, mode, {"ada"})


def test_f01_killed_in_the_middle_of_a_text(tmp_path: Path, mode: Mode) -> None:
    build(tmp_path, ["ada"], padding=10_000_000)
    house = House(tmp_path)
    with mode.server({"text": after(100_000, lambda visit: child.kills(visit))}) as server:
        child = Child(house, server.port)
        child.start()
        assert child.wait() == KILLED
        assert house.states() == {"ada": "owed"}
        assert house.attempts("ada") == []
        assert copies(server) == {}
    house.close()


def test_f01_killed_with_many_connections_no_more_are_in_doubt_than_there_are(
    tmp_path: Path, mode: Mode
) -> None:
    names = [f"reader{number:02}" for number in range(30)]
    build(tmp_path, names)
    house = House(tmp_path)
    with mode.server({"dot": [*[as_usual] * 14, lambda visit: child.kills(visit)]}) as server:
        child = Child(house, server.port, connections=4)
        child.start()
        assert child.wait() == KILLED
        tally = house.ledger.tally(KEY)
        assert tally.holds
        assert 1 <= tally.in_doubt <= 4
        arrived = copies(server)
    doubts = {name for name, state in house.states().items() if state == DOUBT}
    with mode.server() as server:
        assert house.send(smtp(server.port), connections=4).error is None
        copies_in_all = arrived + copies(server)
    assert set(copies_in_all.values()) == {1}
    assert set(copies_in_all) | doubts == set(names)
    assert {name for name, state in house.states().items() if state == DOUBT} == doubts
    house.close()
