"""A mail server on loopback that writes down what it accepts before it says so, and tells of every step.

It speaks the server's part of RFC 5321 with SIZE, 8BITMIME, SMTPUTF8 and, if asked, PIPELINING. It handles
one event at a time, in one thread: whoever is told of a moment may take its time, even end the process at the
other end, and the wire stands still meanwhile.
"""

import json
import os
import random
import re
import selectors
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

HOST = "127.0.0.1"
AT_ONCE = 65536  # octets read in one go
GREETING = b"220 sink.invalid ESMTP\r\n"
_HEADERS = re.compile(
    rb"^(Message-ID|Subject|To): *(.*?)\r\n(?![ \t])", re.IGNORECASE | re.MULTILINE | re.DOTALL
)
_MAIL = re.compile(rb"MAIL FROM:<([^<>]*)>(?:.* SIZE=(\d+))?", re.IGNORECASE)
_RCPT = re.compile(rb"RCPT TO:<([^<>]+)>", re.IGNORECASE)
_ADDRESS = re.compile(r"[^\s<>]+@[^\s<>]+")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


class Moment(IntEnum):
    """What has just happened on a line, in the order of one message."""

    HELLO = 0  # EHLO was answered
    COMMAND = 1  # RSET or MAIL was read and is not answered yet
    MAIL = 2  # answered, as the next two
    RCPT = 3
    DATA = 4
    TEXT = 5  # the first octets were read
    WHOLE = 6  # as many as MAIL announced
    DOT = 7  # read; the message is not accepted yet
    REPLIED = 8  # accepted, and 250 sent


@dataclass(slots=True, kw_only=True)
class Mail:
    """One message on a line: how far it has come, and of how many octets of its text."""

    announced: int
    recipient: str = ""
    reached: Moment = Moment.COMMAND
    octets: int = 0
    ended: bool = False

    @property
    def whole(self) -> bool:
        """Whether the sender has nothing more to say but the dot; it need not have announced the size."""
        return self.ended or (self.octets > 0 and self.octets >= self.announced)


class Line:
    """One connection; `mail` is the message that is coming in, `last` the one that was replied to last."""

    def __init__(self, sink: "Sink", connection: socket.socket, port: int, number: int) -> None:
        self.connection = connection
        self.port = port
        self.number = number
        self.mail: Mail | None = None
        self.last: Mail | None = None
        self.written_since = 0
        """Octets that came since the last message was replied to."""
        self.dead = False
        self._sink = sink
        self._unread = b""
        self._text = b""
        self._reply(GREETING)

    @property
    def goes_on(self) -> bool:
        """Whether the sender has written more behind the message that was replied to last."""
        return bool(self.written_since or self._unread or self.mail)

    @property
    def has_more(self) -> bool:
        """Whether octets have come that were not read yet; the line must be open."""
        return bool(self._coming(1))

    @property
    def has_dot(self) -> bool:
        """Whether a dot is among them."""
        return b"\r\n.\r\n" in self._coming(AT_ONCE)

    def _coming(self, octets: int) -> bytes:
        with suppress(OSError):
            return self.connection.recv(octets, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        return b""

    def take(self, data: bytes) -> None:
        """Go on with these octets from the sender."""
        self._unread += data
        self.written_since += len(data)
        while self._unread and not self.dead and (self._read_text() if self._in_text else self._command()):
            pass

    def bury(self) -> None:
        """The sender is dead: take what it had written and hear no more.

        A text without its dot is no message. Of one with its dot a server may have taken charge or not:
        chance decides.
        """
        self.dead = True
        self.connection.settimeout(2)
        with suppress(OSError):
            while data := self.connection.recv(AT_ONCE):
                self._unread += data
                self.written_since += len(data)
        self.connection.close()
        if self._in_text and self.mail and not self.mail.ended:
            self._measure()
            self.mail.reached = Moment.TEXT if self.mail.octets else self.mail.reached
        if self.mail and self.mail.ended:
            self.mail.reached = Moment.DOT
            self._sink.note_mail(
                "accepted" if self._sink.chance.random() < 0.5 else "dropped", self, self._text
            )

    @property
    def _in_text(self) -> bool:
        return self.mail is not None and self.mail.reached >= Moment.DATA

    def _read_text(self) -> bool:
        mail = self.mail
        assert mail
        fresh = not mail.octets
        self._measure()
        steps = [(Moment.TEXT, fresh), (Moment.WHOLE, mail.whole), (Moment.DOT, mail.ended)]
        for moment, now in steps:
            if now and mail.reached < moment:
                mail.reached = moment
                self._sink.tell(self, moment)
                if self.dead:
                    return False
        if mail.ended:
            self._sink.note_mail("accepted", self, self._text)
            self._reply(b"250 2.0.0 taken\r\n")
            mail.reached = Moment.REPLIED
            self.last, self.mail, self._text = mail, None, b""
            self.written_since = 0
            self._sink.tell(self, Moment.REPLIED)
        return not self.dead

    def _measure(self) -> None:
        """Move what was read to the text, up to the dot, and count its octets as the sender counts them."""
        mail = self.mail
        assert mail
        before = max(len(self._text) - 4, 0)
        text = (self._text or b"\r\n") + self._unread  # the line before the text ended too
        end = text.find(b"\r\n.\r\n", before)
        mail.ended = end >= 0
        self._unread = text[end + 5 :] if mail.ended else b""
        self._text = text[: end + 2] if mail.ended else text
        mail.octets = len(self._text) - 2 - self._text.count(b"\r\n..")

    def _command(self) -> bool:
        command, end, rest = self._unread.partition(b"\r\n")
        if not end:
            return False
        self._unread = rest
        verb = command[:4].upper()
        if verb in (b"EHLO", b"HELO"):
            self._reply(self._sink.hello)
            self._sink.tell(self, Moment.HELLO)
        elif verb == b"RSET":
            self.mail = None
            self._sink.tell(self, Moment.COMMAND)
            self._answer(b"250 2.0.0 reset\r\n")
        elif verb == b"MAIL":
            self._on_mail(command)
        elif verb == b"RCPT":
            self._on_rcpt(command)
        elif verb == b"DATA":
            self._advance(Moment.RCPT, Moment.DATA, b"354 go on\r\n")
        elif verb == b"QUIT":
            self._answer(b"221 2.0.0 bye\r\n")
        else:
            self._answer(b"250 2.0.0 so be it\r\n" if verb == b"NOOP" else b"502 5.5.1 not here\r\n")
        return not self.dead

    def _on_mail(self, command: bytes) -> None:
        found = _MAIL.match(command)
        if self.mail or not found:
            self._answer(b"503 5.5.1 not now\r\n")
            return
        self.mail = Mail(announced=int(found[2] or 0))
        self._sink.tell(self, Moment.COMMAND)
        self._advance(Moment.COMMAND, Moment.MAIL, b"250 2.1.0 go on\r\n")

    def _on_rcpt(self, command: bytes) -> None:
        found = _RCPT.match(command)
        if self.mail and found and self.mail.reached == Moment.MAIL:
            self.mail.recipient = found[1].decode()
        self._advance(Moment.MAIL, Moment.RCPT, b"250 2.1.5 go on\r\n")

    def _advance(self, before: Moment, after: Moment, reply: bytes) -> None:
        """Answer a command that has its place after `before` only; one recipient a message is the rule."""
        if self.dead:
            return
        if self.mail is None or self.mail.reached != before:
            self._answer(b"503 5.5.1 not now\r\n")
            return
        self._reply(reply)
        self.mail.reached = after
        self._sink.tell(self, after)

    def _answer(self, reply: bytes) -> None:
        if not self.dead:
            self._reply(reply)

    def _reply(self, reply: bytes) -> None:
        with suppress(OSError):  # whoever is gone will be missed when we listen next
            self.connection.sendall(reply)


class Sink:
    """Listens on as many ports as there are to be senders, so that a port tells whose line it is.

    `log` is an append-only file of JSON lines; each message is in it before its 250 is sent. `tell` is called
    at each moment; it may call `bury`.
    """

    def __init__(self, log: Path, *, ports: int, pipelining: bool, chance: random.Random) -> None:
        self.tell: Callable[[Line, Moment], None] = lambda line, moment: None
        self.chance = chance
        self.accepted = 0
        offers = ["sink.invalid", *["PIPELINING"] * pipelining]
        offers += ["SIZE 50000000", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"]
        self.hello = b"".join(b"250-%b\r\n" % offer.encode() for offer in offers[:-1])
        self.hello += b"250 %b\r\n" % offers[-1].encode()
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._selector = selectors.DefaultSelector()
        self._listeners: dict[int, socket.socket] = {}
        self._lines: dict[int, list[Line]] = {}
        self._count = 0
        for _ in range(ports):
            listener = socket.create_server((HOST, 0), backlog=1024)
            listener.setblocking(False)
            port = listener.getsockname()[1]
            self._listeners[port] = listener
            self._lines[port] = []
            self._selector.register(listener, selectors.EVENT_READ, port)

    @property
    def ports(self) -> list[int]:
        return list(self._listeners)

    def lines(self, port: int | None = None) -> Iterator[Line]:
        """The connections of one port, or all."""
        for each, lines in self._lines.items():
            if port in (None, each):
                yield from lines

    def turn(self, seconds: float) -> None:
        """Handle what has come; wait at most so long for it."""
        for key, _ in self._selector.select(seconds):
            if isinstance(key.data, Line):
                self._hear(key.data)
            else:
                self._accept(key.data)

    def bury(self, port: int) -> list[Line]:
        """The sender at this port has ended: its connections, with all that it had written on them."""
        self._accept(port)
        lines, self._lines[port] = self._lines[port], []
        for line in lines:
            self._selector.unregister(line.connection)
            line.bury()
        return lines

    def note(self, fact: Mapping[str, object]) -> None:
        """One more line in the log; it is out of this process's hands on return."""
        os.write(self._log, json.dumps({"at": time.time(), **fact}, ensure_ascii=False).encode() + b"\n")

    def note_mail(self, what: str, line: Line, text: bytes) -> None:
        """Write down a message that was accepted or, at the end of its sender, dropped."""
        assert line.mail
        self.accepted += what == "accepted"
        head = text[: text.find(b"\r\n\r\n", 2) + 2]
        headers = {name.lower(): value.decode("ascii", "replace") for name, value in _HEADERS.findall(head)}
        day = _DAY.search(headers.get(b"subject", ""))
        fact: dict[str, object] = {"what": what, "port": line.port, "line": line.number}
        fact |= {"issue": day[0] if day else "", "recipient": line.mail.recipient}
        fact |= {"to": _ADDRESS.findall(headers.get(b"to", "")), "message_id": headers.get(b"message-id", "")}
        self.note(fact | {"octets": line.mail.octets, "announced": line.mail.announced})

    def close(self) -> None:
        """Hang up everywhere."""
        for line in self.lines():
            line.connection.close()
        for listener in self._listeners.values():
            listener.close()
        self._selector.close()
        os.close(self._log)

    def _accept(self, port: int) -> None:
        while True:
            try:
                connection, _ = self._listeners[port].accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._count += 1
            line = Line(self, connection, port, self._count)
            self._lines[port].append(line)
            self._selector.register(connection, selectors.EVENT_READ, line)

    def _hear(self, line: Line) -> None:
        if line.dead:  # of a sender that ended while this turn was being handled
            return
        try:
            data = line.connection.recv(AT_ONCE)
        except OSError:
            data = b""
        if data:
            line.take(data)
        else:
            self._selector.unregister(line.connection)
            self._lines[line.port].remove(line)
            line.connection.close()
