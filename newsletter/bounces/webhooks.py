"""A provider's call, its headers and its body -> what came back, once the provider has proved who it is.

Pure: nothing is written, and the certificate of Amazon's is handed in. A call about anything else than what
comes back (opened, delivered) gives nothing; one without the provider's proof raises Forged. The verdict is
ours: what a provider calls a hard bounce is one only if what the host said does not speak against it.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from newsletter.blame import Blame, blame, in_words, is_full
from newsletter.bounces.proofs import claim_in
from newsletter.bounces.returned import LONGEST_HOST, LONGEST_TEXT, Kind, Proof, Returned, shown
from newsletter.bounces.sns import LONGEST, Certificate, open_notification
from newsletter.bounces.verdict import code_in, verdict
from newsletter.errors import Forged
from newsletter.links import Signer

WINDOW = timedelta(minutes=5)
"""How far from now a call of Mailgun's may have been signed."""

# What providers call it when they know that nobody is there; any other "permanent" is for the host's words to
# say.
_SES_NOBODY = ("NoEmail", "Suppressed", "OnAccountSuppressionList")
_POSTMARK_NOBODY = ("HardBounce", "BadEmailAddress")
_POSTMARK_KINDS = {
    "AutoResponder": Kind.AUTO_REPLY,
    "Transient": Kind.SOFT,
    "SpamComplaint": Kind.COMPLAINT,
    "Unsubscribe": Kind.STOP,
    "Subscribe": Kind.OTHER,
    "ChallengeVerification": Kind.AUTO_REPLY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ses:
    """Which topics of Amazon's are ours, by their ARN."""

    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Postmark:
    """What Postmark logs in with, `USER:PASSWORD`, as its webhook was set up (HTTP Basic, RFC 7617)."""

    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailgun:
    """The key by which Mailgun signs its webhooks."""

    key: str = field(repr=False)


def read_ses(
    body: bytes, settings: Ses, certificate: Certificate, *, signer: Signer, now: datetime
) -> list[Returned]:
    """What Amazon SES says by SNS; raises Forged, or what `certificate` raises.

    A confirmation of a subscription says nothing that came back: `sns.open_notification` has its address,
    which a person opens.
    """
    notification = open_notification(body, settings.topics, certificate, now=now)
    if notification.kind != "Notification":
        return []
    try:
        said = Said(json.loads(notification.message))
    except (ValueError, RecursionError):
        return []  # a topic carries what else somebody publishes to it
    digest = _digest("sns", notification.id)
    return list(_ses(said, signer, digest))


def read_postmark(
    headers: Mapping[str, str], body: bytes, settings: Postmark, *, signer: Signer, now: datetime
) -> list[Returned]:
    """What Postmark says; raises Forged if the call has not the name and password that we gave it."""
    scheme, _, given = _header(headers, "authorization").partition(" ")
    try:
        known = base64.b64decode(given.strip(" "), validate=True) if scheme.lower() == "basic" else b""
    except (binascii.Error, ValueError):
        known = b""
    if not settings.secret or not hmac.compare_digest(known, settings.secret.encode()):
        raise Forged("a call without our name and password", where="Postmark")
    return list(_postmark(_read(body, "Postmark"), signer, now))


def read_mailgun(body: bytes, settings: Mailgun, *, signer: Signer, now: datetime) -> list[Returned]:
    """What Mailgun says; raises Forged if it is not signed by Mailgun, within five minutes of now.

    Only time and token are signed, not what happened, so that one who has seen a call could make another of
    it: what it says is recorded under the token, and whatever comes with the same token is known already.
    """
    said = _read(body, "Mailgun")
    signature = said.at("signature")
    stamp, token = signature.text("timestamp"), signature.text("token")
    expected = hmac.new(settings.key.encode(), (stamp + token).encode(), hashlib.sha256).hexdigest()
    given = signature.text("signature").lower()
    if not settings.key or not token or not hmac.compare_digest(expected.encode(), given.encode()):
        raise Forged("a signature that is not Mailgun's", where="Mailgun")
    at = _epoch(stamp)
    if at is None or abs(now - at) > WINDOW:
        raise Forged("a call of another hour", where="Mailgun")
    return list(_mailgun(said.at("event-data"), signer, _digest("mailgun", token)))


class Said:
    """What a provider's JSON says, asked for by the way to it; what is not there, or is no text, is ""."""

    def __init__(self, value: object) -> None:
        self._value = value

    def at(self, *names: str) -> "Said":
        value = self._value
        for name in names:
            value = value.get(name) if isinstance(value, dict) else None
        return Said(value)

    def text(self, *names: str) -> str:
        value = self.at(*names)._value
        return value if isinstance(value, str) else str(value) if isinstance(value, int | float) else ""

    def items(self, *names: str) -> "list[Said]":
        value = self.at(*names)._value
        return [Said(each) for each in value[:100]] if isinstance(value, list) else []

    def is_true(self, *names: str) -> bool:
        return self.at(*names)._value is True


def _ses(said: Said, signer: Signer, digest: str) -> Iterator[Returned]:
    mail = said.at("mail")
    headers = [header.text("value") for header in mail.items("headers")]
    ids = (mail.text("commonHeaders", "messageId").strip("<>"),)
    known = _Known(signer, [mail.text("source"), *headers], ids, mail.text("messageId"))
    kind = said.text("notificationType") or said.text("eventType")
    if kind == "Bounce":
        bounce = said.at("bounce")
        nobody = bounce.text("bounceType") == "Permanent" and bounce.text("bounceSubType") in _SES_NOBODY
        for number, each in enumerate(bounce.items("bouncedRecipients")):
            text = each.text("diagnosticCode").removeprefix("smtp; ")
            what = _verdict(
                each.text("status"), text, nobody=nobody, lasting=bounce.text("bounceType") == "Permanent"
            )
            host = bounce.text("reportingMTA").removeprefix("dns; ")
            yield known.say(
                what,
                each.text("emailAddress"),
                f"{digest}{number}",
                bounce.text("timestamp"),
                each.text("status"),
                text,
                host,
            )
    elif kind == "Complaint":
        complaint = said.at("complaint")
        what = Kind.OTHER if complaint.text("complaintFeedbackType") == "not-spam" else Kind.COMPLAINT
        for number, each in enumerate(complaint.items("complainedRecipients")):
            yield known.say(what, each.text("emailAddress"), f"{digest}{number}", complaint.text("timestamp"))
    elif kind == "DeliveryDelay":
        delay = said.at("deliveryDelay")
        for number, each in enumerate(delay.items("delayedRecipients")):
            text = each.text("diagnosticCode")
            yield known.say(
                Kind.DELAYED,
                each.text("emailAddress"),
                f"{digest}{number}",
                delay.text("timestamp"),
                each.text("status"),
                text,
            )


def _postmark(said: Said, signer: Signer, now: datetime) -> Iterator[Returned]:
    known = _Known(signer, [said.text("From"), said.text("Content")], (), said.text("MessageID"))
    record = said.text("RecordType")
    digest = _digest("postmark", f"{record} {said.text('ID') or said.text('MessageID')} {said.text('Email')}")
    if record == "SubscriptionChange":
        if said.is_true("SuppressSending") and said.text("SuppressionReason") == "ManualSuppression":
            yield known.say(Kind.STOP, said.text("Recipient"), digest, said.text("ChangedAt"))
    elif record in ("Bounce", "SpamComplaint"):
        sort = said.text("Type")
        text = said.text("Details") or said.text("Description")
        kind = Kind.COMPLAINT if record == "SpamComplaint" else _POSTMARK_KINDS.get(sort)
        if kind is None:
            kind = _verdict("", text, nobody=sort in _POSTMARK_NOBODY, lasting=True)
        yield known.say(kind, said.text("Email"), digest, said.text("BouncedAt"), "", text)


def _mailgun(event: Said, signer: Signer, digest: str) -> Iterator[Returned]:
    ids = (event.text("message", "headers", "message-id").strip("<>"),)
    known = _Known(signer, [event.text("envelope", "sender")], ids, event.text("id"))
    sort, to, at = event.text("event"), event.text("recipient"), event.text("timestamp")
    if sort == "complained":
        yield known.say(Kind.COMPLAINT, to, digest, at)
    elif sort == "unsubscribed":
        yield known.say(Kind.STOP, to, digest, at)
    elif sort == "failed":
        status = event.at("delivery-status")
        code = status.text("enhanced-code")
        text = " ".join(
            filter(None, (status.text("code"), status.text("message"), status.text("description")))
        )
        lasting = event.text("severity") == "permanent"
        nobody = lasting and event.text("reason") == "suppress-bounce"
        kind = _verdict(code, text, nobody=nobody, lasting=lasting) if lasting else Kind.DELAYED
        yield known.say(kind, to, digest, at, code, text, status.text("mx-host"))


class _Known:
    """What is the same in all that one call says."""

    def __init__(self, signer: Signer, texts: list[str], ids: tuple[str, ...], receipt: str) -> None:
        self._claim = claim_in(texts, signer)[1]
        self._ids = tuple(filter(None, ids))
        self._receipt = receipt[:200]

    def say(
        self, kind: Kind, address: str, digest: str, at: str, code: str = "", text: str = "", host: str = ""
    ) -> Returned:
        text = " ".join(text.split())
        code = code_in(code, text)
        words = {
            Kind.COMPLAINT: "called it spam",
            Kind.STOP: "asks to leave",
            Kind.AUTO_REPLY: "the answer of a machine",
        }
        return Returned(
            kind=kind,
            digest=hashlib.sha256(digest.encode()).hexdigest(),
            proof=Proof.PROVIDER,
            claim=self._claim,
            addresses=(address[:320],) if address else (),
            code=code,
            host=shown(host, LONGEST_HOST),
            text=shown(text, LONGEST_TEXT),
            explanation=words.get(kind) or in_words(code, text),
            at=_moment(at),
            message_ids=self._ids,
            receipt=self._receipt,
        )


def _verdict(status: str, text: str, *, nobody: bool, lasting: bool) -> Kind:
    """HARD if code and words say so, or if the provider does and they do not speak against it."""
    text = " ".join(text.split())
    code = code_in(status, text)
    if lasting and verdict(code, text, status) is Kind.HARD:
        return Kind.HARD
    against = (
        code.startswith("4") or is_full(code, text) or blame(code, text) in (Blame.SENDER, Blame.MAILBOX)
    )
    return Kind.HARD if nobody and not against else Kind.SOFT


def _read(body: bytes, where: str) -> Said:
    try:
        read = json.loads(body) if len(body) <= LONGEST else None
    except (ValueError, RecursionError) as error:
        raise Forged("not JSON", where=where) from error
    if not isinstance(read, dict):
        raise Forged("not a call of the kind that was agreed on", where=where)
    return Said(read)


def _header(headers: Mapping[str, str], name: str) -> str:
    return next((value for key, value in headers.items() if key.lower() == name), "")


def _digest(provider: str, number: str) -> str:
    return f"{provider} {number} "


def _epoch(stamp: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(stamp), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _moment(text: str) -> datetime | None:
    """A moment as providers write it: RFC 3339, or seconds since 1970."""
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return _epoch(text)
