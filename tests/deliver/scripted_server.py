"""A mail server on loopback that does as it is told at each step of a session, and remembers what came in.

It behaves as RFC 5321 and 2920 want, command by command or for many in one packet, but for the acts it is
given: `ScriptedServer({"RCPT": say(b"450 later\\r\\n")})` answers the first RCPT so, and all else as usual.

Steps: greeting, EHLO, STARTTLS, AUTH, "password?" and password (of AUTH LOGIN), answer (to a 334 of any other
mechanism), RSET, MAIL, RCPT, DATA, text (its first bytes have come), dot, QUIT. "RCPT zoe@example.com" is the
step for one recipient, whichever connection and turn it is on; DATA, text and dot can be named so too.

Acts of a step are used up one by one, over all sessions; `as_usual` among them skips a turn, `always(act)` is
never used up. What they can do:

    say(data)               any bytes at once: a wrong code, half a reply, replies too many, a flood
    in_pieces(data, 3, 7)   the same bytes, cut after the third and the seventh
    slowly(data, pause=.1)  byte by byte: slow-loris
    early(data)             an answer before its time, then the usual one
    drop, reset             close in good order (FIN), break off (RST)
    hang, wait(seconds)     say nothing more and read nothing more; do nothing for a while
    after(octets, act)      in a text: let so many octets come in first
    both(act, act, …)       one after the other

A text after a 354 that followed no accepted RCPT is kept apart in `homeless`: nobody may send one. Of the
server as a whole can be said: `offers`, TLS, `gathered` (answers to what came in one packet leave in one
packet), `messages` (the most for each connection, after which `parting` is said and the line closed), and
`idle` (seconds of silence after which the same happens).
"""

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
PARTING = b"421 4.3.2 enough for today\r\n"


def say(data: bytes) -> Act:
    """Write these bytes at once."""

    def act(visit: "Visit") -> None:
        visit.say(data)

    return act


def in_pieces(data: bytes, *cuts: int, pause: float = 0.02) -> Act:
    """Write these bytes in packets that end at the cuts."""

    def act(visit: "Visit") -> None:
        for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
            visit.say(data[start:end])
            visit.flush()
            visit.server.over.wait(pause)
        visit.said = data

    return act


def slowly(data: bytes, *, pause: float) -> Act:
    """Write these bytes one by one, with so many seconds between them."""
    return in_pieces(data, *range(1, len(data)), pause=pause)


def early(data: bytes) -> Act:
    """Write these bytes, then do the usual thing, which no client has a right to believe any more."""
    return both(say(data), as_usual)


def drop(visit: "Visit") -> None:
    """Close in good order (FIN), then swallow what still comes."""
    visit.flush()
    visit.socket.shutdown(socket.SHUT_WR)
    while visit.socket.recv(65536):
        pass
    raise Left


def reset(visit: "Visit") -> None:
    """Break off (RST)."""
    visit.flush()
    visit.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    visit.socket.close()
    raise Left


def hang(visit: "Visit") -> None:
    """Say nothing more, read nothing more, stay on the line."""
    visit.flush()
    visit.server.over.wait(30)
    raise Left


def wait(seconds: float) -> Act:
    """Do nothing for so many seconds."""

    def act(visit: "Visit") -> None:
        visit.flush()
        visit.server.over.wait(seconds)

    return act


def after(octets: int, then: Act) -> Act:
    """In a text: the act, once so many octets of it have come in."""

    def act(visit: "Visit") -> None:
        visit.take(octets)
        then(visit)

    return act


def both(*acts: Act) -> Act:
    """One act after the other."""

    def act(visit: "Visit") -> None:
        for one in acts:
            one(visit)

    return act


def as_usual(visit: "Visit") -> None:
    """What the server does when it is told nothing."""
    visit.usual(visit)


def always(act: Act) -> "Always":
    """An act for each time that its step comes."""
    return Always(act)


class Always:
    def __init__(self, act: Act) -> None:
        self.act = act


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
        self.usual: Act = as_usual
        self.counted = threading.Event()
        self._secured = False
        self._buffer = b""
        self._held = b""
        self._sender = b""
        self._recipient = b""
        self._wanted = False
        self._texts = 0

    def run(self) -> None:
        self.counted.wait()
        with contextlib.suppress(Left, OSError):
            self._session()
        self.socket.close()

    def say(self, data: bytes) -> None:
        """Write these bytes, or keep them until the next pause if answers are gathered."""
        self.said = data
        self._held += data
        if not self.server.gathered:
            self.flush()

    def flush(self) -> None:
        held, self._held = self._held, b""
        if held:
            self.socket.sendall(held)

    def take(self, octets: int) -> None:
        """Read until so many octets wait to be looked at."""
        while len(self._buffer) < octets:
            self._more()

    def _session(self) -> None:
        if self.server.implicit_tls:
            self._secure()
        self._act("greeting", say(b"220 scripted.example ESMTP\r\n"))
        while True:
            line = self._line()
            if self.server.messages and self._texts == self.server.messages and line != b"QUIT":
                self._part()
            self.lines.append(line)
            verb = line.split(b" ")[0].decode().upper()
            if verb == "RCPT":
                self._recipient = line
            self._act(verb, say(self._answer(verb)))
            self._note(verb, line)
            if verb == "STARTTLS" and self.said.startswith(b"220"):
                self._secure()
            if verb == "AUTH" and self.said.startswith(b"334"):
                self._log_in(line.split(b" "))
            if verb == "DATA" and self.said.startswith(b"354"):
                self._text()
            if verb == "QUIT":
                self.flush()
                return

    def _answer(self, verb: str) -> bytes:
        """What a server in good order says."""
        if verb == "EHLO":
            offers = self.server.offers
            if self.server.tls and not self._secured:
                offers = (*offers, b"STARTTLS")
            ends = [b"-"] * len(offers) + [b" "]
            listed = zip(ends, (b"scripted.example", *offers), strict=True)
            return b"".join(b"250" + end + text + b"\r\n" for end, text in listed)
        if verb == "AUTH":
            words = self.lines[-1].split(b" ")
            challenge = b"334 VXNlcm5hbWU6\r\n" if words[1] == b"LOGIN" else b"334 \r\n"
            return challenge if len(words) == 2 else b"235 2.7.0 welcome\r\n"
        if verb == "MAIL" and self._sender:
            return b"503 5.5.1 nested MAIL\r\n"
        if verb == "RCPT" and not self._sender:
            return b"503 5.5.1 no sender yet\r\n"
        if verb == "DATA" and not self._wanted:
            return b"554 5.5.1 no valid recipients\r\n" if self._sender else b"503 5.5.1 no sender yet\r\n"
        usual = {
            "STARTTLS": b"220 go ahead\r\n",
            "DATA": b"354 end with a dot\r\n",
            "QUIT": b"221 bye\r\n",
        }
        return usual.get(verb, b"250 2.0.0 ok\r\n")

    def _note(self, verb: str, line: bytes) -> None:
        """Keep the envelope as RFC 5321 has it."""
        good = self.said.startswith(b"2")
        if verb in ("RSET", "EHLO"):
            self._sender, self._wanted = b"", False
        if verb == "MAIL" and good:
            self._sender, self._wanted = line, False
        if verb == "RCPT" and good:
            self._wanted = True

    def _log_in(self, words: list[bytes]) -> None:
        self.lines.append(self._line())
        if words[1] == b"LOGIN":
            self._act("password?", say(b"334 UGFzc3dvcmQ6\r\n"))
            if self.said.startswith(b"334"):
                self.lines.append(self._line())
                self._act("password", say(b"235 2.7.0 welcome\r\n"))
            return
        # Of an initial response the 334 was the bad news, and this line takes note of it.
        said = b"235 2.7.0 welcome\r\n" if len(words) == 2 else b"535 5.7.8 no\r\n"
        self._act("answer", say(said))
        while self.said.startswith(b"334"):
            self.lines.append(self._line())
            self._act("answer", say(b"535 5.7.8 no\r\n"))

    def _text(self) -> None:
        self._buffer = b"\r\n" + self._buffer
        begun = False
        while True:
            if not begun and len(self._buffer) > 2:
                begun = True
                self._act("text", lambda _: None)
            if b"\r\n.\r\n" in self._buffer:
                break
            self.unfinished = self._buffer[2:]
            self._more()
        self.unfinished = b""
        text, _, self._buffer = self._buffer.partition(b"\r\n.\r\n")
        content = (text + b"\r\n").replace(b"\r\n..", b"\r\n.")[2:]
        mail = (self._sender, self._recipient, content)
        if self._wanted:
            self.server.received.append(mail)
            answer = b"250 2.0.0 queued as %d\r\n" % len(self.server.received)
        else:
            self.server.homeless.append(mail)
            answer = b"554 5.5.1 no valid recipients\r\n"
        self._texts += 1
        self._act("dot", say(answer))
        if self.said.startswith(b"2") and self.said.endswith(b"\r\n"):
            self.server.accepted.append(mail)
        self._sender, self._wanted = b"", False
        if self.server.messages == self._texts and not self.server.parting:
            self._part()

    def _part(self) -> None:
        self.say(self.server.parting)
        drop(self)

    def _act(self, step: str, usual: Act) -> None:
        self.said = b""
        self.usual = usual
        address = self._recipient.partition(b"<")[2].partition(b">")[0].decode("utf-8", "replace")
        (self.server.next_act(f"{step} {address}") or self.server.next_act(step) or usual)(self)

    def _line(self) -> bytes:
        while b"\r\n" not in self._buffer:
            self._more()
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line

    def _more(self) -> None:
        self.flush()
        self.socket.settimeout(self.server.idle)
        try:
            data = self.socket.recv(65536)
        except TimeoutError:
            self._part()
            raise
        if not data:
            raise Left
        self._buffer += data
        if not self._secured:
            self.in_clear += data

    def _secure(self) -> None:
        assert self.server.tls is not None
        self.flush()
        self.socket = self.server.tls.wrap_socket(self.socket, server_side=True)
        self._secured = True


class ScriptedServer:
    """See above. What has come in, each as MAIL line, RCPT line and unstuffed text:

    `received` all that was ended by its dot, whatever was then answered; `accepted` what was answered by a
    whole 2xx; `homeless` what nobody was to get.
    """

    def __init__(
        self,
        at: Mapping[str, Act | Always | Sequence[Act]] | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        implicit_tls: bool = False,
        offers: Sequence[bytes] = OFFERS,
        gathered: bool = False,
        messages: int = 0,
        idle: float | None = None,
        parting: bytes = PARTING,
    ) -> None:
        self._acts = {
            step: acts if isinstance(acts, Always) else list(acts) if isinstance(acts, Sequence) else [acts]
            for step, acts in (at or {}).items()
        }
        self.tls = tls
        self.implicit_tls = implicit_tls
        self.offers = tuple(offers)
        self.gathered = gathered
        self.messages = messages
        self.idle = idle
        self.parting = parting
        self.over = threading.Event()
        self.visits: list[Visit] = []
        self.received: list[tuple[bytes, bytes, bytes]] = []
        self.accepted: list[tuple[bytes, bytes, bytes]] = []
        self.homeless: list[tuple[bytes, bytes, bytes]] = []
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
            if isinstance(acts, Always):
                return acts.act
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
            visit.start()
            self.visits.append(visit)  # from here on it may be joined
            visit.counted.set()


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
