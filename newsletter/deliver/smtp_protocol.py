"""The rules of SMTP (RFC 5321), no socket: what is said to a server, and what its replies mean."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache

import idna

from newsletter.deliver.smtp_blame import is_about_us, is_rate_limited
from newsletter.deliver.smtp_replies import Reply
from newsletter.errors import Blocked, Deferred, DeliveryError, InDoubt, Refused, Unavailable, Withheld


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

    __hash__ = str.__hash__  # Enum's own, in Python, would be half the cost of a verdict


RATE_LIMIT_SECONDS = 600.0
PASSWORD_TRANSITION = 432  # RFC 4954 §4.7.12: log in once by other means

EAI_UNSUPPORTED = "eai_unsupported"
SENDER_HINT = "write a sender without accents before the @ in [publication]"
LOGIN_HINT = "check username in [backends.smtp], and NEWSLETTER_SMTP_PASSWORD or the token"
HINTS = {
    Phase.CONNECT: "check host and port in [backends.smtp], or try again later",
    Phase.GREETING: 'try again later; a port that expects TLS at once, such as 465, needs security = "tls"',
    Phase.EHLO: "try again later",
    Phase.STARTTLS: 'set security = "tls" and port = 465 if the server has that, or ask its keeper',
    Phase.TLS: "check that host is the name in the server's certificate, and that security suits the port",
    Phase.CHALLENGE: LOGIN_HINT,
    Phase.AUTH: LOGIN_HINT,
    Phase.MAIL: "ask the server's keeper who may send through it, and how large a mail may be",
}
_INTRODUCTION = frozenset(
    (Phase.CONNECT, Phase.GREETING, Phase.EHLO, Phase.STARTTLS, Phase.TLS, Phase.CHALLENGE, Phase.AUTH)
)
_WANTED = {Phase.STARTTLS: 220, Phase.CHALLENGE: 334, Phase.DATA: 354}
_ABOUT_THE_COMMAND = frozenset(
    (500, 502, 503, 504)
)  # RFC 5321 §4.2.1: x0z, syntax and sequence; 501 names an address


def verdict(phase: Phase, reply: Reply) -> type[DeliveryError] | None:
    """What a reply means for the message at hand; None: go on.

    Until RCPT nothing is about one reader: refusals then are `Unavailable`. MAIL 4xx and 421 anywhere before
    the dot are `Deferred`: the row waits, the run goes on, on a new connection after 421. 552 after RCPT
    counts as 452 (RFC 5321 §4.5.3.1.10). A complaint about the command itself, or a code that has no place
    at this step, says nothing about the reader either: `Deferred`; after the dot it is `InDoubt`. A refusal
    for a reason that is not the recipient's is `Blocked`.
    """
    severity = reply.code // 100
    if reply.code == _WANTED[phase] if phase in _WANTED else severity == 2:
        return None
    if phase in _INTRODUCTION:
        return Unavailable
    if severity == 5 and phase is not Phase.RSET:
        return _refusal(phase, reply)
    return InDoubt if phase is Phase.DOT and severity != 4 else Deferred


def _refusal(phase: Phase, reply: Reply) -> type[DeliveryError]:
    if phase is not Phase.DOT:
        if phase is Phase.MAIL or reply.code == 530:
            return Unavailable
        if reply.code in _ABOUT_THE_COMMAND or (phase is Phase.RCPT and reply.code == 552):
            return Deferred
    return Blocked if reply.code == 530 or is_about_us(reply) else Refused


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


def failure(kind: type[DeliveryError], phase: Phase, reply: Reply, *, where: str, text: str) -> DeliveryError:
    """The error of a kind that `verdict` found; `text` is as much of the reply as may be told."""
    message = f"answer to {phase}: {text!r}"
    if kind is not Unavailable:
        return kind(message, where=where, phase=phase, code=reply.code, reply=text)
    return Unavailable(
        message,
        where=where,
        hint=LOGIN_HINT if reply.code == 530 else HINTS.get(phase, ""),
        phase=phase,
        code=reply.code,
        reply=text,
        passing=_is_passing(phase, reply),
        wait=RATE_LIMIT_SECONDS if is_rate_limited(reply) else 0.0,
    )


def no_answer(phase: Phase, message: str, *, where: str, passing: bool = True) -> DeliveryError:
    """The error of a kind that `silence` finds; `passing` says that it may be over soon."""
    kind = silence(phase)
    if kind is not Unavailable:
        return kind(message, where=where, phase=phase)
    return Unavailable(message, where=where, hint=HINTS.get(phase, ""), phase=phase, passing=passing)


def _is_passing(phase: Phase, reply: Reply) -> bool:
    """Whether another relay, or this one later, may be of use though it says no before any message.

    A server may greet with any complaint about its own state or our address. But one that declines our
    password, or TLS for good, says what a person has to put right.
    """
    if phase in (Phase.GREETING, Phase.EHLO):
        return True
    return phase in _INTRODUCTION and reply.code // 100 == 4 and reply.code != PASSWORD_TRANSITION


@dataclass(frozen=True, kw_only=True)
class Extensions:
    """What a server offers in its answer to EHLO: keyword in capitals -> parameters (RFC 5321 §4.1.1.1)."""

    offered: Mapping[str, tuple[str, ...]]

    def offers(self, keyword: str) -> bool:
        return keyword in self.offered

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """The ways to authenticate, in capitals (RFC 4954 §3)."""
        return tuple(name.upper() for name in self.offered.get("AUTH", ()))

    @cached_property
    def most_octets(self) -> int:
        """The size of the largest text that the server takes (RFC 1870 §4); 0 if it names none."""
        return _number(self.offered.get("SIZE", ("",))[:1])

    @cached_property
    def most_messages(self) -> int:
        """How many times MAIL may be said on one connection (RFC 9422, MAILMAX); 0 if there is no limit."""
        limits = self.offered.get("LIMITS", ())
        named = [limit.partition("=") for limit in limits]
        return _number([value for name, _, value in named if name.upper() == "MAILMAX"])


def _number(values: Sequence[str]) -> int:
    first = values[0] if values else ""
    return int(first) if first.isascii() and first.isdigit() and len(first) <= 20 else 0


def read_extensions(reply: Reply) -> Extensions:
    """The extensions in an answer to EHLO, whose first line is the server's name."""
    offered: dict[str, tuple[str, ...]] = {}
    for line in reply.lines[1:]:
        keyword, *parameters = line.split(" ")
        name = keyword.upper()
        offered[name] = offered.get(name, ()) + tuple(p for p in parameters if p)
    return Extensions(offered=offered)


_ASCII_ATEXT = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~\-"
_ATEXT = rf"[{_ASCII_ATEXT}\u0080-\U0010ffff]+"
_LOCAL_PART = re.compile(rf"{_ATEXT}(?:\.{_ATEXT})*")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_USUAL = re.compile(  # nearly all addresses, decided in one go
    rf"[{_ASCII_ATEXT}]+(?:\.[{_ASCII_ATEXT}]+)*@{_DOMAIN.pattern}"
).fullmatch


def envelope_address(address: str) -> str:
    """The address as it may stand between < and >, its domain in ASCII (IDNA 2008, RFC 5890).

    Only the dot-atom form of RFC 5321 §4.1.2 passes: no quotes, spaces, brackets, commas, control characters
    or encoded words, so that nothing can be read as a second address. Raises `Refused`.
    """
    if _USUAL(address) and address.find("@") <= 64 and len(address) <= 254 and "=?" not in address:
        return address
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


@lru_cache(maxsize=1)  # unless each copy has a return path of its own, all have the same
def sender_address(address: str) -> str:
    """The same for the sender's address; raises `Unavailable`, because every message has it."""
    try:
        return envelope_address(address)
    except Refused as error:
        raise Unavailable(
            f"the sender cannot be used: {error}", hint="set sender in [publication]", phase=Phase.MAIL
        ) from error


def mail_command(
    sender: str, recipient: str, extensions: Extensions, *, octets: int, ascii_only: bool
) -> bytes:
    """`MAIL FROM` for a text of so many octets; both addresses as `envelope_address` gives them.

    Raises `Withheld` if the recipient's address is not ASCII and the server does not offer SMTPUTF8
    (RFC 6531), `Unavailable` if the sender's is not, or if the server cannot take the text.
    """
    offered = extensions.offered
    size = f" SIZE={octets}" if "SIZE" in offered else ""
    utf8 = not (sender.isascii() and recipient.isascii())
    if octets > extensions.most_octets > 0:
        raise Unavailable(
            f"the mail has {octets} octets, and the server takes {extensions.most_octets}",
            phase=Phase.MAIL,
            hint='make its pictures smaller, or write pictures = "hosted" in [look]',
        )
    if ascii_only and not utf8:
        return f"MAIL FROM:<{sender}>{size}\r\n".encode()
    # Headers of UTF-8 come with such an address; a server with SMTPUTF8 has 8BITMIME (RFC 6531 §3.1).
    if utf8 and ("SMTPUTF8" not in offered or not (ascii_only or "8BITMIME" in offered)):
        if sender.isascii():
            message = f"{recipient!r} needs SMTPUTF8, which the server does not offer"
            raise Withheld(message, reason=EAI_UNSUPPORTED)
        raise Unavailable(f"the sender {sender!r} needs SMTPUTF8", phase=Phase.MAIL, hint=SENDER_HINT)
    if not ascii_only and "8BITMIME" not in offered:
        raise Unavailable("the text is not ASCII and the server does not offer 8BITMIME", phase=Phase.MAIL)
    body = "" if ascii_only else " BODY=8BITMIME"
    return f"MAIL FROM:<{sender}>{size}{body}{' SMTPUTF8' if utf8 else ''}\r\n".encode()


def rcpt_command(recipient: str) -> bytes:
    """`RCPT TO` for an address as `envelope_address` gives it."""
    return f"RCPT TO:<{recipient}>\r\n".encode()


def ehlo_command(host_name: str, own_address: str) -> bytes:
    """`EHLO` with the host's full name, or else its address as a literal (RFC 5321 §4.1.3, §4.1.4)."""
    if "." in host_name and _DOMAIN.fullmatch(host_name):
        return f"EHLO {host_name}\r\n".encode()
    tag = "IPv6:" if ":" in own_address else ""
    return f"EHLO [{tag}{own_address}]\r\n".encode()
