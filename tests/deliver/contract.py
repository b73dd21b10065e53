"""The suite that every backend passes; a plug-in's author subclasses `BackendContract` and runs it.

class TestMine(BackendContract):
    @pytest.fixture
    def carrier(self) -> Iterator[Carrier]:
        with a_test_service() as service:
            yield Carrier(backend=MyBackend(service.url), arrived=lambda: service.mails)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

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
    """A backend that is not open yet, and a way to see the whole bytes of what has arrived, in order."""

    backend: Backend
    arrived: Callable[[], Sequence[bytes]]


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
