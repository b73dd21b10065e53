"""A real SMTP server on loopback, and the press as a process of its own."""

import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.conftest import PYTHON, SETTINGS


@dataclass
class Mailroom:
    """What a server accepted; `answer` decides on each message, by default "250 OK"."""

    port: int = 0
    accepted: list[tuple[str, bytes]] = field(default_factory=list)
    answer: Callable[[str], str] = lambda recipient: "250 OK"
    lock: threading.Lock = field(default_factory=threading.Lock)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        (recipient,) = envelope.rcpt_tos
        reply = self.answer(recipient)
        if reply.startswith("250") and isinstance(envelope.content, bytes):
            with self.lock:
                self.accepted.append((recipient, envelope.content))
        return reply

    @property
    def recipients(self) -> list[str]:
        return sorted(recipient for recipient, _ in self.accepted)


@pytest.fixture
def mailroom() -> Iterator[Mailroom]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        room = Mailroom(port=free.getsockname()[1])
    controller = Controller(room, hostname="127.0.0.1", port=room.port)
    controller.start()
    yield room
    controller.stop()


def through_smtp(paper: Path, port: int) -> None:
    """Let the publication send through the loopback server."""
    settings = SETTINGS.replace('backend = "folder"', 'backend = "smtp"')
    settings += f'\n[backends.smtp]\nhost = "127.0.0.1"\nport = {port}\nsecurity = "plain"\n'
    (paper / "newsletter.toml").write_text(settings, encoding="utf-8")


def start(paper: Path, *arguments: str) -> subprocess.Popen[str]:
    """The press as a process, on the morning of 23 November 2026."""
    return subprocess.Popen(
        [PYTHON, "-m", "newsletter", "--clock", "2026-11-23T06:45", *arguments],
        cwd=paper,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def readers_file(paper: Path, count: int) -> None:
    rows = "".join(f"lecteur{n}@example.org,Lectrice {n}\n" for n in range(count))
    (paper / "readers.csv").write_text(f"email,name\n{rows}", encoding="utf-8")
