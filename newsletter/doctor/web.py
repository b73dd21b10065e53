"""One request to a web site, and what it says to that: no redirection is followed, no cookie kept."""

import http.client
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from newsletter import __version__

PATIENCE = 10.0
"""Seconds for a connection, for any piece of the answer, and for all of its body."""

MOST = 1 << 16
"""Bytes of an answer that are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """An answer; `headers` are by name in lower case, `here` says that it came from this very machine."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    here: bool


class NoAnswer(Exception):
    """Nobody there to talk to; `untrue` says that somebody was, whose certificate does not hold."""

    def __init__(self, why: str, *, untrue: bool = False) -> None:
        super().__init__(why)
        self.untrue = untrue


def ask(method: str, url: str, body: bytes | None = None, *, patience: float = PATIENCE) -> Said:
    """The answer to one request, a body being that of a form; raises NoAnswer."""
    parts = urlsplit(url)
    headers = {"User-Agent": f"actu5-newsletter/{__version__} (newsletter doctor)", "Connection": "close"}
    if body is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    try:
        line = kind(parts.hostname or "", parts.port, timeout=patience)
        try:
            line.connect()
            here = line.sock.getpeername()[0] == line.sock.getsockname()[0]
            line.request(method, parts.path or "/", body, headers)
            answer = line.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            body = _read(answer, time.monotonic() + patience)
            return Said(status=answer.status, headers=told, body=body, here=here)
        finally:
            line.close()
    except ssl.SSLCertVerificationError as error:
        raise NoAnswer(f"the certificate does not hold: {error.verify_message}", untrue=True) from error
    except TimeoutError as error:
        raise NoAnswer(f"no answer within {patience:g} s") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise NoAnswer(str(why)) from error


def _read(answer: http.client.HTTPResponse, until: float) -> bytes:
    """The body; raises TimeoutError for one that comes drop by drop, and has not ended by then."""
    body = b""
    while len(body) < MOST and (piece := answer.read1(MOST - len(body))):
        body += piece
        if time.monotonic() > until:
            raise TimeoutError
    return body
