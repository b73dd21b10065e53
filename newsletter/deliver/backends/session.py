"""One SMTP session: introduced, secured and logged in, then asked command by command."""

import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from newsletter.deliver.backends.wire import Lost, Wire
from newsletter.deliver.smtp_auth import Exchange, password_exchange, token_exchange
from newsletter.deliver.smtp_protocol import (
    Extensions,
    Phase,
    ehlo_command,
    failure,
    in_step,
    no_answer,
    read_extensions,
    verdict,
)
from newsletter.deliver.smtp_replies import Replies, Reply
from newsletter.errors import DeliveryError

Security = Literal["starttls", "tls", "plain"]


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

    One logs in with `password`, or with what `token` returns, which is asked at each login and raises
    `Unavailable`. `ssl_context` stands in for the system's certificate authorities; its hostname check must
    be on.
    """

    host: str
    port: int
    security: Security = "starttls"
    username: str = ""
    password: str = field(default="", repr=False)
    token: Callable[[], str] | None = field(default=None, repr=False)
    ssl_context: ssl.SSLContext | None = field(default=None, repr=False)
    deadlines: Deadlines = field(default_factory=Deadlines)

    @property
    def name(self) -> str:
        """Who it is, in errors and in the ledger: `smtp.example.org:587`."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

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

    `mails` counts the transactions begun on it. `host` is who it is with, `smtp.example.org:587`, and `tls`
    how it is secured, `TLSv1.3 TLS_AES_256_GCM_SHA384`, "" in clear; `certificate_ends` is until when the
    server's certificate holds, in seconds since 1970. Every error carries the phase, and the server's reply.
    """

    def __init__(self, server: Server) -> None:
        """Connect, turn to TLS, log in; raises `Unavailable`."""
        self._server = server
        self._exchanges: list[Exchange] = []
        self.host = server.name
        self.mails = 0
        self.closed = False
        try:
            self._wire = Wire(server.host, server.port, seconds=server.deadlines.connect)
        except Lost as error:
            raise self._lost(Phase.CONNECT, f"no connection: {error}", passing=error.passing) from error
        try:
            self.extensions = self._introduce()
            self._log_in()
            self.tls = self._wire.tls
            self.certificate_ends = self._wire.certificate_ends
        except BaseException:
            self.hang_up()
            raise

    @property
    def spent(self) -> bool:
        """Whether the server takes no more mails on this connection."""
        return 0 < self.extensions.most_messages <= self.mails

    def ask(self, phase: Phase, line: bytes) -> Reply:
        """Send one line and return its reply if that says "go on"; raises what it means otherwise.

        Until the dot is written whatever goes wrong is the text's, and no doubt.
        """
        self.listen(Phase.TEXT if phase is Phase.DOT else phase)
        return self._judge(phase, self._converse(phase, line))

    def listen(self, phase: Phase) -> None:
        """Raise what it means if the server has hung up, or spoken out of turn.

        After a reply to nothing, the next one would be taken for the answer to the wrong command.
        """
        with self._or_hang_up(phase):
            unasked = self._wire.unasked()
            if unasked:
                # In clear before TLS it may be anybody who speaks.
                passing = phase is not Phase.STARTTLS
                raise Lost(f"the server spoke out of turn: {unasked!r}", passing=passing)

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

        The socket does not block, and is an `ssl.SSLSocket` under TLS. Raises `Unavailable` if the server
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
        with self._or_hang_up(Phase.GREETING):
            greeting = self._wire.read(seconds=self._server.deadlines.of(Phase.GREETING))
        self._judge(Phase.GREETING, greeting)
        ehlo = ehlo_command(socket.gethostname(), self._wire.own_address)
        extensions = read_extensions(self.ask(Phase.EHLO, ehlo))
        if self._server.security != "starttls":
            return extensions
        if not extensions.offers("STARTTLS"):
            raise self._lost(Phase.STARTTLS, "the server does not offer STARTTLS")
        self.ask(Phase.STARTTLS, b"STARTTLS\r\n")
        self.listen(Phase.STARTTLS)  # what follows the 220 in clear may be anybody's (CVE-2011-0411)
        self._secure()
        return read_extensions(self.ask(Phase.EHLO, ehlo))

    def _secure(self) -> None:
        context = self._server.ssl_context or ssl.create_default_context()
        context.minimum_version = max(context.minimum_version, ssl.TLSVersion.TLSv1_2)  # RFC 9325 §3.1.1
        try:
            self._wire.secure(context, self._server.host, seconds=self._server.deadlines.connect)
        except Lost as error:
            raise self._lost(Phase.TLS, f"no TLS: {error}", passing=error.passing) from error

    def _log_in(self) -> None:
        """Log in under TLS or on this machine; a token that is declined is asked for anew, once."""
        server = self._server
        if not server.username:
            return
        if server.security == "plain" and not server.is_loopback:
            raise self._lost(Phase.AUTH, "no password is sent without TLS")
        first = server.token() if server.token else server.password
        try:
            self._try(first)
        except DeliveryError as error:
            if server.token is None or error.code // 100 != 5 or self.closed:
                raise
            fresh = server.token()
            if fresh == first:
                raise
            self._try(fresh)

    def _try(self, secret: str) -> None:
        server, offered = self._server, self.extensions.mechanisms
        if server.token:
            known = "OAUTHBEARER nor XOAUTH2"
            exchange = token_exchange(offered, server.username, secret, host=server.host, port=server.port)
        else:
            known = "AUTH PLAIN nor AUTH LOGIN"
            exchange = password_exchange(offered, server.username, secret)
        if exchange is None:
            raise self._lost(Phase.AUTH, f"the server offers neither {known}")
        self._exchanges.append(exchange)
        *lines, last = exchange.lines
        for line in lines:
            self.ask(Phase.CHALLENGE, line + b"\r\n")
        self.listen(Phase.AUTH)
        reply = self._converse(Phase.AUTH, last + b"\r\n")
        if reply.code == 334 and exchange.surrender is not None:
            reply = self._converse(Phase.AUTH, exchange.surrender + b"\r\n")
        self._judge(Phase.AUTH, reply)

    def _converse(self, phase: Phase, line: bytes) -> Reply:
        seconds = self._server.deadlines.of(phase)
        with self._or_hang_up(phase):
            self._wire.write(line, seconds=seconds)
            return self._wire.read(seconds=seconds)

    def _judge(self, phase: Phase, reply: Reply) -> Reply:
        kind = verdict(phase, reply)
        if kind is None:
            return reply
        if not in_step(phase, reply):
            self.hang_up()
        hidden = any(exchange.are_told_in(line) for exchange in self._exchanges for line in reply.lines)
        text = str(reply.code) if hidden else reply.text
        raise failure(kind, phase, reply, where=self.host, text=text)

    @contextmanager
    def _or_hang_up(self, phase: Phase) -> Iterator[None]:
        try:
            yield
        except Lost as error:
            self.hang_up()
            # Garbage after AUTH may be an echo of the password.
            hidden = phase in (Phase.AUTH, Phase.CHALLENGE)
            words = f"no answer to {phase}" if hidden else f"no answer to {phase}: {error}"
            raise self._lost(phase, words, passing=error.passing) from (None if hidden else error)
        except BaseException:
            self.hang_up()
            raise

    def _lost(self, phase: Phase, message: str, *, passing: bool = False) -> DeliveryError:
        return no_answer(phase, message, where=self.host, passing=passing)
