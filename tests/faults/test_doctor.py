"""F10, its second half: resolvers that are dead, fail or are walled in; the doctor says unknown, not pass."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import Answer, Newsletter
from tests.doctor.dns_server import DnsServer, dead_resolver

NAMES = ("lettre.invalid", "_dmarc.lettre.invalid", "press._domainkey.lettre.invalid")
REVERSE = "25.2.0.192.in-addr.arpa"

ABOUT_DNS = [
    "Mail to lettre.invalid",
    "Zone of lettre.invalid",
    "SPF",
    "DKIM press",
    "DMARC",
    "Name of 192.0.2.25",
]


@pytest.fixture
def ready(paper: Path, newsletter: Newsletter) -> Newsletter:
    """The publication signs its mail; its relay and its site are ports of this machine where nobody is."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    path = paper / "newsletter.toml"
    text = path.read_text(encoding="utf-8").replace("https://lettre.invalid", f"https://127.0.0.1:{port}")
    text = text.replace('"folder"', '"smtp"') + f'\n[backends.smtp]\nhost = "127.0.0.1"\nport = {port}\n'
    path.write_text(text + 'security = "plain"\n\n[dkim]\nselectors = ["press"]\n', encoding="utf-8")
    assert newsletter("dkim", "keygen", "press").code == 0
    return newsletter


def dns_lines(answer: Answer) -> dict[str, tuple[str, str]]:
    lines = json.loads(answer.out)["lines"]
    return {line["title"]: (line["verdict"], line["seen"]) for line in lines if line["family"] == "DNS"}


@pytest.fixture
def silent() -> Iterator[tuple[str, int]]:
    """The address of a resolver that takes every question and answers none."""
    resolver, address = dead_resolver()
    with resolver:
        yield address


def test_f10_of_a_dead_resolver_nothing_is_known(ready: Newsletter, silent: tuple[str, int]) -> None:
    answer = ready("doctor", "--json", "--ip", "192.0.2.25", "--resolver", f"{silent[0]}:{silent[1]}")
    unknown = ("unknown", f"the resolver 127.0.0.1:{silent[1]} does not answer")
    assert dns_lines(answer) == dict.fromkeys(ABOUT_DNS, unknown)
    assert answer.code == 0


@pytest.mark.parametrize("how", ["failing", "refused"])
def test_f10_of_a_resolver_that_fails_nothing_is_known(ready: Newsletter, how: str) -> None:
    everything = [*NAMES, REVERSE, "invalid", "_dmarc.invalid"]
    with DnsServer(**{how: everything}) as dns:  # type: ignore[arg-type]
        answer = ready("doctor", "--json", "--ip", "192.0.2.25", "--resolver", f"127.0.0.1:{dns.port}")
    lines = dns_lines(answer)
    assert list(lines) == ABOUT_DNS
    assert {verdict for verdict, _ in lines.values()} == {"unknown"}
    assert answer.code == 0


def test_f10_a_resolver_that_is_walled_in_and_knows_no_name_fails_nothing(ready: Newsletter) -> None:
    with DnsServer(walled=True) as dns:
        answer = ready("doctor", "--json", "--ip", "192.0.2.25", "--resolver", f"127.0.0.1:{dns.port}")
    unknown = f"the resolver 127.0.0.1:{dns.port} knows nothing of the world: it does not have the root"
    assert dns_lines(answer) == dict.fromkeys(ABOUT_DNS, ("unknown", unknown))
    assert answer.code == 0


def test_f10_one_that_answers_that_there_is_nothing_fails_all_of_it(ready: Newsletter) -> None:
    with DnsServer() as dns:
        answer = ready("doctor", "--json", "--ip", "192.0.2.25", "--resolver", f"127.0.0.1:{dns.port}")
    lines = dns_lines(answer)
    assert [lines[title][0] for title in ABOUT_DNS] == ["fail"] * 6
    assert answer.code == 3
