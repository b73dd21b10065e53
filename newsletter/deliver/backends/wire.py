"""One socket to a mail server, on which every step has a deadline."""

import socket
import ssl
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from newsletter.deliver.smtp_replies import Garbled, Replies, Reply

BLOCK = 65536
SEND_BUFFER = 4 * 1024 * 1024


class Lost(Exception):
    """The connection is of no more use; the text says why, and `passing` that it may be otherwise soon."""

    def __init__(self, why: str, *, passing: bool = True) -> None:
        super().__init__(why)
        self.passing = passing


class Wire:
    """A connected socket that speaks in replies; whatever goes wrong on it is `Lost`.

    Deadlines are seconds for a whole step, not for each packet: a server that trickles its reply byte by
    byte gets no more time than one that is silent.
    """

    def __init__(self, host: str, port: int, *, seconds: float) -> None:
        """Connect, allowing each of the host's addresses so many seconds."""
        with _told():
            self._socket = socket.create_connection((host, port), timeout=seconds)
            _tune(self._socket)
        self._replies = Replies()
        self._events: deque[Reply | Garbled] = deque()

    @property
    def own_address(self) -> str:
        """The numeric address of this end."""
        with _told():
            return str(self._socket.getsockname()[0])

    @property
    def tls(self) -> str:
        """Protocol and cipher, as `TLSv1.3 TLS_AES_256_GCM_SHA384`; "" in clear."""
        cipher = self._socket.cipher() if isinstance(self._socket, ssl.SSLSocket) else None
        return f"{cipher[1]} {cipher[0]}" if cipher else ""

    @property
    def certificate_ends(self) -> float | None:
        """Until when the other end's certificate holds, in seconds since 1970; None in clear."""
        known = self._socket.getpeercert() if isinstance(self._socket, ssl.SSLSocket) else None
        ends = known.get("notAfter") if known else None
        return ssl.cert_time_to_seconds(ends) if isinstance(ends, str) else None

    def secure(self, context: ssl.SSLContext, host: str, *, seconds: float) -> None:
        """Turn to TLS; raises `Lost` if the server's certificate does not prove that it is `host`."""
        with _told():
            self._socket = context.wrap_socket(
                self._socket, server_hostname=host, do_handshake_on_connect=False
            )
            self._socket.settimeout(seconds)
            self._socket.do_handshake()

    def write(self, data: bytes, *, seconds: float) -> None:
        """Hand all of `data` to the kernel; each block of 64 KiB may take so many seconds."""
        for start in range(0, len(data), BLOCK):
            ends = time.monotonic() + seconds
            block = memoryview(data)[start : start + BLOCK]
            while block:
                with _told():
                    self._socket.settimeout(_left(ends))
                    block = block[self._socket.send(block) :]

    def read(self, *, seconds: float) -> Reply:
        """The next reply, complete within so many seconds."""
        ends = time.monotonic() + seconds
        while not self._events:
            try:
                with _told():
                    self._socket.settimeout(_left(ends))
                    self._take(self._socket.recv(BLOCK))
            except Lost as lost:
                if self._replies.waiting:
                    words = f"{lost}, in the middle of a reply: {self._replies.begun!r}"
                    raise Lost(words, passing=lost.passing) from lost
                raise
        event = self._events.popleft()
        if isinstance(event, Garbled):
            raise Lost(event.reason)
        return event

    def unasked(self) -> str:
        """What the server has said that nobody asked for, or ""; raises `Lost` if it has hung up."""
        try:
            with _told():
                self._socket.settimeout(0)
                self._take(self._socket.recv(BLOCK))
        except (BlockingIOError, ssl.SSLWantReadError):
            pass
        if self._events:
            event = self._events[0]
            return event.text if isinstance(event, Reply) else event.reason
        return self._replies.begun

    def detach(self) -> tuple[socket.socket, Replies]:
        """The socket (an `ssl.SSLSocket` under TLS), and the reader of what comes from it."""
        self._socket.setblocking(False)
        return self._socket, self._replies

    def close(self) -> None:
        self._socket.close()

    def _take(self, data: bytes) -> None:
        if not data:
            raise Lost("the server closed the connection")
        self._events += self._replies.feed(data)


def _tune(connected: socket.socket) -> None:
    """Send without delay, and let the kernel take a whole message at once where it has room for that."""
    with suppress(OSError), socket.socket() as trial:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        # Linux grants what net.core.wmem_max allows, and from then on no longer lets the buffer grow.
        if trial.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) > connected.getsockopt(
            socket.SOL_SOCKET, socket.SO_SNDBUF
        ):
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)


def _left(ends: float) -> float:
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (BlockingIOError, ssl.SSLWantReadError):
        raise
    except TimeoutError as error:
        raise Lost("time was up") from error
    except ssl.SSLCertVerificationError as error:
        raise Lost(f"the certificate does not hold: {error.verify_message}", passing=False) from error
    except (OSError, UnicodeError) as error:
        broken_off = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
        at_odds = isinstance(error, ssl.SSLError | UnicodeError) and not isinstance(error, broken_off)
        raise Lost(getattr(error, "strerror", None) or str(error), passing=not at_odds) from error
