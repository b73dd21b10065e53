"""The bytes of one mail that came back -> what it says, reader by reader: the whole way on one screen.

Whom it is about is taken from our own signed tokens, wherever in it they stand, and only then from what it
says itself; what happened, from its machine-readable part, then from the host's words. Nothing in it is
believed without a proof (`Returned.proof`), and whatever the bytes are, nothing is raised.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from newsletter.blame import in_words
from newsletter.bounces import proofs, signs, tail
from newsletter.bounces.mime import HEADERS_ONLY, WHOLE_MAILS, Part, read_mail
from newsletter.bounces.notices import Notice, find_addresses, read_feedback, read_notices
from newsletter.bounces.returned import LONGEST_HOST, LONGEST_TEXT, Kind, Returned, shown
from newsletter.bounces.verdict import code_in, verdict
from newsletter.bounces.wishes import says_stop
from newsletter.links import Signer

_MOST_READERS = 100
"""Recipients of one mail that are told apart: ours has one each, another's list may have had many."""

_COMPLAINTS = ("abuse", "fraud", "complaint", "")
_DONE = ("delivered", "relayed", "expanded")

# What mailbox programs add to a mail after it has come in.
_ADDED_LATER = re.compile(
    rb"(?im)^(?:status|x-status|x-uid|x-uidl|x-keywords|x-mozilla-\w+|content-length|lines"
    rb"|x-imap\w*)[ \t]*:.*\n(?:[ \t].*\n)*"
)


def read_returned(content: bytes, signer: Signer) -> tuple[Returned, ...]:
    """What a mail says, at least one thing; more than one if it is about several addresses."""
    mail = read_mail(content)
    proof, claim = proofs.find_claim(mail, signer)
    digest = digest_of(content)
    found = list(_told(mail))[:_MOST_READERS]
    at = _made_at(mail)
    ids = proofs.find_message_ids(mail)
    said = [replace(each, digest=digest, proof=proof, claim=claim, at=at, message_ids=ids) for each in found]
    if len(said) == 1:
        return tuple(said)
    if claim:
        # A copy of ours has one reader: whoever else is named had it from that reader.
        return (max(said, key=lambda each: _WEIGHT[each.kind]),)
    return tuple(
        replace(each, digest=hashlib.sha256(f"{digest} {number}".encode()).hexdigest())
        for number, each in enumerate(said)
    )


def digest_of(content: bytes) -> str:
    """What names a mail for ever: the same however its lines end and whatever a mailbox has noted in it."""
    content = content.replace(b"\r\n", b"\n")
    if content.startswith((b"From ", b">From ")):
        content = content.partition(b"\n")[2]
    head, gap, body = content.partition(b"\n\n")
    head = _ADDED_LATER.sub(b"", head + b"\n")
    return hashlib.sha256(head + gap + body.rstrip(b"\n")).hexdigest()


def _told(mail: Part) -> Iterator[Returned]:
    """What a mail says, not yet proven."""
    own = list(mail.own())
    if feedback := next((part for part in own if part.media_type == "message/feedback-report"), None):
        yield _complaint(mail, feedback)
        return
    notices = [
        notice
        for part in own
        if part.media_type in ("message/delivery-status", "message/global-delivery-status")
        for notice in read_notices(part)
    ]
    if notices:
        for notice in notices:
            yield _reported(mail, notice)
        return
    if receipt := next((part for part in own if part.media_type == "message/disposition-notification"), None):
        yield _receipt(mail, receipt)
        return
    yield from _unstructured(mail)


def _complaint(mail: Part, feedback: Part) -> Returned:
    """RFC 5965: somebody called it spam; other reports by the same form are about something else."""
    fields = read_feedback(feedback)
    named = [
        fields.get(name, "") for name in ("original-rcpt-to", "removal-recipient", "x-hmxmroriginalrecipient")
    ]
    found = [address for value in named for address in find_addresses(value)] + _recipients_of_ours(mail)
    sort = fields.get("feedback-type", "").lower().strip(" ")
    kind = Kind.COMPLAINT if sort in _COMPLAINTS else Kind.STOP if sort == "opt-out" else Kind.OTHER
    host = fields.get("source-domain") or fields.get("reporting-mta") or _domain(mail.get("from"))
    words = {Kind.COMPLAINT: "called it spam", Kind.STOP: "asks to leave"}.get(kind, f"a report of {sort!r}")
    return _made(kind, addresses=found, host=host, text=fields.get("user-agent", ""), explanation=words)


def _receipt(mail: Part, receipt: Part) -> Returned:
    """RFC 8098: a mail was read or thrown away; or turned down by a reader's own filter (RFC 5429 §2.1.1)."""
    fields = read_feedback(receipt)
    text = tail.what_was_said(mail)
    turned_down = "deleted" in fields.get("disposition", "") and re.search(
        "reject|refus", text, re.IGNORECASE
    )
    named = find_addresses(fields.get("original-recipient", "")) + find_addresses(
        fields.get("final-recipient", "")
    )
    if turned_down:
        return _made(Kind.SOFT, addresses=named, text=text, code=code_in("", text))
    return _made(Kind.AUTO_REPLY, addresses=named, text=text, explanation="a receipt")


def _reported(mail: Part, notice: Notice) -> Returned:
    """RFC 3464: what became of one recipient."""
    addresses = [notice.original, notice.final, *_recipients_of_ours(mail)]
    text = " ".join(notice.diagnostic.split()) or tail.what_was_said(mail)
    code = code_in(notice.status, text)
    if notice.action in _DONE or (not notice.action and notice.status.startswith("2")):
        return _made(
            Kind.OTHER, addresses=addresses, host=notice.host, text=text, code=code, explanation="it arrived"
        )
    delayed = notice.action == "delayed"
    if not notice.action:
        delayed = signs.looks_delayed(mail.get("subject"), tail.what_was_said(mail))
    kind = Kind.DELAYED if delayed else verdict(code, text, notice.status)
    return _made(kind, addresses=addresses, host=notice.host, text=text, code=code)


def _unstructured(mail: Part) -> Iterator[Returned]:
    """A mail that is no report: the answer of a machine, a bounce of another form, or a person's."""
    text = tail.what_was_said(mail)
    daemon, returned = signs.comes_from_a_daemon(mail), signs.looks_returned(mail)
    answering = signs.is_answer_of_a_machine(mail)
    forwarded = forwarded_complaint(mail)
    if forwarded:
        yield _made(
            Kind.COMPLAINT, addresses=forwarded, host=_domain(mail.get("from")), explanation="called it spam"
        )
    elif (
        (daemon and (returned or not answering))
        or (returned and not answering)
        or mail.get("x-failed-recipients")
    ):
        yield from _long_tail(mail, text, sure=daemon or returned)
    elif answering:
        yield _made(
            Kind.AUTO_REPLY, addresses=_senders(mail), text=text, explanation="the answer of a machine"
        )
    elif proofs.asks_by_token(mail) or says_stop(mail.get("subject"), _plain_text(mail)):
        yield _made(Kind.STOP, addresses=_senders(mail), text=text, explanation="asks to leave")
    else:
        yield from _long_tail(mail, text, sure=False)


def _long_tail(mail: Part, text: str, *, sure: bool) -> Iterator[Returned]:
    recipients = tail.find_recipients(mail) if sure or tail.is_of_known_form(mail) else []
    if not recipients and not sure:
        yield _made(Kind.OTHER, addresses=_senders(mail), text=text, explanation="for a person to read")
        return
    code = code_in("", text)
    kind = Kind.DELAYED if signs.looks_delayed(mail.get("subject"), text) else verdict(code, text, "")
    for address in recipients or [""]:
        yield _made(kind, addresses=[address, *_recipients_of_ours(mail)], text=text, code=code)


def _made(
    kind: Kind, *, addresses: list[str], host: str = "", text: str = "", code: str = "", explanation: str = ""
) -> Returned:
    explanation = explanation or in_words(code, " ".join(text.split()))
    unique = tuple(dict.fromkeys(address for address in addresses if address))
    return Returned(
        kind=kind,
        digest="",
        addresses=unique[:5],
        code=code,
        host=shown(host, LONGEST_HOST),
        text=shown(text, LONGEST_TEXT),
        explanation=shown(explanation, LONGEST_TEXT),
    )


def forwarded_complaint(mail: Part) -> list[str]:
    """Whom a complaint in Outlook.com's older form is about: a header of our mail names the reader."""
    inner = (part for part in mail.walk() if part is not mail)
    return [
        each
        for part in inner
        for value in part.all("x-hmxmroriginalrecipient")
        for each in find_addresses(value)
    ]


def _recipients_of_ours(mail: Part) -> list[str]:
    """To whom the mail was addressed that came back with the report."""
    for part in mail.walk():
        if part.media_type in (*WHOLE_MAILS, *HEADERS_ONLY) and part.parts:
            return [address for value in part.parts[0].all("to") for address in find_addresses(value)][:1]
    return []


def _senders(mail: Part) -> list[str]:
    return [
        address
        for name in ("from", "reply-to")
        for value in mail.all(name)
        for address in find_addresses(value)
    ]


def _plain_text(mail: Part) -> str:
    texts = [part for part in mail.own() if part.is_text and part.body]
    plain = [part for part in texts if part.media_type == "text/plain"]
    return (plain or texts)[0].text if texts else ""


def _domain(value: str) -> str:
    return next((address.rpartition("@")[2] for address in find_addresses(value)), "")


def _made_at(mail: Part) -> datetime | None:
    """When our own server took it in, by the topmost Received; else the Date it was given."""
    received = [value.rpartition(";")[2] for value in mail.all("received")[:1]]
    for value in (*received, mail.get("date")):
        try:
            at = parsedate_to_datetime(value.strip(" "))
            return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
    return None


_WEIGHT = {
    Kind.COMPLAINT: 6,
    Kind.STOP: 5,
    Kind.HARD: 4,
    Kind.SOFT: 3,
    Kind.DELAYED: 2,
    Kind.AUTO_REPLY: 1,
    Kind.OTHER: 0,
}
