"""MJML's schema: which attributes a component has, of which types, and what may stand in what.

What the compiler does not understand it drops or copies without a word, so that a slip shows only in the
reader's mail. The schema is npm's own (`data/README.md`).
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from newsletter.compose.tree import etree
from newsletter.errors import nearest

_EVERYWHERE = frozenset({"css-class", "mj-class"})
_OWN: Mapping[str, Mapping[str, str]] = {
    "mjml": {"lang": "string", "dir": "enum(ltr,rtl,auto)"},
    "mj-class": {"name": "string"},
}
IGNORED = frozenset(
    [
        *(("mj-section", "gutter"), ("mj-hero", "border-radius")),
        *(("mj-button", "title"), ("mj-image", "sizes"), ("mj-image", "border-top")),
        *(("mj-image", "border-bottom"), ("mj-table", "role"), ("mj-social", "border"), ("mj-body", "id")),
        *(("mj-social-element", name) for name in ("icon-position", "border", "srcset", "sizes")),
    ]
)
"""What npm's compiler knows and ours does not (mjml-python 1.4.2)."""

_COLOUR = re.compile(
    r"#(?:[0-9a-f]{3}){1,2}|rgb\((?:\s*\d{1,3}\s*,?){3}\)|rgba\((?:\s*\d{1,3}\s*,){3}\s*[01]?(?:\.\d+)?\s*\)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Component:
    """`attributes` are names and types, `children` the components that may stand inside, `html` if HTML."""

    attributes: Mapping[str, Sequence[str]]
    children: Sequence[str]
    html: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Schema:
    """`anywhere` are all attributes that there are, with every type that they have somewhere."""

    components: Mapping[str, _Component]
    anywhere: Mapping[str, Sequence[str]]
    colours: frozenset[str]

    def parents(self, tag: str) -> list[str]:
        return sorted(name for name, component in self.components.items() if tag in component.children)


@lru_cache(maxsize=1)
def _schema() -> _Schema:
    data = json.loads((Path(__file__).parent / "data" / "mjml.json").read_text(encoding="utf-8"))
    components = {
        tag: _Component(attributes=_listed(each["attributes"]), children=each["children"], html=each["html"])
        for tag, each in data["components"].items()
    }
    anywhere: dict[str, Sequence[str]] = {}
    for component in components.values():
        for name, kinds in component.attributes.items():
            anywhere[name] = tuple(dict.fromkeys([*anywhere.get(name, ()), *kinds]))
    components["mjml"] = _Component(
        attributes=_listed(_OWN["mjml"]), children=("mj-head", "mj-body"), html=False
    )
    return _Schema(components=components, anywhere=anywhere, colours=frozenset(data["colours"]))


def _listed(types: Mapping[str, str]) -> dict[str, Sequence[str]]:
    return {name: (kind,) for name, kind in types.items()}


def fault(element: etree._Element, *, apart_from: frozenset[str] = frozenset()) -> tuple[str, str] | None:
    """What is wrong with an element by MJML's schema, and the way out; None if nothing is.

    `apart_from` are attributes that are not the template's own.
    """
    parent = element.getparent()
    if parent is not None and parent.tag == "mj-attributes":
        return _fault_in_defaults(element, apart_from)
    if misplaced := _misplaced(element):
        return misplaced
    component = _schema().components.get(str(element.tag))
    if component is None:
        return None
    loose = (element.text or "") + "".join(child.tail or "" for child in element)
    text = re.sub(r"\s+", " ", loose).strip()
    if text and not component.html and element.tag != "mj-attributes":
        return f"text directly in <{element.tag!s}>: {text[:30]!r}", "put it into <mj-text>"
    return _wrong_attribute(element, component.attributes, apart_from | _EVERYWHERE)


def _misplaced(element: etree._Element) -> tuple[str, str] | None:
    tag = str(element.tag)
    parent = element.getparent()
    if not tag.startswith("mj") and parent is not None and not str(parent.tag).startswith("mj"):
        return None  # inside other HTML, which has been looked at
    around = next((str(e.tag) for e in element.iterancestors() if str(e.tag) in _schema().components), "")
    if not around:
        return None
    component = _schema().components[around]
    if not tag.startswith("mj"):
        if component.html or around == "mj-attributes":
            return None
        way = "mj-raw" if around == "mj-head" else "mj-text"
        return f"<{tag}> cannot stand in <{around}>", f"put it into <{way}>"
    if tag in component.children:
        return None
    parents = " or ".join(f"<{parent}>" for parent in _schema().parents(tag)[:3])
    return f"<{tag}> cannot stand in <{around}>", f"put it into {parents}" if parents else "take it out"


def _fault_in_defaults(element: etree._Element, apart_from: frozenset[str]) -> tuple[str, str] | None:
    """A child of <mj-attributes>: defaults for one component, for a class of elements, or for all."""
    tag = str(element.tag)
    schema = _schema()
    if len(element):
        return f"<{tag}> in <mj-attributes> holds nothing", "write its attributes on it"
    if tag in ("mj-all", "mj-class"):
        known = {**schema.anywhere, **_listed(_OWN.get(tag, {}))}
        return _wrong_attribute(element, known, apart_from | {"css-class"})
    if tag not in schema.components:
        return f"<{tag}> is no component", "name a component, <mj-class> or <mj-all>"
    return _wrong_attribute(element, schema.components[tag].attributes, apart_from | _EVERYWHERE)


def _wrong_attribute(
    element: etree._Element, known: Mapping[str, Sequence[str]], passed: frozenset[str]
) -> tuple[str, str] | None:
    tag = str(element.tag)
    for name, value in element.attrib.items():
        if name in passed:
            continue
        if name not in known:
            meant = nearest(name, known)
            hint = f"did you mean {meant}?" if meant else "see the MJML reference for what it has"
            return f"<{tag}> has no attribute {name!r}", hint
        if (tag, name) in IGNORED:
            return f"the compiler ignores {name} on <{tag}>", "leave it out"
        plain = re.sub(r"[ \t\r\n]+", " ", value).strip(" ")
        if not any(_fits(plain, kind) for kind in known[name]):
            return f"{name}={plain!r} on <{tag}> is not {_in_words(known[name][0])}", _example(known[name][0])
    return None


def _fits(value: str, kind: str) -> bool:
    base, options, (least, most) = _taken_apart(kind)
    if base == "color":
        return value.lower() in _schema().colours or bool(_COLOUR.fullmatch(value))
    if base == "enum":
        return value in options
    if base == "boolean":
        return value in ("true", "false")
    if base == "integer":
        return bool(re.fullmatch(r"\d+", value))
    if base.startswith("unit"):
        values = value.split(" ")
        return least <= len(values) <= most and all(_has_unit(one, base, options) for one in values)
    return True


def _has_unit(value: str, base: str, units: Sequence[str]) -> bool:
    if value == "0" or (value == "auto" and "auto" in units):
        return True
    sign = "-?" if base == "unitWithNegative" else ""
    found = re.fullmatch(rf"{sign}(?:\d+(?:\.\d+)?|\.\d+)(?P<unit>[a-z%]*)", value)
    return bool(found and found["unit"] in units)


@lru_cache(maxsize=200)
def _taken_apart(kind: str) -> tuple[str, Sequence[str], tuple[int, int]]:
    """`unit(px,%){1,4}` -> ("unit", ["px", "%"], (1, 4))."""
    found = re.fullmatch(r"(?P<base>\w+)(?:\((?P<options>[^)]*)\))?(?:\{(?P<least>\d),(?P<most>\d)\})?", kind)
    if not found:
        return "string", (), (1, 1)
    counts = (int(found["least"]), int(found["most"])) if found["most"] else (1, 1)
    return found["base"], (found["options"] or "").split(","), counts


def _in_words(kind: str) -> str:
    base, options, (_, most) = _taken_apart(kind)
    if base.startswith("unit"):
        units = " or ".join(unit or "nothing" for unit in options)
        return f"a number with {units} behind it" if most == 1 else f"one to {most} numbers with {units}"
    named = {"color": "a colour", "boolean": "true or false", "integer": "a whole number"}
    return named.get(base) or "one of " + ", ".join(option for option in options if option)


def _example(kind: str) -> str:
    base, options, (_, most) = _taken_apart(kind)
    if base.startswith("unit"):
        return "write for instance 20px" if most == 1 else "write for instance 10px 25px"
    if base == "color":
        return "write for instance #b3261e"
    if base == "boolean":
        return "write true, or leave it out"
    return f"write {next((option for option in options if option), '1')}"
