"""What is said to a server, and what its replies mean."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.deliver.smtp_protocol import (
    Extensions,
    Phase,
    ehlo_command,
    envelope_address,
    failure,
    in_step,
    mail_command,
    rcpt_command,
    read_extensions,
    sender_address,
    silence,
    verdict,
)
from newsletter.deliver.smtp_replies import Reply
from newsletter.errors import Blocked, Deferred, DeliveryError, InDoubt, Refused, Unavailable, Withheld


def reply(code: int, *lines: str) -> Reply:
    return Reply(code=code, lines=lines or ("",))


@pytest.mark.parametrize(
    ("phase", "code", "meaning"),
    [
        (Phase.GREETING, 220, None),
        (Phase.GREETING, 421, Unavailable),
        (Phase.GREETING, 554, Unavailable),
        (Phase.EHLO, 250, None),
        (Phase.EHLO, 502, Unavailable),
        (Phase.STARTTLS, 220, None),
        (Phase.STARTTLS, 250, Unavailable),
        (Phase.STARTTLS, 454, Unavailable),
        (Phase.CHALLENGE, 334, None),
        (Phase.CHALLENGE, 235, Unavailable),
        (Phase.AUTH, 235, None),
        (Phase.AUTH, 334, Unavailable),
        (Phase.AUTH, 454, Unavailable),
        (Phase.AUTH, 535, Unavailable),
        (Phase.RSET, 250, None),
        (Phase.RSET, 421, Deferred),
        (Phase.RSET, 500, Deferred),
        (Phase.MAIL, 250, None),
        (Phase.MAIL, 354, Deferred),
        (Phase.MAIL, 421, Deferred),
        (Phase.MAIL, 452, Deferred),
        (Phase.MAIL, 530, Unavailable),
        (Phase.MAIL, 550, Unavailable),
        (Phase.MAIL, 552, Unavailable),
        (Phase.RCPT, 250, None),
        (Phase.RCPT, 251, None),
        (Phase.RCPT, 354, Deferred),
        (Phase.RCPT, 421, Deferred),
        (Phase.RCPT, 450, Deferred),
        (Phase.RCPT, 451, Deferred),
        (Phase.RCPT, 452, Deferred),
        (Phase.RCPT, 552, Deferred),
        (Phase.RCPT, 503, Deferred),
        (Phase.RCPT, 501, Refused),
        (Phase.RCPT, 550, Refused),
        (Phase.RCPT, 553, Refused),
        (Phase.RCPT, 554, Refused),
        (Phase.RCPT, 530, Unavailable),
        (Phase.DATA, 354, None),
        (Phase.DATA, 250, Deferred),
        (Phase.DATA, 421, Deferred),
        (Phase.DATA, 451, Deferred),
        (Phase.DATA, 503, Deferred),
        (Phase.DATA, 554, Refused),
        (Phase.DOT, 250, None),
        (Phase.DOT, 299, None),
        (Phase.DOT, 354, InDoubt),
        (Phase.DOT, 421, Deferred),
        (Phase.DOT, 451, Deferred),
        (Phase.DOT, 530, Blocked),
        (Phase.DOT, 552, Refused),
        (Phase.DOT, 554, Refused),
    ],
)
def test_what_a_reply_means_at_each_step(
    phase: Phase, code: int, meaning: type[DeliveryError] | None
) -> None:
    assert verdict(phase, reply(code)) is meaning


@pytest.mark.parametrize("phase", [Phase.RCPT, Phase.DATA, Phase.DOT])
def test_a_policy_is_about_us_at_each_step_that_names_a_reader(phase: Phase) -> None:
    assert verdict(phase, reply(550, "5.7.1 policy")) is Blocked
    assert verdict(phase, reply(554, "message looks like spam")) is Blocked
    assert verdict(phase, reply(550, "5.1.1 no such user, blocked")) is Refused
    assert verdict(phase, reply(450, "4.7.1 policy")) is Deferred
    assert verdict(phase, reply(421, "4.7.28 slow down")) is Deferred


def test_a_policy_before_any_reader_is_named_concerns_everybody() -> None:
    assert verdict(Phase.MAIL, reply(550, "5.7.1 policy")) is Unavailable
    assert verdict(Phase.RCPT, reply(530, "5.7.0 log in first")) is Unavailable


@pytest.mark.parametrize(
    ("phase", "said", "passing", "wait"),
    [
        (Phase.GREETING, reply(421, "4.3.2 later"), True, 0),
        (Phase.GREETING, reply(554, "5.7.1 not you"), True, 0),
        (Phase.GREETING, reply(421, "4.7.28 slow down"), True, 600),
        (Phase.EHLO, reply(421, "4.3.2 later"), True, 0),
        (Phase.EHLO, reply(550, "5.7.1 not you"), True, 0),
        (Phase.STARTTLS, reply(454, "4.7.0 not now"), True, 0),
        (Phase.STARTTLS, reply(502, "never"), False, 0),
        (Phase.AUTH, reply(454, "4.7.0 not now"), True, 0),
        (Phase.AUTH, reply(421, "4.7.28 slow down"), True, 600),
        (Phase.AUTH, reply(432, "4.7.12 not like this"), False, 0),
        (Phase.AUTH, reply(534, "5.7.9 too weak"), False, 0),
        (Phase.AUTH, reply(535, "5.7.8 wrong"), False, 0),
        (Phase.CHALLENGE, reply(454, "4.7.0 not now"), True, 0),
        (Phase.MAIL, reply(530, "5.7.0 log in first"), False, 0),
        (Phase.MAIL, reply(550, "5.7.1 not you"), False, 0),
    ],
)
def test_what_may_be_over_soon_and_what_a_person_must_put_right(
    phase: Phase, said: Reply, passing: bool, wait: float
) -> None:
    kind = verdict(phase, said)
    assert kind is Unavailable
    error = failure(kind, phase, said, where="relay.example:587", text=said.text)
    assert isinstance(error, Unavailable)
    assert (error.passing, error.wait, error.phase, error.code) == (passing, wait, phase, said.code)


@pytest.mark.parametrize(
    ("phase", "meaning"),
    [
        (Phase.CONNECT, Unavailable),
        (Phase.GREETING, Unavailable),
        (Phase.EHLO, Unavailable),
        (Phase.STARTTLS, Unavailable),
        (Phase.TLS, Unavailable),
        (Phase.AUTH, Unavailable),
        (Phase.RSET, Deferred),
        (Phase.MAIL, Deferred),
        (Phase.RCPT, Deferred),
        (Phase.DATA, Deferred),
        (Phase.TEXT, Deferred),
        (Phase.DOT, InDoubt),
    ],
)
def test_silence_is_a_doubt_after_the_dot_and_only_there(phase: Phase, meaning: type[DeliveryError]) -> None:
    assert silence(phase) is meaning


def test_a_connection_goes_on_after_a_refusal_and_not_after_421_or_nonsense() -> None:
    assert in_step(Phase.RCPT, reply(550))
    assert in_step(Phase.DOT, reply(451))
    assert not in_step(Phase.RCPT, reply(421))
    assert not in_step(Phase.DOT, reply(421))
    assert not in_step(Phase.DATA, reply(250))
    assert not in_step(Phase.RSET, reply(500))


def test_the_answer_to_ehlo_is_read_whatever_its_case() -> None:
    answer = reply(
        250, "mx.example STARTTLS", "size 1000", "AUTH plain LOGIN", "AUTH XOAUTH2", "Pipelining", ""
    )
    extensions = read_extensions(answer)
    assert extensions.offers("SIZE")
    assert extensions.offers("PIPELINING")
    assert not extensions.offers("STARTTLS")
    assert extensions.mechanisms == ("PLAIN", "LOGIN", "XOAUTH2")


@pytest.mark.parametrize(
    ("address", "on_the_wire"),
    [
        ("zoe@example.com", "zoe@example.com"),
        ("Zoe.O'Neil+news@Example.COM", "Zoe.O'Neil+news@Example.COM"),
        ("zoe@actualité.fr", "zoe@xn--actualit-i1a.fr"),
        ("zoe@straße.de", "zoe@xn--strae-oqa.de"),
        ("zoé@example.com", "zoé@example.com"),
    ],
)
def test_an_address_keeps_its_local_part_and_gets_an_ascii_domain(address: str, on_the_wire: str) -> None:
    assert envelope_address(address) == on_the_wire


@pytest.mark.parametrize(
    "address",
    [
        "<evil@z.fr>b@y.fr",
        '"a\r\nRCPT TO:<evil@z.fr>"@y.fr',
        "evil@z.fr <b@y.fr>",
        "b@y.fr,evil@z.fr",
        "b@y.fr;evil@z.fr",
        "b@y.fr evil@z.fr",
        "b@y.fr>\r\nRCPT TO:<evil@z.fr",
        "b@y.fr> SIZE=1",
        "b@y.fr\n",
        "b\x00@y.fr",
        "b@y.fr\x00",
        "b\u2028c@y.fr",
        "b\u00a0c@y.fr",
        "b\u202ec@y.fr",
        "b\ud800@y.fr",
        '"b"@y.fr',
        "b(comment)@y.fr",
        "b@[192.0.2.1]",
        "@evil.fr:b@y.fr",
        "=?utf-8?q?evil=40z.fr?=@y.fr",
        "b@evil@y.fr",
        ".b@y.fr",
        "b..c@y.fr",
        "b\\@y.fr",
        "b@",
        "@y.fr",
        "b",
        "",
        "b@y..fr",
        "b@-y.fr",
        "b@é\u2028.fr",
        "b@y\uff20z.fr",
        "b@\ud800.fr",
        f"{'b' * 65}@y.fr",
        f"b@{'y' * 64}.fr",
    ],
)
def test_an_address_that_could_be_read_as_another_is_refused(address: str) -> None:
    with pytest.raises(Refused) as raised:
        envelope_address(address)
    assert raised.value.phase == "RCPT"


@settings(deadline=None)
@given(st.text(max_size=40) | st.emails())
def test_no_address_can_leave_its_brackets(address: str) -> None:
    try:
        command = rcpt_command(envelope_address(address))
    except Refused:
        return
    assert command.startswith(b"RCPT TO:<")
    assert command.endswith(b">\r\n")
    inside = command[9:-3].decode()
    assert inside.isprintable()
    assert not set(inside) & set(' <>",;:()[]\\')
    assert inside.count("@") == 1


def test_a_server_may_limit_size_and_number_or_not() -> None:
    limited = read_extensions(reply(250, "mx.example", "SIZE 35882577", "LIMITS RCPTMAX=1 mailmax=20"))
    assert (limited.most_octets, limited.most_messages) == (35_882_577, 20)
    for offer in (
        "SIZE",
        "SIZE 0",
        "SIZE x",
        "SIZE -1",
        "LIMITS",
        "LIMITS MAILMAX",
        "LIMITS MAILMAX=²",
        "LIMITS RCPTMAX=1",
    ):
        free = read_extensions(reply(250, "mx.example", offer))
        assert (free.most_octets, free.most_messages) == (0, 0)


PLAIN = Extensions(offered={})
RICH = Extensions(offered={"SIZE": ("1000",), "8BITMIME": (), "SMTPUTF8": ()})


@pytest.mark.parametrize(
    ("recipient", "extensions", "ascii_only", "line"),
    [
        ("z@y.fr", PLAIN, True, "MAIL FROM:<s@x.fr>\r\n"),
        ("z@y.fr", RICH, True, "MAIL FROM:<s@x.fr> SIZE=61\r\n"),
        ("z@y.fr", RICH, False, "MAIL FROM:<s@x.fr> SIZE=61 BODY=8BITMIME\r\n"),
        ("é@y.fr", RICH, True, "MAIL FROM:<s@x.fr> SIZE=61 SMTPUTF8\r\n"),
    ],
)
def test_mail_has_the_parameters_that_are_offered_and_needed(
    recipient: str, extensions: Extensions, ascii_only: bool, line: str
) -> None:
    assert mail_command("s@x.fr", recipient, extensions, octets=61, ascii_only=ascii_only) == line.encode()


def test_a_local_part_with_accents_needs_smtputf8() -> None:
    with pytest.raises(Withheld, match="needs SMTPUTF8"):
        mail_command("s@x.fr", "é@y.fr", PLAIN, octets=1, ascii_only=True)
    with pytest.raises(Unavailable, match="needs SMTPUTF8"):
        mail_command("é@x.fr", "z@y.fr", PLAIN, octets=1, ascii_only=True)
    odd = Extensions(offered={"SMTPUTF8": ()})
    with pytest.raises(Withheld, match="needs SMTPUTF8"):
        mail_command("s@x.fr", "é@y.fr", odd, octets=1, ascii_only=False)
    with pytest.raises(Unavailable, match="8BITMIME"):
        mail_command("s@x.fr", "z@y.fr", PLAIN, octets=1, ascii_only=False)


def test_a_text_may_be_as_long_as_the_limit_and_no_longer() -> None:
    assert mail_command("s@x.fr", "z@y.fr", RICH, octets=1000, ascii_only=True).endswith(b" SIZE=1000\r\n")
    with pytest.raises(Unavailable, match="has 1001 octets, and the server takes 1000"):
        mail_command("s@x.fr", "z@y.fr", RICH, octets=1001, ascii_only=True)


def test_a_sender_that_cannot_stand_in_an_envelope_is_everybodys_trouble() -> None:
    with pytest.raises(Unavailable, match="the sender cannot be used") as raised:
        sender_address("a b@press.example")
    assert (raised.value.phase, raised.value.passing) == ("MAIL", False)


@pytest.mark.parametrize(
    ("name", "address", "line"),
    [
        ("press.example.org", "192.0.2.1", b"EHLO press.example.org\r\n"),
        ("laptop", "192.0.2.1", b"EHLO [192.0.2.1]\r\n"),
        ("bad name.example", "2001:db8::1", b"EHLO [IPv6:2001:db8::1]\r\n"),
    ],
)
def test_we_introduce_ourselves_by_full_name_or_by_address(name: str, address: str, line: bytes) -> None:
    assert ehlo_command(name, address) == line
