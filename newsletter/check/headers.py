"""Rules for the header of the finished mail, read as raw bytes (RFC 5322, 2919, 2369, 8058)."""

import re
from collections.abc import Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime

from newsletter.check.raw import Field, mail_of
from newsletter.check.rule import Fault, Level, Place, Proof, Rule, rule

LONGEST_LINE = 998
"""Octets without the CRLF, RFC 5322 §2.1.1."""

_ONCE = ("date", "from", "to", "subject", "message-id", "mime-version", "content-type")
_AT_MOST_ONCE = ("reply-to", "list-id", "list-unsubscribe", "list-unsubscribe-post", "sender", "cc", "bcc")

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_DOTTED = rf"{_ATOM}(?:\.{_ATOM})*"  # dot-atom-text, RFC 5322 §3.2.3
_ADDRESS = rf"{_DOTTED}@{_DOTTED}"
_WORD = r"=\?[A-Za-z0-9-]+\?[BbQq]\?[!->@-~]+\?="  # RFC 2047 §2
_PHRASE = rf"(?:(?:\"(?:[^\"\\]|\\.)*\"|{_ATOM})(?:[ \t]+|(?=<)))*"
_FORMS = {
    "from": re.compile(rf"{_PHRASE}<{_ADDRESS}>|{_ADDRESS}"),
    "to": re.compile(rf"{_PHRASE}<{_ADDRESS}>|{_ADDRESS}"),
    "reply-to": re.compile(rf"{_PHRASE}<{_ADDRESS}>|{_ADDRESS}"),
    "message-id": re.compile(rf"<{_ADDRESS}>"),
    "list-id": re.compile(rf"{_PHRASE}<(?=.{{1,255}}>){_ATOM}(?:\.{_ATOM})+>"),  # RFC 2919 §2, §3
    "mime-version": re.compile(r"1\.0"),
}
_DATE = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4}"
    r" \d\d:\d\d:\d\d (?:[+-]\d{4}|GMT)"
)
_WHO_SAYS_SO = {
    "from": ("publication", "sender"),
    "message-id": ("publication", "sender"),
    "reply-to": ("publication", "reply_to"),
    "list-id": ("publication", "name"),
    "list-unsubscribe": ("publication", "url"),
    "list-unsubscribe-post": ("publication", "url"),
}


def place_of(proof: Proof, name: str) -> Place:
    """Who decides what stands in a header field."""
    if name in _WHO_SAYS_SO:
        return proof.setting(*_WHO_SAYS_SO[name])
    return proof.text("subject").place() if name == "subject" else Place(proof.folder)


@rule(
    "raw-lines",
    Level.WARNING,
    why="Mail servers cut or refuse lines that are too long or do not end as lines of mail do (RFC 5322 §2).",
    how="report it: the press must not write such a mail",
)
def raw_lines(proof: Proof) -> Iterator[Fault]:
    place = Place(proof.folder)
    ends = proof.message.count(b"\r\n")
    if (proof.message.count(b"\r"), proof.message.count(b"\n")) != (ends, ends):
        yield Fault(place, "a line of the mail does not end with CR and LF together")
    if not proof.message.isascii() or b"\0" in proof.message:
        yield Fault(place, "the mail is not all ASCII")
    if not proof.message.endswith(b"\r\n"):
        yield Fault(place, "the last line of the mail has no end")
    for line in proof.message.split(b"\r\n"):
        if len(line) > LONGEST_LINE:
            name = line.partition(b":")[0].decode("ascii", "replace").lower()
            words = f"a line of the mail has {len(line)} octets, and {LONGEST_LINE} are allowed"
            yield Fault(place_of(proof, name), words)


@rule(
    "header-fields",
    Level.WARNING,
    why="A mail without a Date or with two From headers is taken for spam, or not at all.",
    how="report it: the press must not write such a mail",
)
def header_fields(proof: Proof) -> Iterator[Fault]:
    mail = mail_of(proof.message)
    names = [field.name for field in mail.fields]
    for field in mail.fields:
        if not field.name:
            yield Fault(Place(proof.folder), f"{_shown(field)!r} is no header")
        elif re.search(rb"\r\n[ \t]*(?:\r\n|\Z)", field.raw):
            yield Fault(place_of(proof, field.name), f"a fold of {_title(field.name)} has nothing on it")
    for name in _ONCE:
        if (count := names.count(name)) != 1:
            often = "is not there" if not count else f"is there {count} times"
            yield Fault(place_of(proof, name), f"{_title(name)} {often}")
    for name in _AT_MOST_ONCE:
        if (count := names.count(name)) > 1:
            yield Fault(place_of(proof, name), f"{_title(name)} is there {count} times")


@rule(
    "header-form",
    Level.WARNING,
    why="What a header cannot be read as is guessed, in every mail program otherwise.",
    how="write a plain name and a plain address",
)
def header_form(proof: Proof) -> Iterator[Fault]:
    for field in mail_of(proof.message).fields:
        if field.name == "date":
            fits = bool(_DATE.fullmatch(field.value)) and _day_fits(field.value)
        else:
            form = _FORMS.get(field.name)
            fits = form is None or bool(form.fullmatch(field.value))
        if not fits:
            yield Fault(
                place_of(proof, field.name), f"{_title(field.name)} cannot be read: {_shown(field)!r}"
            )
        for word in re.findall(r"=\?[^\s<>]*", field.value) if field.name != "content-type" else ():
            if not re.fullmatch(_WORD, word) or len(word) > 75:  # RFC 2047 §2
                yield Fault(place_of(proof, field.name), f"{_title(field.name)} has a broken encoded word")


def _day_fits(value: str) -> bool:
    """Whether the day of the week is that of the date."""
    try:
        at: datetime = parsedate_to_datetime(value)
    except ValueError:
        return False
    return ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[at.weekday()] == value[:3]


@rule(
    "one-click",
    Level.WARNING,
    why="Gmail and Yahoo ask bulk senders for headers by which one click leaves (RFC 2369, RFC 8058).",
    how='write the address of a web site that answers there: url = "https://…"',
)
def one_click(proof: Proof) -> Iterator[Fault]:
    mail = mail_of(proof.message)
    fields = {field.name: field for field in mail.fields}
    place = place_of(proof, "list-unsubscribe")
    leave, post = fields.get("list-unsubscribe"), fields.get("list-unsubscribe-post")
    if "list-id" not in fields:
        yield Fault(place_of(proof, "list-id"), "the mail has no List-Id")
    if leave is None:
        yield Fault(place, "the mail has no List-Unsubscribe")
        return
    for field in (leave, *([post] if post else [])):
        if b"\r\n" in field.raw:
            yield Fault(place, f"{_title(field.name)} is folded, and some mail services read its first line")
        if "=?" in field.value:
            yield Fault(place, f"{_title(field.name)} has an encoded word in it")
    ways = [way.strip(" \t") for way in leave.value.split(",")]
    if any(not re.fullmatch(r"<[a-z]+:[!-;=?-~]+>", way) for way in ways):
        yield Fault(place, f"List-Unsubscribe is no list of <addresses>: {leave.value!r}")
    if not any(way.startswith("<mailto:") for way in ways):
        yield Fault(place, "List-Unsubscribe has no way to leave by mail")
    if proof.publication.url:
        yield from _by_web(ways, post, place)


def _by_web(ways: list[str], post: Field | None, place: Place) -> Iterator[Fault]:
    if not any(way.startswith("<https://") for way in ways):
        message = "one click cannot leave: the address in List-Unsubscribe is not https"
        yield Fault(place, message, 'write url = "https://…"')
    if post is None:
        yield Fault(place, "the mail has no List-Unsubscribe-Post")
    elif post.value != "List-Unsubscribe=One-Click":
        yield Fault(place, f"List-Unsubscribe-Post must say List-Unsubscribe=One-Click, not {post.value!r}")


def _title(name: str) -> str:
    special = {"message-id": "Message-ID", "list-id": "List-Id", "mime-version": "MIME-Version"}
    return special.get(name, name.title())


def _shown(field: Field) -> str:
    return field.value if len(field.value) <= 60 else f"{field.value[:59]}…"


RULES: tuple[Rule, ...] = (raw_lines, header_fields, header_form, one_click)
