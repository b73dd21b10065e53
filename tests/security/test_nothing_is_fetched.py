"""A server of this machine, as the one that tells clouds their secrets, is never asked by what we read."""

import json
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from newsletter.bounces.sns import open_notification
from newsletter.check.online import is_public
from newsletter.errors import Forged
from tests.conftest import Newsletter, needs, write_issue

NOW = datetime(2026, 11, 23, tzinfo=UTC)

AT = (
    "127.0.0.1",
    "localhost",
    "127.1",
    "2130706433",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "[::1]",
    "[::ffff:127.0.0.1]",
)


class Counter:
    """Listens on both loopback addresses, and counts whoever knocks."""

    def __init__(self) -> None:
        self.knocked = 0
        self._sockets = [socket.create_server(("127.0.0.1", 0))]
        self.port: int = self._sockets[0].getsockname()[1]
        if socket.has_ipv6:
            self._sockets.append(socket.create_server(("::1", self.port), family=socket.AF_INET6))
        for each in self._sockets:
            threading.Thread(target=self._wait, args=(each,), daemon=True).start()

    def _wait(self, listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            self.knocked += 1
            connection.close()

    def close(self) -> None:
        for each in self._sockets:
            each.shutdown(socket.SHUT_RDWR)
            each.close()


@pytest.fixture
def metadata() -> Iterator[Counter]:
    counter = Counter()
    yield counter
    counter.close()


def test_the_counter_counts(metadata: Counter) -> None:
    with socket.create_connection(("127.0.0.1", metadata.port)) as line:
        line.recv(1)
    assert metadata.knocked == 1


def urls(port: int) -> list[str]:
    return [f"http://{host}:{port}/latest/meta-data/{n}" for n, host in enumerate(AT)]


def test_nothing_that_an_article_names_is_asked_for(
    paper: Path, newsletter: Newsletter, metadata: Counter
) -> None:
    """Its links are followed by `check --online` alone, and not into this machine."""
    here = f"127.0.0.1:{metadata.port}"
    text = "".join(f"\n\nUn [lien]({url}) et <{url}>." for url in urls(metadata.port))
    text += f"\n\n<img src='http://{here}/x.png'> <link rel=stylesheet href=//{here}> @import url(//{here});"
    article = f"---\ntitle: Un titre\nauthor: Zoé\nlink: http://{here}/\nsource: S\n---\n{text}\n"
    write_issue(paper, "2026-11-23", **{"01_un": article})
    assert newsletter("readers", "add", "lea@example.org").code == 0
    assert newsletter("build", "2026-11-23", "-o", "built").code == 0
    newsletter("check", "2026-11-23")
    told = newsletter("check", "2026-11-23", "--online").out
    assert told.count("is in a private network, where we do not go") >= len(AT) - 1
    newsletter("send", "--yes")
    assert newsletter("site", "build", "-o", "public").code == 0
    assert metadata.knocked == 0


def test_nothing_that_a_saved_page_names_is_asked_for(
    paper: Path, newsletter: Newsletter, metadata: Counter
) -> None:
    named = "".join(
        f"<img src='{url}'><a href='{url}'>x</a><iframe src='{url}'></iframe><object data='{url}'></object>"
        for url in urls(metadata.port)
    )
    words = "Des mots pour un paragraphe. " * 20
    head = f"<head><link rel=stylesheet href='{urls(metadata.port)[0]}'><title>Un titre</title></head>"
    body = f"<body><article><h1>Un titre</h1><p>{words}</p>{named}</article></body>"
    (paper / "page.html").write_text(f"<html>{head}{body}</html>", encoding="utf-8")
    assert newsletter("import", "page.html", "--issue", "2026-11-23").code == 0
    assert metadata.knocked == 0


def test_no_picture_of_an_article_and_nothing_in_a_template_is_asked_for(
    paper: Path, newsletter: Newsletter, metadata: Counter
) -> None:
    needs("chromium")
    here = f"127.0.0.1:{metadata.port}"
    for wrong in (f"![x](http://{here}/x.png)", f"![x](//{here}/x.png)"):
        write_issue(paper, "2026-11-23", **{"01_un": f"---\ntitle: T\nauthor: Z\n---\n{wrong}\n"})
        assert newsletter("build", "2026-11-23", "-o", "built").code == 3
    write_issue(paper, "2026-11-23")
    template = paper / "templates/mail/issue.mjml.j2"
    before = template.read_text(encoding="utf-8")
    assert "<mj-raw>" in before
    more = (
        f"<mj-raw><img src='http://{here}/x.png' alt='x'/><img src='http://[::1]:{metadata.port}/' alt=''/>"
    )
    template.write_text(before.replace("<mj-raw>", more, 1), encoding="utf-8")
    assert newsletter("build", "2026-11-23", "-o", "built").code == 0
    assert newsletter("preview", "2026-11-23", "--sheet", "sheet.png").code == 0
    template.write_text(before, encoding="utf-8")
    sheet = paper / "templates/mail/screen.css.j2"
    for rule in (f"@import url(http://{here}/x.css);", f"body {{{{ background: url(http://{here}/x) }}}}"):
        text = rule + sheet.read_text(encoding="utf-8")
        sheet.write_text(text, encoding="utf-8")
        newsletter("build", "2026-11-23", "-o", "built")
    assert metadata.knocked == 0


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_call_from_outside_makes_us_ask(metadata: Counter, scheme: str) -> None:
    asked: list[str] = []

    def fetch(address: str) -> bytes:
        asked.append(address)
        return b""

    arn = "arn:aws:sns:eu-west-3:123456789012:bounces"
    pem = "SimpleNotificationService-0123456789abcdef.pem"
    for address in (
        f"{scheme}://127.0.0.1:{metadata.port}/{pem}",
        f"{scheme}://sns.eu-west-3.amazonaws.com@127.0.0.1:{metadata.port}/{pem}",
        f"{scheme}://sns.eu-west-3.amazonaws.com.127.0.0.1.nip.example/{pem}",
        f"{scheme}://sns.eu-west-3.amazonaws.com:{metadata.port}/{pem}",
        f"{scheme}://127.0.0.1:{metadata.port}/#sns.eu-west-3.amazonaws.com/{pem}",
        f"{scheme}:\\\\127.0.0.1\\@sns.eu-west-3.amazonaws.com/{pem}",
        f"file:///etc/{pem}",
    ):
        body = {"Type": "Notification", "TopicArn": arn, "SigningCertURL": address, "SignatureVersion": "2"}
        body |= {"Message": "{}", "MessageId": "1", "Timestamp": "2026-11-23T06:00:00Z", "Signature": "AA=="}
        with pytest.raises(Forged):
            open_notification(json.dumps(body).encode(), (arn,), fetch, now=NOW)
    assert asked == []
    assert metadata.knocked == 0


@pytest.mark.parametrize(
    "ip",
    [
        *("0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "192.168.1.1"),
        *("192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "::ffff:127.0.0.1", "::127.0.0.1", "::ffff:0:127.0.0.1", "fe80::1", "fe80::1%eth0"),
        *("fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "64:ff9b::7f00:1", "64:ff9b:1::a9fe:a9fe"),
        *("2002:7f00:1::", "2001:db8::1"),
    ],
)
def test_no_other_way_to_write_an_address_leads_into_our_network(ip: str) -> None:
    assert not is_public(ip)


@pytest.mark.parametrize("ip", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822"])
def test_the_open_internet_may_be_gone_to(ip: str) -> None:
    assert is_public(ip)
