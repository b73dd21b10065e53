"""An alert -> everybody who is to be told, one channel after the other, whatever becomes of each."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from newsletter.alerts.alert import Alert
from newsletter.errors import NewsletterError


class Channel(NamedTuple):
    """One way to tell someone; `name` says which, and `tell` raises NewsletterError if it cannot."""

    name: str
    tell: Callable[[Alert], None]


class Told(NamedTuple):
    """What became of one channel; `trouble` is "" or why nobody was told by it."""

    name: str
    trouble: str


def tell(alert: Alert, channels: Sequence[Channel]) -> list[Told]:
    """Try every channel; one that fails keeps none of the others from being tried."""
    return [Told(channel.name, _trouble(alert, channel)) for channel in channels]


def _trouble(alert: Alert, channel: Channel) -> str:
    try:
        channel.tell(alert)
    except NewsletterError as error:
        return str(error)
    return ""
