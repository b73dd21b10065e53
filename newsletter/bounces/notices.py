"""The machine-readable part of a report: delivery status (RFC 3464, 6533) and feedback (RFC 5965).

Both are blocks of fields. What hosts write into them is not always what the standards say, so whatever can be
understood is taken: fields in one block that belong into two, types left out, addresses in brackets.
"""

import re
from dataclasses import dataclass

from newsletter.bounces.mime import Part, split_head

_TYPE = re.compile(r"[A-Za-z0-9_-]{1,40}\s{0,5};\s{0,20}")
_LETTERS = re.compile(r"[^\s<>\"',;:()\[\]@]{1,255}")
_MOST_ADDRESSES = 200
_UTF8_CHARACTER = re.compile(r"\\x\{([0-9A-Fa-f]{1,6})\}")  # RFC 6533 §3
_MOST_BLOCKS = 100

Fields = dict[str, str]
"""Names in lower case -> the first value of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a delivery status says of one recipient; "" where it says nothing.

    `action` is in lower case: failed, delayed, delivered, relayed, expanded (RFC 3464 §2.3.3).
    """

    original: str
    final: str
    action: str
    status: str
    diagnostic: str
    host: str


def find_addresses(text: str) -> list[str]:
    """All that looks like an address in a text, without the dot that ended a sentence."""
    found: list[str] = []
    position = text.find("@")
    while position >= 0 and len(found) < _MOST_ADDRESSES:
        local = _LETTERS.match(text[max(0, position - 256) : position][::-1])
        domain = _LETTERS.match(text, position + 1)
        if local and domain and "." in domain[0].strip("."):
            found.append(f"{local[0][::-1]}@{domain[0].rstrip('.')}")
        position = text.find("@", position + 1)
    return found


def read_notices(part: Part) -> list[Notice]:
    """What a message/delivery-status says, recipient by recipient."""
    common, *others = _blocks(part) or [{}]
    if not others or _is_recipient(common):
        others = [common, *others]
    reporter = _value(common.get("reporting-mta", ""))
    return [_notice(fields, reporter) for fields in others if _is_recipient(fields)]


def read_feedback(part: Part) -> Fields:
    """The fields of a message/feedback-report, in one block whether or not they were sent so."""
    merged: Fields = {}
    for fields in _blocks(part):
        merged = fields | merged
    return merged


def _blocks(part: Part) -> list[Fields]:
    blocks = re.split(r"\n[ \t]*\n", part.text.strip("\n"), maxsplit=_MOST_BLOCKS)
    read = (split_head(block.strip("\n").encode())[0] for block in blocks[:_MOST_BLOCKS])
    return [dict(reversed(headers)) for headers in read if headers]


def _is_recipient(fields: Fields) -> bool:
    return not fields.keys().isdisjoint(
        ("final-recipient", "original-recipient", "action", "diagnostic-code")
    )


def _notice(fields: Fields, reporter: str) -> Notice:
    return Notice(
        original=_address(fields.get("original-recipient", "")),
        final=_address(fields.get("final-recipient", "")),
        action=re.split(r"[\s(;]", fields.get("action", "").lower().strip(" "))[0],
        status=fields.get("status", ""),
        diagnostic=_value(fields.get("diagnostic-code", "")),
        host=_value(fields.get("remote-mta", "")) or reporter,
    )


def _value(field: str) -> str:
    """A field without its type: `smtp; 550 no such user` -> `550 no such user`."""
    return _TYPE.sub("", field, count=1) if _TYPE.match(field) else field


def _address(field: str) -> str:
    value = _value(field)
    if field.lower().lstrip(" ").startswith("utf-8"):
        value = _UTF8_CHARACTER.sub(_character, value)
    return next(iter(find_addresses(value)), "")


def _character(match: re.Match[str]) -> str:
    number = int(match[1], 16)
    return chr(number) if number <= 0x10FFFF and not 0xD800 <= number < 0xE000 else match[0]
