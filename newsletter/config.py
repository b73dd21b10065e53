"""newsletter.toml -> Config; secrets only from the environment or from files that it names."""

import os
import re
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from newsletter.errors import ConfigError, nearest
from newsletter.model import Mailbox, Publication

FILE = "newsletter.toml"
LANGUAGES = ("fr", "en")

_MAILBOX = re.compile(r"\A\s*(?:(?P<name>[^<>]*?)\s*<(?P<in>[^<>\s]+)>|(?P<bare>\S+))\s*\Z")
_ADDRESS = re.compile(r"\A[^\s@<>\"(),:;\\\[\]]+@[^\s@<>\"(),:;\\\[\]]+\.[^\s@.]{2,}\Z")
_COLOUR = re.compile(r"\A#[0-9a-fA-F]{6}\Z")
_DURATION = re.compile(r"\A(\d+)\s*(s|m|h|d)\Z")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the templates may know about the publication's appearance; colours are #rrggbb."""

    accent: str = "#b3261e"
    accent_dark: str = "#ff9b8f"
    logo: str = ""
    title_font: str = "Georgia, 'Times New Roman', serif"
    body_font: str = "Helvetica, Arial, sans-serif"
    no_break_spaces: Literal["normal", "narrow"] = "normal"
    words_per_minute: int = 238
    pictures: Literal["hosted", "embedded"] = "hosted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """How issues leave: through which backend, at which hour, how fast, how patiently."""

    backend: str = "folder"
    hour: time = time(7, 0)
    per_second: float = 0.0
    patience: timedelta = timedelta(minutes=30)
    max_age: timedelta = timedelta(hours=12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All settings of one publication; `root` is the folder that holds its newsletter.toml."""

    root: Path
    publication: Publication
    look: Look = field(default_factory=Look)
    send: Send = field(default_factory=Send)
    backends: Mapping[str, "Table"] = field(default_factory=dict)
    store_url: str = "sqlite:///.newsletter/newsletter.db"

    @property
    def state(self) -> Path:
        """The git-ignored folder for everything that is not written by hand."""
        return self.root / ".newsletter"

    def backend_table(self, name: str) -> "Table":
        """The `[backends.NAME]` table, empty if newsletter.toml has none."""
        return self.backends.get(name) or Table({}, name=f"backends.{name}", root=self.root)


class Table:
    """One table of newsletter.toml, read key by key; what nobody asks for is a mistake (`done`).

    `environment` supplies secrets and nothing else.
    """

    def __init__(
        self,
        values: Mapping[str, object],
        *,
        name: str,
        root: Path,
        text: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._values = values
        self._name = name
        self._text = text
        self._environment = os.environ if environment is None else environment
        self._asked: list[str] = []
        self.root = root

    def where(self, key: str = "") -> str:
        """`newsletter.toml:LINE` of a key, or of the table itself."""
        in_table = not self._name
        table_line = 0
        for number, line in enumerate(self._text.splitlines(), 1):
            if line.lstrip().startswith("["):
                in_table = line.strip().strip("[] \t") == self._name
                table_line = number if in_table else table_line
            elif key and in_table and re.match(rf'\s*"?{re.escape(key)}"?\s*=', line):
                return f"{FILE}:{number}"
        return f"{FILE}:{table_line}" if table_line else FILE

    def error(self, key: str, message: str, hint: str = "") -> ConfigError:
        return ConfigError(f"[{self._name}] {key}: {message}", where=self.where(key), hint=hint)

    def has(self, key: str) -> bool:
        return key in self._values

    def string(self, key: str, default: str | None = None) -> str:
        """A string without control characters; raises ConfigError if it is missing and has no default."""
        value = self._take(key, default)
        if not isinstance(value, str):
            raise self.error(key, f"{value!r} is not text", f'write {key} = "…"')
        if any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 for c in value):
            raise self.error(key, f"{value!r} has a control character in it", "write it on one line")
        return value

    def strings(self, key: str) -> tuple[str, ...]:
        value = self._take(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.error(key, f"{value!r} is not a list of texts", f'write {key} = ["…", "…"]')
        return tuple(value)

    def integer(self, key: str, default: int, *, least: int = 0, most: int = 2**31) -> int:
        value = self._take(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise self.error(key, f"{value!r} is not a whole number from {least} to {most}")
        return value

    def number(self, key: str, default: float) -> float:
        value = self._take(key, default)
        if not isinstance(value, int | float) or isinstance(value, bool) or value < 0:
            raise self.error(key, f"{value!r} is not a number of 0 or more")
        return float(value)

    def choice(self, key: str, default: str, choices: tuple[str, ...]) -> str:
        value = self.string(key, default)
        if value not in choices:
            meant = nearest(value, choices)
            listed = ", ".join(choices)
            raise self.error(
                key, f"no such choice {value!r}", f'write "{meant}"' if meant else f"one of {listed}"
            )
        return value

    def duration(self, key: str, default: timedelta) -> timedelta:
        """A length of time such as "90s", "30m", "12h" or "2d"."""
        if not self.has(key):
            self._asked.append(key)
            return default
        value = self.string(key)
        match = _DURATION.match(value)
        if not match:
            raise self.error(key, f"{value!r} is not a length of time", 'write for instance "30m" or "12h"')
        return timedelta(seconds=int(match[1]) * _SECONDS[match[2]])

    def hour(self, key: str, default: time) -> time:
        if not self.has(key):
            self._asked.append(key)
            return default
        value = self.string(key)
        if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
            raise self.error(key, f"{value!r} is not an hour of the day", 'write for instance "07:00"')
        return time.fromisoformat(value)

    def colour(self, key: str, default: str) -> str:
        value = self.string(key, default)
        if not _COLOUR.match(value):
            raise self.error(key, f"{value!r} is not a colour", 'write six hexadecimal digits: "#b3261e"')
        return value.lower()

    def folder(self, key: str, default: str) -> Path:
        """A folder, relative to the publication's own."""
        return self.root / self.string(key, default)

    def secret(self, name: str) -> str:
        """The secret `NEWSLETTER_NAME`, or the content of the file that `NEWSLETTER_NAME_FILE` names.

        Empty if neither is set. Raises ConfigError if the file cannot be read or others may read it.
        """
        variable = f"NEWSLETTER_{name}"
        if variable in self._environment:
            return self._environment[variable]
        if named := self._environment.get(f"{variable}_FILE"):
            return read_secret(Path(named), where=f"{variable}_FILE")
        return ""

    def done(self) -> None:
        """Raise ConfigError if the table holds a key that nobody asked for."""
        for key in self._values:
            if key not in self._asked:
                meant = nearest(key, self._asked)
                known = ", ".join(sorted(set(self._asked)))
                hint = f'did you mean "{meant}"?' if meant else f"known: {known}" if known else "remove it"
                raise ConfigError(
                    f"unknown setting {key!r} in [{self._name}]", where=self.where(key), hint=hint
                )

    def _take(self, key: str, default: object) -> object:
        self._asked.append(key)
        value = self._values.get(key, default)
        if value is None:
            raise ConfigError(
                f"no {key!r} in [{self._name}]", where=self.where(), hint=f'add a line {key} = "…"'
            )
        return value


def read_config(root: Path, environment: Mapping[str, str] | None = None) -> Config:
    """Read `root`/newsletter.toml.

    Raises ConfigError naming file and line for broken TOML, an unknown or missing setting, or a value that
    cannot be meant.
    """
    try:
        text = (root / FILE).read_text(encoding="utf-8")
        document = tomllib.loads(text)
    except FileNotFoundError as error:
        hint = "go to a publication's folder, or make one: newsletter init my-paper"
        raise ConfigError("no newsletter.toml here", where=str(root), hint=hint) from error
    except UnicodeDecodeError as error:
        raise ConfigError("not UTF-8", where=FILE, hint="save the file as UTF-8") from error
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=FILE) from error
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        where = f"{FILE}:{line[1]}" if line else FILE
        raise ConfigError(
            f"not TOML: {error}", where=where, hint="text stands between double quotes"
        ) from error

    known = ("publication", "look", "send", "store", "backends")
    for name, value in document.items():
        if name not in known or not isinstance(value, dict):
            meant = nearest(name, known)
            place = Table({}, name="" if not isinstance(value, dict) else name, root=root, text=text)
            hint = f"did you mean [{meant}]?" if meant else "known: " + ", ".join(f"[{k}]" for k in known)
            raise ConfigError(f"unknown table {name!r}", where=place.where(name), hint=hint)

    def table(name: str, values: object) -> Table:
        if not isinstance(values, dict):
            raise ConfigError(
                f"[{name}] is not a table", where=FILE, hint=f"write [{name}] on a line of its own"
            )
        return Table(values, name=name, root=root, text=text, environment=environment)

    backends = document.get("backends", {})
    return Config(
        root=root,
        publication=_publication(table("publication", document.get("publication", {}))),
        look=_look(table("look", document.get("look", {}))),
        send=_send(table("send", document.get("send", {}))),
        backends={name: table(f"backends.{name}", values) for name, values in backends.items()},
        store_url=_store_url(table("store", document.get("store", {}))),
    )


def read_secret(path: Path, *, where: str) -> str:
    """The text of a secret file, which nobody but its owner may read; raises ConfigError otherwise."""
    try:
        mode = path.stat().st_mode
        if stat.S_IMODE(mode) & 0o077:
            raise ConfigError(f"{path} can be read by others", where=where, hint=f"chmod 600 {path}")
        return path.read_text(encoding="utf-8").strip("\r\n")
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", where=where) from error


def _publication(table: Table) -> Publication:
    name = table.string("name")
    url = table.string("url", "").rstrip("/")
    if url and not re.match(r"https?://[^/\s]+", url):
        raise table.error("url", f"{url!r} is not a web address", 'write "https://…", or "" for none')
    sender = _mailbox(table, "sender", name)
    reply_to = table.string("reply_to", "")
    if reply_to and not _ADDRESS.match(reply_to):
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
    if not match or not _ADDRESS.match(address):
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
        accent=table.colour("accent", Look().accent),
        accent_dark=table.colour("accent_dark", Look().accent_dark),
        logo=table.string("logo", ""),
        title_font=fonts["title_font"],
        body_font=fonts["body_font"],
        no_break_spaces="narrow" if spaces == "narrow" else "normal",
        words_per_minute=table.integer("words_per_minute", 238, least=50, most=1000),
        pictures="embedded" if pictures == "embedded" else "hosted",
    )
    table.done()
    return look


def _send(table: Table) -> Send:
    defaults = Send()
    send = Send(
        backend=table.string("backend", defaults.backend),
        hour=table.hour("hour", defaults.hour),
        per_second=table.number("per_second", defaults.per_second),
        patience=table.duration("patience", defaults.patience),
        max_age=table.duration("max_age", defaults.max_age),
    )
    table.done()
    return send


def _store_url(table: Table) -> str:
    url = table.string("url", "sqlite:///.newsletter/newsletter.db")
    if not url.startswith("sqlite:///"):
        raise table.error("url", f"{url!r} is not a store this press knows", 'write "sqlite:///FILE"')
    table.done()
    return url
