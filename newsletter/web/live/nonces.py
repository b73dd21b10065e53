"""Signed numbers in forms: a form was served by us, long enough ago to have been read, and not yesterday."""

from collections.abc import Callable
from datetime import datetime, timedelta

from newsletter.errors import LinkError
from newsletter.links import Purpose, Signer

LEAST = timedelta(seconds=2)
"""Nobody reads the box and types an address in less."""

LIFE = timedelta(hours=24)

EMPTY = b'name="nonce" value=""'
"""What stands in a form until it is served."""


class Nonces:
    """Makes and judges them; nothing is kept, for a number tells itself when it was made."""

    def __init__(self, signer: Signer, clock: Callable[[], datetime]) -> None:
        self._signer = signer
        self._clock = clock

    def new(self) -> str:
        now = self._clock()
        return self._signer.sign_until(Purpose.FORM, str(int(now.timestamp())), now, LIFE)

    def fits(self, nonce: str) -> bool:
        """Whether it is one of ours, old enough and not too old."""
        now = self._clock()
        try:
            made = int(self._signer.check_until(nonce, Purpose.FORM, now))
        except (LinkError, ValueError):
            return False
        return now.timestamp() - made >= LEAST.total_seconds()

    def put_in(self, page: bytes) -> bytes:
        """A page with a new one in each of its forms."""
        return page.replace(EMPTY, b'name="nonce" value="' + self.new().encode() + b'"')
