"""What somebody typed -> an address that can be written to, or the reason why not."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from newsletter.errors import ContentError

LONGEST = 254  # octets, RFC 5321 §4.5.3.1.3, the path without its brackets
LONGEST_LOCAL_PART = 64  # octets, RFC 5321 §4.5.3.1.1
LONGEST_NAME = 200

# Copied along from web pages and spreadsheets; no part of any address.
_AROUND = " \t\u00a0\u202f\u200b\ufeff"
_BIDIRECTIONAL = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_SPACES = re.compile(" {2,}")

# What nearly all addresses look like; whether the domain is one is asked apart.
_USUAL = re.compile(r"([A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*)@([A-Za-z0-9.-]+)")
_DOMAINS_KEPT = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An address as it travels: the domain in lower case, an international one as its A-label.

    Letters outside ASCII stand before the @ only (RFC 6531), composed (NFC).
    """

    email: str

    @property
    def key(self) -> str:
        """What makes two addresses the same: all in lower case, as every mail host of our day holds it.

        Not casefolded, which would make one of the two readers straße@ and strasse@.
        """
        return self.email.lower()


def read_address(text: str, *, where: str = "") -> Address:
    """The address in `text`; raises ContentError, whose message quotes it and says what is wrong.

    No look-up is made. Refused are also what other programs would send elsewhere (quoted local parts,
    encoded words, domain literals, letters that stand for others), and reserved domains but example.*.
    """
    text = text.strip(_AROUND)
    email = _usual(text)
    if email is None:
        email, reason = validated(text)
        if reason:
            shown = text if len(text) <= 80 else text[:79] + "…"
            raise ContentError(f"{shown!r} is not an address: {reason}", where=where)
    return Address(email=email)


def validated(text: str) -> tuple[str, str]:
    """The address in `text` as it travels, or "" and the reason why it is none."""
    if reason := _suspect(text):
        return "", reason
    from email_validator import EmailNotValidError, validate_email

    try:
        valid = validate_email(text, check_deliverability=False, allow_smtputf8=True, strict=True)
    except EmailNotValidError as error:
        reason = str(error)
        return "", (reason[:1].lower() + reason[1:]).rstrip(".")
    email = f"{valid.local_part}@{valid.ascii_domain}"
    reason = _untravelled(valid.local_part, email)
    return ("", reason) if reason else (email, "")


def _usual(text: str) -> str | None:
    """What `validated` gives for an address of the usual kind, in a hundredth of its time; else None.

    Left to it are domains that may be international, and bare words in capitals before the @, of which some
    are written small (RFC 2142: "Info@").
    """
    match = _USUAL.fullmatch(text)
    if match is None or len(text) > LONGEST:
        return None
    local, domain = match.groups()
    if len(local) > LONGEST_LOCAL_PART or "--" in domain or (local.isalpha() and not local.islower()):
        return None
    known = _domain(domain)
    return f"{local}@{known}" if known else None


@lru_cache(maxsize=_DOMAINS_KEPT)
def _domain(text: str) -> str:
    """A domain as it travels, or ""."""
    return validated(f"a@{text}")[0].removeprefix("a@")


def clean_name(text: str) -> str:
    """A name on one line, without control characters and signs that reverse the reading direction.

    No-break spaces stay as they are.
    """
    kept = text[: 4 * LONGEST_NAME]
    if not kept.isprintable():  # which it is not with a control character in it, nor with a no-break space
        kept = "".join(" " if _is_control(c) else c for c in kept)
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


def _untravelled(local: str, email: str) -> str:
    """Why an address that is well written cannot travel as it is, or ""."""
    if len(local.encode()) > LONGEST_LOCAL_PART:
        return f"the part before the @ is longer than {LONGEST_LOCAL_PART} octets"
    if len(email.encode()) > LONGEST:
        return f"it is longer than {LONGEST} octets"
    if not local.isprintable():
        return "the part before the @ has a sign in it that cannot be shown"
    # A ligature comes from a copied page, a full-width @ from an Asian keyboard; a host may read them as two.
    for char in local:
        if unicodedata.normalize("NFKC", char) != char:
            return f"the part before the @ has {char!r} in it, which stands for other letters"
    return ""


def _is_control(char: str) -> bool:
    return char in _BIDIRECTIONAL or unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")
