"""One SMTP session: introduced, secured and logged in, then asked command by command."""

import base64
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from newsletter.deliver.backends.wire import Lost, Wire
from newsletter.deliver.smtp_protocol import (
    Extensions,
    Phase,
    ehlo_command,
    in_step,
    read_extensions,
    silence,
    verdict,
)
from newsletter.deliver.smtp_replies import Replies, Reply
from newsletter.errors import DeliveryError, Unavailable

Security = Literal["starttls", "tls", "plain"]

_LOGIN_HINT = "check username in [backends.smtp] and NEWSLETTER_SMTP_PASSWORD"
_HINTS = {
    Phase.CONNECT: "check host and port in [backends.smtp], or try again later",
    Phase.GREETING: 'try again later; a port that expects TLS at once, such as 465, needs security = "tls"',
    Phase.EHLO: "try again later",
    Phase.STARTTLS: 'set security = "tls" and port = 465 if the server has that, or ask its keeper',
    Phase.TLS: "check that host is the name in the server's certificate, and that security suits the port",
    Phase.CHALLENGE: _LOGIN_HINT,
    Phase.AUTH: _LOGIN_HINT,
    Phase.MAIL: "ask the server's keeper who may send through it, and how large a mail may be",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """Seconds that each step may take in all; those of RFC 5321 §4.5.3.2 are the least it allows.

    `connect` is for each of the host's addresses and for the TLS handshake; `command` for EHLO, STARTTLS,
    AUTH, RSET, MAIL and RCPT; `block` for handing 64 KiB to the kernel; `dot` for the last reply.
    """

    connect: float = 30
    greeting: float = 300
    command: float = 300
    data: float = 120
    block: float = 180
    dot: float = 600
    quit: float = 5

    def of(self, phase: Phase) -> float:
        named = {
            Phase.GREETING: self.greeting,
            Phase.DATA: self.data,
            Phase.DOT: self.dot,
            Phase.QUIT: self.quit,
        }
        return named.get(phase, self.command)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A mail server, and how it is to be spoken to; an empty `username` means without logging in.

    `ssl_context` stands in for the system's certificate authorities; its hostname check must be on.
    """

    host: str
    port: int
    security: Security = "starttls"
    username: str = ""
    password: str = field(default="", repr=False)
    ssl_context: ssl.SSLContext | None = field(default=None, repr=False)
    deadlines: Deadlines = field(default_factory=Deadlines)

    @property
    def is_loopback(self) -> bool:
        """Whether the host is this machine itself, so that nothing travels over a network."""
        if self.host == "localhost":  # RFC 6761 §6.3
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


class Session:
    """A connection that has been opened as `server` asks; `closed` once it is of no more use.

    `used` says that a transaction has begun on it; `host` is who it is with, `smtp.example.org:587`, and
    `tls` how it is secured, `TLSv1.3 TLS_AES_256_GCM_SHA384`, "" in clear. Every error carries the phase,
    and the server's reply.
    """

    def __init__(self, server: Server) -> None:
        """Connect, turn to TLS, log in; raises `Unavailable`."""
        self._server = server
        self.host = f"{server.host}:{server.port}"
        self.used = False
        self.closed = False
        try:
            self._wire = Wire(server.host, server.port, seconds=server.deadlines.connect)
        except Lost as lost:
            raise self._unavailable(Phase.CONNECT, f"no connection: {lost}") from lost
        try:
            self.extensions = self._introduce()
            self._log_in()
            self.tls = self._wire.tls
        except BaseException:
            self.hang_up()
            raise

    def ask(self, phase: Phase, line: bytes) -> Reply:
        """Send one line and return its reply if that says "go on"; raises what it means otherwise.

        Until the dot is written whatever goes wrong is the text's, and no doubt.
        """
        self.listen(Phase.TEXT if phase is Phase.DOT else phase)
        with self._or_hang_up(phase):
            self._wire.write(line, seconds=self._server.deadlines.of(phase))
        return self._answer(phase)

    def listen(self, phase: Phase) -> None:
        """Raise what it means if the server has hung up, or spoken out of turn.

        After a reply to nothing, the next one would be taken for the answer to the wrong command.
        """
        with self._or_hang_up(phase):
            unasked = self._wire.unasked()
            if unasked:
                raise Lost(f"the server spoke out of turn: {unasked!r}")

    def write(self, text: bytes) -> None:
        with self._or_hang_up(Phase.TEXT):
            self._wire.write(text, seconds=self._server.deadlines.block)

    def leave(self) -> None:
        """Say QUIT and hang up, whatever the answer."""
        seconds = self._server.deadlines.of(Phase.QUIT)
        try:
            self._wire.write(b"QUIT\r\n", seconds=seconds)
            self._wire.read(seconds=seconds)
        except Lost:
            pass  # what was accepted stays accepted
        finally:
            self.hang_up()

    def detach(self) -> tuple[socket.socket, Replies]:
        """Hand over the connection, logged in and with nothing said on it since; this session is over.

        The socket is an `ssl.SSLSocket` under TLS, and has a timeout set. Raises `Unavailable` if the server
        has hung up, or spoken out of turn.
        """
        self.listen(Phase.EHLO)
        self.closed = True
        return self._wire.detach()

    def hang_up(self) -> None:
        self.closed = True
        self._wire.close()

    def _introduce(self) -> Extensions:
        if self._server.security == "tls":
            self._secure()
        self._answer(Phase.GREETING)
        ehlo = ehlo_command(socket.gethostname(), self._wire.own_address)
        extensions = read_extensions(self.ask(Phase.EHLO, ehlo))
        if self._server.security != "starttls":
            return extensions
        if not extensions.offers("STARTTLS"):
            raise self._unavailable(Phase.STARTTLS, "the server does not offer STARTTLS")
        self.ask(Phase.STARTTLS, b"STARTTLS\r\n")
        self.listen(Phase.STARTTLS)  # what follows the 220 in clear may be anybody's (CVE-2011-0411)
        self._secure()
        return read_extensions(self.ask(Phase.EHLO, ehlo))

    def _secure(self) -> None:
        context = self._server.ssl_context or ssl.create_default_context()
        context.minimum_version = max(context.minimum_version, ssl.TLSVersion.TLSv1_2)  # RFC 9325 §3.1.1
        try:
            self._wire.secure(context, self._server.host, seconds=self._server.deadlines.connect)
        except Lost as lost:
            raise self._unavailable(Phase.TLS, f"no TLS: {lost}") from lost

    def _log_in(self) -> None:
        """AUTH PLAIN (RFC 4616) or LOGIN, under TLS or on this machine."""
        server = self._server
        if not server.username:
            return
        if server.security == "plain" and not server.is_loopback:
            raise self._unavailable(Phase.AUTH, "no password is sent without TLS")
        username, password = _octets(server.username), _octets(server.password)
        if "PLAIN" in self.extensions.mechanisms:
            self.ask(Phase.AUTH, b"AUTH PLAIN %b\r\n" % base64.b64encode(b"\0%b\0%b" % (username, password)))
        elif "LOGIN" in self.extensions.mechanisms:
            self.ask(Phase.CHALLENGE, b"AUTH LOGIN\r\n")
            self.ask(Phase.CHALLENGE, b"%b\r\n" % base64.b64encode(username))
            self.ask(Phase.AUTH, b"%b\r\n" % base64.b64encode(password))
        else:
            raise self._unavailable(Phase.AUTH, "the server offers neither AUTH PLAIN nor AUTH LOGIN")

    def _answer(self, phase: Phase) -> Reply:
        with self._or_hang_up(phase):
            reply = self._wire.read(seconds=self._server.deadlines.of(phase))
        if not in_step(phase, reply):
            self.hang_up()
        kind = verdict(phase, reply)
        if kind is None:
            return reply
        text = str(reply.code) if self._tells_secrets(reply) else reply.text
        raise self._error(kind, phase, f"answer to {phase}: {text!r}", code=reply.code, reply=text)

    @contextmanager
    def _or_hang_up(self, phase: Phase) -> Iterator[None]:
        try:
            yield
        except Lost as lost:
            self.hang_up()
            # Garbage after AUTH may be an echo of the password.
            hidden = phase in (Phase.AUTH, Phase.CHALLENGE)
            words = f"no answer to {phase}" if hidden else f"no answer to {phase}: {lost}"
            raise self._error(silence(phase), phase, words) from (None if hidden else lost)
        except BaseException:
            self.hang_up()
            raise

    def _tells_secrets(self, reply: Reply) -> bool:
        password = self._server.password
        plain = base64.b64encode(b"\0%b\0%b" % (_octets(self._server.username), _octets(password))).decode()
        login = base64.b64encode(_octets(password)).decode()
        return bool(password) and any(s in line for s in (password, plain, login) for line in reply.lines)

    def _unavailable(self, phase: Phase, message: str) -> DeliveryError:
        return self._error(Unavailable, phase, message)

    def _error(
        self, kind: type[DeliveryError], phase: Phase, message: str, *, code: int = 0, reply: str = ""
    ) -> DeliveryError:
        hint = _LOGIN_HINT if code == 530 else _HINTS.get(phase, "") if kind is Unavailable else ""
        return kind(message, where=self.host, hint=hint, phase=phase, code=code, reply=reply)


def _octets(secret: str) -> bytes:
    return secret.encode("utf-8", "surrogateescape")
