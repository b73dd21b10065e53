"""Whether one address may send in a domain's name, by the SPF records there are (RFC 7208 §4, §5, §7)."""

import ipaddress
import re
from typing import NamedTuple, TypeVar
from urllib.parse import quote

from newsletter.doctor.names import Names
from newsletter.doctor.spf import ASKING, MOST_LOOKUPS, Broken, Term, record_of

MOST_VOID = 2
"""Lookups that may find nothing (RFC 7208 §4.6.4)."""

MOST_HOSTS = 10
"""Mail servers, or names of an address, that may be looked at for one term."""

_RESULTS = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}
_MACRO = re.compile(r"%(?:\{([slodiphv])(\d*)(r?)([.+,/_=-]*)\}|([%_-]))", re.IGNORECASE)
_FIXED = {"%": "%", "_": " ", "-": "%20"}

_T = TypeVar("_T")


class Sender(NamedTuple):
    """Who sends: the IP address, and the address that mail comes back to."""

    ip: str
    address: str


class Asked:
    """What the records say of one sender, counting what it costs a receiver to find that out."""

    def __init__(self, sender: Sender, names: Names) -> None:
        self._sender = sender
        self._ip = ipaddress.ip_address(sender.ip)
        self._names = names
        self._lookups = 0
        self._void = 0

    def result(self, domain: str) -> str:
        """pass, fail, softfail, neutral or none (RFC 7208 §2.6); raises Broken, Silence."""
        record = record_of(domain, self._names)
        if record is None:
            return "none"
        for term in record.terms:
            self._lookups += term.kind in ASKING
            if self._lookups > MOST_LOOKUPS:
                raise Broken(f"more than {MOST_LOOKUPS} lookups (RFC 7208 §4.6.4)")
            if term.kind == "redirect":
                return self._elsewhere(domain, term)
            if self._matches(term, domain):
                return _RESULTS[term.sign]
        return "neutral"

    def _elsewhere(self, domain: str, term: Term) -> str:
        target = self._target(term, domain)
        found = self.result(target)
        if found == "none":
            raise Broken(f"{domain} leads to {target}, which has no SPF record")
        return found

    def _matches(self, term: Term, domain: str) -> bool:
        target, ip = self._target(term, domain), self._sender.ip
        match term.kind:
            case "all":
                return True
            case "ip4" | "ip6":
                return self._ip in ipaddress.ip_network(term.value, strict=False)
            case "include":
                return self._elsewhere(domain, term) == "pass"
            case "a":
                return self._is_in(self._counted(self._names.addresses_like(target, ip)), term)
            case "mx":
                hosts = [each.host for each in self._counted(self._names.mail_servers(target)) if each.host]
                return any(
                    self._is_in(self._names.addresses_like(host, ip), term) for host in hosts[:MOST_HOSTS]
                )
            case "ptr":
                return any(name == target or name.endswith(f".{target}") for name in self._own_names())
            case _:  # exists: an IPv4 address, whoever asks
                return bool(self._counted(self._names.addresses_like(target, "0.0.0.0")))  # noqa: S104

    def _is_in(self, addresses: tuple[str, ...], term: Term) -> bool:
        length = term.four if self._ip.version == 4 else term.six
        return any(self._ip in ipaddress.ip_network(f"{each}/{length}", strict=False) for each in addresses)

    def _own_names(self) -> list[str]:
        """The names of the sender's address that lead back to it (RFC 7208 §5.5)."""
        ip = self._sender.ip
        return [
            name
            for name in self._counted(self._names.pointers(ip))[:MOST_HOSTS]
            if self._ip in map(ipaddress.ip_address, self._names.addresses_like(name, ip))
        ]

    def _counted(self, found: tuple[_T, ...]) -> tuple[_T, ...]:
        self._void += not found
        if self._void > MOST_VOID:
            raise Broken(f"more than {MOST_VOID} lookups that find nothing (RFC 7208 §4.6.4)")
        return found

    def _target(self, term: Term, domain: str) -> str:
        """The domain that a term is about, its macros filled in (RFC 7208 §7)."""
        if not term.value or term.kind in ("ip4", "ip6"):
            return domain
        return _MACRO.sub(lambda match: self._filled(match, domain), term.value).lower().rstrip(".")

    def _filled(self, match: re.Match[str], domain: str) -> str:
        if match[5]:
            return _FIXED[match[5]]
        local, _, own = self._sender.address.rpartition("@")
        values = {
            "s": self._sender.address,
            "l": local,
            "o": own,
            "d": domain,
            "h": own,  # what the relay says of itself is not known here
            "i": _dotted(self._ip),
            "v": "in-addr" if self._ip.version == 4 else "ip6",
            "p": "unknown",
        }
        parts = re.split(f"[{re.escape(match[4] or '.')}]", values[match[1].lower()])
        parts = parts[::-1] if match[3] else parts
        kept = ".".join(parts[-int(match[2]) :] if match[2] else parts)
        return quote(kept, safe="") if match[1].isupper() else kept


def _dotted(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    return str(ip) if ip.version == 4 else ".".join(ip.exploded.replace(":", ""))
