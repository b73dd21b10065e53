"""The door of addresses: what passes, what does not, and why."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.deliver.smtp_protocol import envelope_address
from newsletter.errors import ContentError
from newsletter.readers.addresses import Address, clean_name, read_address, validated

HOSTILE = [
    "<evil@z.fr>b@y.fr",
    '"a\r\nRCPT TO:<evil@z.fr>"@y.fr',
    "evil@z.fr <b@y.fr>",
    "b@y.fr,evil@z.fr",
    "b@y.fr;evil@z.fr",
    "b@y.fr evil@z.fr",
    "b@y.fr\r\nBcc: evil@z.fr",
    "b@y.fr\nRCPT TO:<evil@z.fr>",
    "b\0@y.fr",
    "b@y.fr\0",
    "=?utf-8?q?evil=40z.fr?=@y.fr",
    '"b c"@y.fr',
    '"evil@z.fr"@y.fr',
    "b@[127.0.0.1]",
    "b@[IPv6:::1]",
    "b@y.fr@z.fr",
    "@z.fr:b@y.fr",
    "b(evil@z.fr)@y.fr",
    "b@y.fr>",
    "b@y..fr",
    "b@y.fr\u2028",
    "b\u202e@y.fr",
    "b\ud800@y.fr",
    "b@localhost",
    "b@nowhere.test",
    "b@nowhere.invalid",
    "b@nowhere.localhost",
    "b",
    "",
    "@y.fr",
    "b@",
    "a" * 400 + "@y.fr",
    "é" * 33 + "@y.fr",
    "a" * 60 + "@" + ".".join(["é" * 30] * 6) + ".fr",
    "evil\uff20z.fr@y.fr",
    "b\uff0cc@y.fr",
    "\ufb01n@y.fr",
    "=?é?=@y.fr",
    '"é"@y.fr',
    "b\u00a0c@y.fr",
    "b\u00adc@y.fr",
    "b\u200bc@y.fr",
    "b\u2028c@y.fr",
    "\u0301b@y.fr",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_an_address_that_could_go_elsewhere_is_refused(text: str) -> None:
    with pytest.raises(ContentError) as caught:
        read_address(text, where="readers.csv:3")
    assert caught.value.where == "readers.csv:3"
    assert " is not an address: " in caught.value.message
    assert not caught.value.message.endswith(".")
    assert len(caught.value.message) < 300


@pytest.mark.parametrize(
    ("text", "email", "key"),
    [
        ("lea@example.org", "lea@example.org", "lea@example.org"),
        ("  Lea.Martin@Example.ORG\u00a0", "Lea.Martin@example.org", "lea.martin@example.org"),
        ("lea@CAFÉ.example.com", "lea@xn--caf-dma.example.com", "lea@xn--caf-dma.example.com"),
        ("lea@xn--caf-dma.example.com", "lea@xn--caf-dma.example.com", "lea@xn--caf-dma.example.com"),
        ("Léa.É@CAFÉ.example.com", "Léa.É@xn--caf-dma.example.com", "léa.é@xn--caf-dma.example.com"),
        ("le\u0301a@example.org", "l\u00e9a@example.org", "l\u00e9a@example.org"),
        ("用户@example.org", "用户@example.org", "用户@example.org"),
        ("o'hara+news@example.net", "o'hara+news@example.net", "o'hara+news@example.net"),
    ],
)
def test_an_address_is_kept_as_it_travels(text: str, email: str, key: str) -> None:
    address = read_address(text)
    assert (address.email, address.key) == (email, key)


def test_a_sharp_s_and_two_of_them_are_two_readers() -> None:
    assert read_address("straße@example.org").key != read_address("strasse@example.org").key


@settings(deadline=None)
@given(st.text(max_size=40))
def test_whatever_passes_is_one_address_that_reads_back_the_same_and_can_stand_in_an_envelope(
    text: str,
) -> None:
    try:
        address = read_address(text + "@example.org")
    except ContentError:
        return
    assert address.email.rpartition("@")[2].isascii()
    assert envelope_address(address.email) == address.email
    assert address.email.count("@") == 1
    assert not set(address.email) & set(' \t\r\n<>,;:"()[]\\')
    assert read_address(address.email) == Address(email=address.email)


def test_a_name_stays_on_one_line_and_keeps_its_no_break_spaces() -> None:
    assert clean_name(" Léa\r\nMartin\u00a0\t\u202e ") == "Léa Martin\u00a0"
    assert clean_name("x" * 1000) == "x" * 200
    assert clean_name("{{7*7}} 👩‍🚀") == "{{7*7}} 👩‍🚀"


MAILBOXES = [
    "info",
    "INFO",
    "Postmaster",
    "news",
    "WWW",
    "a",
    "Lea",
    "lea.martin",
    "LEA.Martin",
    "x" * 64,
    "x" * 65,
]
DOMAINS = [
    "example.org",
    "EXAMPLE.Org",
    "xn--caf-dma.example.com",
    "ab--cd.example.com",
    "a.test",
    "b.invalid",
    "localhost",
    "1.2.3.4",
    "example.123",
    "-a.example.org",
    "a-.example.org",
    "a..example.org",
    "example.org.",
    "y" * 63 + ".fr",
    "y" * 64 + ".fr",
    ".".join(["y" * 60] * 4) + ".fr",
    ".".join(["z" * 45] * 4) + ".fr",
]
ASCII = st.text(st.sampled_from("abzAZ019._+-'@ \"!#%=?~/"), min_size=1, max_size=12)


@settings(deadline=None, max_examples=2000)
@given(
    st.one_of(st.sampled_from(MAILBOXES), ASCII, st.text(max_size=8)),
    st.one_of(st.sampled_from(DOMAINS), ASCII, ASCII.map(lambda text: f"{text}.fr")),
)
def test_the_short_way_says_what_the_validator_says(local: str, domain: str) -> None:
    text = f"{local}@{domain}".strip(" \t\u00a0\u202f\u200b\ufeff")
    email, reason = validated(text)
    if reason:
        with pytest.raises(ContentError) as caught:
            read_address(text)
        assert caught.value.message.endswith(f" is not an address: {reason}")
    else:
        assert read_address(text) == Address(email=email)


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("local", MAILBOXES)
def test_the_short_way_is_no_shortcut_at_its_edges(local: str, domain: str) -> None:
    email, reason = validated(f"{local}@{domain}")
    try:
        assert read_address(f"{local}@{domain}").email == email
    except ContentError:
        assert reason
