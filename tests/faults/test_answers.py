"""F6: what each answer at each step does to the row it is about, to the others, and to the connection."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from newsletter.deliver.backends.smtp import SmtpBackend
from newsletter.errors import Unavailable
from tests.deliver.scripted_server import Act, Visit, always, as_usual, say
from tests.faults.house import LOCKSTEP, START, House, Mode, accepted, build, copies, relay, smtp

ONE_EACH = {"ada": 1, "bea": 1, "cleo": 1}
ALL_OWED = {"ada": "owed", "bea": "owed", "cleo": "owed"}
ALL_SENT = {"ada": "sent", "bea": "sent", "cleo": "sent"}

# ---- before any message ----


@pytest.mark.parametrize("code", [421, 450, 451, 452, 550, 552, 554])
@pytest.mark.parametrize("step", ["greeting", "EHLO"])
def test_f06_an_answer_to_our_introduction_is_told_at_once_and_touches_no_row(
    house: House, step: str, code: int
) -> None:
    with LOCKSTEP.server({step: say(b"%d no\r\n" % code)}) as server:
        told = house.send(smtp(server.port), patience=30)
        assert isinstance(told.error, Unavailable)
        assert (told.error.phase, told.error.code, told.error.exit_code) == (step, code, 75)
        assert told.error.passing
        assert (house.clock.slept, house.states(), house.attempts("ada")) == ([], ALL_OWED, [])
        assert house.send(smtp(server.port)).error is None
        assert (accepted(server), house.attempts("ada")) == (ONE_EACH, [(1, "sent", "", 0)])


@pytest.mark.parametrize("code", [421, 554])
@pytest.mark.parametrize("connections", [1, 3])
def test_f06_a_server_that_will_not_have_us_any_more_in_the_middle_is_waited_for(
    house: House, mode: Mode, connections: int, code: int
) -> None:
    no = say(b"%d no\r\n" % code)
    with mode.server({"greeting": [as_usual, no, no]}, messages=1) as server:
        told = house.send(smtp(server.port), connections=connections, patience=5)
        assert told.error is None
        assert (accepted(server), house.states()) == (ONE_EACH, ALL_SENT)
        assert [house.attempts(name) for name in ONE_EACH] == [[(1, "sent", "", 0)]] * 3
        assert len(house.clock.slept) >= 5


@pytest.mark.parametrize(
    ("answer", "passing"),
    [
        (b"421 4.7.0 later\r\n", True),
        (b"454 4.7.0 temporary failure\r\n", True),
        (b"451 4.3.0 later\r\n", True),
        (b"535 5.7.8 wrong password\r\n", False),
        (b"534 5.7.9 too weak\r\n", False),
        (b"530 5.7.0 TLS first\r\n", False),
        (b"554 5.7.1 no\r\n", False),
    ],
    ids=lambda value: value.decode()[:3] if isinstance(value, bytes) else None,
)
def test_f06_an_answer_to_auth_touches_no_row_and_only_4xx_may_pass(
    house: House, answer: bytes, passing: bool
) -> None:
    with LOCKSTEP.server({"AUTH": say(answer)}) as server:
        login = replace(relay(server.port), username="paper", password="sesame")
        told = house.send(SmtpBackend(login), patience=30)
        assert isinstance(told.error, Unavailable)
        assert (told.error.phase, told.error.code, told.error.passing) == ("AUTH", int(answer[:3]), passing)
        assert (house.states(), house.attempts("ada")) == (ALL_OWED, [])
        assert house.send(SmtpBackend(login)).error is None
        assert accepted(server) == ONE_EACH


# ---- about one message, the second of three on its connection ----

DEFERRED, REFUSED = ("deferred", "owed"), ("refused", "refused")


@pytest.mark.parametrize(
    ("step", "answer", "outcome", "visits"),
    [
        ("MAIL", "450 4.7.1 slow down", DEFERRED, 1),
        ("MAIL", "451 4.3.0 trouble", DEFERRED, 1),
        ("MAIL", "452 4.3.1 full", DEFERRED, 1),
        ("RCPT", "421 4.7.0 later", DEFERRED, 2),
        ("RCPT", "450 4.2.0 greylisted", DEFERRED, 1),
        ("RCPT", "451 4.7.1 greylisted", DEFERRED, 1),
        ("RCPT", "452 4.5.3 too many", DEFERRED, 1),
        ("RCPT", "552 5.2.2 mailbox full", DEFERRED, 1),
        ("RCPT", "550 5.1.1 no such user", REFUSED, 1),
        ("RCPT", "551 5.1.6 user has moved", REFUSED, 1),
        ("RCPT", "553 5.1.3 bad address", REFUSED, 1),
        ("RCPT", "550 no such user", REFUSED, 1),
        ("RCPT", "550 5.7.1 policy", DEFERRED, 1),
        ("RCPT", "554 5.7.1 relay access denied", DEFERRED, 1),
        ("RCPT", "503 5.5.1 bad sequence", DEFERRED, 1),
        ("DATA", "421 4.3.2 later", DEFERRED, 2),
        ("DATA", "450 4.2.0 later", DEFERRED, 1),
        ("DATA", "451 4.3.0 trouble", DEFERRED, 1),
        ("DATA", "452 4.3.1 full", DEFERRED, 1),
        ("DATA", "550 5.7.1 policy", DEFERRED, 1),
        ("DATA", "554 5.7.1 no", DEFERRED, 1),
        ("DATA", "552 5.3.4 too large", REFUSED, 1),
        ("DATA", "250 what", DEFERRED, 2),
        ("dot", "421 4.3.2 later", DEFERRED, 2),
        ("dot", "450 4.2.0 later", DEFERRED, 1),
        ("dot", "451 4.3.0 trouble", DEFERRED, 1),
        ("dot", "452 4.3.1 full", DEFERRED, 1),
        ("dot", "550 5.1.1 no such user", REFUSED, 1),
        ("dot", "552 5.3.4 too large", REFUSED, 1),
        ("dot", "554 5.6.0 no", REFUSED, 1),
        ("dot", "554 5.7.1 spam", DEFERRED, 1),
    ],
    ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else None,
)
def test_f06_an_answer_about_one_message_settles_it_or_puts_it_off_and_the_others_go_on(
    house: House, mode: Mode, step: str, answer: str, outcome: tuple[str, str], visits: int
) -> None:
    noted, state = outcome
    attempt = (1, noted, step, int(answer[:3]))
    with mode.server({step: [as_usual, say(answer.encode() + b"\r\n")]}) as server:
        told = house.send(smtp(server.port))
        assert told.error is None
        assert dict(told.news) == {"ada": "sent", "bea": noted, "cleo": "sent"}
        assert house.states() == {"ada": "sent", "bea": state, "cleo": "sent"}
        assert house.attempts("bea") == [attempt]
        assert house.last("bea") == (f"127.0.0.1:{server.port}" if step == "dot" else "", answer)
        assert (accepted(server), len(server.visits)) == ({"ada": 1, "cleo": 1}, visits)

        assert house.later(smtp(server.port), minutes=4).news == []
        told = house.later(smtp(server.port), minutes=2)
        if state == "refused":
            assert (told.news, house.attempts("bea")) == ([], [attempt])
        else:
            assert (told.news, house.states()) == ([("bea", "sent")], ALL_SENT)
            assert house.attempts("bea") == [attempt, (2, "sent", "", 0)]
            assert accepted(server) == ONE_EACH
        assert server.homeless == []


@pytest.mark.parametrize("answer", ["550 5.7.1 not you", "552 5.3.4 too large", "554 no", "530 5.7.0 log in"])
def test_f06_5xx_to_mail_is_about_us_and_ends_the_run_with_everybody_else_owed(
    house: House, mode: Mode, answer: str
) -> None:
    with mode.server({"MAIL": [as_usual, say(answer.encode() + b"\r\n")]}) as server:
        told = house.send(smtp(server.port), patience=30)
        assert isinstance(told.error, Unavailable)
        assert (told.error.reply, told.error.passing, told.error.exit_code) == (answer, False, 75)
        assert house.states() == {"ada": "sent", "bea": "owed", "cleo": "owed"}
        assert house.attempts("bea") == []
        assert house.later(smtp(server.port), minutes=0).error is None
        assert (accepted(server), house.states()) == (ONE_EACH, ALL_SENT)


def test_f06_421_to_a_later_mail_costs_a_connection_and_no_reader_anything(house: House, mode: Mode) -> None:
    with mode.server({"MAIL": [as_usual, say(b"421 4.4.2 enough for today\r\n")]}) as server:
        assert house.send(smtp(server.port)).error is None
        assert (accepted(server), len(server.visits)) == (ONE_EACH, 2)
        assert house.attempts("bea") == [(1, "sent", "", 0)]


def test_f06_421_to_the_first_mail_of_a_connection_puts_its_reader_off(house: House, mode: Mode) -> None:
    with mode.server({"MAIL": say(b"421 4.3.2 later\r\n")}) as server:
        assert house.send(smtp(server.port)).error is None
        assert house.states() == {"ada": "owed", "bea": "sent", "cleo": "sent"}
        assert house.attempts("ada") == [(1, "deferred", "MAIL", 421)]
        assert house.last("ada") == ("", "421 4.3.2 later")
        assert house.later(smtp(server.port)).news == [("ada", "sent")]
        assert accepted(server) == ONE_EACH


def test_f06_354_after_a_refused_recipient_gets_no_text(house: House, mode: Mode) -> None:
    acts: dict[str, Act] = {
        "RCPT bea@example.org": say(b"550 5.1.1 no such user\r\n"),
        "DATA bea@example.org": say(b"354 go\r\n"),
    }
    with mode.server(acts) as server:
        assert house.send(smtp(server.port)).error is None
        assert house.states() == {"ada": "sent", "bea": "refused", "cleo": "sent"}
        assert house.attempts("bea") == [(1, "refused", "RCPT", 550)]
        assert (copies(server), server.homeless) == ({"ada": 1, "cleo": 1}, [])


def test_f06_an_objection_to_us_is_taken_at_its_word_the_second_time(house: House, mode: Mode) -> None:
    with mode.server({"RCPT bea@example.org": always(say(b"550 5.7.1 policy\r\n"))}) as server:
        assert house.send(smtp(server.port), patience=30).error is None
        assert house.states() == {"ada": "sent", "bea": "refused", "cleo": "sent"}
        assert house.attempts("bea") == [(1, "deferred", "RCPT", 550), (2, "refused", "RCPT", 550)]
        assert house.clock.now == START + timedelta(minutes=5)


def test_f06_ten_objections_to_us_in_a_row_end_the_run_and_nobody_is_marked_for_it(
    tmp_path: Path, mode: Mode
) -> None:
    names = [f"reader{number:02}" for number in range(15)]
    build(tmp_path, names)
    house = House(tmp_path)
    with mode.server({"RCPT": always(say(b"554 5.7.1 blocked\r\n"))}) as server:
        told = house.send(smtp(server.port), patience=30)
        assert isinstance(told.error, Unavailable)
        assert not told.error.passing
        assert told.error.message == "10 messages in a row were blocked, the last with '554 5.7.1 blocked'"
        assert set(house.states().values()) == {"owed"}
        assert [len(house.attempts(name)) for name in names] == [1] * 10 + [0] * 5
        assert server.received == []
    house.close()


def test_f06_gmails_slow_down_stops_ten_minutes_and_goes_on_with_one_connection(
    tmp_path: Path, mode: Mode
) -> None:
    names = [f"reader{number:02}" for number in range(20)]
    build(tmp_path, names)
    house = House(tmp_path)
    before: list[list[Visit]] = []

    slow_down = [*[as_usual] * 5, say(b"421 4.7.28 too many messages\r\n")]
    with mode.server({"dot": slow_down}) as server:
        house.clock.then = lambda: before.append(list(server.visits))
        told = house.send(smtp(server.port), connections=4, patience=30)
        assert told.error is None
        assert set(house.states().values()) == {"sent"}
        assert accepted(server) == dict.fromkeys(names, 1)
        assert len(before) == 600
        after = [visit for visit in server.visits if visit not in before[0]]
        used = [visit for visit in after if any(line.startswith(b"MAIL") for line in visit.lines)]
        assert len(used) == 1
    house.close()
