"""What in a mail proves that it is about a copy of ours: our signed tokens, or its Message-ID."""

import contextlib
import re
from collections.abc import Iterator, Sequence
from itertools import islice

from newsletter.bounces.mime import Part
from newsletter.bounces.returned import Proof
from newsletter.errors import LinkError
from newsletter.links import Claim, Purpose, Signer

_MOST_TRIES = 200
"""Tokens of one mail that are checked: a check costs a hash or two."""
_MOST_IDS = 20
_LONGEST = 2_000_000
"""Characters of a mail that are looked through."""

# bounces+TOKEN@…; a forwarder's rewriting (SRS, BATV) puts its own letters before it and "=" for the @.
_RETURN_PATH = re.compile(r"[+=]([0-9A-Fa-f]{28,64})[@=]")
_LEAVE = re.compile(r"(?:/leave/|\bleave(?:%20|[+ =]))([A-Za-z0-9_-]{30,200})(?![A-Za-z0-9_-])")
_MESSAGE_ID = re.compile(r"<([^<>\s@]{1,200}@[^<>\s@]{1,200})>")
_WRITTEN_ID = re.compile(r"(?im)^[> \t]{0,10}message-id:\s{0,5}<([^<>\s@]{1,200}@[^<>\s@]{1,200})>")

_PLACES = (
    "to",
    "delivered-to",
    "x-original-to",
    "envelope-to",
    "x-envelope-to",
    "x-delivered-to",
    "original-recipient",
    "x-rcpt-to",
    "x-forwarded-to",
    "resent-to",
    "apparently-to",
    "cc",
    "received",
)
"""Where a mail says to whom it came, the usual places first."""


def find_claim(mail: Part, signer: Signer) -> tuple[Proof, Claim | None]:
    """Our token in a mail: the return path it came to, then any other, then the token for leaving.

    They are signed, so that it does not matter where they stand; a token proves that whoever wrote the mail
    had this reader's copy before them, no more.
    """
    places = (value for name in _PLACES for value in mail.all(name))
    return claim_in([*places, *_texts(mail)], signer)


def claim_in(texts: Sequence[str], signer: Signer) -> tuple[Proof, Claim | None]:
    """Our token in some texts, those that are looked at first standing first."""
    return_paths = (token for text in texts for token in _RETURN_PATH.findall(text))
    for token in islice(return_paths, _MOST_TRIES):
        with contextlib.suppress(LinkError):
            return Proof.RETURN_PATH, signer.bounced(f"+{token}@")
    leave_tokens = (token for text in texts for token in _LEAVE.findall(text))
    for token in islice(leave_tokens, _MOST_TRIES):
        with contextlib.suppress(LinkError):
            return Proof.LEAVE_TOKEN, signer.check(token, Purpose.LEAVE)
    return Proof.NONE, None


def asks_by_token(mail: Part) -> bool:
    """Whether a mail is the one that `List-Unsubscribe: <mailto:…>` makes: "leave TOKEN" for a subject."""
    return re.fullmatch(r"leave[ +][A-Za-z0-9_-]{30,200}", mail.get("subject").strip(" ")) is not None


def find_message_ids(mail: Part) -> tuple[str, ...]:
    """The Message-IDs, without brackets, of the mails that this one is about or answers; not its own."""
    found = [
        each
        for name in ("in-reply-to", "references")
        for value in mail.all(name)
        for each in _MESSAGE_ID.findall(value)
    ]
    inner = (part for part in mail.walk() if part is not mail)
    found += [
        each for part in inner for value in part.all("message-id") for each in _MESSAGE_ID.findall(value)
    ]
    found += [each for text in _texts(mail) for each in _WRITTEN_ID.findall(text)]
    return tuple(dict.fromkeys(found))[:_MOST_IDS]


def _texts(mail: Part) -> Iterator[str]:
    left = _LONGEST
    for part in mail.walk():
        for _, value in part.headers:
            yield value
        if not part.parts and left > 0:
            # A link of HTML stands in a tag, which the text of the part does not have.
            yield (source := part.source)
            left -= len(source)
