"""What a mail says that came back: hard only if surely nobody is there, and proven only by what we signed."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.bounces.mail import digest_of, read_returned
from newsletter.bounces.returned import Kind, Proof, Returned, recognised
from newsletter.links import Claim, Purpose
from tests.bounces.mails import (
    ANOTHERS,
    DAY,
    LINKS,
    MESSAGE_ID,
    OURS,
    READER,
    RETURN_PATH,
    SIGNER,
    TOKEN,
    WEB,
    failed,
    mail,
    report,
)


def read(content: bytes) -> Returned:
    (returned,) = read_returned(content, SIGNER)
    return returned


GONE = failed("5.1.1", "550 5.1.1 <zoe@example.org>: Recipient address rejected: User unknown")


def test_a_report_says_who_why_and_when() -> None:
    returned = read(report(GONE))
    assert returned.kind is Kind.HARD
    assert returned.address == "zoe@example.org"
    assert returned.code == "5.1.1"
    assert returned.host == "mx.example.org"
    assert returned.explanation == "no such mailbox"
    assert returned.text == "550 5.1.1 <zoe@example.org>: Recipient address rejected: User unknown"
    assert returned.at is not None
    assert returned.at.isoformat() == "2026-11-23T06:01:00+00:00"
    assert returned.proof is Proof.NONE


@pytest.mark.parametrize(
    ("status", "diagnostic"),
    [
        ("5.1.1", "550 5.1.1 The email account that you tried to reach does not exist"),
        (
            "5.1.1",
            "550 5.1.1 Adresse d au moins un destinataire invalide. Invalid recipient. OFR204_416 [416]",
        ),
        ("5.1.1", "550 5.1.1 Adresse d au moins un destinataire invalide. LPN416 416"),
        ("5.2.1", "550 5.2.1 This mailbox has been blocked due to inactivity"),
        ("5.2.1", "550 5.2.1 The email account that you tried to reach is disabled"),
        ("5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup"),
        ("5.1.10", "556 5.1.10 Recipient domain has a null MX"),
        ("5.1.2", "550 5.1.2 no such domain"),
        ("5.0.0", "550 Utilisateur inconnu"),
        ("5.0.0", "550 No such user here"),
        ("5.0.0", "554 delivery error: dd This user doesn't have a yahoo.com account"),
        ("5.0.0", "550 Unbekannter Empfänger"),
    ],
)
def test_nobody_is_there(status: str, diagnostic: str) -> None:
    assert read(report(failed(status, diagnostic))).kind is Kind.HARD


@pytest.mark.parametrize(
    ("status", "diagnostic"),
    [
        ("5.7.1", "550 5.7.1 Unauthenticated email is not accepted due to the domain's DMARC policy"),
        ("5.7.1", "550 5.7.1 no such user"),  # the code speaks of policy
        ("5.1.1", "550 5.7.1 user unknown"),  # the host's own code does
        ("5.7.1", "550 5.1.1 user unknown"),  # the report's does
        ("5.1.1", "550 5.1.1 user unknown, blocked using zen.spamhaus.org"),
        ("5.1.1", "552 5.1.1 Boite du destinataire pleine. Recipient overquota. OFR_417 [417]"),
        ("5.1.1", "550 5.1.1 Boite du destinataire archivee. Archived recipient. LPN007_420 [420]"),
        ("5.2.0", "550 5.2.0 Mail rejete. Mail rejected. OFR_506 [506]"),
        ("5.2.2", "552 5.2.2 over quota"),
        ("5.2.1", "550 5.2.1 The user is receiving mail at a rate that prevents additional messages"),
        ("5.3.0", "553 5.3.0 Addressee unknown"),
        ("5.4.1", "550 5.4.1 Recipient address rejected: Access denied"),
        ("5.4.4", "Host or domain name not found. Name service error"),
        ("5.0.0", "550 Requested action not taken: mailbox unavailable"),
        ("4.4.7", "delivery expired; last answer was 450 4.1.1 user unknown"),
        ("5.1.1", "450 4.1.1 user unknown, greylisted"),
        ("5.0.0", "550 5.0.0 no"),
        ("", ""),
    ],
)
def test_what_is_not_surely_the_readers_fault_is_soft(status: str, diagnostic: str) -> None:
    assert read(report(failed(status, diagnostic))).kind is Kind.SOFT


def test_an_address_in_spam_street_is_not_a_word_of_policy() -> None:
    text = "550 5.1.1 <policy@spam.example>: user unknown, see https://support.example/blocked"
    assert read(report(failed("5.1.1", text, recipient="policy@spam.example"))).kind is Kind.HARD


@pytest.mark.parametrize("action", ["delayed", "Delayed (still trying)"])
def test_what_is_only_delayed_is_no_bounce(action: str) -> None:
    assert read(report(failed("4.4.1", "connection timed out", action=action))).kind is Kind.DELAYED


@pytest.mark.parametrize("action", ["delivered", "relayed", "expanded"])
def test_what_arrived_is_no_bounce(action: str) -> None:
    assert read(report(failed("2.1.5", "250 ok", action=action))).kind is Kind.OTHER


def test_several_recipients_are_told_apart() -> None:
    groups = GONE + "\n" + failed("5.2.2", "552 full", recipient="max@example.org").partition("\n\n")[2]
    one, two = read_returned(report(groups), SIGNER)
    assert (one.address, one.kind) == ("zoe@example.org", Kind.HARD)
    assert (two.address, two.kind) == ("max@example.org", Kind.SOFT)
    assert one.digest != two.digest


def test_an_international_address_comes_back_unescaped() -> None:
    groups = "Final-Recipient: utf-8; zo\\x{EB}@example.org\nAction: failed\nStatus: 5.1.1\n"
    assert read(report(groups)).address == "zoë@example.org"


def test_the_address_that_was_written_to_goes_before_the_one_it_was_forwarded_to() -> None:
    groups = (
        "Original-Recipient: rfc822;zoe@example.org\nFinal-Recipient: rfc822;z@far.example\n"
        "Action: failed\nStatus: 5.1.1\n"
    )
    assert read(report(groups)).addresses == ("zoe@example.org", "z@far.example")


# Whom it is about


CLAIM = Claim(purpose=Purpose.BOUNCE, reader_id=READER, day=DAY)


@pytest.mark.parametrize(
    "path", [RETURN_PATH, RETURN_PATH.upper(), f"SRS0=ab=cd=lettre.example={RETURN_PATH}"]
)
def test_the_return_path_says_whose_copy_it_was(path: str) -> None:
    returned = read(report(GONE, to=path))
    assert (returned.proof, returned.claim) == (Proof.RETURN_PATH, CLAIM)


@pytest.mark.parametrize(
    "name",
    ["Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "Original-Recipient", "X-Forwarded-To"],
)
def test_the_return_path_is_found_wherever_a_server_has_put_it(name: str) -> None:
    assert read(report(GONE, head=f"{name}: rfc822;{RETURN_PATH}\n")).claim == CLAIM


def test_the_return_path_is_found_where_our_mail_came_back_with_the_report() -> None:
    assert read(report(GONE, original=f"Return-Path: <{RETURN_PATH}>\n{ANOTHERS}")).claim == CLAIM


def test_a_forged_return_path_proves_nothing() -> None:
    forged = RETURN_PATH.replace("+", "+0" if RETURN_PATH.partition("+")[2][0] != "0" else "+1")
    returned = read(report(GONE, to=forged))
    assert (returned.proof, returned.claim) == (Proof.NONE, None)


def test_our_mail_that_came_back_proves_itself_by_its_token() -> None:
    returned = read(report(GONE, original=OURS))
    assert returned.proof is Proof.LEAVE_TOKEN
    assert returned.claim == Claim(purpose=Purpose.LEAVE, reader_id=READER, day=DAY)


def test_a_message_id_of_ours_proves_it_too_once_the_reader_is_known() -> None:
    original = f"To: zoe@example.org\nMessage-ID: <{MESSAGE_ID}>\n"
    returned = read(report(GONE, original=original))
    assert returned.proof is Proof.NONE
    proven = recognised(returned, READER, [date(2026, 11, 20), DAY], LINKS)
    assert (proven.proof, proven.day) == (Proof.MESSAGE_ID, DAY)
    assert recognised(returned, "somebody-else-16", [DAY], LINKS).proof is Proof.NONE


def test_of_one_copy_that_two_hosts_speak_of_one_thing_is_said() -> None:
    groups = GONE + "\n" + failed("5.2.2", "552 full", recipient="max@example.org").partition("\n\n")[2]
    assert read(report(groups, to=RETURN_PATH)).kind is Kind.HARD


# Complaints


def feedback(sort: str, original: str = OURS) -> bytes:
    groups = f"Feedback-Type: {sort}\nUser-Agent: Signal/1.0\nVersion: 1\nSource-Domain: example.org\n"
    return report(groups, sort="feedback-report", original=original, words="This is an abuse report.")


def test_a_complaint_is_known_by_its_form_and_proven_by_our_mail_in_it() -> None:
    returned = read(feedback("abuse"))
    assert (returned.kind, returned.proof, returned.host) == (
        Kind.COMPLAINT,
        Proof.LEAVE_TOKEN,
        "example.org",
    )
    assert returned.address == "Zoe@Example.org"


@pytest.mark.parametrize("sort", ["not-spam", "auth-failure", "virus", "other"])
def test_a_report_on_something_else_is_no_complaint(sort: str) -> None:
    assert read(feedback(sort)).kind is Kind.OTHER


def test_a_complaint_of_the_older_form_is_one_too() -> None:
    content = mail(f"""
        From: staff@hotmail.example
        To: redaction@lettre.example
        Subject: complaint about message from 192.0.2.1
        Content-Type: multipart/mixed; boundary="x"

        --x
        Content-Type: message/rfc822

        X-HmXmrOriginalRecipient: zoe@hotmail.example
        Subject: Le budget
        List-Unsubscribe: <{WEB}>

        La lettre.
        --x--
        """)
    returned = read(content)
    assert (returned.kind, returned.address) == (Kind.COMPLAINT, "zoe@hotmail.example")
    assert returned.proof is Proof.LEAVE_TOKEN


# The answers of machines


@pytest.mark.parametrize(
    "head",
    [
        "Auto-Submitted: auto-replied\nSubject: Re: Le budget",
        "Subject: Réponse automatique : Le budget",
        "Subject: Absence du bureau",
        "Subject: =?utf-8?q?Message_d=E2=80=99absence?=",
        "Subject: Out of Office: Le budget",
        "Subject: Automatic reply: Le budget",
        "X-Autoreply: yes\nSubject: merci",
        "Precedence: auto_reply\nSubject: merci",
    ],
)
def test_whoever_is_away_is_neither_bounced_nor_leaving(head: str) -> None:
    text = (
        f"From: Zoé <zoe@example.org>\nTo: {RETURN_PATH}\n{head}\n\nJe suis absente. STOP.\n\n> unsubscribe\n"
    )
    returned = read(text.encode())
    assert (returned.kind, returned.claim) == (Kind.AUTO_REPLY, CLAIM)


def test_a_receipt_is_the_answer_of_a_machine() -> None:
    groups = (
        "Final-Recipient: rfc822; zoe@example.org\nDisposition: manual-action/MDN-sent-manually; displayed\n"
    )
    assert read(report(groups, sort="disposition-notification")).kind is Kind.AUTO_REPLY


def test_a_filter_that_throws_away_is_a_soft_bounce() -> None:
    groups = (
        "Final-Recipient: rfc822; zoe@example.org\n"
        "Disposition: automatic-action/MDN-sent-automatically; deleted\n"
    )
    words = "Your message was automatically rejected: quota exceeded"
    returned = read(report(groups, sort="disposition-notification", words=words))
    assert (returned.kind, returned.address) == (Kind.SOFT, "zoe@example.org")


# STOP


def reply(text: str, subject: str = "Re: Le budget") -> Returned:
    head = f"From: Zoé <zoe@example.org>\nTo: redaction@lettre.example\nSubject: {subject}\n"
    return read(
        f"{head}In-Reply-To: <{MESSAGE_ID}>\nContent-Type: text/plain; charset=utf-8\n\n{text}\n".encode()
    )


def test_a_reply_that_says_stop_names_the_mail_it_answers() -> None:
    returned = reply("STOP")
    assert (returned.kind, returned.address, returned.proof) == (Kind.STOP, "zoe@example.org", Proof.NONE)
    assert recognised(returned, READER, [DAY], LINKS).proof is Proof.MESSAGE_ID


def test_the_mail_that_the_header_for_leaving_makes_proves_itself() -> None:
    returned = reply("", subject=f"leave {TOKEN}")
    assert (returned.kind, returned.proof) == (Kind.STOP, Proof.LEAVE_TOKEN)


def test_a_reader_who_writes_something_else_is_for_a_person_to_read() -> None:
    assert reply("Bravo pour ce numéro !\n\n> STOP\n> unsubscribe").kind is Kind.OTHER


def test_a_reply_in_html_says_stop_above_what_it_quotes() -> None:
    page = "<style>p {}</style><p>Merci de me d&eacute;sabonner</p>"
    page += "<div>De&nbsp;: La lettre &lt;a@b.example&gt;</div><p>unsubscribe</p>"
    content = f"From: zoe@example.org\nSubject: Re: x\nContent-Type: text/html; charset=utf-8\n\n{page}"
    assert read(content.encode()).kind is Kind.STOP


# Other forms


def test_qmail_tells_in_words() -> None:
    content = mail(f"""
        Return-Path: <>
        From: MAILER-DAEMON@qmail.example
        To: redaction@lettre.example
        Subject: failure notice

        Hi. This is the qmail-send program at qmail.example.
        I'm afraid I wasn't able to deliver your message to the following addresses.
        This is a permanent error; I've given up. Sorry it didn't work out.

        <zoe@example.org>:
        Sorry, no mailbox here by that name. (#5.1.1)

        --- Below this line is a copy of the message.

        List-Unsubscribe: <{WEB}>
        To: zoe@example.org

        spam blocked policy
        """)
    returned = read(content)
    assert (returned.kind, returned.address, returned.code) == (Kind.HARD, "zoe@example.org", "5.1.1")
    assert returned.proof is Proof.LEAVE_TOKEN


def test_exim_names_who_failed_in_a_header() -> None:
    content = mail("""
        From: Mail Delivery System <Mailer-Daemon@exim.example>
        To: redaction@lettre.example
        X-Failed-Recipients: zoe@example.org
        Auto-Submitted: auto-replied
        Subject: Mail delivery failed: returning message to sender

        The following address(es) failed:

          zoe@example.org
            SMTP error from remote mail server after RCPT TO:<zoe@example.org>:
            host mx.example.org [192.0.2.7]: 550 Unknown user
        """)
    returned = read(content)
    assert (returned.kind, returned.address) == (Kind.HARD, "zoe@example.org")


def test_a_french_notice_without_a_code_is_understood() -> None:
    content = mail("""
        From: Postmaster <postmaster@ministere.example>
        To: redaction@lettre.example
        Subject: Non remis : Le budget
        Content-Type: text/plain; charset=utf-8

        Votre message n'a pas pu être remis à zoe@ministere.example.
        L'adresse de messagerie n'existe pas.
        """)
    returned = read(content)
    assert (returned.kind, returned.address) == (Kind.HARD, "zoe@ministere.example")


def test_a_warning_in_words_is_no_bounce() -> None:
    content = mail("""
        From: Mail Delivery Subsystem <mailer-daemon@googlemail.example>
        To: redaction@lettre.example
        Subject: Delivery Status Notification (Delay)

        THIS IS A WARNING MESSAGE ONLY. YOU DO NOT NEED TO RESEND YOUR MESSAGE.
        Delivery to the following recipient has been delayed: zoe@example.org
        """)
    assert read(content).kind is Kind.DELAYED


# What makes a mail the same


def test_a_mail_is_the_same_however_its_lines_end_and_whatever_a_mailbox_notes_in_it() -> None:
    content = report(GONE)
    lines = content.replace(b"\r\n", b"\n")
    noted = b"From MAILER-DAEMON Mon Nov 23 07:00:59 2026\n" + lines.replace(
        b"Subject:", b"Status: RO\nX-UID: 7\nSubject:", 1
    )
    assert digest_of(content) == digest_of(lines) == digest_of(noted + b"\n")
    assert digest_of(content) != digest_of(content.replace(b"zoe", b"max"))


# Whatever the bytes


def test_a_nest_of_parts_is_left_alone_below_a_depth() -> None:
    content = b"From: mailer-daemon@example.org\nSubject: failure notice\n"
    for depth in range(3000):
        content += b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (depth, depth)
    assert read(content).kind is Kind.SOFT


def test_a_flood_of_parts_is_cut_off() -> None:
    head = b"From: mailer-daemon@example.org\nSubject: failure notice\n"
    head += b'Content-Type: multipart/mixed; boundary="x"\n\n'
    assert read(head + b"--x\n\nzoe@example.org\n" * 100_000).kind is Kind.SOFT


HOSTILE = st.sampled_from(
    [
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=x\n",
        b'Content-Type: multipart/mixed; boundary=""\n',
        b"Content-Type: message/rfc822\n",
        b"Content-Type: message/delivery-status\n",
        b"Content-Type: message/feedback-report\nContent-Transfer-Encoding: base64\n",
        b"Content-Type: text/plain; charset=idna\nContent-Transfer-Encoding: quoted-printable\n",
        b"Content-Type: text/html; charset=utf-16\n",
        b"Subject: =?utf-8?b?////?= =?x?q?=FF?= failure notice\n",
        b"From: mailer-daemon@example.org\n",
        b"Return-Path: <>\n",
        b"X-Failed-Recipients: ,@,<>@x.\n",
        b"Date: Mon, 99 Foo 99999999 99:99:99 +99999\n",
        b"Final-Recipient: utf-8; \\x{110000}@a.b\nAction: failed\nStatus: 5.1.1\n",
        b"Diagnostic-Code: smtp; 550 " + b"user " * 200 + b"\n",
        b"Feedback-Type: abuse\n",
        b"To: a+" + b"0" * 58 + b"@b.c\n",
        b"leave " + b"A" * 60 + b"\n",
        b"\n--x\n",
        b"\n--x--\n",
        b"\n",
        b"<style><style><!-- <p",
        b"Sorry, no mailbox here by that name.\n<a@b.example>:\n",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(HOSTILE | st.binary(max_size=60), max_size=40))
def test_no_bytes_make_it_fall(pieces: list[bytes]) -> None:
    for returned in read_returned(b"".join(pieces), SIGNER):
        assert returned.proof is Proof.NONE
        assert len(returned.digest) == 64


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_damage_to_a_report_makes_it_fall(data: st.DataObject) -> None:
    content = bytearray(report(GONE, to=RETURN_PATH, original=OURS))
    for _ in range(data.draw(st.integers(1, 12))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place : place + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=8))
    for returned in read_returned(bytes(content), SIGNER):
        assert returned.claim is None or returned.claim.reader_id == READER
