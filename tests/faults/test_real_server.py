"""F1, F3, F4, F6, F16 once more against a server that is not ours: aiosmtpd, which knows no pipelining."""

import asyncio
import signal
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.faults.child import Child
from tests.faults.house import House, build, smtp
from tests.faults.proxy import Network

ONE_EACH = {"ada": 1, "bea": 1, "cleo": 1}
ALL_SENT = {"ada": "sent", "bea": "sent", "cleo": "sent"}


@dataclass
class Office:
    """What came in whole, and what the server says for bea, at RCPT or after the dot."""

    port: int = 0
    arrived: Counter[str] = field(default_factory=Counter)
    to_rcpt: list[str] = field(default_factory=list)
    after_dot: list[Callable[[SMTP], str]] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address == "bea@example.org" and self.to_rcpt:
            return self.to_rcpt.pop()
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        (address,) = envelope.rcpt_tos
        said = self.after_dot.pop()(server) if address == "bea@example.org" and self.after_dot else "250 OK"
        if not said.startswith(("4", "5")):
            self.arrived[address.partition("@")[0]] += 1
        return said


@pytest.fixture
def office() -> Iterator[Office]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        office = Office(port=free.getsockname()[1])
    controller = Controller(office, hostname="127.0.0.1", port=office.port)
    controller.start()
    yield office
    controller.stop()


def test_f01_killed_while_a_real_server_has_the_dot(house: House, office: Office) -> None:
    child = Child(house, office.port)

    def kill(_: SMTP) -> str:
        child.signal(signal.SIGKILL)
        return "250 OK"

    office.after_dot = [kill]
    child.start()
    assert child.wait() == -signal.SIGKILL
    assert house.states() == {"ada": "sent", "bea": "in doubt", "cleo": "owed"}
    assert house.send(smtp(office.port)).news == [("cleo", "sent")]
    assert (house.states()["bea"], office.arrived) == ("in doubt", ONE_EACH)


def test_f03_three_runs_at_once_to_a_real_server(tmp_path: Path, office: Office) -> None:
    build(tmp_path, [f"reader{number:02}" for number in range(40)])
    house = House(tmp_path)
    children = [Child(house, office.port, connections=3) for _ in range(3)]
    for child in children:
        child.start()
    assert [child.wait() for child in children] == [0, 0, 0]
    assert Counter(house.states().values()) == {"sent": 40}
    assert Counter(office.arrived.values()) == {1: 40}
    house.close()


def test_f04_a_real_server_breaks_off_after_the_dot(house: House, office: Office) -> None:
    def abort(server: SMTP) -> str:
        assert isinstance(server.transport, asyncio.Transport)
        server.transport.abort()
        return "250 OK"

    office.after_dot = [abort]
    assert house.send(smtp(office.port)).error is None
    assert house.states() == ALL_SENT | {"bea": "in doubt"}
    assert house.attempts("bea") == [(1, "in doubt", "dot", 0)]
    assert house.later(smtp(office.port)).news == []
    assert office.arrived == ONE_EACH


@pytest.mark.parametrize(
    ("step", "answer", "outcome"),
    [
        ("RCPT", "450 4.7.1 greylisted", "deferred"),
        ("RCPT", "550 5.1.1 no such user", "refused"),
        ("RCPT", "552 5.2.2 mailbox full", "deferred"),
        ("dot", "451 4.3.0 trouble", "deferred"),
        ("dot", "554 5.6.0 no", "refused"),
    ],
)
def test_f06_what_a_real_server_answers(
    house: House, office: Office, step: str, answer: str, outcome: str
) -> None:
    if step == "RCPT":
        office.to_rcpt = [answer]
    else:
        office.after_dot = [lambda _: answer]
    assert house.send(smtp(office.port)).error is None
    assert house.states() == ALL_SENT | {"bea": "refused" if outcome == "refused" else "owed"}
    assert house.attempts("bea") == [(1, outcome, step, int(answer[:3]))]
    again = house.later(smtp(office.port)).news
    assert again == ([] if outcome == "refused" else [("bea", "sent")])
    assert office.arrived == (ONE_EACH if outcome == "deferred" else {"ada": 1, "cleo": 1})


def test_f16_a_real_server_behind_a_slow_network(house: House, office: Office) -> None:
    with Network(office.port, seconds=0.05) as network:
        assert house.send(smtp(network.port), connections=3).error is None
    assert (house.states(), office.arrived) == (ALL_SENT, ONE_EACH)
