"""The domain of an address -> who keeps that mailbox, in the name that readers know it by."""

import re
from collections.abc import Iterable, Mapping

OTHERS = "other providers"

LEAST = 5
"""Fewer readers than this stand under no name of their own: a domain with one reader is that reader."""

MOST = 12
"""Providers that are told apart; the smaller ones are taken together."""

# The mailboxes that French readers have; each name has all domains that end at the same mail servers.
_DOMAINS: Mapping[str, tuple[str, ...]] = {
    "Gmail": ("gmail.com", "googlemail.com"),
    "Orange": ("orange.fr", "wanadoo.fr", "voila.fr"),
    "Outlook.com": ("msn.com", "passport.com"),
    "Yahoo": ("ymail.com", "rocketmail.com"),
    "AOL": ("aol.com", "aol.fr", "aim.com"),
    "Free": ("free.fr", "aliceadsl.fr", "libertysurf.fr", "online.fr", "worldonline.fr"),
    "SFR": (
        *("sfr.fr", "neuf.fr", "9online.fr", "cegetel.net", "club-internet.fr"),
        *("noos.fr", "numericable.fr", "numericable.com"),
    ),
    "Bouygues": ("bbox.fr", "bouygtel.fr"),
    "La Poste": ("laposte.net",),
    "iCloud": ("icloud.com", "me.com", "mac.com"),
    "Proton": ("proton.me", "protonmail.com", "protonmail.ch", "pm.me"),
    "Proximus": ("skynet.be", "proximus.be"),
    "Bluewin": ("bluewin.ch",),
}
_BY_DOMAIN = {domain: name for name, domains in _DOMAINS.items() for domain in domains}

# Those that offer addresses under a country's ending too: yahoo.fr, hotmail.co.uk, outlook.com.br.
_FAMILIES = {"hotmail": "Outlook.com", "live": "Outlook.com", "outlook": "Outlook.com"}
_FAMILIES |= {"yahoo": "Yahoo", "gmx": "GMX"}
_FAMILY = re.compile(rf"({'|'.join(_FAMILIES)})\.(?:com|net|[a-z]{{2}}|com?\.[a-z]{{2}})")


def provider_of(domain: str) -> str:
    """The provider's name, such as "Orange" for wanadoo.fr; the domain itself where it is not a known one."""
    domain = domain.lower()
    if match := _FAMILY.fullmatch(domain):
        return _FAMILIES[match[1]]
    return _BY_DOMAIN.get(domain, domain)


def told_apart(sizes: Mapping[str, int]) -> list[str]:
    """The providers that are told by name, the largest first, of all with so many readers each."""
    large = (name for name in sizes if name and sizes[name] >= LEAST)
    return sorted(large, key=lambda name: (-sizes[name], name))[:MOST]


def by_provider(domains: Iterable[tuple[str | None, int]]) -> dict[str, int]:
    """Counts by domain -> counts by provider; "" is whoever has no address any more."""
    counts: dict[str, int] = {}
    for domain, count in domains:
        name = provider_of(domain or "")
        counts[name] = counts.get(name, 0) + count
    return counts
