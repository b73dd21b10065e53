"""The bodies of requests: of two kinds, never large, never believed to be more than they are."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request

from newsletter.web.live.forms import Form, from_our_page, read_form

URLENCODED = "application/x-www-form-urlencoded"


def read(body: bytes, kind: str = URLENCODED) -> Form:
    scope = {"type": "http", "method": "POST", "headers": [(b"content-type", kind.encode("latin-1"))]}

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return asyncio.run(read_form(Request(scope, receive)))


def test_fields_are_read_and_of_two_the_first_counts() -> None:
    form = read(b"email=l%C3%A9a%40example.org&email=b&empty=&website")
    assert dict(form.fields) == {"email": "léa@example.org", "empty": "", "website": ""}
    assert form["nothing"] == ""


def test_a_multipart_body_is_read_as_well() -> None:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="do"\r\n\r\nleave\r\n'
        b'--x\r\nContent-Disposition: form-data; name="word"\r\n\r\nd\xc3\xa9j\xc3\xa0\r\n--x--\r\n'
    )
    assert dict(read(body, "multipart/form-data; boundary=x").fields) == {"do": "leave", "word": "déjà"}


@pytest.mark.parametrize(
    "body",
    [b"", b"\0\0\0", b"\xff\xfe\xfd", b"--x--", b"=&=&&", b"--x\r\n\r\n--x--", b"{}" * 100],
)
@pytest.mark.parametrize(
    "kind", [URLENCODED, "multipart/form-data", "multipart/form-data; boundary=x", "text/plain", "", "é\xff"]
)
def test_no_body_is_a_fault_of_ours(body: bytes, kind: str) -> None:
    assert read(body, kind).one_click is False


def test_a_body_that_is_too_large_or_has_too_many_fields_is_refused() -> None:
    assert read(b"x" * 16_384)
    for body, status in ((b"x" * 16_385, 413), (b"a=b&" * 31, 422)):
        with pytest.raises(HTTPException) as caught:
            read(body)
        assert caught.value.status_code == status


@pytest.mark.parametrize(
    ("said", "ours", "unnamed"),
    [
        ({}, True, True),
        ({"origin": "https://a.example"}, True, True),
        ({"origin": "https://b.example"}, False, False),
        ({"origin": "null"}, False, True),
        ({"sec-fetch-site": "same-origin", "origin": "null"}, True, True),
        ({"sec-fetch-site": "none"}, True, True),
        ({"sec-fetch-site": "same-site", "origin": "https://a.example"}, False, False),
        ({"sec-fetch-site": "cross-site"}, False, False),
    ],
)
def test_where_a_form_comes_from(said: dict[str, str], ours: bool, unnamed: bool) -> None:
    assert from_our_page(Headers(said), {"https://a.example"}) is ours
    assert from_our_page(Headers(said), {"https://a.example"}, unnamed=True) is unnamed
