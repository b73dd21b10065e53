"""The SPF record of a domain (RFC 7208): its parts, and all that it leads to."""

import ipaddress
import re
from dataclasses import dataclass, field
from typing import NamedTuple

from newsletter.doctor.names import Names

MOST_LOOKUPS = 10
"""Terms of a record, and of those it leads to, that make a receiver ask DNS (RFC 7208 §4.6.4)."""

ASKING = frozenset(("include", "a", "mx", "ptr", "exists", "redirect"))
_TERM = re.compile(
    r"(?P<sign>[+?~-]?)(?P<kind>all|include|a|mx|ptr|ip4|ip6|exists)(?::(?P<value>(?:[^/%\s]|%\{[^}]*\}|%[%_-])*))?"
    r"(?:/(?P<four>\d{1,3}))?(?://(?P<six>\d{1,3}))?",
    re.IGNORECASE,
)
_IP6 = re.compile(r"(?P<sign>[+?~-]?)ip6:(?P<value>[0-9a-f:.]+(?:/\d{1,3})?)", re.IGNORECASE)
_MODIFIER = re.compile(r"(?P<name>[a-z][a-z0-9_.-]*)=(?P<value>\S*)", re.IGNORECASE)


class Broken(Exception):
    """A record at fault: every receiver takes it for none that could be passed (permerror)."""


class Term(NamedTuple):
    """One mechanism, or the modifier `redirect`; `value` is a domain, a network or ""."""

    sign: str
    kind: str
    value: str
    four: int = 32
    six: int = 128

    @property
    def has_macro(self) -> bool:
        return "%" in self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A record in its parts; `redirect` counts only where nothing else decides (RFC 7208 §6.1)."""

    text: str
    terms: tuple[Term, ...]

    @property
    def last_word(self) -> str:
        """What becomes of everybody else: "-all", "redirect", or "" if nothing is said of them."""
        for term in self.terms:
            if term.kind in ("all", "redirect"):
                return f"{term.sign}all" if term.kind == "all" else "redirect"
        return ""


def record_of(domain: str, names: Names) -> Record | None:
    """The SPF record of a domain, None if there is none; raises Broken, Silence."""
    found = [text for text in names.texts(domain) if re.match(r"v=spf1(?: |\Z)", text, re.IGNORECASE)]
    if len(found) > 1:
        raise Broken(f"{domain} has {len(found)} SPF records, and one is allowed (RFC 7208 §4.5)")
    return read(found[0], domain) if found else None


def read(text: str, domain: str) -> Record:
    """A record in its parts; raises Broken for a term that is none."""
    terms: list[Term] = []
    redirects: list[Term] = []
    for word in text.split(" ")[1:]:
        if not word:
            continue
        if modifier := _MODIFIER.fullmatch(word):
            if modifier["name"].lower() == "redirect":
                redirects.append(Term("+", "redirect", modifier["value"]))
            continue
        terms.append(_term(word, domain))
    if len(redirects) > 1:
        raise Broken(f"{domain} redirects twice")
    everybody = any(term.kind == "all" for term in terms)
    return Record(text=text, terms=(*terms, *([] if everybody else redirects)))


def _term(word: str, domain: str) -> Term:
    if match := _IP6.fullmatch(word):
        return _network(match["sign"] or "+", "ip6", match["value"], domain)
    match = _TERM.fullmatch(word)
    if not match:
        raise Broken(f"{domain}: {word!r} is no term of SPF")
    sign, kind, value = match["sign"] or "+", match["kind"].lower(), match["value"] or ""
    if kind in ("ip4", "ip6"):
        return _network(sign, kind, value + (f"/{match['four']}" if match["four"] else ""), domain)
    if (kind in ("include", "exists") and not value) or (kind == "all" and match["value"] is not None):
        raise Broken(f"{domain}: {word!r} is no term of SPF")
    four, six = int(match["four"] or 32), int(match["six"] or 128)
    if four > 32 or six > 128:
        raise Broken(f"{domain}: {word!r} is no network")
    return Term(sign, kind, value, four, six)


def _network(sign: str, kind: str, value: str, domain: str) -> Term:
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError as error:
        raise Broken(f"{domain}: {value!r} is no network") from error
    if network.version != (4 if kind == "ip4" else 6):
        raise Broken(f"{domain}: {value!r} does not go with {kind}")
    return Term(sign, kind, value)


# ---- as a whole ----


@dataclass(kw_only=True)
class Tree:
    """A record and all that it leads to: how many terms make a receiver ask, and what is at fault in it."""

    lookups: int = 0
    faults: list[str] = field(default_factory=list)
    records: int = 0


def tree_of(domain: str, record: Record, names: Names) -> Tree:
    """Everything that a receiver may have to look at; raises Silence."""
    tree = Tree()
    _grow(tree, (domain,), record, names)
    return tree


def _grow(tree: Tree, way: tuple[str, ...], record: Record, names: Names) -> None:
    """Add what the record at the end of a way leads to; two may include the same one, each at its cost."""
    domain = way[-1]
    for term in record.terms:
        tree.lookups += term.kind in ASKING
        if term.kind not in ("include", "redirect") or term.has_macro:
            continue
        target = term.value.lower().rstrip(".")
        if target in way:
            tree.faults.append(f"{domain} includes {target}, which was there already")
            continue
        tree.records += 1
        if tree.records > 3 * MOST_LOOKUPS:
            return
        try:
            inner = record_of(target, names)
        except Broken as error:
            tree.faults.append(str(error))
            continue
        if inner is None:
            tree.faults.append(f"{domain} includes {target}, which has no SPF record")
            continue
        _grow(tree, (*way, target), inner, names)
