"""The walk up the tree to a policy, and what domains stand for the same sender (RFC 9989)."""

from newsletter.doctor.dmarc import aligned, read, walk
from newsletter.doctor.names import Names
from tests.doctor.conftest import Dns
from tests.doctor.dns_server import DnsServer

Zone = dict[str, dict[str, list[str]]]


def dmarc(**records: str) -> Zone:
    """Domains, with _ for ., and the records at their _dmarc."""
    return {f"_dmarc.{name.replace('_', '.')}": {"TXT": [f'"{text}"']} for name, text in records.items()}


def test_the_domains_own_policy_counts_before_its_organisations(dns: Dns) -> None:
    found = walk(
        "news.a.invalid",
        dns(dmarc(news_a_invalid="v=DMARC1; p=none", a_invalid="v=DMARC1; p=reject")),
    )
    assert found.policy
    assert (found.policy.domain, found.policy.wish, found.organisation) == (
        "news.a.invalid",
        "none",
        "a.invalid",
    )


def test_a_domain_without_one_has_its_organisations(dns: Dns) -> None:
    found = walk("x.news.a.invalid", dns(dmarc(a_invalid="v=DMARC1;p=reject")))
    assert found.policy
    assert (found.policy.domain, found.organisation) == ("a.invalid", "a.invalid")


def test_without_any_the_domain_stands_for_itself(dns: Dns) -> None:
    found = walk("news.a.invalid", dns())
    assert (found.policy, found.organisation) == (None, "news.a.invalid")


def test_a_public_suffix_that_says_so_ends_below_itself(dns: Dns) -> None:
    """psd=y of a registry: the organisation is one label longer."""
    names = dns(dmarc(co_invalid="v=DMARC1; p=reject; psd=y"))
    found = walk("news.a.co.invalid", names)
    assert (found.organisation, found.policy and found.policy.domain) == ("a.co.invalid", "co.invalid")
    assert not aligned(found, walk("b.co.invalid", names), strict=False)


def test_a_domain_that_is_no_suffix_ends_the_walk(dns: Dns) -> None:
    names = dns(dmarc(news_a_invalid="v=DMARC1; p=none; psd=n", a_invalid="v=DMARC1; p=reject"))
    assert walk("x.news.a.invalid", names).organisation == "news.a.invalid"


def test_of_several_records_none_counts_and_the_walk_goes_on(dns: Dns) -> None:
    two = ['"v=DMARC1; p=none"', '"v=DMARC1; p=reject"', '"unrelated"']
    names = dns({"_dmarc.a.b.invalid": {"TXT": two}, **dmarc(b_invalid="v=DMARC1; p=quarantine")})
    found = walk("a.b.invalid", names)
    assert found.many == ("a.b.invalid",)
    assert found.policy
    assert found.policy.domain == "b.invalid"


def test_eight_questions_are_the_most(dns: Dns) -> None:
    with DnsServer() as server:
        walk("1.2.3.4.5.6.7.8.9.invalid", Names([server.address]))
        asked = [name for name, kind, _ in server.asked if kind == "TXT"]
    assert asked == [
        "_dmarc.1.2.3.4.5.6.7.8.9.invalid",
        "_dmarc.4.5.6.7.8.9.invalid",
        "_dmarc.5.6.7.8.9.invalid",
        "_dmarc.6.7.8.9.invalid",
        "_dmarc.7.8.9.invalid",
        "_dmarc.8.9.invalid",
        "_dmarc.9.invalid",
        "_dmarc.invalid",
    ]


def test_alignment_is_of_the_organisation_or_if_strict_of_the_very_domain(dns: Dns) -> None:
    names = dns(dmarc(a_invalid="v=DMARC1; p=none"))
    ours, bounces, other = (walk(each, names) for each in ("a.invalid", "bounces.a.invalid", "b.invalid"))
    assert aligned(ours, bounces, strict=False)
    assert not aligned(ours, bounces, strict=True)
    assert aligned(ours, ours, strict=True)
    assert not aligned(ours, other, strict=False)


def test_a_record_is_read_tag_by_tag() -> None:
    policy = read(
        "a.invalid", "V = DMARC1 ;P=Quarantine; rua=mailto:a@b.invalid!10m, mailto:c@D.invalid;p=no;x"
    )
    assert policy
    assert policy.wish == "quarantine"
    assert policy.report_domains == ("b.invalid", "d.invalid")
    assert read("a.invalid", "v=DMARC10; p=none") is None
    assert read("a.invalid", "v=dmarc1; p=none") is None
    odd = read("a.invalid", "v=DMARC1; p=never; rua=https://a.invalid/x")
    assert odd
    assert (odd.wish, odd.report_domains) == ("", ())
