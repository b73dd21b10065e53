"""Mail comes back to a domain that exists, and the address that mail leaves from has a name."""

import pytest

from newsletter.doctor.domains import has_name, has_zone, mail_domains, pointers, takes_mail
from newsletter.doctor.line import Verdict
from tests.doctor.conftest import Dns, Make, only, told
from tests.doctor.dns_server import SOA

MX1 = {"A": ["192.0.2.1"]}


@pytest.mark.parametrize(
    ("zone", "verdict", "seen"),
    [
        (
            {"a.invalid": {"MX": ["10 mx1.a.invalid."]}, "mx1.a.invalid": MX1},
            "pass",
            "goes to mx1.a.invalid",
        ),
        (
            {"a.invalid": {"MX": ["10 mx1.a.invalid."]}, "mx1.a.invalid": {"AAAA": ["2001:db8::1"]}},
            "pass",
            "goes to mx1.a.invalid",
        ),
        ({"a.invalid": {"A": ["192.0.2.1"]}}, "warn", "has no MX; it goes to the host of that name"),
        ({"a.invalid": {"MX": ["0 ."]}}, "fail", "its MX says that nobody gets mail there"),
        ({"a.invalid": {"TXT": ["x"]}}, "fail", "has no MX and no address: nothing can come back"),
        ({}, "fail", "has no MX and no address: nothing can come back"),
        (
            {"a.invalid": {"MX": ["10 mx1.a.invalid."]}},
            "fail",
            "goes to mx1.a.invalid, which has no address",
        ),
        (
            {"a.invalid": {"MX": ["10 mx1.a.invalid.", "20 gone.a.invalid."]}, "mx1.a.invalid": MX1},
            "warn",
            "goes to mx1.a.invalid, gone.a.invalid; gone.a.invalid has no address",
        ),
    ],
)
def test_mail_to_a_domain(dns: Dns, zone: dict[str, dict[str, list[str]]], verdict: str, seen: str) -> None:
    line = only(takes_mail("a.invalid", dns(zone)))
    assert (line.title, line.verdict.value, line.seen) == ("Mail to a.invalid", verdict, seen)
    assert bool(line.do) == (verdict != "pass")


def test_a_domain_is_a_zone_or_below_one(dns: Dns) -> None:
    names = dns({"a.invalid": {"SOA": [SOA.format("a.invalid")]}, "news.a.invalid": {"A": ["192.0.2.1"]}})
    assert only(has_zone("a.invalid", names)).seen == "a.invalid has an SOA"
    assert only(has_zone("news.a.invalid", names)).seen == "a.invalid has an SOA"
    gone = only(has_zone("b.invalid", names))
    assert (gone.verdict, gone.seen) == (Verdict.FAIL, "no SOA: the domain is not in DNS")


def test_the_zone_of_a_registry_is_not_that_of_a_domain_which_nobody_has_registered(dns: Dns) -> None:
    names = dns({"co.invalid": {"SOA": [SOA.format("co.invalid")]}, "a.co.invalid": {"TXT": ["x"]}})
    assert only(has_zone("a.co.invalid", names)).seen == "co.invalid has an SOA"
    gone = only(has_zone("b.co.invalid", names))
    assert (gone.verdict, gone.seen) == (Verdict.FAIL, "no SOA: the domain is not in DNS")


def test_the_domains_of_from_return_path_and_answers_are_each_looked_at_once(dns: Dns, case: Make) -> None:
    text = """
[publication]
name = "La lettre"
sender = "La lettre <redaction@lettre.invalid>"
reply_to = "lea@répondre.invalid"
postal_address = "1 rue du Test"
[send]
backend = "sendmail"
bounces = "bounces@Retour.invalid"
"""
    lines = told(mail_domains(case(text=text, names=dns({}))))
    assert [title for title, _, _ in lines] == [
        "Mail to lettre.invalid",
        "Zone of lettre.invalid",
        "Mail to retour.invalid",
        "Zone of retour.invalid",
        "Mail to xn--rpondre-bya.invalid",
        "Zone of xn--rpondre-bya.invalid",
    ]
    assert {verdict for _, verdict, _ in lines} == {"fail"}


def test_offline_or_for_nobodys_domain_nothing_is_asked_and_nothing_known(dns: Dns, case: Make) -> None:
    assert told(mail_domains(case())) == [
        ("Mail to lettre.invalid", "unknown", "not looked at: --offline"),
        ("Zone of lettre.invalid", "unknown", "not looked at: --offline"),
    ]
    text = '[publication]\nname = "x"\nsender = "x <a@example.org>"\n'
    assert told(mail_domains(case(text=text, names=dns({})))) == [
        ("Mail to example.org", "unknown", "not asked: example.org is nobody's"),
        ("Zone of example.org", "unknown", "not asked: example.org is nobody's"),
    ]


def test_silence_about_a_domain_is_unknown(dns: Dns, case: Make) -> None:
    lines = told(mail_domains(case(names=dns({}, failing=["lettre.invalid"]))))
    assert [verdict for _, verdict, _ in lines] == ["unknown", "unknown"]
    assert "could not find out about lettre.invalid" in lines[0][2]


# ---- the name of the address that mail leaves from ----

IP, REVERSE = "192.0.2.25", "25.2.0.192.in-addr.arpa"


@pytest.mark.parametrize(
    ("name", "back", "verdict", "seen"),
    [
        ("mail.a.invalid", IP, "pass", "mail.a.invalid, which leads back to it"),
        ("mail.a.invalid", "192.0.2.26", "fail", "mail.a.invalid, which does not lead back to it"),
        (
            "192-0-2-25.dsl.a.invalid",
            IP,
            "warn",
            "192-0-2-25.dsl.a.invalid, as providers name their customers' lines",
        ),
        (
            "ip25.pool.a.invalid",
            IP,
            "warn",
            "ip25.pool.a.invalid, as providers name their customers' lines",
        ),
        ("mail2.a.invalid", IP, "pass", "mail2.a.invalid, which leads back to it"),
    ],
)
def test_the_name_of_an_address(dns: Dns, name: str, back: str, verdict: str, seen: str) -> None:
    line = only(has_name(IP, dns({REVERSE: {"PTR": [f"{name}."]}, name: {"A": [back]}})))
    assert (line.title, line.verdict.value, line.seen) == ("Name of 192.0.2.25", verdict, seen)


def test_an_address_of_ipv6_has_a_name_too(dns: Dns) -> None:
    reverse = "1.0.0.0." + "0." * 20 + "8.b.d.0.1.0.0.2.ip6.arpa"
    zone = {reverse: {"PTR": ["mail.a.invalid."]}, "mail.a.invalid": {"AAAA": ["2001:DB8:0::1"]}}
    assert only(has_name("2001:db8::1", dns(zone))).verdict is Verdict.PASS


def test_an_address_without_a_name_is_refused_by_gmail(dns: Dns) -> None:
    line = only(has_name(IP, dns({})))
    assert (line.verdict, line.seen) == (Verdict.FAIL, "has none (PTR): Gmail and others refuse its mail")


def test_what_the_relay_sends_from_is_its_duty_unless_the_address_is_known(dns: Dns, case: Make) -> None:
    names = dns({})
    assert told(pointers(case(names=names))) == [
        (
            "Name of the sender",
            "unknown",
            "the relay's duty: which address it sends from is not known here",
        )
    ]
    assert told(pointers(case(names=names, ips=(IP,))))[0][:2] == ("Name of 192.0.2.25", "fail")
    assert told(pointers(case(ips=(IP,)))) == [("Name of 192.0.2.25", "unknown", "not looked at: --offline")]
