"""A web site on loopback that says what it is told to, in clear or under TLS, and notes what it is asked."""

import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What is said to one kind of request."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class WebServer:
    """Answers by method and path, as "POST /leave/*", a star at the end standing for anything; else 404.

    `asked` is what came: method, path, body. `date` is the time that answers tell; None for none.
    """

    def __init__(
        self,
        answers: Mapping[str, Answer],
        *,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        date: str | None = "Mon, 23 Nov 2026 05:45:10 GMT",
    ) -> None:
        self.asked: list[tuple[str, str, bytes]] = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def _do(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                asked.append((self.command, self.path, body))
                answer = _found(answers, f"{self.command} {self.path}")
                self.send_response_only(answer.status)
                if date is not None:
                    self.send_header("Date", date)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(answer.body)

            do_GET = do_POST = do_HEAD = _do  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer((host, 0), Handler)
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        if tls:
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self.url = f"{'https' if tls else 'http'}://{host}:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()


def _found(answers: Mapping[str, Answer], wanted: str) -> Answer:
    for asked, answer in answers.items():
        if wanted == asked or (asked.endswith("*") and wanted.startswith(asked[:-1])):
            return answer
    return Answer(status=404)
