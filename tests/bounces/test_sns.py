"""Only what Amazon signed, for a topic of ours, is opened."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from newsletter.bounces.sns import Notification, open_notification
from newsletter.errors import Forged

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
TOPIC = "arn:aws:sns:eu-west-3:123456789012:retours"
CERTIFICATE_AT = "https://sns.eu-west-3.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
SUBSCRIBE_AT = "https://sns.eu-west-3.amazonaws.com/?Action=ConfirmSubscription&Token=x"

KEY = rsa.generate_private_key(65537, 2048)


def certificate(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = KEY, *, days: int = 30) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sns.amazonaws.com")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 7)
    builder = builder.not_valid_before(NOW - timedelta(days=60)).not_valid_after(NOW + timedelta(days=days))
    return builder.sign(key, SHA256()).public_bytes(Encoding.PEM)


PEM = certificate()


def signed(fields: dict[str, str], *, key: rsa.RSAPrivateKey = KEY) -> bytes:
    names = ("Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
    text = "".join(f"{name}\n{fields[name]}\n" for name in names if name in fields).encode()
    algorithm = SHA1() if fields["SignatureVersion"] == "1" else SHA256()
    signature = base64.b64encode(key.sign(text, PKCS1v15(), algorithm)).decode()
    return json.dumps({**fields, "Signature": signature}).encode()


def notification(message: str = "{}", **more: str) -> dict[str, str]:
    return {
        "Type": "Notification",
        "MessageId": "one",
        "TopicArn": TOPIC,
        "Message": message,
        "Timestamp": "2026-11-23T07:59:00.000Z",
        "SignatureVersion": "2",
        "SigningCertURL": CERTIFICATE_AT,
        **more,
    }


def open_it(body: bytes, *, pem: bytes = PEM) -> Notification:
    return open_notification(body, (TOPIC,), lambda _: pem, now=NOW)


@pytest.mark.parametrize("version", ["1", "2"])
def test_what_amazon_signed_is_opened(version: str) -> None:
    opened = open_it(signed(notification("hello", Subject="x", SignatureVersion=version)))
    assert opened == Notification(kind="Notification", id="one", message="hello")


def test_a_subscription_has_the_address_that_confirms_it() -> None:
    fields = notification("confirm", Type="SubscriptionConfirmation", Token="t", SubscribeURL=SUBSCRIBE_AT)
    assert open_it(signed(fields)).subscribe == SUBSCRIBE_AT


@pytest.mark.parametrize(
    "change",
    [
        {"Message": "another"},
        {"MessageId": "two"},
        {"Subject": "new"},
        {"Timestamp": "2027-01-01T00:00:00.000Z"},
        {"Signature": "AAAA"},
        {"Signature": "no base64!"},
        {"SignatureVersion": "1"},
        {"SignatureVersion": "3"},
        {"Type": "UnsubscribeConfirmation"},
        {"Type": "Other"},
        {"TopicArn": "arn:aws:sns:eu-west-3:666:retours"},
    ],
)
def test_what_was_changed_is_forged(change: dict[str, str]) -> None:
    body = json.loads(signed(notification("hello")))
    with pytest.raises(Forged):
        open_it(json.dumps({**body, **change}).encode())


@pytest.mark.parametrize(
    "address",
    [
        "https://sns.eu-west-3.amazonaws.com.evil.example/SimpleNotificationService-0123456789abcdef.pem",
        "https://evil.example/SimpleNotificationService-0123456789abcdef.pem",
        "http://sns.eu-west-3.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-3.amazonaws.com:444/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-3.amazonaws.com@evil.example/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-3.amazonaws.com/../x.pem",
        "https://s3.eu-west-3.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-3.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem\n",
        "",
    ],
)
def test_no_certificate_is_fetched_from_anywhere_else(address: str) -> None:
    def fetch(_: str) -> bytes:
        pytest.fail("fetched")

    with pytest.raises(Forged, match="a certificate that is not Amazon's"):
        open_notification(signed(notification(SigningCertURL=address)), (TOPIC,), fetch, now=NOW)


def test_nothing_is_fetched_for_a_topic_that_is_not_ours() -> None:
    def fetch(_: str) -> bytes:
        pytest.fail("fetched")

    with pytest.raises(Forged, match="a topic that is not ours"):
        open_notification(signed(notification(TopicArn="arn:other")), (TOPIC,), fetch, now=NOW)


def test_a_subscription_elsewhere_is_forged_even_if_it_is_signed() -> None:
    fields = notification(Type="SubscriptionConfirmation", Token="t", SubscribeURL="https://evil.example/?x")
    with pytest.raises(Forged, match="a subscription at another host"):
        open_it(signed(fields))


@pytest.mark.parametrize(
    "pem",
    [
        lambda: b"",
        lambda: b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        lambda: certificate(days=-1),
        lambda: certificate(ec.generate_private_key(ec.SECP256R1())),
        lambda: certificate(rsa.generate_private_key(65537, 2048)),
    ],
)
def test_a_certificate_that_does_not_fit_proves_nothing(pem: Callable[[], bytes]) -> None:
    with pytest.raises(Forged):
        open_it(signed(notification()), pem=pem())


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"Type": 7}', b" " * 2_000_000]
)
def test_what_is_no_notification_is_forged(body: bytes) -> None:
    with pytest.raises(Forged):
        open_it(body)
