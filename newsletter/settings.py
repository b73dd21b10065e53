"""One table of newsletter.toml, read key by key, with the line of whatever is wrong in it."""

import math
import os
import re
import stat
from collections.abc import Mapping
from datetime import time, timedelta
from pathlib import Path

from newsletter.errors import ConfigError, nearest

FILE = "newsletter.toml"

LEAST = 0.001
"""The least that a number may be if it is not 0."""

LONGEST = timedelta(days=366)

ADDRESS = re.compile(r"\A[^\s@<>\"(),:;\\\[\]]+@[^\s@<>\"(),:;\\\[\]]+\.[^\s@.]{2,}\Z")
"""What has the shape of a mail address."""

_COLOUR = re.compile(r"\A#[0-9a-fA-F]{6}\Z")
_HEADING = re.compile(r"\s*\[\[?\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?\Z")
_DURATION = re.compile(r"\A(\d+)\s*(s|m|h|d)\Z")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


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
            if heading := _HEADING.match(line):
                in_table = heading[1].replace('"', "") == self._name
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
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < math.inf:
            raise self.error(key, f"{value!r} is not a number of 0 or more")
        if 0 < value < LEAST:
            raise self.error(key, f"{value!r} is more than 0 and less than {LEAST}", "write 0 for no limit")
        return float(value)

    def flag(self, key: str, default: bool) -> bool:
        value = self._take(key, default)
        if not isinstance(value, bool):
            raise self.error(key, f"{value!r} is neither true nor false", f"write {key} = true")
        return value

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
        seconds = int(match[1]) * _SECONDS[match[2]]
        if seconds > LONGEST.total_seconds():
            raise self.error(key, f"{value!r} is more than {LONGEST.days} days", 'write for instance "12h"')
        return timedelta(seconds=seconds)

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

    def tables(self, key: str) -> "dict[str, Table]":
        """The tables inside this one, as in `[send.domains."gmail.com"]`."""
        value = self._take(key, {})
        if not isinstance(value, dict) or not all(isinstance(inner, dict) for inner in value.values()):
            hint = f'write [{self._name}.{key}."…"] on a line of its own'
            raise self.error(key, "is not a table of tables", hint)
        return {
            name: Table(
                inner,
                name=f"{self._name}.{key}.{name}",
                root=self.root,
                text=self._text,
                environment=self._environment,
            )
            for name, inner in value.items()
        }

    def texts(self, key: str) -> dict[str, str]:
        """The texts in a table inside this one, as in `[check.words]`."""
        inner = self._inner(key)
        return {name: inner.string(name) for name in inner._values}

    def shares(self, key: str, default: Mapping[str, float]) -> Mapping[str, float]:
        """How a whole is shared out, in a table inside this one, as in `[check.audience]`.

        The names are those of `default`, which stands if the table is missing or empty.
        """
        inner = self._inner(key)
        shares = {name: inner.number(name, 0) for name in default}
        inner.done()
        if not any(shares.values()):
            for name in inner._values:
                raise inner.error(name, "nothing is shared out", f"write for instance {name} = 50")
            return default
        return shares

    def _inner(self, key: str) -> "Table":
        value = self._take(key, {})
        if not isinstance(value, dict):
            raise self.error(key, "is not a table", f"write [{self._name}.{key}] on a line of its own")
        name = f"{self._name}.{key}"
        return Table(value, name=name, root=self.root, text=self._text, environment=self._environment)

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

    def rest(self, *, secrets_of: str) -> "Table":
        """The keys that nobody has asked for yet, as a table for whoever knows them.

        Its secrets are those of `secrets_of`: NEWSLETTER_PARIS_SECRET stands before NEWSLETTER_SECRET.
        """
        own = f"NEWSLETTER_{secrets_of}_"
        environment = self._environment
        mine = {
            f"NEWSLETTER_{name.removeprefix(own)}": value
            for name, value in environment.items()
            if name.startswith(own)
        }
        theirs = {name.removesuffix("_FILE") for name in mine}
        others = {
            name: value for name, value in environment.items() if name.removesuffix("_FILE") not in theirs
        }
        return Table(
            {key: value for key, value in self._values.items() if key not in self._asked},
            name=self._name,
            root=self.root,
            text=self._text,
            environment=others | mine,
        )

    def _take(self, key: str, default: object) -> object:
        self._asked.append(key)
        value = self._values.get(key, default)
        if value is None:
            line = f'{key} = "…"'
            there = self._values or self.where() != FILE
            hint = f"add a line {line}" if there else f"add a line [{self._name}] and below it {line}"
            raise ConfigError(f"no {key!r} in [{self._name}]", where=self.where(), hint=hint)
        return value


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment for a program that is none of ours, which our secrets are no business of."""
    return {name: value for name, value in environment.items() if not name.startswith("NEWSLETTER_")}


def without_password(url: str) -> str:
    """An address that can be shown: what may be a password in it is not (RFC 3986 §3.2.1, §3.4).

    Good for what is no proper address too: whatever stands before the last @ counts as one.
    """
    before, at, after = url.rpartition("@")
    scheme, colon, _ = before.partition(":")
    place, mark, query = after.partition("?")
    return (f"{scheme}{colon}//…@" if at else "") + place + (mark and "?…" if query else mark)


def read_secret(path: Path, *, where: str) -> str:
    """The text of a secret file, which nobody but its owner may read; raises ConfigError otherwise."""
    try:
        mode = path.stat().st_mode
        if stat.S_IMODE(mode) & 0o077:
            raise ConfigError(f"{path} can be read by others", where=where, hint=f"chmod 600 {path}")
        return path.read_text(encoding="utf-8").strip("\r\n")
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", where=where) from error
