"""Text -> the ASCII in which mail carries it: quoted-printable (RFC 2045 §6.7), encoded words (RFC 2047)."""

import base64
import re

_TO_ESCAPE = re.compile(rb"[^\t !-<>-~]")
_RUN_OF_BLANKS = re.compile(rb"(?<=[ \t])[ \t]|\t")
_ATOM_TEXT = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*\Z")
_LINE = 76
_WORD_BYTES = 39
"""Bytes of UTF-8 in one encoded word: 52 characters of base64, 12 of frame and the longest name of a header,
"Subject: ", stay under the 76 that RFC 2047 §2 allows a line."""


def quoted_printable(text: str) -> bytes:
    """A text as quoted-printable lines of at most 76 octets, ended by CRLF, to be put on a line of its own.

    No line begins with a dot, "From " or "--", ends in a blank, or has two blanks in a row: the bytes need no
    dot-stuffing (RFC 5321 §4.5.2), survive mailbox files, cannot be taken for a MIME boundary, and are
    their own canonical form for DKIM's relaxed algorithm (RFC 6376 §3.4.4).
    """
    return b"\r\n".join(_fold(line) for line in re.split(rb"\r\n|\r|\n", text.encode()))


def _fold(line: bytes) -> bytes:
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
        if len(encoded) - start <= _LINE:
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
    if text.isascii() and text.isprintable() and "=?" not in text and len(text) <= 60:
        return text
    words = []
    chunk = ""
    for character in text:
        if len((chunk + character).encode()) > _WORD_BYTES:
            words.append(chunk)
            chunk = ""
        chunk += character
    words.append(chunk)
    return "\r\n ".join(f"=?utf-8?b?{base64.b64encode(word.encode()).decode()}?=" for word in words)


def mailbox(name: str, address: str) -> str:
    """A name and an address for From and To (RFC 5322 §3.4): the address always outside the encoded words."""
    if not name:
        return address
    if not name.isascii() or "=?" in name or not name.isprintable() or len(name) > 60:
        words = encoded_words(name)
        fold = "\r\n" if len(words.split("\r\n")[-1]) + len(address) > 68 else ""
        return f"{words}{fold} <{address}>"
    if _ATOM_TEXT.match(name) and name == name.strip(" "):
        return f"{name} <{address}>"
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{address}>'


def base64_lines(content: bytes) -> bytes:
    """Bytes as base64 in lines of 76 (RFC 2045 §6.8)."""
    text = base64.b64encode(content)
    return b"\r\n".join(text[n : n + 76] for n in range(0, len(text), 76))
