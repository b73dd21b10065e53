"""Merge fields: the blanks in an edition that are filled in for each reader.

While an edition is composed, a blank is an opaque word of ASCII letters and digits, which Jinja2, the MJML
compiler, the inliner and URL quoting all leave alone. `split` finds the blanks again; `Blank.fill` writes a
value so that it is safe in the place where it stands.
"""

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote

from newsletter.errors import TemplateError, nearest

NAMES = ("name", "email", "leave_url")
MARK = "zqblankqz"
_PATTERN = re.compile(rf"{MARK}([a-z]+(?:0[a-z]+)*)1((?:[0-9a-f]{{2}})*)z")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class Place(StrEnum):
    """Where a blank stands, which decides how its value is escaped."""

    HTML = "html"
    URL_PART = "url part"
    TEXT = "text"
    HEADER = "header"


@dataclass(frozen=True, slots=True, kw_only=True)
class Blank:
    """One blank: which field goes there, what is written before a value that is not empty, and the place."""

    name: str
    before: str = ""
    place: Place = Place.HTML

    def fill(self, values: Mapping[str, str]) -> str:
        """The field's value, escaped for its place.

        `values` has been through `plain`.
        """
        value = values[self.name]
        if not value:
            return ""
        if self.place in (Place.TEXT, Place.HEADER):
            return self.before + value
        if self.place is Place.URL_PART:
            return html.escape(self.before + quote(value, safe=""))
        return html.escape(self.before + value)


def plain(value: str) -> str:
    """A reader's value on one line, without what has no place in a mail.

    Control characters, line breaks, lone surrogates and the marks that turn text around (Unicode TR 36 §3.4)
    become nothing.
    """
    return _UNSAFE.sub("", value)


def field(name: str, before: str = "") -> str:
    """The mark of a blank, for templates: `{{ field("name", before=" ") }}`.

    Raises TemplateError for a field that does not exist.
    """
    if name not in NAMES:
        meant = nearest(name, NAMES)
        hint = f'did you mean "{meant}"?' if meant else "known: " + ", ".join(NAMES)
        raise TemplateError(f"no field is called {name!r}", hint=hint)
    return f"{MARK}{name.replace('_', '0')}1{before.encode().hex()}z"


def split(text: str, place: Place) -> Iterator[str | Blank]:
    """The literal pieces of a text and the blanks between them, in order; empty pieces are left out."""
    position = 0
    for match in _PATTERN.finditer(text):
        if match.start() > position:
            yield text[position : match.start()]
        before = bytes.fromhex(match[2]).decode()
        where = place
        if place is Place.HTML and _inside_address(text, match.start()):
            where = Place.URL_PART
        yield Blank(name=match[1].replace("0", "_"), before=before, place=where)
        position = match.end()
    if position < len(text):
        yield text[position:]


def names_in(text: str) -> set[str]:
    """The fields that a text has blanks for."""
    return {piece.name for piece in split(text, Place.TEXT) if isinstance(piece, Blank)}


def fill(text: str, values: Mapping[str, str], place: Place) -> str:
    """The whole text with its blanks filled."""
    return "".join(p if isinstance(p, str) else p.fill(values) for p in split(text, place))


def _inside_address(text: str, start: int) -> bool:
    """Whether the blank continues a link's address; one that is the whole address is filled with a URL."""
    quote_mark = text.rfind('"', 0, start)
    if quote_mark < 0 or not re.search(r"(?:href|src)=\Z", text[max(0, quote_mark - 5) : quote_mark]):
        return False
    return start > quote_mark + 1
