"""`newsletter doctor` from the command line: what is printed, the exit code, and that nothing has changed."""

import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from ssl import SSLContext

import pytest

from tests.cli.test_serve import serving, settings
from tests.conftest import ROOT, Newsletter
from tests.doctor.conftest import believed as believed
from tests.doctor.dns_server import SOA, DnsServer
from tests.doctor.papers import papers
from tests.doctor.test_examination import bytes_of
from tests.stories.conftest import Mailroom, through_smtp
from tests.stories.conftest import mailroom as mailroom

GOOD_DNS = {
    "lettre.invalid": {
        "SOA": [SOA.format("lettre.invalid")],
        "MX": ["10 mx.lettre.invalid."],
        "TXT": ['"v=spf1 ip4:192.0.2.25 -all"'],
    },
    "mx.lettre.invalid": {"A": ["192.0.2.25"]},
    "25.2.0.192.in-addr.arpa": {"PTR": ["mx.lettre.invalid."]},
    "_dmarc.lettre.invalid": {"TXT": ['"v=DMARC1; p=none; rua=mailto:d@lettre.invalid"']},
}


@contextmanager
def under_tls(listener: socket.socket, port: int, context: SSLContext) -> Iterator[None]:
    """Ends TLS where `listener` waits, as a web server does it, in front of a port in clear."""

    def carry(outside: socket.socket) -> None:
        with suppress(OSError), outside, socket.create_connection(("127.0.0.1", port)) as inside:
            secured = context.wrap_socket(outside, server_side=True)
            with secured:
                back = threading.Thread(target=pump, args=(inside, secured))
                back.start()
                pump(secured, inside)
                back.join(10)

    def pump(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=carry, args=(listener.accept()[0],), daemon=True).start()

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def lines_of(out: str) -> dict[str, dict[str, str]]:
    return {line["title"]: line for line in json.loads(out)["lines"]}


@pytest.mark.usefixtures("believed")
def test_a_publication_in_good_order_that_has_sent_and_is_served(
    paper: Path, newsletter: Newsletter, mailroom: Mailroom
) -> None:
    """Our own site, relay and books, and a DNS server: all that can be seen is well."""
    through_smtp(paper, mailroom.port)
    assert newsletter("readers", "add", "ada@example.org").code == 0
    (paper / ".newsletter/secret").unlink(missing_ok=True)
    assert newsletter("send", "--yes").code == 0
    with socket.create_server(("127.0.0.1", 0)) as front, DnsServer(GOOD_DNS) as dns:
        settings(paper, ("https://lettre.invalid", f"https://127.0.0.1:{front.getsockname()[1]}"))
        with serving(paper) as (site, _):
            port = int(site.rstrip("/").rpartition(":")[2])
            with under_tls(front, port, papers("127.0.0.1")):
                resolver = f"127.0.0.1:{dns.port}"
                answer = newsletter("doctor", "--json", "--resolver", resolver, "--ip", "192.0.2.25")
    told = lines_of(answer.out)
    wrong = {title: line for title, line in told.items() if line["verdict"] not in ("pass", "unknown")}
    assert set(wrong) == {"Alerts", "Return path", "Bounce mailbox"}
    assert answer.code == 0
    for title in ("One click", "Looking", "Site", "Web version", "Memory", "DMARC", "SPF for 192.0.2.25"):
        assert told[title]["verdict"] == "pass", told[title]
    assert told["Complaints"]["seen"].startswith("0 of 1 copies")
    assert len(mailroom.accepted) == 1
    status = newsletter("readers", "list", "--status", "active")
    assert "ada@example.org" in status.out


def test_offline_it_says_what_it_can_in_eighty_columns_without_colour(
    paper: Path, newsletter: Newsletter
) -> None:
    before = bytes_of(paper)
    answer = newsletter("doctor", "--offline")
    assert answer.code == 0
    assert max(map(len, answer.out.splitlines())) <= 80
    assert "\x1b" not in answer.out
    assert answer.out.startswith(
        "Settings\n"
        "  pass     Sender: La lettre du test <redaction@lettre.invalid>\n"
        "           (newsletter.toml:4); by 1 rue du Test, 75000 Paris\n"
    )
    families = re.findall(r"^\S.*", answer.out, re.MULTILINE)
    assert families == [
        "Settings",
        "Store",
        "Templates",
        "Relay",
        "DNS",
        "Site",
        "What comes back",
        "Reputation",
    ]
    assert answer.err == "\n28 lines: 5 to look at, 13 unknown, 10 well.\n"
    assert bytes_of(paper) == before


def test_a_failing_line_is_exit_code_3_and_json_has_all_of_it(paper: Path, newsletter: Newsletter) -> None:
    settings(paper, ('backend = "folder"', 'backend = "smtp"'))
    answer = newsletter("doctor", "--offline", "--json")
    assert answer.code == 3
    found = json.loads(answer.out)
    assert found["counts"] == {"pass": 9, "warn": 4, "fail": 1, "unknown": 14}
    assert len(found["lines"]) == 28
    assert found["lines"][2] == {
        "family": "Settings",
        "title": "Way out",
        "verdict": "fail",
        "seen": "smtp (newsletter.toml:9): newsletter.toml: no 'host' in [backends.smtp]",
        "do": 'add a line [backends.smtp] and below it host = "…"',
    }


def test_the_sample_publication_has_warnings_and_nothing_wrong(newsletter: Newsletter) -> None:
    """As it stands in this repository: it sends to nobody, at addresses that are nobody's."""
    with DnsServer() as dns:
        answer = newsletter(
            "-C", str(ROOT), "doctor", "--json", "--resolver", f"127.0.0.1:{dns.port}", "--ip", "192.0.2.25"
        )
        assert dns.asked == []
    assert answer.code == 0
    told = lines_of(answer.out)
    for title in ("Sender", "Web address", "Way out"):
        assert told[title]["verdict"] == "warn", title
    assert told["SPF"]["seen"] == "not asked: example.org is nobody's"
    assert told["One click"]["seen"] == "not asked: actu5.example.org is nobody's"
    assert told["Sample issue"]["verdict"] == told["Notices"]["verdict"] == "pass"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("--ip", "mail.lettre.invalid"), "--ip: 'mail.lettre.invalid' is not an IP address"),
        (("--ip", "fe80::1%eth0"), "--ip: 'fe80::1%eth0' is not an IP address"),
        (("--resolver", "dns.lettre.invalid"), "--resolver: 'dns.lettre.invalid' is not an IP address"),
        (("--resolver", "192.0.2.1:x"), "--resolver: '192.0.2.1:x' has no port"),
        (("--resolver", "192.0.2.1:70000"), "--resolver: '192.0.2.1:70000' has no port"),
        (("--resolver", "[2001:db8::1]:0"), "--resolver: '[2001:db8::1]:0' has no port"),
    ],
)
def test_addresses_are_written_in_numbers(
    newsletter: Newsletter, arguments: tuple[str, ...], error: str
) -> None:
    answer = newsletter("doctor", "--offline", *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(f"Error: {error}\nHint: write ")


@pytest.mark.parametrize("named", ["::1", "[::1]:5353"])
def test_a_resolver_is_named_with_or_without_a_port(newsletter: Newsletter, named: str) -> None:
    assert newsletter("doctor", "--offline", "--json", "--resolver", named).code == 0


def test_an_address_of_ipv4_may_be_written_as_one_of_ipv6(newsletter: Newsletter) -> None:
    answer = newsletter("doctor", "--offline", "--json", "--ip", "::ffff:192.0.2.25")
    assert "Name of 192.0.2.25" in lines_of(answer.out)


def test_broken_settings_are_told_as_by_every_command(paper: Path, newsletter: Newsletter) -> None:
    settings(paper, ("[publication]", "[publicaton]"))
    answer = newsletter("doctor")
    assert answer.code == 2
    assert "did you mean [publication]?" in answer.err
