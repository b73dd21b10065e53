"""An HTTP service on loopback that answers as it is told, and remembers each request that came in whole."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it came; the names of its headers are in small letters."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


Act = Callable[["Visit"], None]


def answer(status: int, body: bytes = b"{}", **headers: str) -> Act:
    """A complete answer; `x_amzn_errortype` becomes the header `x-amzn-errortype`."""

    def act(visit: "Visit") -> None:
        visit.send_response(status)
        for name, value in headers.items():
            visit.send_header(name.replace("_", "-"), value)
        visit.send_header("Content-Length", str(len(body)))
        visit.end_headers()
        visit.wfile.write(body)

    return act


def say(data: bytes) -> Act:
    """Write these bytes and close."""

    def act(visit: "Visit") -> None:
        visit.wfile.write(data)
        visit.close_connection = True

    return act


def reset(visit: "Visit") -> None:
    """Break off (RST)."""
    visit.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    visit.connection.close()
    visit.close_connection = True


def hang(visit: "Visit") -> None:
    """Say nothing and stay on the line."""
    visit.service.over.wait(30)
    visit.close_connection = True


class Visit(BaseHTTPRequestHandler):
    """One connection; what stops in the middle of a request is not remembered."""

    protocol_version = "HTTP/1.1"
    service: "HttpService"

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if len(body) == length:
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(method=self.command, target=self.path, headers=headers, body=body)
            self.service.requests.append(request)
            self.service.act(self)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed."""

    def finish(self) -> None:
        if self.connection.fileno() >= 0:
            super().finish()


class HttpService:
    """A context manager; `act` is what the next visits are answered with, `url` where."""

    def __init__(self, act: Act, *, tls: ssl.SSLContext | None = None) -> None:
        self.act = act
        self.requests: list[Request] = []
        self.over = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Visit", (Visit,), {"service": self}))
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
