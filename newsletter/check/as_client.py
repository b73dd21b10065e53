"""A mail as one client shows it: all that the client does not support, by caniemail's data, taken away."""

import re
from collections.abc import Callable, Iterator, Mapping

from newsletter.check.features import (
    features_of,
    in_at_rule,
    in_attribute,
    in_declaration,
    in_element,
    in_selector,
)
from newsletter.check.support import facts, support
from newsletter.compose import css, tree
from newsletter.compose.css import AtRule, Declaration, StyleRule
from newsletter.compose.tree import HtmlElement

CLIENTS: Mapping[str, tuple[str, str]] = {
    "gmail": ("Gmail for Android", "gmail.android"),
    "outlook": ("Outlook for Windows", "outlook.windows"),
    "orange": ("Orange", "orange.desktop-webmail"),
    "sfr": ("SFR", "sfr.desktop-webmail"),
    "laposte": ("La Poste", "laposte.desktop-webmail"),
    "yahoo": ("Yahoo", "yahoo.desktop-webmail"),
    "apple": ("Apple Mail for iOS", "apple-mail.ios"),
}
"""The clients that a mail can be looked at in -> what people call them, and what caniemail does."""

_WORD = 16
"""The version of Office that Outlook for Windows says it is in conditional comments, from 2016 on."""

_GONE = frozenset(["style", "link", "meta", "base", "svg", "input", "select", "textarea"])
"""Elements that go with all they hold; of the others the content stays."""

_CONDITIONAL = re.compile(
    r"<!--\[if (?P<shown>[^\]]*)\]><!-->(?P<outside>.*?)<!--<!\[endif\]-->"
    r"|<!--\[if (?P<hidden>[^\]]*)\]>(?P<inside>.*?)<!\[endif\]-->",
    re.DOTALL,
)
_ISLAND = re.compile(r"<xml>.*?</xml>", re.DOTALL | re.IGNORECASE)
"""Settings for Office inside a conditional comment, which Word obeys and does not show."""

_TERM = re.compile(
    r"\(?\s*(?P<no>!)?\s*(?P<order>lte?|gte?)?\s*(?P<name>\w+)\s*(?P<number>[\d.]+)?\s*\)?\s*$"
)

_Knows = Callable[[str], bool]
"""A feature -> whether the client knows it, in part at least, or nobody has tried."""


def as_client(html: str, client: str) -> str:
    """The page as `client`, one of CLIENTS, shows it, as far as its support of HTML and CSS goes.

    Rules, declarations, attributes and elements that it does not know are left out; pictures of formats that
    it does not show keep their alternative text only. Partial support passes for support. For Outlook, which
    Word draws, conditional comments are opened. Nothing is known of what a client adds of its own.
    """
    name = CLIENTS[client][1]
    root = tree.parse(_opened(html) if client == "outlook" else html)

    def knows(feature: str) -> bool:
        return support(feature, name) != "n"

    for element in tree.elements(root):
        _strip(element, knows)
    return tree.written(root)


def taken_away(html: str, client: str) -> tuple[str, ...]:
    """What the page uses and `client` does not know, in caniemail's words."""
    name = CLIENTS[client][1]
    used = features_of(_opened(html) if client == "outlook" else html)
    return tuple(str(facts()[slug]["title"]) for slug in sorted(used) if support(slug, name) == "n")


def _strip(element: HtmlElement, knows: _Knows) -> None:
    if not all(map(knows, in_element(element))):
        if str(element.tag) in _GONE:
            element.drop_tree()
        elif element.getparent() is not None:
            element.drop_tag()
        return
    for name, value in list(element.attrib.items()):
        if name == "style":
            kept = css.written(_known(css.declarations(value), knows))
            if kept:
                element.set("style", kept)
            else:
                del element.attrib["style"]
        elif not all(map(knows, in_attribute(element, name, value))):
            del element.attrib[name]
    if element.tag == "style":
        element.text = f"\n{css.sheet(_known_rules(css.rules(element.text or ''), knows))}\n"


def _known(declared: tuple[Declaration, ...], knows: _Knows) -> tuple[Declaration, ...]:
    return tuple(each for each in declared if all(map(knows, in_declaration(each))))


def _known_rules(rules: tuple[StyleRule | AtRule, ...], knows: _Knows) -> Iterator[StyleRule | AtRule]:
    for rule in rules:
        declared = _known(rule.declarations, knows)
        if isinstance(rule, StyleRule):
            selectors = tuple(each for each in rule.selectors if all(map(knows, in_selector(each))))
            if selectors and declared:
                yield StyleRule(selectors, declared)
        elif all(map(knows, in_at_rule(rule))):
            inner = tuple(_known_rules(rule.rules, knows))
            if inner or declared or rule.empty:
                yield AtRule(rule.name, rule.prelude, inner, declared, rule.empty)


def _opened(html: str) -> str:
    """The page with its conditional comments as Outlook for Windows reads them."""

    def chosen(found: re.Match[str]) -> str:
        condition = found["shown"] or found["hidden"] or ""
        inside = found["outside"] if found["shown"] else found["inside"]
        return inside if _holds(condition) else ""

    return _ISLAND.sub("", _CONDITIONAL.sub(chosen, html))


def _holds(condition: str) -> bool:
    """Whether a condition such as `mso | IE`, `!mso` or `(gte mso 9)&(lte mso 11)` is true in Outlook."""
    return any(
        all(_is_true(term) for term in choice.split("&")) for choice in condition.strip("() ").split("|")
    )


def _is_true(term: str) -> bool:
    found = _TERM.match(term.strip("() "))
    if not found:
        return False
    true = found["name"] == "mso"
    if true and found["number"]:
        number = float(found["number"])
        true = {
            "lt": number > _WORD,
            "lte": number >= _WORD,
            "gt": number < _WORD,
            "gte": number <= _WORD,
        }.get(found["order"] or "", number == _WORD)
    return true is not bool(found["no"])
