"""The bytes that travel: headers asserted raw, parts parsed back, a second try the same."""

import email
import email.policy
import re
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.deliver.fill import Filler
from newsletter.deliver.message import MessageTemplate, cut
from newsletter.errors import ConfigError
from newsletter.fields import field
from newsletter.links import Links, Signer
from newsletter.model import Edition, Mailbox, Publication, Reader, Rendition

AT = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
PUBLICATION = Publication(
    name="L’actu du test",
    url="https://lettre.invalid",
    sender=Mailbox(name="L’actu du test", address="redaction@lettre.invalid"),
    reply_to="courrier@lettre.invalid",
)
EDITION = Edition(
    key="2026-11-23",
    subject="Un sujet : 38 000 € et l’été",
    preheader="",
    html=f'<p>Bonjour{field("name", before=" ")}, ça va ?</p><a href="{field("leave_url")}">x</a>'
    f'<a href="https://e.org/?q={field("name")}">y</a>\n.point\n',
    text=f"Bonjour{field('name', before=' ')},\n\nçà et là {field('leave_url')}\n.point\n",
    sender=PUBLICATION.sender,
    reply_to=PUBLICATION.reply_to,
)
READER = Reader(id="abcdefghijklmnop", email="zoe@example.org", name='Zoé <&> "Z"')
LINKS = Links(PUBLICATION, Signer((b"k" * 32,), list_id=PUBLICATION.list_id))


def raw(reader: Reader = READER, edition: Edition = EDITION, publication: Publication = PUBLICATION) -> bytes:
    return Filler(cut(edition, publication, at=AT), LINKS).fill(reader).content


def parsed(content: bytes) -> EmailMessage:
    return email.message_from_bytes(content, policy=email.policy.default)


def header_lines(content: bytes) -> list[bytes]:
    return content.split(b"\r\n\r\n")[0].split(b"\r\n")


def the_line(content: bytes, name: bytes) -> bytes:
    lines = [line for line in header_lines(content) if line.lower().startswith(name.lower() + b":")]
    assert len(lines) == 1, lines
    return lines[0]


def test_the_headers_that_carry_links_stand_on_one_raw_line_each() -> None:
    content = raw()
    token = re.search(rb"https://lettre\.invalid/leave/([\w-]+)>", the_line(content, b"List-Unsubscribe"))
    assert token
    assert the_line(content, b"List-Unsubscribe") == (
        b"List-Unsubscribe: <https://lettre.invalid/leave/%s>, "
        b"<mailto:courrier@lettre.invalid?subject=leave%%20%s>" % (token[1], token[1])
    )
    assert the_line(content, b"List-Unsubscribe-Post") == b"List-Unsubscribe-Post: List-Unsubscribe=One-Click"


def test_the_other_headers_are_right_on_the_wire() -> None:
    content = raw()
    assert the_line(content, b"Date") == b"Date: Mon, 23 Nov 2026 07:00:00 +0000"
    assert (
        the_line(content, b"From") == b"From: =?utf-8?b?TOKAmWFjdHUgZHUgdGVzdA==?= <redaction@lettre.invalid>"
    )
    assert the_line(content, b"Reply-To") == b"Reply-To: courrier@lettre.invalid"
    assert the_line(content, b"To").endswith(b"?= <zoe@example.org>")
    assert the_line(content, b"List-Id").endswith(b" <redaction.lettre.invalid>")
    assert the_line(content, b"Feedback-ID") == (
        b"Feedback-ID: 2026-11-23:redaction.lettre.invalid:newsletter:lettreinvalid"
    )
    assert re.fullmatch(rb"Message-ID: <[0-9a-f]{32}@lettre\.invalid>", the_line(content, b"Message-ID"))
    for forbidden in (b"Cc", b"Bcc", b"Return-Path", b"Sender"):
        assert not any(line.startswith(forbidden + b":") for line in header_lines(content))


def test_without_a_web_site_only_the_mail_way_to_leave_is_offered() -> None:
    publication = replace(PUBLICATION, url="")
    links = Links(publication, Signer((b"k" * 32,), list_id=publication.list_id))
    content = Filler(cut(EDITION, publication, at=AT), links).fill(READER).content
    assert re.fullmatch(
        rb"List-Unsubscribe: <mailto:courrier@lettre\.invalid\?subject=leave%20[\w-]+>",
        the_line(content, b"List-Unsubscribe"),
    )
    assert b"List-Unsubscribe-Post" not in content
    body = parsed(content).get_body(("plain",))
    assert body
    assert "mailto:courrier@lettre.invalid?subject=leave%20" in body.get_content()


def test_blanks_are_escaped_for_the_place_they_stand_in() -> None:
    message = parsed(raw())
    html, text = message.get_body(("html",)), message.get_body(("plain",))
    assert html
    assert text
    shown = html.get_content()
    assert "<p>Bonjour Zoé &lt;&amp;&gt; &quot;Z&quot;, ça va ?</p>" in shown
    assert 'href="https://e.org/?q=Zo%C3%A9%20%3C%26%3E%20%22Z%22"' in shown
    assert re.search(r'href="https://lettre\.invalid/leave/[\w-]+"', shown)
    assert text.get_content().startswith('Bonjour Zoé <&> "Z",\r\n')
    assert shown.endswith("\r\n.point\r\n")


def test_a_reader_without_a_name_is_greeted_without_a_gap() -> None:
    html = parsed(raw(replace(READER, name=""))).get_body(("html",))
    assert html
    assert "<p>Bonjour, ça va ?</p>" in html.get_content()


def test_a_second_try_is_the_same_bytes_and_another_reader_gets_others() -> None:
    assert raw() == raw()
    other = replace(READER, id="ponmlkjihgfedcba")
    assert the_line(raw(), b"Message-ID") != the_line(raw(other), b"Message-ID")


def test_a_template_comes_back_from_the_ledger_as_it_was() -> None:
    template = cut(EDITION, PUBLICATION, at=AT)
    again = MessageTemplate.loads(template.dumps())
    assert again == template
    assert Filler(again, LINKS).fill(READER).content == raw()


def test_every_line_is_ascii_short_and_ended_by_crlf() -> None:
    content = raw()
    assert content.isascii()
    assert content.replace(b"\r\n", b"").count(b"\n") == 0
    assert content.replace(b"\r\n", b"").count(b"\r") == 0
    assert max(len(line) for line in content.split(b"\r\n")) <= 998
    assert not any(line.startswith(b".") for line in content.split(b"\r\n"))


def test_a_test_says_so_and_its_links_are_dead() -> None:
    dead = Links(PUBLICATION, Signer((b"k" * 32,), list_id=PUBLICATION.list_id), dead=True)
    content = Filler(cut(EDITION, PUBLICATION, at=AT, test=True), dead).fill(READER).content
    assert parsed(content)["Subject"] == "[TEST] Un sujet : 38 000 € et l’été"
    assert b"https://lettre.invalid/leave/test>" in the_line(content, b"List-Unsubscribe")


@pytest.mark.parametrize("header", ["sender", "reply_to"])
def test_an_address_of_ours_that_is_not_ascii_is_refused_before_anything_is_cut(header: str) -> None:
    address = "rédaction@lettre.invalid"
    value = Mailbox(name="L'actu", address=address) if header == "sender" else address
    with pytest.raises(ConfigError) as caught:
        cut(replace(EDITION, **{header: value}), PUBLICATION, at=AT)  # type: ignore[arg-type]
    assert address in caught.value.message
    assert caught.value.hint == "write an address without accents, and its domain as an A-label (xn--…)"


def test_pictures_travel_as_related_parts() -> None:
    rendition = Rendition(
        name="a.png",
        src="cid:a.png@lettre.invalid",
        media_type="image/png",
        width=1,
        height=1,
        content=b"\x89PNG" * 50,
    )
    edition = replace(EDITION, renditions=(rendition,), embedded=True)
    message = parsed(raw(edition=edition))
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
    ]
    picture = list(message.walk())[-1]
    assert picture["Content-ID"] == "<a.png@lettre.invalid>"
    assert picture.get_payload(decode=True) == b"\x89PNG" * 50


@pytest.mark.parametrize(
    "name", ["a\r\nBcc: evil@example.org", "a\u2028b", "\u202eevil", "x\x00y", "\ud800", "a\nb"]
)
def test_a_hostile_name_stays_on_its_line(name: str) -> None:
    content = raw(replace(READER, name=name))
    assert not any(line.lower().startswith(b"bcc") for line in content.split(b"\r\n"))
    addresses = parsed(content)["To"].addresses
    assert [address.addr_spec for address in addresses] == ["zoe@example.org"]


@given(
    name=st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Zl", "Zp"]), max_size=60),
    subject=st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Zl", "Zp"]), max_size=60),
)
def test_any_name_and_subject_come_out_the_same(name: str, subject: str) -> None:
    message = parsed(raw(replace(READER, name=name), replace(EDITION, subject=subject)))
    html, text = message.get_body(("html",)), message.get_body(("plain",))
    assert html
    assert text
    greeting = f"Bonjour {name}," if name else "Bonjour,"
    assert text.get_content().startswith(greeting)
    import html as entities

    assert greeting in entities.unescape(html.get_content())
    assert str(
        email.header.make_header(email.header.decode_header(str(message.get("Subject"))))
    ) == subject or (message["Subject"] == subject)
