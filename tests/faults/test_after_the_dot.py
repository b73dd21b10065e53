"""F4, F7, F8: what a server may do about the final dot, and how long it may take for anything."""

import time
from collections.abc import Callable

import pytest

from newsletter.errors import Unavailable
from tests.deliver.scripted_server import Act, Visit, as_usual, both, drop, hang, reset, say, slowly
from tests.faults.house import LOCKSTEP, House, Lock, Mode, accepted, copies, smtp

OK = b"250 2.0.0 ok\r\n"
REST = b"-".join([b"250", b"2.0.0 nearly\r\n"])

# What the server does, and the words and the code noted of it.
NO_ANSWER: dict[str, tuple[Act, str, int]] = {
    "fin": (drop, "no answer to dot: the server closed the connection", 0),
    "rst": (reset, "no answer to dot: Connection reset by peer", 0),
    "silence": (hang, "no answer to dot: time was up", 0),
    "garbage": (say(b"hello there\r\n"), "no answer to dot: not a reply: 'hello there\\\\r\\\\n'", 0),
    "25": (say(b"25\r\n"), "no answer to dot: not a reply: '25\\\\r\\\\n'", 0),
    "25-fin": (
        both(say(b"25"), drop),
        "no answer to dot: the server closed the connection, in the middle of a reply: '25'",
        0,
    ),
    "250-without-crlf": (
        both(say(b"250"), hang),
        "no answer to dot: time was up, in the middle of a reply: '250'",
        0,
    ),
    "250-without-crlf-fin": (
        both(say(b"250 2.0.0 ok"), drop),
        "no answer to dot: the server closed the connection, in the middle of a reply: '250 2.0.0 ok'",
        0,
    ),
    "250-with-bare-lf": (say(b"250 ok\n"), "no answer to dot: not a reply: '250 ok\\\\n'", 0),
    "half-of-several-lines": (
        both(say(REST), hang),
        "no answer to dot: time was up, in the middle of a reply: '250-2.0.0 nearly '",
        0,
    ),
    "half-of-several-lines-rst": (
        both(say(REST), reset),
        "no answer to dot: Connection reset by peer, in the middle of a reply: '250-2.0.0 nearly '",
        0,
    ),
    "two-codes": (say(b"250-ok\r\n554 no\r\n"), "no answer to dot: a reply with two codes, 250 and 554", 0),
    "1xx": (say(b"150 wait\r\n"), "no answer to dot: not a reply: '150 wait\\\\r\\\\n'", 0),
    "3xx": (say(b"354 more\r\n"), "354 more", 354),
    "999": (say(b"999 ok\r\n"), "no answer to dot: not a reply: '999 ok\\\\r\\\\n'", 0),
}


@pytest.mark.parametrize("fault", NO_ANSWER.values(), ids=NO_ANSWER)
def test_f04_no_answer_to_the_dot_one_row_is_in_doubt_and_the_others_go_on(
    house: House, mode: Mode, fault: tuple[Act, str, int]
) -> None:
    act, words, code = fault
    with mode.server({"dot bea@example.org": act}) as server:
        told = house.send(smtp(server.port, short="dot"))
        assert told.error is None
        assert house.states() == {"ada": "sent", "bea": "in doubt", "cleo": "sent"}
        assert copies(server) == {"ada": 1, "bea": 1, "cleo": 1}
        assert len(server.visits) == 2
        assert house.attempts("bea") == [(1, "in doubt", "dot", code)]
        assert house.last("bea") == (f"127.0.0.1:{server.port}", words)
        assert house.attempts("cleo") == [(1, "sent", "", 0)]
        assert dict(told.news) == {"ada": "sent", "bea": "in doubt", "cleo": "sent"}

        assert house.later(smtp(server.port)).news == []
        assert copies(server) == {"ada": 1, "bea": 1, "cleo": 1}
        assert house.states()["bea"] == "in doubt"


# ---- F7: an answer before its time ----


def early_at_data(house: House, lock: Lock) -> dict[str, Act]:
    """The 250 comes with the 354."""
    return {"DATA bea@example.org": say(b"354 go\r\n" + OK)}


def early_during_the_commit(house: House, lock: Lock) -> dict[str, Act]:
    """The 250 comes when the whole text but its dot is there, and the client waits for its commit."""

    def hold(visit: Visit) -> None:
        lock.take()
        as_usual(visit)

    def speak(visit: Visit) -> None:
        visit.take(house.octets("bea") + 2)
        visit.server.over.wait(0.1)
        visit.socket.sendall(OK)
        lock.let_go()

    return {"DATA bea@example.org": hold, "text bea@example.org": speak}


@pytest.mark.parametrize("early", [early_at_data, early_during_the_commit], ids=["at-data", "at-the-commit"])
def test_f07_a_250_before_the_dot_is_not_believed_and_the_dot_is_not_written(
    house: House, lock: Lock, mode: Mode, early: Callable[[House, Lock], dict[str, Act]]
) -> None:
    acts = early(house, lock) | {"dot bea@example.org": say(b"554 5.6.0 no\r\n")}
    with mode.server(acts) as server:
        assert house.send(smtp(server.port)).error is None
        assert house.states() == {"ada": "sent", "bea": "owed", "cleo": "sent"}
        assert house.attempts("bea") == [(1, "deferred", "text", 0)]
        assert house.last("bea")[1] == "no answer to text: the server spoke out of turn: '250 2.0.0 ok'"
        assert copies(server) == {"ada": 1, "cleo": 1}

        # The 554 was never asked for: it meets the copy that is sent later.
        assert house.later(smtp(server.port)).news == [("bea", "refused")]
        assert accepted(server) == {"ada": 1, "cleo": 1}


# ---- F8: answers that never end ----

SLOW = slowly(b"250 2.0.0 " + b"ok" * 50 + b"\r\n", pause=0.1)


@pytest.mark.parametrize(
    ("step", "noted", "state"),
    [
        ("MAIL", "deferred", "owed"),
        ("RCPT", "deferred", "owed"),
        ("DATA", "deferred", "owed"),
        ("dot", "in doubt", "in doubt"),
    ],
)
def test_f08_an_answer_that_trickles_in_gets_no_more_time_than_silence(
    house: House, mode: Mode, step: str, noted: str, state: str
) -> None:
    with mode.server({step: SLOW}) as server:
        started = time.monotonic()
        assert house.send(smtp(server.port, short=step)).error is None
        assert time.monotonic() - started < 5  # the whole answer takes 11
        assert house.states() == {"ada": state, "bea": "sent", "cleo": "sent"}
        assert house.attempts("ada") == [(1, noted, step, 0)]
        assert "time was up, in the middle of a reply: '250" in house.last("ada")[1]


@pytest.mark.parametrize("step", ["greeting", "EHLO"])
def test_f08_a_greeting_that_trickles_in_gets_no_more_time_than_silence(house: House, step: str) -> None:
    with LOCKSTEP.server({step: SLOW}) as server:
        started = time.monotonic()
        error = house.send(smtp(server.port, short=step)).error
        assert isinstance(error, Unavailable)
        assert (error.phase, error.passing) == (step, True)
        assert time.monotonic() - started < 5
        assert set(house.states().values()) == {"owed"}


FLOODS = {
    "100000-lines": (b"250-scripted.example\r\n" * 100_000 + b"250 SIZE\r\n", "a reply of over 100 lines"),
    "a-line-of-10-MB": (b"250-" + b"x" * 10_000_000 + b"\r\n250 ok\r\n", "a line of over 512 octets"),
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
def test_f08_a_flood_in_answer_to_ehlo_is_cut_off(house: House, flood: tuple[bytes, str]) -> None:
    data, words = flood
    with LOCKSTEP.server({"EHLO": say(data)}) as server:
        error = house.send(smtp(server.port)).error
        assert isinstance(error, Unavailable)
        assert (error.message, error.passing) == (f"no answer to EHLO: {words}", True)
        assert set(house.states().values()) == {"owed"}
        assert house.send(smtp(server.port)).error is None
        assert accepted(server) == {"ada": 1, "bea": 1, "cleo": 1}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
@pytest.mark.parametrize(("step", "state"), [("RCPT", "owed"), ("dot", "in doubt")])
def test_f08_a_flood_in_answer_to_a_message_is_cut_off_and_the_others_go_on(
    house: House, mode: Mode, step: str, state: str, flood: tuple[bytes, str]
) -> None:
    data, words = flood
    with mode.server({f"{step} bea@example.org": say(data)}) as server:
        assert house.send(smtp(server.port)).error is None
        assert house.states() == {"ada": "sent", "bea": state, "cleo": "sent"}
        assert house.last("bea")[1].startswith(f"no answer to {step}: {words}")
