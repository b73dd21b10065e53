"""Amazon's notifications (SNS): whether Amazon sent one, by its signature, and what stands in it.

The certificate that the signature is checked with is named in the notification itself, so that the address is
believed only if it is Amazon's own for it, over HTTPS; and only the topics of the settings are. An old
notification that is sent once more has the same MessageId, and what was recorded under it stays as it was.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from newsletter.errors import Forged

Certificate = Callable[[str], bytes]
"""The address of a certificate -> the certificate, in PEM form (`certificates.fetch`)."""

LONGEST = 1_000_000
"""Bytes of a call; SNS sends a quarter of it at most."""

_HOST = r"sns\.[a-z]{2}(?:-[a-z]{1,12}){1,3}-\d{1,2}\.amazonaws\.com(?:\.cn)?"
_CERTIFICATE = re.compile(rf"https://{_HOST}/SimpleNotificationService-[0-9a-f]{{8,64}}\.pem")
_SUBSCRIBE = re.compile(rf"https://{_HOST}/\?[\x21-\x7e]{{1,4000}}")

# What is signed, in the order of the alphabet; Subject only if it is there.
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": _CONFIRMATION,
    "UnsubscribeConfirmation": _CONFIRMATION,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """What Amazon says, proven; `subscribe` is the address that confirms a subscription, "" if it is none.

    Nothing here opens that address: a person does, who knows that the topic is theirs.
    """

    kind: str
    id: str
    message: str
    subscribe: str = ""


def open_notification(
    body: bytes, topics: tuple[str, ...], certificate: Certificate, *, now: datetime
) -> Notification:
    """What stands in a notification; raises Forged if Amazon did not send it, or for no topic of ours."""
    fields = _fields(body)
    kind = fields.get("Type", "")
    if kind not in _SIGNED:
        raise Forged(f"no notification of Amazon's: {kind[:80]!r}", where="SNS")
    # A topic is compared before anything is fetched: a stranger's notification costs us nothing.
    if fields.get("TopicArn") not in topics:
        raise Forged(f"a topic that is not ours: {fields.get('TopicArn', '')[:200]!r}", where="SNS")
    address = fields.get("SigningCertURL", "")
    if not _CERTIFICATE.fullmatch(address):
        raise Forged(f"a certificate that is not Amazon's: {address[:200]!r}", where="SNS")
    signed = "".join(f"{name}\n{fields[name]}\n" for name in _SIGNED[kind] if name in fields)
    _verify(certificate(address), signed.encode(), fields, now)
    subscribe = fields.get("SubscribeURL", "") if kind == "SubscriptionConfirmation" else ""
    if subscribe and not _SUBSCRIBE.fullmatch(subscribe):
        raise Forged("a subscription at another host", where="SNS")
    return Notification(
        kind=kind, id=fields.get("MessageId", ""), message=fields.get("Message", ""), subscribe=subscribe
    )


def _fields(body: bytes) -> Mapping[str, str]:
    try:
        read = json.loads(body) if len(body) <= LONGEST else None
    except (ValueError, RecursionError) as error:
        raise Forged("no notification of Amazon's", where="SNS") from error
    if not isinstance(read, dict):
        raise Forged("no notification of Amazon's", where="SNS")
    return {name: value for name, value in read.items() if isinstance(value, str)}


def _verify(pem: bytes, signed: bytes, fields: Mapping[str, str], now: datetime) -> None:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.hashes import SHA1, SHA256
    from cryptography.x509 import load_pem_x509_certificate

    # Version 1 is signed over SHA-1, which Amazon's topics still have by default.
    algorithm = {"1": SHA1(), "2": SHA256()}.get(fields.get("SignatureVersion", ""))  # noqa: S303
    if algorithm is None:
        raise Forged("a signature of a version that is not known", where="SNS")
    try:
        certificate = load_pem_x509_certificate(pem)
        key = certificate.public_key()
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise Forged("a certificate that is not valid today", where="SNS")
        if not isinstance(key, RSAPublicKey):
            raise Forged("a certificate without an RSA key", where="SNS")
        signature = base64.b64decode(fields.get("Signature", ""), validate=True)
        key.verify(signature, signed, PKCS1v15(), algorithm)
    except (InvalidSignature, UnsupportedAlgorithm, binascii.Error, ValueError) as error:
        raise Forged("a signature that is not Amazon's", where="SNS") from error
