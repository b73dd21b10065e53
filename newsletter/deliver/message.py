"""Edition -> message template, cut once.

The whole mail is encoded once, when the template is cut. A blank in a body stands alone between soft line
breaks, so that filling it is a join of bytes: nothing is parsed, encoded or folded again for each reader.
Headers that carry links are written here on one raw line each: Python's mail library folds them into encoded
words, and then one-click leaving (RFC 8058) is dead.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from newsletter.deliver.encoding import base64_lines, encoded_words, mailbox, quoted_printable
from newsletter.errors import ConfigError
from newsletter.fields import Blank, Place, split
from newsletter.model import Edition, Publication, Rendition

TO = Blank(name="to", place=Place.HEADER)
MESSAGE_ID = Blank(name="message_id", place=Place.HEADER)
LEAVE = Blank(name="leave", place=Place.HEADER)

Part = bytes | Blank


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageTemplate:
    """A message but for its blanks; `parts` in order are the bytes that travel."""

    issue_key: str
    sender: str
    date: datetime
    parts: tuple[Part, ...]

    def dumps(self) -> str:
        """The template as text, for the ledger; `loads` gives back the same bytes."""
        parts = [
            part.decode("ascii") if isinstance(part, bytes) else [part.name, part.before, part.place.value]
            for part in self.parts
        ]
        return json.dumps([self.issue_key, self.sender, self.date.isoformat(), parts])

    @staticmethod
    def loads(text: str) -> "MessageTemplate":
        issue_key, sender, at, parts = json.loads(text)
        return MessageTemplate(
            issue_key=issue_key,
            sender=sender,
            date=datetime.fromisoformat(at),
            parts=tuple(
                part.encode("ascii")
                if isinstance(part, str)
                else Blank(name=part[0], before=part[1], place=Place(part[2]))
                for part in parts
            ),
        )


def cut(edition: Edition, publication: Publication, *, at: datetime, test: bool = False) -> MessageTemplate:
    """The message template of an edition, dated `at` (with its zone).

    A `test` says so in its subject.
    """
    subject = f"[TEST] {edition.subject}" if test else edition.subject
    return MessageTemplate(
        issue_key=edition.key,
        sender=edition.sender.address,
        date=at,
        parts=tuple(_merged([*_headers(edition, publication, subject, at), *_body(edition)])),
    )


def cut_notice(edition: Edition, *, at: datetime) -> MessageTemplate:
    """The message template of a notice: to one person, no list's mail, made by a program (RFC 3834)."""
    parts = [
        *_first_headers(edition, edition.subject, at),
        _line("Auto-Submitted", "auto-generated"),
        _line("MIME-Version", "1.0"),
        *_body(edition),
    ]
    return MessageTemplate(
        issue_key=edition.key, sender=edition.sender.address, date=at, parts=tuple(_merged(parts))
    )


def _headers(edition: Edition, publication: Publication, subject: str, at: datetime) -> Iterator[Part]:
    yield from _first_headers(edition, subject, at)
    yield _line("List-Id", f"{encoded_words(publication.name)} <{publication.list_id}>")
    yield from (b"List-Unsubscribe: ", LEAVE, b"\r\n")
    if publication.url:
        # RFC 8058 §3.1: only where an https address in List-Unsubscribe answers the POST.
        yield _line("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
    yield _line("Feedback-ID", _feedback_id(edition, publication))
    yield _line("MIME-Version", "1.0")


def _first_headers(edition: Edition, subject: str, at: datetime) -> Iterator[Part]:
    yield _line("Date", format_datetime(at))
    yield _line("From", mailbox(edition.sender.name, edition.sender.address))
    if edition.reply_to:
        yield _line("Reply-To", edition.reply_to)
    yield from (b"To: ", TO, b"\r\n")
    yield _line("Subject", encoded_words(subject))
    yield from (b"Message-ID: ", MESSAGE_ID, b"\r\n")


def _line(name: str, value: str) -> bytes:
    """A header on one line; raises ConfigError for what is not ASCII."""
    try:
        return f"{name}: {value}\r\n".encode("ascii")
    except UnicodeEncodeError as error:
        hint = "write an address without accents, and its domain as an A-label (xn--…)"
        raise ConfigError(f"{value!r} cannot stand in {name}: not ASCII", hint=hint) from error


def _feedback_id(edition: Edition, publication: Publication) -> str:
    """Gmail's Feedback-ID: campaign, list, kind and a sender of 5 to 15 characters, from the general down."""
    sender = "".join(c for c in edition.sender.domain.lower() if c.isascii() and c.isalnum())
    sender = sender if len(sender) >= 5 else f"{sender}press"
    return f"{edition.key}:{publication.list_id}:newsletter:{sender[:15]}"


def _body(edition: Edition) -> Iterator[Part]:
    boundary = f"=_{edition.fingerprint[:24]}"
    yield f'Content-Type: multipart/alternative; boundary="{boundary}"\r\n\r\n'.encode()
    yield f"--{boundary}\r\n".encode()
    yield from _text_part("plain", edition.text, Place.TEXT)
    yield f"\r\n--{boundary}\r\n".encode()
    if edition.embedded and edition.renditions:
        yield from _related(edition, f"=_{edition.fingerprint[24:48]}")
    else:
        yield from _text_part("html", edition.html, Place.HTML)
    yield f"\r\n--{boundary}--\r\n".encode()


def _related(edition: Edition, boundary: str) -> Iterator[Part]:
    """The HTML and the pictures it shows (RFC 2387), which the HTML calls by `cid:` (RFC 2392)."""
    yield f'Content-Type: multipart/related; type="text/html"; boundary="{boundary}"\r\n\r\n'.encode()
    yield f"--{boundary}\r\n".encode()
    yield from _text_part("html", edition.html, Place.HTML)
    for rendition in edition.renditions:
        yield f"\r\n--{boundary}\r\n".encode()
        yield _picture_part(rendition)
    yield f"\r\n--{boundary}--\r\n".encode()


def _text_part(subtype: str, text: str, place: Place) -> Iterator[Part]:
    yield f"Content-Type: text/{subtype}; charset=utf-8\r\n".encode()
    yield b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    pieces = list(split(text, place))
    for piece, following in zip(pieces, [*pieces[1:], ""], strict=True):
        if isinstance(piece, Blank):
            yield piece
        else:
            yield quoted_printable(piece, goes_on=isinstance(following, Blank))


def _picture_part(rendition: Rendition) -> bytes:
    head = (
        f"Content-Type: {rendition.media_type}\r\n"
        "Content-Transfer-Encoding: base64\r\n"
        f"Content-ID: <{rendition.src.removeprefix('cid:')}>\r\n"
        f'Content-Disposition: inline; filename="{rendition.name}"\r\n\r\n'
    )
    return head.encode() + base64_lines(rendition.content)


def _merged(parts: list[Part]) -> Iterator[Part]:
    """The same parts with neighbouring bytes joined."""
    literal = b""
    for part in parts:
        if isinstance(part, bytes):
            literal += part
            continue
        if literal:
            yield literal
        literal = b""
        yield part
    if literal:
        yield literal
