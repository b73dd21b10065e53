"""Where the inliner would get the cascade wrong: a property and its shorthand that meet on one element.

premailer leaves a property in the place where it first stood on an element, with the value that comes last
(P8 in tests/compose/test_markup.py). So `padding`, then `padding-left`, then `padding` again ends with the
old `padding-left`.
"""

import re
from collections.abc import Iterator, Sequence

from newsletter.compose.css import StyleRule, declarations, rules
from newsletter.compose.selectors import Matcher, Selector, selector
from newsletter.compose.tree import elements, parse

_SHORTHANDS = ("margin", "padding", "border", "font", "background", "list-style", "outline")

_Rule = tuple[int, tuple[str, ...]]
"""The number of a rule in its sheet, and the properties that it sets."""


def without_comments(css: str) -> str:
    """The same lines with blanks for comments."""
    return re.sub(r"/\*.*?\*/", lambda found: re.sub(r"[^\n]", " ", found[0]), css, flags=re.DOTALL)


def clash(html: str, css: str) -> tuple[int, str, str] | None:
    """The first line of the style sheet after which an element of the page comes out wrong, and why.

    The answer is (line of the sheet, shorthand, longhand), or None.
    """
    involved = list(_involved(css))
    families = _worth_a_look([names for _, (_, names) in involved])
    if not families:
        return None
    matcher = Matcher(pair for pair in involved if families.intersection(map(_family, pair[1][1])))
    for element in elements(parse(html)):
        met = matcher.found(element)
        if not met:
            continue
        names = [name for _, some in met for name in some]
        names += [each.name for each in declarations(element.get("style") or "")]
        if wrong := _wrong(names):
            number = max(number for number, some in met if set(wrong) & set(some))
            return _line(css, number), *wrong
    return None


def _involved(css: str) -> Iterator[tuple[Selector, _Rule]]:
    """The rules that set a shorthand or part of one: for whom, which rule of the sheet, which properties."""
    for number, rule in enumerate(rules(css)):
        if isinstance(rule, StyleRule):
            names = tuple(each.name for each in rule.declarations if _family(each.name))
            chosen = (selector(text) for text in rule.selectors)
            yield from ((each, (number, names)) for each in chosen if each and names)


def _family(name: str) -> str:
    return next((each for each in _SHORTHANDS if name == each or name.startswith(each + "-")), "")


def _worth_a_look(names: Sequence[Sequence[str]]) -> set[str]:
    """The shorthands that are in the sheet beside parts of theirs; without them nothing can go wrong."""
    used = {name for some in names for name in some}
    return {name for name in _SHORTHANDS if name in used and any(_family(n) == name != n for n in used)}


def _wrong(names: Sequence[str]) -> tuple[str, str] | None:
    """The shorthand and the part of it that stand the other way round once each keeps its first place."""
    last = {name: place for place, name in enumerate(names)}
    for longhand in last:
        shorthand = _family(longhand)
        if longhand == shorthand or shorthand not in last:
            continue
        if (names.index(longhand) < names.index(shorthand)) != (last[longhand] < last[shorthand]):
            return shorthand, longhand
    return None


def _line(css: str, number: int) -> int:
    """The line on which rule `number` of a style sheet begins."""
    bare = without_comments(css)
    depth, seen, begun = 0, -1, False
    for at, sign in enumerate(bare):
        if depth == 0 and not begun and not sign.isspace():
            begun, seen = True, seen + 1
            if seen == number:
                return bare.count("\n", 0, at) + 1
        if sign == "{":
            depth += 1
        elif sign == "}":
            depth -= 1
            begun = begun and depth > 0
        elif sign == ";" and depth == 0:
            begun = False
    return 1
