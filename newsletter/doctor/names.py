"""What DNS says of a name: something, nothing, or no answer at all; the one door to dnspython.

Nothing is what is said for certain: that there is no such name (NXDOMAIN), or no such record of it, by a
resolver that knows the world, which is told by its knowing the root. Whatever else goes wrong is silence, and
no finding.
"""

from collections.abc import Sequence
from typing import NamedTuple

import dns.exception
import dns.name
import dns.nameserver
import dns.resolver
import dns.reversename

PATIENCE = 5.0
"""Seconds for one question, whichever of the resolvers answers."""

ONE_TRY = 2.0
"""Seconds for one resolver to answer one packet."""

GIVE_UP = 2
"""After so many questions in a row without any answer no more are asked; after the first, if it was so."""

_PAYLOAD = 1232  # octets by UDP, https://www.dnsflagday.net/2020/; a longer answer is asked for by TCP


class Silence(Exception):
    """No answer that could be relied on: time was up, a server failed, there is no resolver."""


class MailServer(NamedTuple):
    """One MX record; `host` is "" for the null MX, which says that nobody gets mail there (RFC 7505)."""

    preference: int
    host: str


class Names:
    """Asks the system's resolvers, or those handed in as address and port.

    Every method returns nothing for a name that has no such record, and raises Silence.
    """

    def __init__(
        self,
        resolvers: Sequence[tuple[str, int]] = (),
        *,
        patience: float = PATIENCE,
        one_try: float = ONE_TRY,
    ) -> None:
        self._resolver: dns.resolver.Resolver | None = None
        self._why = ""
        try:
            self._resolver = dns.resolver.Resolver(configure=not resolvers)
        except (dns.exception.DNSException, ValueError) as error:  # the latter of a line it cannot read
            self._why = f"this machine has no resolver: {error}"
            return
        if resolvers:
            self._resolver.nameservers = [dns.nameserver.Do53Nameserver(*each) for each in resolvers]
        self._resolver.lifetime, self._resolver.timeout = patience, one_try
        self._resolver.use_edns(0, 0, _PAYLOAD)
        self._unanswered = 0
        self._heard = False
        self._known: dict[tuple[str, str], tuple[str, ...] | Silence] = {}

    def texts(self, name: str) -> tuple[str, ...]:
        """The TXT records, the strings of each joined without anything between (RFC 7208 §3.3)."""
        return self._ask(name, "TXT")

    def addresses(self, name: str) -> tuple[str, ...]:
        """The IP addresses, IPv4 first."""
        return (*self._ask(name, "A"), *self._ask(name, "AAAA"))

    def addresses_like(self, name: str, ip: str) -> tuple[str, ...]:
        """The IP addresses of the same kind as this one."""
        return self._ask(name, "AAAA" if ":" in ip else "A")

    def mail_servers(self, name: str) -> tuple[MailServer, ...]:
        """The MX records, the preferred one first."""
        found = (each.split(" ") for each in self._ask(name, "MX"))
        return tuple(sorted(MailServer(int(number), host.rstrip(".").lower()) for number, host in found))

    def pointers(self, ip: str) -> tuple[str, ...]:
        """The names that an IP address is said to have (PTR)."""
        name = dns.reversename.from_address(ip).to_text()
        return tuple(each.rstrip(".").lower() for each in self._ask(name, "PTR"))

    def is_zone(self, name: str) -> bool:
        """Whether a zone begins at this name: it has an SOA record."""
        return bool(self._ask(name, "SOA"))

    def _ask(self, name: str, kind: str) -> tuple[str, ...]:
        if self._resolver is None:
            raise Silence(self._why)
        key = name.lower().rstrip("."), kind
        if key not in self._known:
            if self._unanswered >= (GIVE_UP if self._heard else 1):
                raise Silence(self._why)
            self._known[key] = self._answer(self._resolver, name, kind)
        known = self._known[key]
        if isinstance(known, Silence):
            raise Silence(str(known))
        if not known and name != "." and not self._ask(".", "SOA"):
            raise Silence(f"the resolver {self._asked} knows nothing of the world: it does not have the root")
        return known

    def _answer(self, resolver: dns.resolver.Resolver, name: str, kind: str) -> tuple[str, ...] | Silence:
        try:
            wanted = dns.name.from_text(name)
        except (dns.exception.DNSException, UnicodeError):
            return ()  # no name at all
        found: tuple[str, ...] = ()
        try:
            answer = resolver.resolve(wanted, kind, search=False, raise_on_no_answer=False)
        except dns.resolver.NXDOMAIN:
            pass
        except dns.exception.Timeout:
            self._unanswered += 1
            self._why = f"the resolver {self._asked} does not answer"
            return Silence(self._why)
        except dns.resolver.NoNameservers:
            self._heard = True
            return Silence(f"the resolver {self._asked} could not find out about {name}")
        except (dns.exception.DNSException, OSError) as error:
            return Silence(f"the resolver {self._asked} gave no good answer about {name}: {error}")
        else:
            found = _told(answer, kind)
        self._unanswered, self._heard = 0, True
        return found

    @property
    def _asked(self) -> str:
        """The resolvers in words: "192.0.2.1"."""
        if self._resolver is None:
            return ""
        shown = (str(each).removeprefix("Do53:").removesuffix("@53") for each in self._resolver.nameservers)
        return " or ".join(each.replace("@", ":") for each in shown)


def _told(answer: dns.resolver.Answer, kind: str) -> tuple[str, ...]:
    if kind == "TXT":
        return tuple(b"".join(each.strings).decode("utf-8", "replace") for each in answer)
    return tuple(each.to_text() for each in answer)
