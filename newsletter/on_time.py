"""[schedule] and [alerts] -> when issues are due, and whom to tell if one does not leave as it should."""

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from newsletter.model import Publication, Schedule
from newsletter.settings import ADDRESS, Table

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_WEBHOOK = re.compile(
    r"\A(?:https://[^\s/@?#]+|http://(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?)(?:[/?][\x21-\x7e]*)?\Z"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerts:
    """Whom to tell when an issue does not leave as it should; "" and () are nobody.

    By `mail` to this address, by a `command` in its words that reads the text, by a call of the `webhook`.
    """

    mail: str = ""
    command: tuple[str, ...] = ()
    webhook: str = field(default="", repr=False)


def read_schedule(table: Table, publication: Publication) -> Schedule:
    """The `[schedule]` of a publication; raises ConfigError."""
    defaults = Schedule()
    days = table.string("days", "mon-fri")
    try:
        weekdays = _weekdays(days)
    except ValueError as error:
        hint = 'write for instance "mon-fri", or "mon, wed, fri"'
        raise table.error("days", f"{error} is not a weekday", hint) from error
    hour = table.hour("hour", defaults.hour)
    deadline = table.hour("deadline", hour) if table.has("deadline") else None
    if deadline is not None and deadline <= hour:
        words = f"{deadline:%H:%M} is not after the hour, {hour:%H:%M}"
        raise table.error("deadline", words, "write a later hour of the same day, or leave it out")
    schedule = Schedule(
        days=weekdays,
        hour=hour,
        deadline=deadline,
        on_holidays=table.flag("on_holidays", False),
        country=publication.country,
        time_zone=publication.time_zone,
    )
    table.done()
    return schedule


def _weekdays(text: str) -> frozenset[int]:
    """The weekdays of "mon-fri" or "mon, wed", Monday 0; raises ValueError with the one that is none."""
    days: set[int] = set()
    for part in text.lower().split(","):
        first, last = (_weekday(name) for name in (part.split("-", 1) * 2)[:2])
        days |= {day % 7 for day in range(first, last + 1 + 7 * (last < first))}
    return frozenset(days)


def _weekday(name: str) -> int:
    found = name.strip(" ")
    if found not in WEEKDAYS:
        raise ValueError(repr(found))
    return WEEKDAYS.index(found)


def read_alerts(table: Table) -> Alerts:
    """The `[alerts]`; the address of a webhook may also be a secret. Raises ConfigError."""
    mail = table.string("mail", "")
    if mail and not ADDRESS.match(mail):
        raise table.error("mail", f"{mail!r} is not an address", 'write "editor@example.org"')
    webhook = table.string("webhook", "") or table.secret("ALERTS_WEBHOOK")
    if webhook and not _can_be_called(webhook):
        # Not told as it is: whoever knows the address of a webhook may call it.
        hint = 'write "https://…"; "http://" is for this machine only'
        raise table.error("webhook", "not an address that can be called safely", hint)
    alerts = Alerts(mail=mail, command=table.strings("command"), webhook=webhook)
    table.done()
    return alerts


def _can_be_called(webhook: str) -> bool:
    try:
        return bool(_WEBHOOK.match(webhook) and urlsplit(webhook).port != 0)
    except ValueError:  # of a port that is none
        return False
