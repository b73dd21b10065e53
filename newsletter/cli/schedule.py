"""The commands about the schedule: what is due in the next days, and who calls `send --due`."""

from __future__ import annotations

import os
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli.screen import bold, say, table
from newsletter.errors import ConfigError, ContentError, TemplateError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from newsletter.cli.press import Press
    from newsletter.model import Schedule
    from newsletter.readers.database import Database

DAYS = 7
"""Days that are shown unless more are asked for."""


@click.group(invoke_without_command=True, short_help="When issues are due, and who sends them then.")
@click.pass_context
def schedule(context: click.Context) -> None:
    """When issues are due, and who sends them then; alone, it shows the next days.

    Days, hour and deadline stand under [schedule] in newsletter.toml, whom to tell under [alerts].
    """
    if context.invoked_subcommand is None:
        context.invoke(show)


@schedule.command(short_help="Show what is due in the next days.")
@click.option(
    "--days", type=click.IntRange(1, 366), default=DAYS, show_default=True, help="How many days to show."
)
@click.pass_obj
def show(press: Press, days: int) -> None:
    """Show what is due in the next days: at which hour, whether its issue is approved, what is skipped.

    \b
    Example:
      newsletter schedule show
      newsletter schedule show --days 31
    """
    from newsletter.calendar import appears, holiday, hours_of
    from newsletter.cli.turn import open_database

    settings, backend = press.config.schedule, press.backend()
    rows: list[tuple[str, str, str]] = []
    say(_in_words(settings, rehearsal=not backend.reaches_people))
    with ExitStack() as stack:
        known = None
        if press.has_database():
            approvals = stack.enter_context(press.database())
            known = approvals, stack.enter_context(open_database(press, backend))
        for count in range(days):
            day = press.today + timedelta(days=count)
            shown = f"{day:%a %d %b %Y}"
            if appears(settings, day):
                hour = f"{hours_of(settings, day).at.astimezone(press.zone):%H:%M %Z}"
                rows.append((shown, hour, _issue(press, day, known)))
            elif name := holiday(day, settings.country):
                rows.append((shown, "", f"{name}: no issue"))
    table(("day", "due", "issue"), rows)


def _in_words(settings: Schedule, *, rehearsal: bool) -> str:
    from newsletter.on_time import WEEKDAYS

    days = ", ".join(WEEKDAYS[day] for day in sorted(settings.days))
    deadline = f"{settings.deadline:%H:%M}" if settings.deadline else "three hours later"
    holidays = "holidays too" if settings.on_holidays else f"holidays of {settings.country} skipped"
    note = "; a rehearsal: nobody gets mail" if rehearsal else ""
    return (
        f"{bold(days)} at {settings.hour:%H:%M} in {settings.time_zone}, until {deadline}; {holidays}{note}."
    )


def _issue(press: Press, day: date, known: tuple[Database, Database] | None) -> str:
    """What there is for one day, and what has become of it by what the databases know."""
    from newsletter.cli.tallies import in_words
    from newsletter.readers.approvals import Approvals
    from newsletter.readers.ledger import Ledger

    key = day.isoformat()
    folder = press.config.root / "issues" / key
    if known and Ledger(known[1]).frozen(key):
        return in_words(Ledger(known[1]).tally(key))
    if not folder.is_dir():
        return f"none yet: newsletter new {key}"
    approval = Approvals(known[0]).last(key) if known else None
    try:
        issue = press.issue(folder)
        if approval is None:
            return f"not approved: {issue.subject}"
        same = press.edition(issue).fingerprint == approval.fingerprint
    except (ContentError, TemplateError) as error:
        return f"cannot be composed: {error}"
    who = f"by {approval.who}, {approval.at.astimezone(press.zone):%H:%M on %d %b}"
    return f"approved {who}: {issue.subject}" if same else f"changed since approved {who}: {issue.subject}"


@schedule.command(short_help="Have the system send what is due.")
@click.option("--print", "printed", is_flag=True, help="Print the units, and write nothing.")
@click.option("--cron", is_flag=True, help="Print a line for cron instead.")
@click.option(
    "--user/--system", "as_user", default=None, help="Whose systemd.  [default: --user, but for root]"
)
@click.pass_obj
def install(press: Press, printed: bool, cron: bool, as_user: bool | None) -> None:
    """Have the system call `newsletter send --due`: by systemd at the hour, and every five minutes.

    The hour's timer is on time to the second, in the publication's zone; the other one goes on after a crash
    and looks whether anything has left. Says what to type next; nothing runs before that.

    \b
    Example:
      newsletter schedule install
      newsletter schedule install --print
      newsletter schedule install --cron
    """
    from newsletter.cli.units import cron_line, units

    root = press.config.root.resolve()
    if cron:
        click.echo(cron_line(root))
        say("Put this line into your crontab: crontab -e. The clock that counts is the publication's.")
        _warn(press, cron=True)
        return
    for_user = os.geteuid() != 0 if as_user is None else as_user
    owner = "" if for_user else _owner(root)
    found = units(root, press.config.publication, press.config.schedule, user=owner)
    if printed:
        for name, text in found.items():
            click.echo(f"# ---- {name} ----\n{text}")
        return
    folder = _folder(for_user)
    _check(found, press.config.schedule, for_user=for_user)
    for path in _write(found, folder, root):
        click.echo(press.shown(path))
    _say_next(found, for_user=for_user)
    _warn(press, cron=False)


def _owner(root: Path) -> str:
    """Who runs it if the system's own systemd does: whose folder it is."""
    try:
        return root.owner()
    except KeyError:
        return str(root.stat().st_uid)


def _folder(for_user: bool) -> Path:
    if not for_user:
        return Path("/etc/systemd/system")
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "systemd" / "user"


def _check(found: Mapping[str, str], settings: Schedule, *, for_user: bool) -> None:
    """Have systemd read the units, where there is one; raises ConfigError with what it says."""
    import shutil
    import subprocess
    import tempfile

    from newsletter.cli.units import on_calendar

    program = shutil.which("systemd-analyze")
    if program is None:
        say("There is no systemd-analyze here: the units are written as they are, unchecked.")
        return
    with tempfile.TemporaryDirectory() as folder:
        for name, text in found.items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        paths = [str(Path(folder) / name) for name in found]
        manager = "--user" if for_user else "--system"
        around = {"XDG_RUNTIME_DIR": folder} | dict(os.environ)  # nobody need be logged in
        checks = [[manager, "--man=no", "verify", *paths], ["calendar", on_calendar(settings)]]
        for words in checks:
            done = subprocess.run(  # noqa: S603 - systemd's own
                [program, *words], env=around, capture_output=True, text=True, timeout=60, check=False
            )
            if done.returncode:
                said = done.stderr.strip("\n").replace(f"{folder}/", "").replace("\n", "; ")
                hint = "see newsletter schedule install --print"
                raise ConfigError(f"systemd does not take it: {said}", where="schedule", hint=hint)


def _write(found: Mapping[str, str], folder: Path, root: Path) -> Iterator[Path]:
    """Write the units; raises ConfigError, before any is written, if one is there that is not ours."""
    from newsletter.cli.units import SIGN

    mine = f"{SIGN} {root}\n"
    try:
        for name in found:
            path = folder / name
            if path.is_symlink() or (path.exists() and not path.read_bytes().startswith(mine.encode())):
                hint = "move it away, or: newsletter schedule install --print"
                raise ConfigError("is there already, and not ours", where=str(path), hint=hint)
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in found.items():
            (folder / name).write_text(text, encoding="utf-8")
            yield folder / name
    except OSError as error:
        hint = "run it as root, or add --user; or: newsletter schedule install --print"
        raise ConfigError(f"cannot be written: {error.strerror}", where=str(folder), hint=hint) from error


def _say_next(found: Mapping[str, str], *, for_user: bool) -> None:
    control = "systemctl --user" if for_user else "systemctl"
    timers = " ".join(name for name in found if name.endswith(".timer"))
    first = next(iter(found))
    say("Next:")
    say(f"  {control} daemon-reload")
    say(f"  {control} enable --now {timers}")
    if for_user:
        say("  loginctl enable-linger    # or it runs only while you are logged in")
    log = "journalctl --user" if for_user else "journalctl"
    say(f"To see it: {control} list-timers; what it says: {log} -u {first}")


def _warn(press: Press, *, cron: bool) -> None:
    """Say so if nobody would be told."""
    alerts = press.config.alerts
    if not (alerts.mail or alerts.command or alerts.webhook):
        else_ = "only the log knows" if cron else "only systemd knows (OnFailure=)"
        say(f'Note: if an issue does not leave, {else_}. To be told: [alerts] mail = "…" in newsletter.toml.')
