"""The long tail: a bounce that is no report by the standards -> whom it is about, and what the host said.

flufl.bounce knows the forms of many hosts and finds the address; what it calls permanent is often not, so
that its verdict is not asked for. It works on the library's tree of a mail, and raises on some: what it is
handed has been through `mime` and is made anew, flat.
"""

import logging
import re
from email.message import Message
from email.policy import compat32
from itertools import islice

from newsletter.bounces.mime import HEADERS_ONLY, Part, split_head
from newsletter.bounces.notices import find_addresses

_LONGEST = 100_000
_LONGEST_LINE = 1_000
_MOST_LINES = 1_000
_MOST_TEXTS = 10
_SAID = 3_000
"""Characters of a host's explanation that are read."""

# Below such a line stands our own mail, whose words are not the host's.
_OURS = re.compile(
    r"(?im)^\W{0,40}(?:original message|message (?:headers|text|header) follows?|the original message|"
    r"(?:this is |here is |below (?:this line )?is |following is )?an? copy of (?:the"
    r"|your) (?:\w+ )?(?:message|mail)"
    r"|(?:returned|unsent|undelivered|original|your) (?:e-?mail )?message (?:\w+ )?(?:follows?|below"
    r"|headers?)|message d'origine|message original|texte du message"
    r"|included is a copy|text of (?:your )?message|headers? of (?:your|the) (?:message|mail)"
    r"|begin(?:ning)? of (?:returned|original|forwarded)|en-?t[êe]tes? "
    r"|unzustellbare nachricht|ursprüngliche nachricht|transcript of message follows)"
    r"|^(?:return-path|received|x-[a-z-]{2,40}|message-id|dkim-signature|mime-version): "
)
_NAMED = re.compile(
    r"(?im)^[ \t]{0,20}(?:(?:final|original|failed)[ -]?recipients?|recipients?|addressees?"
    r"|destinataires?|to|user|rcpt to|email)\W{0,10}[ :<]"
    r"[^\n@]{0,100}$|^\W{0,20}[^\s<>@]{1,100}@"
)


def find_recipients(mail: Part) -> list[str]:
    """The addresses that a bounce of any form says could not be reached, the likeliest first."""
    failed = [found for value in mail.all("x-failed-recipients") for found in find_addresses(value)]
    if failed:
        return failed
    return _by_forms(mail) or _by_place(mail)


def is_of_known_form(mail: Part) -> bool:
    """Whether it is a bounce in a form that a known host writes, whatever its subject and sender."""
    return bool(_by_forms(mail))


def what_was_said(mail: Part) -> str:
    """The host's own words: the text of a bounce down to our own mail, in one line."""
    return " ".join(_told(mail)[:_SAID].split())


def _by_forms(mail: Part) -> list[str]:
    from flufl.bounce import all_failures  # slow to load, and most mails never come here

    logging.getLogger("flufl.bounce").disabled = True  # it writes a traceback for each mail it cannot read
    try:
        passing, lasting = all_failures(_rebuilt(mail, [_MOST_LINES]))
    except Exception:  # each of its detectors raises what it likes, and the next mail may be fine
        return []
    found = (address.decode("utf-8", "replace") for address in sorted(lasting) + sorted(passing))
    return [address for text in found for address in find_addresses(text)]


def _by_place(mail: Part) -> list[str]:
    """The addresses in the host's own words, those at the beginning of a line first, not its own."""
    told = _told(mail)
    own = {
        address.lower()
        for value in mail.all("from", "to", "sender", "reply-to")
        for address in find_addresses(value)
    }
    found = [each for each in find_addresses(told) if each.lower() not in own]
    in_place = [
        each for match in _NAMED.finditer(told) for each in find_addresses(_line(told, match.start()))
    ]
    first = [each for each in in_place if each.lower() not in own]
    return list(dict.fromkeys([*first, *found]))[:5]


def _line(text: str, start: int) -> str:
    return text[start : text.find("\n", start) if "\n" in text[start:] else len(text)]


def _told(mail: Part) -> str:
    text = "\n".join(islice((each.text for each in mail.own() if each.is_text), _MOST_TEXTS))[:_LONGEST]
    ours = _OURS.search(text)
    return text[: ours.start()] if ours and text[: ours.start()].strip() else text


def _rebuilt(part: Part, lines: list[int]) -> "Message[str, str]":
    """The library's form of a mail, its texts decoded and cut, and no deeper than what was read.

    `lines` is how many it may still have: each is tried with some hundred patterns.
    """
    made: Message[str, str] = Message(policy=compat32)
    for name, value in part.headers:
        if name not in ("content-transfer-encoding",):
            made[name] = value.encode("ascii", "replace").decode()
    if part.parts and part.media_type not in HEADERS_ONLY:
        made.set_payload([_rebuilt(inner, lines) for inner in part.parts])
    elif part.media_type == "message/delivery-status":
        blocks = re.split(r"\n[ \t]*\n", _cut(part.text, lines).strip("\n"))
        made.set_payload([_fields(block) for block in blocks])
    elif part.media_type not in HEADERS_ONLY:
        made.set_payload(_cut(part.text, lines).encode("ascii", "replace").decode())
    return made


def _cut(text: str, lines: list[int]) -> str:
    kept = text[:_LONGEST].split("\n", lines[0])[: lines[0]]
    lines[0] -= len(kept)
    return "\n".join(line[:_LONGEST_LINE] for line in kept)


def _fields(block: str) -> "Message[str, str]":
    made: Message[str, str] = Message(policy=compat32)
    for name, value in split_head(block.encode())[0]:
        made[name] = value
    return made
