"""The bytes of a mail, whatever they are -> its parts, headers and texts, within limits.

The library's parser builds a tree as deep as a mail asks for, and raises on some: here a mail is hostile, so
that what is too deep, too many or too long is left as it is, and nothing is ever raised (RFC 2045, 2046).
"""

import binascii
import contextlib
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header

LONGEST = 30_000_000
"""Bytes of a mail that are taken in."""
LOOKED_AT = 4_000_000
"""Bytes of it that are read: what was said stands at the beginning, and our own mail is not so long."""
DEEPEST = 20
MOST_PARTS = 500

_LONGEST_TEXT = 100_000
_LONGEST_SOURCE = 400_000
_LONGEST_HEAD = 200_000
_LONGEST_HEADER = 8_000
_LONGEST_ENCODED = 2_000
_MOST_HEADERS = 500
_CHARSET = re.compile(
    r"utf-?8|us-ascii|iso-?8859-\d{1,2}|windows-125\d|cp125\d|koi8-[ru]|iso-2022-jp|shift_jis|euc-(?:jp|kr)"
    r"|gb2312|gbk|gb18030|big5"
)
_PARAMETER = re.compile(r';\s{0,20}([A-Za-z-]{1,40})\s{0,20}=\s{0,20}("[^"]{0,300}"|[^\s;"]{1,300})')
_FIELD = re.compile(rb"([!-9;-~]{1,200})[ \t]{0,20}:")
_END_OF_HEAD = re.compile(rb"\r?\n[ \t]*\r?\n")
_REST_OF_BOUNDARY = re.compile(rb"(--)?[ \t]{0,100}(?:\r?\n|\Z)")
_TAG = re.compile(r"<[^<>]{0,4000}>")
_UNSEEN = re.compile(r"(?i)<(style|script|head|title)\b")
_LINE_TAG = re.compile(r"(?i)<(?:br|/?p|/?div|/?tr|/?li|/?h\d|/?table|hr)\b[^<>]{0,4000}>")

HEADERS_ONLY = ("text/rfc822-headers", "message/rfc822-headers", "message/global-headers")
WHOLE_MAILS = ("message/rfc822", "message/global", "message/news")

Headers = tuple[tuple[str, str], ...]
"""Names in lower case, values unfolded and decoded, in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A mail, or a part of one; `headers` of a mail inside another are those of its only part.

    `media_type` is in lower case, `parameters` are those of Content-Type; `body` is as it travelled.
    """

    headers: Headers
    media_type: str
    parameters: dict[str, str]
    body: bytes
    parts: "tuple[Part, ...]" = ()

    def get(self, name: str) -> str:
        """The first header of this name, "" if there is none."""
        return next((value for key, value in self.headers if key == name), "")

    def all(self, *names: str) -> list[str]:
        return [value for key, value in self.headers if key in names]

    def walk(self) -> "Iterator[Part]":
        """This part and all below it, in the order of reading."""
        yield self
        for part in self.parts:
            yield from part.walk()

    def own(self) -> "Iterator[Part]":
        """The parts that the sender of the mail wrote: not those of a mail inside it."""
        yield self
        for part in self.parts:
            if self.media_type not in (*WHOLE_MAILS, *HEADERS_ONLY):
                yield from part.own()

    @property
    def is_text(self) -> bool:
        """Whether it is a text of some length, and not made of parts."""
        return not self.parts and self.media_type.startswith("text/") and not self.body[:1000].isspace()

    @property
    def source(self) -> str:
        """The characters of the body as they were written, of HTML with its tags; line ends are LF."""
        data = _decoded(self.body[:_LONGEST_SOURCE], self.get("content-transfer-encoding"))
        text = _characters(data, self.parameters.get("charset", ""))
        return text.replace("\r\n", "\n").replace("\r", "\n")

    @property
    def text(self) -> str:
        """What the body says, as plain text."""
        source = self.source[:_LONGEST_TEXT]
        return _plain(source) if self.media_type == "text/html" else source


def read_mail(content: bytes) -> Part:
    """The parts of a mail; never raises. A "From " line of an mbox before it is passed over."""
    content = content[:LOOKED_AT].lstrip(b"\r\n")
    if content.startswith((b"From ", b">From ")):
        content = content.partition(b"\n")[2]
    return _Reader().part(content, 0)


class _Reader:
    """Counts what it has made: the limit is for the whole mail."""

    def __init__(self) -> None:
        self._made = 0

    def part(self, content: bytes, depth: int, default: str = "text/plain") -> Part:
        self._made += 1
        headers, body = split_head(content)
        content_type = next((value for name, value in headers if name == "content-type"), "")
        media_type = content_type.partition(";")[0].strip(" \t").lower() or default
        parameters = {name.lower(): value.strip('"') for name, value in _PARAMETER.findall(content_type)}
        encoding = next((value for name, value in headers if name == "content-transfer-encoding"), "")
        parts: tuple[Part, ...] = ()
        if depth < DEEPEST:
            if media_type.startswith("multipart/"):
                inner = "message/rfc822" if media_type == "multipart/digest" else "text/plain"
                parts = self._multipart(body, parameters.get("boundary", ""), depth + 1, inner)
            elif media_type in WHOLE_MAILS or media_type in HEADERS_ONLY:
                # RFC 2046 §5.2.1 allows no encoding here; some hosts use one all the same.
                parts = self._all([_decoded(body, encoding).lstrip(b"\r\n")], depth + 1, "text/plain")
        return Part(headers=headers, media_type=media_type, parameters=parameters, body=body, parts=parts)

    def _multipart(self, body: bytes, boundary: str, depth: int, default: str) -> tuple[Part, ...]:
        if not boundary:
            return ()
        pieces: list[bytes] = []
        inside = -1
        for start, end, is_last in _boundaries(body, b"--" + boundary.encode("utf-8", "replace")):
            if inside >= 0:
                pieces.append(body[inside:start])
            inside = end
            if is_last or len(pieces) >= MOST_PARTS:
                break
        else:
            if inside >= 0:
                pieces.append(body[inside:])  # cut short, as what comes back often is
        return self._all(pieces, depth, default)

    def _all(self, pieces: list[bytes], depth: int, default: str) -> tuple[Part, ...]:
        parts = []
        for piece in pieces:
            if self._made >= MOST_PARTS:
                break
            parts.append(self.part(piece, depth, default))
        return tuple(parts)


def _boundaries(body: bytes, mark: bytes) -> Iterator[tuple[int, int, bool]]:
    """Where a boundary begins, with the line end before it (RFC 2046 §5.1.1), its end, if it is last."""
    place = body.find(mark)
    while place >= 0:
        rest = _REST_OF_BOUNDARY.match(body, place + len(mark))
        if rest and (place == 0 or body[place - 1] == 0x0A):
            start = place - (2 if body[max(0, place - 2) : place] == b"\r\n" else 1)
            yield max(0, start), rest.end(), rest[1] is not None
        place = body.find(mark, place + len(mark))


def split_head(content: bytes) -> tuple[Headers, bytes]:
    """The headers before the first empty line, and the rest; a line that is no header ends them too."""
    if content.startswith((b"\n", b"\r\n")):
        return (), _after_line_end(content)
    end = _END_OF_HEAD.search(content, 0, _LONGEST_HEAD)
    head, body = (content[: end.start()], content[end.end() :]) if end else (content[:_LONGEST_HEAD], b"")
    fields: list[list[bytes]] = []
    position = 0
    for line in head.splitlines(keepends=True):
        if line[:1] in b" \t" and fields:
            fields[-1].append(line.strip(b"\r\n"))
        elif match := _FIELD.match(line):
            fields.append([match[1], line[match.end() :].strip(b"\r\n")])
        else:
            return _readable(fields), content[position:]
        position += len(line)
    return _readable(fields), body


def _readable(fields: list[list[bytes]]) -> Headers:
    return tuple(
        (name.decode("ascii").lower(), _words(_characters(b" ".join(lines)[:_LONGEST_HEADER], "")))
        for name, *lines in fields[:_MOST_HEADERS]
    )


def _words(value: str) -> str:
    """A header's value with its encoded words decoded (RFC 2047)."""
    value = value.strip(" \t")
    if "=?" not in value or len(value) > _LONGEST_ENCODED:
        return value
    try:
        pieces = decode_header(value)
    except (HeaderParseError, ValueError, binascii.Error):
        return value
    decoded = (
        piece if isinstance(piece, str) else _characters(piece, charset or "") for piece, charset in pieces
    )
    # A line end may have been hidden in an encoded word.
    return "".join(decoded).replace("\r", " ").replace("\n", " ")


def _decoded(body: bytes, encoding: str) -> bytes:
    """The body without its transfer encoding, as far as it can be taken off."""
    encoding = encoding.strip(" \t").lower()
    if encoding == "quoted-printable":
        return binascii.a2b_qp(body)
    if encoding == "base64":
        letters = re.sub(rb"[^A-Za-z0-9+/]", b"", body)
        with contextlib.suppress(binascii.Error):
            return binascii.a2b_base64(letters[: len(letters) // 4 * 4])
    return body


def _characters(data: bytes, charset: str) -> str:
    """The characters of some bytes: as they say, as UTF-8, or as Windows of Western Europe."""
    charset = charset.lower()
    for name in (charset if _CHARSET.fullmatch(charset) else "utf-8", "utf-8"):
        with contextlib.suppress(UnicodeDecodeError, LookupError):
            return data.decode(name)
    return data.decode("cp1252", "replace")


def _plain(text: str) -> str:
    """What a page of HTML says, line by line."""
    seen = []
    position = 0
    while start := _UNSEEN.search(text, position):
        seen.append(text[position : start.start()])
        end = re.compile(f"(?i)</{start[1]}").search(text, start.end())
        position = end.start() if end else len(text)
    seen.append(text[position:])
    return html.unescape(_TAG.sub("", _LINE_TAG.sub("\n", " ".join(seen))))


def _after_line_end(piece: bytes) -> bytes:
    return piece[2:] if piece.startswith(b"\r\n") else piece[1:] if piece.startswith(b"\n") else piece
