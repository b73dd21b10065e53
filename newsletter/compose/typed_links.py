"""Links and pictures in a Markdown text as they were typed, each with its place in the source.

The parser itself says what is a link; it is only told to let every address pass, also those of which it
would make plain text, and to write down where it found them.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from newsletter.compose.prose import MarkdownIt, StateInline, Token, parser
from newsletter.tracking import BARE, without_tail


class Kind(StrEnum):
    """How a link was typed; NONE is what looks like one and is shown as it is typed."""

    LINK = "link"
    PICTURE = "picture"
    AUTO = "auto"
    BARE = "bare"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """One link or picture: `start` is its offset in the source, `address_start` that of its address.

    `text` is what is shown, or the alternative text of a picture; `address` is what was meant, and `raw` how
    it stands in the source, escapes and all. `href` is what the mail's HTML has. `linked` says of a picture
    that it stands in a link.
    """

    kind: Kind
    start: int
    address_start: int
    address: str
    raw: str
    text: str = ""
    linked: bool = False

    @property
    def href(self) -> str:
        return in_html(self.address)


@lru_cache(maxsize=512)
def in_html(address: str) -> str:
    """A typed address as HTML has it: ASCII, with the rest percent-encoded (RFC 3986 §2.1)."""
    return _plain_parser().normalizeLink(address)


_plain_parser = lru_cache(maxsize=1)(parser)

_DESTINATION = re.compile(r"\(\s*(?:<(?P<in>[^<>\n]*)>|(?P<bare>(?:\\.|[^\s\\()]|\((?:\\.|[^\s\\()])*\))*))")
_NO_LINK = re.compile(
    r"(?<![\w\\])!?\[[^\[\]\n]{1,200}\](?:\((?P<at>[^()\n]*)\)| \((?P<far>(?:https?://|www\.|mailto:)[^()\n]*)\)"
    r"|\[[^\[\]\n]+\])"
)
"""What its writer took for a link, but Markdown does not: with a blank in the address, or before it."""


@lru_cache(maxsize=64)
def typed_links(markdown: str) -> tuple[Typed, ...]:
    """All links and pictures of a text, in the order in which they stand there."""
    made = parser()
    made.validateLink = lambda url: True  # type: ignore[method-assign]
    made.normalizeLink = lambda url: url  # type: ignore[method-assign]
    made.options["store_labels"] = True
    for name, kind in (("link", Kind.LINK), ("image", Kind.PICTURE), ("autolink", Kind.AUTO)):
        _watch(made, name, kind)
    _watch(made, "backticks", None)
    env: dict[str, dict[str, dict[str, list[int]]]] = {}
    lines = _Lines(markdown)
    found: list[Typed] = []
    for token in made.parse(markdown, env):
        if token.type == "inline":
            definitions = env.get("references", {})
            found += _in_paragraph(token, lines, {name: ref["map"] for name, ref in definitions.items()})
    return tuple(sorted(found, key=lambda each: each.start))


def _watch(made: MarkdownIt, name: str, kind: Kind | None) -> None:
    """Let a rule of the parser note what it matched, as meta["at"]: start, end, the label's end."""
    ruler = made.inline.ruler
    rule = next(each.fn for each in ruler.__rules__ if each.name == name)

    def watched(state: StateInline, silent: bool) -> bool:
        start, before = state.pos, len(state.tokens)
        label_end = -1
        bracket = start + (kind is Kind.PICTURE)
        if not silent and kind in (Kind.LINK, Kind.PICTURE) and state.src.startswith("[", bracket):
            label_end = state.md.helpers.parseLinkLabel(state, bracket, kind is Kind.LINK)
        matched: bool = rule(state, silent)
        if matched and not silent:
            for token in state.tokens[before:]:
                if token.type in ("link_open", "image", "code_inline"):
                    token.meta["at"] = start, state.pos, label_end
                    break
        return matched

    ruler.at(name, watched)


class _Lines:
    """Where paragraphs stand, whose lines may be part of a quotation, a list or a table."""

    def __init__(self, markdown: str) -> None:
        self.markdown = markdown
        self.lines = markdown.split("\n")
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line) + 1)
        self._seen: dict[int, int] = {}

    def offsets(self, token: Token) -> list[tuple[int, int]]:
        """For each line of the paragraph: its offset in the paragraph, and in the source."""
        first = token.map[0] if token.map else 0
        inside = 0
        offsets = []
        for number, line in enumerate(token.content.split("\n"), first):
            number = min(number, len(self.lines) - 1)
            # The cells of a row stand on one line: each is looked for behind the one before it.
            at = max(0, self.lines[number].find(line, self._seen.get(number, 0)))
            self._seen[number] = at + len(line)
            offsets.append((inside, self.starts[number] + at))
            inside += len(line) + 1
        return offsets


def _in_paragraph(token: Token, lines: _Lines, definitions: dict[str, list[int]]) -> Iterator[Typed]:
    offsets = lines.offsets(token)

    def in_source(offset: int) -> int:
        inside, outside = max(pair for pair in offsets if pair[0] <= offset)
        return outside + offset - inside

    content = token.content
    children = token.children or []
    depth = 0
    for index, child in enumerate(children):
        depth += child.nesting if child.type in ("link_open", "link_close") else 0
        if "at" not in child.meta:
            continue
        start, end, label_end = child.meta["at"]
        if child.type != "image" or not depth:
            content = content[:start] + re.sub(r"[^\n]", "\ufffc", content[start:end]) + content[end:]
        if child.type == "code_inline":
            continue
        address = str(child.attrs.get("href", child.attrs.get("src", "")))
        whole = token.content[start:end]
        if child.info == "auto":
            kind, text, begin, raw = Kind.AUTO, whole[1:-1], in_source(start + 1), whole[1:-1]
        else:
            kind = Kind.LINK if child.type == "link_open" else Kind.PICTURE
            text = child.content if child.type == "image" else _shown(children, index)
            if label := child.meta.get("label"):
                begin, raw = _definition(lines, definitions[label], address)
            else:
                at, raw = _destination(token.content, label_end + 1, end)
                begin = in_source(at)
        yield Typed(
            kind=kind,
            start=in_source(start),
            address_start=begin,
            address=address,
            raw=raw,
            text=text,
            linked=depth > 0 and child.type == "image",
        )
    yield from _bare(content, in_source)


def _shown(children: Sequence[Token], opening: int) -> str:
    """What a link shows."""
    text = ""
    for child in children[opening + 1 :]:
        if child.type == "link_close":
            break
        text += child.content if child.type in ("text", "code_inline", "image") else " "
    return text


def _destination(content: str, at: int, end: int) -> tuple[int, str]:
    """Where the address of `[…](address)` begins, and how it is written."""
    match = _DESTINATION.match(content, at, end)
    if not match:
        return at, ""
    group = "in" if match["in"] is not None else "bare"
    return match.start(group), match[group]


def _definition(lines: _Lines, span: Sequence[int], address: str) -> tuple[int, str]:
    """Where the address of a line `[name]: address` begins, and how it is written."""
    start = lines.starts[span[0]]
    source = lines.markdown[start : lines.starts[span[1]]]
    match = re.search(r"\]:[\s>]*<?", source)
    begin = match.end() if match else 0
    typed = re.match(r"[^\s>]*", source[begin:])
    raw = address if source.startswith(address, begin) else typed[0] if typed else ""
    return start + begin, raw


def _bare(content: str, in_source: Callable[[int], int]) -> Iterator[Typed]:
    """What looks like a link, and addresses that stand in the text as they are; mail programs link these."""

    def blanked(match: re.Match[str]) -> str:
        return "\ufffc" * len(match[0])

    for match in _NO_LINK.finditer(content):
        group = "far" if match["far"] is not None else "at"
        address = match[group] or ""
        begin = in_source(match.start(group) if address else match.start())
        yield Typed(
            kind=Kind.NONE,
            start=in_source(match.start()),
            address_start=begin,
            address=address,
            raw=address,
            text=match[0],
        )
    content = _NO_LINK.sub(blanked, content)
    for match in BARE.finditer(content):
        raw = without_tail(match[0].split("\ufffc")[0])
        address = re.sub(r"\\([!-/:-@[-`{-~])", r"\1", raw)
        begin = in_source(match.start())
        yield Typed(kind=Kind.BARE, start=begin, address_start=begin, address=address, raw=raw, text=address)
