"""Logging in, line by line: the examples of the standards, and secrets that stay secret."""

from base64 import b64decode, b64encode

import pytest

from newsletter.deliver.smtp_auth import Exchange, is_token, password_exchange, token_exchange


def lines(exchange: Exchange | None) -> tuple[bytes, ...]:
    assert exchange is not None
    return exchange.lines


def test_plain_is_preferred_to_login_and_cram_md5_is_not_known() -> None:
    offered = ("CRAM-MD5", "LOGIN", "PLAIN")
    assert lines(password_exchange(offered, "paper", "sésame")) == (
        b"AUTH PLAIN " + b64encode("\0paper\0sésame".encode()),
    )
    assert lines(password_exchange(("CRAM-MD5", "LOGIN"), "paper", "sésame")) == (
        b"AUTH LOGIN",
        b64encode(b"paper"),
        b64encode("sésame".encode()),
    )
    assert password_exchange(("CRAM-MD5", "XOAUTH2"), "paper", "sésame") is None


def test_oauthbearer_is_said_as_in_rfc_7628() -> None:
    exchange = token_exchange(
        ("XOAUTH2", "OAUTHBEARER"),
        "user@example.com",
        "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==",
        host="server.example.com",
        port=587,
    )
    [line] = lines(exchange)
    assert line == (
        b"AUTH OAUTHBEARER "
        b"bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9NTg3AWF1dGg9"
        b"QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB"
    )
    assert exchange
    assert exchange.surrender == b"AQ=="


def test_a_name_with_commas_and_equals_signs_is_escaped_in_oauthbearer() -> None:
    [line] = lines(token_exchange(("OAUTHBEARER",), "a,b=c", "t", host="h", port=1))
    assert b64decode(line.split(b" ")[2]) == b"n,a=a=2Cb=3Dc,\1host=h\1port=1\1auth=Bearer t\1\1"


def test_xoauth2_is_said_as_google_and_microsoft_have_it() -> None:
    exchange = token_exchange(
        ("XOAUTH2", "LOGIN"),
        "someuser@example.com",
        "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg",
        host="h",
        port=1,
    )
    [line] = lines(exchange)
    assert line == (
        b"AUTH XOAUTH2 "
        b"dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNS"
        b"bGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ=="
    )
    assert exchange
    assert exchange.surrender == b""
    assert token_exchange(("PLAIN", "LOGIN"), "u", "t", host="h", port=1) is None


def test_a_response_that_is_too_long_for_its_command_waits_for_the_challenge() -> None:
    short = lines(token_exchange(("XOAUTH2",), "u", "t" * 350, host="h", port=1))
    long = lines(token_exchange(("XOAUTH2",), "u", "t" * 3000, host="h", port=1))
    assert [len(line) + 2 <= 512 for line in short] == [True]
    assert long[0] == b"AUTH XOAUTH2"
    assert b64decode(long[1]) == b"user=u\1auth=Bearer " + b"t" * 3000 + b"\1\1"


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("ya29.a0Af_-~+/x", True),
        ("eyJhbGciOi.J9.x==", True),
        ("", False),
        ("two words", False),
        ("line\nline", False),
        ('{"error": "invalid_grant"}', False),
        ("t\1auth=Bearer other", False),
        ("tökén", False),
    ],
)
def test_what_can_be_a_token(text: str, there: bool) -> None:
    assert is_token(text) is there


def test_no_part_of_a_secret_is_told_and_none_is_shown() -> None:
    token = "".join(chr(65 + n % 26) + str(n) for n in range(400))
    exchange = token_exchange(("XOAUTH2",), "paper", token, host="h", port=1)
    assert exchange
    [_, response] = exchange.lines
    assert exchange.are_told_in(f"535 what is {token[500:520]} to mean")
    assert exchange.are_told_in(f"535 what is {response[100:130].decode()} to mean")
    assert not exchange.are_told_in(
        "535 5.7.8 Username and Password not accepted. Learn more at https://x.example"
    )
    assert token[:12] not in repr(exchange)
    assert response[-40:].decode() not in repr(exchange)


def test_a_short_password_is_a_secret_too() -> None:
    exchange = password_exchange(("PLAIN",), "paper", "hunter2")
    assert exchange
    assert exchange.are_told_in("535 no such thing as hunter2")
    assert not exchange.are_told_in("535 no such thing as hunter")
