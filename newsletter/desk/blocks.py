"""Clean text -> blocks: its paragraphs, headings, list items and table rows, in order."""

import re
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from newsletter.desk import marks
from newsletter.desk.marks import BLANKS


class Kind(StrEnum):
    """What a block is by its looks; a dash, a star or a number may turn out to be no list item after all."""

    TEXT = "text"
    TITLE = "title"
    HEADING = "heading"
    NOTE = "note"
    PICTURE = "picture"
    QUOTED = "quoted"
    ROW = "row"
    BULLET = "bullet"
    DASH = "dash"
    NUMBER = "number"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One paragraph or its like on one line; `marker` is what was typed before an item, `indent` how deep."""

    text: str
    kind: Kind = Kind.TEXT
    marker: str = ""
    indent: int = 0

    @property
    def typed(self) -> str:
        """The text with its marker, as it was typed."""
        return f"{self.marker} {self.text}" if self.marker else self.text

    @property
    def is_item(self) -> bool:
        return self.kind in (Kind.BULLET, Kind.DASH, Kind.NUMBER)


# The last three are what word processors write with a symbol font; their second level is an "o" and a tab.
_BULLET = re.compile(rf"([•‣◦▪▫■□●○∙⁃➢➤►\uf0b7\uf0a7\uf0d8])[{BLANKS}]*|(·)[{BLANKS}]+|(o)\t[{BLANKS}]*")
_LONE_BULLET = re.compile("[•‣◦▪■●○➢➤\uf0b7\uf0a7]")
_DASH = re.compile(rf"([-–—*])[{BLANKS}]+")
_NUMBER = re.compile(rf"(\d{{1,3}}[.)])[{BLANKS}]+")
_ROW = re.compile(r"[^\t]\t+[^\t]")
_WHOLE = (Kind.QUOTED, Kind.TITLE, Kind.HEADING, Kind.ROW, Kind.NOTE, Kind.PICTURE)
_SENTENCE_END = (".", "!", "?", "…", ":", ";", "»", "”", '"')
# What stands on a line of its own below a title, small letter or not: a byline, a date.
_BELOW_TITLE = re.compile(
    r"(?:par|by)\s+[A-ZÀ-Þ]|publié|mis à jour|(?:lun|mar|mercre|jeu|vendre|same)di\s+\d|dimanche\s+\d"
)


def read_blocks(text: str) -> list[Block]:
    """Cut clean text into blocks.

    Blank lines part paragraphs; so do single line breaks, unless the lines were wrapped at some width or the
    sentence plainly goes on.
    """
    chunks = [chunk for part in re.split(rf"\n(?:[{BLANKS}\x10]*\n)+", text) if (chunk := _lines(part))]
    width = max((_wrapped_at(chunk) for chunk in chunks), default=0)
    return [block for chunk in chunks for block in _joined(chunk, width)]


def _lines(part: str) -> list[str]:
    """The lines that say something; a bullet alone on its line, as PDF readers copy it, joins the next."""
    lines = [
        line for line in part.split("\n") if marks.plain(line) or marks.doubts(line) or marks.PICTURE in line
    ]
    for index in range(len(lines) - 1, 0, -1):
        if _LONE_BULLET.fullmatch(marks.plain(lines[index - 1])):
            lines[index - 1 : index + 1] = [f"{lines[index - 1]} {lines[index].strip(BLANKS)}"]
    return lines


def _block(line: str) -> Block:
    bare = line.strip(BLANKS)
    indent = len(line.expandtabs(4)) - len(line.expandtabs(4).lstrip(BLANKS))
    if bare[0] == marks.QUOTED:
        return Block(text=_spaced(bare.replace(marks.QUOTED, "")).strip(BLANKS), kind=Kind.QUOTED)
    if marks.PICTURES.fullmatch(bare):
        return Block(text=bare, kind=Kind.PICTURE)
    for mark, kind in ((marks.TITLE, Kind.TITLE), (marks.HEADING, Kind.HEADING), (marks.NOTE, Kind.NOTE)):
        if mark in bare:
            return Block(text=_spaced(bare.replace(mark, "")).strip(BLANKS), kind=kind)
    for pattern, kind in ((_BULLET, Kind.BULLET), (_DASH, Kind.DASH), (_NUMBER, Kind.NUMBER)):
        match = pattern.match(bare)
        if match and bare[match.end() :]:
            marker = next(group for group in match.groups() if group)
            return Block(text=_spaced(bare[match.end() :]), kind=kind, marker=marker, indent=indent)
    if _ROW.search(bare):
        return Block(text=re.sub(r"\t+", "\t", bare), kind=Kind.ROW)
    return Block(text=_spaced(bare), indent=indent)


def _spaced(text: str) -> str:
    return text.replace("\t", " ")


def _joined(lines: list[str], width: int) -> list[Block]:
    blocks: list[Block] = []
    before = ""
    for line in lines:
        block = _block(line)
        if blocks and _goes_on(before, blocks[-1], block, width):
            last = blocks[-1]
            text = _glued(last.text, block.text)
            blocks[-1] = Block(text=text, kind=last.kind, marker=last.marker, indent=last.indent)
        else:
            blocks.append(block)
        before = line.strip(BLANKS)
    return blocks


def _goes_on(before: str, last: Block, block: Block, width: int) -> bool:
    """Whether a line continues the block before it; `before` is the line just above."""
    if block.kind is Kind.QUOTED and last.kind is Kind.QUOTED:
        return block.text[:1].islower()
    if block.kind is not Kind.TEXT or last.kind in _WHOLE:
        return False
    text = marks.plain(block.text)
    if last.is_item and block.indent > last.indent:
        return True
    if text[:1].islower() and not text.startswith("http") and not _BELOW_TITLE.match(text):
        return not marks.plain(before).endswith(_SENTENCE_END)
    return bool(width) and len(before) <= width < len(before) + 1 + len((marks.words(text) or [""])[0])


def _glued(start: str, end: str) -> str:
    if re.search(r"[^\W\d_]-\Z", start) and end[:1].islower():
        return start + end + " " + marks.doubt("trait d’union ou césure ?")
    return f"{start} {end}"


def _wrapped_at(lines: list[str]) -> int:
    """The width at which a paragraph was wrapped, 0 if it was not: no line had room for the next word."""
    texts = [marks.plain(line) for line in lines]
    width = max(len(text) for text in texts)
    if len(texts) < 3 or not 45 <= width <= 100 or any(_block(line).kind is not Kind.TEXT for line in lines):
        return 0
    fits = (
        len(text) + 1 + len(marks.words(after)[0]) <= width
        for text, after in pairwise(texts)
        if marks.words(after)
    )
    return 0 if any(fits) else width
