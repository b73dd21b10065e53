"""What a mail server's code means, in words that an editor understands."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

NO_REASON = "no reason given"

REFUSED, HARD, SOFT = "refused", "hard", "soft"
"""When a no was said: at once, or by a mail that came back, for good or for now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why copies were not taken, by which codes that was said, and how often, at once or later."""

    words: str
    codes: tuple[str, ...]
    refused: int
    hard: int
    soft: int

    @property
    def count(self) -> int:
        return self.refused + self.hard + self.soft


# Enhanced status codes without their class (RFC 3463, and the registry of RFC 5248 with what RFC 7372, 7504
# and 7505 added). The class says for how long: 5 for good, 4 for now.
_DETAILS: Mapping[str, str] = {
    "1.0": "something is wrong with the address",
    "1.1": "no such mailbox",
    "1.2": "no such domain",
    "1.3": "not an address",
    "1.4": "the address means more than one mailbox",
    "1.6": "the mailbox has moved",
    "1.7": "our own address is not accepted",
    "1.8": "our own domain is not accepted",
    "1.10": "the domain takes no mail",
    "2.0": "something is wrong with the mailbox",
    "2.1": "the mailbox is closed",
    "2.2": "the mailbox is full",
    "2.3": "too long for this mailbox",
    "2.4": "the mailing list behind the address failed",
    "3.1": "the provider's disk is full",
    "3.2": "the provider takes no mail at the moment",
    "3.4": "too long for the provider",
    "4.1": "the provider's server did not answer",
    "4.2": "the connection broke",
    "4.3": "the provider's directory failed",
    "4.4": "no way to the provider was found",
    "4.5": "the provider is overloaded",
    "4.6": "the mail went round in circles",
    "4.7": "not delivered in time",
    "7.0": "refused by the provider's rules",
    "7.1": "refused by the provider's rules",
    "7.8": "the relay did not accept our password",
    "7.20": "no valid DKIM signature",
    "7.21": "no acceptable DKIM signature",
    "7.22": "the DKIM signature is not of the sender's domain",
    "7.23": "our server is not in the sender's SPF record",
    "7.24": "the sender's SPF record could not be read",
    "7.25": "our server has no name in the reverse DNS",
    "7.26": "neither SPF nor DKIM passed",
    "7.27": "our own domain takes no mail",
    "7.28": "too much mail at once",
}

# The same by subject alone, for details that are not in the list (RFC 3463 §3).
_SUBJECTS: Mapping[str, str] = {
    "1": "something is wrong with the address",
    "2": "something is wrong with the mailbox",
    "3": "something is wrong with the provider",
    "4": "something is wrong on the way",
    "5": "the servers did not understand each other",
    "6": "the mail's content could not be handled",
    "7": "refused by the provider's rules",
}

# Three digits where that is all there is (RFC 5321 §4.2.3); 550 says no more than no.
_REPLIES: Mapping[str, str] = {
    "421": "the provider takes no mail at the moment",
    "450": "the mailbox could not be reached",
    "451": "something is wrong with the provider",
    "452": "the provider's disk is full",
    "521": "the domain takes no mail",
    "530": "the relay wants a password",
    "535": "the relay did not accept our password",
    "551": "the mailbox has moved",
    "552": "the mailbox is full",
    "553": "not an address",
    "554": "refused by the provider's rules",
    "556": "the domain takes no mail",
}

# No part of a longer row of numbers, such as an IP address.
_ENHANCED = re.compile(r"(?<![\d.])[245]\.(\d{1,3})\.(\d{1,3})(?![\d]|\.\d)")
_BASIC = re.compile(r"(?<![\d.])[45]\d\d(?![\d.])")


def in_words(code: str, text: str = "") -> tuple[str, str]:
    """What a server's no means, and the code that says so, "" if there was none.

    `code` is an enhanced status code (RFC 3463), a reply code (RFC 5321 §4.2) or ""; `text` is what the
    server said besides, of which nothing but a code is used: there may be an address in it.
    """
    for said in (code, text):
        if match := _ENHANCED.search(said):
            subject, detail = (str(int(number)) for number in match.groups())
            words = _DETAILS.get(f"{subject}.{detail}") or _SUBJECTS.get(subject, NO_REASON)
            return words, f"{match[0][0]}.{subject}.{detail}"
    for said in (code, text):
        if match := _BASIC.search(said):
            return _REPLIES.get(match[0], NO_REASON), match[0]
    return NO_REASON, ""


class Reasons:
    """A count of every no that was said, by what it means."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._codes: dict[str, set[str]] = {}

    def count(self, when: str, code: str, text: str = "", *, times: int = 1) -> None:
        """One more no, said as REFUSED, HARD or SOFT."""
        words, told = in_words(code, text)
        self._counts[words, when] += times
        self._codes.setdefault(words, set()).update({told} - {""})

    def all(self) -> tuple[Reason, ...]:
        """The reasons, the most frequent first."""
        counts = self._counts
        found = (
            Reason(
                words=words,
                codes=tuple(sorted(codes)),
                refused=counts[words, REFUSED],
                hard=counts[words, HARD],
                soft=counts[words, SOFT],
            )
            for words, codes in self._codes.items()
        )
        return tuple(sorted(found, key=lambda reason: (-reason.count, reason.words)))
