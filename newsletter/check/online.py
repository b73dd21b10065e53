"""The one module of proof-reading that touches the network: it follows links and says what is there.

Nothing but a status and the way there is read: no body, no cookie, no script. An address is looked up first,
and the connection goes to what was looked up, so that no name can lead into the network we sit in – neither
at the first step nor at a redirection.
"""

import asyncio
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from urllib.parse import urljoin

import httpx

from newsletter import __version__
from newsletter.check.proof import Visit

AT_ONCE = 8
PATIENCE = 10.0
"""Seconds for one link, with all its redirections."""
ALL_PATIENCE = 60.0
"""Seconds for all of them."""
HOPS = 5

Resolve = Callable[[str, int], list[str]]
"""Host, port -> IP addresses; raises OSError if there are none."""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052 §2.1
# All that is given out of IPv6 (RFC 4291 §2.4); outside of it lie other ways to write an IPv4 address.
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")


def is_public(ip: str) -> bool:
    """Whether an IP address belongs to the open internet, whichever way it is written."""
    address = ipaddress.ip_address(ip.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if address not in _GLOBAL_UNICAST:
            return False
    return address.is_global and not address.is_multicast


def look_up(host: str, port: int) -> list[str]:
    """The IP addresses of a host, as the system knows them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(info[4][0]) for info in found))


def visit(
    addresses: Sequence[str],
    *,
    agent: str = "",
    resolve: Resolve = look_up,
    allowed: Callable[[str], bool] = is_public,
    patience: float = PATIENCE,
    all_patience: float = ALL_PATIENCE,
) -> dict[str, Visit]:
    """Follow web addresses, and say of each what is there; one that time was too short for is told as such.

    `agent` is what sites are told of us beside our name. `allowed` says of an IP address whether we may
    connect to it; only tests hand in another.
    """
    visitor = _Visitor(
        f"actu5-newsletter/{__version__} (checks links before sending{agent and '; ' + agent})",
        resolve,
        allowed,
        patience,
    )
    return asyncio.run(_visit_all(visitor, addresses, all_patience))


async def _visit_all(visitor: "_Visitor", addresses: Sequence[str], patience: float) -> dict[str, Visit]:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(address: str) -> Visit:
        async with gate:
            return await visitor.visit(address)

    tasks = {address: asyncio.create_task(one(address)) for address in addresses}
    if tasks:
        _, waiting = await asyncio.wait(tasks.values(), timeout=patience)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    late = Visit(problem=f"all links together took more than {patience:g} s")
    return {address: late if task.cancelled() else task.result() for address, task in tasks.items()}


class _Problem(Exception):
    """Why a link could not be visited; `dead` if readers cannot visit it either."""

    def __init__(self, words: str, *, dead: bool = False) -> None:
        super().__init__(words)
        self.dead = dead


class _Visitor:
    """Follows one link after the other, with the same manners."""

    def __init__(self, agent: str, resolve: Resolve, allowed: Callable[[str], bool], patience: float) -> None:
        self._headers = {"User-Agent": agent, "Accept": "text/html,*/*;q=0.8"}
        self._resolve = resolve
        self._allowed = allowed
        self._patience = patience
        self._tls = httpx.create_ssl_context()

    async def visit(self, address: str) -> Visit:
        hops: list[str] = []
        try:
            async with asyncio.timeout(self._patience):
                return await self._follow(address, hops)
        except TimeoutError:
            return Visit(hops=tuple(hops), problem=f"no answer within {self._patience:g} s")
        except _Problem as problem:
            return Visit(hops=tuple(hops), problem=str(problem), dead=problem.dead)

    async def _follow(self, address: str, hops: list[str]) -> Visit:
        while True:
            url = _web_address(hops[-1] if hops else address)
            status, location = await self._ask("HEAD", url)
            if status >= 400:
                # Many sites do not answer HEAD, or say that the page is not there.
                status, location = await self._ask("GET", url)
            if status not in (301, 302, 303, 307, 308) or not location:
                return _judged(status, hops)
            if len(hops) == HOPS:
                raise _Problem(f"more than {HOPS} redirections")
            hops.append(urljoin(str(url), location))

    async def _ask(self, method: str, url: httpx.URL) -> tuple[int, str]:
        """Status and Location header of the answer."""
        port = url.port or {"http": 80, "https": 443}[url.scheme]
        host = url.raw_host.decode("ascii")
        failure: httpx.TransportError | None = None
        for ip in await self._addresses(host, port):
            try:
                return await self._ask_at(ip, method, url, host)
            except httpx.ConnectError as error:
                failure = error  # the next one may answer
            except httpx.TransportError as error:
                raise _Problem(f"the line broke ({type(error).__name__})") from error
        if failure is not None and isinstance(_cause(failure), ssl.SSLCertVerificationError):
            raise _Problem("its certificate is not valid", dead=True) from failure
        raise _Problem("nobody answers there", dead=True) from failure

    async def _addresses(self, host: str, port: int) -> list[str]:
        try:
            found = await _in_thread(lambda: self._resolve(host, port))
        except (OSError, UnicodeError) as error:
            if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
                raise _Problem("names cannot be looked up at the moment") from error
            raise _Problem(f"there is no site {host}", dead=True) from error
        public = [ip for ip in found if self._allowed(ip)]
        if not public:
            raise _Problem(f"{host} is in a private network, where we do not go", dead=True)
        return public[:4]

    async def _ask_at(self, ip: str, method: str, url: httpx.URL, host: str) -> tuple[int, str]:
        request = httpx.Request(
            method,
            url.copy_with(host=ip),
            headers={"Host": url.netloc.decode("ascii"), **self._headers},
            extensions={"sni_hostname": host, "timeout": httpx.Timeout(self._patience).as_dict()},
        )
        # A transport and no client: no cookies, no proxies, no passwords. And a line of its own for each
        # request, since lines are told apart by IP address, and two sites may share one.
        async with httpx.AsyncHTTPTransport(verify=self._tls, trust_env=False) as transport:
            response = await transport.handle_async_request(request)
            await response.aclose()
            return response.status_code, response.headers.get("location", "")


def _web_address(address: str) -> httpx.URL:
    """The address without a name and password in it; raises _Problem for what is none."""
    try:
        url = httpx.URL(address)
    except (httpx.InvalidURL, UnicodeError) as error:
        raise _Problem(f"{address[:80]!r} is not a web address", dead=True) from error
    if url.scheme not in ("http", "https") or not url.host:
        raise _Problem(f"{address[:80]!r} is not a web address", dead=True)
    return url.copy_with(username="", password="", fragment=None)


def _judged(status: int, hops: Sequence[str]) -> Visit:
    dead = status in (404, 410) or status >= 500
    problem = f"HTTP status {status}" if status >= 400 else ""
    return Visit(hops=tuple(hops), status=status, problem=problem, dead=dead)


def _cause(error: BaseException) -> BaseException:
    """What an exception goes back to in the end."""
    while (earlier := error.__cause__ or error.__context__) is not None:
        error = earlier
    return error


async def _in_thread(work: Callable[[], list[str]]) -> list[str]:
    """Run what may block in a thread that nobody waits for at the end: a look-up cannot be cut short."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[list[str]] = loop.create_future()

    def done(result: list[str] | None, error: Exception | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result or [])

    def run() -> None:
        result, failure = None, None
        try:
            result = work()
        except Exception as error:
            failure = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(done, result, failure)

    threading.Thread(target=run, daemon=True).start()
    return await future
