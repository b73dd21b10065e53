"""F13 and F14 where the ledger is on a PostgreSQL server: it crashes, or cannot be reached, in mid-issue."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from newsletter.errors import StoreError
from tests.cluster import Cluster, running
from tests.deliver.scripted_server import ScriptedServer, Visit, as_usual
from tests.faults.house import NAMES, House, Mode, build, copies, smtp
from tests.faults.proxy import Network

ONE_EACH = {"ada": 1, "bea": 1, "cleo": 1}
CROWD = [f"reader{number:03}" for number in range(300)]
ONE_HOUR = 60


@pytest.fixture(scope="module")
def durable() -> Iterator[Cluster]:
    """A server of this module's own, since it is crashed: it keeps what it has said to be committed."""
    with running(durable=True) as cluster:
        yield cluster


@pytest.fixture
def url(durable: Cluster) -> str:
    return durable.cleared()


def at_home(url: str, tmp_path: Path, names: "tuple[str, ...] | list[str]" = NAMES) -> House:
    """A house whose ledger is on the server; its clock goes faster than ours, but not without end."""
    build(tmp_path, names, url=url)
    house = House(tmp_path, url=url, durable=True)
    house.clock.then = lambda: time.sleep(0.02)
    return house


def in_mid_issue(server: ScriptedServer, number: int) -> None:
    """Wait until so many copies have come in; a run that has failed is not waited for."""
    ends = time.monotonic() + 20
    while len(server.received) < number and time.monotonic() < ends:
        time.sleep(0.002)


@pytest.mark.parametrize("moments", [(40, 180)], ids=["twice"])
def test_f14_a_server_that_crashes_in_mid_issue_is_waited_for(
    durable: Cluster, url: str, tmp_path: Path, mode: Mode, moments: tuple[int, ...]
) -> None:
    house = at_home(url, tmp_path, CROWD)
    with mode.server() as server:

        def crash() -> None:
            for moment in moments:
                in_mid_issue(server, moment)
                durable.restart()

        crashing = threading.Thread(target=crash)
        crashing.start()
        told = house.send(smtp(server.port), connections=5, patience=ONE_HOUR)
        crashing.join()
        assert told.error is None
        counted = Counter(house.states().values())
        # A crash between a commit and its answer leaves a doubt about what was in that commit, and no other.
        assert (counted["sent"] + counted["in doubt"], counted["in doubt"] <= 30) == (300, True)
        assert set(copies(server).values()) == {1}
        assert len(copies(server)) >= counted["sent"]
        assert house.holds
    house.close()


def test_f14_a_server_that_does_not_come_back_ends_the_run_and_the_next_one_goes_on(
    durable: Cluster, url: str, tmp_path: Path, mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("newsletter.readers.postgresql.UNSURE_SECONDS", 1.0)
    house = at_home(url, tmp_path, CROWD)
    with mode.server() as server:

        def stop() -> None:
            in_mid_issue(server, 100)
            durable.stop()

        stopping = threading.Thread(target=stop)
        stopping.start()
        told = house.send(smtp(server.port), connections=5, patience=1)
        stopping.join()
        assert isinstance(told.error, StoreError)
        assert (told.error.exit_code, told.error.passing) == (75, True)
        before = copies(server)
        assert 100 <= len(before) < 300
        durable.start()
        states = house.states()
        doubts = {name for name, state in states.items() if state == "in doubt"}
        assert len(doubts) <= 15  # of five connections, each with one at its dot and more behind it
        assert {name for name, state in states.items() if state == "sent"} | doubts >= set(before)
        assert house.send(smtp(server.port), connections=5).error is None
        counted = Counter(house.states().values())
        assert (counted["sent"], counted["in doubt"]) == (300 - len(doubts), len(doubts))
        assert set(copies(server).values()) == {1}
        assert set(CROWD) - set(copies(server)) <= doubts
    house.close()


def test_f14_a_wire_to_the_server_that_is_cut_at_any_octet_leaves_no_doubt(
    durable: Cluster, url: str, tmp_path: Path, mode: Mode
) -> None:
    """Where the answer to a commit is lost, the server is asked what became of it."""
    build(tmp_path, CROWD, url=url)
    network = Network(durable.port, seed=1)
    with network, mode.server() as server:
        house = House(tmp_path, url=url.replace(str(durable.port), str(network.port)), durable=True)
        house.clock.then = lambda: time.sleep(0.02)
        network.cuts = 30_000
        told = house.send(smtp(server.port), connections=5, patience=ONE_HOUR)
        house.close()
    assert told.error is None
    quiet = House(tmp_path, url=url)
    assert Counter(quiet.states().values()) == {"sent": 300}
    assert copies(server) == dict.fromkeys(CROWD, 1)
    quiet.close()


@pytest.mark.parametrize("again", [True, False], ids=["it-can-be-written-later", "it-never-can"])
def test_f13_when_the_server_is_gone_after_the_250_what_was_sent_is_kept_and_never_resent(
    durable: Cluster, url: str, tmp_path: Path, mode: Mode, again: bool
) -> None:
    house = at_home(url, tmp_path)

    def gone(visit: Visit) -> None:
        if again:
            ours = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            durable.order(f"{ours} WHERE application_name = 'newsletter'")
        else:
            durable.stop()
        as_usual(visit)

    with mode.server({"dot bea@example.org": gone}) as server:
        told = house.send(smtp(server.port), patience=ONE_HOUR if again else 1)
        if again:
            assert told.error is None
            assert house.attempts("bea") == [(1, "sent", "", 0)]
        else:
            assert isinstance(told.error, StoreError)
            assert told.error.message.startswith("not to be had: ")
            assert copies(server) == {"ada": 1, "bea": 1}
            durable.start()
            assert house.states() == {"ada": "sent", "bea": "in doubt", "cleo": "owed"}
            assert house.later(smtp(server.port)).news == [("cleo", "sent")]
        assert house.states()["bea"] == ("sent" if again else "in doubt")
        assert copies(server) == ONE_EACH
    house.close()
