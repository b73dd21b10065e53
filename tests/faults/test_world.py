"""F9, F10, F17: certificates that do not hold, names that lead nowhere, clocks that jump."""

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from newsletter.cli.press import Press
from newsletter.deliver.backends.smtp import SmtpBackend
from newsletter.errors import Unavailable
from tests.deliver.scripted_server import (
    Act,
    Papers,
    ScriptedServer,
    Visit,
    as_usual,
    both,
    drop,
    make_papers,
    say,
    wait,
)
from tests.faults.house import START, House, Mode, accepted, build, copies, relay, smtp

ONE_EACH = {"ada": 1, "bea": 1, "cleo": 1}
ALL_OWED = {"ada": "owed", "bea": "owed", "cleo": "owed"}
ALL_SENT = {"ada": "sent", "bea": "sent", "cleo": "sent"}

# ---- F9 ----


@pytest.fixture(scope="module")
def papers() -> Papers:
    return make_papers()


def under_tls(server: ScriptedServer, papers: Papers) -> SmtpBackend:
    security = "tls" if server.implicit_tls else "starttls"
    secured = replace(relay(server.port), ssl_context=papers.trust, username="paper", password="sesame")
    return SmtpBackend(replace(secured, security=security))  # type: ignore[arg-type]


def refused(house: House, server: ScriptedServer, papers: Papers, *phases: str) -> None:
    """The run is over at once, whatever its patience; no login was tried, and nobody's row is touched."""
    told = house.send(under_tls(server, papers), patience=30)
    assert isinstance(told.error, Unavailable)
    assert told.error.phase in phases
    assert (told.error.passing, told.error.exit_code, house.clock.slept) == (False, 75, [])
    assert told.error.hint
    for visit in server.visits:
        visit.join(5)
        assert b"AUTH" not in visit.in_clear + b"\n".join(visit.lines)
    assert (len(server.visits), house.states(), copies(server)) == (1, ALL_OWED, {})


@pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "tls"])
@pytest.mark.parametrize("paper", ["stranger", "wrong_host", "expired"])
def test_f09_a_certificate_that_does_not_hold_ends_the_run(
    house: House, papers: Papers, implicit: bool, paper: str
) -> None:
    with ScriptedServer(tls=getattr(papers, paper), implicit_tls=implicit) as server:
        refused(house, server, papers, "TLS")


def test_f09_starttls_that_is_not_offered_ends_the_run(house: House, papers: Papers) -> None:
    with ScriptedServer() as server:
        refused(house, server, papers, "STARTTLS")


@pytest.mark.parametrize(
    "injected",
    [
        say(b"220 go ahead\r\n250-evil\r\n250 AUTH PLAIN\r\n"),
        both(say(b"220 go ahead\r\n"), wait(0.1), say(b"250 AUTH PLAIN\r\n"), wait(0.2)),
    ],
    ids=["with-the-220", "in-a-packet-of-its-own"],
)
def test_f09_what_is_said_in_clear_after_the_220_ends_the_run(
    house: House, papers: Papers, injected: Act
) -> None:
    with ScriptedServer({"STARTTLS": injected}, tls=papers.right) as server:
        refused(house, server, papers, "STARTTLS", "TLS")


def test_f09_under_a_certificate_that_holds_all_goes_out_and_the_ledger_says_how(
    house: House, mode: Mode, papers: Papers
) -> None:
    with ScriptedServer(tls=papers.right, offers=mode.offers, gathered=mode.pipelined) as server:
        assert house.send(under_tls(server, papers), connections=2).error is None
        assert (house.states(), copies(server)) == (ALL_SENT, ONE_EACH)
        assert house.tls("bea") == "TLSv1.3 TLS_AES_256_GCM_SHA384"
        assert all(b"MAIL FROM" not in visit.in_clear for visit in server.visits)


# ---- F10 ----

Resolve = Callable[..., list[Any]]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> list[socket.gaierror]:
    """What the resolver raises, once each, when it is asked for relay.example, which is this machine."""
    troubles: list[socket.gaierror] = []
    known: Resolve = socket.getaddrinfo

    def resolve(host: str, *about: Any, **more: Any) -> list[Any]:
        if host == "relay.example":
            if troubles:
                raise troubles.pop(0)
            host = "127.0.0.1"
        return known(host, *about, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return troubles


NXDOMAIN = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
SERVFAIL = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
NO_RESOLVER = socket.gaierror(socket.EAI_SYSTEM, "System error")


@pytest.mark.parametrize("trouble", [NXDOMAIN, SERVFAIL, NO_RESOLVER], ids=["nxdomain", "servfail", "system"])
def test_f10_a_relay_whose_name_leads_nowhere_is_told_at_once_and_touches_no_row(
    house: House, resolver: list[socket.gaierror], trouble: socket.gaierror
) -> None:
    with ScriptedServer() as server:
        there = SmtpBackend(replace(relay(server.port), host="relay.example"))
        resolver.append(trouble)
        told = house.send(there)
        assert isinstance(told.error, Unavailable)
        assert (told.error.phase, told.error.passing, told.error.exit_code) == ("connect", True, 75)
        assert str(told.error) == f"relay.example:{server.port}: no connection: {trouble.strerror}"
        assert told.error.hint == "check host and port in [backends.smtp], or try again later"
        assert (house.states(), house.attempts("ada")) == (ALL_OWED, [])
        assert house.send(there).error is None
        assert (house.states(), accepted(server)) == (ALL_SENT, ONE_EACH)


def test_f10_a_name_that_nobody_has_is_as_much_as_a_relay_that_is_away(house: House) -> None:
    told = house.send(SmtpBackend(replace(relay(25), host="relay.invalid")))
    assert isinstance(told.error, Unavailable)
    assert (told.error.phase, told.error.passing) == ("connect", True)
    assert house.states() == ALL_OWED


def test_f10_names_that_fail_in_the_middle_of_a_run_are_waited_for_at_no_readers_cost(
    house: House, mode: Mode, resolver: list[socket.gaierror]
) -> None:
    def names_fail(visit: Visit) -> None:
        resolver.extend([SERVFAIL, NXDOMAIN])
        drop(visit)

    with mode.server({"MAIL": [as_usual, names_fail]}) as server:
        there = SmtpBackend(replace(relay(server.port), host="relay.example"))
        assert house.send(there, patience=30).error is None
        assert (house.states(), accepted(server)) == (ALL_SENT, ONE_EACH)
        assert [house.attempts(name) for name in ONE_EACH] == [[(1, "sent", "", 0)]] * 3
        assert len(house.clock.slept) == 5 + 10


# ---- F17 ----

FIVE = ("ada", "bea", "cleo", "dora", "eve")


@pytest.fixture
def five(tmp_path: Path) -> Iterator[House]:
    build(tmp_path, FIVE)
    house = House(tmp_path)
    yield house
    house.close()


def jump(house: House, by: timedelta) -> Act:
    def act(visit: Visit) -> None:
        house.clock.now += by
        as_usual(visit)

    return act


def test_f17_a_clock_that_jumps_a_day_ahead_lets_the_rest_expire_and_sends_nobody_two(
    five: House, mode: Mode
) -> None:
    with mode.server({"dot bea@example.org": jump(five, timedelta(days=1))}) as server:
        assert five.send(smtp(server.port)).error is None
        # What was under way goes on; whoever was not written to by then would get an old paper.
        gone = FIVE[:3] if mode.pipelined else FIVE[:2]
        assert five.states() == {name: "sent" if name in gone else "expired" for name in FIVE}
        five.clock.now -= timedelta(days=1)
        assert five.send(smtp(server.port)).news == []
        assert copies(server) == dict.fromkeys(gone, 1)


def test_f17_a_clock_that_jumps_a_day_back_sends_each_copy_once(five: House, mode: Mode) -> None:
    with mode.server({"dot bea@example.org": jump(five, timedelta(days=-1))}) as server:
        assert five.send(smtp(server.port), connections=2).error is None
        assert set(five.states().values()) == {"sent"}
        assert five.send(smtp(server.port)).news == []
        assert copies(server) == dict.fromkeys(FIVE, 1)


def test_f17_a_clock_that_jumps_back_keeps_who_was_put_off_waiting_and_loses_nobody(
    five: House, mode: Mode
) -> None:
    later, back = say(b"451 4.7.1 greylisted\r\n"), jump(five, timedelta(hours=-1))
    with mode.server({"RCPT bea@example.org": later, "dot cleo@example.org": back}) as server:
        assert five.send(smtp(server.port), patience=30).error is None
        assert five.attempts("bea") == [(1, "deferred", "RCPT", 451), (2, "sent", "", 0)]
        assert five.clock.now == START + timedelta(minutes=5)
        assert copies(server) == dict.fromkeys(FIVE, 1)


@pytest.fixture(params=["UTC", "Europe/Paris"])
def machine_in(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Where the machine takes itself to be."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("machine_in")
@pytest.mark.parametrize(
    "night",
    [datetime(2026, 10, 25, 0, 58, tzinfo=UTC), datetime(2027, 3, 28, 0, 58, tzinfo=UTC)],
    ids=["autumn", "spring"],
)
def test_f17_five_minutes_are_five_minutes_when_the_clocks_are_put_back_or_on(
    house: House, mode: Mode, night: datetime
) -> None:
    house.clock.now = night
    with mode.server({"RCPT bea@example.org": say(b"451 4.7.1 greylisted\r\n")}) as server:
        told = house.send(smtp(server.port), patience=30, max_age=24 * 365)
        assert told.error is None
        assert (house.states(), copies(server)) == (ALL_SENT, ONE_EACH)
        assert house.clock.now == night + timedelta(minutes=5)


def test_f17_what_a_run_takes_for_the_time_is_utc_whatever_the_publications_zone(paper: Path) -> None:
    assert Press(paper).utc_now().tzinfo is UTC
