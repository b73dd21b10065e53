"""SMTP under TLS: no password and no mail to anyone but the server we mean (delivery.md §4, F9)."""

import base64
import ssl
from collections.abc import Iterator
from dataclasses import replace

import pytest

from newsletter.deliver.backends.session import Server, Session
from newsletter.deliver.backends.smtp import SmtpBackend
from newsletter.deliver.smtp_replies import Reply
from newsletter.errors import Unavailable
from tests.deliver.contract import BackendContract, Carrier
from tests.deliver.scripted_server import (
    Act,
    Papers,
    ScriptedServer,
    both,
    drop,
    hang,
    make_papers,
    reset,
    say,
    wait,
)
from tests.deliver.test_smtp import deadlines

PASSWORD = "sésame, ouvre-toi"
TOKEN = base64.b64encode(f"\0paper\0{PASSWORD}".encode())


@pytest.fixture(scope="module")
def papers() -> Papers:
    return make_papers()


def settings(server: ScriptedServer, papers: Papers) -> Server:
    return Server(
        host="127.0.0.1",
        port=server.port,
        security="tls" if server.implicit_tls else "starttls",
        username="paper",
        password=PASSWORD,
        ssl_context=papers.trust,
        deadlines=deadlines(5),
    )


def refusal(server: ScriptedServer, papers: Papers) -> Unavailable:
    """What `open` raises; whatever the server did, no AUTH and no secret went to it in clear."""
    with pytest.raises(Unavailable) as raised:
        SmtpBackend(settings(server, papers)).open()
    for visit in server.visits:
        visit.join(2)
        said = visit.in_clear + b"\n".join(visit.lines)
        assert b"AUTH" not in said
        assert TOKEN not in said
    return raised.value


class TestSmtpUnderTls(BackendContract):
    @pytest.fixture(params=["starttls", "tls"])
    def carrier(self, papers: Papers, request: pytest.FixtureRequest) -> Iterator[Carrier]:
        with ScriptedServer(tls=papers.right, implicit_tls=request.param == "tls") as server:
            backend = SmtpBackend(settings(server, papers))
            yield Carrier(backend=backend, arrived=lambda: list(server.texts))


def test_after_starttls_we_introduce_ourselves_again_and_log_in(papers: Papers) -> None:
    with ScriptedServer(tls=papers.right) as server:
        backend = SmtpBackend(settings(server, papers))
        backend.open()
        backend.close()
        [visit] = server.visits
        ehlo = visit.lines[0]
        assert visit.lines == [ehlo, b"STARTTLS", ehlo, b"AUTH PLAIN " + TOKEN, b"QUIT"]
        assert visit.in_clear == ehlo + b"\r\nSTARTTLS\r\n"


@pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "tls"])
def test_a_session_under_tls_says_how_it_is_secured_and_can_be_handed_over(
    papers: Papers, implicit: bool
) -> None:
    with ScriptedServer(tls=papers.right, implicit_tls=implicit) as server:
        session = Session(settings(server, papers))
        assert session.tls == "TLSv1.3 TLS_AES_256_GCM_SHA384"
        connected, replies = session.detach()
        with connected:
            assert isinstance(connected, ssl.SSLSocket)
            assert not connected.getblocking()
            connected.settimeout(5)
            connected.sendall(b"RSET\r\n")
            assert replies.feed(connected.recv(100)) == [Reply(code=250, lines=("2.0.0 ok",))]


def test_a_server_that_only_knows_login_gets_login(papers: Papers) -> None:
    with ScriptedServer(tls=papers.right, offers=[b"AUTH LOGIN"]) as server:
        backend = SmtpBackend(settings(server, papers))
        backend.open()
        backend.close()
        name, password = base64.b64encode(b"paper"), base64.b64encode(PASSWORD.encode())
        assert server.visits[0].lines[3:] == [b"AUTH LOGIN", name, password, b"QUIT"]


@pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "tls"])
@pytest.mark.parametrize(
    ("paper", "reason"),
    [
        ("wrong_host", "IP address mismatch"),
        ("expired", "certificate has expired"),
        ("stranger", "unable to get local issuer certificate"),
    ],
)
def test_f9_a_certificate_that_does_not_hold_is_refused(
    papers: Papers, implicit: bool, paper: str, reason: str
) -> None:
    with ScriptedServer(tls=getattr(papers, paper), implicit_tls=implicit) as server:
        error = refusal(server, papers)
        assert error.phase == "TLS"
        assert reason in str(error)
        assert not error.passing
        assert "the server's certificate" in error.hint


def test_f9_by_default_only_the_systems_authorities_are_trusted(papers: Papers) -> None:
    refused = pytest.raises(Unavailable, match="the certificate does not hold")
    with ScriptedServer(tls=papers.right) as server, refused:
        SmtpBackend(replace(settings(server, papers), ssl_context=None)).open()


def test_f9_tls_is_at_least_1_2(papers: Papers) -> None:
    papers.trust.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with ScriptedServer(tls=papers.right) as server:
        backend = SmtpBackend(settings(server, papers))
        backend.open()
        backend.close()
    assert papers.trust.minimum_version == ssl.TLSVersion.TLSv1_2


def test_f9_starttls_stripped_from_the_offer_is_refused(papers: Papers) -> None:
    with ScriptedServer() as server:
        error = refusal(server, papers)
        assert (error.phase, error.message) == ("STARTTLS", "the server does not offer STARTTLS")


@pytest.mark.parametrize("answer", [b"454 4.7.0 not now\r\n", b"502 what\r\n", b"250 sure\r\n"])
def test_f9_starttls_declined_is_refused(papers: Papers, answer: bytes) -> None:
    with ScriptedServer({"STARTTLS": say(answer)}, tls=papers.right) as server:
        error = refusal(server, papers)
        assert (error.phase, error.code) == ("STARTTLS", int(answer[:3]))


@pytest.mark.parametrize(
    "injected",
    [
        say(b"220 go ahead\r\n250-evil\r\n250 AUTH PLAIN\r\n"),
        say(b"220 go ahead\r\n2"),
        both(say(b"220 go ahead\r\n"), say(b"250 AUTH PLAIN\r\n"), drop),
    ],
    ids=["replies", "a byte", "a second packet"],
)
def test_f9_what_is_injected_in_clear_after_the_220_is_refused(papers: Papers, injected: Act) -> None:
    with ScriptedServer({"STARTTLS": injected}, tls=papers.right) as server:
        assert refusal(server, papers).phase in ("STARTTLS", "TLS")


def test_f9_a_server_that_speaks_no_tls_at_all_is_refused(papers: Papers) -> None:
    with ScriptedServer() as server:
        wanted = replace(settings(server, papers), security="tls")
        with pytest.raises(Unavailable, match="no TLS") as raised:
            SmtpBackend(wanted).open()
        assert raised.value.hint.endswith("and that security suits the port")
        assert not raised.value.passing


@pytest.mark.parametrize("fault", [hang, drop, reset], ids=["silence", "FIN", "RST"])
def test_f9_a_server_that_is_gone_during_the_handshake_may_be_back_soon(papers: Papers, fault: Act) -> None:
    with ScriptedServer({"greeting": both(wait(0.1), fault)}) as server:
        wanted = replace(settings(server, papers), security="tls", deadlines=deadlines(0.5))
        with pytest.raises(Unavailable, match="no TLS") as raised:
            SmtpBackend(wanted).open()
        assert (raised.value.phase, raised.value.passing) == ("TLS", True)


def test_no_password_is_sent_without_tls_but_to_this_machine(papers: Papers) -> None:
    for host, goes in (("127.0.0.1", True), ("127.1", False)):  # the same, but only one of them says so
        with ScriptedServer() as server:
            backend = SmtpBackend(replace(settings(server, papers), host=host, security="plain"))
            if goes:
                backend.open()
                backend.close()
            else:
                with pytest.raises(Unavailable, match="no password is sent without TLS"):
                    backend.open()
            assert (b"AUTH PLAIN " + TOKEN in server.visits[0].lines) is goes


@pytest.mark.parametrize(
    "answer",
    [
        b"535 5.7.8 no such thing as AUTH PLAIN " + TOKEN + b"\r\n",
        b"535-5.7.8 no\r\n535 " + PASSWORD.encode() + b"\r\n",
        b"454 4.7.0 " + base64.b64encode(PASSWORD.encode()) + b"\r\n",
        b"AUTH PLAIN " + TOKEN + b" what\r\n",
        b"535 " + b"x" * 470 + TOKEN + b"\r\n",
    ],
)
def test_a_password_that_the_server_says_back_gets_into_no_error(papers: Papers, answer: bytes) -> None:
    echo = ScriptedServer({"AUTH": say(answer)}, tls=papers.right)
    with echo as server, pytest.raises(Unavailable) as raised:
        SmtpBackend(settings(server, papers)).open()
    error = raised.value
    told = f"{error!r} {error} {error.hint} {error.reply} {error.__cause__} {error.__dict__}"
    assert TOKEN[:8].decode() not in told
    assert PASSWORD[:4] not in told
    assert base64.b64encode(PASSWORD.encode())[:8].decode() not in told
    assert error.hint == "check username in [backends.smtp], and NEWSLETTER_SMTP_PASSWORD or the token"


def test_a_wrong_password_is_told_in_the_servers_words(papers: Papers) -> None:
    with ScriptedServer({"AUTH": say(b"535 5.7.8 wrong password\r\n")}, tls=papers.right) as server:
        with pytest.raises(Unavailable) as raised:
            SmtpBackend(settings(server, papers)).open()
        assert str(raised.value) == (f"127.0.0.1:{server.port}: answer to AUTH: '535 5.7.8 wrong password'")


def test_the_settings_do_not_show_their_password(papers: Papers) -> None:
    with ScriptedServer() as server:
        assert PASSWORD not in repr(settings(server, papers))
