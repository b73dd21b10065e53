"""Someone is told that an issue has not left as it should, once for each day and reason."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager, suppress
from enum import StrEnum
from typing import TYPE_CHECKING

from newsletter.cli.screen import say
from newsletter.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import timedelta
    from pathlib import Path

    from newsletter.alerts.alert import Alert
    from newsletter.alerts.channels import Channel
    from newsletter.calendar import Due
    from newsletter.cli.press import Press
    from newsletter.errors import NewsletterError
    from newsletter.readers.database import Database

HOST = os.uname().nodename

TELLING = 30.0
"""Seconds for which a run that has ended waits until someone has been told."""


class Reason(StrEnum):
    """Why someone is told."""

    NO_ISSUE = "no issue"
    NOT_APPROVED = "not approved"
    CHECKS = "checks"
    CANNOT = "cannot be sent"
    DATABASE = "database"
    NOTHING_LEFT = "nothing left"
    STOPPED = "stopped"
    TOO_LATE = "too late"


class Alarm:
    """Tells of the issue of one day; `open_database` opens the one in which is kept who has been told."""

    def __init__(self, press: Press, due: Due, open_database: Callable[[], Database]) -> None:
        self._press = press
        self._due = due
        self._open_database = open_database

    def ring(self, reason: Reason, error: NewsletterError, then: str) -> bool:
        """Tell everybody who is to be told, unless that was done before; returns whether it was for us to do.

        `then` is what the schedule does by itself. Where nobody could be told, the next trigger tries again.
        """
        if not self._is_ours(reason):
            return False
        from newsletter.alerts.alert import Alert, discreet
        from newsletter.alerts.channels import tell

        alert = Alert(
            publication=self._press.config.publication.name,
            issue=self._due.day.isoformat(),
            reason=reason,
            wrong=discreet(str(error)),
            todo=error.hint,
            then=then,
            at=self._press.now(),
            host=HOST,
        )
        found = tell(alert, channels(self._press))
        for told in found:
            trouble = told.trouble
            say(f"Warning: nobody was told by {told.name}: {trouble}" if trouble else f"Told: {told.name}.")
        if found and all(told.trouble for told in found):
            self._give_back(reason)
        return True

    def _is_ours(self, reason: Reason) -> bool:
        from newsletter.readers.claims import Claims

        day, now = self._due.day, self._press.utc_now()
        try:
            with self._open_database() as database:
                return Claims(database).take(day, reason, host=HOST, now=now)
        except StoreError:
            return self._is_ours_here(reason)

    def _is_ours_here(self, reason: Reason) -> bool:
        """The same without the database, which is what is wrong: each machine tells once then."""
        path = self._note_of(reason)
        with suppress(OSError):  # or nobody would be told at all
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                path.touch(mode=0o600, exist_ok=False)
            except FileExistsError:
                return False
        return True

    def _give_back(self, reason: Reason) -> None:
        from newsletter.readers.claims import Claims

        with suppress(OSError):
            self._note_of(reason).unlink(missing_ok=True)
        with suppress(StoreError), self._open_database() as database:
            Claims(database).give_back(self._due.day, reason)

    def _note_of(self, reason: Reason) -> Path:
        return self._press.config.state / f"told-{self._due.day}-{reason.replace(' ', '-')}"


def channels(press: Press) -> list[Channel]:
    """All ways to tell someone that are set, the quickest first."""
    from newsletter.alerts.channels import Channel

    alerts, found = press.config.alerts, []
    if alerts.command:
        from newsletter.alerts.command import run_command

        root = press.config.root
        found.append(Channel("command", lambda alert: run_command(alert, alerts.command, root)))
    if alerts.webhook:
        from newsletter.alerts.webhook import call_webhook

        found.append(Channel("webhook", lambda alert: call_webhook(alert, alerts.webhook)))
    if alerts.mail:
        found.append(Channel(f"mail to {alerts.mail}", lambda alert: _mail(press, alert)))
    return found


def _mail(press: Press, alert: Alert) -> None:
    from newsletter.alerts.mail import mail_alert
    from newsletter.deliver.dkim import read_seals

    config = press.config
    seals = read_seals(config.dkim)[0]
    mail_alert(alert, config.alerts.mail, press.backend(), config.publication, seals=seals)


@contextmanager
def watching(after: timedelta, look: Callable[[], None]) -> Iterator[None]:
    """Have a look when so much time has passed, unless the block has ended by then."""
    timer = threading.Timer(max(after.total_seconds(), 0.0), look)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join(TELLING)
