"""The certificate of Amazon's notifications, fetched once: no call from outside makes us fetch more."""

import http.client
import ssl
from urllib.parse import urlsplit

from newsletter.errors import Unavailable

_LONGEST = 65_536
PATIENCE = 10.0
"""Seconds."""


class Certificates:
    """Fetches certificates, and keeps them; `sns.open_notification` has looked at the address before.

    A redirection is not followed. Raises Unavailable, so that Amazon tries again.
    """

    def __init__(self, *, context: ssl.SSLContext | None = None) -> None:
        self._context = context or ssl.create_default_context()
        self._kept: dict[str, bytes] = {}

    def fetch(self, address: str) -> bytes:
        if address not in self._kept:
            self._kept[address] = self._fetched(address)
        return self._kept[address]

    def _fetched(self, address: str) -> bytes:
        parts = urlsplit(address)
        connection = http.client.HTTPSConnection(
            parts.hostname or "", parts.port or 443, timeout=PATIENCE, context=self._context
        )
        try:
            connection.request("GET", parts.path)
            answer = connection.getresponse()
            content = answer.read(_LONGEST)
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(f"no certificate: {error}", where=parts.netloc, passing=True) from error
        finally:
            connection.close()
        if answer.status != 200:
            raise Unavailable(f"no certificate: {answer.status}", where=parts.netloc, passing=True)
        return content
