"""Blocks -> Markdown in the house's shapes, in which everything typed comes out as typed."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby

from newsletter.desk import marks
from newsletter.desk.blocks import Block, Kind

_LONGEST_LEAD_IN = 8  # words

# Two of a kind next to each other or not, see CommonMark §6.2: an underscore inside a word means nothing.
_SPECIAL = re.compile(r"[\\`*\[\]]|(?<![^\W_])_|_(?![^\W_])|<(?=[A-Za-z/!?])|~(?=~)|(?<=~)~|&(?=#?\w+;)")
# What opens a block by standing first: headings, items, quotations, rules, call-outs.
_OPENING = re.compile(r"(?=#{1,6}(?:\s|\Z)|[+-](?:\s|\Z)|--|>|:::|={2,}|\|)")
_NUMBERED = re.compile(r"\A(\d{1,9})(?=[.)](?:\s|\Z))")

_LEAD_IN = re.compile(
    r"\A(?P<open>\x01?)(?P<lead>[^\W_][^:.!?;,«»“”\"\n\t\x01-\x19]{0,60}?)(?P<early>\x02?)"
    r"(?P<space>[ \u00a0\u202f]?):(?P<late>\x02?)[ \u00a0\u202f](?P<rest>.*\S.*)\Z",
    re.DOTALL,
)
_QUOTATION = re.compile(r"\A(?:“[^“”]+”|«[^«»]+»|\"[^\"]+\")\s*[.,]?\Z")
_ATTRIBUTED = re.compile(
    r"\A(?P<quotation>(?:“[^“”]+”|«[^«»]+»|\"[^\"]+\")\s*[.,]?)\s*[—–]\s*(?P<who>[^—–]+)\Z"
)
_ATTRIBUTION = re.compile(r"\A[—–-]\s*(?P<who>\S.*)\Z", re.DOTALL)
_FIGURE = re.compile(r"[+–-]?[\d\s.,]+\s?(?:%|[$€£]|[MGk]?[$€£]|pts?)?")

_MARKED = re.compile("|".join(m.pattern for m in (marks.PICTURES, marks.LINKS, marks.DOUBTS, marks.CALLS)))


def to_markdown(blocks: Sequence[Block]) -> str:
    """The blocks as Markdown: lead-ins, lists, tables, quotations, paragraphs; "" for none."""
    return "\n\n".join(
        part
        for (kind, _), group in groupby(_settled(blocks), key=_shape)
        for part in _WRITERS[kind](list(group))
    )


def inline(text: str) -> str:
    """Marked text -> the inside of a Markdown paragraph, specials escaped wherever it stands."""
    out: list[str] = []
    at = 0
    for match in _MARKED.finditer(text):
        out.append(_escaped(text[at : match.start()]))
        about, picture, words, address, why, number = match.groups()
        if picture is not None:
            out.append(f"![{inline(about)}]({picture})")
        elif number is not None:
            out.append(f"[^{number}]")
        elif why is not None:
            out.append(marks.bracketed(_escaped(why)))
        elif words.strip(marks.BLANKS):
            if out[-1].endswith("!"):
                out[-1] = out[-1][:-1] + "\\!"  # else it would be a picture
            out.append(f"[{inline(words)}]({_destination(address)})")
        else:
            out.append(f"<{address}>")
        at = match.end()
    out.append(_escaped(text[at:]))
    return _emphasised("".join(out))


# ---- what each block is in the company of the others -----------------------------------------------------


def _settled(blocks: Sequence[Block]) -> list[Block]:
    """Blocks whose kind is certain: an item that only looked like one is text again."""
    blocks = list(blocks)
    settled: list[Block] = []
    for index, block in enumerate(blocks):
        before, after = _neighbour(blocks, index, -1), _neighbour(blocks, index, 1)
        alone = block.kind is Kind.DASH and not (_siblings(block, before) or _siblings(block, after))
        if alone or (block.kind is Kind.NUMBER and not (_follows(before, block) or _follows(block, after))):
            block = Block(text=block.typed)
        elif block.kind is Kind.ROW and not any(_same_width(block, other) for other in (before, after)):
            block = replace(block, kind=Kind.TEXT, text=block.text.replace("\t", " "))
        settled.append(block)
    return _quotations(settled)


def _neighbour(blocks: list[Block], index: int, step: int) -> Block | None:
    """The block next to one; to a numbered item, bullets in between are no distance."""
    at = index + step
    while 0 <= at < len(blocks) and blocks[index].kind is Kind.NUMBER and blocks[at].kind is Kind.BULLET:
        at += step
    return blocks[at] if 0 <= at < len(blocks) else None


def _siblings(block: Block, other: Block | None) -> bool:
    return other is not None and (
        other.kind is Kind.BULLET or (other.kind is Kind.DASH and other.marker == block.marker)
    )


def _follows(first: Block | None, second: Block | None) -> bool:
    if first is None or second is None or {first.kind, second.kind} != {Kind.NUMBER}:
        return False
    return int(first.marker[:-1]) + 1 == int(second.marker[:-1]) and first.marker[-1] == second.marker[-1]


def _same_width(block: Block, other: Block | None) -> bool:
    return other is not None and other.kind is Kind.ROW and other.text.count("\t") == block.text.count("\t")


def _quotations(blocks: list[Block]) -> list[Block]:
    """A paragraph that is one whole quotation with its attribution after a dash becomes a block quotation.

    "… a déclaré X" stays a paragraph: behind a dash, its verb would be too many.
    """
    out: list[Block] = []
    skip = False
    for index, block in enumerate(blocks):
        if skip:
            skip = False
            continue
        after = blocks[index + 1] if index + 1 < len(blocks) else None
        attributed = _ATTRIBUTED.match(block.text) if block.kind is Kind.TEXT else None
        if attributed and _is_short(attributed["who"]):
            out += [_quoted(attributed["quotation"]), _quoted(f"— {attributed['who']}")]
        elif block.kind is Kind.TEXT and _QUOTATION.match(block.text) and (who := _who(after)):
            out += [_quoted(block.text), _quoted(f"— {who}")]
            skip = True
        else:
            out.append(block)
    return out


def _who(block: Block | None) -> str:
    match = _ATTRIBUTION.match(block.text) if block is not None and block.kind is Kind.TEXT else None
    return match["who"] if match and _is_short(match["who"]) else ""


def _is_short(who: str) -> bool:
    return len(marks.words(who)) <= 12


def _quoted(text: str) -> Block:
    return Block(text=text.strip(marks.BLANKS), kind=Kind.QUOTED)


def _shape(block: Block) -> tuple[Kind, int]:
    """What may be written together: neighbours of one shape; the rows of a table have one width."""
    if block.is_item:
        return Kind.BULLET, 0
    return block.kind, block.text.count("\t")


# ---- writing ---------------------------------------------------------------------------------------------


def _paragraphs(blocks: list[Block]) -> list[str]:
    return [_paragraph(block.text) for block in blocks]


def _paragraph(text: str) -> str:
    lead_in = _LEAD_IN.match(text)
    if lead_in is None or not _opens(lead_in["lead"]):
        return _line(text)
    rest = lead_in["rest"]
    if lead_in["open"] and not (lead_in["early"] or lead_in["late"]):
        rest = marks.BOLD + rest
    space = " " if lead_in["space"] else ""
    return f"**{_escaped(lead_in['lead'])}{space}:** {inline(rest)}"


def _opens(lead: str) -> bool:
    return (
        not lead[0].islower()
        and len(marks.words(lead)) <= _LONGEST_LEAD_IN
        and any(c.isalpha() for c in lead)
    )


def _notes(blocks: list[Block]) -> list[str]:
    return [inline(block.text).replace("]", "]:", 1) for block in blocks]


def _headings(blocks: list[Block]) -> list[str]:
    return [f"## {_emphasised(_escaped_end(inline(marks.plain(block.text))))}" for block in blocks]


def _escaped_end(text: str) -> str:
    return re.sub(r"(#+)\Z", r"\\\1", text)


def _quotation(blocks: list[Block]) -> list[str]:
    """Block quotations, each of which ends with its attribution."""
    quotations: list[list[str]] = [[]]
    for block in blocks:
        quotations[-1].append(f"> {_line(block.text)}")
        if block.text.startswith("— "):
            quotations.append([])
    return ["\n>\n".join(lines) for lines in quotations if lines]


def _table(rows: list[Block]) -> list[str]:
    cells = [
        [inline(cell.strip(marks.BLANKS)).replace("|", "\\|") for cell in row.text.split("\t")]
        for row in rows
    ]
    figures = [
        all(not cell or _FIGURE.fullmatch(cell) for cell in column[1:]) for column in zip(*cells, strict=True)
    ]
    lines = [cells[0], ["---:" if right else "---" for right in figures], *cells[1:]]
    return ["\n".join(f"| {' | '.join(line)} |" for line in lines)]


def _list(items: list[Block]) -> list[str]:
    """One Markdown list; depth is read from indents and markers in the order in which they come up."""
    lines: list[str] = []
    levels: list[tuple[int, str]] = []
    numbers: list[int] = []
    margins: list[int] = []  # where the text of each level's last item begins: what is inside it begins there
    delimiter = "."
    for item in items:
        key = (item.indent, "1" if item.kind is Kind.NUMBER else item.marker)
        number = int(item.marker[:-1]) if item.kind is Kind.NUMBER else 0
        if key in levels:
            depth = levels.index(key)
            del levels[depth + 1 :], numbers[depth + 1 :], margins[depth + 1 :]
        else:
            while levels and (levels[-1][0] > item.indent or _starts_a_list(levels[-1], key)):
                del levels[-1], numbers[-1], margins[-1]
            levels.append(key)
            numbers.append(number - 1)
            margins.append(0)
            depth = len(levels) - 1
        if number and number != numbers[depth] + 1:
            delimiter = (
                ")" if delimiter == "." else "."
            )  # CommonMark §5.3: another delimiter begins a new list
        numbers[depth] = number
        marker = f"{number}{delimiter} " if item.kind is Kind.NUMBER else "- "
        margin = margins[depth - 1] if depth else 0
        margins[depth] = margin + len(marker)
        lines.append(" " * margin + marker + _line(item.text))
    return ["\n".join(lines)]


def _starts_a_list(level: tuple[int, str], key: tuple[int, str]) -> bool:
    """Whether bullets follow numbers, or numbers bullets, at the same depth."""
    return level[0] == key[0] and (level[1] == "1") != (key[1] == "1")


_WRITERS: dict[Kind, Callable[[list[Block]], list[str]]] = {
    Kind.TEXT: _paragraphs,
    Kind.TITLE: _headings,
    Kind.HEADING: _headings,
    Kind.NOTE: _notes,
    Kind.PICTURE: _paragraphs,
    Kind.QUOTED: _quotation,
    Kind.BULLET: _list,
    Kind.ROW: _table,
}


# ---- characters ------------------------------------------------------------------------------------------


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", text)


def _line(text: str) -> str:
    """A paragraph's text, with whatever its first characters would mean escaped."""
    written = _NUMBERED.sub(r"\1\\", inline(text).strip(marks.BLANKS))
    return f"\\{written}" if _OPENING.match(written) else written


def _destination(address: str) -> str:
    return f"<{address}>" if re.search(r"[()\s]", address) else address


def _emphasised(text: str) -> str:
    text = _tidied(text)
    for opening, closing, stars in ((marks.BOLD, marks.UNBOLD, "**"), (marks.ITALIC, marks.UNITALIC, "*")):
        text = re.sub(
            f"{opening}([^{opening}{closing}]*){closing}",
            partial(_starred, stars),
            text,
        )
    return re.sub("[\x01-\x04\x10-\x12\x15\x16]", "", text)


def _starred(stars: str, match: re.Match[str]) -> str:
    """Words between stars; bare where CommonMark §6.2 would not see the stars as emphasis."""
    words = match[1]
    left, right = match.string[: match.start()][-1:], match.string[match.end() :][:1]
    glued_left = left.isalnum() and not words[:1].isalnum()
    glued_right = right.isalnum() and not words[-1:].isalnum()
    return words if glued_left or glued_right else stars + words + stars


def _tidied(text: str) -> str:
    """The same marks, none of which encloses nothing, begins or ends with a blank, or stops to go on."""
    before = ""
    while text != before:
        before = text
        text = re.sub("\x01\x02|\x02\x01|\x03\x04|\x04\x03", "", text)
        text = re.sub(f"([\x01\x03])([{marks.BLANKS}]+)", r"\2\1", text)
        text = re.sub(f"([{marks.BLANKS}]+)([\x02\x04])", r"\2\1", text)
    return re.sub(" {2,}", " ", text)
