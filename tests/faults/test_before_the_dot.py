"""F5: a server that is gone before the final dot; nothing has left, and everybody gets one copy later."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from newsletter.errors import Unavailable
from tests.deliver.scripted_server import Act, Left, Visit, after, as_usual, both, drop, hang, reset, wait
from tests.faults.house import LOCKSTEP, House, Lock, Mode, accepted, build, copies, copy_of, smtp

ONE_EACH = {"ada": 1, "bea": 1, "cleo": 1}
ALL_OWED = {"ada": "owed", "bea": "owed", "cleo": "owed"}
ALL_SENT = {"ada": "sent", "bea": "sent", "cleo": "sent"}

GONE: dict[str, tuple[Act, str]] = {
    "fin": (drop, "the server closed the connection"),
    "rst": (reset, "Connection reset by peer"),
    "silence": (hang, "time was up"),
}


@pytest.mark.parametrize("fault", [drop, both(wait(0.1), reset), hang], ids=GONE)
@pytest.mark.parametrize("step", ["greeting", "EHLO"])
def test_f05_a_server_gone_before_any_message_is_told_and_touches_no_row(
    house: House, step: str, fault: Act
) -> None:
    with LOCKSTEP.server({step: fault}) as server:
        told = house.send(smtp(server.port, short=step))
        assert isinstance(told.error, Unavailable)
        assert (told.error.phase, told.error.exit_code, told.error.passing) == (step, 75, True)
        assert (house.states(), house.attempts("ada")) == (ALL_OWED, [])
        assert house.send(smtp(server.port)).error is None
        assert (accepted(server), house.states()) == (ONE_EACH, ALL_SENT)


@pytest.mark.parametrize("fault", GONE.values(), ids=GONE)
@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
def test_f05_a_server_gone_before_the_text_defers_one_and_the_others_go_on(
    house: House, mode: Mode, step: str, fault: tuple[Act, str]
) -> None:
    act, why = fault
    with mode.server({step: act}) as server:
        told = house.send(smtp(server.port, short=step))
        assert told.error is None
        assert dict(told.news) == {"ada": "deferred", "bea": "sent", "cleo": "sent"}
        assert house.states() == {"ada": "owed", "bea": "sent", "cleo": "sent"}
        assert house.attempts("ada") == [(1, "deferred", step, 0)]
        assert house.last("ada") == ("", f"no answer to {step}: {why}")
        assert copies(server) == {"bea": 1, "cleo": 1}

        assert house.later(smtp(server.port)).news == [("ada", "sent")]
        assert house.attempts("ada") == [(1, "deferred", step, 0), (2, "sent", "", 0)]
        assert copies(server) == ONE_EACH


@pytest.mark.parametrize("fault", GONE.values(), ids=GONE)
def test_f05_a_server_gone_after_one_message_costs_the_next_reader_nothing(
    house: House, mode: Mode, fault: tuple[Act, str]
) -> None:
    with mode.server({"MAIL": [as_usual, fault[0]]}) as server:
        assert house.send(smtp(server.port, short="MAIL")).error is None
        assert (house.states(), copies(server)) == (ALL_SENT, ONE_EACH)
        assert [house.attempts(name) for name in ONE_EACH] == [[(1, "sent", "", 0)]] * 3
        assert len(server.visits) == 2


@pytest.mark.parametrize("step", ["RCPT", "DATA"])
def test_f05_a_server_gone_in_the_middle_of_the_next_envelope_leaves_what_it_accepted_sent(
    house: House, mode: Mode, step: str
) -> None:
    with mode.server({step: [as_usual, drop]}) as server:
        assert house.send(smtp(server.port)).error is None
        assert house.states() == {"ada": "sent", "bea": "owed", "cleo": "sent"}
        assert house.attempts("bea") == [(1, "deferred", step, 0)]
        assert house.later(smtp(server.port)).news == [("bea", "sent")]
        assert copies(server) == ONE_EACH


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A house whose message is larger than what two kernels hold for each other."""
    root = tmp_path_factory.mktemp("big")
    build(root, ["ada"], padding=10_000_000)
    return root


@pytest.fixture
def big_house(big: Path, tmp_path: Path) -> Iterator[House]:
    house = House(copy_of(big, tmp_path / "house"))
    yield house
    house.close()


@pytest.mark.parametrize("fault", GONE.values(), ids=GONE)
def test_f05_a_server_gone_in_the_middle_of_the_text_defers(
    big_house: House, mode: Mode, fault: tuple[Act, str]
) -> None:
    act, _ = fault
    with mode.server({"text": after(100_000, act)}) as server:
        told = big_house.send(smtp(server.port, short="text"))
        assert (told.news, told.error) == ([("ada", "deferred")], None)
        assert big_house.states() == {"ada": "owed"}
        assert big_house.attempts("ada") == [(1, "deferred", "text", 0)]
        assert copies(server) == {}


@pytest.mark.parametrize("fault", ["fin", "rst"])
def test_f05_a_server_gone_between_text_and_dot_gets_no_dot_although_the_row_was_committed(
    house: House, lock: Lock, mode: Mode, fault: str
) -> None:
    def take_lock(visit: Visit) -> None:
        lock.take()
        as_usual(visit)

    def gone(visit: Visit) -> None:
        """The client waits for its commit, and has not written its dot when we are gone."""
        visit.take(house.octets("bea") + 2)
        visit.server.over.wait(0.1)
        if fault == "fin":
            visit.socket.shutdown(socket.SHUT_WR)
        else:
            with pytest.raises(Left):
                reset(visit)
        lock.let_go()
        raise Left

    with mode.server({"DATA bea@example.org": take_lock, "text bea@example.org": gone}) as server:
        assert house.send(smtp(server.port)).error is None
        assert house.states() == {"ada": "sent", "bea": "owed", "cleo": "sent"}
        assert house.attempts("bea") == [(1, "deferred", "text", 0)]
        assert house.later(smtp(server.port)).news == [("bea", "sent")]
        assert copies(server) == ONE_EACH
