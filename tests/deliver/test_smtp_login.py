"""Logging in with a bearer token: a second one is asked for once, and none is ever told."""

from base64 import b64encode
from collections.abc import Callable, Iterator

import pytest

from newsletter.deliver.backends.session import Server, Session
from newsletter.errors import Unavailable
from tests.deliver.scripted_server import Papers, ScriptedServer, both, drop, make_papers, say
from tests.deliver.test_smtp import deadlines

OLD, NEW = "ya29.the-old-one", "ya29.the-new-one"
WHY = b"334 " + b64encode(b'{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}') + b"\r\n"
DECLINED = b"535 5.7.8 token expired\r\n"


@pytest.fixture(scope="module")
def papers() -> Papers:
    return make_papers()


def tokens(*given: str) -> Callable[[], str]:
    """A source that gives these, and fails if it is asked for more."""
    left: Iterator[str] = iter(given)
    return lambda: next(left)


def log_in(scripted: ScriptedServer, papers: Papers, token: Callable[[], str]) -> list[bytes]:
    """The lines from AUTH on, QUIT included."""
    session = Session(
        Server(
            host="127.0.0.1",
            port=scripted.port,
            username="paper",
            token=token,
            ssl_context=papers.trust,
            deadlines=deadlines(5),
        )
    )
    session.leave()
    return after_auth(scripted)


def after_auth(scripted: ScriptedServer) -> list[bytes]:
    scripted.visits[0].join(2)
    return scripted.visits[0].lines[3:]


def xoauth2(token: str) -> bytes:
    return b64encode(f"user=paper\1auth=Bearer {token}\1\1".encode())


def oauthbearer(token: str, port: int) -> bytes:
    return b64encode(f"n,a=paper,\1host=127.0.0.1\1port={port}\1auth=Bearer {token}\1\1".encode())


def test_a_token_that_holds_is_said_once(papers: Papers) -> None:
    with ScriptedServer(tls=papers.right, offers=[b"AUTH LOGIN XOAUTH2"]) as server:
        assert log_in(server, papers, tokens(OLD)) == [b"AUTH XOAUTH2 " + xoauth2(OLD), b"QUIT"]


def test_oauthbearer_is_preferred(papers: Papers) -> None:
    with ScriptedServer(tls=papers.right, offers=[b"AUTH XOAUTH2 OAUTHBEARER PLAIN"]) as server:
        said = log_in(server, papers, tokens(OLD))
        assert said == [b"AUTH OAUTHBEARER " + oauthbearer(OLD, server.port), b"QUIT"]


def test_a_long_token_waits_for_the_challenge(papers: Papers) -> None:
    long = "t" * 2000
    with ScriptedServer(tls=papers.right, offers=[b"AUTH XOAUTH2"]) as server:
        assert log_in(server, papers, tokens(long)) == [b"AUTH XOAUTH2", xoauth2(long), b"QUIT"]


@pytest.mark.parametrize(("offer", "note"), [(b"XOAUTH2", b""), (b"OAUTHBEARER", b"AQ==")])
def test_a_declined_token_is_taken_note_of_and_a_fresh_one_said_on_the_same_connection(
    papers: Papers, offer: bytes, note: bytes
) -> None:
    script = {"AUTH": say(WHY), "answer": say(DECLINED)}
    with ScriptedServer(script, tls=papers.right, offers=[b"AUTH " + offer]) as server:
        said = log_in(server, papers, tokens(OLD, NEW))
        first, second = (
            xoauth2(token) if offer == b"XOAUTH2" else oauthbearer(token, server.port) for token in (OLD, NEW)
        )
        assert said == [b"AUTH " + offer + b" " + first, note, b"AUTH " + offer + b" " + second, b"QUIT"]


def test_a_token_may_be_declined_without_a_word_of_why(papers: Papers) -> None:
    with ScriptedServer({"AUTH": say(DECLINED)}, tls=papers.right, offers=[b"AUTH XOAUTH2"]) as server:
        said = log_in(server, papers, tokens(OLD, NEW))
        assert said == [b"AUTH XOAUTH2 " + xoauth2(OLD), b"AUTH XOAUTH2 " + xoauth2(NEW), b"QUIT"]


@pytest.mark.parametrize(
    ("given", "tries"), [((OLD, NEW), 2), ((OLD, OLD), 1)], ids=["a fresh one", "the same again"]
)
def test_a_second_refusal_stops_the_run_and_the_same_token_is_not_said_twice(
    papers: Papers, given: tuple[str, ...], tries: int
) -> None:
    script = {"AUTH": [say(DECLINED), say(b"535 5.7.8 no again\r\n")]}
    with ScriptedServer(script, tls=papers.right, offers=[b"AUTH XOAUTH2"]) as server:
        with pytest.raises(Unavailable) as raised:
            log_in(server, papers, tokens(*given))
        assert (raised.value.phase, raised.value.code, raised.value.passing) == ("AUTH", 535, False)
        assert (
            raised.value.hint
            == "check username in [backends.smtp], and NEWSLETTER_SMTP_PASSWORD or the token"
        )
        assert len(after_auth(server)) == tries


def test_a_server_that_cannot_tell_just_now_is_asked_for_no_second_token(papers: Papers) -> None:
    script = {"AUTH": say(b"454 4.7.0 later\r\n")}
    with ScriptedServer(script, tls=papers.right, offers=[b"AUTH XOAUTH2"]) as server:
        with pytest.raises(Unavailable) as raised:
            log_in(server, papers, tokens(OLD))
        assert (raised.value.code, raised.value.passing) == (454, True)


def test_a_server_that_hangs_up_with_its_refusal_is_told_no_second_token(papers: Papers) -> None:
    script = {"AUTH": both(say(DECLINED), drop)}
    with ScriptedServer(script, tls=papers.right, offers=[b"AUTH XOAUTH2"]) as server:
        with pytest.raises(Unavailable):
            log_in(server, papers, tokens(OLD, NEW))
        assert len(server.visits) == 1


@pytest.mark.parametrize("offer", [b"AUTH PLAIN LOGIN CRAM-MD5", b"SIZE"])
def test_a_server_without_tokens_is_not_sent_one(papers: Papers, offer: bytes) -> None:
    with ScriptedServer(tls=papers.right, offers=[offer]) as server:
        with pytest.raises(Unavailable, match="offers neither OAUTHBEARER nor XOAUTH2"):
            log_in(server, papers, tokens(OLD))
        assert after_auth(server) == []


def test_no_token_is_asked_for_where_it_would_travel_in_clear() -> None:
    with ScriptedServer(offers=[b"AUTH XOAUTH2"]) as server:
        where = Server(host="127.1", port=server.port, security="plain", username="paper", token=tokens())
        with pytest.raises(Unavailable, match="no password is sent without TLS"):
            Session(where)


def test_a_token_that_is_not_to_be_had_stops_the_run_in_the_words_of_its_source(papers: Papers) -> None:
    def broken() -> str:
        raise Unavailable("token_command ended with exit code 1", phase="AUTH", passing=True)

    with ScriptedServer(tls=papers.right, offers=[b"AUTH XOAUTH2"]) as server:
        with pytest.raises(Unavailable, match="exit code 1"):
            log_in(server, papers, broken)
        assert after_auth(server) == []


@pytest.mark.parametrize(
    "answer",
    [
        b"535 5.7.8 what is AUTH XOAUTH2 " + xoauth2(OLD) + b"\r\n",
        b"535-5.7.8 no\r\n535 " + OLD.encode() + b"\r\n",
        b"535 5.7.8 what is " + xoauth2(OLD)[20:50] + b"\r\n",
        b"AUTH XOAUTH2 " + xoauth2(OLD) + b"\r\n",
    ],
)
def test_a_token_that_the_server_says_back_gets_into_no_error(papers: Papers, answer: bytes) -> None:
    with ScriptedServer({"AUTH": say(answer)}, tls=papers.right, offers=[b"AUTH XOAUTH2"]) as server:
        with pytest.raises(Unavailable) as raised:
            log_in(server, papers, tokens(OLD, OLD))
        error = raised.value
        told = f"{error!r} {error} {error.hint} {error.reply} {error.__cause__} {error.__dict__}"
        assert "the-old" not in told
        assert xoauth2(OLD)[25:45].decode() not in told


def test_the_settings_do_not_show_where_their_token_comes_from() -> None:
    assert "function" not in repr(Server(host="h", port=1, token=tokens(OLD)))
