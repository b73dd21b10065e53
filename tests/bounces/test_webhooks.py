"""Calls of providers: only theirs are believed, each once, and their verdict only if nothing objects."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from newsletter.bounces.returned import Kind, Proof, Returned
from newsletter.bounces.webhooks import Mailgun, Postmark, Ses, read_mailgun, read_postmark, read_ses
from newsletter.errors import Forged
from tests.bounces.mails import DAY, READER, RETURN_PATH, SIGNER, WEB
from tests.bounces.test_sns import NOW, PEM, TOPIC, notification, signed

# Amazon SES


def ses(message: object, **more: str) -> list[Returned]:
    body = signed(notification(json.dumps(message), **more))
    return read_ses(body, Ses(topics=(TOPIC,)), lambda _: PEM, signer=SIGNER, now=NOW)


def bounced(
    kind: str, sub: str, code: str = "", status: str = "5.1.1", name: str = "notificationType"
) -> dict[str, object]:
    return {
        name: "Bounce",
        "bounce": {
            "bounceType": kind,
            "bounceSubType": sub,
            "bouncedRecipients": [
                {"emailAddress": "zoe@example.org", "status": status, "diagnosticCode": code}
            ],
            "timestamp": "2026-11-23T07:58:00.000Z",
            "reportingMTA": "dns; a7-1.smtp-out.eu-west-3.amazonses.com",
        },
        "mail": {
            "messageId": "0109-abc",
            "source": "redaction@lettre.example",
            "headers": [{"name": "List-Unsubscribe", "value": f"<{WEB}>"}],
            "commonHeaders": {"messageId": "<abc@lettre.example>"},
        },
    }


@pytest.mark.parametrize("name", ["notificationType", "eventType"])
def test_amazon_tells_of_a_bounce(name: str) -> None:
    (returned,) = ses(bounced("Permanent", "General", "smtp; 550 5.1.1 user unknown", name=name))
    assert (returned.kind, returned.proof, returned.address) == (Kind.HARD, Proof.PROVIDER, "zoe@example.org")
    assert returned.claim is not None
    assert (returned.claim.reader_id, returned.day) == (READER, DAY)
    assert (returned.receipt, returned.message_ids) == ("0109-abc", ("abc@lettre.example",))
    assert returned.at == datetime(2026, 11, 23, 7, 58, tzinfo=UTC)
    assert (returned.code, returned.explanation) == ("5.1.1", "no such mailbox")


@pytest.mark.parametrize(
    ("kind", "sub", "code", "status", "expected"),
    [
        ("Permanent", "NoEmail", "", "", Kind.HARD),
        ("Permanent", "Suppressed", "Amazon SES did not send the message", "5.1.1", Kind.HARD),
        ("Permanent", "General", "", "", Kind.SOFT),
        ("Permanent", "General", "smtp; 550 5.7.1 spam", "5.7.1", Kind.SOFT),
        ("Permanent", "NoEmail", "smtp; 550 5.7.1 blocked by policy", "5.7.1", Kind.SOFT),
        ("Transient", "General", "smtp; 550 5.1.1 user unknown", "5.1.1", Kind.SOFT),
        ("Transient", "MailboxFull", "smtp; 552 5.2.2 full", "5.2.2", Kind.SOFT),
        ("Undetermined", "Undetermined", "", "", Kind.SOFT),
    ],
)
def test_what_amazon_calls_permanent_is_looked_at(
    kind: str, sub: str, code: str, status: str, expected: Kind
) -> None:
    (returned,) = ses(bounced(kind, sub, code, status))
    assert returned.kind is expected


def test_amazon_tells_of_complaints_and_delays() -> None:
    recipients = [{"emailAddress": "zoe@example.org"}]
    complaint = {"notificationType": "Complaint", "complaint": {"complainedRecipients": recipients}}
    assert [each.kind for each in ses(complaint)] == [Kind.COMPLAINT]
    complaint["complaint"]["complaintFeedbackType"] = "not-spam"  # type: ignore[index]
    assert [each.kind for each in ses(complaint)] == [Kind.OTHER]
    delay = {"eventType": "DeliveryDelay", "deliveryDelay": {"delayedRecipients": recipients}}
    assert [each.kind for each in ses(delay)] == [Kind.DELAYED]


@pytest.mark.parametrize(
    "message", [{}, [], "text", None, {"notificationType": "Delivery"}, {"eventType": "Open"}]
)
def test_amazon_tells_of_other_things_too(message: object) -> None:
    assert ses(message) == []


def test_a_subscription_says_nothing_that_came_back() -> None:
    address = "https://sns.eu-west-3.amazonaws.com/?Action=ConfirmSubscription"
    assert ses({}, Type="SubscriptionConfirmation", Token="t", SubscribeURL=address) == []


def test_a_notification_that_is_sent_again_is_the_same() -> None:
    message = bounced("Permanent", "General")
    (one,), (again,), (other,) = ses(message), ses(message), ses(message, MessageId="two")
    assert one.digest == again.digest != other.digest


# Postmark


def postmark(
    call: object, secret: str = "poste:marque", headers: Mapping[str, str] | None = None
) -> list[Returned]:
    login = base64.b64encode(secret.encode()).decode()
    headers = {"Authorization": f"Basic {login}"} if headers is None else headers
    body = json.dumps(call).encode()
    return read_postmark(headers, body, Postmark(secret="poste:marque"), signer=SIGNER, now=NOW)


def postmark_bounce(sort: str, details: str) -> dict[str, object]:
    return {
        "RecordType": "Bounce",
        "ID": 42,
        "Type": sort,
        "Details": details,
        "Email": "zoe@example.org",
        "BouncedAt": "2026-11-23T07:58:00Z",
        "MessageID": "883953f4",
    }


@pytest.mark.parametrize(
    ("sort", "details", "expected"),
    [
        ("HardBounce", "smtp;550 5.1.1 The email account that you tried to reach does not exist", Kind.HARD),
        ("HardBounce", "no details", Kind.HARD),
        ("HardBounce", "smtp;550 5.7.1 Message rejected under suspicion of SPAM", Kind.SOFT),
        ("HardBounce", "smtp;552 5.2.2 mailbox full", Kind.SOFT),
        ("SoftBounce", "smtp;550 5.5.0 no", Kind.SOFT),
        ("Blocked", "smtp;550 blocked", Kind.SOFT),
        ("Transient", "smtp;450 later", Kind.SOFT),
        ("AutoResponder", "on holiday", Kind.AUTO_REPLY),
        ("SpamNotification", "", Kind.SOFT),
    ],
)
def test_postmark_tells_of_bounces(sort: str, details: str, expected: Kind) -> None:
    (returned,) = postmark(postmark_bounce(sort, details))
    assert (returned.kind, returned.proof, returned.address) == (expected, Proof.PROVIDER, "zoe@example.org")
    assert returned.receipt == "883953f4"


def test_postmark_tells_of_complaints_and_of_who_left() -> None:
    complaint = {"RecordType": "SpamComplaint", "ID": 1, "Email": "zoe@example.org"}
    assert [each.kind for each in postmark(complaint)] == [Kind.COMPLAINT]
    change = {"RecordType": "SubscriptionChange", "Recipient": "zoe@example.org", "SuppressSending": True}
    assert [each.kind for each in postmark({**change, "SuppressionReason": "ManualSuppression"})] == [
        Kind.STOP
    ]
    assert postmark({**change, "SuppressionReason": "HardBounce"}) == []  # it was told as a bounce
    assert postmark({"RecordType": "Open"}) == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Basic"},
        {"authorization": "Basic !!!"},
        {"authorization": "Bearer cG9zdGU6bWFycXVl"},
        {"authorization": "Basic cG9zdGU6bWFycXVlcg=="},
    ],
)
def test_whoever_has_not_our_password_is_not_postmark(headers: dict[str, str]) -> None:
    with pytest.raises(Forged, match="a call without our name and password"):
        postmark(postmark_bounce("HardBounce", ""), headers=headers)


def test_no_password_at_all_lets_nobody_in() -> None:
    login = {"authorization": "Basic " + base64.b64encode(b"").decode()}
    with pytest.raises(Forged):
        read_postmark(login, b"{}", Postmark(secret=""), signer=SIGNER, now=NOW)


# Mailgun


def mailgun(
    event: object, *, key: str = "clef", token: str = "t" * 50, at: datetime = NOW, now: datetime = NOW
) -> list[Returned]:
    stamp = str(int(at.timestamp()))
    signature = hmac.new(key.encode(), (stamp + token).encode(), hashlib.sha256).hexdigest()
    call = {"signature": {"timestamp": stamp, "token": token, "signature": signature}, "event-data": event}
    return read_mailgun(json.dumps(call).encode(), Mailgun(key="clef"), signer=SIGNER, now=now)


def mailgun_failed(severity: str, code: int, message: str, reason: str = "bounce") -> dict[str, object]:
    return {
        "event": "failed",
        "severity": severity,
        "reason": reason,
        "recipient": "zoe@example.org",
        "timestamp": NOW.timestamp(),
        "envelope": {"sender": RETURN_PATH},
        "delivery-status": {"code": code, "message": message, "mx-host": "mx.example.org"},
        "message": {"headers": {"message-id": "abc@lettre.example"}},
        "id": "ev-1",
    }


@pytest.mark.parametrize(
    ("severity", "code", "message", "reason", "expected"),
    [
        ("permanent", 550, "5.1.1 user unknown", "bounce", Kind.HARD),
        ("permanent", 550, "5.7.1 spam", "bounce", Kind.SOFT),
        ("permanent", 605, "Not delivering to previously bounced address", "suppress-bounce", Kind.HARD),
        (
            "permanent",
            607,
            "Not delivering to a user who marked your messages",
            "suppress-complaint",
            Kind.SOFT,
        ),
        ("temporary", 450, "4.2.0 later", "generic", Kind.DELAYED),
    ],
)
def test_mailgun_tells_of_failures(
    severity: str, code: int, message: str, reason: str, expected: Kind
) -> None:
    (returned,) = mailgun(mailgun_failed(severity, code, message, reason))
    assert (returned.kind, returned.host, returned.day) == (expected, "mx.example.org", DAY)
    assert returned.message_ids == ("abc@lettre.example",)


def test_mailgun_tells_of_complaints_and_of_who_left() -> None:
    for event, kind in (("complained", Kind.COMPLAINT), ("unsubscribed", Kind.STOP)):
        (returned,) = mailgun({"event": event, "recipient": "zoe@example.org"})
        assert returned.kind is kind
    assert mailgun({"event": "opened"}) == []
    assert mailgun(None) == []


def test_a_call_of_mailguns_that_was_changed_counts_for_nothing_once_it_was_recorded() -> None:
    (one,) = mailgun(mailgun_failed("permanent", 550, "5.1.1 user unknown"))
    (made_up,) = mailgun({"event": "complained", "recipient": "max@example.org"})
    assert made_up.digest == one.digest
    (other,) = mailgun({"event": "complained", "recipient": "max@example.org"}, token="u" * 50)
    assert other.digest != one.digest


@pytest.mark.parametrize("minutes", [-5.1, 5.1, 600])
def test_an_old_call_of_mailguns_is_forged(minutes: float) -> None:
    with pytest.raises(Forged, match="a call of another hour"):
        mailgun({}, now=NOW + timedelta(minutes=minutes))


def test_a_call_that_mailgun_did_not_sign_is_forged() -> None:
    with pytest.raises(Forged, match="a signature that is not Mailgun's"):
        mailgun({}, key="another")
    with pytest.raises(Forged):
        mailgun({}, token="")
    with pytest.raises(Forged):
        read_mailgun(b"{}", Mailgun(key=""), signer=SIGNER, now=NOW)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"signature": []}'])
def test_what_is_no_call_is_forged(body: bytes) -> None:
    with pytest.raises(Forged):
        read_mailgun(body, Mailgun(key="clef"), signer=SIGNER, now=NOW)
