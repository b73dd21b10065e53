"""The case that the doctor looks at: a publication, the time, and what may be asked about it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from newsletter.config import Config
from newsletter.deliver.backend import Backend, find_backend
from newsletter.deliver.readiness import is_nobodys
from newsletter.deliver.smtp_protocol import envelope_address
from newsletter.doctor.line import Line, unknown
from newsletter.doctor.names import Names, Silence
from newsletter.errors import ConfigError, Refused
from newsletter.links import Signer, read_signer
from newsletter.readers.database import Database
from newsletter.ways import Relay

OFFLINE = "not looked at: --offline"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One publication at one moment.

    `root` is its folder as errors may call it; `resolver` is None if nothing may be asked of any network;
    `environment` is where secrets are; `ips` are the addresses that mail leaves from, as far as they are
    known.
    """

    config: Config
    root: Path
    now: datetime
    resolver: Names | None
    environment: Mapping[str, str]
    ips: tuple[str, ...] = ()

    def database(self) -> Database:
        """The publication's database, which must be there. Raises StoreError."""
        store = self.config.store
        return Database.open(store.url, self.root, create=False, password=store.password)

    @property
    def offline(self) -> bool:
        return self.resolver is None

    @cached_property
    def ways(self) -> Sequence[tuple[Relay, Backend | ConfigError]]:
        """Each relay with its backend, or with what is wrong with its settings; none is opened."""
        return [(relay, _backend(relay)) for relay in self.config.relays]

    @property
    def backend(self) -> Backend | ConfigError:
        """That of the first relay: the one that this machine sends through by itself."""
        return self.ways[0][1]

    @property
    def reaches_people(self) -> bool:
        """Whether mail would go to people; one that is not set up is meant to."""
        return isinstance(self.backend, ConfigError) or self.backend.reaches_people

    @property
    def from_domain(self) -> str:
        """The domain of the From, in ASCII."""
        return domain_of(self.config.publication.sender.address)

    @property
    def envelope_domain(self) -> str:
        """The domain that mail comes back to, in ASCII: of `[send] bounces`, or else the From's."""
        return domain_of(self.config.send.bounces or self.config.publication.sender.address)

    def in_dns(self, title: str, look: Callable[[Names], Iterable[Line]]) -> Iterator[Line]:
        """What a look into DNS finds; unknown from where nobody answers, or if there is no use in asking."""
        if self.resolver is None:
            yield unknown(title, OFFLINE)
        elif is_nobodys(self.from_domain):
            yield unknown(title, f"not asked: {self.from_domain} is nobody's")
        else:
            try:
                yield from look(self.resolver)
            except Silence as silence:
                yield unknown(title, str(silence))

    @property
    def site_unasked(self) -> str:
        """Why the publication's site is not asked anything, "" if it is."""
        url = self.config.publication.url
        if not url:
            return "there is no site"
        host = urlsplit(url).hostname or ""
        return OFFLINE if self.offline else f"not asked: {host} is nobody's" if is_nobodys(host) else ""

    def signer(self) -> Signer | None:
        """What signs links; None if there is no key yet, since one would be made by asking for it.

        Raises ConfigError for a key that cannot be used.
        """
        state = self.root / ".newsletter"
        named = {"NEWSLETTER_SECRET", "NEWSLETTER_SECRET_FILE"} & self.environment.keys()
        if not named and not (state / "secret").exists():
            return None
        return read_signer(state, self.config.publication.list_id, self.environment)

    @property
    def secure(self) -> bool:
        return self.config.publication.url.startswith("https://")


def domain_of(address: str) -> str:
    """The domain of an address as DNS knows it: small letters, ASCII (IDNA 2008, RFC 5890)."""
    with suppress(Refused):  # whatever it is, it is said where the address is used
        address = envelope_address(address)
    return address.rpartition("@")[2].lower()


def _backend(relay: Relay) -> Backend | ConfigError:
    try:
        return find_backend(relay.backend, relay.table, where=relay.where)
    except ConfigError as error:
        return error
