"""DNS on a wire of its own: something, nothing, and no answer are three things."""

import time
from pathlib import Path

import pytest
from dns.resolver import Resolver

from newsletter.doctor.names import MailServer, Names, Silence
from tests.doctor.conftest import Dns
from tests.doctor.dns_server import DnsServer, dead_resolver, txt

LONG = "v=spf1 " + " ".join(f"ip4:192.0.2.{n}" for n in range(120)) + " -all"


def test_each_kind_of_record_is_told_as_it_is_meant(dns: Dns) -> None:
    names = dns(
        {
            "lettre.invalid": {
                "A": ["192.0.2.1"],
                "AAAA": ["2001:db8::1"],
                "MX": ["20 mx2.lettre.invalid.", "10 MX1.lettre.invalid."],
                "TXT": ['"in two " "strings"', '"another"'],
                "SOA": ["ns.lettre.invalid. host.lettre.invalid. 1 2 3 4 5"],
            },
            "1.2.0.192.in-addr.arpa": {"PTR": ["Mail.lettre.invalid."]},
        }
    )
    assert names.addresses("lettre.invalid") == ("192.0.2.1", "2001:db8::1")
    assert names.addresses_like("lettre.invalid", "2001:db8::99") == ("2001:db8::1",)
    assert names.mail_servers("Lettre.invalid.") == (
        MailServer(10, "mx1.lettre.invalid"),
        MailServer(20, "mx2.lettre.invalid"),
    )
    assert sorted(names.texts("lettre.invalid")) == ["another", "in two strings"]
    assert names.pointers("192.0.2.1") == ("mail.lettre.invalid",)
    assert names.is_zone("lettre.invalid")
    assert not names.is_zone("sub.lettre.invalid")


def test_no_such_name_and_no_such_record_are_both_nothing(dns: Dns) -> None:
    names = dns({"lettre.invalid": {"A": ["192.0.2.1"]}})
    assert names.texts("lettre.invalid") == ()
    assert names.texts("nobody.invalid") == ()
    assert names.texts("a..b") == ()
    assert names.texts("x" * 64 + ".invalid") == ()


def test_the_null_mx_has_no_host(dns: Dns) -> None:
    assert dns({"a.invalid": {"MX": ["0 ."]}}).mail_servers("a.invalid") == (MailServer(0, ""),)


def test_what_does_not_fit_into_a_packet_is_asked_for_by_tcp() -> None:
    zone = {"long.invalid": {"TXT": [txt(LONG)]}}
    with DnsServer(zone, truncated=["long.invalid"]) as server:
        assert Names([server.address]).texts("long.invalid") == (LONG,)
        assert server.asked == [("long.invalid", "TXT", "udp"), ("long.invalid", "TXT", "tcp")]


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"failing": ["a.invalid"]}, "could not find out about a.invalid"),
        ({"refused": ["a.invalid"]}, "could not find out about a.invalid"),
        ({"mute": ["a.invalid"]}, "does not answer"),
    ],
)
def test_a_failing_refusing_or_mute_server_is_silence_and_not_nothing(
    dns: Dns, how: dict[str, list[str]], words: str
) -> None:
    names = dns({"a.invalid": {"A": ["192.0.2.1"]}, "b.invalid": {"A": ["192.0.2.2"]}}, **how)
    assert names.addresses("b.invalid") == ("192.0.2.2",)
    for _ in range(2):
        with pytest.raises(Silence, match=words):
            names.addresses("a.invalid")
    assert names.addresses("b.invalid") == ("192.0.2.2",)


def test_a_resolver_without_the_root_knows_nothing_for_certain(dns: Dns) -> None:
    """As inside a network that is cut off, where each name out there is said not to exist."""
    names = dns({"inside.invalid": {"A": ["192.0.2.1"]}}, walled=True)
    assert names.addresses_like("inside.invalid", "192.0.2.9") == ("192.0.2.1",)
    with pytest.raises(Silence, match="it does not have the root"):
        names.texts("outside.invalid")


@pytest.mark.parametrize("line", [b"nameserver oops", b"# caf\xe9\nnameserver 192.0.2.53"])
def test_a_machine_whose_resolvers_cannot_be_read_has_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, line: bytes
) -> None:
    (tmp_path / "resolv.conf").write_bytes(line + b"\n")
    read = Resolver.read_resolv_conf
    monkeypatch.setattr(
        Resolver, "read_resolv_conf", lambda self, _: read(self, str(tmp_path / "resolv.conf"))
    )
    with pytest.raises(Silence, match="this machine has no resolver"):
        Names().texts("a.invalid")


def test_dead_resolvers_are_not_waited_for_again_and_again() -> None:
    silent, address = dead_resolver()
    with silent:
        names = Names([address], patience=0.4, one_try=0.2)
        began = time.monotonic()
        for count in range(20):
            with pytest.raises(Silence, match=f"the resolver 127.0.0.1:{address[1]} does not answer"):
                names.texts(f"{count}.invalid")
        assert time.monotonic() - began < 2


def test_the_second_resolver_answers_where_the_first_is_dead(dns: Dns) -> None:
    silent, address = dead_resolver()
    with silent, DnsServer({"a.invalid": {"A": ["192.0.2.1"]}}) as server:
        names = Names([address, server.address], patience=5, one_try=0.2)
        assert names.addresses_like("a.invalid", "192.0.2.9") == ("192.0.2.1",)


def test_a_question_is_asked_once() -> None:
    with DnsServer({"a.invalid": {"A": ["192.0.2.1"]}}) as server:
        names = Names([server.address])
        assert names.addresses_like("a.invalid", "0.0.0.0") == names.addresses_like("A.invalid.", "0.0.0.0")
        assert server.asked == [("a.invalid", "A", "udp")]
