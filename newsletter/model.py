"""The nouns: Publication, Article, Issue, Edition, Reader, Message, Delivery.

Article files are read into an Issue; an Issue is composed into an Edition; an Edition and a Reader make a
Message; what became of handing it over is a Delivery; the ledger keeps its State.
"""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import NamedTuple


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """A name and the address it stands for, as in a From header."""

    name: str
    address: str

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """What stays the same from issue to issue.

    `url` has no trailing slash and may be empty: then no mail links to the web. `country` is the ISO 3166
    code whose public holidays are not working days.
    """

    name: str
    sender: Mailbox
    url: str = ""
    reply_to: str = ""
    postal_address: str = ""
    language: str = "fr"
    country: str = "FR"
    time_zone: str = "Europe/Paris"
    pitches: tuple[str, ...] = ()

    @property
    def list_id(self) -> str:
        """The list's lasting identifier, made of the sender's address (RFC 2919 §2)."""
        return self.sender.address.replace("@", ".")


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """On which days an issue appears, when it is due, and until when it may still begin to leave.

    `days` are weekdays, Monday 0; the public holidays of `country` are skipped unless `on_holidays`. `hour`
    and `deadline` are what the clocks of `time_zone` show; without a deadline it is three hours later.
    """

    days: frozenset[int] = frozenset(range(5))
    hour: time = time(7, 0)
    deadline: time | None = None
    on_holidays: bool = False
    country: str = "FR"
    time_zone: str = "Europe/Paris"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture as the writer gave it: a file inside the issue's folder, its `alt` "" if nothing was said."""

    path: Path
    alt: str
    credit: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One article as written; `body` is Markdown, `body_line` the line of `source` on which it begins."""

    number: int
    slug: str
    title: str
    body: str
    source: Path
    body_line: int = 1
    author: str = ""
    section: str = ""
    link: str = ""
    link_name: str = ""
    picture: Picture | None = None
    sponsored: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """A rule of proof-reading that an issue may break, with the reason; `line` is where issue.md says so."""

    rule: str
    reason: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """The articles of one day, in reading order, and the editor's opening word."""

    day: date
    subject: str
    articles: tuple[Article, ...]
    folder: Path
    preheader: str = ""
    editor: str = ""
    opening: str = ""
    opening_line: int = 1
    waivers: tuple[Waiver, ...] = ()

    @property
    def key(self) -> str:
        """What names the issue in commands, tables and addresses: "2026-11-23"."""
        return self.day.isoformat()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendition:
    """A picture as mail needs it: `src` is what the HTML calls it, `width` and `height` are pixels."""

    name: str
    src: str
    media_type: str
    width: int
    height: int
    content: bytes


@dataclass(frozen=True, kw_only=True)
class Edition:
    """An issue composed: finished but for the blanks (`fields.py`) that are filled in for each reader.

    `reading_seconds` is how long the whole takes to read; `embedded` says that the pictures travel inside
    the message (`cid:`, RFC 2392) and not from the publication's web site. `mjml` is what the HTML was
    compiled from, each element with the place in the templates that wrote it.
    """

    key: str
    subject: str
    preheader: str
    html: str
    text: str
    sender: Mailbox
    reply_to: str = ""
    renditions: tuple[Rendition, ...] = ()
    embedded: bool = False
    reading_seconds: int = 0
    mjml: str = ""

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of all that a reader would see, blanks unfilled and without any date."""
        digest = hashlib.sha256()
        parts = [self.key, self.subject, self.preheader, self.html, self.text]
        parts += [self.sender.name, self.sender.address, self.reply_to, str(self.embedded)]
        for part in parts:
            data = part.encode()
            digest.update(len(data).to_bytes(8) + data)
        for rendition in self.renditions:
            digest.update(rendition.src.encode() + b"\0" + hashlib.sha256(rendition.content).digest())
        return digest.hexdigest()


class Status(StrEnum):
    """Where a reader stands with us; only ACTIVE readers are mailed."""

    PENDING = "pending"
    ACTIVE = "active"
    PAUSED = "paused"
    LEFT = "left"
    BOUNCED = "bounced"
    COMPLAINED = "complained"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Somebody who reads us; `id` is random and is what links carry, never the address."""

    id: str
    email: str
    name: str = ""
    status: Status = Status.ACTIVE


class Message(NamedTuple):
    """One mail to one reader, ready to travel.

    `id` is the Message-ID without its brackets; `segments` joined are the whole message: CRLF, no line
    over 998 octets, not dot-stuffed. A second try is the same bytes. `plain` says that it is known to be all
    ASCII with no line that begins with a dot, so that SMTP can take it as it is.
    """

    id: str
    issue_key: str
    date: datetime
    sender: str
    recipient: str
    segments: tuple[bytes, ...]
    plain: bool = False

    @property
    def content(self) -> bytes:
        return b"".join(self.segments)


class Outcome(StrEnum):
    """What one attempt gave."""

    SENT = "sent"
    DEFERRED = "deferred"
    REFUSED = "refused"
    IN_DOUBT = "in doubt"
    WITHHELD = "withheld"


class State(StrEnum):
    """What the ledger says of one reader and one issue; a deferred attempt leaves the row owed."""

    OWED = "owed"
    IN_DOUBT = "in doubt"
    SENT = "sent"
    REFUSED = "refused"
    WITHHELD = "withheld"
    EXPIRED = "expired"


class Progress(StrEnum):
    """How far what somebody asked for has come, on its way to the one notice that answers it."""

    ASKED = "asked"
    OWED = "owed"
    IN_DOUBT = "in doubt"
    SENT = "sent"
    REFUSED = "refused"
    WITHHELD = "withheld"


# Message, Owed, Commit and Delivery are made for every message of a run: a tuple takes half the time.


class Owed(NamedTuple):
    """A reader who is owed an issue, after so many tries; `due` is when, in seconds since 1970, or 0."""

    reader: Reader
    tries: int
    due: int


class Commit(NamedTuple):
    """One reader's row that is about to pass the point of no return.

    `number` says which attempt of the row it is, from 1; `host` is who will get the message.
    """

    reader_id: str
    number: int
    host: str = ""


class Delivery(NamedTuple):
    """What one attempt for one reader gave; `detail` is the carrier's receipt or the reason.

    `number` says which attempt of the row it was, from 1, `at` when it ended, and `committed` whether it had
    passed the point of no return; `next_at` is when a deferred one is due again. `phase` and `code` are as in
    DeliveryError; `host`, `tls` and `milliseconds` say where the message went, how it was secured on the way,
    and how long that took.
    """

    recipient: Reader
    outcome: Outcome
    number: int
    at: datetime
    committed: bool = False
    detail: str = ""
    next_at: datetime | None = None
    phase: str = ""
    code: int = 0
    host: str = ""
    tls: str = ""
    milliseconds: int = 0
