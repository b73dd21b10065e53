"""The certificate of Amazon's notifications is fetched once, from where it is, and from nowhere else."""

import contextlib
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import pytest

from newsletter.bounces.certificates import Certificates
from newsletter.errors import Unavailable
from tests.bounces.imap_server import AUTHORITY, client_context


class Answers(BaseHTTPRequestHandler):
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        status = {"/moved.pem": 302, "/gone.pem": 404}.get(self.path, 200)
        self.send_response(status)
        self.send_header("Location", "/here.pem")
        self.end_headers()
        self.wfile.write(b"x" * 200_000 if self.path == "/long.pem" else b"the certificate")

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing to say."""


@contextlib.contextmanager
def service() -> Iterator[str]:
    Answers.asked.clear()
    server = HTTPServer(("127.0.0.1", 0), Answers)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("localhost").configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"https://localhost:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_certificate_is_fetched_once() -> None:
    with service() as at:
        certificates = Certificates(context=client_context())
        assert certificates.fetch(f"{at}/here.pem") == b"the certificate"
        assert certificates.fetch(f"{at}/here.pem") == b"the certificate"
        assert Answers.asked == ["/here.pem"]


@pytest.mark.parametrize("name", ["moved", "gone"])
def test_what_is_not_there_is_for_later_and_no_other_address_is_gone_to(name: str) -> None:
    with service() as at:
        with pytest.raises(Unavailable, match=r"no certificate: (302|404)"):
            Certificates(context=client_context()).fetch(f"{at}/{name}.pem")
        assert Answers.asked == [f"/{name}.pem"]


def test_no_more_than_a_certificate_is_read() -> None:
    with service() as at:
        assert len(Certificates(context=client_context()).fetch(f"{at}/long.pem")) == 65_536


def test_a_host_that_nobody_vouches_for_is_not_listened_to() -> None:
    with service() as at:
        with pytest.raises(Unavailable, match="no certificate: "):
            Certificates().fetch(f"{at}/here.pem")
        assert Answers.asked == []
