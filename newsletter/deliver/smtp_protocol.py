"""The rules of SMTP (RFC 5321), no socket: what a server's bytes say, and what they mean for a message."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

import idna

from newsletter.errors import Deferred, DeliveryError, InDoubt, Refused, Unavailable

LINE_OCTETS = 512  # RFC 5321 §4.5.3.1.5, CRLF included
REPLY_LINES = 100
TEXT_CHARACTERS = 500  # of a reply, as kept in errors and receipts


class Phase(StrEnum):
    """The step of an SMTP session at which something was said, or at which silence fell."""

    CONNECT = "connect"
    GREETING = "greeting"
    EHLO = "EHLO"
    STARTTLS = "STARTTLS"
    TLS = "TLS"
    CHALLENGE = "AUTH challenge"
    AUTH = "AUTH"
    RSET = "RSET"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    TEXT = "text"
    DOT = "dot"
    QUIT = "QUIT"


_INTRODUCTION = frozenset(
    (Phase.CONNECT, Phase.GREETING, Phase.EHLO, Phase.STARTTLS, Phase.TLS, Phase.CHALLENGE, Phase.AUTH)
)
_WANTED = {Phase.STARTTLS: 220, Phase.CHALLENGE: 334, Phase.DATA: 354}
_ABOUT_THE_COMMAND = frozenset(
    (500, 502, 503, 504)
)  # RFC 5321 §4.2.1: x0z, syntax and sequence; 501 names an address
_ENHANCED = re.compile(r"([245])\.\d{1,3}\.\d{1,3}(?= |\Z)")
_REPLY_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One complete reply; `lines` are its texts without the code, control characters made visible."""

    code: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The reply on one line, code first: `550 5.1.1 no such user`."""
        text = f"{self.code} {' '.join(line for line in self.lines if line)}".rstrip(" ")
        return text if len(text) <= TEXT_CHARACTERS else text[: TEXT_CHARACTERS - 1] + "…"

    @property
    def enhanced(self) -> str:
        """The enhanced status code (RFC 2034, RFC 3463), or "": `5.7.1` is policy, `5.1.1` an address."""
        match = _ENHANCED.match(self.lines[0])
        return match[0] if match and match[1] == str(self.code)[0] else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Garbled:
    """What came is not SMTP; nothing that follows on this connection can be believed."""

    reason: str


class Replies:
    """An incremental reader of replies: bytes in, events out; how the bytes are cut makes no difference."""

    def __init__(self) -> None:
        self._buffer = b""
        self._code = 0
        self._lines: list[str] = []
        self._garbled = False

    @property
    def waiting(self) -> bool:
        """True while a reply has begun and is not complete."""
        return bool(self._buffer or self._lines)

    @property
    def begun(self) -> str:
        """What there is of the reply that is not complete."""
        known = "".join(f"{self._code}-{line} " for line in self._lines)
        return (known + _visible(self._buffer))[:TEXT_CHARACTERS]

    def feed(self, data: bytes) -> list[Reply | Garbled]:
        """The replies that `data` completes; after a `Garbled`, which is the last event, nothing."""
        events: list[Reply | Garbled] = []
        self._buffer += data
        while not self._garbled:
            newline = self._buffer.find(b"\n", 0, LINE_OCTETS)
            if newline < 0 and len(self._buffer) < LINE_OCTETS:
                return events
            line, self._buffer = self._buffer[: newline + 1], self._buffer[newline + 1 :]
            event = self._line(line) if newline >= 0 else Garbled(reason="a line of over 512 octets")
            if event is not None:
                events.append(event)
                self._garbled = isinstance(event, Garbled)
        self._buffer = b""
        self._lines.clear()
        return events

    def _line(self, line: bytes) -> Reply | Garbled | None:
        content = line.removesuffix(b"\r\n")
        match = _REPLY_LINE.fullmatch(content)
        if len(content) == len(line) or b"\r" in content or not match:
            return Garbled(reason=f"not a reply: {_visible(line)[:80]!r}")
        code = int(match[1])
        if self._lines and code != self._code:
            return Garbled(reason=f"a reply with two codes, {self._code} and {code}")
        if len(self._lines) == REPLY_LINES:
            return Garbled(reason=f"a reply of over {REPLY_LINES} lines")
        self._code = code
        self._lines.append(_visible(match[3] or b""))
        if match[2] == b"-":
            return None
        reply = Reply(code=code, lines=tuple(self._lines))
        self._lines.clear()
        return reply


def _visible(data: bytes) -> str:
    text = data.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def verdict(phase: Phase, reply: Reply) -> type[DeliveryError] | None:
    """What a reply means for the message at hand; None: go on.

    Until RCPT nothing is about one reader: refusals then are `Unavailable`. MAIL 4xx and 421 anywhere before
    the dot are `Deferred`: the row waits, the run goes on, on a new connection after 421. 552 after RCPT
    counts as 452 (RFC 5321 §4.5.3.1.10). A complaint about the command itself, or a code that has no place
    at this step, says nothing about the reader either: `Deferred`; after the dot it is `InDoubt`.
    """
    severity = reply.code // 100
    if reply.code == _WANTED[phase] if phase in _WANTED else severity == 2:
        return None
    if phase in _INTRODUCTION:
        return Unavailable
    if phase is Phase.DOT:
        return {4: Deferred, 5: Refused}.get(severity, InDoubt)
    if severity != 5 or phase is Phase.RSET:
        return Deferred
    if phase is Phase.MAIL or reply.code == 530:
        return Unavailable
    if reply.code in _ABOUT_THE_COMMAND or (phase is Phase.RCPT and reply.code == 552):
        return Deferred
    return Refused


def silence(phase: Phase) -> type[DeliveryError]:
    """What it means that no well-formed reply came: the connection broke, time was up, or it was garbled."""
    if phase in _INTRODUCTION:
        return Unavailable
    return InDoubt if phase is Phase.DOT else Deferred


def in_step(phase: Phase, reply: Reply) -> bool:
    """Whether the connection can carry on after this reply; 421 announces that the server hangs up."""
    if verdict(phase, reply) is None:
        return True
    return reply.code // 100 in (4, 5) and reply.code != 421 and phase is not Phase.RSET


@dataclass(frozen=True, slots=True, kw_only=True)
class Extensions:
    """What a server offers in its answer to EHLO: keyword in capitals -> parameters (RFC 5321 §4.1.1.1)."""

    offered: Mapping[str, tuple[str, ...]]

    def offers(self, keyword: str) -> bool:
        return keyword in self.offered

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """The ways to authenticate, in capitals (RFC 4954 §3)."""
        return tuple(name.upper() for name in self.offered.get("AUTH", ()))


def read_extensions(reply: Reply) -> Extensions:
    """The extensions in an answer to EHLO, whose first line is the server's name."""
    offered: dict[str, tuple[str, ...]] = {}
    for line in reply.lines[1:]:
        keyword, *parameters = line.split(" ")
        name = keyword.upper()
        offered[name] = offered.get(name, ()) + tuple(p for p in parameters if p)
    return Extensions(offered=offered)


_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\u0080-\U0010ffff]+"
_LOCAL_PART = re.compile(rf"{_ATEXT}(?:\.{_ATEXT})*")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


def envelope_address(address: str) -> str:
    """The address as it may stand between < and >, its domain in ASCII (IDNA 2008, RFC 5890).

    Only the dot-atom form of RFC 5321 §4.1.2 passes: no quotes, spaces, brackets, commas, control characters
    or encoded words, so that nothing can be read as a second address. Raises `Refused`.
    """
    local_part, _, domain = address.rpartition("@")
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode("ascii")
        except UnicodeError as error:
            raise Refused(f"{address!r} has no valid domain: {error}", phase=Phase.RCPT) from error
    if not (
        _LOCAL_PART.fullmatch(local_part)
        and local_part.isprintable()
        and "=?" not in local_part
        and len(local_part.encode()) <= 64
        and _DOMAIN.fullmatch(domain)
        and len(domain) <= 253
    ):
        raise Refused(f"{address!r} is not an address a mail can be sent to", phase=Phase.RCPT)
    return f"{local_part}@{domain}"


def mail_command(
    sender: str, recipient: str, extensions: Extensions, *, octets: int, ascii_only: bool
) -> bytes:
    """`MAIL FROM` for a text of so many octets; both addresses as `envelope_address` gives them.

    Raises `Refused` if the recipient's address is not ASCII and the server does not offer SMTPUTF8
    (RFC 6531), `Unavailable` if the text or the sender's address is not and the server cannot take that.
    """
    utf8 = not (sender + recipient).isascii()
    if utf8 and not extensions.offers("SMTPUTF8"):
        if sender.isascii():
            raise Refused(f"{recipient!r} needs SMTPUTF8, which the server does not offer", phase=Phase.RCPT)
        raise Unavailable(f"the sender {sender!r} needs SMTPUTF8", phase=Phase.MAIL)
    if not ascii_only and not extensions.offers("8BITMIME"):
        raise Unavailable("the text is not ASCII and the server does not offer 8BITMIME", phase=Phase.MAIL)
    command = f"MAIL FROM:<{sender}>"
    if extensions.offers("SIZE"):
        command += f" SIZE={octets}"
    if not ascii_only:
        command += " BODY=8BITMIME"
    if utf8:
        command += " SMTPUTF8"
    return f"{command}\r\n".encode()


def rcpt_command(recipient: str) -> bytes:
    """`RCPT TO` for an address as `envelope_address` gives it."""
    return f"RCPT TO:<{recipient}>\r\n".encode()


def ehlo_command(host_name: str, own_address: str) -> bytes:
    """`EHLO` with the host's full name, or else its address as a literal (RFC 5321 §4.1.3, §4.1.4)."""
    if "." in host_name and _DOMAIN.fullmatch(host_name):
        return f"EHLO {host_name}\r\n".encode()
    tag = "IPv6:" if ":" in own_address else ""
    return f"EHLO [{tag}{own_address}]\r\n".encode()


def stuffed(segments: Iterable[bytes]) -> Iterator[bytes]:
    """The segments of a text made transparent (RFC 5321 §4.5.2): a line's first dot is doubled.

    A line may begin anywhere, even between two segments. The text ends with CRLF, so that the final dot
    stands on a line of its own.
    """
    before = b"\r\n"
    for segment in segments:
        if b"\r\n." in segment or b"\r\n." in before + segment[:2]:
            yield (before + segment).replace(b"\r\n.", b"\r\n..")[len(before) :]
        else:
            yield segment
        before = (before + segment)[-2:] if len(segment) < 2 else segment[-2:]
    if before != b"\r\n":
        yield b"\r\n"
