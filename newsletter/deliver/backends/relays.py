"""Mail servers in order of preference -> a session with the first that can be used."""

import math
import time
from collections.abc import Callable, Sequence

from newsletter.deliver.backends.session import Server, Session
from newsletter.errors import Unavailable

REST = 60.0
"""For so many seconds one that could not be used is tried last: to find that out again may take long."""


class Relays:
    """A list of relays; which of them is of use is decided before a message, never about one.

    Only what may pass makes us go on to the next (nobody at home, a greeting that says no, …). A certificate
    that does not hold or a login that is declined is raised at once: the next relay is no way round it.
    """

    def __init__(self, servers: Sequence[Server], clock: Callable[[], float] = time.monotonic) -> None:
        self._servers = tuple(servers)
        self._clock = clock
        self._failed: dict[str, float] = {}

    def open(self) -> Session:
        """A session with the first relay that can be used; raises `Unavailable`."""
        now = self._clock()
        errors: list[Unavailable] = []
        for server in sorted(self._servers, key=lambda s: now - self._failed.get(s.name, -math.inf) < REST):
            try:
                return Session(server)
            except Unavailable as error:
                if not error.passing:
                    raise
                self._failed[server.name] = now
                errors.append(error)
        if len(errors) == 1:
            raise errors[0]
        raise Unavailable(
            f"no relay can be used: {'; '.join(map(str, errors))}",
            hint=errors[0].hint,
            phase=errors[0].phase,
            passing=True,
            wait=max(error.wait for error in errors),
        )
