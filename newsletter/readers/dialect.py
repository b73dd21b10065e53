"""A CSV file -> how it is to be read: its encoding, what cuts its columns, which of them hold what."""

import codecs
import csv
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import TextIO

from newsletter.errors import ContentError
from newsletter.readers.addresses import read_address

MOST_BYTES = 1 << 30
MOST_COLUMNS = 500

_HEAD = 4096
_CHUNK = 1 << 20
_HEADER_LINES = 20
_SHOWN = 80

# Best first: an "adresse" beside an "email" is where somebody lives.
_EMAIL = (
    "email",
    "emailaddress",
    "adresseemail",
    "adressemail",
    "adressedemessagerie",
    "adresseelectronique",
    "mail",
    "mel",
    "courriel",
    "courrierelectronique",
    "adresse",
    "address",
)
_LIKE_EMAIL = ("email", "courriel")  # as in "E-mail 1 - Value", "Votre courriel"
_NAME = (
    "name",
    "fullname",
    "displayname",
    "nomcomplet",
    "nometprenom",
    "prenometnom",
    "nomprenom",
    "prenomnom",
)
_FIRST_NAME = ("prenom", "firstname", "givenname")
_LAST_NAME = ("nom", "lastname", "surname", "familyname", "nomdefamille")
_STATUS = ("status", "statut", "etat")

_ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "cp1252": "Windows-1252",
}
_CUT_BY = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
# Excel's own first line, which says what cuts the columns.
_SEPARATOR = re.compile(r'"?sep=([,;\t|])"?[\r\n]*')


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Where in a row what stands, from 0."""

    email: int
    names: tuple[int, ...] = ()
    status: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How a file is to be read.

    `titles` are the columns' names as they stand in its header, none if it has none; `first` is the line on
    which its first row begins, from 1.
    """

    path: Path
    size: int
    encoding: str
    delimiter: str
    titles: tuple[str, ...]
    first: int
    columns: Columns

    @property
    def charset(self) -> str:
        return _ENCODINGS[self.encoding]

    def in_words(self) -> str:
        """Such as "read as Windows-1252, cut by semicolons"."""
        header = "" if self.titles else ", without a line that names the columns"
        return f"read as {self.charset}, cut by {_CUT_BY[self.delimiter]}{header}"

    def columns_in_words(self) -> Iterator[tuple[str, str]]:
        """What is found where, such as ("email", "column 2, 'Courriel'")."""
        columns = self.columns
        yield "email", self._named((columns.email,))
        if columns.names:
            yield "name", self._named(columns.names)
        if columns.status is not None:
            yield "status", self._named((columns.status,))

    def open(self) -> TextIO:
        """The file as text, its line ends as they are; what is no text in it comes as surrogates."""
        errors = "surrogatepass" if self.encoding.startswith("utf-16") else "surrogateescape"
        return self.path.open(encoding=self.encoding, errors=errors, newline="")

    def _named(self, indices: Sequence[int]) -> str:
        numbers = " and ".join(str(index + 1) for index in indices)
        titles = " and ".join(repr(self.titles[index]) for index in indices if self.titles)
        return f"column{'s' if len(indices) > 1 else ''} {numbers}{f', {titles}' if titles else ''}"


def look_at(path: Path) -> Dialect:
    """How a file is to be read: UTF-8 if it can be, UTF-16 if it says so, else Windows-1252.

    Its first line names the columns, or holds an address. Raises ContentError for a file that is not there,
    too big, empty, or without a column for the address.
    """
    try:
        found = path.stat()
        if not S_ISREG(found.st_mode) and not S_ISDIR(found.st_mode):
            hint = "write it to a file first"
            raise ContentError("not a file that can be read twice", where=str(path), hint=hint)
        if found.st_size > MOST_BYTES:
            hint = "split it into several"
            raise ContentError(f"larger than {MOST_BYTES:,} bytes", where=str(path), hint=hint)
        with path.open("rb") as file:
            encoding = _encoding(path, file.read(_HEAD))
        bare = Dialect(
            path=path,
            size=found.st_size,
            encoding=encoding,
            delimiter=",",
            titles=(),
            first=1,
            columns=Columns(email=0),
        )
        with bare.open() as text:
            lines = [text.readline(_CHUNK) for _ in range(_HEADER_LINES)]
    except OSError as error:
        raise ContentError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except UnicodeError as error:  # of UTF-16, which may end in the middle of a sign
        raise ContentError("not UTF-16", where=f"{path}:1", hint='save the file as "CSV UTF-8"') from error
    return _headed(bare, [line for line in lines if line])


def _encoding(path: Path, head: bytes) -> str:
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig" if _is_utf_8(path) else "cp1252"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    # Without its mark UTF-16 is told by every second byte of it, which for our letters is a NUL.
    even, odd, half = head[::2].count(0), head[1::2].count(0), len(head) / 2
    if max(even, odd) > 0.5 * half and min(even, odd) < 0.1 * half:
        return "utf-16-le" if odd > even else "utf-16-be"
    return "utf-8" if _is_utf_8(path) else "cp1252"


def _is_utf_8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _headed(bare: Dialect, lines: list[str]) -> Dialect:
    """The dialect with what its first lines say of the columns."""
    skipped = 0
    while skipped < len(lines) and not lines[skipped].strip("\r\n"):
        skipped += 1
    delimiters = ",;\t|"
    if skipped < len(lines) and (told := _SEPARATOR.fullmatch(lines[skipped])):
        delimiters = told[1]
        skipped += 1
    best: tuple[tuple[bool, int], Dialect] | None = None
    for delimiter in delimiters:
        cells, used = _first_row(lines[skipped:], delimiter)
        named = _by_titles(cells)
        columns = named or _by_content(cells)
        if columns is None:
            continue
        dialect = Dialect(
            path=bare.path,
            size=bare.size,
            encoding=bare.encoding,
            delimiter=delimiter,
            titles=tuple(cells) if named else (),
            first=skipped + 1 + (used if named else 0),
            columns=columns,
        )
        weight = (named is not None, len(cells))
        if best is None or weight > best[0]:
            best = weight, dialect
    if best is None:
        raise _no_address(bare, lines[skipped:])
    if len(best[1].titles) > MOST_COLUMNS:
        raise ContentError(f"more than {MOST_COLUMNS:,} columns", where=f"{bare.path}:{skipped + 1}")
    return best[1]


def _first_row(lines: list[str], delimiter: str) -> tuple[list[str], int]:
    """The cells of the first row, and how many lines it takes."""
    table = csv.reader(islice(lines, _HEADER_LINES), delimiter=delimiter)
    try:
        return next(table, []), table.line_num
    except csv.Error:
        return [], 1


def _by_titles(cells: Sequence[str]) -> Columns | None:
    titles = [folded(cell) for cell in cells]
    email = _find(titles, _EMAIL)
    if email is None:
        like = (index for index, title in enumerate(titles) if any(part in title for part in _LIKE_EMAIL))
        email = next(like, None)
    if email is None or _is_address(cells[email]):
        return None
    whole, first, last = (_find(titles, names) for names in (_NAME, _FIRST_NAME, _LAST_NAME))
    names = (whole,) if whole is not None else (first, last)
    return Columns(
        email=email,
        names=tuple(name for name in names if name is not None),
        status=_find(titles, _STATUS),
    )


def _by_content(cells: Sequence[str]) -> Columns | None:
    """Columns without titles: beside an address, one other cell without a digit is the name."""
    found = [index for index, cell in enumerate(cells) if _is_address(cell)]
    if not found:
        return None
    others = [index for index in range(len(cells)) if index != found[0]]
    is_name = len(others) == 1 and not any(char.isdigit() for char in cells[others[0]])
    return Columns(email=found[0], names=tuple(others) if is_name else ())


def _is_address(cell: str) -> bool:
    try:
        read_address(cell)
    except ContentError:
        return False
    return True


def _no_address(bare: Dialect, lines: Sequence[str]) -> ContentError:
    line = lines[0].strip("\r\n") if lines else ""
    shown = line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"
    message = f"no column is named email; the first line is {shown!r}" if shown else "the file is empty"
    hint = "begin the file with a line that names the columns: email,name"
    return ContentError(message, where=f"{bare.path}:1", hint=hint)


def folded(title: str) -> str:
    """A word of a file without accents, case, spaces, hyphens."""
    return "".join(c for c in unicodedata.normalize("NFKD", title).casefold() if c.isalnum())


def _find(titles: Sequence[str], names: Sequence[str]) -> int | None:
    return next((titles.index(name) for name in names if name in titles), None)
