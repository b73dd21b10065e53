"""Which features of HTML and CSS a mail uses, under the names that caniemail gives them."""

import re
from collections.abc import Iterator
from functools import lru_cache

from newsletter.check.uses import USES, At, Attribute, Element, Format, Property, Selector, Value
from newsletter.compose import css, tree
from newsletter.compose.css import AtRule, Declaration, StyleRule
from newsletter.compose.tree import HtmlElement

_EXTENSION = re.compile(r"\.(\w{2,5})(?:@[^/]*)?(?:[?#].*)?$")


def in_element(element: HtmlElement) -> Iterator[str]:
    """The features that an element is, whatever its attributes hold."""
    for slug, use in _of_element().get(str(element.tag), ()):
        if not use.of_type or element.get("type", "text").lower() == use.of_type:
            yield slug


def in_attribute(element: HtmlElement, name: str, value: str) -> Iterator[str]:
    """The features that one attribute of an element uses, but for `style`."""
    tag = str(element.tag)
    for slug, use in _of_attribute().get(name, ()):
        if (not use.on or tag in use.on) and (not use.value or use.value.match(value)):
            yield slug
    if name in ("src", "background") and (slug := in_address(value)):
        yield slug


def in_address(address: str) -> str:
    """The feature that a picture's format is, "" if its address does not tell; `cid:` addresses do."""
    found = _EXTENSION.search(address)
    return _of_extension().get(found[1].lower(), "") if found and not address.startswith("data:") else ""


@lru_cache(maxsize=2000)
def in_declaration(declared: Declaration) -> frozenset[str]:
    """The features that a declaration uses."""
    of_property, of_value = _of_declaration()
    slugs = {
        slug
        for slug, use in of_property.get(declared.name, ())
        if not use.words or use.words & declared.words
    }
    for slug, value in of_value:
        if (
            value.functions & declared.functions
            or value.units & declared.units
            or value.words & declared.words
        ):
            slugs.add(slug)
    slugs.update(filter(None, map(in_address, declared.addresses)))
    return frozenset(slugs)


@lru_cache(maxsize=2000)
def in_selector(selector: str) -> frozenset[str]:
    """The features that a selector uses."""
    return frozenset(slug for slug, use in _of_selector() if use.pattern.search(selector))


def in_at_rule(rule: AtRule) -> Iterator[str]:
    """The features that an at-rule is, whatever it holds."""
    for slug, use in USES.items():
        if (
            isinstance(use, At)
            and use.name == rule.name
            and (not use.prelude or use.prelude.search(rule.prelude))
        ):
            yield slug


@lru_cache(maxsize=4)
def features_of(html: str) -> frozenset[str]:
    """All features that a page uses, in elements, attributes, style attributes and style sheets."""
    found: set[str] = set()
    for element in tree.elements(tree.parse(html)):
        found.update(in_element(element))
        for name, value in element.attrib.items():
            found.update(in_attribute(element, str(name), str(value)))
        for declared in css.declarations(element.get("style", "")):
            found |= in_declaration(declared)
        if element.tag == "style":
            found.update(_in_rules(css.rules(element.text or "")))
    return frozenset(found)


def _in_rules(rules: tuple[StyleRule | AtRule, ...]) -> Iterator[str]:
    for rule in rules:
        if isinstance(rule, AtRule):
            yield from in_at_rule(rule)
            yield from _in_rules(rule.rules)
        else:
            for selector in rule.selectors:
                yield from in_selector(selector)
        for declared in rule.declarations:
            yield from in_declaration(declared)


# ---- the table, by what is looked up in it ----


@lru_cache
def _of_element() -> dict[str, list[tuple[str, Element]]]:
    found: dict[str, list[tuple[str, Element]]] = {}
    for slug, use in USES.items():
        if isinstance(use, Element):
            for name in use.names:
                found.setdefault(name, []).append((slug, use))
    return found


@lru_cache
def _of_attribute() -> dict[str, list[tuple[str, Attribute]]]:
    found: dict[str, list[tuple[str, Attribute]]] = {}
    for slug, use in USES.items():
        if isinstance(use, Attribute):
            for name in use.names:
                found.setdefault(name, []).append((slug, use))
    return found


@lru_cache
def _of_declaration() -> tuple[dict[str, list[tuple[str, Property]]], list[tuple[str, Value]]]:
    found: dict[str, list[tuple[str, Property]]] = {}
    for slug, use in USES.items():
        if isinstance(use, Property):
            for name in use.names:
                found.setdefault(name, []).append((slug, use))
    return found, [(slug, use) for slug, use in USES.items() if isinstance(use, Value)]


@lru_cache
def _of_extension() -> dict[str, str]:
    return {
        extension: slug
        for slug, use in USES.items()
        if isinstance(use, Format)
        for extension in use.extensions
    }


@lru_cache
def _of_selector() -> list[tuple[str, Selector]]:
    return [(slug, use) for slug, use in USES.items() if isinstance(use, Selector)]
