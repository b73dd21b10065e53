"""How often the site lets itself be asked to write: by one network, for one reader, and by all together.

What is kept is in memory and forgotten within the hour.
"""

import ipaddress
import threading
from collections import Counter
from collections.abc import Callable

PER_NETWORK = 30
"""Wishes an hour of one network: a fair with a stand of ours gets by with it, one machine alone does not."""

PER_READER = 30
"""Changes of mind of one reader an hour: whoever has a link to leave cannot fill the disk by undoing it."""

HOUR = 3600

_PREFIX = {4: 24, 6: 48}
"""What one household or office is commonly given, so that its machines count as one."""


def network_of(ip: str) -> str:
    """The network that an address belongs to; an IPv4 address that is written as IPv6 is IPv4."""
    try:
        address = ipaddress.ip_address(ip.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(ipaddress.ip_network((address, _PREFIX[address.version]), strict=False))


class Limits:
    """Counts within the hours of `clock`, which gives seconds; `most` is what all networks may ask for.

    With `most` reached nobody is counted any more, and so no attack fills the memory.
    """

    def __init__(self, *, most: int, clock: Callable[[], float], per_network: int = PER_NETWORK) -> None:
        self._most = most
        self._per_network = per_network
        self._clock = clock
        self._hour = -1
        self._counts: Counter[str] = Counter()
        self._readers: Counter[str] = Counter()
        self._lock = threading.Lock()

    def admit(self, ip: str) -> bool:
        """Whether one more wish from there may be written down; it counts if it may."""
        network = network_of(ip)
        with self._lock:
            self._begin_hour()
            if self._counts.total() >= self._most or self._counts[network] >= self._per_network:
                return False
            self._counts[network] += 1
            return True

    def admit_again(self, reader_id: str) -> bool:
        """Whether this reader, known by a link of ours, may change their mind once more; it counts if so."""
        with self._lock:
            self._begin_hour()
            if self._readers[reader_id] >= PER_READER:
                return False
            self._readers[reader_id] += 1
            return True

    def _begin_hour(self) -> None:
        hour = int(self._clock() // HOUR)
        if hour != self._hour:
            self._hour = hour
            self._counts.clear()
            self._readers.clear()
