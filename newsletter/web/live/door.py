"""The door of the live site: who comes in, by which name, and what every answer says to the browser.

A fault of ours is told to the reader in general words and to the log without any: neither an address nor a
link may stand there.
"""

import ipaddress
import traceback
from collections.abc import Callable, Collection, MutableMapping, Sequence
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

Networks = Sequence[IPv4Network | IPv6Network]

THIS_MACHINE = ("localhost", "127.0.0.1", "::1")

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_UNLESS_SAID = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
_OURS = Path(__file__).parents[2]


class Door:
    """Lets in who asks for the site by its name, finds out who that is, and answers for what goes wrong.

    `log` takes a line.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        url: str,
        proxies: Networks,
        log: Callable[[str], None],
    ) -> None:
        self._app = app
        self._hosts = {(urlsplit(url).hostname or "").lower(), *THIS_MACHINE}
        self._base = urlsplit(url).path.rstrip("/")
        self._proxies = proxies
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        begun = False

        async def answer(message: MutableMapping[str, Any]) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                headers.update(_ALWAYS)
                for name, value in _UNLESS_SAID.items():
                    headers.setdefault(name, value)
            await send(message)

        headers = Headers(scope=scope)
        if not named(headers.getlist("host"), self._hosts):
            await PlainTextResponse("not the name of this site\n", 421)(scope, receive, answer)
            return
        peer = scope["client"][0] if scope.get("client") else ""
        ip = who(peer, headers.getlist("x-forwarded-for"), self._proxies)
        try:
            await self._app({**scope, "client": (ip, 0)}, receive, answer)
        except Exception as error:
            # The app has answered; caught here it is not logged further out, with all that it says.
            what = _first(scope["path"].removeprefix(self._base))
            self._log(f"A fault while answering {scope['method']} {ascii(what)[1:-1]}: {fault(error)}")
            if not begun:  # the page about it failed too
                await PlainTextResponse("something went wrong\n", 500)(scope, receive, answer)


def named(hosts: Sequence[str], known: Collection[str]) -> bool:
    """Whether a request names this site, once, with whichever port (RFC 9112 §3.2)."""
    if len(hosts) != 1:
        return False
    try:
        return (urlsplit(f"//{hosts[0]}").hostname or "").rstrip(".") in known
    except ValueError:
        return False


def who(peer: str, forwarded: Sequence[str], proxies: Networks) -> str:
    """The network address that asks: the last one in X-Forwarded-For that is not a proxy of ours.

    What stands before it anybody may have written. Without a proxy of ours in between, it is the peer's.
    """
    found = peer
    hops = [hop.strip(" \t") for line in forwarded for hop in line.split(",")]
    while _is_in(found, proxies) and hops:
        hop = hops.pop()
        try:
            # Without a zone (RFC 4007 §11), in which anything may be written, and which is none of our links.
            found = str(ipaddress.ip_address(hop.partition("%")[0]))
        except ValueError:
            break
    return found


def fault(error: BaseException) -> str:
    """What failed and where, without what it said: that may hold an address."""
    frames = [
        f"{Path(frame.filename).name}:{frame.lineno}"
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(_OURS)
    ]
    return f"{type(error).__name__} at {' > '.join(frames[-4:]) or 'a place outside of the press'}"


def _is_in(ip: str, networks: Networks) -> bool:
    try:
        address = ipaddress.ip_address(ip.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address in network for network in networks)


def _first(path: str) -> str:
    """The first step of a path: what follows may be a reader's token."""
    return "/".join(path.split("/")[:2])
