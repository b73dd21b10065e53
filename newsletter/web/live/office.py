"""What the pages that answer somebody have in common: the books, the words, the clock, the bounds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from newsletter.links import Signer
from newsletter.model import Publication
from newsletter.readers.database import Database
from newsletter.readers.proof import Proof
from newsletter.readers.requests import Requests
from newsletter.readers.store import Readers
from newsletter.readers.wishes import Wishes
from newsletter.web.live.forms import from_our_page
from newsletter.web.live.limits import Limits
from newsletter.web.live.nonces import Nonces
from newsletter.web.live.shelf import POLICY
from newsletter.web.pages import Pages
from newsletter.web.told import base_of

LONGEST_PAGE = 300

QUIET = {"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}
"""For pages whose address is a secret."""

_AGAIN = {429: "3600", 503: "60"}
"""After so many seconds it may be tried again."""

_TOKENS = ("confirm", "leave", "mine")


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """Shared by the threads that answer; `clock` tells the time in the publication's zone."""

    publication: Publication
    pages: Pages
    database: Database
    signer: Signer
    nonces: Nonces
    limits: Limits
    clock: Callable[[], datetime]
    # What is kept outside of these books of somebody who is erased, by their address.
    forget_elsewhere: Callable[[str], None] = lambda email: None
    # Made once: whoever attacks gets thousands of them.
    _failures: dict[int, str] = field(default_factory=dict)

    # ---- the books ----

    @property
    def readers(self) -> Readers:
        return Readers(self.database)

    @property
    def requests(self) -> Requests:
        return Requests(self.database, self.signer.hashes)

    @property
    def wishes(self) -> Wishes:
        return Wishes(self.database, self.signer.hashes)

    # ---- whoever asks ----

    @property
    def base(self) -> str:
        """What stands before every path."""
        return base_of(self.publication)

    def ours(self, request: Request, *, unnamed: bool = False) -> bool:
        """Whether a form comes from a page of this site, under its own name or this machine's."""
        parts = urlsplit(self.publication.url)
        origins = {f"{parts.scheme}://{parts.netloc}".lower(), f"http://{request.headers.get('host', '')}"}
        return from_our_page(request.headers, origins, unnamed=unnamed)

    def proof(self, request: Request, source: str, **more: str) -> Proof:
        return Proof(source=source, network=who_asks(request), **more)

    # ---- what is answered ----

    def page(
        self,
        name: str,
        values: Mapping[str, object],
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """The page `templates/web/live/NAME.html.j2` with these values, which nobody may keep."""
        text = self.pages.live(name, **values).encode()
        return HTMLResponse(self.nonces.put_in(text), status, headers=_live(headers))

    def missing(self) -> Response:
        """The same for every address that leads nowhere, so that it tells nothing of it."""
        return HTMLResponse(self.pages.missing(), 404, headers=_live(QUIET))

    def failure(self, status: int, headers: Mapping[str, str] | None = None) -> Response:
        """What went wrong, in a reader's words."""
        if status == 404:
            return self.missing()
        if status not in self._failures:
            self._failures[status] = self.pages.live("failure", number=status)
        again = {"Retry-After": _AGAIN[status]} if status in _AGAIN else {}
        return HTMLResponse(
            self._failures[status], status, headers=_live({**QUIET, **again, **(headers or {})})
        )

    def busy(self) -> Response:
        """For who has asked for too much."""
        return self.failure(429)

    def midnight_in(self, days: int) -> datetime:
        """The beginning of a day, so that the issue of that morning is sent again."""
        return (self.clock() + timedelta(days=days)).replace(hour=0, minute=0, second=0, microsecond=0)


def who_asks(request: Request) -> str:
    """The network address of whoever asks, as the door found it out."""
    return request.client.host if request.client else ""


def page_address(text: str) -> str:
    """The address of a page without anything secret in it; "" if it is none."""
    try:
        parts = urlsplit(text[:2000])
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return ""
        host = f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname
    except ValueError:
        return ""
    path = parts.path
    for word in _TOKENS:
        before, found, _ = path.partition(f"/{word}/")
        path = before + found
    address = f"{parts.scheme}://{host}{path}"[:LONGEST_PAGE]
    return address if address.isprintable() else ""


def _live(more: Mapping[str, str] | None) -> dict[str, str]:
    return {
        "Cache-Control": "no-store",
        "Content-Security-Policy": POLICY,
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        **(more or {}),
    }
