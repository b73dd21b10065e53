"""The finished mail as a reader's eye meets it: its texts with their colours and sizes, in light and in dark.

The cascade is that of CSS as far as mail needs it: attributes, style sheets, style attributes, `!important`.
Rules for narrow screens are left out.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from newsletter.compose import css
from newsletter.compose.css import AtRule, Declaration, StyleRule
from newsletter.compose.selectors import Around, Matcher, Selector, classes_of, selector
from newsletter.compose.tree import HtmlElement, elements, parse

__all__ = ["HtmlElement", "Rgb", "Run", "elements", "page", "runs", "words_of"]

DARK = "(prefers-color-scheme:dark)"
LIGHT = "(prefers-color-scheme:light)"

Paint = tuple[float, float, float, float]


class Rgb(NamedTuple):
    """An opaque colour, from 0 to 1."""

    red: float
    green: float
    blue: float

    def __str__(self) -> str:
        """`#rrggbb`."""
        return "#" + "".join(f"{round(part * 255):02x}" for part in self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Text directly inside an element; `ground` is None over a picture, `size` is in CSS pixels."""

    element: HtmlElement
    text: str
    colour: Rgb
    ground: Rgb | None
    size: float
    bold: bool


class _Look(NamedTuple):
    """What an element hands down to what is inside it."""

    colour: Rgb
    ground: Rgb | None
    size: float
    bold: bool
    hidden: bool = False


_PAPER = {False: Rgb(1, 1, 1), True: Rgb(0x12 / 255, 0x12 / 255, 0x12 / 255)}
_INK = {False: Rgb(0, 0, 0), True: Rgb(1, 1, 1)}
_LINK = {False: Rgb(0, 0, 0xEE / 255), True: Rgb(0x9E / 255, 0x9E / 255, 1)}
"""What a browser takes where a mail says nothing."""

_BOLD = frozenset(["b", "strong", "th", "h1", "h2", "h3", "h4", "h5", "h6"])
_SIZES = {"h1": 2.0, "h2": 1.5, "h3": 1.17, "h5": 0.83, "h6": 0.67, "small": 0.83, "sup": 0.83, "sub": 0.83}
_LOOKED_AT = frozenset(
    [
        *("color", "background", "background-color", "background-image", "font-size", "font-weight"),
        *("display", "visibility", "opacity", "max-height", "overflow"),
    ]
)
_UNSEEN = frozenset(["head", "style", "script", "title", "template"])
_LENGTH = re.compile(r"(-?[\d.]+)(px|pt|em|rem|%)?")


@lru_cache(maxsize=4)
def page(html: str) -> HtmlElement:
    """The root of the mail, parsed once for all rules; they only read it."""
    return parse(html)


def words_of(element: HtmlElement) -> str:
    """The text in an element and in all inside it; pictures count by their alternative text."""
    pieces = [*element.itertext(), *(str(image.get("alt") or "") for image in element.iter("img"))]
    return re.sub(r"\s+", " ", " ".join(pieces)).strip()


@lru_cache(maxsize=4)
def runs(html: str, dark: bool = False) -> tuple[Run, ...]:
    """All texts that are shown, in reading order; none in `dark` if the mail has no dark dress of its own."""
    root = page(html)
    sheets = [rule for style in root.iter("style") for rule in css.rules(style.text or "")]
    if dark and not any(isinstance(rule, AtRule) and DARK in _media(rule) for rule in sheets):
        return ()
    matcher = Matcher(list(_chosen(sheets, {DARK} if dark else {LIGHT})))
    look = _Look(colour=_INK[dark], ground=_PAPER[dark], size=16.0, bold=False)
    found: list[Run] = []
    _add_runs(found, root, (), look, matcher, dark)
    return tuple(found)


def _chosen(
    rules: Sequence[StyleRule | AtRule], media: set[str]
) -> Iterator[tuple[Selector, tuple[Declaration, ...]]]:
    for rule in rules:
        if isinstance(rule, StyleRule):
            telling = tuple(each for each in rule.declarations if each.name in _LOOKED_AT)
            found = (selector(text) for text in rule.selectors if telling)
            yield from ((each, telling) for each in found if each)
        elif rule.name == "media" and _media(rule) <= {"screen", "all", *media}:
            yield from _chosen(rule.rules, media)


def _media(rule: AtRule) -> set[str]:
    """`only screen and (prefers-color-scheme: dark)` -> its parts, without blanks."""
    plain = re.sub(r"\bonly\b", "", rule.prelude.lower())
    return {re.sub(r"\s", "", part) for part in re.split(r"\band\b", plain)}


_Matcher = Matcher[tuple[Declaration, ...]]


def _add_runs(
    found: list[Run], element: HtmlElement, outside: Around, around: _Look, matcher: _Matcher, dark: bool
) -> None:
    if element.tag in _UNSEEN:
        return
    lineage = ((element, classes_of(element.get("class"))), *outside)
    look = _look(element, _declared(element, matcher.found(element, lineage)), around, dark)
    if look.hidden:
        return
    _add_run(found, element, element.text, look)
    for child in element:
        if isinstance(child.tag, str):
            _add_runs(found, child, lineage, look, matcher, dark)
        _add_run(found, element, child.tail, look)


def _add_run(found: list[Run], element: HtmlElement, text: str | None, look: _Look) -> None:
    if text and any(char.isalnum() for char in text):
        run = Run(
            element=element, text=text, colour=look.colour, ground=look.ground, size=look.size, bold=look.bold
        )
        found.append(run)


def _look(element: HtmlElement, declared: dict[str, str], around: _Look, dark: bool) -> _Look:
    tag = str(element.tag)
    size, bold, ground, colour = around.size, around.bold or tag in _BOLD, around.ground, around.colour
    if declared:
        ground = _ground(declared, ground)
    if "font-size" in declared:
        size = _size(declared["font-size"], size)
    else:
        size *= _SIZES.get(tag, 1.0)
    if weight := declared.get("font-weight", ""):
        bold = weight in ("bold", "bolder") or (weight.isdigit() and int(weight) >= 700)
    if paint := css.colour(declared.get("color", "")):
        colour = _over(paint, ground or _PAPER[dark])
    elif tag == "a" and element.get("href") and declared.get("color") != "inherit":
        colour = _LINK[dark]
    return _Look(colour=colour, ground=ground, size=size, bold=bold, hidden=_hidden(element, declared))


def _declared(element: HtmlElement, ruled: Sequence[tuple[Declaration, ...]]) -> dict[str, str]:
    """The value that wins for each property; `ruled` is what style sheets say, the strongest last."""
    own = css.declarations(element.get("style") or "")
    values: dict[str, str] = {}
    if ground := element.get("bgcolor"):
        values["background-color"] = ground
    if element.tag == "font" and (colour := element.get("color")):
        values["color"] = colour
    if element.get("background"):
        values["background-image"] = "url(picture)"
    declared = [each for some in (*ruled, own) for each in some]
    for each in sorted(declared, key=lambda each: each.important):
        if each.name == "background":
            values["background-color"] = values["background-image"] = each.value
        else:
            values[each.name] = each.value
    return values


def _ground(declared: dict[str, str], below: Rgb | None) -> Rgb | None:
    """What text stands on: the colour said here over what is below, None if a picture is there."""
    if re.search(r"url\(|gradient\(", declared.get("background-image", "")):
        return None
    colour = css.colour(declared.get("background-color", ""))
    if colour is None or colour[3] == 0:
        return below
    if colour[3] == 1:
        return Rgb(*colour[:3])
    return _over(colour, below) if below else None


def _over(paint: Paint, below: Rgb) -> Rgb:
    opacity = paint[3]
    return Rgb(*(part * opacity + under * (1 - opacity) for part, under in zip(paint, below, strict=False)))


def _hidden(element: HtmlElement, declared: dict[str, str]) -> bool:
    return (
        element.get("hidden") is not None
        or declared.get("display") == "none"
        or declared.get("visibility") == "hidden"
        or declared.get("opacity") in ("0", "0.0")
        or (declared.get("max-height") in ("0", "0px") and declared.get("overflow") == "hidden")
    )


def _size(value: str, around: float) -> float:
    """A font size in CSS pixels; what is no length leaves that of the element around."""
    found = _LENGTH.fullmatch(value.strip())
    if not found:
        return around
    number = float(found[1])
    units = {"pt": 4 / 3, "em": around, "rem": 16.0, "%": around / 100}
    return number * units.get(found[2] or "px", 1.0)
