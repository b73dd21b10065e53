"""Two sheets -> what a reader would get differently, part by part and line by line."""

import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from email import message_from_bytes
from email.policy import default

from newsletter.fields import Place, fill
from newsletter.web.sheet import Sheet

CONTEXT = 2
"""Lines shown above and below a change."""

_SHORT = 60
"""Characters of the words that say where in the mail a change is."""

_MADE = {"Message-ID", "Content-Type", "MIME-Version"}
"""Headers that say nothing to anybody, or change with every other change."""

_TOKEN = re.compile(r"<!--\[if[^>]*>(?:<!-->)?|<!(?:--<!)?\[endif\]-->|<!--.*?-->|<[^>]*>|[^<]+", re.DOTALL)
_ATTRIBUTE = re.compile(r"""([^\s="']+)(?:=(?:"([^"]*)"|'([^']*)'))?""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of the mail, as lines before and after; they differ."""

    name: str
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a comparison: `kind` is "head", "place", "same", "removed", "added" or "note"."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Two sheets and the parts that differ between them; `words` name these, such as "subject", "html"."""

    before: Sheet
    after: Sheet
    parts: tuple[Part, ...]
    words: tuple[str, ...]


def difference(before: Sheet, after: Sheet) -> Difference:
    """What differs between two sheets in headers, plain text, HTML and pictures, for their made-up reader."""
    both = [_parts(sheet) for sheet in (before, after)]
    pairs = {name: (both[0][name], both[1][name]) for name in both[0]}
    parts = tuple(Part(name=name, before=was, after=now) for name, (was, now) in pairs.items() if was != now)
    return Difference(before=before, after=after, parts=parts, words=tuple(_words(before, after, parts)))


def _parts(sheet: Sheet) -> dict[str, tuple[str, ...]]:
    edition = sheet.edition
    headers = message_from_bytes(sheet.message, policy=default).items()
    return {
        "headers": (
            *(f"{name}: {value}" for name, value in headers if name not in _MADE),
            f"Preheader: {edition.preheader}",
        ),
        "text": tuple(fill(edition.text, sheet.values, Place.TEXT).split("\n")),
        "html": tuple(_html_lines(fill(edition.html, sheet.values, Place.HTML))),
        "pictures": tuple(
            f"{each.name}: {each.width} × {each.height} px, {len(each.content):,} bytes"
            for each in edition.renditions
        ),
    }


def _words(before: Sheet, after: Sheet, parts: Sequence[Part]) -> Iterator[str]:
    for part in parts:
        if part.name == "headers":
            changed = set(part.before) ^ set(part.after)
            named = {line.partition(":")[0] for line in changed}
            yield from (name.lower() for name in ("Subject", "Preheader") if name in named)
            if named - {"Subject", "Preheader"}:
                yield "headers"
        elif part.name == "html":
            was, now = (len(sheet.edition.html.encode()) for sheet in (before, after))
            yield f"html ({was:,} → {now:,} bytes)" if was != now else "html"
        else:
            yield part.name


def with_pictures(sheet: Sheet) -> str:
    """The mail as one page, for that reader; its pictures stand in it (RFC 2397)."""
    html = fill(sheet.edition.html, sheet.values, Place.HTML)
    for rendition in sheet.edition.renditions:
        data = f"data:{rendition.media_type};base64,{b64encode(rendition.content).decode()}"
        html = html.replace(rendition.src, data)
    return html


# ---- HTML as lines ----


def _html_lines(html: str) -> Iterator[str]:
    """A line for each tag, each of its attributes, each declaration of its style, and each text."""
    for token in _TOKEN.findall(html):
        if token.startswith("<") and token[1:2].isalpha():
            yield from _tag_lines(token)
        else:
            yield from (line.strip(" \t") for line in token.split("\n") if line.strip(" \t"))


def _tag_lines(tag: str) -> Iterator[str]:
    name, _, rest = tag[1:].rstrip("/>").partition(" ")
    yield f"<{name}>"
    for attribute, quoted, other in _ATTRIBUTE.findall(rest):
        value = quoted or other
        if attribute == "style":
            yield from (f"  {each.strip(' ')}" for each in value.split(";") if each.strip(" "))
        else:
            yield f'  {attribute}="{value}"'


# ---- lines that differ ----


class Teller:
    """Tells differences line by line, each change once: where it comes again, that is only counted."""

    def __init__(self) -> None:
        self._told: set[tuple[str, ...]] = set()

    def lines(self, part: Part, before: str, after: str) -> Iterator[Line]:
        """The part's changes as in a unified diff; `before` and `after` say what is compared."""
        again = 0
        headed = False
        matcher = SequenceMatcher(None, part.before, part.after)
        for group in matcher.get_grouped_opcodes(CONTEXT):
            changed = tuple(line.text for line in _hunk(part, group) if line.kind != "same")
            if changed in self._told:
                again += 1
                continue
            self._told.add(changed)
            if not headed:
                headed = True
                yield Line(kind="head", text=f"--- {before}: {part.name}")
                yield Line(kind="head", text=f"+++ {after}: {part.name}")
            yield Line(kind="place", text=f"@@ {_place(part, group)} @@")
            yield from _hunk(part, group)
        if again:
            where = "… and" if headed else f"{after}: {part.name}:"
            changes = "a change" if again == 1 else f"{again:,} changes"
            yield Line(kind="note", text=f"{where} {changes} as shown above")


def in_full(key: str, titles: tuple[str, str]) -> tuple[str, str]:
    """What is compared: an issue before and after, or two issues."""
    before, after = (title if key == titles[1] else f"{key} ({title})" for title in titles)
    return before, after


def _hunk(part: Part, group: Sequence[tuple[str, int, int, int, int]]) -> Iterator[Line]:
    first = group[0][1]
    start = _element(part.before, first) if part.name == "html" else first
    yield from (Line(kind="same", text=f" {line}") for line in part.before[start:first])
    for kind, a, b, c, d in group:
        if kind == "equal":
            yield from (Line(kind="same", text=f" {line}") for line in part.before[a:b])
            continue
        yield from (Line(kind="removed", text=f"-{line}") for line in part.before[a:b])
        yield from (Line(kind="added", text=f"+{line}") for line in part.after[c:d])


def _element(lines: Sequence[str], index: int) -> int:
    """Where the tag begins among whose attributes the line stands."""
    while index and index < len(lines) and lines[index].startswith("  "):
        index -= 1
    return index


def _place(part: Part, group: Sequence[tuple[str, int, int, int, int]]) -> str:
    """Where a change is: the line, or in HTML the words that a reader sees before it."""
    index = group[0][3]
    if part.name != "html":
        return f"line {index + 1}"
    seen = (line for line in reversed(part.after[:index]) if not line.startswith(("<", "  ")))
    words = next((line for line in seen if re.search(r"\w{3}", line)), "")
    if not words:
        return "at the top"
    return f"after “{words[:_SHORT]}{'…' if len(words) > _SHORT else ''}”"
