"""The schedule as the system keeps it: systemd's timers and services, or a line for cron."""

import re
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from newsletter.errors import ConfigError
from newsletter.model import Publication, Schedule
from newsletter.on_time import WEEKDAYS

SIGN = "# Written by: newsletter schedule install, for"
"""What the first line of each unit begins with; the publication's folder follows."""

ENVIRONMENT = ".newsletter/environment"
"""Where the secrets of a run by systemd may stand, a line NAME=VALUE each."""

EVERY = 5
"""Minutes between two looks at what is left to do, or was left."""

_COMMAND = (sys.executable, "-m", "newsletter", "send", "--due")


def on_calendar(schedule: Schedule) -> str:
    """The days and the hour as systemd.time(7) has them: "Mon,Tue 07:00 Europe/Paris"."""
    days = ",".join(WEEKDAYS[day].title() for day in sorted(schedule.days))
    return f"{days} {schedule.hour:%H:%M} {schedule.time_zone}"


def units(root: Path, publication: Publication, schedule: Schedule, *, user: str = "") -> Mapping[str, str]:
    """The units by their file names: a timer for the hour, one for every five minutes, a service for each.

    Two services, since systemd starts none that is still at work: while the first sends, the second looks
    whether anything leaves. `user` is whom the system's own systemd runs them as, "" for a user's systemd.
    Raises ConfigError for a folder that no unit can name.
    """
    if re.search(r"[\x00-\x1f\x7f]", str(root)):
        hint = "call the folder something else"
        raise ConfigError(f"{str(root)!r} has a control character in it", where="schedule", hint=hint)
    name = f"newsletter-{re.sub(r'[^A-Za-z0-9_.-]', '-', publication.list_id)}"
    said = _escaped(re.sub(r"[\x00-\x1f\x7f]", " ", publication.name))
    hour, look = on_calendar(schedule), f"*:1/{EVERY}"
    service = _service(root, said, user)
    persistent = "Persistent=true\n"
    return {
        f"{name}.service": service,
        f"{name}.timer": _timer(root, f"When {said} is due", hour, persistent),
        f"{name}-look.service": service,
        f"{name}-look.timer": _timer(root, f"Whether {said} has left", look, ""),
    }


def _service(root: Path, name: str, user: str) -> str:
    folder = _escaped(str(root))
    command = " ".join(_quoted(word) for word in _COMMAND)
    network = "Wants=network-online.target\nAfter=network-online.target\n" if user else ""
    runs_as = f"User={user}\n" if user else ""
    return (
        f"{SIGN} {root}\n"
        f"[Unit]\nDescription=Send {name} if it is due\n{network}\n"
        f"[Service]\nType=oneshot\n{runs_as}"
        f"WorkingDirectory={folder}\n"
        f"EnvironmentFile=-{folder}/{ENVIRONMENT}\n"
        f"ExecStart={command}\n"
        # Some who were refused, and a run that was asked to stop, are no failures of the schedule.
        "SuccessExitStatus=4 130\n"
    )


def _timer(root: Path, said: str, calendar: str, more: str) -> str:
    return (
        f"{SIGN} {root}\n"
        f"[Unit]\nDescription={said}\n\n"
        f"[Timer]\nOnCalendar={calendar}\nAccuracySec=1s\n{more}\n"
        "[Install]\nWantedBy=timers.target\n"
    )


def _escaped(text: str) -> str:
    """Text in which systemd finds no specifier (systemd.unit(5))."""
    return text.replace("%", "%%")


def _quoted(word: str) -> str:
    """A word of a command line (systemd.service(5))."""
    plain = _escaped(word).replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return f'"{plain}"' if re.search(r"[^A-Za-z0-9_./%-]", plain) else plain


def cron_line(root: Path) -> str:
    """A line of a crontab: every five minutes, since cron knows no zone; words go to the system's log."""
    command = f"cd {shlex.quote(str(root))} && {shlex.join(_COMMAND)} 2>&1 | logger -t newsletter"
    return f"*/{EVERY} * * * * " + command.replace("%", r"\%")  # which cron takes for the end of the line
