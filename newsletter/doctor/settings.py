"""The settings that sending depends on: whether they can do, and where each value comes from."""

import re
import stat
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from newsletter.calendar import coming
from newsletter.deliver.backend import Backend
from newsletter.deliver.dkim import key_path
from newsletter.deliver.readiness import check_ready, is_nobodys
from newsletter.doctor.case import Case
from newsletter.doctor.line import Line, fails, passes, warns
from newsletter.errors import ConfigError
from newsletter.settings import FILE, Table
from newsletter.ways import Relay, secrets_of

FREE_MAIL = re.compile(
    r"(?:gmail|googlemail|icloud|aol|gmx|free|sfr|neuf|orange|wanadoo|laposte|bbox|proton|protonmail)"
    r"\.[a-z]{2,4}|(?:yahoo|hotmail|outlook|live|msn)\.[a-z]{2,3}(?:\.[a-z]{2})?",
    re.IGNORECASE,
)
"""Domains of mail services, in whose name only they may send."""

_SECRETS = (
    "SECRET",
    "STORE_PASSWORD",
    "SMTP_PASSWORD",
    "SMTP_TOKEN",
    "IMAP_PASSWORD",
    "POSTMARK_WEBHOOK",
    "MAILGUN_KEY",
    "ALERTS_WEBHOOK",
)

_SECRETS_OF_RELAYS = ("SMTP_PASSWORD", "SMTP_TOKEN")
"""What each of several relays may have of its own, as in NEWSLETTER_PARIS_SMTP_PASSWORD."""


def sender(case: Case) -> Iterator[Line]:
    """Who the mail comes from, and the law's postal address."""
    publication = case.config.publication
    box, where = publication.sender, _origins(case, "publication")("sender")
    seen = f"{box.name} <{box.address}> ({where})"
    try:
        check_ready(publication)
    except ConfigError as error:
        found = fails if case.reaches_people else warns
        yield found("Sender", f"{seen}: {error.message}", error.hint)
    else:
        if FREE_MAIL.fullmatch(box.domain):
            do = 'set sender = "Name <you@your-own-domain>" in [publication]'
            yield fails("Sender", f"{seen}: nobody but {box.domain} may send in its name", do)
        else:
            yield passes("Sender", f"{seen}; by {publication.postal_address}")
    if publication.reply_to:
        where = _origins(case, "publication")("reply_to")
        yield passes("Answers", f"go to {publication.reply_to} ({where})")


def address(case: Case) -> Iterator[Line]:
    """The publication's web address, without which nobody can leave by one click."""
    url, where = case.config.publication.url, _origins(case, "publication")("url")
    found = fails if case.reaches_people else warns
    if not url:
        do = 'set url = "https://…" in [publication], and serve it: newsletter serve'
        yield found("Web address", f"none ({where}): mails can be left by mail only, not by one click", do)
    elif is_nobodys(urlsplit(url).hostname or ""):
        yield found("Web address", f"{url} ({where}), an address of nobody's", "set url in [publication]")
    elif not case.secure:
        do = f'write url = "https://…" in [publication], and put a certificate before {url}'
        yield found("Web address", f"{url} ({where}): one click needs https (RFC 8058 §3.1)", do)
    else:
        yield passes("Web address", f"{url} ({where})")


def ways_out(case: Case) -> Iterator[Line]:
    """Which ways mail leaves, and how fast."""
    send, origin = case.config.send, _origins(case, "send")
    patience = f"{send.patience.total_seconds() / 60:g}\u00a0min of patience ({origin('patience')})"
    if not case.config.named_relays:
        relay, backend = case.ways[0]
        yield _way_out("Way out", f"{relay.backend} ({origin('backend')})", backend)
        rate = f"{_rate(relay)} ({origin('per_second')})"
        yield passes("Pace", f"{rate}, {relay.connections} connections ({origin('connections')}), {patience}")
        return
    for relay, backend in case.ways:
        yield _way_out(f"Way out {relay.name}", f"{relay.backend} ({relay.where})", backend)
    told = [f"{relay.name} {_rate(relay)}, {relay.connections} connections" for relay, _ in case.ways]
    yield passes("Pace", f"{'; '.join(told)} a worker; {patience}")


def _way_out(title: str, seen: str, backend: Backend | ConfigError) -> Line:
    if isinstance(backend, ConfigError):
        return fails(title, f"{seen}: {backend}", backend.hint)
    if not backend.reaches_people:
        do = 'to send for real: backend = "smtp" in [send], and [backends.smtp]'
        return warns(title, f"{seen}: a rehearsal, nobody gets mail", do)
    return passes(title, seen)


def _rate(relay: Relay) -> str:
    return f"{relay.per_second:g} a second" if relay.per_second else "as fast as it takes them"


def hours(case: Case) -> Iterator[Line]:
    """When the next issue is due, and who is told if it does not leave then."""
    config, origin = case.config, _origins(case, "schedule")
    zone = ZoneInfo(config.schedule.time_zone)
    found = next(coming(config.schedule, case.now), None)
    if found is None:
        yield warns("Schedule", f"no day is left ({origin('days')})", "set days in [schedule]")
    else:
        yield passes(
            "Schedule",
            f"the next issue is due on {found.at.astimezone(zone):%a %d %b at %H:%M} "
            f"(days: {origin('days')}, hour: {origin('hour')})",
        )
    alerts = config.alerts
    told = [name for name in ("mail", "command", "webhook") if getattr(alerts, name)]
    if told:
        yield passes("Alerts", f"someone is told by {', '.join(told)}")
    else:
        seen = "nobody is told if an issue does not leave, but for the words of send --due itself"
        yield warns("Alerts", seen, 'set mail = "you@your-domain" in [alerts]')


def secrets(case: Case) -> Iterator[Line]:
    """Where each secret is, that it can be read, and by nobody else."""
    environment = case.environment
    told = []
    wrong: dict[str, str] = {}
    own = [secrets_of(relay.name) for relay in case.config.named_relays]
    for name in (*_SECRETS, *(f"{relay}_{name}" for relay in own for name in _SECRETS_OF_RELAYS)):
        variable = f"NEWSLETTER_{name}"
        if variable in environment:
            told.append(f"{variable} from the environment")
        elif named := environment.get(f"{variable}_FILE"):
            told.append(f"{variable} from {named}")
            try:
                Table({}, name="", root=case.root, environment=environment).secret(name)
            except ConfigError as error:
                wrong[str(error)] = error.hint
    try:
        if case.signer() and not {"NEWSLETTER_SECRET", "NEWSLETTER_SECRET_FILE"} & environment.keys():
            told.append("the key of links from .newsletter/secret")
    except ConfigError as error:
        wrong[str(error)] = error.hint
    for seen, do in wrong.items():
        yield fails("Secrets", seen, do)
    if told and not wrong:
        yield passes("Secrets", "; ".join(told))
    elif not wrong:
        do = "keep .newsletter/secret with your backups once it is there"
        yield passes("Secrets", "none yet; the key of links is made at the first use", do)


def files(case: Case) -> Iterator[Line]:
    """Files that hold addresses or keys are for their owner's eyes, and settings for nobody else's pen."""
    config = case.config
    keys = [key_path(config.dkim, selector) for selector in config.dkim.selectors]
    if config.store.file:
        keys.insert(0, config.root / config.store.file)
    keys.append(config.state / "environment")  # which the units of `newsletter schedule install` read
    private = [path for path in keys if path.exists()]
    loose = [(path, mode) for path in private if (mode := _loose(path))]
    for path, mode in loose:
        shown = _shown(case, path)
        yield warns("Files", f"{shown} can be read by others ({mode})", f"chmod 600 {shown}")
    settings = config.root / FILE
    if settings.stat().st_mode & 0o022:
        mode = f"{stat.S_IMODE(settings.stat().st_mode):o}"
        yield warns("Files", f"{FILE} can be written by others ({mode})", f"chmod go-w {FILE}")
    elif not loose:
        what = ", ".join(_shown(case, path) for path in private) or "no database and no key of DKIM yet"
        yield passes("Files", f"for nobody else: {what}" if private else what)


def _loose(path: Path) -> str:
    """The mode of a file that others can read, "" if they cannot."""
    mode = stat.S_IMODE(path.stat().st_mode)
    return f"{mode:o}" if mode & 0o077 else ""


def _shown(case: Case, path: Path) -> str:
    return str(path.relative_to(case.config.root)) if path.is_relative_to(case.config.root) else str(path)


class _Origins:
    """Says of a setting of one table where its value comes from: a line of newsletter.toml, or nowhere."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def __call__(self, key: str) -> str:
        return self._table.where(key) if self._table.has(key) else "default"


def _origins(case: Case, name: str) -> _Origins:
    text = (case.config.root / FILE).read_text(encoding="utf-8-sig")
    values: Mapping[str, object] = tomllib.loads(text).get(name, {})
    return _Origins(Table(values, name=name, root=case.root, text=text))
