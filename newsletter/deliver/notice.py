"""A notice's edition and its one recipient -> the message that travels."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

from newsletter.deliver.dkim import Seal, Sealer
from newsletter.deliver.fill import check_address, halves
from newsletter.deliver.message import MESSAGE_ID, TO, Part, cut_notice
from newsletter.fields import Blank
from newsletter.model import Edition, Message


def notice_message(
    edition: Edition, *, request_id: str, to: str, at: datetime, bounces: str = "", seals: Sequence[Seal] = ()
) -> Message:
    """The message that answers a request, dated `at`, signed with `seals`; it comes back to `bounces`.

    The same request and edition have the same Message-ID, which does not tell the request's id. Raises
    ContentError for an address that cannot stand in a mail.
    """
    check_address(to)
    template = cut_notice(edition, at=at)
    head, body = halves(template.parts)
    name = hashlib.sha256(f"{request_id}\0{edition.key}".encode()).hexdigest()[:32]
    message_id = f"{name}@{edition.sender.domain}"
    filled = {TO: to.encode(), MESSAGE_ID: f"<{message_id}>".encode()}
    parts = [_filled(part, filled) for part in (*head, *body)]
    if seals:
        parts = Sealer(seals, head, body, at).seal(parts)
    return Message(
        id=message_id,
        issue_key=edition.key,
        date=at,
        sender=bounces or edition.sender.address,
        recipient=to,
        segments=tuple(parts),
    )


def _filled(part: Part, values: Mapping[Blank, bytes]) -> bytes:
    return part if isinstance(part, bytes) else values[part]
