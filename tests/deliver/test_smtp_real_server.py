"""SMTP to a server that somebody else wrote (aiosmtpd), under TLS and with a login."""

import socket
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from newsletter.deliver.backends.session import Server
from newsletter.deliver.backends.smtp import SmtpBackend
from newsletter.errors import Unavailable
from tests.deliver.contract import Commits, a_message
from tests.deliver.scripted_server import Papers, make_papers
from tests.deliver.test_smtp import deadlines

PASSWORD = "sésame, ouvre-toi"


@pytest.fixture(scope="module")
def papers() -> Papers:
    return make_papers()


class Mailbox:
    """What a real server (aiosmtpd) was given."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, list[str], bytes]] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's
        self.mails.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return "250 2.6.0 taken"

    async def auth_XOAUTH2(self, server: Any, args: list[str]) -> AuthResult:  # noqa: N802 - aiosmtpd's
        if b64decode(args[1]) == b"user=paper\1auth=Bearer right\1\1":
            return AuthResult(success=True)
        note = await server.challenge_auth(b'{"status":"400"}')
        assert note == b""
        return AuthResult(success=False, handled=False)


@contextmanager
def real_server(papers: Papers, *, implicit: bool, mechanism: str) -> Iterator[tuple[Server, Mailbox]]:
    """aiosmtpd on loopback that wants TLS and a login."""

    def check(_server: Any, _session: Any, _envelope: Any, _mechanism: Any, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        return AuthResult(success=data == LoginPassword(b"paper", PASSWORD.encode()), handled=False)

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    mailbox = Mailbox()
    controller = Controller(
        mailbox,
        hostname="127.0.0.1",
        port=port,
        ssl_context=papers.right if implicit else None,
        tls_context=None if implicit else papers.right,
        require_starttls=not implicit,
        authenticator=check,
        auth_required=not implicit,
        auth_require_tls=not implicit,  # implicit TLS is none in its eyes
        auth_exclude_mechanism={"PLAIN", "LOGIN", "XOAUTH2"} - {mechanism},
        enable_SMTPUTF8=True,
    )
    controller.start()
    try:
        yield (
            Server(
                host="127.0.0.1",
                port=port,
                security="tls" if implicit else "starttls",
                username="paper",
                password=PASSWORD,
                ssl_context=papers.trust,
                deadlines=deadlines(5),
            ),
            mailbox,
        )
    finally:
        controller.stop()


@pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "tls"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_a_real_server_gets_every_byte(papers: Papers, implicit: bool, mechanism: str) -> None:
    with real_server(papers, implicit=implicit, mechanism=mechanism) as (server, mailbox):
        backend = SmtpBackend(server)
        backend.open()
        long = a_message("long@example.com", number=3, body=(b"." + b"x" * 70 + b"\r\n",) * 20_000)
        receipts = [
            backend.send(message, Commits())
            for message in (a_message("zoe@example.com"), a_message("zoé@actualité.fr", number=2), long)
        ]
        backend.close()
        assert receipts == ["250 2.6.0 taken"] * 3
        assert [(sender, to) for sender, to, _ in mailbox.mails] == [
            ("bonjour@press.example.org", ["zoe@example.com"]),
            ("bonjour@press.example.org", ["zoé@xn--actualit-i1a.fr"]),
            ("bonjour@press.example.org", ["long@example.com"]),
        ]
        assert [content for *_, content in mailbox.mails] == [
            a_message("zoe@example.com").content,
            a_message("zoé@actualité.fr", number=2).content,
            long.content,
        ]


def test_a_real_server_turns_a_wrong_password_away(papers: Papers) -> None:
    with real_server(papers, implicit=False, mechanism="PLAIN") as (server, mailbox):
        with pytest.raises(Unavailable) as raised:
            SmtpBackend(replace(server, password="wrong")).open()
        assert (raised.value.phase, raised.value.code, mailbox.mails) == ("AUTH", 535, [])


def test_a_real_server_is_given_a_second_token_where_it_declined_the_first(papers: Papers) -> None:
    with real_server(papers, implicit=False, mechanism="XOAUTH2") as (server, mailbox):
        given = iter(["wrong", "right"])
        backend = SmtpBackend(replace(server, password="", token=lambda: next(given)))
        backend.open()
        backend.send(a_message("zoe@example.com"), Commits())
        backend.close()
        assert len(mailbox.mails) == 1
