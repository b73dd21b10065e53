"""Bytes from a mail server -> its replies (RFC 5321 §4.2), no socket."""

import re
from dataclasses import dataclass

LINE_OCTETS = 512  # RFC 5321 §4.5.3.1.5, CRLF included
REPLY_LINES = 100
TEXT_CHARACTERS = 500  # of a reply, as kept in errors and receipts
KNOWN_LINES = 256

_ENHANCED = re.compile(r"([245])\.\d{1,3}\.\d{1,3}(?= |\Z)")
_WHOLE_REPLY = re.compile(rb"([2-5][0-9]{2})(?: ([^\r\n]*))?")
_REPLY_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One complete reply; `lines` are its texts without the code, control characters made visible."""

    code: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The reply on one line, code first: `550 5.1.1 no such user`."""
        text = f"{self.code} {' '.join(line for line in self.lines if line)}".rstrip(" ")
        return text if len(text) <= TEXT_CHARACTERS else text[: TEXT_CHARACTERS - 1] + "…"

    @property
    def enhanced(self) -> str:
        """The enhanced status code (RFC 2034, RFC 3463), or "": `5.7.1` is policy, `5.1.1` an address.

        Whether ENHANCEDSTATUSCODES was offered makes no difference: large hosts send the codes unannounced,
        and nothing else that begins a line of text looks like one of the reply's own class.
        """
        match = _ENHANCED.match(self.lines[0])
        return match[0] if match and match[1] == str(self.code)[0] else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Garbled:
    """What came is not SMTP; nothing that follows on this connection can be believed."""

    reason: str


class Replies:
    """An incremental reader of replies: bytes in, events out; how the bytes are cut makes no difference."""

    def __init__(self) -> None:
        self._buffer = b""
        self._code = 0
        self._lines: list[str] = []
        self._garbled = False
        # A server says the same few lines for message after message.
        self._known: dict[bytes, Reply] = {}

    @property
    def waiting(self) -> bool:
        """True while a reply has begun and is not complete."""
        return bool(self._buffer or self._lines)

    @property
    def begun(self) -> str:
        """What there is of the reply that is not complete."""
        known = "".join(f"{self._code}-{line} " for line in self._lines)
        return (known + _visible(self._buffer))[:TEXT_CHARACTERS]

    def feed(self, data: bytes) -> list[Reply | Garbled]:
        """The replies that `data` completes; after a `Garbled`, which is the last event, nothing."""
        if self._buffer or self._lines or self._garbled or not data.endswith(b"\r\n"):
            return self._read(data)
        events: list[Reply | Garbled] = []
        known = self._known
        for line in data[:-2].split(b"\r\n"):
            reply = known.get(line) or self._learn(line)
            if reply is None:
                return self._read(data)
            events.append(reply)
        return events

    def _learn(self, line: bytes) -> Reply | None:
        """The reply that a line without its CRLF is, None if it takes a closer look to tell."""
        match = _WHOLE_REPLY.fullmatch(line)
        if not match or len(line) > LINE_OCTETS - 2:
            return None
        if len(self._known) == KNOWN_LINES:  # of which most are receipts, no two alike
            self._known.clear()
        reply = self._known[line] = Reply(code=int(match[1]), lines=(_visible(match[2] or b""),))
        return reply

    def _read(self, data: bytes) -> list[Reply | Garbled]:
        events: list[Reply | Garbled] = []
        buffer = self._buffer + data
        start = 0
        while not self._garbled:
            newline = buffer.find(b"\n", start, start + LINE_OCTETS)
            if newline < 0 and len(buffer) - start < LINE_OCTETS:
                self._buffer = buffer[start:]
                return events
            line = buffer[start : newline + 1]
            start = newline + 1
            event = self._line(line) if newline >= 0 else Garbled(reason="a line of over 512 octets")
            if event is not None:
                events.append(event)
                self._garbled = isinstance(event, Garbled)
        self._buffer = b""
        self._lines.clear()
        return events

    def _line(self, line: bytes) -> Reply | Garbled | None:
        content = line.removesuffix(b"\r\n")
        match = _REPLY_LINE.fullmatch(content)
        if len(content) == len(line) or b"\r" in content or not match:
            return Garbled(reason=f"not a reply: {_visible(line)[:80]!r}")
        code = int(match[1])
        if self._lines and code != self._code:
            return Garbled(reason=f"a reply with two codes, {self._code} and {code}")
        if len(self._lines) == REPLY_LINES:
            return Garbled(reason=f"a reply of over {REPLY_LINES} lines")
        text = _visible(match[3] or b"")
        if match[2] == b"-":
            self._code = code
            self._lines.append(text)
            return None
        reply = Reply(code=code, lines=(*self._lines, text))
        self._lines.clear()
        return reply


def _visible(data: bytes) -> str:
    text = data.decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
