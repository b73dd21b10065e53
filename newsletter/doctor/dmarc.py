"""The DMARC policy of a domain (RFC 9989): found by a walk up the tree, and what stands in it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from newsletter.doctor.names import Names

REMOVED = ("pct", "rf", "ri")
"""Tags of RFC 7489 that receivers pass over now."""

LONGEST = 8
"""Labels of a name that is asked about itself; of a longer one, only the last seven are walked over."""

_MAILTO = re.compile(r"mailto:[^@\s!]+@([^@\s!,]+)(?:!\d+[kmgt]?)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A record as it stands at `domain`; `tags` are by name, in their order."""

    domain: str
    tags: Mapping[str, str]

    def tag(self, name: str, default: str = "") -> str:
        return self.tags.get(name, default).lower()

    @property
    def wish(self) -> str:
        """What is to become of mail that fails: none, quarantine or reject; "" if that is not said well."""
        wish = self.tag("p")
        return wish if wish in ("none", "quarantine", "reject") else ""

    @property
    def report_domains(self) -> tuple[str, ...]:
        """The domains that reports go to (`rua`)."""
        places = (_MAILTO.fullmatch(each.strip(" ")) for each in self.tags.get("rua", "").split(","))
        return tuple(place[1].lower() for place in places if place)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a walk found: the policies on the way, and the domain of the whole organisation."""

    domain: str
    policies: tuple[Policy, ...]
    organisation: str
    many: tuple[str, ...]

    @property
    def policy(self) -> Policy | None:
        """The one that counts for the domain: its own, or else its organisation's (RFC 9989 §4.10.1)."""
        for domain in (self.domain, self.organisation):
            for policy in self.policies:
                if policy.domain == domain:
                    return policy
        return self.policies[-1] if self.policies and self.policies[-1].tag("psd") == "y" else None


def walk(domain: str, names: Names) -> Found:
    """Look for policies from a domain up to its last label, in eight questions at most; raises Silence."""
    policies: list[Policy] = []
    many: list[str] = []
    for place in _places(domain):
        found = [policy for text in names.texts(f"_dmarc.{place}") if (policy := read(place, text))]
        if len(found) > 1:
            many.append(place)  # and all of them count for nothing (RFC 9989 §4.10, step 2)
        elif found:
            policies.append(found[0])
            if found[0].tag("psd") in ("n", "y"):
                break
    return Found(
        domain=domain,
        policies=tuple(policies),
        organisation=_organisation(domain, policies),
        many=tuple(many),
    )


def aligned(one: Found, other: Found, *, strict: bool) -> bool:
    """Whether two domains stand for the same sender (RFC 9989 §4.4)."""
    return one.domain == other.domain or (not strict and one.organisation == other.organisation)


def _places(domain: str) -> Iterator[str]:
    yield domain
    labels = domain.split(".")
    labels = labels[1:] if len(labels) <= LONGEST else labels[-(LONGEST - 1) :]
    while labels:
        yield ".".join(labels)
        labels = labels[1:]


def _organisation(domain: str, policies: list[Policy]) -> str:
    """RFC 9989 §4.10.2: where a policy says so, or else the highest place that has one."""
    if not policies:
        return domain
    last = policies[-1]
    if last.tag("psd") == "y" and last.domain != domain:
        below = domain.split(".")
        return ".".join(below[-(last.domain.count(".") + 2) :])
    return last.domain


def read(place: str, text: str) -> Policy | None:
    """The policy in a TXT record, None if it is none; what cannot be read of it is passed over (§4.8)."""
    if not re.match(r"[vV][ \t]*=[ \t]*DMARC1[ \t]*(?:;|\Z)", text):
        return None
    tags: dict[str, str] = {}
    for part in text.split(";"):
        name, equals, value = part.partition("=")
        if equals:
            tags.setdefault(name.strip(" \t").lower(), value.strip(" \t"))
    return Policy(domain=place, tags=tags)
