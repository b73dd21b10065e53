"""A host's code and words -> whether it is surely the reader's address that is at fault."""

import re

from newsletter.blame import Blame, blame
from newsletter.bounces.returned import Kind

_SMTP_CODE = re.compile(r"(?:\A|[\s;:<(\"'#])([45][0-5]\d)(?=[\s\-#,:])")
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_TELLS_NOTHING = re.compile(r"[45]\.(?:0\.0|[1256]\.0)|")


def verdict(code: str, text: str, status: str) -> Kind:
    """HARD only if code and words say that nobody is there, and the status of the report does not object;
    else SOFT.

    `text` is on one line. A host that says 4yz has not given up, whatever words it uses.
    """
    first = _SMTP_CODE.search(text)
    if code.startswith("4") or status.startswith("4") or (first and first[1].startswith("4")):
        return Kind.SOFT
    gone = blame(code, text) is Blame.NOBODY_THERE
    reported = _STATUS.match(status)
    if reported and not _TELLS_NOTHING.fullmatch(reported[1]):
        gone = gone and blame(reported[1], text) is Blame.NOBODY_THERE
    return Kind.HARD if gone else Kind.SOFT


def code_in(status: str, text: str) -> str:
    """The enhanced status code (RFC 3463) that tells most: the host's in its words, else the report's."""
    in_text = [match[1] for match in _STATUS.finditer(text) if match[1][0] in "45"]
    reported = _STATUS.match(status)
    codes = [*in_text, *([reported[1]] if reported and reported[1][0] in "45" else [])]
    return next((code for code in codes if not _TELLS_NOTHING.fullmatch(code)), codes[-1] if codes else "")
