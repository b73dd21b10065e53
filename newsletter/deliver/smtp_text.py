"""A message's segments -> the text that may follow DATA (RFC 5321 §4.5.2): no line in it ends it early."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from newsletter.model import Message


class Text(NamedTuple):  # made for each message, in half a dataclass's time
    """A text as it travels: `pieces` joined are all of it, the last CRLF included, the dot on a line not.

    `octets` is what SIZE asks for, which does not count the doubled dots (RFC 1870 §3).
    """

    pieces: tuple[bytes, ...]
    octets: int
    ascii_only: bool


def text_of(message: Message) -> Text:
    """The text of a message, its last line ended if it was not."""
    segments = message.segments
    if message.plain:
        return Text(segments, sum(map(len, segments)), True)
    joined = message.content
    octets = len(joined) + (2 if joined and not joined.endswith(b"\r\n") else 0)
    return Text(tuple(stuffed(segments)), octets, joined.isascii())


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
