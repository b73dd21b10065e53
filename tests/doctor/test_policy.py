"""SPF, DKIM and DMARC as lines: each verdict, and what to do."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from newsletter.deliver.dkim import make_key, public_record
from newsletter.doctor.dmarc import Found, walk
from newsletter.doctor.line import Verdict
from newsletter.doctor.policy import alignment, dkim, dkim_record, dmarc, spf
from tests.doctor.conftest import Dns, Make, only, told
from tests.doctor.dns_server import txt

Zone = dict[str, dict[str, list[str]]]

LETTRE = "lettre.invalid"

SAME = "set [send] bounces and [dkim] domain to a.invalid or below it"


def spf_zone(text: str, **more: str) -> Zone:
    return {LETTRE: {"TXT": [txt(text)]}, **{n.replace("_", "."): {"TXT": [txt(t)]} for n, t in more.items()}}


def dmarc_zone(text: str) -> Zone:
    return {f"_dmarc.{LETTRE}": {"TXT": [txt(text)]}}


# ---- SPF ----


@pytest.mark.parametrize(
    ("zone", "verdict", "seen"),
    [
        (
            spf_zone("v=spf1 ip4:192.0.2.0/24 a -all"),
            "pass",
            "lettre.invalid: v=spf1 ip4:192.0.2.0/24 a -all (1 of 10 lookups)",
        ),
        (
            spf_zone("v=spf1 redirect=b.invalid", b_invalid="v=spf1 ~all"),
            "pass",
            "lettre.invalid: v=spf1 redirect=b.invalid (1 of 10 lookups)",
        ),
        (
            spf_zone("v=spf1 a"),
            "warn",
            "lettre.invalid: v=spf1 a says nothing about everybody else",
        ),
        (
            spf_zone("v=spf1 a ?all"),
            "warn",
            "lettre.invalid: v=spf1 a ?all says nothing about everybody else",
        ),
        (spf_zone("v=spf1 +all"), "fail", "lettre.invalid: v=spf1 +all lets the whole world send"),
        (
            spf_zone("v=spf1 " + "a " * 11 + "-all"),
            "fail",
            "lettre.invalid: v=spf1 " + "a " * 11 + "-all takes 11 lookups, and 10 are allowed",
        ),
        (
            spf_zone("v=spf1 include:b.invalid -all"),
            "fail",
            "lettre.invalid includes b.invalid, which has no SPF record",
        ),
        (spf_zone("v=spf1 oops -all"), "fail", "lettre.invalid: 'oops' is no term of SPF"),
        (
            {LETTRE: {"TXT": ['"v=spf1 -all"', '"v=spf1 a -all"']}},
            "fail",
            "lettre.invalid has 2 SPF records, and one is allowed (RFC 7208 §4.5)",
        ),
        ({}, "fail", "lettre.invalid has no record: Microsoft and others refuse its mail"),
    ],
)
def test_the_record(dns: Dns, case: Make, zone: Zone, verdict: str, seen: str) -> None:
    line = next(iter(spf(case(names=dns(zone)))))
    assert (line.title, line.verdict.value, line.seen) == ("SPF", verdict, seen)
    assert bool(line.do) == (verdict != "pass")


def test_the_return_path_is_what_spf_speaks_for(dns: Dns, case: Make) -> None:
    names = dns({"retour.invalid": {"TXT": ['"v=spf1 -all"']}})
    lines = told(spf(case('bounces = "b@retour.invalid"\n', names=names)))
    assert lines[0] == ("SPF", "pass", "retour.invalid: v=spf1 -all (0 of 10 lookups)")


def test_silence_anywhere_on_the_way_is_unknown(dns: Dns, case: Make) -> None:
    names = dns(spf_zone("v=spf1 include:b.invalid -all"), failing=["b.invalid"])
    line = only(spf(case(names=names)))
    assert (line.verdict, "about b.invalid" in line.seen) == (Verdict.UNKNOWN, True)
    assert told(spf(case())) == [("SPF", "unknown", "not looked at: --offline")]


def test_the_addresses_that_mail_leaves_from_are_held_to_the_record(dns: Dns, case: Make) -> None:
    names = dns(spf_zone("v=spf1 ip4:192.0.2.25 ~all"))
    lines = list(spf(case(names=names, ips=("192.0.2.25", "192.0.2.26", "2001:db8::1"))))
    assert told(lines)[1:] == [
        ("SPF for 192.0.2.25", "pass", "pass: it may send for lettre.invalid"),
        ("SPF for 192.0.2.26", "fail", "softfail: it may not send for lettre.invalid"),
        ("SPF for 2001:db8::1", "fail", "softfail: it may not send for lettre.invalid"),
    ]
    assert lines[3].do == "add ip6:2001:db8::1 to the SPF record of lettre.invalid"


def test_what_a_relay_sends_from_is_not_known_even_if_its_own_address_passes(dns: Dns, case: Make) -> None:
    zone = spf_zone("v=spf1 ip4:192.0.2.1 -all") | {"smtp.relay.invalid": {"A": ["192.0.2.1"]}}
    settings = '[backends.smtp]\nhost = "smtp.relay.invalid"\nfallback = ["smtp2.relay.invalid"]\n'
    lines = told(spf(case(settings, backend="smtp", names=dns(zone))))
    assert lines[1:] == [
        (
            "SPF for the relay",
            "unknown",
            "pass for smtp.relay.invalid itself; what it sends from is its own affair",
        ),
        (
            "SPF for the relay",
            "unknown",
            "it has no address for smtp2.relay.invalid itself; what it sends from is its own affair",
        ),
    ]
    here = told(spf(case(names=dns(zone))))[1]
    assert here == (
        "SPF for the relay",
        "unknown",
        "mail leaves from an address of this machine: which is not known",
    )


def test_ses_has_a_return_path_of_its_own(dns: Dns, case: Make) -> None:
    line = only(spf(case('[backends.ses]\nregion = "eu-west-3"\n', backend="ses", names=dns())))
    assert line.verdict is Verdict.UNKNOWN
    assert line.seen == "SES puts a return path of its own on mail, unless told otherwise"


# ---- DKIM ----

OURS = "v=DKIM1; k=rsa; p=QUJD"
NAME = "press._domainkey.lettre.invalid"


@pytest.mark.parametrize(
    ("texts", "verdict", "seen"),
    [
        ([OURS], "pass", f"{NAME} has our key"),
        (["p=QU JD"], "pass", f"{NAME} has our key"),
        ([OURS, "something else"], "pass", f"{NAME} has our key"),
        ([f"{OURS}; h=sha1:sha256; s=email; t=s"], "pass", f"{NAME} has our key"),
        ([], "fail", f"{NAME} has no key: nobody can check the signature"),
        (["v=DKIM1; k=rsa"], "fail", f"{NAME} has no key: nobody can check the signature"),
        ([OURS, OURS], "fail", f"{NAME} has 2 keys, and one is allowed (RFC 6376 §3.6.2.2)"),
        (["v=DKIM1; p="], "fail", f"{NAME} says that the key is revoked"),
        (["v=DKIM1; p=QUJE"], "fail", f"{NAME} has another key than ours: every signature fails"),
        (["k=ed25519; p=QUJD"], "fail", f"{NAME} has another key than ours: every signature fails"),
        ([f"{OURS}; h=sha1"], "fail", f"{NAME} does not allow SHA-256 (h=sha1)"),
        ([f"{OURS}; s=other"], "fail", f"{NAME} is not for mail (s=other)"),
        ([f"{OURS}; t=y:s"], "warn", f"{NAME} says that it is being tried out (t=y)"),
    ],
)
def test_a_record_is_held_against_the_key(texts: list[str], verdict: str, seen: str) -> None:
    line = dkim_record(NAME, OURS, texts)
    assert (line.title, line.verdict.value, line.seen) == ("DKIM press", verdict, seen)


@pytest.mark.parametrize("ed25519", [False, True])
def test_the_key_on_the_disk_is_the_one_in_dns(dns: Dns, case: Make, ed25519: bool) -> None:
    settings = '[dkim]\nselectors = ["press"]\n'
    made = case(settings)
    make_key(made.config.dkim, "press", ed25519=ed25519)
    zone = {NAME: {"TXT": [txt(public_record(made.config.dkim, "press"))]}}
    assert told(dkim(case(settings, names=dns(zone)))) == [("DKIM press", "pass", f"{NAME} has our key")]
    assert told(dkim(case(settings, names=dns({}, failing=[NAME]))))[0][:2] == ("DKIM press", "unknown")
    missing = only(dkim(case(settings, names=dns({}))))
    assert (missing.title, missing.verdict) == ("DKIM press", Verdict.FAIL)
    assert missing.do == f'let the TXT record at {NAME} be: "{public_record(made.config.dkim, "press")}"'
    assert told(dkim(case(settings))) == [("DKIM press", "unknown", "not looked at: --offline")]


def test_a_short_or_open_key_is_a_warning_and_a_missing_one_fails(dns: Dns, case: Make, root: Path) -> None:
    settings = '[dkim]\nselectors = ["press"]\n'
    assert told(dkim(case(settings, names=dns())))[0][1] == "fail"
    path = root / ".newsletter/dkim/press.pem"
    path.parent.mkdir(parents=True)
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o644)
    lines = told(dkim(case(settings, names=dns())))
    assert [verdict for _, verdict, _ in lines] == ["warn", "warn", "fail"]
    assert "can be read by others" in lines[0][2]
    assert "1024 bits, and 2048 are advised" in lines[1][2]


def test_unsigned_mail_may_be_signed_by_the_relay(case: Make) -> None:
    line = only(dkim(case()))
    assert (line.verdict, line.seen) == (
        Verdict.UNKNOWN,
        "not signed here; whether the relay signs is its affair",
    )


# ---- DMARC ----


@pytest.mark.parametrize(
    ("zone", "verdict", "seen"),
    [
        (
            dmarc_zone("v=DMARC1; p=reject; rua=mailto:d@lettre.invalid"),
            "pass",
            "_dmarc.lettre.invalid asks for reject",
        ),
        (
            dmarc_zone("v=DMARC1; p=quarantine; t=y; rua=mailto:d@lettre.invalid"),
            "pass",
            "_dmarc.lettre.invalid asks for quarantine, only tried out (t=y)",
        ),
        (
            dmarc_zone("v=DMARC1; p=none"),
            "warn",
            "_dmarc.lettre.invalid asks for none; nobody is told who sends in your name (rua)",
        ),
        (
            dmarc_zone("v=DMARC1; p=none; pct=50; ri=1; rua=mailto:d@lettre.invalid"),
            "warn",
            "_dmarc.lettre.invalid asks for none; pct, ri went with RFC 9989, receivers pass over it",
        ),
        (
            dmarc_zone("v=DMARC1; rua=mailto:d@lettre.invalid"),
            "warn",
            "_dmarc.lettre.invalid has no p= that is understood: it counts as none",
        ),
        (
            {f"_dmarc.{LETTRE}": {"TXT": ['"v=DMARC1; p=none"', '"v=DMARC1; p=reject"']}},
            "fail",
            "_dmarc.lettre.invalid has several records: none of them counts",
        ),
        ({}, "fail", "lettre.invalid has none: Gmail, Yahoo and Microsoft ask for one"),
    ],
)
def test_the_policy(dns: Dns, case: Make, zone: Zone, verdict: str, seen: str) -> None:
    line = next(iter(dmarc(case(names=dns(zone)))))
    assert (line.title, line.verdict.value, line.seen) == ("DMARC", verdict, seen)
    assert bool(line.do) == (verdict != "pass")


def test_a_subdomain_goes_by_what_its_organisation_says_of_such(dns: Dns, case: Make) -> None:
    text = '[publication]\nname = "x"\nsender = "x <a@news.lettre.invalid>"\n'
    zone = dmarc_zone("v=DMARC1; p=reject; sp=none; rua=mailto:d@lettre.invalid")
    line = next(iter(dmarc(case(text=text, names=dns(zone)))))
    assert (line.verdict, line.seen) == (Verdict.PASS, "_dmarc.lettre.invalid asks for none")


def test_dmarc_is_unknown_in_silence(dns: Dns, case: Make) -> None:
    assert told(dmarc(case(names=dns({}, failing=["_dmarc.invalid"]))))[0][:2] == ("DMARC", "unknown")
    assert told(dmarc(case())) == [("DMARC", "unknown", "not looked at: --offline")]


def test_another_domain_takes_reports_only_if_it_says_so(dns: Dns, case: Make) -> None:
    zone = dmarc_zone(
        "v=DMARC1; p=none; rua=mailto:a@lettre.invalid,mailto:b@sub.lettre.invalid,mailto:c@far.invalid"
    )
    lines = told(dmarc(case(names=dns(zone))))
    assert lines[1] == (
        "DMARC reports",
        "warn",
        "far.invalid has not said that it takes them: they are not sent",
    )
    zone |= {"lettre.invalid._report._dmarc.far.invalid": {"TXT": ['"v=DMARC1"']}}
    assert [title for title, _, _ in told(dmarc(case(names=dns(zone))))] == ["DMARC", "Alignment"]


@pytest.mark.parametrize(
    ("spf_domain", "dkim_domain", "verdict", "do"),
    [
        ("bounces.a.invalid", "a.invalid", "pass", ""),
        ("b.invalid", "a.invalid", "warn", SAME),
        ("a.invalid", "b.invalid", "warn", SAME),
        ("b.invalid", "b.invalid", "fail", SAME),
        ("a.invalid", None, "unknown", "newsletter dkim keygen"),
        ("b.invalid", None, "unknown", SAME),
        (None, "a.invalid", "unknown", "set a MAIL FROM domain in SES"),
    ],
)
def test_spf_and_dkim_speak_for_the_from(
    dns: Dns, spf_domain: str | None, dkim_domain: str | None, verdict: str, do: str
) -> None:
    names = dns({"_dmarc.a.invalid": {"TXT": ['"v=DMARC1; p=none"']}})

    def found(domain: str | None) -> Found | None:
        return walk(domain, names) if domain else None

    line = alignment(walk("a.invalid", names), found(spf_domain), found(dkim_domain))
    assert (line.title, line.verdict.value, line.do) == ("Alignment", verdict, do)


def test_a_strict_policy_wants_the_very_domain(dns: Dns, case: Make) -> None:
    zone = dmarc_zone("v=DMARC1; p=none; aspf=s; rua=mailto:a@lettre.invalid")
    settings = 'bounces = "b@sub.lettre.invalid"\n[dkim]\nselectors = ["press"]\n'
    assert told(dmarc(case(settings, names=dns(zone))))[-1] == (
        "Alignment",
        "warn",
        "the From is lettre.invalid; SPF speaks for sub.lettre.invalid; DKIM speaks for lettre.invalid",
    )
