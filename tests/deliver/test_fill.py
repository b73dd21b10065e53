"""A reader's message: whatever fills its blanks, what was meant, on lines that no server touches."""

import email
import email.header
import email.policy
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from email.message import EmailMessage
from html import unescape

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from newsletter.deliver.encoding import mailbox, quoted_printable
from newsletter.deliver.fill import Filler
from newsletter.deliver.message import MessageTemplate, cut
from newsletter.errors import ConfigError, ContentError, LinkError
from newsletter.fields import Blank, Place, field, plain
from newsletter.links import Links, Signer
from newsletter.model import Edition, Mailbox, Publication, Reader

AT = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
DAY = date(2026, 11, 23)
PUBLICATION = Publication(
    name="L’actu du test",
    url="https://lettre.invalid",
    sender=Mailbox(name="L’actu du test", address="redaction@lettre.invalid"),
)
SIGNER = Signer((b"k" * 32,), list_id=PUBLICATION.list_id)
LINKS = Links(PUBLICATION, SIGNER)
READER = Reader(id="abcdefghijklmnop", email="zoe@example.org", name="Zoé")


def edition(before: str = " ") -> Edition:
    """An edition with every kind of blank: alone in a text, in HTML, as an address, inside an address."""
    name, mail, leave = field("name", before), field("email", before), field("leave_url")
    return Edition(
        key="2026-11-23",
        subject="Tout y est",
        preheader="",
        html=f'<p>Bonjour{name}, {mail}{field("email")}</p>\n<a href="{leave}">x</a>'
        f'<a href="https://e.org/?q={field("name")}&amp;m={field("email")}">y</a><b>{field("name")}</b>\n',
        text=f"Bonjour{name},\n\n{leave}\n{mail}{field('email')}\n{field('name')}\n",
        sender=PUBLICATION.sender,
    )


def filled(reader: Reader = READER, links: Links = LINKS, before: str = " ") -> bytes:
    return Filler(cut(edition(before), PUBLICATION, at=AT), links).fill(reader).content


def filled_slowly(template: MessageTemplate, links: Links, reader: Reader) -> bytes:
    """The same message, each blank by itself and by the general way."""
    web, mail = links.leave(reader.id, DAY)
    name = plain(reader.name)
    values = {"name": name, "email": reader.email, "leave_url": web or mail}
    values |= {"to": mailbox(name, reader.email), "message_id": f"<{links.message_id(reader.id, DAY)}>"}
    values |= {"leave": f"<{web}>, <{mail}>" if web else f"<{mail}>"}

    def one(blank: Blank) -> bytes:
        value = blank.fill(values)
        if blank.place is Place.HEADER:
            return value.encode()
        # A line before it keeps it from the quick way.
        return quoted_printable(f"\n{value}", goes_on=True).removeprefix(b"\r\n")

    return b"".join(part if isinstance(part, bytes) else one(part) for part in template.parts)


def parsed(content: bytes) -> EmailMessage:
    return email.message_from_bytes(content, policy=email.policy.default)


def shown(content: bytes, subtype: str) -> str:
    body = parsed(content).get_body((subtype,))
    assert body
    text: str = body.get_content()
    return text.replace("\r\n", "\n")


def lines_are_safe(content: bytes) -> None:
    """What RFC 5321 §4.5, RFC 5322 §2.1.1 and relaxed DKIM ask of the lines, and no bare CR or LF."""
    head, _, body = content.partition(b"\r\n\r\n")
    assert content.count(b"\n") == content.count(b"\r") == content.count(b"\r\n")
    assert max(len(line) for line in head.split(b"\r\n")) <= 998
    assert b"\0" not in content
    for line in body.split(b"\r\n"):
        assert len(line) <= 76
        assert line.isascii()
        assert not line.startswith((b".", b"From "))
        assert not line.endswith((b" ", b"\t"))
        assert b"  " not in line
        assert b"\t" not in line
    assert body.endswith(b"\r\n")
    assert not body.endswith(b"\r\n\r\n")


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Zl", "Zp"]), max_size=70)
ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,12}"
ADDRESSES = st.from_regex(
    rf"{ATOM}(\.{ATOM})*@[A-Za-z0-9]{{1,20}}(\.[A-Za-z0-9-]{{1,20}}){{1,3}}", fullmatch=True
)
LETTERS = st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=20)
# Where a URL's own text begins another line of quoted-printable is different for each length.
URLS = st.from_regex(r"https://[a-z0-9.&'=~:-]{1,120}", fullmatch=True)


@settings(deadline=None)
@given(name=TEXT, address=ADDRESSES, before=TEXT, url=URLS)
@example(name="", address="a@b.fr", before="", url="https://a")
@example(name=".", address="-a=b@b.fr", before="", url="https://a/?a=b&c='d'")
@example(name="From here", address="&@b.fr", before="", url="https://" + "-" * 80)
@example(name="  two ", address="a'b@b.fr", before="  ", url="https://" + "." * 80)
def test_any_reader_and_publication_give_safe_lines_that_say_what_was_meant(
    name: str, address: str, before: str, url: str
) -> None:
    reader = replace(READER, name=name, email=address)
    links = Links(replace(PUBLICATION, url=url), SIGNER)
    template = cut(edition(before), PUBLICATION, at=AT)
    content = Filler(template, links).fill(reader).content
    assert content == filled_slowly(template, links, reader)
    assert content.isascii()
    lines_are_safe(content)
    web = links.leave(reader.id, DAY)[0]
    greeting = before + name if name else ""
    assert shown(content, "plain") == (f"Bonjour{greeting},\n\n{web}\n{before}{address}{address}\n{name}\n")
    html = shown(content, "html")
    assert f"<p>Bonjour{greeting}, {before}{address}{address}</p>" in unescape(html)
    assert f'<a href="{web}">' in unescape(html)
    assert f"<b>{name}</b>" in unescape(html)
    to = parsed(content)["To"].addresses
    assert [each.addr_spec for each in to] == [address]


@settings(deadline=None)
@given(name=st.text(max_size=40))
def test_no_name_whatever_gets_out_of_its_place(name: str) -> None:
    content = filled(replace(READER, name=name))
    lines_are_safe(content)
    assert [each.addr_spec for each in parsed(content)["To"].addresses] == ["zoe@example.org"]
    assert shown(content, "plain").endswith(f"\n{plain(name)}\n")


@settings(deadline=None)
@given(local=LETTERS)
def test_an_address_with_accents_travels_as_utf_8_in_its_header_alone(local: str) -> None:
    address = f"{local}@xn--caf-dma.fr"
    content = filled(replace(READER, email=address))
    lines_are_safe(content)
    assert f"<{address}>\r\n".encode() in content
    head, _, body = content.partition(b"\r\n\r\n")
    assert body.isascii()
    assert [line[:3] for line in head.split(b"\r\n") if not line.isascii()] in ([b"To:"], [])
    assert shown(content, "plain").endswith(f"{address}{address}\nZoé\n")


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("zoe@example.org\r\nBcc: x@example.org", "there is a control character in it"),
        ("zo\0e@example.org", "there is a control character in it"),
        ("\ud800@example.org", "there is a control character in it"),
        ("zoe\u2028@example.org", "there is a control character in it"),
        ("\u202egro.elpmaxe@x.org", "there is a control character in it"),
        ("zoe @example.org", "there is ' ' in it"),
        ("zoe\u00a0@example.org", "there is '\\xa0' in it"),
        ("zoe,leo@example.org", "there is ',' in it"),
        ("<zoe@example.org>", "there is '<' in it"),
        ('"zoe"@example.org', "there is '\"' in it"),
        ("zoe@[127.0.0.1]", "there is '[' in it"),
        ("zoe;@example.org", "there is ';' in it"),
        ("zoe(x)@example.org", "there is '(' in it"),
        ("zoe@léo.fr", "its domain is not written as an A-label (xn--…)"),
        ("zoe", "it is not NAME@DOMAIN"),
        ("", "it is not NAME@DOMAIN"),
        ("@example.org", "it is not NAME@DOMAIN"),
        ("zoe@", "it is not NAME@DOMAIN"),
        ("a@b@example.org", "it is not NAME@DOMAIN"),
        (".zoe@example.org", "it is not NAME@DOMAIN"),
        ("zoe..x@example.org", "it is not NAME@DOMAIN"),
        ("zoe@example..org", "it is not NAME@DOMAIN"),
        ("z" * 243 + "@example.org", "it is longer than 254 octets"),
        ("é" * 122 + "@example.org", "it is longer than 254 octets"),
    ],
)
def test_an_address_that_cannot_stand_in_a_mail_is_named_and_nothing_is_made(
    address: str, reason: str
) -> None:
    with pytest.raises(ContentError) as caught:
        filled(replace(READER, email=address))
    assert caught.value.message == f"nothing can be sent to {address!r}: {reason}"


@settings(deadline=None)
@given(st.text(max_size=30))
def test_any_text_for_an_address_is_written_or_refused(text: str) -> None:
    try:
        content = filled(replace(READER, email=text))
    except ContentError:
        return
    lines_are_safe(content)
    assert f"<{text}>\r\n".encode() in content


def test_a_reader_gets_the_same_bytes_whenever_and_in_whatever_thread() -> None:
    filler = Filler(cut(edition(), PUBLICATION, at=AT), LINKS, bounces="bounces@lettre.invalid")
    readers = [replace(READER, id=f"{n:016}", email=f"r{n}@example.org", name=f"N° {n}") for n in range(200)]
    alone = [filler.fill(reader) for reader in readers]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(filler.fill, readers * 4))
    assert together == alone * 4
    assert len({message.content for message in alone}) == 200


def test_a_message_says_which_it_is() -> None:
    message = Filler(cut(edition(), PUBLICATION, at=AT), LINKS).fill(READER)
    assert message.issue_key == "2026-11-23"
    assert message.date == AT
    assert message.sender == "redaction@lettre.invalid"
    assert message.recipient == "zoe@example.org"
    assert f"\r\nMessage-ID: <{message.id}>\r\n".encode() in message.content
    assert message.id == LINKS.message_id(READER.id, DAY)
    assert LINKS.leave(READER.id, DAY)[0].encode() in message.content


# ---- return paths ----


def test_each_copy_comes_back_to_an_address_of_its_own() -> None:
    filler = Filler(cut(edition(), PUBLICATION, at=AT), LINKS, bounces="bounces@lettre.invalid")
    message = filler.fill(READER)
    assert re.fullmatch(r"bounces\+[0-9a-f]{50}@lettre\.invalid", message.sender)
    assert SIGNER.bounced(message.sender).reader_id == READER.id
    assert SIGNER.bounced(message.sender).day == DAY
    assert b"bounces+" not in message.content
    assert filler.fill(replace(READER, id="ponmlkjihgfedcba")).sender != message.sender
    assert filler.fill(READER) == message


def test_the_copy_of_a_test_comes_back_to_nobodys_account() -> None:
    dead = Links(PUBLICATION, SIGNER, dead=True)
    filler = Filler(cut(edition(), PUBLICATION, at=AT), dead, bounces="bounces@lettre.invalid")
    assert filler.fill(READER).sender == "bounces@lettre.invalid"
    with pytest.raises(LinkError):
        SIGNER.bounced("bounces@lettre.invalid")


def test_an_address_for_bounces_that_leaves_no_room_for_a_token_is_refused_at_once() -> None:
    template = cut(edition(), PUBLICATION, at=AT)
    with pytest.raises(ConfigError) as caught:
        Filler(template, LINKS, bounces="retours-courrier@lettre.invalid")
    assert caught.value.message == (
        "[send] bounces: 'retours-courrier@lettre.invalid' is longer than 13 ASCII characters before the @"
    )
    message = Filler(template, LINKS, bounces="retours-lettr@lettre.invalid").fill(READER)
    assert len(message.sender.partition("@")[0]) == 64
