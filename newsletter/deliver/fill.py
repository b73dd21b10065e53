"""Message template + Reader -> Message, in microseconds, signed if there are keys.

What is the same in every copy of an issue is worked out once, when the `Filler` is made: where the blanks
are, which of them stand for the same text, the constant parts of what is signed. For a reader are left one
HMAC, a few short encodings, and the signatures.
"""

import re
from collections.abc import Sequence
from datetime import date
from html import escape

from newsletter.deliver.dkim import Seal, Sealer
from newsletter.deliver.encoding import mailbox, quoted_printable
from newsletter.deliver.message import LEAVE, MESSAGE_ID, TO, MessageTemplate, Part
from newsletter.errors import ContentError
from newsletter.fields import Blank, Place, plain
from newsletter.links import Links
from newsletter.model import Message, Reader

# RFC 5322 §3.2.3 with the letters of RFC 6532 §3.2 before the @, A-labels behind it.
_LOCAL = r"[^\s\x00-\x20\x7f\"(),.:;<>@\[\\\]]+"
_LABEL = "[A-Za-z0-9-]+"
_ADDRESS = re.compile(rf"{_LOCAL}(?:\.{_LOCAL})*@{_LABEL}(?:\.{_LABEL})*")
_SIMPLE = re.compile(r"\w[\w+-]*(?:\.[\w+-]+)*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*", re.ASCII)
_NEVER_ESCAPED = re.compile(r"[!#-%(-;=?-~]+")
_LONGEST = 254  # octets, RFC 5321 §4.5.3.1.3


class Filler:
    """Makes the messages of one run; used by any number of threads at once.

    With `seals` messages are signed; with `bounces` each has a return path of its own. Raises ConfigError if
    `bounces` is too long for that, ContentError if the template could not be signed.
    """

    def __init__(
        self, template: MessageTemplate, links: Links, *, seals: Sequence[Seal] = (), bounces: str = ""
    ) -> None:
        self._issue_key = template.issue_key
        self._date = template.date
        self._sender = template.sender
        self._copies = links.copies(date.fromisoformat(template.issue_key), bounces=bounces)
        head, body = halves(template.parts)
        self._parts = [part if isinstance(part, bytes) else b"" for part in (*head, *body)]
        self._to, self._message_id, self._leave = (head.index(blank) for blank in (TO, MESSAGE_ID, LEAVE))
        self._shown, self._quoted = _places(body, len(head))
        # Tokens are letters, digits, "-" and "_": what is true of one address to leave by is true of all.
        self._simple = {"leave_url"} if _NEVER_ESCAPED.fullmatch(self._copies.copy("")[0]) else set()
        self._simple_and_email = self._simple | {"email"}
        self._sealer = Sealer(seals, head, body, template.date) if seals else None
        _check_plain(b"".join(self._parts))

    def fill(self, reader: Reader) -> Message:
        """The message for one reader, the same bytes every time.

        Raises ContentError if the reader's address cannot stand in a mail.
        """
        email = reader.email
        simple = self._simple
        if _SIMPLE.fullmatch(email) and len(email) <= _LONGEST:
            simple = self._simple_and_email
        else:
            check_address(email)
        name = reader.name if reader.name.isprintable() else plain(reader.name)
        web, mail, message_id, return_path = self._copies.copy(reader.id)
        parts = self._parts.copy()
        parts[self._to] = mailbox(name, email).encode()
        parts[self._message_id] = f"<{message_id}>".encode()
        parts[self._leave] = (f"<{web}>, <{mail}>" if web else f"<{mail}>").encode()
        values = {"name": name, "email": email, "leave_url": web or mail}
        for field, before, in_text, in_html in self._shown:
            value = values[field]
            if not value:
                continue
            text = before + value
            line = quoted_printable(text, goes_on=True)
            for position in in_text:
                parts[position] = line
            if (before or field not in simple) and (escaped := escape(text)) != text:
                line = quoted_printable(escaped, goes_on=True)
            for position in in_html:
                parts[position] = line
        for blank, position in self._quoted:
            value = blank.fill(values)
            parts[position] = quoted_printable(value, goes_on=True)
        if self._sealer:
            parts = self._sealer.seal(parts)
        return Message(
            id=message_id,
            issue_key=self._issue_key,
            date=self._date,
            sender=return_path or self._sender,
            recipient=email,
            segments=tuple(parts),
            plain=email.isascii(),
        )


def halves(parts: Sequence[Part]) -> tuple[list[Part], list[Part]]:
    """The parts of the header, with the empty line that ends it, and those of the body."""
    for number, part in enumerate(parts):
        if isinstance(part, bytes) and (end := part.find(b"\r\n\r\n")) >= 0:
            return [*parts[:number], part[: end + 4]], [part[end + 4 :], *parts[number + 1 :]]
    raise ContentError("the message has no body")


_Shown = tuple[str, str, list[int], list[int]]


def _places(body: Sequence[Part], first: int) -> tuple[list[_Shown], list[tuple[Blank, int]]]:
    """Where the blanks of the body stand, whose own first position is `first`.

    Most show a value: for each field, and what is written before it, the positions in text and those in
    HTML. The others continue a web address.
    """
    shown: dict[tuple[str, str], tuple[list[int], list[int]]] = {}
    quoted = []
    for position, blank in enumerate(body, first):
        if not isinstance(blank, Blank):
            continue
        if blank.place is Place.URL_PART:
            quoted.append((blank, position))
        else:
            found = shown.setdefault((blank.name, blank.before), ([], []))
            found[blank.place is Place.HTML].append(position)
    return [(*key, *found) for key, found in shown.items()], quoted


def _check_plain(constant: bytes) -> None:
    """Raise ContentError if a line begins with a dot, which what is filled in never makes one do."""
    if b"\n." in constant or constant.startswith(b".") or not constant.isascii():
        raise ContentError("the message is not in the form in which it travels")


def check_address(email: str) -> None:
    """Raise ContentError for an address that cannot stand in a header, saying why."""
    reason = ""
    if plain(email) != email:
        reason = "there is a control character in it"
    elif not email.isascii() and not email.rpartition("@")[2].isascii():
        reason = "its domain is not written as an A-label (xn--…)"
    elif found := re.search(r"[\s\"(),:;<>\[\\\]]", email):
        reason = f"there is {found[0]!r} in it"
    elif not _ADDRESS.fullmatch(email):
        reason = "it is not NAME@DOMAIN"
    elif len(email.encode()) > _LONGEST:
        reason = f"it is longer than {_LONGEST} octets"
    if reason:
        raise ContentError(f"nothing can be sent to {email!r}: {reason}")
