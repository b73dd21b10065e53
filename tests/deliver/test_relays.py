"""Relays to fall back on: which trouble makes us go on to the next, and which never does (F30)."""

import pytest

from newsletter.deliver.backends.relays import Relays
from newsletter.deliver.backends.session import Server
from newsletter.deliver.backends.smtp import SmtpBackend
from newsletter.errors import Blocked, InDoubt, Refused, Unavailable
from tests.deliver.contract import Commits, a_message
from tests.deliver.scripted_server import Act, Papers, ScriptedServer, always, drop, hang, make_papers, say
from tests.deliver.test_smtp import SECONDS, deadlines

FIRST, NEXT = a_message(number=1), a_message("yan@example.com", number=2)


def server(scripted: ScriptedServer, seconds: float = 5) -> Server:
    return Server(host="127.0.0.1", port=scripted.port, security="plain", deadlines=deadlines(seconds))


@pytest.fixture(scope="module")
def papers() -> Papers:
    return make_papers()


@pytest.mark.parametrize(
    ("step", "fault"),
    [
        ("greeting", say(b"421 4.3.2 later\r\n")),
        ("greeting", say(b"554 5.7.1 not you\r\n")),
        ("greeting", drop),
        ("greeting", hang),
        ("greeting", say(b"garbage\r\n")),
        ("EHLO", say(b"421 4.3.2 later\r\n")),
        ("EHLO", hang),
    ],
)
def test_a_relay_that_does_not_want_us_is_skipped(step: str, fault: Act) -> None:
    with ScriptedServer({step: always(fault)}) as bad, ScriptedServer() as good:
        backend = SmtpBackend(server(bad, SECONDS), server(good))
        backend.open()
        backend.send(FIRST, Commits())
        backend.close()
        assert (bad.texts, good.texts) == ([], [FIRST.content])


def test_a_relay_where_nobody_is_at_home_is_skipped() -> None:
    with ScriptedServer() as closed:
        pass
    with ScriptedServer() as good:
        session = Relays((server(closed), server(good))).open()
        session.leave()
        assert session.host == f"127.0.0.1:{good.port}"


def test_a_relay_that_could_not_be_used_is_tried_last_for_a_minute() -> None:
    now = [100.0]
    with ScriptedServer({"greeting": say(b"421 later\r\n")}) as first, ScriptedServer() as second:
        relays = Relays((server(first), server(second)), clock=lambda: now[0])
        hosts = []
        for seconds in (0, 59, 1):
            now[0] += seconds
            session = relays.open()
            hosts.append(session.host)
            session.leave()
        assert hosts == [f"127.0.0.1:{second.port}", f"127.0.0.1:{second.port}", f"127.0.0.1:{first.port}"]


def test_where_no_relay_can_be_used_each_is_named_and_the_longest_wait_counts() -> None:
    with (
        ScriptedServer({"greeting": say(b"421 4.7.28 slow down\r\n")}) as one,
        ScriptedServer({"greeting": say(b"554 not you\r\n")}) as two,
    ):
        with pytest.raises(Unavailable) as raised:
            Relays((server(one), server(two))).open()
        assert raised.value.message == (
            f"no relay can be used: 127.0.0.1:{one.port}: answer to greeting: '421 4.7.28 slow down'; "
            f"127.0.0.1:{two.port}: answer to greeting: '554 not you'"
        )
        assert (raised.value.passing, raised.value.wait) == (True, 600)


@pytest.mark.parametrize(
    "answer", [b"535 5.7.8 wrong password\r\n", b"534 5.7.9 too weak\r\n", b"530 5.7.0 STARTTLS first\r\n"]
)
def test_a_login_that_is_declined_is_not_tried_elsewhere(answer: bytes) -> None:
    with ScriptedServer({"AUTH": say(answer)}) as first, ScriptedServer() as second:
        servers = [
            Server(host="127.0.0.1", port=at.port, security="plain", username="u", password="long password")
            for at in (first, second)
        ]
        with pytest.raises(Unavailable) as raised:
            SmtpBackend(*servers).open()
        assert (raised.value.passing, raised.value.code) == (False, int(answer[:3]))
        assert second.visits == []


def test_a_login_that_cannot_be_checked_just_now_is_tried_elsewhere() -> None:
    with ScriptedServer({"AUTH": say(b"454 4.7.0 later\r\n")}) as first, ScriptedServer() as second:
        servers = [
            Server(host="127.0.0.1", port=at.port, security="plain", username="u", password="long password")
            for at in (first, second)
        ]
        session = Relays(servers).open()
        session.leave()
        assert session.host == f"127.0.0.1:{second.port}"


@pytest.mark.parametrize("paper", ["wrong_host", "expired", "stranger"])
def test_f9_a_certificate_that_does_not_hold_is_no_reason_to_go_elsewhere(papers: Papers, paper: str) -> None:
    with ScriptedServer(tls=getattr(papers, paper)) as first, ScriptedServer(tls=papers.right) as second:
        servers = [
            Server(host="127.0.0.1", port=at.port, ssl_context=papers.trust, deadlines=deadlines(5))
            for at in (first, second)
        ]
        with pytest.raises(Unavailable) as raised:
            SmtpBackend(*servers).open()
        assert (raised.value.phase, raised.value.passing) == ("TLS", False)
        assert second.visits == []


def test_f9_starttls_stripped_is_no_reason_to_go_elsewhere(papers: Papers) -> None:
    with ScriptedServer() as first, ScriptedServer(tls=papers.right) as second:
        servers = [
            Server(host="127.0.0.1", port=at.port, ssl_context=papers.trust, deadlines=deadlines(5))
            for at in (first, second)
        ]
        with pytest.raises(Unavailable, match="does not offer STARTTLS") as raised:
            SmtpBackend(*servers).open()
        assert (raised.value.passing, second.visits) == (False, [])


def test_f30_a_doubt_is_never_sent_again_through_another_relay() -> None:
    refusing = [say(b"220 hello\r\n"), *[say(b"421 4.3.2 down\r\n")] * 9]
    with ScriptedServer({"dot": drop, "greeting": refusing}) as first, ScriptedServer() as second:
        backend, commit = SmtpBackend(server(first), server(second)), Commits()
        with pytest.raises(InDoubt):
            backend.send(FIRST, commit)
        backend.send(NEXT, Commits())
        backend.close()
        assert (first.texts, second.texts, commit.count) == ([FIRST.content], [NEXT.content], 1)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [(b"550 5.1.1 no such user\r\n", Refused), (b"550 5.7.1 spam\r\n", Blocked)],
)
@pytest.mark.parametrize("step", ["RCPT", "DATA", "dot"])
def test_what_a_relay_says_about_a_message_is_not_asked_of_another(
    step: str, answer: bytes, kind: type[Refused | Blocked]
) -> None:
    with ScriptedServer({step: say(answer)}) as first, ScriptedServer() as second:
        backend = SmtpBackend(server(first), server(second))
        with pytest.raises(kind):
            backend.send(FIRST, Commits())
        backend.close()
        assert second.visits == []
