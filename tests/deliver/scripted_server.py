"""A mail server on loopback that does as it is told at each step of a session, and remembers what came in."""

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import trustme

Act = Callable[["Visit"], None]

OFFERS = (b"PIPELINING", b"SIZE 1000000000", b"AUTH PLAIN LOGIN", b"8BITMIME")


def say(data: bytes) -> Act:
    """Write these bytes at once."""

    def act(visit: "Visit") -> None:
        visit.said = data
        visit.socket.sendall(data)

    return act


def slowly(data: bytes, *, pause: float) -> Act:
    """Write these bytes one by one, with so many seconds between them."""

    def act(visit: "Visit") -> None:
        visit.said = data
        for byte in data:
            visit.socket.sendall(bytes([byte]))
            if visit.server.over.wait(pause):
                return

    return act


def drop(visit: "Visit") -> None:
    """Close in good order (FIN), then swallow what still comes."""
    visit.socket.shutdown(socket.SHUT_WR)
    while visit.socket.recv(65536):
        pass
    raise Left


def reset(visit: "Visit") -> None:
    """Break off (RST)."""
    visit.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    visit.socket.close()
    raise Left


def hang(visit: "Visit") -> None:
    """Say nothing more, read nothing more, stay on the line."""
    visit.server.over.wait(30)
    raise Left


def wait(seconds: float) -> Act:
    """Do nothing for so many seconds."""

    def act(visit: "Visit") -> None:
        visit.server.over.wait(seconds)

    return act


def both(*acts: Act) -> Act:
    """One act after the other."""

    def act(visit: "Visit") -> None:
        for one in acts:
            one(visit)

    return act


def nothing(_visit: "Visit") -> None:
    """Let the step pass."""


class Left(Exception):
    """The visit is over."""


class Visit(threading.Thread):
    """One session with the client: what it said, and the texts that it ended with a dot."""

    def __init__(self, server: "ScriptedServer", connection: socket.socket) -> None:
        super().__init__(daemon=True)
        self.server = server
        self.socket = connection
        self.lines: list[bytes] = []
        self.in_clear = bytearray()
        self.said = b""
        self.unfinished = b""
        self._secured = False
        self._buffer = b""

    def run(self) -> None:
        with contextlib.suppress(Left, OSError):
            self._session()
        self.socket.close()

    def _session(self) -> None:
        if self.server.implicit_tls:
            self._secure()
        self._act("greeting", say(b"220 scripted.example ESMTP\r\n"))
        while True:
            line = self._line()
            self.lines.append(line)
            verb = line.split(b" ")[0].decode().upper()
            self._act(verb, self._usual(verb))
            if verb == "STARTTLS" and self.said.startswith(b"220"):
                self._secure()
            if verb == "AUTH" and self.said.startswith(b"334"):
                self.lines.append(self._line())
                self._act("password?", say(b"334 UGFzc3dvcmQ6\r\n"))
                self.lines.append(self._line())
                self._act("password", say(b"235 2.7.0 welcome\r\n"))
            if verb == "DATA" and self.said.startswith(b"354"):
                self._text()
            if verb == "QUIT":
                return

    def _usual(self, verb: str) -> Act:
        if verb == "EHLO":
            offers = self.server.offers
            if self.server.tls and not self._secured:
                offers = (*offers, b"STARTTLS")
            ends = [b"-"] * len(offers) + [b" "]
            listed = zip(ends, (b"scripted.example", *offers), strict=True)
            return say(b"".join(b"250" + end + text + b"\r\n" for end, text in listed))
        usual = {
            "STARTTLS": b"220 go ahead\r\n",
            "AUTH": b"235 2.7.0 welcome\r\n",
            "DATA": b"354 end with a dot\r\n",
            "QUIT": b"221 bye\r\n",
        }
        if verb == "AUTH" and self.lines[-1] == b"AUTH LOGIN":
            return say(b"334 VXNlcm5hbWU6\r\n")
        return say(usual.get(verb, b"250 2.0.0 ok\r\n"))

    def _text(self) -> None:
        self._buffer = b"\r\n" + self._buffer
        begun = False
        while b"\r\n.\r\n" not in self._buffer:
            self.unfinished = self._buffer[2:]
            self._more()
            if not begun:
                begun = True
                self._act("text", nothing)
        self.unfinished = b""
        text, _, self._buffer = self._buffer.partition(b"\r\n.\r\n")
        envelope = [line for line in self.lines if line[:4] in (b"MAIL", b"RCPT")][-2:]
        content = (text + b"\r\n").replace(b"\r\n..", b"\r\n.")[2:]
        self.server.received.append((envelope[0], envelope[1], content))
        self._act("dot", say(b"250 2.0.0 queued as %d\r\n" % len(self.server.received)))

    def _act(self, step: str, usual: Act) -> None:
        self.said = b""
        (self.server.next_act(step) or usual)(self)

    def _line(self) -> bytes:
        while b"\r\n" not in self._buffer:
            self._more()
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line

    def _more(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise Left
        self._buffer += data
        if not self._secured:
            self.in_clear += data

    def _secure(self) -> None:
        assert self.server.tls is not None
        self.socket = self.server.tls.wrap_socket(self.socket, server_side=True)
        self._secured = True


class ScriptedServer:
    """Behaves well, but for the acts given for a step; they are used up one by one, over all sessions.

    The steps: greeting, EHLO, STARTTLS, AUTH, "password?", password, RSET, MAIL, RCPT, DATA, text (its first
    bytes have come), dot, QUIT. `received` holds MAIL line, RCPT line and unstuffed text of each text that
    was ended by its dot, whatever was then answered.
    """

    def __init__(
        self,
        at: Mapping[str, Act | Sequence[Act]] | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        implicit_tls: bool = False,
        offers: Sequence[bytes] = OFFERS,
    ) -> None:
        self._acts = {
            step: list(acts) if isinstance(acts, Sequence) else [acts] for step, acts in (at or {}).items()
        }
        self.tls = tls
        self.implicit_tls = implicit_tls
        self.offers = tuple(offers)
        self.over = threading.Event()
        self.visits: list[Visit] = []
        self.received: list[tuple[bytes, bytes, bytes]] = []
        self._lock = threading.Lock()
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen()
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)

    @property
    def texts(self) -> list[bytes]:
        return [content for _, _, content in self.received]

    def next_act(self, step: str) -> Act | None:
        with self._lock:
            acts = self._acts.get(step)
            return acts.pop(0) if acts else None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._listener.close()
        for visit in self.visits:
            with contextlib.suppress(OSError):
                visit.socket.shutdown(socket.SHUT_RDWR)
            visit.join(5)
            visit.socket.close()

    def _accept(self) -> None:
        while not self.over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            visit = Visit(self, connection)
            self.visits.append(visit)
            visit.start()


@dataclass(frozen=True, slots=True, kw_only=True)
class Papers:
    """Certificates for a server on 127.0.0.1, right and wrong, and a client's trust in their authority."""

    right: ssl.SSLContext
    wrong_host: ssl.SSLContext
    expired: ssl.SSLContext
    stranger: ssl.SSLContext
    trust: ssl.SSLContext


def server_context(authority: trustme.CA, host: str, *, until: datetime | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    born = datetime(2000, 1, 1, tzinfo=UTC) if until else None
    authority.issue_cert(host, not_before=born, not_after=until).configure_cert(context)
    return context


def make_papers() -> Papers:
    """Fresh certificates, from an authority that only `trust` knows."""
    authority = trustme.CA()
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    return Papers(
        right=server_context(authority, "127.0.0.1"),
        wrong_host=server_context(authority, "elsewhere.example"),
        expired=server_context(authority, "127.0.0.1", until=datetime(2001, 1, 1, tzinfo=UTC)),
        stranger=server_context(trustme.CA(), "127.0.0.1"),
        trust=trust,
    )
