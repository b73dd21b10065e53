"""Mails that came back, made for the tests: what hosts of all kinds would say of a copy of ours."""

from datetime import date
from textwrap import dedent

from newsletter.links import Links, Signer
from newsletter.model import Mailbox, Publication

DAY = date(2026, 11, 23)
READER = "abcdefghijklmnop"
PUBLICATION = Publication(
    name="La lettre",
    sender=Mailbox(name="La lettre", address="redaction@lettre.example"),
    url="https://lettre.example",
)
SIGNER = Signer((b"k" * 32,), list_id=PUBLICATION.list_id)
LINKS = Links(PUBLICATION, SIGNER)
WEB, MAILTO, MESSAGE_ID, RETURN_PATH = LINKS.copies(DAY, bounces="retours@lettre.example").copy(READER)
TOKEN = WEB.rpartition("/")[2]

OURS = f"""\
From: La lettre <redaction@lettre.example>
To: Zoe@Example.org
Subject: Le budget, en cinq minutes
Message-ID: <{MESSAGE_ID}>
List-Unsubscribe: <{WEB}>, <{MAILTO}>
Date: Mon, 23 Nov 2026 07:00:05 +0100
"""
"""The headers of the copy that went out."""

ANOTHERS = """\
From: La lettre <redaction@lettre.example>
To: zoe@example.org
Subject: Le budget, en cinq minutes
Message-ID: <123@elsewhere.example>
"""
"""Headers that anybody could write."""


def mail(text: str) -> bytes:
    """A mail from its text, which may be indented; lines end as on the wire."""
    return dedent(text).lstrip("\n").replace("\n", "\r\n").encode()


def report(
    groups: str,
    *,
    to: str = "redaction@lettre.example",
    words: str = "Your message could not be delivered.",
    original: str = ANOTHERS,
    sort: str = "delivery-status",
    head: str = "",
) -> bytes:
    """A multipart/report (RFC 6522) with these groups of fields as its machine-readable part."""
    part = "message/feedback-report" if sort == "feedback-report" else f"message/{sort}"
    text = (
        "Return-Path: <>\n"
        "Received: from mx.example.org by mail.lettre.example; Mon, 23 Nov 2026 06:01:00 +0000\n"
        f"From: Mail Delivery System <MAILER-DAEMON@mx.example.org>\nTo: {to}\n"
        f"Subject: Undelivered Mail Returned to Sender\nDate: Mon, 23 Nov 2026 07:00:59 +0100\n{head}"
        f'MIME-Version: 1.0\nContent-Type: multipart/report; report-type={sort}; boundary="cut"\n\n'
        f"--cut\nContent-Type: text/plain; charset=utf-8\n\n{words}\n\n--cut\nContent-Type: {part}\n\n"
        f"{dedent(groups).strip()}\n\n"
        f"--cut\nContent-Type: message/rfc822\n\n{original}\nLa lettre du jour.\n--cut--\n"
    )
    return text.replace("\n", "\r\n").encode()


def failed(
    status: str, diagnostic: str, *, action: str = "failed", recipient: str = "zoe@example.org"
) -> str:
    """The fields of a report about one recipient."""
    return (
        "Reporting-MTA: dns; mail.press.example\n\n"
        f"Final-Recipient: rfc822; {recipient}\nAction: {action}\nStatus: {status}\n"
        f"Remote-MTA: dns; mx.example.org\nDiagnostic-Code: smtp; {diagnostic}\n"
    )
