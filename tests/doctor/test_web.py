"""One request to a web site: what it says, and for how long it is waited for."""

import socket
import threading
import time
from contextlib import suppress

import pytest

from newsletter.doctor.web import MOST, NoAnswer, ask
from tests.doctor.web_server import Answer, WebServer


def test_an_answer_that_comes_drop_by_drop_is_not_waited_for() -> None:
    def drip() -> None:
        line, _ = listener.accept()
        with line, suppress(OSError):
            line.recv(4096)
            line.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            for _ in range(100):
                time.sleep(0.05)
                line.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip)
        thread.start()
        began = time.monotonic()
        with pytest.raises(NoAnswer, match=r"no answer within 0\.3 s"):
            ask("GET", f"http://127.0.0.1:{listener.getsockname()[1]}/", patience=0.3)
        assert time.monotonic() - began < 2
        thread.join(10)


def test_of_a_long_answer_the_beginning_is_read() -> None:
    with WebServer({"GET /": Answer(body=b"x" * (3 * MOST))}) as site:
        assert ask("GET", f"{site.url}/").body == b"x" * MOST
