"""What was typed, as running words: paragraphs, list items, headings and cells, each with its places."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from newsletter.check.proof import Text
from newsletter.check.rule import Fault, Fix, Place, Proof

OPAQUE = "\ufffc"
"""Stands for each character that is no prose: code, addresses, marks of footnotes."""

_READ = ("subject", "preheader", "title", "section", "alt", "credit", "body")
"""The keys whose values are shown to readers as they were typed; the others are names."""

_BLANK = re.compile(r"[ \t]*(?:([-*_=])(?:[ \t]*\1){2,}[ \t]*)?")
"""An empty line, or one that only draws a rule."""
_QUOTE = re.compile(r"(?:[ \t]*>)*")
_MARK = re.compile(r"[ \t]*(?:(?:[-*+]|\d{1,9}[.)])(?=[ \t])|\[\^[^\]\s]+\]:)")
_HEADING = re.compile(r"[ \t]*(?:#{1,6}(?=[ \t])|:::+[ \t]*(?:number(?!\w))?)")
_FOOTNOTE = re.compile(r"(?<=[^\n])\[\^[^\]\s]+\]")
_CREDIT = re.compile(rf'(?<=\]\()({OPAQUE}+ +")([^"\n]*)"(?=\))')
_CELL = re.compile(r"[^|\s:-](?:[^|]*[^|\s])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """Words that are read in one go; `shown` are they, from `start` in the source of `text` on.

    Offsets into `shown` are offsets into the source from `start` on: what is no prose is OPAQUE there, and
    the marks of Markdown at the beginning of a line are spaces.
    """

    text: Text
    start: int
    shown: str

    def place(self, offset: int) -> Place:
        return self.text.place(self.start + offset)

    def fault(self, found: re.Match[str], message: str, new: str | None = None, hint: str = "") -> Fault:
        """A fault where a pattern matches; `new` is what should stand there instead, if that is sure."""
        return self.fault_at(found.start(), found[0], message, new, hint)

    def fault_at(self, offset: int, old: str, message: str, new: str | None = None, hint: str = "") -> Fault:
        """The same for `old`, which stands at `offset`; what reaches over a line end has no fix."""
        place = self.place(offset)
        sure = new is not None and "\n" not in old and OPAQUE not in old
        return Fault(place, message, hint, Fix(place=place, old=old, new=new or "") if sure else None)


def passages(proof: Proof) -> Iterator[Passage]:
    """All that readers are shown as it was typed, in reading order."""
    for text in proof.texts:
        if text.name in _READ:
            yield from _passages_of(text)


@lru_cache(maxsize=256)
def _passages_of(text: Text) -> tuple[Passage, ...]:
    """The passages of a text, kept for the next rule."""
    return tuple(_passages(text))


def _passages(text: Text) -> Iterator[Passage]:
    shown = _shown(text)
    if text.name != "body":
        yield Passage(text=text, start=0, shown=shown)
        return
    lines: list[str] = []
    begun = at = depth = 0
    in_list = False
    for line in [*shown.split("\n"), ""]:
        quote, mark, heading = _opening(line)
        deep = quote.count(">")
        row = "|" in line
        in_list = bool(mark) or (in_list and not re.match(r"\S", line))
        code = not lines and not in_list and re.match(r"    |\t", line)
        blank = row or code or _BLANK.fullmatch(line, len(quote))
        if lines and (blank or mark or heading or deep != depth):
            yield Passage(text=text, start=begun, shown="\n".join(lines))
            lines = []
        if row:
            for cell in _CELL.finditer(line):
                yield Passage(text=text, start=at + cell.start(), shown=cell[0])
        elif not blank:
            begun, depth = begun if lines else at, deep
            width = len(quote + mark + heading)
            lines.append(" " * width + line[width:].rstrip(" \t"))
            if heading:
                yield Passage(text=text, start=begun, shown=lines.pop())
        at += len(line) + 1


def _opening(line: str) -> tuple[str, str, str]:
    """What a line begins with: the marks of quotations, of a list item or a footnote, of a heading."""
    marks: list[str] = []
    at = 0
    for pattern in (_QUOTE, _MARK, _HEADING):
        found = pattern.match(line, at)
        marks.append(found[0] if found else "")
        at += len(marks[-1])
    return marks[0], marks[1], marks[2]


def _shown(text: Text) -> str:
    prose, source = text.prose, text.source
    if prose != source:
        pairs = zip(prose, source, strict=True)
        prose = "".join(read if read == typed else OPAQUE for read, typed in pairs)
        # The spaces between two words of code are no prose either.
        prose = re.sub(rf"(?<={OPAQUE})[ \t]+(?={OPAQUE})", lambda gap: OPAQUE * len(gap[0]), prose)
        # The quotes around the credit of a picture are Markdown's.
        prose = _CREDIT.sub(lambda found: OPAQUE * len(found[1]) + found[2] + OPAQUE, prose)
    return _FOOTNOTE.sub(lambda mark: OPAQUE * len(mark[0]), prose)
