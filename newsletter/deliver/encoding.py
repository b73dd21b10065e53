"""Text -> the ASCII in which mail carries it: quoted-printable (RFC 2045 §6.7), encoded words (RFC 2047)."""

import base64
import binascii
import re

_TO_ESCAPE = re.compile(rb"[^\t !-<>-~]")
_RUN_OF_BLANKS = re.compile(rb"(?<=[ \t])[ \t]|\t")
_ATOMS = re.compile(r"(?! )[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+(?<! )")
_ADDRESS_TEXT = re.compile(r"[!-<>-~]*")
_LINE = 76
_FIRST = ".-F"
"""A line that begins with one of these may have to be escaped."""
_LINE_FEED = 10
_WORD_BYTES = 39
"""Bytes of UTF-8 in one encoded word: 52 characters of base64, 12 of frame and the longest name of a header,
"Subject: ", stay under the 76 that RFC 2047 §2 allows a line."""


def quoted_printable(text: str, *, goes_on: bool = False) -> bytes:
    """A text as quoted-printable lines of at most 76 octets, ended by CRLF, to be put on a line of its own.

    No line begins with a dot, "From " or "--", ends in a blank, or has two blanks in a row: the bytes need no
    dot-stuffing (RFC 5321 §4.5.2), survive mailbox files, cannot be taken for a MIME boundary, and are
    their own canonical form for DKIM's relaxed algorithm (RFC 6376 §3.4.4). If the text `goes_on`, its last
    line ends with a soft break (RFC 2045 §6.7 rule 5), so that whatever follows has a line of its own too.
    """
    encoded = _at_once(text)
    if encoded is None:
        *lines, last = re.split(rb"\r\n|\r|\n", text.encode())
        encoded = b"\r\n".join([*map(_fold, lines), _fold(last, _LINE - goes_on)])
        goes_on = goes_on and bool(last)
    return encoded + b"=\r\n" if goes_on else encoded


def _at_once(text: str) -> bytes | None:
    """What most values of blanks become, in a tenth of the time that `_fold` would take; None for all others.

    They are short texts that fit on a line, and web addresses that fit on two.
    """
    if len(text) < _LINE:
        if not text or text[0] in _FIRST or "  " in text or "\n" in text or "\r" in text or "\t" in text:
            return None
        encoded = binascii.b2a_qp(text.encode(), istext=False)
        return encoded if len(encoded) < _LINE and _LINE_FEED not in encoded else None
    first, second = text[: _LINE - 1], text[_LINE - 1 :]
    if not 1 < len(second) < _LINE or first[0] in _FIRST or second[0] in _FIRST:
        return None
    return f"{first}=\r\n{second}".encode() if _ADDRESS_TEXT.fullmatch(text) else None


def _fold(line: bytes, room: int = _LINE) -> bytes:
    """One line without its end, folded; `room` is the length that the last of its lines may have."""
    encoded = _TO_ESCAPE.sub(_escape, line)
    encoded = _RUN_OF_BLANKS.sub(_escape, encoded)
    if encoded.endswith(b" "):
        encoded = encoded[:-1] + b"=20"
    lines: list[bytes] = []
    start = 0
    while True:
        first = encoded[start : start + 1]
        if first in (b".", b"-") or encoded.startswith(b"From ", start):
            encoded = encoded[:start] + _escape_byte(first) + encoded[start + 1 :]
        if len(encoded) - start <= room:
            return b"=\r\n".join([*lines, encoded[start:]])
        end = start + _LINE - 1
        # An escape is never cut: step back to before its "=".
        cut = encoded.rfind(b"=", end - 2, end)
        end = end if cut < 0 else cut
        lines.append(encoded[start:end])
        start = end


def _escape(match: re.Match[bytes]) -> bytes:
    return _escape_byte(match[0])


def _escape_byte(byte: bytes) -> bytes:
    return b"=%02X" % byte[0]


def encoded_words(text: str) -> str:
    """A text as it may stand in an unstructured header: itself if it is plain ASCII, else encoded words.

    Long texts become several words on lines of their own, cut between characters, never inside one.
    """
    plain = text.isascii() and text.isprintable() and "=?" not in text and len(text) <= 60
    if plain and text == text.strip(" "):
        return text
    if len(data := text.encode()) <= _WORD_BYTES:
        return _word(data)
    words = []
    chunk = ""
    for character in text:
        if len((chunk + character).encode()) > _WORD_BYTES:
            words.append(chunk)
            chunk = ""
        chunk += character
    words.append(chunk)
    return "\r\n ".join(_word(word.encode()) for word in words)


def _word(data: bytes) -> str:
    return f"=?utf-8?b?{binascii.b2a_base64(data, newline=False).decode()}?="


def mailbox(name: str, address: str) -> str:
    """A name and an address for From and To (RFC 5322 §3.4): the address always outside the encoded words."""
    short = len(name) <= 60 and "=?" not in name
    if short and _ATOMS.fullmatch(name):
        return f"{name} <{address}>"
    if not name:
        return address
    if short and name.isascii() and name.isprintable():
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}" <{address}>'
    words = encoded_words(name)
    fold = "\r\n" if len(words) - words.rfind("\n") + len(address) > 69 else ""
    return f"{words}{fold} <{address}>"


def base64_lines(content: bytes) -> bytes:
    """Bytes as base64 in lines of 76 (RFC 2045 §6.8)."""
    text = base64.b64encode(content)
    return b"\r\n".join(text[n : n + 76] for n in range(0, len(text), 76))
