"""CSS selectors as far as mail uses them: which elements a rule is for (Selectors Level 3)."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, TypeVar

from newsletter.compose.tree import etree

_PART = re.compile(
    r"(?P<combinator>\s*[>+~]\s*|\s+)"
    r"|(?P<tag>\*|[a-zA-Z][\w-]*)"
    r"|\.(?P<cls>[\w-]+)"
    r"|\#(?P<id>[\w-]+)"
    r"""|\[(?P<name>[\w-]+)(?:=(?P<quote>["']?)(?P<value>[^\]"']*)(?P=quote))?\]"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compound:
    """What is asked of one element; `before` is what ties it to the compound to its left."""

    before: str
    tag: str
    classes: frozenset[str]
    attributes: tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """A selector, with what it weighs against others."""

    compounds: tuple[_Compound, ...]
    specificity: tuple[int, int, int]

    @property
    def last(self) -> _Compound:
        return self.compounds[-1]

    def matches(self, element: etree._Element, classes: frozenset[str] | None = None) -> bool:
        """Whether it is for that element; `classes` are the element's, if they are known already."""
        if classes is None:
            classes = classes_of(element)
        last = len(self.compounds) - 1
        return _fits(self.last, element, classes) and _leads_to(self.compounds, last, element)


T = TypeVar("T")


class Matcher(Generic[T]):
    """Selectors with something attached, sorted so that few of them have to be tried on an element."""

    def __init__(self, pairs: Iterable[tuple[Selector, T]]) -> None:
        self._by_name: dict[str, list[tuple[Selector, T]]] = {}
        for each, attached in pairs:
            name = next((f".{cls}" for cls in sorted(each.last.classes)), each.last.tag)
            self._by_name.setdefault(name, []).append((each, attached))

    def found(self, element: etree._Element) -> list[tuple[Selector, T]]:
        """What matches an element, the most specific last."""
        classes = classes_of(element)
        names = ("*", str(element.tag), *(f".{cls}" for cls in classes))
        some = [
            pair
            for name in names
            for pair in self._by_name.get(name, ())
            if pair[0].matches(element, classes)
        ]
        return sorted(some, key=lambda pair: pair[0].specificity)


def classes_of(element: etree._Element) -> frozenset[str]:
    return frozenset((element.get("class") or "").split())


@lru_cache(maxsize=1000)
def selector(text: str) -> Selector | None:
    """One selector; None for what this does not know, such as pseudo-classes: it is then for no element."""
    compounds: list[_Compound] = []
    before, tag, classes, attributes = "", "*", list[str](), list[tuple[str, str | None]]()
    ids, names, tags, at = 0, 0, 0, 0
    text = text.strip()
    while at < len(text):
        found = _PART.match(text, at)
        if not found:
            return None
        at = found.end()
        if found["combinator"]:
            compounds.append(_compound(before, tag, classes, attributes))
            before, tag, classes, attributes = found["combinator"].strip() or " ", "*", [], []
        elif found["tag"]:
            tag = found["tag"].lower()
            tags += tag != "*"
        elif found["cls"]:
            classes.append(found["cls"])
            names += 1
        elif found["id"]:
            attributes.append(("id", found["id"]))
            ids += 1
        else:
            attributes.append((found["name"].lower(), found["value"]))
            names += 1
    compounds.append(_compound(before, tag, classes, attributes))
    return Selector(compounds=tuple(compounds), specificity=(ids, names, tags))


def _compound(
    before: str, tag: str, classes: Sequence[str], attributes: Sequence[tuple[str, str | None]]
) -> _Compound:
    return _Compound(before=before, tag=tag, classes=frozenset(classes), attributes=tuple(attributes))


def _fits(compound: _Compound, element: etree._Element, classes: frozenset[str]) -> bool:
    if compound.tag not in ("*", element.tag) or not compound.classes <= classes:
        return False
    return all(
        element.get(name) == value if value is not None else element.get(name) is not None
        for name, value in compound.attributes
    )


def _leads_to(compounds: Sequence[_Compound], index: int, element: etree._Element) -> bool:
    """Whether what stands left of compound `index` fits what stands around the element."""
    if index == 0:
        return True
    how, wanted = compounds[index].before, compounds[index - 1]
    if how in ("+", "~"):
        around = list(element.itersiblings(etree.Element, preceding=True))
    else:
        around = list(element.iterancestors())
    for near in around[:1] if how in (">", "+") else around:
        if _fits(wanted, near, classes_of(near)) and _leads_to(compounds, index - 1, near):
            return True
    return False
