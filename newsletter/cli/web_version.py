"""Before an issue leaves: its page on the site answers, so that no mail leads to nowhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from newsletter.cli.screen import progress
from newsletter.errors import Unavailable

if TYPE_CHECKING:
    from newsletter.cli.hours import Hours
    from newsletter.cli.press import Press

EVERY = 2.0
"""Seconds between two looks at the page."""

ASK_FOR = 10.0
"""Seconds that one look may take."""


def wait_for_page(press: Press, key: str, hours: Hours) -> None:
    """Wait until the issue's page answers 200 at the publication's address.

    Raises Unavailable if it does not within the patience of [send], or before it is too late to send.
    """
    from newsletter.check.online import visit

    config = press.config
    url = f"{config.publication.url}/{key}/"
    until = press.now() + config.send.patience
    with progress(1) as shown:
        while True:
            # It is our own site, which may well be in our own network.
            seen = visit([url], allowed=lambda ip: True, patience=ASK_FOR)[url]
            if seen.status == 200:
                return
            now = press.now()
            if now >= until or hours.over(now):
                hint = f"put the page there (newsletter serve, or site build --with {key}); then send again"
                problem = seen.problem or f"HTTP status {seen.status}"
                raise Unavailable(
                    f"the issue's page is not there: {problem}", where=url, hint=hint, passing=True
                )
            shown.waiting("the issue's page on the site", until, now)
            time.sleep(EVERY)
