"""The server that our client is tested with behaves, and misbehaves, as it says."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.deliver.scripted_server import (
    Act,
    ScriptedServer,
    after,
    always,
    as_usual,
    drop,
    early,
    in_pieces,
    reset,
    say,
    slowly,
)

GROUP = b"MAIL FROM:<a@x.fr>\r\nRCPT TO:<%b>\r\nDATA\r\n"
TEXT = b"Subject: x\r\n\r\n..dot\r\n.\r\n"


@contextmanager
def line_to(server: ScriptedServer) -> Iterator[socket.socket]:
    """A connection that has been greeted and has said EHLO."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        heard(connection, b"220 scripted.example ESMTP\r\n")
        connection.sendall(b"EHLO me\r\n")
        heard(connection, b"250 8BITMIME\r\n")
        yield connection


def heard(connection: socket.socket, until: bytes = b"") -> bytes:
    """What the server says up to these bytes, or until it hangs up."""
    said = b""
    while not (until and said.endswith(until)):
        data = connection.recv(65536)
        if not data:
            break
        said += data
    return said


def codes(said: bytes) -> list[int]:
    return [int(line[:3]) for line in said.splitlines()]


def test_many_commands_in_one_packet_are_answered_in_their_order() -> None:
    with ScriptedServer(gathered=True) as server, line_to(server) as line:
        line.sendall(GROUP % b"b@y.fr")
        assert codes(line.recv(65536)) == [250, 250, 354]
        line.sendall(TEXT + GROUP % b"c@y.fr")
        assert codes(line.recv(65536)) == [250, 250, 250, 354]
        line.sendall(TEXT + b"QUIT\r\n")
        assert codes(heard(line)) == [250, 221]
        assert server.accepted == server.received
        assert server.received[1] == (
            b"MAIL FROM:<a@x.fr>",
            b"RCPT TO:<c@y.fr>",
            b"Subject: x\r\n\r\n.dot\r\n",
        )


def test_without_a_recipient_there_is_no_text_and_without_a_sender_no_recipient() -> None:
    with ScriptedServer({"RCPT": say(b"550 no\r\n"), "MAIL": [as_usual, say(b"452 no\r\n")]}) as server:
        with line_to(server) as line:
            line.sendall(GROUP % b"b@y.fr" + b"RSET\r\n" + GROUP % b"c@y.fr" + b"QUIT\r\n")
            assert codes(heard(line)) == [250, 550, 554, 250, 452, 503, 503, 221]
        assert server.received == []


def test_a_transaction_is_ended_before_the_next_begins() -> None:
    with ScriptedServer({"RCPT": say(b"550 no\r\n")}) as server, line_to(server) as line:
        line.sendall(GROUP % b"b@y.fr" + b"MAIL FROM:<a@x.fr>\r\nRSET\r\nMAIL FROM:<a@x.fr>\r\nQUIT\r\n")
        assert codes(heard(line)) == [250, 550, 554, 503, 250, 250, 221]


def test_a_354_after_a_refused_recipient_makes_the_text_homeless() -> None:
    with ScriptedServer({"RCPT": say(b"550 no\r\n"), "DATA": say(b"354 go\r\n")}) as server:
        with line_to(server) as line:
            line.sendall(GROUP % b"b@y.fr" + b".\r\nQUIT\r\n")
            assert codes(heard(line)) == [250, 550, 354, 554, 221]
        assert (server.received, server.homeless) == ([], [(b"MAIL FROM:<a@x.fr>", b"RCPT TO:<b@y.fr>", b"")])


def test_a_step_may_be_named_for_one_recipient_whenever_it_comes() -> None:
    script = {"RCPT c@y.fr": say(b"550 no\r\n"), "dot d@y.fr": say(b"451 no\r\n")}
    with ScriptedServer(script, gathered=True) as server, line_to(server) as line:
        for said, answers in (
            (GROUP % b"b@y.fr", [250, 250, 354]),
            (TEXT + GROUP % b"c@y.fr", [250, 250, 550, 554]),
            (b"RSET\r\n" + GROUP % b"d@y.fr", [250, 250, 250, 354]),
            (TEXT, [451]),
        ):
            line.sendall(said)
            assert codes(line.recv(65536)) == answers
        assert [rcpt for _, rcpt, _ in server.accepted] == [b"RCPT TO:<b@y.fr>"]
        assert [rcpt for _, rcpt, _ in server.received] == [b"RCPT TO:<b@y.fr>", b"RCPT TO:<d@y.fr>"]


def test_an_act_may_be_for_always() -> None:
    with ScriptedServer({"RSET": always(say(b"451 no\r\n"))}) as server, line_to(server) as line:
        line.sendall(b"RSET\r\n" * 3 + b"QUIT\r\n")
        assert codes(heard(line)) == [451, 451, 451, 221]


@pytest.mark.parametrize("act", [in_pieces(b"451 later\r\n", 2, 9), slowly(b"451 later\r\n", pause=0.02)])
def test_an_answer_may_come_in_pieces(act: Act) -> None:
    with ScriptedServer({"RSET": act}) as server, line_to(server) as line:
        line.sendall(b"RSET\r\n")
        pieces = [line.recv(100)]
        while not pieces[-1].endswith(b"\n"):
            pieces.append(line.recv(100))
        assert b"".join(pieces) == b"451 later\r\n"
        assert len(pieces) >= 2


def test_an_answer_may_come_before_its_time() -> None:
    with ScriptedServer({"text": early(b"250 taken\r\n"), "dot": say(b"554 no\r\n")}) as server:
        with line_to(server) as line:
            line.sendall(GROUP % b"b@y.fr" + b"Subject: x\r\n")
            assert codes(heard(line, b"250 taken\r\n")) == [250, 250, 354, 250]
            line.sendall(b".\r\n")
            assert heard(line, b"\n") == b"554 no\r\n"
        assert (len(server.received), server.accepted) == (1, [])


@pytest.mark.parametrize("act", [drop, reset])
def test_a_line_may_break_in_the_middle_of_a_text(act: Act) -> None:
    with ScriptedServer({"text": after(20_000, act)}) as server, line_to(server) as line:
        line.sendall(GROUP % b"b@y.fr")
        assert codes(heard(line, b"dot\r\n")) == [250, 250, 354]
        line.sendall(b"x" * 998 + b"\r\n")
        time.sleep(0.05)
        line.sendall((b"x" * 998 + b"\r\n") * 19)
        if act is drop:
            assert heard(line) == b""
        else:
            with pytest.raises(ConnectionResetError):
                heard(line)
        assert server.received == []


@pytest.mark.parametrize("parting", [b"421 enough\r\n", b""])
def test_a_connection_may_have_its_number_of_mails(parting: bytes) -> None:
    with ScriptedServer(messages=1, parting=parting) as server, line_to(server) as line:
        line.sendall(GROUP % b"b@y.fr" + TEXT + GROUP % b"c@y.fr")
        line.shutdown(socket.SHUT_WR)
        assert codes(heard(line)) == [250, 250, 354, 250, *([421] if parting else [])]


def test_a_server_may_hang_up_on_the_idle() -> None:
    with ScriptedServer(idle=0.1, parting=b"421 idle\r\n") as server, line_to(server) as line:
        assert heard(line, b"\n") == b"421 idle\r\n"
        line.shutdown(socket.SHUT_WR)
        assert heard(line) == b""
