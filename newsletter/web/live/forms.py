"""The body of a request -> the fields of its form, and whether it came from a page of ours."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request

LARGEST = 16 * 1024
"""Bytes of a form."""

FIELDS = 30

SLOWEST = 20.0
"""Seconds that a body may take to arrive."""

_ONE_CLICK = ("List-Unsubscribe", "One-Click")


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What was typed and pressed; of a field that comes twice, the first."""

    fields: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        """A field, "" if there is none."""
        return self.fields.get(name, "")

    @property
    def one_click(self) -> bool:
        """Whether a mail program says, for its reader, that they leave (RFC 8058 §3.2)."""
        return list(self.fields.items()) == [_ONE_CLICK]


async def read_body(request: Request, most: int = LARGEST) -> bytes:
    """The body, of at most so many bytes; raises HTTPException: 413 for more, 408 if it does not come."""
    body = bytearray()
    try:
        async with asyncio.timeout(SLOWEST):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most:
                    raise HTTPException(413)
    except TimeoutError as error:
        raise HTTPException(408) from error
    return bytes(body)


async def read_form(request: Request) -> Form:
    """The form in a body of either kind that browsers and mail programs send."""
    kind = request.headers.get("content-type", "")
    body = await read_body(request)
    pairs = _parts(kind, body) if kind.lower().startswith("multipart/form-data") else _pairs(body)
    fields: dict[str, str] = {}
    for name, value in pairs:
        fields.setdefault(name, value)
    return Form(fields=fields)


def _pairs(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            body.decode("utf-8", errors="replace").rstrip("\r\n"),
            keep_blank_values=True,
            max_num_fields=FIELDS,
        )
    except ValueError as error:
        raise HTTPException(422) from error


def _parts(kind: str, body: bytes) -> list[tuple[str, str]]:
    """The fields of a multipart body (RFC 7578), which is built like a mail's."""
    head = b"Content-Type: " + kind.encode("latin-1", errors="replace") + b"\r\n\r\n"
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    pairs = []
    for part in list(message.iter_parts())[:FIELDS]:
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(payload, bytes):
            pairs.append((name, payload.decode("utf-8", errors="replace").rstrip("\r\n")))
    return pairs


def from_our_page(headers: Headers, origins: Collection[str], *, unnamed: bool = False) -> bool:
    """Whether a form was sent from a page of ours, as far as the browser says; one that says nothing may be.

    `unnamed` lets pass an origin of "null": a browser without Sec-Fetch-Site says so of a page that asks not
    to be named (Fetch standard, "append a request `Origin` header").
    """
    if site := headers.get("sec-fetch-site"):
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is None or origin in origins or (unnamed and origin == "null")
