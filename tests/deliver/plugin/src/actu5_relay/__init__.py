"""Message -> a mail relay that speaks HTTP: a backend that somebody else could have written.

The point of no return is the request. The connection is made before it, so that a relay that is down costs no
doubt; the request is written once and never again.
"""

import http.client
from collections.abc import Callable
from contextlib import closing
from typing import Self
from urllib.parse import urlencode, urlsplit

from newsletter.deliver.smtp_protocol import envelope_address
from newsletter.errors import Blocked, Deferred, DeliveryError, InDoubt, Refused, Unavailable
from newsletter.model import Message
from newsletter.settings import Table


class RelayBackend:
    """One connection and one request for each message."""

    reaches_people: bool = True

    def __init__(self, url: str, token: str, *, seconds: float = 120) -> None:
        self._url = urlsplit(url)
        self._token = token
        self._seconds = seconds

    @classmethod
    def configured(cls, table: Table) -> Self:
        """From `[backends.relay]` and NEWSLETTER_RELAY_TOKEN; raises ConfigError."""
        url = table.string("url")
        table.done()
        token = table.secret("RELAY_TOKEN")
        parts = urlsplit(url)
        if not (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname == "127.0.0.1")):
            raise table.error("url", f"mail to {url!r} would travel unencrypted", 'write "https://…"')
        if not token:
            raise table.error("url", "no token for it", "set NEWSLETTER_RELAY_TOKEN")
        return cls(url, token)

    def open(self) -> None:
        """Nothing to get ready."""

    def send(self, message: Message, commit: Callable[[], None]) -> str:
        """Post one message, and return what the relay calls it; raises as `Backend.send` says."""
        recipient = envelope_address(message.recipient)
        target = f"{self._url.path or '/'}?{urlencode({'from': message.sender, 'to': recipient})}"
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "message/rfc822"}
        with closing(self._connection()) as connection:
            try:
                connection.connect()
            except OSError as error:
                raise Unavailable(f"no connection: {error}", where=self._url.netloc, passing=True) from error
            commit()
            try:
                connection.request("POST", target, message.content, headers)
                answer = connection.getresponse()
                words = answer.read(500).decode("ascii", "replace").partition("\n")[0]
            except (OSError, http.client.HTTPException) as error:
                raise InDoubt(f"no answer: {error!r}", where=self._url.netloc) from error
        reply = f"{answer.status} {words}".rstrip(" ")
        if answer.status in (200, 202):
            return reply
        raise meaning(answer.status)(f"answered {reply!r}", where=self._url.netloc, reply=reply)

    def close(self) -> None:
        """Nothing is held open."""

    def _connection(self) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
        return kind(self._url.netloc, timeout=self._seconds)


def meaning(status: int) -> type[DeliveryError]:
    """What the relay's manual says: 422 is about the recipient, 429 about the pace, other 4xx about us."""
    if status // 100 != 4:
        return InDoubt
    return {422: Refused, 429: Deferred}.get(status, Blocked)
