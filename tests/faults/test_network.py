"""F15, F16, F30: a network that is torn apart or slow, and relays that stand in for each other.

Between a run and its ledger lies no network while that is SQLite: what can part them is in test_store.py.
"""

import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from newsletter.errors import Unavailable
from tests.deliver.scripted_server import Act, Visit, always, as_usual, drop, hang, say
from tests.faults.house import KEY, House, Lock, Mode, accepted, build, copies, copy_of, smtp
from tests.faults.proxy import Network

ONE_EACH = {"ada": 1, "bea": 1, "cleo": 1}
ALL_SENT = {"ada": "sent", "bea": "sent", "cleo": "sent"}

# ---- F15 ----


def test_f15_the_network_gone_on_the_way_back_is_a_doubt_although_the_copy_has_arrived(
    house: House, mode: Mode
) -> None:
    def tear(visit: Visit) -> None:
        network.tear()
        as_usual(visit)

    with mode.server({"dot bea@example.org": tear}) as server, Network(server.port) as network:
        assert house.send(smtp(network.port, short="dot")).error is None
        assert house.states() == ALL_SENT | {"bea": "in doubt"}
        assert house.attempts("bea") == [(1, "in doubt", "dot", 0)]
        assert copies(server) == ONE_EACH
        assert house.later(smtp(server.port)).news == []


def test_f15_the_network_gone_on_the_way_there_is_a_doubt_as_well_and_is_not_resent(
    house: House, lock: Lock, mode: Mode
) -> None:
    def hold(visit: Visit) -> None:
        lock.take()
        as_usual(visit)

    def tear(visit: Visit) -> None:
        """The text is there, its dot will not be."""
        visit.take(house.octets("bea") + 2)
        network.tear()
        lock.let_go()

    acts = {"DATA bea@example.org": hold, "text bea@example.org": tear}
    with mode.server(acts) as server, Network(server.port) as network:
        assert house.send(smtp(network.port, short="dot")).error is None
        assert house.states() == ALL_SENT | {"bea": "in doubt"}
        assert house.later(smtp(server.port)).news == []
        assert copies(server) == {"ada": 1, "cleo": 1}


@pytest.mark.parametrize("step", ["RCPT", "DATA"])
def test_f15_the_network_gone_before_the_dot_defers(house: House, mode: Mode, step: str) -> None:
    def tear(visit: Visit) -> None:
        network.tear()
        as_usual(visit)

    with mode.server({step: tear}) as server, Network(server.port) as network:
        # Where all was said in one packet, nothing is heard of it, from the first answer on.
        waited_for = "MAIL" if mode.pipelined else step
        assert house.send(smtp(network.port, short=waited_for)).error is None
        assert house.states() == ALL_SENT | {"ada": "owed"}
        assert house.attempts("ada") == [(1, "deferred", waited_for, 0)]
        assert house.later(smtp(network.port)).news == [("ada", "sent")]
        assert copies(server) == ONE_EACH


def test_f15_a_network_that_is_away_for_a_while_is_waited_for(house: House, mode: Mode) -> None:
    """New connections lead nowhere either, until the run has waited twice."""

    def away(visit: Visit) -> None:
        if 0 < len(server.visits) - 1 <= 2:
            hang(visit)
        as_usual(visit)

    with mode.server({"greeting": always(away), "MAIL": [as_usual, drop]}) as server:
        assert house.send(smtp(server.port, short="greeting"), patience=30).error is None
        assert (house.states(), copies(server)) == (ALL_SENT, ONE_EACH)
        assert [house.attempts(name) for name in ONE_EACH] == [[(1, "sent", "", 0)]] * 3
        assert len(house.clock.slept) == 5 + 10


def test_f15_a_network_that_is_away_with_the_last_reader_in_hand_costs_nobody_anything(
    tmp_path: Path, mode: Mode
) -> None:
    """That reader is on hand and still in the ledger's queue, and is written to once all the same."""
    build(tmp_path, ["ada", "bea"])
    house = House(tmp_path)
    away = [as_usual, say(b"421 4.3.2 later\r\n")]
    with mode.server({"greeting": away, "MAIL": drop}) as server:
        assert house.send(smtp(server.port), connections=3, patience=30).error is None
        assert house.attempts("ada") == [(1, "deferred", "MAIL", 0), (2, "sent", "", 0)]
        assert house.attempts("bea") == [(1, "sent", "", 0)]
        assert copies(server) == {"ada": 1, "bea": 1}
    house.close()


# ---- F16 ----


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("crowd")
    build(root, [f"reader{number:02}" for number in range(40)])
    return root


@pytest.fixture
def crowded(crowd: Path, tmp_path: Path) -> Iterator[House]:
    house = House(copy_of(crowd, tmp_path / "house"))
    yield house
    house.close()


def test_f16_with_200_ms_there_and_back_everybody_gets_one_copy(tmp_path: Path, mode: Mode) -> None:
    names = [f"reader{number}" for number in range(8)]
    build(tmp_path, names)
    house = House(tmp_path)
    with mode.server() as server, Network(server.port, seconds=0.1) as network:
        began = time.monotonic()
        assert house.send(smtp(network.port), connections=4).error is None
        print(f"{mode.name}: {8 / (time.monotonic() - began):.1f} messages a second on 4 connections")
        assert (set(house.states().values()), copies(server)) == ({"sent"}, dict.fromkeys(names, 1))
    house.close()


def test_f16_a_network_that_is_cut_at_any_octet_costs_nobody_a_copy_and_gives_nobody_two(
    crowded: House, mode: Mode
) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    with mode.server() as server, Network(server.port, cuts=6_000, seed=seed) as network:
        for _ in range(30):
            told = crowded.send(smtp(network.port, short="dot"), connections=4)
            assert told.error is None or isinstance(told.error, Unavailable)
            crowded.clock.now = max(crowded.ledger.next_due(KEY) or crowded.clock.now, crowded.clock.now)
            if "owed" not in crowded.states().values():
                break
        network.heal()
        crowded.send(smtp(network.port), connections=4)
        states = crowded.states()
        print(Counter(states.values()), len(server.visits), "connections")
        assert crowded.holds
        assert set(states.values()) <= {"sent", "in doubt"}
        arrived = copies(server)
        assert set(arrived.values()) == {1}
        assert {name for name, state in states.items() if state == "sent"} <= set(arrived)
        assert all(states[name] == "in doubt" for name in states.keys() - arrived.keys())


# ---- F30 ----


@pytest.mark.parametrize("fault", [drop, say(b"25\r\n")], ids=["fin", "25"])
def test_f30_a_doubt_about_one_relay_is_never_settled_by_sending_through_the_next(
    house: House, mode: Mode, fault: Act
) -> None:
    closed = say(b"421 4.3.2 closed for today\r\n")
    acts: dict[str, list[Act]] = {"dot bea@example.org": [fault], "greeting": [as_usual, closed]}
    with mode.server(acts) as first, mode.server() as second:
        assert house.send(smtp(first.port, second.port)).error is None
        assert house.states() == ALL_SENT | {"bea": "in doubt"}
        assert (copies(first), copies(second)) == ({"ada": 1, "bea": 1}, {"cleo": 1})
        hosts = [house.last(name)[0] for name in ONE_EACH]
        assert hosts == [f"127.0.0.1:{port}" for port in (first.port, first.port, second.port)]

        assert house.later(smtp(second.port)).news == []
        assert (house.states()["bea"], copies(second)) == ("in doubt", {"cleo": 1})


def test_f30_what_a_relay_did_not_take_before_its_dot_goes_through_the_next(house: House, mode: Mode) -> None:
    with mode.server({"RCPT": [as_usual, drop]}) as first:
        assert house.send(smtp(first.port)).error is None
        assert house.states() == ALL_SENT | {"bea": "owed"}
        first_copies = accepted(first)
    with mode.server() as second:
        assert house.later(smtp(first.port, second.port)).news == [("bea", "sent")]
        assert (first_copies, accepted(second)) == ({"ada": 1, "cleo": 1}, {"bea": 1})
        assert house.last("bea")[0] == f"127.0.0.1:{second.port}"
