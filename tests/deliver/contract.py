"""The suite that every backend passes; a plug-in's author subclasses `BackendContract` and runs it.

class TestMine(BackendContract):
    @pytest.fixture
    def carrier(self) -> Iterator[Carrier]:
        with a_test_service() as service:
            yield Carrier(backend=MyBackend(service.url), arrived=lambda: service.mails)
"""

import contextlib
import os
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import FrameType
from typing import NoReturn

import pytest

from newsletter.deliver.backend import Backend
from newsletter.errors import Vetoed
from newsletter.model import Message

BODY = (
    b"Bonjour =C3=89lo=C3=AFse,\r\n",
    b".a line with a dot at its head\r\n..and one with two\r",
    b"\n.one whose line end is cut in two by a segment\r\n",
    b".",
    b".two dots in two segments\r\n",
    b".\r\n\r\nQUIT\r\nRCPT TO:<evil@example.com>\r\n",
)


def a_message(
    recipient: str = "zoe@example.com",
    *,
    number: int = 1,
    sender: str = "bonjour@press.example.org",
    body: tuple[bytes, ...] = BODY,
) -> Message:
    """A message as the press makes it: ASCII in segments, CRLF, not dot-stuffed."""
    head = f"From: <{sender}>\r\nTo: <reader{number}@example.com>\r\nSubject: no. {number}\r\n\r\n".encode()
    return Message(
        id=f"{number:08x}f00d@press.example.org",
        issue_key="2026-11-23",
        date=datetime(2026, 11, 23, 7, 0, tzinfo=UTC),
        sender=sender,
        recipient=recipient,
        segments=(head, *body),
    )


class Commits:
    """A `commit` that counts, does what it is told to, and then raises what it is told to."""

    def __init__(
        self, *, then: Callable[[], object] | None = None, raising: BaseException | None = None
    ) -> None:
        self.count = 0
        self._then = then
        self._raising = raising

    def __call__(self) -> None:
        self.count += 1
        if self._then is not None:
            self._then()
        if self._raising is not None:
            raise self._raising


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """A backend that is not open yet, and a way to see the whole bytes of what has arrived, in order.

    What arrives when a copy of this process (`os.fork`) sends must be seen too. A carrier that lives in its
    own process alone, and so is gone with it, says so in `mortal`: why it need not be killed.
    """

    backend: Backend
    arrived: Callable[[], Sequence[bytes]]
    mortal: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """Where in a hand-over SIGKILL strikes: at the call number `calls`, counted anew after `commit`.

    A call is one of any function, Python's or C's; 0 is when `open` has returned. Where there are fewer it
    strikes in `commit`, or at the end.
    """

    after_commit: bool
    calls: float


NEVER = float("inf")
"""The number of a call that is not reached."""


def _hand_over(backend: Backend, message: Message, kill: Kill | None, report: int) -> None:
    """Open, send, and die at the given place; or live and report how many calls there were on either side."""
    calls = [0, 0]
    committed = False

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        if event in ("call", "c_call"):
            calls[committed] += 1
            if kill == Kill(after_commit=committed, calls=calls[committed]):
                die()

    def commit() -> None:
        nonlocal committed
        if kill and not kill.after_commit:
            die()
        committed = True

    backend.open()
    if kill == Kill(after_commit=False, calls=0):
        die()
    sys.setprofile(count)
    backend.send(message, commit)
    sys.setprofile(None)
    if kill:
        die()
    os.write(report, b"%d %d" % (calls[False], calls[True]))


def _in_a_child(backend: Backend, message: Message, kill: Kill | None) -> tuple[int, list[int]]:
    """The signal that ended a copy of this process which hands over the message, and what it reported."""
    there, here = os.pipe()
    with warnings.catch_warnings():
        # A service may run in a thread of ours; the child has no use for it.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if not child:
        _die_after(backend, message, kill, here)
    os.close(here)
    with os.fdopen(there) as reported:
        text = reported.read()
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "the child failed: see what it printed"
    return (os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0), [
        int(word) for word in text.split(" ") if word
    ]


def _die_after(backend: Backend, message: Message, kill: Kill | None, report: int) -> NoReturn:
    """In the child: never come back into the tests."""
    code = 70
    with contextlib.suppress(BaseException):
        signal.alarm(60)
        try:
            _hand_over(backend, message, kill, report)
            code = 0
        except BaseException:
            sys.setprofile(None)
            traceback.print_exc()
            sys.stderr.flush()
    os._exit(code)


def _spread(calls: int) -> list[int]:
    """Five call numbers from the first to the last."""
    return sorted({max(1, round(calls * part / 4)) for part in range(5)})


class BackendContract:
    @pytest.fixture
    def carrier(self) -> Carrier:
        raise NotImplementedError("a subclass says how its backend is made")

    def test_it_is_a_backend_and_says_whether_it_reaches_people(self, carrier: Carrier) -> None:
        assert isinstance(carrier.backend, Backend)
        assert carrier.backend.reaches_people in (True, False)

    def test_what_is_sent_arrives_byte_for_byte(self, carrier: Carrier) -> None:
        message = a_message()
        carrier.backend.open()
        carrier.backend.send(message, Commits())
        carrier.backend.close()
        assert list(carrier.arrived()) == [message.content]

    def test_messages_arrive_once_each(self, carrier: Carrier) -> None:
        messages = [a_message(f"reader{n}@example.com", number=n) for n in range(1, 6)]
        carrier.backend.open()
        for message in messages:
            carrier.backend.send(message, Commits())
        carrier.backend.close()
        assert sorted(carrier.arrived()) == sorted(message.content for message in messages)

    def test_commit_is_called_once_and_before_anything_has_left(self, carrier: Carrier) -> None:
        seen: list[int] = []
        commit = Commits(then=lambda: seen.append(len(carrier.arrived())))
        carrier.backend.open()
        carrier.backend.send(a_message(), commit)
        carrier.backend.close()
        assert (commit.count, seen) == (1, [0])

    @pytest.mark.parametrize(
        "veto", [Vetoed("left meanwhile", reason="left"), OSError(28, "full"), SystemExit(1)]
    )
    def test_what_commit_raises_passes_and_nothing_arrives(
        self, carrier: Carrier, veto: BaseException
    ) -> None:
        commit = Commits(raising=veto)
        carrier.backend.open()
        with pytest.raises(type(veto)) as raised:
            carrier.backend.send(a_message(), commit)
        assert raised.value is veto
        assert (commit.count, list(carrier.arrived())) == (1, [])
        carrier.backend.close()
        assert list(carrier.arrived()) == []

    def test_after_a_veto_the_next_message_goes_out(self, carrier: Carrier) -> None:
        message = a_message("next@example.com", number=2)
        carrier.backend.open()
        with pytest.raises(Vetoed):
            carrier.backend.send(a_message(), Commits(raising=Vetoed("left", reason="left")))
        carrier.backend.send(message, Commits())
        carrier.backend.close()
        assert list(carrier.arrived()) == [message.content]

    def test_the_receipt_is_a_line_of_text(self, carrier: Carrier) -> None:
        carrier.backend.open()
        receipt = carrier.backend.send(a_message(), Commits())
        carrier.backend.close()
        assert isinstance(receipt, str)
        assert receipt.isprintable()
        assert receipt

    def test_closing_never_raises_however_often_and_whenever(self, carrier: Carrier) -> None:
        carrier.backend.close()
        carrier.backend.open()
        carrier.backend.close()
        carrier.backend.close()
        assert list(carrier.arrived()) == []

    def test_a_closed_backend_can_be_opened_again(self, carrier: Carrier) -> None:
        messages = [a_message(number=1), a_message("other@example.com", number=2)]
        for message in messages:
            carrier.backend.open()
            carrier.backend.send(message, Commits())
            carrier.backend.close()
        assert sorted(carrier.arrived()) == sorted(message.content for message in messages)

    def test_a_run_that_is_killed_at_any_step_sends_at_most_one_whole_message(self, carrier: Carrier) -> None:
        """Nothing before `commit` has returned, one or none from there on, one when `send` has returned."""
        if carrier.mortal:
            pytest.skip(carrier.mortal)
        lived = a_message()
        ended_by, calls = _in_a_child(carrier.backend, lived, None)
        assert (ended_by, len(calls)) == (0, 2)
        steps = [Kill(after_commit=False, calls=n) for n in (0, *_spread(calls[0]), NEVER)]
        steps += [Kill(after_commit=True, calls=n) for n in (*_spread(calls[1]), NEVER)]
        messages = {step: a_message(f"reader{n}@example.com", number=n) for n, step in enumerate(steps, 2)}
        for step, message in messages.items():
            assert _in_a_child(carrier.backend, message, step)[0] == signal.SIGKILL, step

        arrived = _settled(carrier, [lived.content, messages[steps[-1]].content])
        times = {step: arrived.count(message.content) for step, message in messages.items()}
        assert {step: n for step, n in times.items() if n and not step.after_commit} == {}
        assert {step: n for step, n in times.items() if n > 1} == {}
        assert (arrived.count(lived.content), times[steps[-1]]) == (1, 1)
        assert len(arrived) == 1 + sum(times.values()), "what has arrived is not the whole of a message"

        following = a_message("next@example.com", number=100)
        carrier.backend.open()
        carrier.backend.send(following, Commits())
        carrier.backend.close()
        assert list(carrier.arrived()).count(following.content) == 1


def _settled(carrier: Carrier, awaited: Sequence[bytes]) -> list[bytes]:
    """What has arrived when the awaited messages have, and what was still on its way has had time to."""
    give_up = time.monotonic() + 10
    while not set(awaited) <= set(carrier.arrived()) and time.monotonic() < give_up:
        time.sleep(0.01)
    time.sleep(0.3)
    return list(carrier.arrived())
