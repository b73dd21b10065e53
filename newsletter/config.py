"""newsletter.toml -> Config; secrets only from the environment or from files that it names."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from newsletter.errors import ConfigError, nearest
from newsletter.model import Mailbox, Publication, Schedule
from newsletter.on_time import Alerts, read_alerts, read_schedule
from newsletter.settings import ADDRESS, FILE, Table
from newsletter.stores import Store, read_store
from newsletter.ways import Relay, Send, only_relay, read_relays, read_send

LANGUAGES = ("fr", "en")

AUDIENCE: Mapping[str, float] = {
    "gmail": 34,
    "apple": 28,
    "outlook": 18,
    "orange": 8,
    "yahoo": 4,
    "free": 3,
    "sfr": 3,
    "laposte": 2,
}
"""How many in a hundred French readers read in which family of clients: a guess, to be replaced by counts."""

_MAILBOX = re.compile(r"\A\s*(?:(?P<name>[^<>]*?)\s*<(?P<in>[^<>\s]+)>|(?P<bare>\S+))\s*\Z")
_DOMAIN = re.compile(r"\A(?!-)[A-Za-z0-9-]{1,63}(?:\.(?!-)[A-Za-z0-9-]{1,63})+\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the templates may know about the publication's appearance; colours are #rrggbb.

    `theme` names a folder in templates/themes whose templates stand before the others, "" for none; `logo` is
    the path of a picture inside the publication's folder, or "", and `logo_where` is who says so.
    """

    theme: str = ""
    accent: str = "#b3261e"
    accent_dark: str = "#ff9b8f"
    logo: str = ""
    logo_where: str = FILE
    title_font: str = "Georgia, 'Times New Roman', serif"
    body_font: str = "Helvetica, Arial, sans-serif"
    no_break_spaces: Literal["normal", "narrow"] = "normal"
    words_per_minute: int = 238
    pictures: Literal["hosted", "embedded"] = "hosted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The live site: the `proxies` it believes about who asks, and how many mails it answers with an hour."""

    proxies: tuple[IPv4Network | IPv6Network, ...] = (ip_network("127.0.0.1"), ip_network("::1"))
    answers_per_hour: int = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Dkim:
    """How mail is signed: for which domain, and by which selectors, whose keys are `keys`/SELECTOR.pem.

    Without selectors it is not signed.
    """

    domain: str
    selectors: tuple[str, ...]
    keys: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What proof-reading goes by: `words` that the house does not use -> what it says instead, or "".

    `audience` is how many readers use which family of mail clients, in hundredths or any other measure.
    """

    words: Mapping[str, str] = field(default_factory=dict)
    audience: Mapping[str, float] = field(default_factory=lambda: AUDIENCE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All settings of one publication; `root` is the folder that holds its newsletter.toml."""

    root: Path
    publication: Publication
    look: Look = field(default_factory=Look)
    check: Check = field(default_factory=Check)
    send: Send = field(default_factory=Send)
    schedule: Schedule = field(default_factory=Schedule)
    alerts: Alerts = field(default_factory=Alerts)
    site: Site = field(default_factory=Site)
    dkim: Dkim
    backends: Mapping[str, Table] = field(default_factory=dict)
    scheduled: bool = False
    named_relays: tuple[Relay, ...] = ()
    bounces: Table
    store: Store = field(default_factory=Store)

    @property
    def relays(self) -> tuple[Relay, ...]:
        """The ways out: those that newsletter.toml names, or else the one that [send] names."""
        return self.named_relays or (only_relay(self.send, self.backend_table(self.send.backend)),)

    @property
    def state(self) -> Path:
        """The git-ignored folder for everything that is not written by hand."""
        return self.root / ".newsletter"

    def backend_table(self, name: str) -> Table:
        """The `[backends.NAME]` table, empty if newsletter.toml has none."""
        return self.backends.get(name) or Table({}, name=f"backends.{name}", root=self.root)


def read_config(root: Path, environment: Mapping[str, str] | None = None) -> Config:
    """Read `root`/newsletter.toml.

    Raises ConfigError naming file and line for broken TOML, an unknown or missing setting, or a value that
    cannot be meant.
    """
    try:
        # Editors on Windows put a byte order mark in front, which TOML does not know.
        text = (root / FILE).read_text(encoding="utf-8-sig")
        document = tomllib.loads(text)
    except FileNotFoundError as error:
        hint = "go to a publication's folder, or make one: newsletter init my-paper"
        raise ConfigError("no newsletter.toml here", where=str(root), hint=hint) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError("not UTF-8", where=f"{FILE}:{line}", hint="save the file as UTF-8") from error
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=FILE) from error
    except tomllib.TOMLDecodeError as error:
        problem, _, place = str(error).rpartition(" (at ")
        at = re.match(r"line (\d+)", place)  # or "end of document"
        where = f"{FILE}:{at[1] if at else len(text.splitlines())}"
        hint = "put text between double quotes" if problem == "Invalid value" else ""
        raise ConfigError(f"not TOML: {problem or error}", where=where, hint=hint) from error

    known = ["publication", "look", "check", "send", "schedule", "alerts", "site", "dkim", "store"]
    known += ["bounces", "backends", "relays"]
    for name, value in document.items():
        if name not in known or not isinstance(value, dict):
            meant = nearest(name, known)
            around = Table({}, name="" if not isinstance(value, dict) else name, root=root, text=text)
            hint = f"did you mean [{meant}]?" if meant else "known: " + ", ".join(f"[{k}]" for k in known)
            raise ConfigError(f"unknown table {name!r}", where=around.where(name), hint=hint)

    def table(name: str, values: object) -> Table:
        if not isinstance(values, dict):
            above, _, key = name.rpartition(".")
            where = Table({}, name=above, root=root, text=text).where(key)
            hint = f"write [{name}] on a line of its own"
            raise ConfigError(f"[{name}] is not a table", where=where, hint=hint)
        return Table(values, name=name, root=root, text=text, environment=environment)

    backends = document.get("backends", {})
    relays = {name: table(f"relays.{name}", values) for name, values in document.get("relays", {}).items()}
    send = read_send(table("send", document.get("send", {})))
    publication = _publication(table("publication", document.get("publication", {})))
    return Config(
        root=root,
        publication=publication,
        look=_look(table("look", document.get("look", {}))),
        check=_check(table("check", document.get("check", {}))),
        send=send,
        schedule=read_schedule(table("schedule", document.get("schedule", {})), publication),
        alerts=read_alerts(table("alerts", document.get("alerts", {}))),
        site=_site(table("site", document.get("site", {}))),
        dkim=_dkim(table("dkim", document.get("dkim", {})), publication),
        backends={name: table(f"backends.{name}", values) for name, values in backends.items()},
        scheduled="schedule" in document,
        named_relays=read_relays(relays, only_relay(send, table("send", {}))),
        bounces=table("bounces", document.get("bounces", {})),
        store=read_store(table("store", document.get("store", {}))),
    )


def _publication(table: Table) -> Publication:
    name = table.string("name")
    url = table.string("url", "").rstrip("/")
    if url and not re.match(r"https?://[^/\s]+", url):
        raise table.error("url", f"{url!r} is not a web address", 'write "https://…", or "" for none')
    sender = _mailbox(table, "sender", name)
    reply_to = table.string("reply_to", "")
    if reply_to and not ADDRESS.match(reply_to):
        raise table.error("reply_to", f"{reply_to!r} is not an address", 'write "someone@example.org"')
    zone = table.string("time_zone", "Europe/Paris")
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise table.error(
            "time_zone", f"no such zone {zone!r}", 'write for instance "Europe/Paris"'
        ) from error
    country = table.string("country", "FR")
    if not re.fullmatch(r"[A-Z]{2}", country):
        raise table.error("country", f"{country!r} is not a country code", 'write two capitals, as in "FR"')
    publication = Publication(
        name=name,
        url=url,
        sender=sender,
        reply_to=reply_to,
        postal_address=table.string("postal_address", ""),
        language=table.choice("language", "fr", LANGUAGES),
        country=country,
        time_zone=zone,
        pitches=table.strings("pitches"),
    )
    table.done()
    return publication


def _mailbox(table: Table, key: str, default_name: str) -> Mailbox:
    value = table.string(key)
    match = _MAILBOX.match(value)
    address = (match["in"] or match["bare"]) if match else ""
    if not match or not ADDRESS.match(address):
        hint = f'write {key} = "Name <someone@example.org>"'
        raise table.error(key, f"{value!r} is not a name and an address", hint)
    return Mailbox(name=(match["name"] or default_name).strip('"'), address=address)


def _look(table: Table) -> Look:
    spaces = table.choice("no_break_spaces", "normal", ("normal", "narrow"))
    pictures = table.choice("pictures", "hosted", ("hosted", "embedded"))
    fonts = {key: table.string(key, getattr(Look(), key)) for key in ("title_font", "body_font")}
    for key, value in fonts.items():
        if '"' in value:
            raise table.error(key, "a double quote would break the mail's markup", "use single quotes inside")
    look = Look(
        theme=_theme(table),
        accent=table.colour("accent", Look().accent),
        accent_dark=table.colour("accent_dark", Look().accent_dark),
        logo=table.string("logo", ""),
        logo_where=table.where("logo"),
        title_font=fonts["title_font"],
        body_font=fonts["body_font"],
        no_break_spaces="narrow" if spaces == "narrow" else "normal",
        words_per_minute=table.integer("words_per_minute", 238, least=50, most=1000),
        pictures="embedded" if pictures == "embedded" else "hosted",
    )
    table.done()
    return look


def _theme(table: Table) -> str:
    theme = table.string("theme", "")
    folder = table.root / "templates" / "themes"
    if theme and (not re.fullmatch(r"[\w-]+", theme) or not (folder / theme).is_dir()):
        known = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        hint = "write " + " or ".join(f'"{name}"' for name in (*known, ""))
        raise table.error("theme", f"{theme!r} is no folder in templates/themes", hint)
    return theme


def _check(table: Table) -> Check:
    check = Check(words=table.texts("words"), audience=table.shares("audience", AUDIENCE))
    table.done()
    return check


def _site(table: Table) -> Site:
    try:
        proxies = tuple(ip_network(text, strict=False) for text in table.strings("proxies"))
    except ValueError as error:
        raise table.error("proxies", str(error), 'write for instance proxies = ["10.0.0.0/8"]') from error
    site = Site(
        proxies=proxies if table.has("proxies") else Site().proxies,
        answers_per_hour=table.integer("answers_per_hour", 300, least=1, most=100_000),
    )
    table.done()
    return site


def _dkim(table: Table, publication: Publication) -> Dkim:
    domain = table.string("domain", publication.sender.domain).lower()
    if not _DOMAIN.match(domain):
        raise table.error("domain", f"{domain!r} is not a domain", 'write for instance "example.org"')
    selectors = table.strings("selectors")
    for selector in selectors:
        if not _DOMAIN.match(f"{selector}.{domain}"):
            raise table.error(
                "selectors", f"{selector!r} is not a selector", 'write for instance "press2026"'
            )
    dkim = Dkim(domain=domain, selectors=selectors, keys=table.folder("keys", ".newsletter/dkim"))
    table.done()
    return dkim
