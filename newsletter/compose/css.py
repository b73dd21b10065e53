"""Style sheets and style attributes as lists that can be looked through and written again (CSS Syntax 3)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import tinycss2
import tinycss2.color3


@dataclass(frozen=True, slots=True)
class Declaration:
    """`name: value`, the name in small letters.

    `functions`, `units`, `words` and `addresses` are what stands in the value, at any depth: the names of
    functions, the units of numbers ("%" for percentages), the bare words, the targets of `url(…)`.
    """

    name: str
    value: str
    important: bool
    functions: frozenset[str]
    units: frozenset[str]
    words: frozenset[str]
    addresses: frozenset[str]

    def __str__(self) -> str:
        return f"{self.name}:{self.value}{' !important' if self.important else ''}"


@dataclass(frozen=True, slots=True)
class StyleRule:
    """Selectors and what is declared for them."""

    selectors: tuple[str, ...]
    declarations: tuple[Declaration, ...]

    def __str__(self) -> str:
        return f"{', '.join(self.selectors)} {{ {written(self.declarations)} }}"


@dataclass(frozen=True, slots=True)
class AtRule:
    """`@name prelude`, followed by rules (`@media`), by declarations (`@font-face`), or by nothing at all."""

    name: str
    prelude: str
    rules: "tuple[StyleRule | AtRule, ...]" = ()
    declarations: tuple[Declaration, ...] = ()
    empty: bool = False

    def __str__(self) -> str:
        head = f"@{self.name} {self.prelude}".rstrip(" ")
        if self.empty:
            return f"{head};"
        inner = written(self.declarations) if self.declarations else sheet(self.rules)
        return f"{head} {{\n{inner}\n}}"


_WITH_DECLARATIONS = ("font-face", "page", "counter-style", "property", "viewport", "-ms-viewport")


@lru_cache(maxsize=2000)
def declarations(style: str) -> tuple[Declaration, ...]:
    """What a style attribute declares, in its order; what is not CSS is left out, as mail programs do."""
    return tuple(
        _declarations(tinycss2.parse_blocks_contents(style, skip_comments=True, skip_whitespace=True))
    )


@lru_cache(maxsize=50)
def rules(css: str) -> tuple[StyleRule | AtRule, ...]:
    """The rules of a style sheet, in its order."""
    return tuple(_rules(tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)))


@lru_cache(maxsize=500)
def colour(value: str) -> tuple[float, float, float, float] | None:
    """The first colour in a value, as red, green, blue and opacity from 0 to 1; None if none is in it."""
    tokens: list[Any] = tinycss2.parse_component_value_list(value)
    for token in tokens:
        found = tinycss2.color3.parse_color(token)
        if isinstance(found, tinycss2.color3.RGBA):
            return found.red, found.green, found.blue, found.alpha
    return None


def written(declared: Iterable[Declaration]) -> str:
    """Declarations as a style attribute has them."""
    return "; ".join(str(each) for each in declared)


def sheet(rules: Iterable[StyleRule | AtRule]) -> str:
    """Rules as a style sheet has them."""
    return "\n".join(str(each) for each in rules)


def _declarations(nodes: Sequence[Any]) -> Iterator[Declaration]:
    for node in nodes:
        if node.type == "declaration":
            tokens = list(_tokens(node.value))
            yield Declaration(
                name=node.lower_name,
                value=_text(node.value),
                important=node.important,
                functions=frozenset(token.lower_name for token in tokens if token.type == "function"),
                units=frozenset(
                    "%" if token.type == "percentage" else token.lower_unit
                    for token in tokens
                    if token.type in ("dimension", "percentage")
                ),
                words=frozenset(token.lower_value for token in tokens if token.type == "ident"),
                addresses=frozenset(_addresses(tokens)),
            )


def _tokens(nodes: Sequence[Any]) -> Iterator[Any]:
    for node in nodes:
        yield node
        yield from _tokens(getattr(node, "arguments", None) or getattr(node, "content", None) or ())


def _addresses(tokens: Sequence[Any]) -> Iterator[str]:
    for token in tokens:
        if token.type == "url":
            yield token.value
        elif token.type == "function" and token.lower_name == "url":
            yield from (inner.value for inner in token.arguments if inner.type == "string")


def _rules(nodes: Sequence[Any]) -> Iterator[StyleRule | AtRule]:
    for node in nodes:
        if node.type == "qualified-rule":
            inner = tinycss2.parse_blocks_contents(node.content, skip_comments=True, skip_whitespace=True)
            yield StyleRule(tuple(_selectors(node.prelude)), tuple(_declarations(inner)))
        elif node.type == "at-rule":
            yield _at_rule(node)


def _at_rule(node: Any) -> AtRule:
    prelude = _text(node.prelude)
    if node.content is None:
        return AtRule(node.lower_at_keyword, prelude, empty=True)
    if node.lower_at_keyword in _WITH_DECLARATIONS:
        inner = tinycss2.parse_blocks_contents(node.content, skip_comments=True, skip_whitespace=True)
        return AtRule(node.lower_at_keyword, prelude, declarations=tuple(_declarations(inner)))
    inside = tinycss2.parse_rule_list(node.content, skip_comments=True, skip_whitespace=True)
    return AtRule(node.lower_at_keyword, prelude, rules=tuple(_rules(inside)))


def _selectors(prelude: Sequence[Any]) -> Iterator[str]:
    """The selectors between commas; a comma inside `:is(…)` is inside a node of its own."""
    selector: list[Any] = []
    for node in prelude:
        if node.type == "literal" and node.value == ",":
            yield _text(selector)
            selector = []
        else:
            selector.append(node)
    yield _text(selector)


def _text(nodes: Sequence[Any]) -> str:
    return tinycss2.serialize(nodes).strip(" \t\r\n\f")
