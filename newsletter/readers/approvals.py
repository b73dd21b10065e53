"""Which edition of an issue was approved, by whom, and what has changed since."""

import difflib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select

from newsletter import fields
from newsletter.model import Edition
from newsletter.readers import schema
from newsletter.readers.database import Database

LONGEST_DIFFERENCE = 20
"""Lines of a changed text that are shown."""

_PICTURE = "picture "

# In the order in which a reader meets them. What is one line is kept as it is, the rest as a digest.
_LINES = {"sender": "the sender", "reply_to": "the address for replies", "subject": "the subject"}
_LINES |= {"preheader": "the preheader", "embedded": "the pictures' way to travel"}
_DIGESTS = {"text": "the text", "html": "the HTML"}

_approval = schema.approval.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One edition that somebody stands for; `parts` and `text` as in `parts_of` and `text_of`."""

    fingerprint: str
    at: datetime
    who: str
    parts: Mapping[str, str]
    text: str


class Approvals:
    """The approvals kept in one database. Every method may raise StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def last(self, issue_key: str) -> Approval | None:
        """The approval that counts, or None if the issue was never approved."""
        query = select(schema.approval).where(_approval.issue_key == issue_key)
        with self._database.read() as connection:
            row = connection.execute(query.order_by(_approval.id.desc()).limit(1)).one_or_none()
        if row is None:
            return None
        return Approval(
            fingerprint=row.fingerprint,
            at=schema.moment(row.at),
            who=row.who,
            parts=json.loads(row.parts),
            text=row.text,
        )

    def approve(self, edition: Edition, *, who: str, now: datetime) -> None:
        """Note that somebody stands for this edition; from now on it is the one that counts."""
        row = {
            "issue_key": edition.key,
            "fingerprint": edition.fingerprint,
            "at": schema.seconds(now),
            "who": who,
            "parts": json.dumps(parts_of(edition), ensure_ascii=False),
            "text": text_of(edition),
        }
        with self._database.write() as connection:
            connection.execute(insert(schema.approval), row)


def parts_of(edition: Edition) -> dict[str, str]:
    """What the fingerprint is made of, part by part: a line as it is, what is longer as its SHA-256."""
    parts = {
        "sender": f"{edition.sender.name} <{edition.sender.address}>",
        "reply_to": edition.reply_to,
        "subject": edition.subject,
        "preheader": edition.preheader,
        "embedded": "inside the mail" if edition.embedded else "from the web",
        "text": hashlib.sha256(edition.text.encode()).hexdigest(),
        "html": hashlib.sha256(edition.html.encode()).hexdigest(),
    }
    pictures = {f"{_PICTURE}{one.src}": hashlib.sha256(one.content).hexdigest() for one in edition.renditions}
    return parts | pictures


def text_of(edition: Edition) -> str:
    """The text as a reader would read it, with the names of the blanks in their places."""
    values = {name: f"{{{name}}}" for name in fields.NAMES}
    return fields.fill(edition.text, values, fields.Place.TEXT)


def differences(approval: Approval, parts: Mapping[str, str]) -> list[str]:
    """What has changed since, in words: "the subject has changed: 'A' → 'B'"; none if it is the same."""
    before = approval.parts
    told = [
        f"{words} has changed: {before.get(name, '')!r} → {parts.get(name, '')!r}"
        for name, words in _LINES.items()
        if before.get(name) != parts.get(name)
    ]
    told += [
        f"{words} has changed" for name, words in _DIGESTS.items() if before.get(name) != parts.get(name)
    ]
    for name in sorted(before.keys() | parts.keys()):
        if name.startswith(_PICTURE) and before.get(name) != parts.get(name):
            how = "is new" if name not in before else "is gone" if name not in parts else "has changed"
            told.append(f"the picture {name.removeprefix(_PICTURE)!r} {how}")
    return told


def text_difference(approval: Approval, text: str) -> list[str]:
    """The lines of the text that have changed since, as `diff -u` has them, at most 20 and a last word."""
    lines = list(difflib.unified_diff(approval.text.split("\n"), text.split("\n"), n=1, lineterm=""))[2:]
    more = len(lines) - LONGEST_DIFFERENCE
    return lines if more <= 0 else [*lines[:LONGEST_DIFFERENCE], f"… and {more:,} lines more"]
