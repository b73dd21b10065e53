"""The message of a notice, byte by byte: to one person, from a program, signed, and of no list."""

from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from newsletter.compose.notice import compose_notice
from newsletter.config import Dkim, Look
from newsletter.deliver.dkim import make_key, read_seals
from newsletter.deliver.notice import notice_message
from newsletter.errors import ContentError
from newsletter.model import Edition, Mailbox, Message, Publication
from tests.conftest import ROOT
from tests.deliver.test_dkim import verified

AT = datetime.fromisoformat("2026-11-23T07:00:00+01:00")
PUBLICATION = Publication(
    name="L’actu du test",
    url="https://lettre.invalid",
    sender=Mailbox(name="L’actu du test", address="redaction@lettre.invalid"),
    reply_to="bonjour@lettre.invalid",
    postal_address="1 rue du Test, 75000 Paris",
)


def edition(notice: str = "confirm") -> Edition:
    url = "https://lettre.invalid/confirm/" + "A-_9" * 20
    return compose_notice(notice, PUBLICATION, Look(), templates=ROOT / "templates", url=url)


def message(**more: object) -> Message:
    values: dict[str, object] = {"request_id": "r1", "to": "zoe@example.org", "at": AT, **more}
    return notice_message(edition(), **values)  # type: ignore[arg-type]


def test_the_head_says_who_wrote_to_whom_and_that_a_program_did() -> None:
    sent = message(bounces="bounces@lettre.invalid")
    assert (sent.sender, sent.recipient) == ("bounces@lettre.invalid", "zoe@example.org")
    head = sent.content.partition(b"\r\n\r\n")[0].decode("ascii").split("\r\n")
    assert head[0] == "Date: Mon, 23 Nov 2026 07:00:00 +0100"
    assert head[1].endswith(" <redaction@lettre.invalid>")
    assert head[2] == "Reply-To: bonjour@lettre.invalid"
    named = [line.partition(":")[0] for line in head if not line.startswith(" ")]
    assert named == [
        "Date",
        "From",
        "Reply-To",
        "To",
        "Subject",
        "Message-ID",
        "Auto-Submitted",
        "MIME-Version",
        "Content-Type",
    ]
    assert "To: zoe@example.org" in head
    assert "Auto-Submitted: auto-generated" in head
    assert f"Message-ID: <{sent.id}>" in head


def test_nothing_in_it_makes_it_a_lists_mail() -> None:
    content = message().content
    for header in (b"List-", b"Precedence", b"Feedback-ID", b"X-", b"Return-Path"):
        assert b"\r\n" + header not in content


def test_it_is_the_same_again_and_another_for_another_request() -> None:
    assert message().content == message().content
    assert message().id != message(request_id="r2").id
    assert "r1" not in message().id
    assert message().sender == "redaction@lettre.invalid"


def test_it_travels_as_ascii_in_short_lines_and_is_read_as_written() -> None:
    content = message().content
    assert content.isascii()
    assert b"\r\n" in content
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert max(map(len, content.split(b"\r\n"))) <= 998
    parsed = message_from_bytes(content, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    assert parsed.defects == []
    assert parsed["subject"] == "Plus qu’un clic\u00a0: confirmez votre inscription à L’actu du test"
    text, html = (part.get_content() for part in parsed.iter_parts())
    assert "https://lettre.invalid/confirm/" + "A-_9" * 20 in text
    assert "https://lettre.invalid/confirm/" + "A-_9" * 20 in html


def test_it_is_signed_and_the_signatures_are_good(tmp_path: Path) -> None:
    keys = Dkim(domain="lettre.invalid", selectors=("rsa", "ed"), keys=tmp_path / "dkim")
    make_key(keys, "rsa", ed25519=False)
    make_key(keys, "ed", ed25519=True)
    content = message(seals=read_seals(keys)[0]).content
    assert verified(content, keys) == [True, True]
    assert verified(content.replace(b"zoe@", b"eve@"), keys) == [False, False]


@pytest.mark.parametrize(
    "address",
    ["zoe@example.org\r\nBcc: eve@example.org", "zoe@example.org, eve@example.org", "", "zoe\0@example.org"],
)
def test_an_address_that_could_say_more_is_refused(address: str) -> None:
    with pytest.raises(ContentError):
        message(to=address)
