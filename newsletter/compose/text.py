"""Markdown tokens -> plain text that is a pleasure to read: 72 columns, links numbered at the end."""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field

from newsletter.compose.prose import Prose, Token

WIDTH = 72
"""Columns of the text part: RFC 2646 §4.2 recommends at most 78, and a quoting reply needs room for "> "."""


@dataclass(slots=True)
class References:
    """The web addresses of one text part, each with one number, in the order of their first mention."""

    addresses: list[str] = field(default_factory=list)

    def number(self, address: str) -> str:
        """The mark that stands in the text: "[3]"."""
        if address not in self.addresses:
            self.addresses.append(address)
        return f"[{self.addresses.index(address) + 1}]"


def wrap(text: str, first: str = "", rest: str | None = None) -> str:
    """Fold to WIDTH columns; never at a no-break space, within a word, or in a web address."""
    indent = first if rest is None else rest
    lines = []
    for number, line in enumerate(text.split("\n")):
        lines += textwrap.wrap(
            line,
            WIDTH,
            initial_indent=indent if number else first,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
            drop_whitespace=True,
        ) or [indent.rstrip(" ")]
    return "\n".join(lines)


def to_text(prose: Prose, references: References, *, picture: str) -> str:
    """The text of `prose`; `picture` is the publication's word for a picture, as in "[Image : …]"."""
    return _Writer(references, picture).write(prose.tokens)


class _Writer:
    """Walks the tokens once; `_margins` is what the blocks around put at the left of every line."""

    def __init__(self, references: References, picture: str) -> None:
        self._references = references
        self._picture = picture
        self._blocks: list[str] = []
        self._margins: list[str] = []
        self._marker = ""
        self._lists: list[int | None] = []
        self._tight = False

    def write(self, tokens: Sequence[Token]) -> str:
        row: list[str] = []
        rows: list[list[str]] = []
        aligns: list[str] = []
        table = False
        for index, token in enumerate(tokens):
            kind = token.type
            if kind == "table_open":
                table, rows, aligns = True, [], []
            elif kind == "table_close":
                table = False
                self._put(_table(rows, aligns))
            elif kind == "tr_open":
                row = []
            elif kind == "tr_close":
                rows.append(row)
            elif kind == "inline" and table:
                row.append(self._inline(token))
                if len(rows) == 0:
                    aligns.append(str(tokens[index - 1].attrs.get("style", "")))
            elif kind == "inline":
                self._put(wrap_in(self._inline(token), self._take_marker(), self._margin()))
            else:
                self._block(token)
        return "\n".join(self._blocks).strip("\n")

    def _block(self, token: Token) -> None:
        kind = token.type
        if kind in ("bullet_list_open", "ordered_list_open"):
            self._lists.append(int(token.attrs.get("start", 1)) if kind[0] == "o" else None)
        elif kind in ("bullet_list_close", "ordered_list_close"):
            self._lists.pop()
            if not self._lists:
                self._gap()
        elif kind == "list_item_open":
            number = self._lists[-1]
            self._marker = "- " if number is None else f"{number}. "
            self._lists[-1] = None if number is None else number + 1
            self._margins.append("  " + " " * len(self._marker))
        elif kind in ("list_item_close", "blockquote_close", "container_number_close"):
            inside = self._margin().rstrip(" ")
            self._margins.pop()
            if self._blocks and self._blocks[-1] == inside:
                self._blocks[-1] = self._margin().rstrip(" ")
        elif kind == "blockquote_open":
            self._margins.append("> ")
        elif kind == "container_number_open":
            self._margins.append("  | ")
            self._put(wrap_in(str(token.meta["value"]), "", self._margin()), gap=False)
        elif kind in ("fence", "code_block"):
            code = token.content.rstrip("\n").split("\n")
            self._put("\n".join(self._margin() + "    " + line for line in code))
        elif kind == "hr":
            self._put(self._margin() + "-" * 24)
        elif kind == "paragraph_open":
            self._tight = token.hidden

    def _margin(self) -> str:
        return "".join(self._margins)

    def _take_marker(self) -> str:
        marker, self._marker = self._marker, ""
        return marker

    def _put(self, text: str, *, gap: bool = True) -> None:
        self._blocks.append(text)
        if gap and not (self._lists and self._tight):
            self._gap()

    def _gap(self) -> None:
        """One empty line between blocks, marked with the quotation's bar where it goes on."""
        margin = self._margin().rstrip(" ")
        if self._blocks and self._blocks[-1] != margin:
            self._blocks.append(margin)

    def _inline(self, token: Token) -> str:
        out = ""
        links: list[tuple[str, int]] = []
        for child in token.children or []:
            if child.type in ("text", "code_inline"):
                out += child.content
            elif child.type == "hardbreak":
                out += "\n"
            elif child.type == "footnote_ref":
                out += "*" * (int(child.meta["id"]) + 1)
            elif child.type == "image" and child.content:
                out += f"[{self._picture}\u00a0: {child.content}]"
            elif child.type == "link_open":
                links.append((str(child.attrs["href"]), len(out)))
            elif child.type == "link_close":
                address, start = links.pop()
                if address not in (out[start:], f"mailto:{out[start:]}"):
                    out += f"\u00a0{self._references.number(address)}"
        return out


def wrap_in(text: str, marker: str, margin: str) -> str:
    """Fold a text inside its margin; a list item's first line has its marker in place of the blanks."""
    first = margin[: len(margin) - len(marker)] + marker if marker else margin
    return wrap(text, first, margin)


def _table(rows: list[list[str]], aligns: list[str]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(aligns))]
    if sum(widths) + 2 * (len(widths) - 1) > WIDTH:
        return _long_table(rows)
    lines = []
    for number, row in enumerate(rows):
        cells = [
            cell.rjust(width)
            if "right" in align
            else cell.center(width)
            if "center" in align
            else cell.ljust(width)
            for cell, width, align in zip(row, widths, aligns, strict=True)
        ]
        lines.append("  ".join(cells).rstrip(" "))
        if number == 0:
            lines.append("  ".join("-" * width for width in widths))
    return "\n".join(lines)


def _long_table(rows: list[list[str]]) -> str:
    """A table too wide for the page, as one block a row: each cell behind its column's name."""
    head, *body = rows
    blocks = []
    for row in body:
        cells = (f"{name}\u00a0: {cell}" if name else cell for name, cell in zip(head, row, strict=True))
        blocks.append("\n".join(wrap(cell, "- " if n == 0 else "  ", "  ") for n, cell in enumerate(cells)))
    return "\n".join(blocks)


def tidy(text: str) -> str:
    """A rendered text part without blanks at line ends and without more than one empty line in a row."""
    text = re.sub(r"[ \t]+\n", "\n", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n") + "\n"
