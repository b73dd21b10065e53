"""SMTP when all goes well, and when the server does each thing that servers do (delivery.md §4, F4 to F8)."""

import socket
import time
from collections.abc import Iterator

import pytest

from newsletter.deliver.backends.session import Deadlines, Server, Session
from newsletter.deliver.backends.smtp import SmtpBackend
from newsletter.deliver.smtp_replies import Reply
from newsletter.errors import (
    Blocked,
    Deferred,
    DeliveryError,
    InDoubt,
    Refused,
    Unavailable,
    Vetoed,
    Withheld,
)
from tests.deliver.contract import BackendContract, Carrier, Commits, a_message
from tests.deliver.scripted_server import (
    Act,
    ScriptedServer,
    both,
    drop,
    hang,
    reset,
    say,
    slowly,
    wait,
)

SECONDS = 1.0


def deadlines(seconds: float) -> Deadlines:
    return Deadlines(
        connect=seconds,
        greeting=seconds,
        command=seconds,
        data=seconds,
        block=seconds,
        dot=seconds,
        quit=seconds,
    )


def backend_for(server: ScriptedServer, seconds: float = 5) -> SmtpBackend:
    where = Server(host="127.0.0.1", port=server.port, security="plain", deadlines=deadlines(seconds))
    return SmtpBackend(where)


FIRST = a_message("zoe@example.com", number=1)
NEXT = a_message("yan@example.com", number=2)


def attempt(backend: SmtpBackend, commit: Commits) -> DeliveryError:
    with pytest.raises(DeliveryError) as raised:
        backend.send(FIRST, commit)
    return raised.value


class TestSmtp(BackendContract):
    @pytest.fixture
    def carrier(self) -> Iterator[Carrier]:
        with ScriptedServer() as server:
            yield Carrier(backend=backend_for(server), arrived=lambda: list(server.texts))


def test_a_session_asks_each_thing_in_its_turn() -> None:
    with ScriptedServer() as server:
        backend = backend_for(server)
        backend.open()
        receipt = backend.send(FIRST, Commits())
        backend.send(NEXT, Commits())
        backend.close()
        [visit] = server.visits
        size = len(FIRST.content)
        assert receipt == "250 2.0.0 queued as 1"
        assert visit.lines[0].startswith(b"EHLO ")
        assert visit.lines[1:] == [
            b"MAIL FROM:<bonjour@press.example.org> SIZE=%d" % size,
            b"RCPT TO:<zoe@example.com>",
            b"DATA",
            b"RSET",
            b"MAIL FROM:<bonjour@press.example.org> SIZE=%d" % size,
            b"RCPT TO:<yan@example.com>",
            b"DATA",
            b"QUIT",
        ]


def test_the_text_is_with_the_server_but_for_its_dot_when_commit_is_called() -> None:
    with ScriptedServer() as server:
        backend = backend_for(server)
        seen: list[bytes] = []

        def look() -> None:
            while not server.visits[0].unfinished.endswith(b"RCPT TO:<evil@example.com>\r\n"):
                time.sleep(0.01)
            seen.extend(server.texts)

        backend.send(FIRST, Commits(then=look))
        backend.close()
        assert (seen, server.texts) == ([], [FIRST.content])


def test_a_veto_hangs_up_without_the_dot() -> None:
    with ScriptedServer() as server:
        backend = backend_for(server)
        with pytest.raises(Vetoed):
            backend.send(FIRST, Commits(raising=Vetoed("left", reason="left")))
        server.visits[0].join(2)
        assert server.visits[0].lines[-1] == b"DATA"
        assert b"QUIT" in server.visits[0].unfinished  # of the message's own body, not a command of ours
        assert server.visits[0].unfinished.endswith(b"\r\nQUIT\r\nRCPT TO:<evil@example.com>\r\n")
        assert server.received == []


def test_an_address_with_a_second_one_inside_is_refused_before_anything_is_sent() -> None:
    with ScriptedServer() as server:
        commit = Commits()
        with pytest.raises(Refused):
            backend_for(server).send(a_message("b@y.fr>\r\nRCPT TO:<evil@z.fr"), commit)
        assert (server.visits, commit.count) == ([], 0)


def test_a_sender_that_cannot_be_one_stops_the_run() -> None:
    with ScriptedServer() as server:
        with pytest.raises(Unavailable, match="the sender cannot be used"):
            backend_for(server).send(a_message(sender="a b@press.example"), Commits())
        assert server.visits == []


def test_a_reader_who_needs_smtputf8_is_withheld_and_the_next_gets_the_mail() -> None:
    with ScriptedServer() as server:
        backend = backend_for(server)
        commit = Commits()
        with pytest.raises(Withheld, match="needs SMTPUTF8") as raised:
            backend.send(a_message("zoé@example.com"), commit)
        assert (raised.value.reason, commit.count) == ("eai_unsupported", 0)
        backend.send(NEXT, Commits())
        backend.close()
        assert (len(server.visits), server.texts) == (1, [NEXT.content])
        assert [line for line in server.visits[0].lines if b"zo" in line] == []


def test_where_smtputf8_is_offered_it_is_asked_for_and_the_domain_is_ascii_all_the_same() -> None:
    with ScriptedServer(offers=[b"SMTPUTF8", b"8BITMIME"]) as server:
        backend = backend_for(server)
        backend.send(a_message("zoé@actualité.fr"), Commits())
        backend.send(a_message("zoe@actualité.fr", body=("é\r\n".encode(),)), Commits())
        backend.close()
        assert [(mail.decode(), rcpt.decode()) for mail, rcpt, _ in server.received] == [
            ("MAIL FROM:<bonjour@press.example.org> SMTPUTF8", "RCPT TO:<zoé@xn--actualit-i1a.fr>"),
            ("MAIL FROM:<bonjour@press.example.org> BODY=8BITMIME", "RCPT TO:<zoe@xn--actualit-i1a.fr>"),
        ]


def test_a_mail_over_the_servers_limit_stops_the_run_before_it_is_announced() -> None:
    with ScriptedServer(offers=[b"SIZE 100"]) as server:
        backend, commit = backend_for(server), Commits()
        with pytest.raises(
            Unavailable, match=f"has {len(FIRST.content)} octets, and the server takes 100"
        ) as raised:
            backend.send(FIRST, commit)
        backend.close()
        assert (raised.value.passing, commit.count) == (False, 0)
        assert raised.value.hint == 'make its pictures smaller, or write pictures = "hosted" in [look]'
        assert [line.split(b" ")[0] for line in server.visits[0].lines] == [b"EHLO", b"QUIT"]


def test_after_as_many_mails_as_the_server_allows_comes_a_new_connection() -> None:
    with ScriptedServer(offers=[b"LIMITS MAILMAX=2 RCPTMAX=1"], messages=2) as server:
        backend = backend_for(server)
        for number in range(1, 6):
            backend.send(a_message(number=number), Commits())
        backend.close()
        assert [
            [line for line in visit.lines if line[:4] in (b"DATA", b"QUIT")] for visit in server.visits
        ] == [
            [b"DATA", b"DATA", b"QUIT"],
            [b"DATA", b"DATA", b"QUIT"],
            [b"DATA", b"QUIT"],
        ]


@pytest.mark.parametrize("parting", [b"421 4.3.2 enough\r\n", b""], ids=["421", "silently"])
def test_a_server_that_closes_after_so_many_mails_costs_no_reader_anything(parting: bytes) -> None:
    with ScriptedServer(messages=2, parting=parting) as server:
        backend = backend_for(server)
        for number in range(1, 6):
            backend.send(a_message(number=number), Commits())
        backend.close()
        assert (len(server.visits), len(server.accepted)) == (3, 5)


@pytest.mark.parametrize("parting", [b"421 4.4.2 idle\r\n", b""], ids=["421", "silently"])
def test_a_server_that_closes_on_the_idle_costs_no_reader_anything(parting: bytes) -> None:
    with ScriptedServer(idle=0.1, parting=parting) as server:
        backend = backend_for(server)
        backend.send(FIRST, Commits())
        server.visits[0].join(2)
        backend.send(NEXT, Commits())
        backend.close()
        assert (len(server.visits), server.texts) == (2, [FIRST.content, NEXT.content])


AFTER_THE_DOT: dict[str, Act] = {
    "FIN": drop,
    "RST": reset,
    "silence": hang,
    "garbage": say(b"hello there\r\n"),
    "25": say(b"25\r\n"),
    "25 and FIN": both(say(b"25"), drop),
    "250 without CRLF": say(b"250"),
    "250 ok without CRLF and FIN": both(say(b"250 2.0.0 ok"), drop),
    "250 with LF": say(b"250 ok\n"),
    "half of several lines": say(b"250-2.0.0 nearly\r\n"),
    "half of several lines and RST": both(say(b"250-2.0.0 nearly\r\n"), reset),
    "two codes": say(b"250-ok\r\n554 no\r\n"),
    "1xx": say(b"150 wait\r\n"),
    "3xx": say(b"354 more\r\n"),
    "999": say(b"999 ok\r\n"),
    "a line of 10 MB": say(b"250 " + b"x" * 10_000_000 + b"\r\n"),
}


@pytest.mark.parametrize("fault", AFTER_THE_DOT.values(), ids=AFTER_THE_DOT.keys())
def test_f4_no_well_formed_answer_to_the_dot_is_a_doubt_and_the_next_goes_out_anew(fault: Act) -> None:
    with ScriptedServer({"dot": fault}) as server:
        backend, commit = backend_for(server, SECONDS), Commits()
        error = attempt(backend, commit)
        backend.send(NEXT, Commits())
        backend.close()
        assert (type(error), error.phase, commit.count) == (InDoubt, "dot", 1)
        assert error.where == f"127.0.0.1:{server.port}"
        assert (len(server.visits), server.texts) == (2, [FIRST.content, NEXT.content])


@pytest.mark.parametrize("fault", [drop, both(wait(0.1), reset), hang], ids=["FIN", "RST", "silence"])
@pytest.mark.parametrize("step", ["greeting", "EHLO"])
def test_f5_a_server_gone_before_the_first_message_is_unavailable(step: str, fault: Act) -> None:
    with ScriptedServer({step: fault}) as server:
        backend = backend_for(server, SECONDS)
        with pytest.raises(Unavailable) as raised:
            backend.open()
        assert raised.value.phase == step
        assert raised.value.hint
        assert raised.value.passing
        backend.open()
        backend.send(FIRST, Commits())
        backend.close()
        assert server.texts == [FIRST.content]


@pytest.mark.parametrize("fault", [drop, reset, hang], ids=["FIN", "RST", "silence"])
@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
def test_f5_a_server_gone_before_the_text_defers_and_the_mail_goes_once_later(step: str, fault: Act) -> None:
    with ScriptedServer({step: fault}) as server:
        backend, commit = backend_for(server, SECONDS), Commits()
        error = attempt(backend, commit)
        assert (type(error), error.phase, commit.count) == (Deferred, step, 0)
        backend.send(FIRST, commit)
        backend.close()
        assert (server.texts, commit.count) == ([FIRST.content], 1)


@pytest.mark.parametrize("fault", [drop, reset, hang], ids=["FIN", "RST", "silence"])
def test_f5_a_server_gone_in_the_text_defers(fault: Act) -> None:
    long = a_message(body=((b"x" * 70 + b"\r\n") * 1000,) * 400)
    with ScriptedServer({"text": fault}) as server:
        backend = backend_for(server, SECONDS)
        with pytest.raises(Deferred) as raised:
            backend.send(long, Commits(then=lambda: time.sleep(0.1)))
        assert raised.value.phase == "text"
        backend.send(FIRST, Commits())
        backend.close()
        assert server.texts == [FIRST.content]


def test_f5_a_server_gone_during_commit_defers_because_the_dot_was_not_written() -> None:
    with ScriptedServer({"text": both(wait(0.1), drop)}) as server:
        backend, commit = backend_for(server), Commits(then=lambda: time.sleep(0.3))
        error = attempt(backend, commit)
        assert (type(error), error.phase, commit.count) == (Deferred, "text", 1)
        assert server.texts == []


@pytest.mark.parametrize(
    ("step", "answer", "kind", "visits"),
    [
        ("MAIL", b"421 4.3.2 later\r\n", Deferred, 2),
        ("MAIL", b"450 4.7.1 slow down\r\n", Deferred, 1),
        ("MAIL", b"452 4.3.1 full\r\n", Deferred, 1),
        ("MAIL", b"530 5.7.0 log in first\r\n", Unavailable, 1),
        ("MAIL", b"550 5.7.1 not you\r\n", Unavailable, 1),
        ("MAIL", b"552 5.3.4 too large\r\n", Unavailable, 1),
        ("MAIL", b"354 what\r\n", Deferred, 2),
        ("RCPT", b"421 4.7.0 later\r\n", Deferred, 2),
        ("RCPT", b"450 4.2.0 greylisted\r\n", Deferred, 1),
        ("RCPT", b"451 4.3.0 trouble\r\n", Deferred, 1),
        ("RCPT", b"452 4.5.3 too many\r\n", Deferred, 1),
        ("RCPT", b"552 5.2.2 mailbox full\r\n", Deferred, 1),
        ("RCPT", b"550 5.1.1 no such user\r\n", Refused, 1),
        ("RCPT", b"450 4.7.28 slow down\r\n", Deferred, 1),
        ("RCPT", b"550 5.7.1 policy\r\n", Blocked, 1),
        ("RCPT", b"554 5.7.1 relay access denied\r\n", Blocked, 1),
        ("RCPT", b"530 5.7.0 log in first\r\n", Unavailable, 1),
        ("DATA", b"421 4.3.2 later\r\n", Deferred, 2),
        ("DATA", b"451 4.3.0 trouble\r\n", Deferred, 1),
        ("DATA", b"250 what\r\n", Deferred, 2),
        ("DATA", b"503 5.5.1 what\r\n", Deferred, 1),
        ("DATA", b"554 5.7.1 no\r\n", Blocked, 1),
        ("dot", b"421 4.3.2 later\r\n", Deferred, 2),
        ("dot", b"450 4.2.0 later\r\n", Deferred, 1),
        ("dot", b"451 4.3.0 trouble\r\n", Deferred, 1),
        ("dot", b"452 4.3.1 full\r\n", Deferred, 1),
        ("dot", b"550 5.7.1 spam\r\n", Blocked, 1),
        ("dot", b"421 4.7.28 slow down\r\n", Deferred, 2),
        ("dot", b"552 5.3.4 too large\r\n", Refused, 1),
        ("dot", b"554 5.6.0 no\r\n", Refused, 1),
    ],
)
def test_f6_each_answer_at_each_step(
    step: str, answer: bytes, kind: type[DeliveryError], visits: int
) -> None:
    with ScriptedServer({step: say(answer)}) as server:
        backend, commit = backend_for(server), Commits()
        error = attempt(backend, commit)
        assert (type(error), error.phase, error.code) == (kind, step, int(answer[:3]))
        assert error.reply == answer.decode().rstrip("\r\n")
        assert commit.count == (1 if step == "dot" else 0)
        backend.send(NEXT, Commits())
        backend.close()
        assert (len(server.visits), server.texts[-1]) == (visits, NEXT.content)


@pytest.mark.parametrize("step", ["greeting", "EHLO"])
@pytest.mark.parametrize("answer", [b"421 4.3.2 later\r\n", b"554 5.7.1 not you\r\n"])
def test_f6_a_server_that_does_not_want_us_is_unavailable(step: str, answer: bytes) -> None:
    with ScriptedServer({step: say(answer)}) as server:
        with pytest.raises(Unavailable) as raised:
            backend_for(server).open()
        assert raised.value.reply == answer.decode().rstrip("\r\n")
        assert (raised.value.passing, raised.value.wait) == (True, 0)


def test_gmails_slow_down_before_any_mail_asks_for_ten_minutes() -> None:
    with ScriptedServer(
        {"greeting": say(b"421-4.7.28 Gmail has detected\r\n421 4.7.28 a rate\r\n")}
    ) as server:
        with pytest.raises(Unavailable) as raised:
            backend_for(server).open()
        assert (raised.value.passing, raised.value.wait) == (True, 600)


def test_f7_a_250_before_the_dot_is_not_acceptance() -> None:
    with ScriptedServer(
        {"DATA": say(b"354 go\r\n250 2.0.0 ok\r\n"), "dot": say(b"554 5.6.0 no\r\n")}
    ) as server:
        backend, commit = backend_for(server), Commits()
        error = attempt(backend, commit)
        assert (type(error), error.phase, commit.count) == (Deferred, "text", 0)
        assert "spoke out of turn" in str(error)
        assert server.received == []


def test_f7_a_250_during_commit_is_not_acceptance_either() -> None:
    early = both(wait(0.1), say(b"250 2.0.0 ok\r\n"))
    with ScriptedServer({"text": early, "dot": say(b"554 5.6.0 no\r\n")}) as server:
        backend, commit = backend_for(server), Commits(then=lambda: time.sleep(0.3))
        error = attempt(backend, commit)
        assert (type(error), error.phase, commit.count) == (Deferred, "text", 1)
        assert server.received == []


def test_f7_an_answer_too_many_replaces_the_connection() -> None:
    with ScriptedServer({"dot": say(b"250 2.0.0 ok\r\n250 2.0.0 ok\r\n")}) as server:
        backend = backend_for(server)
        backend.send(FIRST, Commits())
        backend.send(NEXT, Commits())
        backend.close()
        assert (len(server.visits), server.texts) == (2, [FIRST.content, NEXT.content])


@pytest.mark.parametrize(
    ("step", "kind"), [("RCPT", Deferred), ("dot", InDoubt)], ids=["before the dot", "after the dot"]
)
def test_f8_a_reply_that_trickles_in_gets_no_more_time_than_silence(
    step: str, kind: type[DeliveryError]
) -> None:
    with ScriptedServer({step: slowly(b"250 2.0.0 " + b"ok" * 50 + b"\r\n", pause=0.1)}) as server:
        started = time.monotonic()
        error = attempt(backend_for(server, SECONDS), Commits())
        assert type(error) is kind
        assert "time was up, in the middle of a reply: '250" in str(error)
        assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "flood",
    [
        b"250-scripted.example\r\n" * 100_000 + b"250 SIZE\r\n",
        b"250-" + b"x" * 10_000_000 + b"\r\n250 SIZE\r\n",
    ],
    ids=["100 000 lines", "10 MB line"],
)
def test_f8_a_flood_in_answer_to_ehlo_is_cut_off(flood: bytes) -> None:
    cut_off = pytest.raises(Unavailable, match=r"over (100 lines|512 octets)")
    with ScriptedServer({"EHLO": say(flood)}) as server, cut_off:
        backend_for(server).open()


@pytest.mark.parametrize("step", ["RSET", "MAIL"])
@pytest.mark.parametrize(
    "fault",
    [drop, reset, say(b"421 4.4.2 idle too long\r\n"), hang],
    ids=["FIN", "RST", "421", "silence"],
)
def test_a_connection_that_died_while_idle_is_replaced_at_no_readers_cost(step: str, fault: Act) -> None:
    faults = [say(b"250 ok\r\n"), fault] if step == "MAIL" else fault
    with ScriptedServer({step: faults}) as server:
        backend = backend_for(server, SECONDS)
        backend.send(FIRST, Commits())
        backend.send(NEXT, Commits())
        backend.close()
        assert (len(server.visits), server.texts) == (2, [FIRST.content, NEXT.content])


def test_an_idle_connection_is_replaced_only_once() -> None:
    with ScriptedServer({"MAIL": [say(b"250 ok\r\n"), drop, drop]}) as server:
        backend = backend_for(server)
        backend.send(FIRST, Commits())
        with pytest.raises(Deferred):
            backend.send(NEXT, Commits())
        assert len(server.visits) == 2


def test_a_failing_farewell_changes_nothing() -> None:
    for fault in (drop, reset, hang, say(b"500 no\r\n"), say(b"garbage")):
        with ScriptedServer({"QUIT": fault}) as server:
            backend = backend_for(server, SECONDS)
            assert backend.send(FIRST, Commits()) == "250 2.0.0 queued as 1"
            backend.close()


def test_an_interruption_leaves_no_half_text_on_a_connection_that_is_used_again() -> None:
    with ScriptedServer() as server:
        backend = backend_for(server)
        with pytest.raises(KeyboardInterrupt):
            backend.send(FIRST, Commits(raising=KeyboardInterrupt()))
        backend.send(NEXT, Commits())
        backend.close()
        assert server.texts == [NEXT.content]


def test_an_opened_session_can_be_handed_over() -> None:
    with ScriptedServer() as server:
        session = Session(Server(host="127.0.0.1", port=server.port, security="plain"))
        assert (session.host, session.tls) == (f"127.0.0.1:{server.port}", "")
        assert session.extensions.offers("PIPELINING")
        connected, replies = session.detach()
        with connected:
            assert session.closed
            assert not connected.getblocking()
            connected.settimeout(5)
            assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
            connected.sendall(b"RSET\r\n")
            assert [
                reply.text for reply in replies.feed(connected.recv(100)) if isinstance(reply, Reply)
            ] == ["250 2.0.0 ok"]


def test_a_session_on_which_the_server_spoke_out_of_turn_is_not_handed_over() -> None:
    refused = pytest.raises(Unavailable, match="spoke out of turn")
    with ScriptedServer({"EHLO": say(b"250 scripted.example\r\n250 ok\r\n")}) as server, refused:
        Session(Server(host="127.0.0.1", port=server.port, security="plain")).detach()


def test_nobody_at_home_is_unavailable_and_says_where() -> None:
    with ScriptedServer() as server:
        port = server.port
    with pytest.raises(Unavailable) as raised:
        SmtpBackend(Server(host="127.0.0.1", port=port, security="plain")).open()
    assert str(raised.value) == f"127.0.0.1:{port}: no connection: Connection refused"
    assert raised.value.hint == "check host and port in [backends.smtp], or try again later"
    assert raised.value.passing


@pytest.mark.parametrize(
    ("host", "passing"), [("no-such-host.invalid", True), ("a..b", False), ("x" * 300, False)]
)
def test_a_host_without_an_address_is_unavailable(host: str, passing: bool) -> None:
    with pytest.raises(Unavailable) as raised:
        SmtpBackend(Server(host=host, port=587, deadlines=deadlines(2))).open()
    assert (raised.value.phase, raised.value.passing) == ("connect", passing)
