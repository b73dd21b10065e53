"""Test mails: an issue to a few addresses, through the backend that readers get it through."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from newsletter.errors import DeliveryError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from newsletter.cli.press import Press
    from newsletter.deliver.backend import Backend
    from newsletter.model import Edition


class Trial(NamedTuple):
    """What became of one test mail; `said` is the carrier's receipt, or why it did not leave."""

    email: str
    left: bool
    said: str


def try_out(press: Press, backend: Backend, edition: Edition, emails: Sequence[str]) -> Iterator[Trial]:
    """Send the edition to these addresses: [TEST] in the subject, dead links to leave, no ledger.

    Raises Unavailable if the backend cannot carry anything now.
    """
    from newsletter.cli.sending import pen
    from newsletter.deliver.message import cut
    from newsletter.model import Reader

    now = press.now()
    filler = pen(press, dead=True)(cut(edition, press.config.publication, at=now, test=True))
    backend.open()
    try:
        for count, email in enumerate(emails):
            # Each test is a message of its own: Gmail hides a second one with the same Message-ID.
            reader = Reader(id=f"test-{now.timestamp()}-{count}", email=email, name="")
            try:
                yield Trial(email, True, backend.send(filler.fill(reader), lambda: None))
            except Unavailable:
                raise
            except DeliveryError as error:
                yield Trial(email, False, error.message)
    finally:
        backend.close()
