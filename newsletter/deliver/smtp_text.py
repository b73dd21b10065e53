"""A message's segments -> the text that may follow DATA (RFC 5321 §4.5.2): no line in it ends it early."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

LONG = 1024  # octets; what is shorter is looked through as fast as it is looked up
KNOWN_OCTETS = 4 * 1024 * 1024


class Text(NamedTuple):  # made for each message, in half a dataclass's time
    """A text as it travels: `pieces` joined are all of it, the last CRLF included, the dot on a line not.

    `octets` is what SIZE asks for, which does not count the doubled dots (RFC 1870 §3).
    """

    pieces: tuple[bytes, ...]
    octets: int
    ascii_only: bool


class Transparent:
    """Makes texts transparent, and remembers the long segments that come again in message after message."""

    def __init__(self) -> None:
        # Bytes keep their hash, so that a segment met before is found without being read again.
        self._easy: set[bytes] = set()
        self._octets = 0

    def text(self, segments: tuple[bytes, ...]) -> Text:
        """The text of one message, its last line ended if it was not.

        A dot is at the head of a line if CRLF comes before it. Where that is not all in the same segment, it
        begins with the dot, or with LF and the dot: so a segment can stay as it is, whatever stands before
        it, if no LF and dot are to be seen in it with a LF put in front.
        """
        new = {*segments} - self._easy
        seen = b"\n".join((b"", *new))
        if b"\n." not in seen and seen.isascii():
            if len(seen) >= LONG:
                self._remember([segment for segment in new if len(segment) >= LONG])
            if segments and segments[-1].endswith(b"\r\n"):
                return Text(segments, sum(map(len, segments)), True)
        joined = b"".join(segments)
        octets = len(joined) + (2 if joined and not joined.endswith(b"\r\n") else 0)
        return Text(tuple(stuffed(segments)), octets, joined.isascii())

    def _remember(self, long: list[bytes]) -> None:
        self._octets += sum(map(len, long))
        if self._octets <= KNOWN_OCTETS:
            self._easy.update(long)
        else:
            self._easy.clear()
            self._octets = 0


def stuffed(segments: Iterable[bytes]) -> Iterator[bytes]:
    """The segments of a text made transparent (RFC 5321 §4.5.2): a line's first dot is doubled.

    A line may begin anywhere, even between two segments. The text ends with CRLF, so that the final dot
    stands on a line of its own.
    """
    before = b"\r\n"
    for segment in segments:
        if b"\r\n." in segment or b"\r\n." in before + segment[:2]:
            yield (before + segment).replace(b"\r\n.", b"\r\n..")[len(before) :]
        else:
            yield segment
        before = (before + segment)[-2:] if len(segment) < 2 else segment[-2:]
    if before != b"\r\n":
        yield b"\r\n"
