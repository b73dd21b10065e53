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


Around = Sequence[tuple[etree._Element, frozenset[str]]]
"""An element and those that it stands in, up to the root, each with its classes."""


def lineage(element: etree._Element) -> Around:
    return [(each, classes_of(each.get("class"))) for each in (element, *element.iterancestors())]


@lru_cache(maxsize=1000)
def classes_of(value: str | None) -> frozenset[str]:
    """The classes that a class attribute names."""
    return frozenset((value or "").split())


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

    def matches(self, element: etree._Element, around: Around | None = None) -> bool:
        """Whether it is for that element; `around` are what it stands in, if they are known already."""
        around = lineage(element) if around is None else around
        last = len(self.compounds) - 1
        return _fits(self.last, element, around[0][1]) and _leads_to(self.compounds, last, around)


T = TypeVar("T")


class Matcher(Generic[T]):
    """Selectors with something attached, sorted so that few of them have to be tried on an element."""

    def __init__(self, pairs: Iterable[tuple[Selector, T]]) -> None:
        self._by_name: dict[str, list[tuple[Selector, int, T]]] = {}
        for number, (each, attached) in enumerate(pairs):
            name = next((f".{cls}" for cls in sorted(each.last.classes)), each.last.tag)
            self._by_name.setdefault(name, []).append((each, number, attached))

    def found(self, element: etree._Element, around: Around | None = None) -> list[T]:
        """What is attached to the selectors that match an element, in the cascade's order, strongest last.

        `around` is its lineage, if it is known already.
        """
        around = lineage(element) if around is None else around
        names = ("*", str(element.tag), *(f".{cls}" for cls in around[0][1]))
        some = [
            (each.specificity, number, attached)
            for name in names
            for each, number, attached in self._by_name.get(name, ())
            if each.matches(element, around)
        ]
        return [attached for _, _, attached in sorted(some, key=lambda found: found[:2])]


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


def _leads_to(compounds: Sequence[_Compound], index: int, around: Around) -> bool:
    """Whether what stands left of compound `index` fits what stands around the first of `around`."""
    if index == 0:
        return True
    how, wanted = compounds[index].before, compounds[index - 1]
    if how in ("+", "~"):
        before = list(around[0][0].itersiblings(etree.Element, preceding=True))
        near = [[(each, classes_of(each.get("class"))), *around[1:]] for each in before]
        return any(
            _fits(wanted, *some[0]) and _leads_to(compounds, index - 1, some)
            for some in (near[:1] if how == "+" else near)
        )
    for at in range(1, len(around) if how == " " else min(2, len(around))):
        # The classes first, on the spot: this is asked of each element around each element.
        if (
            wanted.classes <= around[at][1]
            and _fits(wanted, *around[at])
            and _leads_to(compounds, index - 1, around[at:])
        ):
            return True
    return False
