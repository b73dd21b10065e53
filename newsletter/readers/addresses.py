"""What somebody typed -> an address that can be written to, or the reason why not."""

import re
import unicodedata
from dataclasses import dataclass

from newsletter.errors import ContentError

LONGEST = 254  # RFC 5321 §4.5.3.1.3, the path without its brackets
LONGEST_NAME = 200

# Copied along from web pages and spreadsheets; no part of any address.
_AROUND = " \t\u00a0\u202f\u200b\ufeff"
_BIDIRECTIONAL = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_SPACES = re.compile(" {2,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An address as it travels: ASCII, the domain in lower case, an international one as its A-label."""

    email: str

    @property
    def key(self) -> str:
        """What makes two addresses the same: all in lower case, as every mail host of our day holds it."""
        return self.email.lower()


def read_address(text: str, *, where: str = "") -> Address:
    """The address in `text`; raises ContentError, whose message quotes it and says what is wrong.

    No look-up is made. Refused are also what other programs would send elsewhere (quoted local parts,
    encoded words, domain literals), reserved domains but example.*, and letters outside ASCII before the @,
    which only SMTPUTF8 (RFC 6531) could carry.
    """
    text = text.strip(_AROUND)
    reason = _suspect(text)
    if not reason:
        from email_validator import EmailNotValidError, validate_email

        try:
            valid = validate_email(text, check_deliverability=False, allow_smtputf8=False, strict=True)
            return Address(email=f"{valid.local_part}@{valid.ascii_domain}")
        except EmailNotValidError as error:
            reason = str(error)
            reason = (reason[:1].lower() + reason[1:]).rstrip(".")
    shown = text if len(text) <= 80 else text[:79] + "…"
    raise ContentError(f"{shown!r} is not an address: {reason}", where=where)


def clean_name(text: str) -> str:
    """A name on one line, without control characters and signs that reverse the reading direction.

    No-break spaces stay as they are.
    """
    kept = "".join(" " if _is_control(c) else c for c in text[: 4 * LONGEST_NAME])
    return _SPACES.sub(" ", kept)[:LONGEST_NAME].strip(" ")


def _suspect(text: str) -> str:
    """Why `text` is not even looked at as an address, or ""."""
    local = text.rpartition("@")[0]
    if not text:
        return "there is nothing"
    if len(text) > LONGEST:
        return f"it is longer than {LONGEST} characters"
    if any(_is_control(c) for c in text):
        return "it has a control character in it"
    if "=?" in local:
        return "the part before the @ would be decoded to something else"
    return ""


def _is_control(char: str) -> bool:
    return char in _BIDIRECTIONAL or unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")
