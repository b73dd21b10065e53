"""SPF records: their parts, all that they lead to, and what they say of one sender."""

import pytest

from newsletter.doctor.names import Names, Silence
from newsletter.doctor.spf import Broken, Term, Tree, read, record_of, tree_of
from newsletter.doctor.spf_sender import Asked, Sender
from tests.doctor.conftest import Dns

Zone = dict[str, dict[str, list[str]]]

US = "redaction@a.invalid"


def spf(**records: str) -> Zone:
    """Names, with _ for ., and their records."""
    return {name.replace("_", ".").lower(): {"TXT": [f'"{text}"']} for name, text in records.items()}


def result(dns: Dns, zone: Zone, ip: str = "192.0.2.25", domain: str = "a.invalid") -> str:
    return Asked(Sender(ip, US), dns(zone)).result(domain)


def grown(domain: str, names: Names) -> Tree:
    """All that a domain's record leads to."""
    record = record_of(domain, names)
    assert record
    return tree_of(domain, record, names)


# ---- the record itself ----


def test_a_record_is_read_term_by_term() -> None:
    record = read("v=spf1 a/24 MX:b.invalid//64 ip4:192.0.2.0/24 ip6:2001:db8::/32 ?exists:%{i}.x ~all", "a")
    assert record.terms == (
        Term("+", "a", "", 24),
        Term("+", "mx", "b.invalid", 32, 64),
        Term("+", "ip4", "192.0.2.0/24"),
        Term("+", "ip6", "2001:db8::/32"),
        Term("?", "exists", "%{i}.x"),
        Term("~", "all", ""),
    )
    assert record.last_word == "~all"


def test_redirect_counts_only_where_all_does_not() -> None:
    assert read("v=spf1 redirect=b.invalid a exp=why.invalid", "a").last_word == "redirect"
    assert read("v=spf1 redirect=b.invalid -all", "a").last_word == "-all"
    assert read("v=spf1 a", "a").last_word == ""


@pytest.mark.parametrize(
    "term",
    [
        "include",
        "include:",
        "exists",
        "all:x",
        "ip4",
        "ip4:192.0.2.256",
        "ip4:192.0.2.0/33",
        "ip4:2001:db8::1",
        "ip6:192.0.2.1",
        "ipv4:192.0.2.1",
        "a/33",
        "-",
        "v=spf1a b:c d",
    ],
)
def test_a_word_that_is_no_term_breaks_the_record(term: str) -> None:
    with pytest.raises(Broken):
        read(f"v=spf1 {term} -all", "a.invalid")


def test_two_records_are_none_and_other_texts_are_no_record(dns: Dns) -> None:
    texts = ['"v=spf10 +all"', '"v=spf1"', '"google-site-verification=x"']
    found = record_of("a.invalid", dns({"a.invalid": {"TXT": texts}}))
    assert found is not None
    assert found.terms == ()
    assert record_of("b.invalid", dns({"b.invalid": {"TXT": texts[:1]}})) is None
    with pytest.raises(Broken, match="has 2 SPF records"):
        record_of("a.invalid", dns({"a.invalid": {"TXT": ['"v=spf1 -all"', '"V=SPF1 a -all"']}}))


# ---- all that it leads to ----


def test_lookups_are_counted_over_all_that_a_record_leads_to(dns: Dns) -> None:
    names = dns(
        spf(
            a_invalid="v=spf1 a mx include:b.invalid include:c.invalid ip4:192.0.2.1 -all",
            b_invalid="v=spf1 exists:%{i}.x.invalid redirect=d.invalid",
            c_invalid="v=spf1 ptr include:%{d}.e.invalid -all",
            d_invalid="v=spf1 ip4:192.0.2.2 ~all",
        )
    )
    tree = grown("a.invalid", names)
    assert (tree.lookups, tree.faults) == (8, [])


def test_a_record_that_two_others_include_is_no_fault_and_costs_twice(dns: Dns) -> None:
    names = dns(
        spf(
            a_invalid="v=spf1 include:b.invalid include:c.invalid -all",
            b_invalid="v=spf1 include:d.invalid ~all",
            c_invalid="v=spf1 include:d.invalid ~all",
            d_invalid="v=spf1 a:host.invalid ~all",
        )
    )
    tree = grown("a.invalid", names)
    assert (tree.lookups, tree.faults) == (6, [])


@pytest.mark.parametrize(
    ("zone", "fault"),
    [
        (
            spf(a_invalid="v=spf1 include:b.invalid -all"),
            "a.invalid includes b.invalid, which has no SPF record",
        ),
        (
            spf(a_invalid="v=spf1 include:b.invalid -all", b_invalid="v=spf1 include:a.invalid -all"),
            "b.invalid includes a.invalid, which was there already",
        ),
        (
            spf(a_invalid="v=spf1 include:b.invalid -all", b_invalid="v=spf1 oops -all"),
            "b.invalid: 'oops' is no term of SPF",
        ),
    ],
)
def test_what_is_wrong_further_down_is_found(dns: Dns, zone: Zone, fault: str) -> None:
    names = dns(zone)
    assert grown("a.invalid", names).faults == [fault]


def test_a_record_that_leads_on_and_on_comes_to_an_end(dns: Dns) -> None:
    names = dns({f"n{n}.invalid": {"TXT": [f'"v=spf1 include:n{n + 1}.invalid -all"']} for n in range(200)})
    assert 10 < grown("n0.invalid", names).lookups < 40


def test_silence_further_down_is_silence(dns: Dns) -> None:
    names = dns(spf(a_invalid="v=spf1 include:b.invalid -all"), failing=["b.invalid"])
    with pytest.raises(Silence):
        grown("a.invalid", names)


# ---- one sender ----


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ("v=spf1 ip4:192.0.2.0/24 -all", "pass"),
        ("v=spf1 ip4:192.0.3.0/24 -all", "fail"),
        ("v=spf1 ip4:192.0.3.0/24 ~all", "softfail"),
        ("v=spf1 ip4:192.0.3.0/24 ?all", "neutral"),
        ("v=spf1 ip4:192.0.3.0/24", "neutral"),
        ("v=spf1 -ip4:192.0.2.25 +all", "fail"),
        ("v=spf1 ip6:2001:db8::/32 -all", "fail"),
        ("v=spf1 a:host.invalid -all", "pass"),
        ("v=spf1 a:other.invalid -all", "fail"),
        ("v=spf1 a:other.invalid/24 -all", "pass"),
        ("v=spf1 mx -all", "pass"),
        ("v=spf1 ptr:named.invalid -all", "pass"),
        ("v=spf1 ptr -all", "fail"),
        ("v=spf1 include:yes.invalid -all", "pass"),
        ("v=spf1 include:no.invalid ~all", "softfail"),
        ("v=spf1 redirect=no.invalid", "fail"),
        ("v=spf1 exists:%{i}.list.invalid -all", "pass"),
        ("v=spf1 exists:%{ir}.list.invalid -all", "fail"),
        ("v=spf1 exists:%{l}.%{o}.%{d2}.%{v}.names.invalid -all", "pass"),
    ],
)
def test_what_a_record_says_of_an_address(dns: Dns, record: str, expected: str) -> None:
    zone: Zone = {
        "a.invalid": {"TXT": [f'"{record}"'], "MX": ["10 mx.invalid."]},
        "host.invalid": {"A": ["192.0.2.25"]},
        "other.invalid": {"A": ["192.0.2.99"]},
        "mx.invalid": {"A": ["192.0.2.25"]},
        "25.2.0.192.in-addr.arpa": {"PTR": ["mail.named.invalid.", "liar.a.invalid."]},
        "mail.named.invalid": {"A": ["192.0.2.25"]},
        "liar.a.invalid": {"A": ["192.0.2.99"]},
        "192.0.2.25.list.invalid": {"A": ["127.0.0.2"]},
        "redaction.a.invalid.a.invalid.in-addr.names.invalid": {"A": ["127.0.0.2"]},
        **spf(yes_invalid="v=spf1 ip4:192.0.2.25 -all", no_invalid="v=spf1 -all"),
    }
    assert result(dns, zone) == expected


def test_an_address_of_ipv6_is_held_to_aaaa_and_ip6(dns: Dns) -> None:
    zone: Zone = {
        "a.invalid": {"TXT": ['"v=spf1 a:host.invalid//64 ip6:2001:db8:1::/48 -all"']},
        "host.invalid": {"A": ["192.0.2.25"], "AAAA": ["2001:db8::1"]},
    }
    assert result(dns, zone, "2001:db8::25") == "pass"
    assert result(dns, zone, "2001:db8:1::7") == "pass"
    assert result(dns, zone, "2001:db8:2::7") == "fail"


def test_without_a_record_there_is_no_result(dns: Dns) -> None:
    assert result(dns, {}) == "none"


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ("v=spf1 include:none.invalid -all", "a.invalid leads to none.invalid, which has no SPF record"),
        ("v=spf1 " + "a:host.invalid " * 11 + "-all", "more than 10 lookups"),
        ("v=spf1 a:x.invalid a:y.invalid a:z.invalid -all", "more than 2 lookups that find nothing"),
    ],
)
def test_what_a_receiver_would_not_do_breaks_the_record(dns: Dns, record: str, words: str) -> None:
    zone: Zone = {"a.invalid": {"TXT": [f'"{record}"']}, "host.invalid": {"A": ["192.0.2.99"]}}
    with pytest.raises(Broken, match=words):
        result(dns, zone)
