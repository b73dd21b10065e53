"""A CSV file <-> readers."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TextIO

from newsletter.errors import ContentError
from newsletter.model import Reader, Status
from newsletter.readers.addresses import Address, clean_name, read_address
from newsletter.readers.dialect import MOST_COLUMNS, Columns, Dialect, folded

LONGEST_LINE = 65_536
LONGEST_ROW = 1 << 20
MOST_LINES = 10_000_000

_TOLD_EVERY = 1_000
# OWASP, CSV Injection; some spreadsheets take the full-width forms for the same.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NOT_TEXT = re.compile("[\ud800-\udfff]")

# What other programs call a status, without accents, spaces and hyphens.
_STATUSES = {
    Status.ACTIVE: (
        "active",
        "actif",
        "subscribed",
        "abonne",
        "inscrit",
        "confirmed",
        "confirme",
        "enabled",
        "",
    ),
    Status.PENDING: ("pending", "unconfirmed", "nonconfirme", "enattente"),
    Status.PAUSED: ("paused", "enpause"),
    Status.LEFT: ("left", "unsubscribed", "optedout", "desabonne", "desinscrit", "nonabonne", "parti"),
    Status.BOUNCED: ("bounced", "cleaned", "hardbounced", "invalid", "rejete"),
    Status.COMPLAINED: ("complained", "spam", "blocklisted", "blacklisted", "plainte"),
}
_STATUS = {word: status for status, words in _STATUSES.items() for word in words}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A reader to be; `line` is where the row begins in the file."""

    line: int
    address: Address
    name: str = ""
    status: Status = Status.ACTIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRow:
    """A row that names nobody; `reason` quotes what is wrong, `text` is the address as it stands there."""

    line: int
    text: str
    reason: str
    name: str = ""


def read_csv(dialect: Dialect, told: Callable[[int], object] = lambda done: None) -> Iterator[Row | BadRow]:
    """The rows of a file; every now and then `told` how many of its bytes have been read.

    Raises ContentError with the line for what cannot be read on: what is no text in the file's encoding, NUL
    bytes, a line or row without end, a quotation mark that is never closed, more lines than a list has.
    """
    path = dialect.path
    try:
        with dialect.open() as file:
            meter = _Meter()
            lines = _lines(file, dialect, meter)
            for _ in range(1, dialect.first):
                next(lines, "")
            for number, row in enumerate(_rows(lines, dialect, meter), 1):
                yield row
                if number % _TOLD_EVERY == 0:
                    told(file.buffer.tell())
    except OSError as error:
        raise ContentError(f"cannot be read: {error.strerror}", where=str(path)) from error


def write_csv(stream: TextIO, readers: Iterable[Reader]) -> None:
    """Write readers as email, name, status."""
    rows = ((reader.email, reader.name, reader.status) for reader in readers)
    write_rows(stream, ("email", "name", "status"), rows)


def write_rows(stream: TextIO, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write rows below their headings."""
    write = row_writer(stream, headings)
    for cells in rows:
        write(cells)


def row_writer(stream: TextIO, headings: Sequence[str]) -> Callable[[Sequence[str]], None]:
    """Write headings, and give what writes one row below them.

    A cell that a spreadsheet would take for a formula gets an apostrophe in front (OWASP, CSV Injection),
    which `read_csv` takes off again.
    """
    writer = csv.writer(stream)  # lines end in CRLF (RFC 4180 §2), which also makes it quote a lone CR
    writer.writerow(headings)

    def write(cells: Sequence[str]) -> None:
        writer.writerow([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells])

    return write


class _Meter:
    """How many characters were read of the row that is not complete yet."""

    __slots__ = ("row",)

    def __init__(self) -> None:
        self.row = 0


def _lines(file: TextIO, dialect: Dialect, meter: _Meter) -> Iterator[str]:
    """The lines as they are, once it is sure that they are text and that there is an end to them."""
    number = 0
    hint = 'save the file as "CSV UTF-8"'
    while True:
        number += 1
        where = f"{dialect.path}:{number}"
        try:
            line = file.readline(LONGEST_LINE + 1)
        except UnicodeError as error:  # of UTF-16, in the middle of a sign
            raise ContentError(f"not {dialect.charset}", where=where, hint=hint) from error
        if not line:
            return
        if not line.isascii() and _NOT_TEXT.search(line):
            tried = "neither UTF-8 nor" if dialect.encoding == "cp1252" else "not"
            raise ContentError(f"{tried} {dialect.charset}", where=where, hint=hint)
        if "\0" in line:
            raise ContentError("a NUL byte: not a text file", where=where, hint=hint)
        if len(line) > LONGEST_LINE:
            raise ContentError(f"a line of more than {LONGEST_LINE:,} characters", where=where)
        meter.row += len(line)
        if meter.row > LONGEST_ROW:
            raise ContentError(f"a row of more than {LONGEST_ROW:,} characters", where=where)
        if number > MOST_LINES:
            raise ContentError(f"more than {MOST_LINES:,} lines", where=where, hint="split it into several")
        yield line


def _rows(lines: Iterator[str], dialect: Dialect, meter: _Meter) -> Iterator[Row | BadRow]:
    skipped = dialect.first - 1
    table = csv.reader(lines, delimiter=dialect.delimiter, strict=True)
    begins = dialect.first
    meter.row = 0
    try:
        for cells in table:
            meter.row = 0
            if any(cells):
                yield _row(cells, dialect.columns, begins)
            begins = skipped + table.line_num + 1
    except csv.Error as error:
        hint = 'close the quotation that begins in this line, and write " inside it as ""'
        raise ContentError(f"not CSV: {error}", where=f"{dialect.path}:{begins}", hint=hint) from error


def _row(cells: list[str], columns: Columns, line: int) -> Row | BadRow:
    text = _cell(cells, columns.email)
    name = clean_name(" ".join([_cell(cells, index) for index in columns.names])) if columns.names else ""
    status = Status.ACTIVE
    try:
        if len(cells) > MOST_COLUMNS:
            raise ContentError(f"more than {MOST_COLUMNS:,} columns")
        if columns.status is not None:
            status = _status(_cell(cells, columns.status))
        return Row(line=line, address=read_address(text), name=name, status=status)
    except ContentError as error:
        return BadRow(line=line, text=text, reason=error.message, name=name)


def _cell(cells: list[str], index: int) -> str:
    text = cells[index] if index < len(cells) else ""
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text


def _status(text: str) -> Status:
    """The status that a word stands for.

    Raises ContentError for any other, lest somebody who left elsewhere be taken for a reader.
    """
    status = _STATUS.get(folded(text))
    if status is None:
        shown = text if len(text) <= 40 else text[:39] + "…"
        raise ContentError(f"{shown!r} is not a status: {', '.join(Status)}")
    return status
