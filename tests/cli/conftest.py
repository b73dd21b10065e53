"""What every refusal has to show: its two lines, its exit code, and that nobody got anything."""

import os
import pty
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.conftest import PYTHON, Answer, Newsletter
from tests.stories.conftest import mailroom as mailroom
from tests.stories.conftest import through_smtp

SEND = ("send", "--yes")
ISSUE_MD = "issues/2026-11-23/issue.md"
FIRST = "issues/2026-11-23/01-premier.md"


def told(answer: Answer) -> list[str]:
    """The last words on stderr from "Error:" on; a question may stand before them on the line."""
    return answer.err[max(answer.err.rfind("Error: "), 0) :].splitlines()


def nothing_sent(paper: Path) -> None:
    """No file of a mail, and no row of a delivery, in a rehearsal either."""
    assert list(paper.rglob("*.eml")) == []
    for name in ("newsletter.db", "rehearsal.db"):
        path = paper / ".newsletter" / name
        if path.is_file():
            with closing(sqlite3.connect(path)) as connection:
                assert connection.execute("SELECT count(*) FROM delivery").fetchone() == (0,)


def refuses(
    newsletter: Newsletter, paper: Path, *arguments: str, code: int, error: str, hint: str = ""
) -> None:
    """The command ends with this code, these two lines and no others, and nobody got anything."""
    answer = newsletter(*arguments)
    lines = [f"Error: {error}", f"Hint: {hint}"] if hint else [f"Error: {error}"]
    assert (answer.code, told(answer), answer.out) == (code, lines, "")
    nothing_sent(paper)


def replaced(file: str, old: str, new: str) -> Callable[[Path], None]:
    """What puts `new` in the place of the first `old` in a file of the publication."""

    def replace(paper: Path) -> None:
        text = (paper / file).read_text(encoding="utf-8")
        assert old in text
        (paper / file).write_text(text.replace(old, new, 1), encoding="utf-8")

    return replace


class Door:
    """A port of this machine where a mail server might be; nobody answers, but whoever knocks is counted."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]

    def close(self) -> None:
        self._socket.close()

    def nobody_knocked(self) -> bool:
        try:
            self._socket.accept()
        except BlockingIOError:
            return True
        return False


@pytest.fixture
def door(paper: Path, newsletter: Newsletter) -> Iterator[Door]:
    """The publication has three readers, and sends through SMTP to a port of this machine."""
    door = Door()
    (paper / "readers.csv").write_text(
        "email\na@example.org\nb@example.org\nc@example.org\n", encoding="utf-8"
    )
    assert newsletter("readers", "import", "readers.csv", "--source", "the fair").code == 0
    through_smtp(paper, door.port)
    yield door
    door.close()


def command(paper: Path, *arguments: str, **options: object) -> subprocess.Popen[bytes]:
    """The press as a process on the morning of 23 November 2026; `options` are Popen's."""
    settings: dict[str, object] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE}
    settings |= {"stderr": subprocess.PIPE, "cwd": paper, "start_new_session": True} | options
    line = [PYTHON, "-m", "newsletter", "--clock", "2026-11-23T06:45", *arguments]
    return subprocess.Popen(line, **settings)  # type: ignore[call-overload,no-any-return]


def answer_of(run: "subprocess.Popen[bytes]") -> Answer:
    """What a process printed until its end."""
    out, err = run.communicate(timeout=120)
    answer = Answer(run.returncode, (out or b"").decode(), (err or b"").decode())
    assert "Traceback" not in answer.err
    assert "Exception ignored" not in answer.err
    return answer


class Keyboard:
    """A terminal in front of a process, whose words are read until they hold what is waited for."""

    def __init__(self, paper: Path, *arguments: str) -> None:
        self._keys, terminal = pty.openpty()
        self.run = command(paper, *arguments, stdin=terminal)
        os.close(terminal)
        self._seen = b""

    def wait_for(self, words: str) -> None:
        assert self.run.stderr
        while words.encode() not in self._seen:
            read = os.read(self.run.stderr.fileno(), 1024)
            assert read, self._seen.decode()
            self._seen += read

    def type(self, text: str) -> None:
        os.write(self._keys, text.encode())

    def interrupt(self) -> None:
        """Ctrl-C, and once more if nobody heard it: one that comes just before a read is not seen in it."""
        for _ in range(3):
            self.run.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                self.run.wait(timeout=8)
                return

    def answer(self) -> Answer:
        rest = answer_of(self.run)
        os.close(self._keys)
        return Answer(rest.code, rest.out, self._seen.decode() + rest.err)


def until(true: Callable[[], object], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)
