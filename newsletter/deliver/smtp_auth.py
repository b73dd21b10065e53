"""A login -> the lines that say it (SASL in SMTP, RFC 4954), no socket."""

import re
from base64 import b64encode
from collections.abc import Collection
from dataclasses import dataclass, field

AUTH_LINE_OCTETS = 512  # RFC 4954 §4: a longer initial response waits for an empty challenge
TELLING = 12  # so many characters in a row of a secret are taken for a part of it

_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")  # RFC 6750 §2.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One try to log in: `lines` in order, without CRLF, of which all but the last are answered by 334.

    Where a server says 334 after the last one too, it tells why it is going to decline; `surrender` is the
    line that takes note of that, None if the mechanism knows no such thing. `secrets` is what no error may
    show.
    """

    mechanism: str
    lines: tuple[bytes, ...] = field(repr=False)
    surrender: bytes | None
    secrets: tuple[str, ...] = field(repr=False)

    def are_told_in(self, text: str) -> bool:
        """Whether a part of a secret can be seen in what a server says."""
        return any(
            secret[start : start + TELLING] in text
            for secret in self.secrets
            for start in range(max(1, len(secret) - TELLING + 1))
        )


def password_exchange(offered: Collection[str], username: str, password: str) -> Exchange | None:
    """By PLAIN (RFC 4616), or else LOGIN; None if neither is offered."""
    name, word = _octets(username), _octets(password)
    secrets = (password, b64encode(word).decode())
    if "PLAIN" in offered:
        response = b64encode(b"\0%b\0%b" % (name, word))
        return Exchange(
            mechanism="PLAIN",
            lines=_begun("PLAIN", response),
            surrender=None,
            secrets=(*secrets, response.decode()),
        )
    if "LOGIN" in offered:
        lines = (b"AUTH LOGIN", b64encode(name), b64encode(word))
        return Exchange(mechanism="LOGIN", lines=lines, surrender=None, secrets=secrets)
    return None


def token_exchange(
    offered: Collection[str], username: str, token: str, *, host: str, port: int
) -> Exchange | None:
    """By OAUTHBEARER (RFC 7628), or else Google's and Microsoft's XOAUTH2; None if neither is offered."""
    if "OAUTHBEARER" in offered:
        name = username.replace("=", "=3D").replace(",", "=2C")  # RFC 5801 §4
        said = f"n,a={name},\1host={host}\1port={port}\1auth=Bearer {token}\1\1"
        mechanism, surrender = "OAUTHBEARER", b"AQ=="
    elif "XOAUTH2" in offered:
        said = f"user={username}\1auth=Bearer {token}\1\1"
        mechanism, surrender = "XOAUTH2", b""
    else:
        return None
    response = b64encode(said.encode())
    return Exchange(
        mechanism=mechanism,
        lines=_begun(mechanism, response),
        surrender=surrender,
        secrets=(token, response.decode()),
    )


def is_token(text: str) -> bool:
    """Whether a text can be a bearer token (RFC 6750), and for instance is no error message."""
    return _TOKEN.fullmatch(text) is not None


def _begun(mechanism: str, response: bytes) -> tuple[bytes, ...]:
    line = b"AUTH %b %b" % (mechanism.encode(), response)
    return (line,) if len(line) + 2 <= AUTH_LINE_OCTETS else (b"AUTH %b" % mechanism.encode(), response)


def _octets(secret: str) -> bytes:
    return secret.encode("utf-8", "surrogateescape")
