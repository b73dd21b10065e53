"""The first blocks of a pasted page -> title, author, section and link of the article."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from newsletter.desk import marks
from newsletter.desk.blocks import Block, Kind

NO_TITLE = "titre"

_LONGEST_TITLE = 20  # words
_MOST_LINES = 8
_SECTION = re.compile(
    r"tech|bourse|climat|énergies?|conso|consommation|travail|économie|entreprises|finance|immobilier|crypto|"
    r"marchés|industrie|santé|politique|monde|société|transports?|business"
)
_PARTICLE = re.compile(r"de|du|des|d|la|le|van|von|der|den|el|al|da|di|dos|et|and|&|-")
_NO_NAME = re.compile(r"le|la|les|un|une|des|ce|cette|en|pourquoi|the|an?")

_BYLINE = re.compile(
    r"(?:article\s+)?(?:(?:écrit|rédigé|publié|written)\s+)?(?:par|by)\s+(?P<who>[A-ZÀ-Þ].*)|"
    r"(?:auteure?|autrice|author)\s*:\s*(?P<named>.+)",
    re.IGNORECASE,
)
_AFTER_NAME = re.compile(
    r"\s+[|·•–—-]\s|,?\s+(?:publié|mis\s+à\s+jour|le\s+\d|published|\d)|,\s|\s*\(", re.IGNORECASE
)
_MONTH = (
    r"(?:\d{1,2}|janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre|january|"
    r"february|march|april|may|june|july|august|october|november|december)"
)
_HOUR = r"(?:[\s,|·–—-]*(?:à|at)?\s*\d{1,2}\s*[h:]\s*\d{0,2})?"
_WEEKDAY = r"(?:lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche)"
_DAY = rf"(?:{_WEEKDAY}\s+)?\d{{1,2}}(?:er)?[\s/.-]{_MONTH}[\s/.-]\d{{4}}"
_DATED = r"(?:publié|mis\s+à\s+jour|modifié|posté|published|updated)?\s*(?:le|on)?\s*:?\s*"
_READING = r"(?:(?:temps\s+de\s+)?lecture\s*:?\s*)?\d+\s*min(?:utes?)?(?:\s+de\s+lecture|\s+read)?"
_DATE = re.compile(
    rf"{_DATED}{_DAY}{_HOUR}(?:[\s,|·–—-]+{_DATED}(?:{_DAY})?{_HOUR}|[\s,|·–—-]+{_READING})?|{_READING}", re.I
)
_ADDRESS_LINE = re.compile(
    "(?:(?:source|lien|url|link)\\s*:\\s*)?\x05\x06(?P<address>https?:[^\x07]+)\x07", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What stands above an article's text; `rest` is everything else, `dropped` what neither side keeps."""

    title: str
    author: str
    section: str
    link: str
    rest: tuple[Block, ...]
    dropped: tuple[str, ...]


class _Reading:
    """The lines of one head, each of which ends as a field, back in the text, or among the dropped."""

    def __init__(self) -> None:
        self.title = self.author = self.section = self.link = ""
        self.back: list[Block] = []
        self.dropped: list[str] = []

    def drop(self, why: str, block: Block) -> None:
        self.dropped.append(f"{why}: {marks.shown(block.typed)}")
        self.keep_doubts(block)

    def keep_doubts(self, block: Block) -> None:
        self.back += [Block(text=marks.doubt(why)) for why in marks.doubts(block.text)]

    def ask(self, block: Block, question: str) -> None:
        asked = f"« {marks.plain(block.text)} » : {question}"
        self.back.append(replace(block, text=f"{block.text} {marks.doubt(asked)}"))


def read_head(blocks: Sequence[Block]) -> Head:
    """Take title, author, section and link off the top, and a link off the end.

    A title that is not to be found is a doubt in the title's place.
    """
    reading = _Reading()
    count = _height(blocks)
    body = list(blocks[count:])
    lines = _aside(blocks[:count], reading)
    at = _author_at(lines)
    if at is not None:
        reading.author = _author(lines[at])
        if marks.plain(lines[at].text) == reading.author:
            reading.keep_doubts(lines[at])
        else:
            reading.drop("byline read as author", lines[at])
    above = [line for index, line in enumerate(lines) if at is None or index < at]
    below = [line for index, line in enumerate(lines) if at is not None and index > at]
    _read_title(above, reading)
    if body and not reading.link:
        body = _without_source(body, reading)
    rest = _with_notes_called(
        [block for block in (*reading.back, *below, *body) if not _again(block, reading)]
    )
    return Head(
        title=reading.title or marks.bracketed(NO_TITLE),
        author=reading.author,
        section=reading.section,
        link=reading.link,
        rest=tuple(rest),
        dropped=tuple(reading.dropped),
    )


def _height(blocks: Sequence[Block]) -> int:
    """How many blocks from the top may be lines of a head; the text begins at the first sentence."""
    titles = [index for index, block in enumerate(blocks) if block.kind is Kind.TITLE]
    start = titles[0] + 1 if titles else 0
    for index, block in enumerate(blocks[start : start + _MOST_LINES], start):
        text = marks.plain(block.text)
        if block.kind not in (Kind.TEXT, Kind.HEADING, Kind.PICTURE):
            return index
        if not text:
            continue  # a picture, or a doubt about one
        if _is_date(text) or _BYLINE.fullmatch(text) or _bare_address(block):
            continue
        if len(marks.words(text)) > _LONGEST_TITLE or text.endswith((".", ":", ";", ",")):
            return index
    return min(len(blocks), start + _MOST_LINES)


def _aside(lines: Sequence[Block], reading: _Reading) -> list[Block]:
    """The lines that may be title or author; dates, addresses and the section are read or dropped."""
    left: list[Block] = []
    sections = [line for line in lines if _SECTION.fullmatch(marks.plain(line.text).casefold())]
    for line in lines:
        text = marks.plain(line.text)
        if _is_date(text):
            reading.drop("date line", line)
        elif not reading.link and (address := _bare_address(line)):
            reading.link = address
            reading.drop("address read as link", line)
        elif sections == [line] and len(lines) > 1:  # several would be the site's menu
            reading.section = text
            reading.keep_doubts(line)
        else:
            left.append(line)
    return left


def _author_at(lines: Sequence[Block]) -> int | None:
    for index, line in enumerate(lines):
        if _BYLINE.fullmatch(marks.plain(line.text)):
            return index
    for index, line in enumerate(lines[1:], 1):
        if _is_name(marks.plain(line.text)):
            return index
    return None


def _author(line: Block) -> str:
    text = marks.plain(line.text)
    match = _BYLINE.fullmatch(text)
    if not match:
        return text
    who = match["who"] or match["named"]
    return _AFTER_NAME.split(who, maxsplit=1)[0].rstrip(" .,;")


def _is_name(text: str) -> bool:
    words = re.split(r"[\s,]+", text.replace("’", "'").strip(" ,"))
    names = [word for word in words if not _PARTICLE.fullmatch(word.casefold())]
    return (
        2 <= len(names) <= (4 if len(names) == len(words) else 6)
        and not _NO_NAME.fullmatch(words[0].casefold())
        and all(re.fullmatch(r"(?:[dl]')?[A-ZÀ-Þ][^\W\d_]*(?:['.-][^\W\d_]*)*", name) for name in names)
    )


def _read_title(lines: list[Block], reading: _Reading) -> None:
    if not any(marks.plain(line.text) for line in lines):
        reading.back += lines
        return
    long = [index for index, line in enumerate(lines) if len(marks.words(line.text)) > 4]
    titles = [index for index, line in enumerate(lines) if line.kind is Kind.TITLE]
    at = [*titles, *long, _longest(lines)][0]
    reading.title = marks.plain(lines[at].text)
    reading.keep_doubts(lines[at])
    if addresses := [address for address in marks.addresses(lines[at].text) if address != reading.title]:
        reading.link = reading.link or addresses[0]
        reading.dropped += [f"address behind the title: {address}" for address in addresses]
    for index, line in enumerate(lines):
        if index < at:
            _read_above(line, reading)
        elif index > at:
            reading.back.append(line)


def _read_above(line: Block, reading: _Reading) -> None:
    """A line above the title: one or two words, or a host, are the site's name; more may be anything."""
    text = marks.plain(line.text)
    if not text:
        reading.back.append(line)
    elif _is_name(text) and not reading.author:
        reading.ask(line, "auteur ou nom du site ?")
    elif len(marks.words(text)) <= 2:
        reading.drop("line above the title, read as the site's name", line)
    else:
        reading.ask(line, "nom du site, surtitre ou titre ?")


def _longest(lines: Sequence[Block]) -> int:
    return max(range(len(lines)), key=lambda index: (len(marks.words(lines[index].text)), -index))


def _without_source(body: list[Block], reading: _Reading) -> list[Block]:
    if address := _bare_address(body[-1]):
        reading.link = address
        reading.drop("address read as link", body[-1])
        return body[:-1]
    return body


def _with_notes_called(blocks: list[Block]) -> list[Block]:
    """The blocks, in which a footnote that nothing calls, since a title cannot, is text with a doubt."""
    unable = (Kind.NOTE, Kind.TITLE, Kind.HEADING)
    called = {n for block in blocks if block.kind not in unable for n in marks.CALLS.findall(block.text)}
    out: list[Block] = []
    for block in blocks:
        if block.kind is Kind.NOTE and not called.issuperset(marks.CALLS.findall(block.text)[:1]):
            text = marks.CALLS.sub("", block.text, count=1).strip(marks.BLANKS)
            block = Block(text=f"{text} {marks.doubt('note dont l’appel manque')}")
        out.append(block)
    return out


def _again(block: Block, reading: _Reading) -> bool:
    """Whether a line of the text is the title or the author once more."""
    text = marks.plain(block.typed)
    if not text or marks.doubts(block.text) or marks.addresses(block.text):
        return False
    again = text in (reading.title, reading.author)
    if again and (why := f"repeated: {text}") not in reading.dropped:
        reading.dropped.append(why)
    return again


def _is_date(text: str) -> bool:
    return _DATE.fullmatch(text) is not None


def _bare_address(block: Block) -> str:
    """The address that a line is made of, with "Source :" before it or not; "" for another line."""
    match = _ADDRESS_LINE.fullmatch(block.text) if block.kind is Kind.TEXT else None
    return match["address"] if match else ""
