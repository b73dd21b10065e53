"""A CSV file <-> readers."""

import csv
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TextIO

from newsletter.errors import ContentError
from newsletter.model import Reader
from newsletter.readers.addresses import Address, clean_name, read_address

LONGEST_LINE = 65_536

# Best first: an "adresse" beside an "email" is where somebody lives.
_EMAIL = ("email", "emailaddress", "adresseemail", "adressemail", "mail", "courriel", "adresse", "address")
_NAME = ("name", "fullname", "nomcomplet")
_FIRST_NAME = ("prenom", "firstname")
_LAST_NAME = ("nom", "lastname", "nomdefamille")

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NOT_UTF_8 = re.compile("[\udc80-\udcff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A reader to be; `line` is where the row begins in the file."""

    line: int
    address: Address
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRow:
    """A row that names nobody; `reason` quotes `text`, the address as it stands there."""

    line: int
    text: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    email: int
    names: tuple[int, ...]


def read_csv(path: Path) -> Iterator[Row | BadRow]:
    """The rows of a UTF-8 file whose first line names its columns, cut by commas, semicolons or tabs.

    Raises ContentError with the line for what cannot be read on: no such file, no column for the address, not
    UTF-8, NUL bytes, a line over 65,536 characters, a quotation mark that is never closed.
    """
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            lines = _lines(file, path)
            header = next(lines, "")
            columns, delimiter = _columns(header, path)
            yield from _rows(chain([header], lines), columns, delimiter, path)
    except OSError as error:
        raise ContentError(f"cannot be read: {error.strerror}", where=str(path)) from error


def write_csv(stream: TextIO, readers: Iterable[Reader]) -> None:
    """Write readers as email, name, status."""
    rows = ((reader.email, reader.name, reader.status) for reader in readers)
    write_rows(stream, ("email", "name", "status"), rows)


def write_rows(stream: TextIO, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write rows below their headings.

    A cell that a spreadsheet would take for a formula gets an apostrophe in front (OWASP, CSV Injection),
    which `read_csv` takes off again.
    """
    writer = csv.writer(stream)  # lines end in CRLF (RFC 4180 §2), which also makes it quote a lone CR
    writer.writerow(headings)
    for cells in rows:
        writer.writerow([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells])


def _lines(file: TextIO, path: Path) -> Iterator[str]:
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        where = f"{path}:{number}"
        if not line.isascii() and _NOT_UTF_8.search(line):
            raise ContentError("not UTF-8", where=where, hint='save the file as "CSV UTF-8"')
        if "\0" in line:
            raise ContentError("a NUL byte: not a text file", where=where, hint='save it as "CSV UTF-8"')
        if len(line) > LONGEST_LINE:
            raise ContentError(f"a line of more than {LONGEST_LINE:,} characters", where=where)
        yield line


def _columns(header: str, path: Path) -> tuple[_Columns, str]:
    """Which columns hold what, and the delimiter with which the header makes sense."""
    cut = {delimiter: _titles(header, delimiter) for delimiter in ",;\t"}
    delimiter, titles = max(cut.items(), key=lambda item: (_find(item[1], _EMAIL) is not None, len(item[1])))
    email = _find(titles, _EMAIL)
    if email is not None:
        whole, first, last = (_find(titles, names) for names in (_NAME, _FIRST_NAME, _LAST_NAME))
        names = (whole,) if whole is not None else (first, last)
        return _Columns(email=email, names=tuple(name for name in names if name is not None)), delimiter
    found = header.strip("\r\n")
    found = found if len(found) <= 80 else found[:79] + "…"
    message = f"no column is named email; the first line is {found!r}" if found else "the file is empty"
    hint = "begin the file with a line that names the columns: email,name"
    raise ContentError(message, where=f"{path}:1", hint=hint)


def _titles(header: str, delimiter: str) -> list[str]:
    """The columns' names without accents, case, spaces, hyphens."""
    cells = next(csv.reader([header], delimiter=delimiter), [])
    return [
        "".join(c for c in unicodedata.normalize("NFKD", cell).casefold() if c.isalnum()) for cell in cells
    ]


def _find(titles: list[str], names: tuple[str, ...]) -> int | None:
    return next((titles.index(name) for name in names if name in titles), None)


def _rows(lines: Iterator[str], columns: _Columns, delimiter: str, path: Path) -> Iterator[Row | BadRow]:
    table = csv.reader(lines, delimiter=delimiter, strict=True)
    begins = 1
    try:
        for cells in table:
            if begins > 1 and any(cells):
                yield _row(cells, columns, begins)
            begins = table.line_num + 1
    except csv.Error as error:
        hint = 'close the quotation that begins in this line, and write " inside it as ""'
        raise ContentError(f"not CSV: {error}", where=f"{path}:{begins}", hint=hint) from error


def _row(cells: list[str], columns: _Columns, line: int) -> Row | BadRow:
    def cell(index: int) -> str:
        text = cells[index] if index < len(cells) else ""
        return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text

    text = cell(columns.email)
    try:
        address = read_address(text)
    except ContentError as error:
        return BadRow(line=line, text=text, reason=error.message)
    return Row(line=line, address=address, name=clean_name(" ".join(cell(index) for index in columns.names)))
