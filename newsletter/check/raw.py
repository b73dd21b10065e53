"""A mail's raw bytes taken apart: header fields as they stand, and the MIME parts that boundaries cut.

Nothing is mended or guessed, as Python's mail parser does: what a strict receiver would stumble over is to
be seen.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

_NAME = re.compile(rb"[!-9;-~]+")  # RFC 5322 §2.2
_PARAMETER = re.compile(r';[ \t]*([A-Za-z0-9-]+)=(?:"([^"\\]*)"|([^\s;"]+))')


@dataclass(frozen=True, slots=True)
class Field:
    """One header field; `raw` is all of it, folds included, without the line end, and `name` is lower case.

    `name` is "" for a line that is no field.
    """

    name: str
    raw: bytes

    @property
    def value(self) -> str:
        """The value on one line: folds are taken out, as RFC 5322 §2.2.3 has it."""
        text = self.raw.partition(b":")[2] if self.name else self.raw
        return text.replace(b"\r\n", b"").decode("ascii", "replace").strip(" \t")


@dataclass(frozen=True)
class Entity:
    """A header and what it is the header of: the mail itself, or one of its parts (RFC 2045 §2.4)."""

    raw: bytes

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        head = self.raw if self._end < 0 else self.raw[: self._end]
        return tuple(_field(raw) for raw in re.split(rb"\r\n(?![ \t])", head) if raw)

    @cached_property
    def body(self) -> bytes:
        return b"" if self._end < 0 else self.raw[self._end + 4 :]

    @cached_property
    def _end(self) -> int:
        return self.raw.find(b"\r\n\r\n")

    def values(self, name: str) -> list[str]:
        """The values of all fields of that name, which is lower case."""
        return [field.value for field in self.fields if field.name == name]

    @cached_property
    def kind(self) -> str:
        """The media type in lower case; without a Content-Type it is text/plain (RFC 2045 §5.2)."""
        return next(iter(self.values("content-type")), "text/plain").partition(";")[0].strip(" \t").lower()

    @cached_property
    def parameters(self) -> dict[str, str]:
        """The parameters of the Content-Type."""
        value = next(iter(self.values("content-type")), "")
        return {name.lower(): quoted or bare for name, quoted, bare in _PARAMETER.findall(value)}

    @cached_property
    def parts(self) -> "tuple[Entity, ...]":
        """The parts of a multipart; none if the boundary that closes the last one is not there."""
        boundary = self.parameters.get("boundary", "")
        if not self.kind.startswith("multipart/") or not boundary:
            return ()
        delimiter = re.escape(b"--" + boundary.encode())
        lines = re.split(rb"(?:\A|\r\n)" + delimiter + rb"(--)?[ \t]*(?=\r\n|\Z)", self.body)
        ends = lines[1::2]
        if not ends or ends[-1] is None or any(ends[:-1]):
            return ()
        return tuple(Entity(raw.removeprefix(b"\r\n")) for raw in lines[2:-1:2])

    def walk(self) -> "Iterator[Entity]":
        """This one and all parts inside."""
        yield self
        for part in self.parts:
            yield from part.walk()

    @cached_property
    def content(self) -> bytes:
        """The body decoded; raises ValueError if it is not in the encoding that it claims."""
        encoding = next(iter(self.values("content-transfer-encoding")), "7bit").lower()
        if encoding == "quoted-printable":
            return binascii.a2b_qp(self.body)
        if encoding == "base64":
            return base64.b64decode(self.body.replace(b"\r\n", b""), validate=True)
        if encoding in ("7bit", "8bit", "binary"):
            return self.body
        raise ValueError(f"unknown encoding {encoding!r}")


def _field(raw: bytes) -> Field:
    name = raw.partition(b":")[0]
    named = b":" in raw and _NAME.fullmatch(name)
    return Field(name.decode("ascii").lower() if named else "", raw)


@lru_cache(maxsize=2)
def mail_of(message: bytes) -> Entity:
    """A mail taken apart; kept, since each rule asks for the same one."""
    return Entity(message)
