"""The memory and the console backend."""

import io
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from newsletter.deliver.backends.console import ConsoleBackend
from newsletter.deliver.backends.memory import MemoryBackend
from newsletter.errors import ConfigError, Unavailable
from newsletter.settings import Table
from tests.deliver.contract import BackendContract, Carrier, Commits, a_message


class TestMemory(BackendContract):
    @pytest.fixture
    def carrier(self) -> Carrier:
        backend = MemoryBackend()
        return Carrier(
            backend=backend,
            arrived=lambda: [message.content for message in backend.messages],
            mortal="what is in memory is gone with the process",
        )


class TestConsole(BackendContract):
    @pytest.fixture
    def carrier(self, tmp_path: Path) -> Iterator[Carrier]:
        screen = tmp_path / "screen"

        def arrived() -> list[bytes]:
            mails = re.split(r"(?<=\n)\n(?=From: |\Z)", screen.read_text(encoding="utf-8"))
            return [mail.replace("\n", "\r\n").encode() for mail in mails if mail]

        with screen.open("a", encoding="utf-8") as stream:
            yield Carrier(backend=ConsoleBackend(stream), arrived=arrived)


def test_memory_keeps_the_messages_themselves_in_order() -> None:
    backend = MemoryBackend()
    first, second = a_message(number=1), a_message(number=2)
    assert backend.send(first, Commits()) == "message 1 in memory"
    assert backend.send(second, Commits()) == "message 2 in memory"
    backend.close()
    assert backend.messages == [first, second]


def test_the_console_prints_the_whole_mail_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    backend = ConsoleBackend.configured(Table({}, name="backends.console", root=Path()))
    backend.open()
    message = a_message(body=(b"Bonjour =C3=89lo=C3=AFse\r\n",))
    assert backend.send(message, Commits()) == f"printed, {len(message.content)} octets"
    backend.close()
    printed = capsys.readouterr()
    assert printed.out == (
        "From: <bonjour@press.example.org>\nTo: <reader1@example.com>\nSubject: no. 1\n"
        "\nBonjour =C3=89lo=C3=AFse\n\n"
    )
    assert printed.err == ""


def test_a_console_that_nobody_reads_is_unavailable() -> None:
    there, here = os.pipe()
    os.close(there)
    told = pytest.raises(Unavailable, match="standard output: cannot print: Broken pipe")
    with io.TextIOWrapper(io.FileIO(here, "w"), write_through=True) as stream, told:
        ConsoleBackend(stream).send(a_message(), Commits())


@pytest.mark.parametrize("backend", [MemoryBackend, ConsoleBackend])
def test_they_have_no_settings(backend: type[MemoryBackend] | type[ConsoleBackend]) -> None:
    with pytest.raises(ConfigError, match="unknown setting 'colour'"):
        backend.configured(Table({"colour": "red"}, name="backends.x", root=Path()))
