"""The micro-typography of the publication's language: plain text -> the same words, well set.

French follows the Imprimerie nationale (*Lexique des règles typographiques*): « » with “ ” inside, ’ and …,
a no-break space before ; : ! ? » and after «, in numbers and before their units. English gets “ ” ‘ ’ … and
no-break numbers. Both get – for --. What is not sure stays as typed: a lone straight quote, a colon in
10:30, addresses of all kinds. Setting a text twice gives the same text; every pattern takes linear time.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Literal

NoBreakSpaces = Literal["normal", "narrow"]

_NBSP = "\u00a0"
_NNBSP = "\u202f"
_SPACES = f"[ {_NBSP}{_NNBSP}]"
_OPAQUE = "\ufffc"
"""Stands for whatever is left alone while its surroundings are set; the rules take it for a word."""

_TAIL = r"""\S*[^\s.,;:!?…'"’”»)\]]"""
_UNTOUCHED = re.compile(
    rf"(?<![\w+])[a-z][a-z0-9+]*+://{_TAIL}"
    rf"|(?<!\w)www\.{_TAIL}"
    r"|(?<![\w.+-])[\w.+-]++@[\w-]++(?:\.[\w-]++)*"
    rf"|(?<!\w)[a-z]:\\{_TAIL}|(?<!\w)\\\\{_TAIL}"
    r"|(?<![\w:]):[a-z0-9_+-]++:(?!\w)"
    r"|(?<![^\s«])[:;]-?[()DPp](?!\w)",
    re.IGNORECASE,
)
"""Web and mail addresses, Windows paths, :shortcodes: and smileys."""


@dataclass(frozen=True, slots=True)
class _Line:
    """The text of a paragraph; `owners` says of each character to which piece it belongs."""

    text: str
    owners: Sequence[int]


@dataclass(frozen=True, slots=True)
class _Edit:
    """Put `new`, one character or none, in the place of `start:end`."""

    start: int
    end: int
    new: str


def typeset(text: str, *, language: str, no_break_spaces: NoBreakSpaces = "normal") -> str:
    """One run of plain text, set by the rules of `language` ("fr", or English for any other)."""
    return typeset_runs([text], language=language, no_break_spaces=no_break_spaces)[0] or ""


def typeset_runs(
    runs: Sequence[str | None], *, language: str, no_break_spaces: NoBreakSpaces = "normal"
) -> list[str | None]:
    """The adjacent text runs of one paragraph, in order, set as one text: as many runs come back.

    A quotation may open in one run and close in another. None is a run to leave alone (code, an address, a
    picture): it comes back as None and counts as a word. Pass a soft line break as " " and a hard one as
    "\\n", which is never changed.

    `no_break_spaces` is the width before ; ! ? and inside numbers: "normal" is U+00A0, "narrow" U+202F.
    Before : and units, and inside « », the Imprimerie nationale asks for the full width: always U+00A0.
    """
    pieces = list(_pieces(runs))
    line = _Line(
        "".join(text if plain else _OPAQUE for _, text, plain in pieces),
        [at for at, (_, text, plain) in enumerate(pieces) for _ in range(len(text) if plain else 1)],
    )
    narrow = _NNBSP if no_break_spaces == "narrow" else _NBSP
    line = _french(line, narrow) if language == "fr" else _english(line, narrow)
    changed = {
        at: "".join(character for character, _ in group)
        for at, group in groupby(zip(line.text, line.owners, strict=True), key=itemgetter(1))
    }
    result: list[list[str]] = [[] for _ in runs]
    for at, (run, text, plain) in enumerate(pieces):
        result[run].append(changed.get(at, "") if plain else text)
    return [None if run is None else "".join(parts) for run, parts in zip(runs, result, strict=True)]


def _pieces(runs: Sequence[str | None]) -> Iterator[tuple[int, str, bool]]:
    """Cut the runs into (number of the run, text, whether the rules apply to it)."""
    for number, run in enumerate(runs):
        if run is None:
            yield number, "", False
            continue
        done = 0
        for match in _UNTOUCHED.finditer(run):
            yield number, run[done : match.start()], True
            yield number, match.group(), False
            done = match.end()
        yield number, run[done:], True


def _edited(line: _Line, edits: Iterable[_Edit]) -> _Line:
    """Apply edits that are in order and do not overlap; a space put in stays with its punctuation mark."""
    texts: list[str] = []
    owners: list[int] = []
    done = 0
    for edit in edits:
        texts += line.text[done : edit.start], edit.new
        owners += line.owners[done : edit.start]
        added = edit.start == edit.end
        owner = line.owners[edit.start - 1 if added and line.text[edit.start - 1] == "«" else edit.start]
        owners += [owner] * len(edit.new)
        done = edit.end
    texts.append(line.text[done:])
    owners += line.owners[done:]
    return _Line("".join(texts), owners)


def _set(line: _Line, pattern: re.Pattern[str], new: str) -> _Line:
    """Put `new` wherever the pattern, or its group "gap", matches."""
    group = "gap" if "gap" in pattern.groupindex else 0
    spans = (match.span(group) for match in pattern.finditer(line.text))
    return _edited(line, (_Edit(start, end, new) for start, end in spans if line.text[start:end] != new))


# ---- the rules of both languages ----------------------------------------------------------------------

_ELLIPSIS = re.compile(r"(?<![./])\.\.\.(?![./])")
_DOUBLE_HYPHEN = re.compile(r"(?<!\S)--(?=\s)|(?<=[^\W_])--(?=[^\W_])")
_LONE_HYPHEN = re.compile(
    rf"(?<=[\w{_OPAQUE}%€$£)\]»”’\"….,!?]{_SPACES})-(?={_SPACES}(?:[^\W\d_]|[{_OPAQUE}(\[«“\"]))"
)
_THOUSANDS = re.compile(rf"(?<![\w.,])\d{{1,3}}(?:{_SPACES}\d{{3}}(?!\d)){{1,6}}(?!{_SPACES}\d{{3}})")
"""No group is repeated possessively: Python before 3.11.5 matches that wrongly (CPython gh-106052)."""
_UNITS = (
    "[kMGT]?Wh|[kMGT]W|[kMG]?Hz|[kcm]?m[²³]?|[µn]m|[km]?g|[kMG]?t|[hcm]?[Ll]|ha|h|min|m?s|[kKMGT]?[oB]"
    "|[kM]|Md|Mds|Mrds?|mille|ans?|pts?|points?|euros?|dollars?|millions?|milliards?|billions?|trillions?"
)
_MONEY = r"(?:[kMG]|Mds?|Mrds?)?[€$£¥](?:US|CA)?(?!\w)"
_UNIT = re.compile(
    rf"(?<=\d){_SPACES}++(?=(?:{_UNITS})(?![\w'’])|[%‰](?!\w)|°[CF](?!\w)|{_MONEY})"
    rf"|(?<=\w){_SPACES}++(?=[€$£¥](?!\w))"
)


def _dashes_and_numbers(line: _Line, thousands: str) -> _Line:
    line = _set(line, _DOUBLE_HYPHEN, "–")
    line = _set(line, _LONE_HYPHEN, "–")
    line = _set(line, _UNIT, _NBSP)
    spaces = (
        match.start() + at
        for match in _THOUSANDS.finditer(line.text)
        for at, character in enumerate(match.group())
        if not character.isdigit()
    )
    return _edited(line, [_Edit(at, at + 1, thousands) for at in spaces])


_OPENING = frozenset("([{«“‘„")
_BEFORE_OPENING = _OPENING | frozenset("-–—/'’")
_NOT_AFTER_OPENING = frozenset(".,;:!?)]}»”%")
_QUOTES = re.compile(r'"+|[«»“”„]')
_PARTNER = {"»": "«", "”": "“„"}


def _double_quotes(line: _Line, levels: Sequence[str], *, spaced: bool) -> _Line:
    """Curl the straight double quotes that have a partner; `levels` are the pairs, outermost first.

    `spaced` also takes `" … "`, with spaces inside, for a quotation. A quote without a partner stays as it
    is, for the proof-reader to see.
    """
    text = line.text
    waiting: list[tuple[str, int]] = []
    typed = 0
    pairs: list[tuple[int, int, int]] = []
    for match in _QUOTES.finditer(text):
        mark = match.group()
        if mark in "«“„":
            waiting.append((mark, match.start()))
            typed += 1
            continue
        if mark in _PARTNER:
            if waiting and waiting[-1][0] in _PARTNER[mark]:
                waiting.pop()
                typed -= 1
            continue
        left, right = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
        opens = _may_open(left, right)
        closes = _may_close(left, right)
        if spaced and not opens and not closes and len(mark) == 1:
            opens = not waiting and not left.strip() and right.isspace()
            closes = left.isspace() and (not right.strip() or right in _NOT_AFTER_OPENING)
        for at in range(match.start(), match.end()):
            if closes and waiting and waiting[-1][0] == '"':
                pairs.append((waiting.pop()[1], at, typed))
            elif opens:
                waiting.append(('"', at))
    return _edited(line, sorted(_levelled(pairs, levels), key=lambda edit: edit.start))


def _may_open(left: str, right: str) -> bool:
    before = not left or left.isspace() or left in _BEFORE_OPENING
    return before and bool(right) and not right.isspace() and right not in _NOT_AFTER_OPENING


def _may_close(left: str, right: str) -> bool:
    after = not right or not (right.isalnum() or right == "_" or right in _OPENING)
    return after and bool(left) and not left.isspace() and left not in _OPENING


def _levelled(pairs: Iterable[tuple[int, int, int]], levels: Sequence[str]) -> Iterator[_Edit]:
    """The marks for pairs of (opening, closing, typed quotations around them), by how deep they lie."""
    around: list[int] = []
    for start, end, typed in sorted(pairs):
        while around and around[-1] < start:
            around.pop()
        marks = levels[min(typed + len(around), len(levels) - 1)]
        yield _Edit(start, start + 1, marks[0])
        yield _Edit(end, end + 1, marks[1])
        around.append(end)


# ---- French -------------------------------------------------------------------------------------------

_FR_APOSTROPHE = re.compile(
    rf"(?<!')(?:(?<=[^\s\d])'|(?<!\d)'(?=[\w{_OPAQUE}])|(?<=\d)'(?=[^\W\d_]))(?!')",
)
_FR_AFTER_OPENING = re.compile(rf"(?<=«){_SPACES}*+(?=[^\s»\"])")
_FR_BEFORE_CLOSING = re.compile(rf"(?<=[^\s«\"]){_SPACES}*+(?=»)")
_HIGH_END = rf"(?:[\s\]»”’\"'….,]|\Z|(?<=[!?])[){_OPAQUE}])"
_FR_HIGH = re.compile(
    rf"(?<=\S){_SPACES}++(?=[;!?]++{_HIGH_END})"
    rf"|(?<=[\w{_OPAQUE}%‰€$£°)\]»”’…])(?=[;!?]++{_HIGH_END})"
)
_FR_COLON = re.compile(rf"(?:(?<=\S){_SPACES}++|(?<=[^\W\d_])|(?<=[)\]»”…]))(?=:(?:[\s»”]|\Z))")
_FR_GLUED_UNIT = re.compile(r"(?<=\d)(?=[%‰](?!\w)|°[CF](?!\w)|[€$£¥](?!\w))")
_FR_HOUR = re.compile(rf"(?<=\d)[ {_NBSP}](?:h|min)(?P<gap>{_SPACES})(?=\d)")
_MONTHS = (
    "janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre|trimestre|semestre"
)
_FR_DATE = re.compile(rf"(?<!\w)\d{{1,2}}(?:er|re|e)?(?P<gap>{_SPACES})(?=(?:{_MONTHS})(?!\w))")
_FR_CENTURY = re.compile(rf"(?<!\w)[IVX]{{1,5}}e(?P<gap>{_SPACES})(?=siècles?(?!\w))")
_FR_NUMBERED = re.compile(rf"(?<!\w)[nN][°º](?P<gap>{_SPACES}*+)(?=\d)")
_FR_PAGE = re.compile(rf"(?<![\w.])pp?\.(?P<gap>{_SPACES})(?=\d)")
_FR_TITLE = re.compile(rf"(?<![\w.'’-])(?:MM?\.|Mmes?|Mlles?|Mgr|Me|Dr|Pr)(?P<gap>{_SPACES})(?=[A-ZÀ-ÖØ-Þ])")
_FR_INCISE = re.compile(
    rf"(?P<dash>(?<=\S{_SPACES})[–—](?={_SPACES}\S))|[.!?…](?=[ \t\n)\]»”’\"']|{_SPACES}»)|\n"
)


def _french(line: _Line, narrow: str) -> _Line:
    line = _set(line, _ELLIPSIS, "…")
    line = _double_quotes(line, ("«»", "“”", "‘’"), spaced=True)
    line = _set(line, _FR_APOSTROPHE, "’")
    line = _set(line, _FR_AFTER_OPENING, _NBSP)
    line = _set(line, _FR_BEFORE_CLOSING, _NBSP)
    line = _set(line, _FR_HIGH, narrow)
    line = _set(line, _FR_COLON, _NBSP)
    line = _dashes_and_numbers(line, narrow)
    for pattern in (_FR_GLUED_UNIT, _FR_HOUR, _FR_DATE, _FR_CENTURY, _FR_NUMBERED, _FR_PAGE, _FR_TITLE):
        line = _set(line, pattern, _NBSP)
    return _edited(line, _incises(line.text))


def _incises(text: str) -> Iterator[_Edit]:
    """No-break spaces for "a – b – c": two spaced dashes in one sentence hold on to what they enclose."""
    dashes: list[int] = []
    for match in [*_FR_INCISE.finditer(text), None]:
        if match and match["dash"]:
            dashes.append(match.start())
            continue
        if len(dashes) == 2:
            yield _Edit(dashes[0] + 1, dashes[0] + 2, _NBSP)
            yield _Edit(dashes[1] - 1, dashes[1], _NBSP)
        dashes = []


# ---- English ------------------------------------------------------------------------------------------

_EN_SINGLE = re.compile(r"(?<!')'(?!')")
_EN_ELIDED = re.compile(r"(?:\d\ds?|tis|twas|twere|til|cause|em|n)(?!\w)", re.IGNORECASE)
_EN_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_EN_DATE = re.compile(rf"(?<!\w)\d{{1,2}}(?P<gap>{_SPACES})(?=(?:{_EN_MONTHS})(?!\w))")
_EN_TITLE = re.compile(rf"(?<![\w.'’-])(?:Mr|Mrs|Ms|Dr|Prof)\.?(?P<gap>{_SPACES})(?=[A-ZÀ-ÖØ-Þ])")
_EN_NUMBERED = re.compile(rf"(?<![\w.])(?:No|pp?)\.(?P<gap>{_SPACES})(?=\d)")


def _english(line: _Line, narrow: str) -> _Line:
    line = _set(line, _ELLIPSIS, "…")
    line = _double_quotes(line, ("“”", "‘’"), spaced=False)
    line = _edited(line, _single_quotes(line.text))
    line = _dashes_and_numbers(line, narrow)
    for pattern in (_EN_DATE, _EN_TITLE, _EN_NUMBERED):
        line = _set(line, pattern, _NBSP)
    return line


def _single_quotes(text: str) -> list[_Edit]:
    """‘ where a quotation opens that also closes, else ’; a mark after a digit may be a prime and stays."""
    curled: dict[int, str] = {}
    opening: int | None = None
    for match in _EN_SINGLE.finditer(text):
        at = match.start()
        left, right = text[at - 1 : at], text[at + 1 : at + 2]
        glued = bool(left) and not left.isspace()
        word_follows = right.isalnum() or right == _OPAQUE
        if word_follows and _may_open(left, right) and not _EN_ELIDED.match(text, at + 1):
            curled[at] = "’"
            opening = at
        elif opening is not None and glued and not word_follows:
            curled[opening], curled[at] = "‘", "’"
            opening = None
        elif right.isalpha() if left.isdigit() else glued or word_follows:
            curled[at] = "’"
    return [_Edit(at, at + 1, mark) for at, mark in sorted(curled.items())]
