"""When a run must not go on, and when it must (delivery.md R10)."""

from datetime import UTC, datetime

from newsletter.deliver.breaker import Breaker
from newsletter.errors import Unavailable
from newsletter.model import Delivery, Outcome, Reader

READER = Reader(id="r", email="zoe@example.org")


def delivery(
    outcome: Outcome, *, detail: str = "", host: str = "mx.example:25", committed: bool = True
) -> Delivery:
    return Delivery(
        recipient=READER,
        outcome=outcome,
        number=1,
        at=datetime(2026, 11, 23, 6, 0, tzinfo=UTC),
        committed=committed,
        detail=detail,
        host=host,
    )


SENT = (delivery(Outcome.SENT), False)
UNKNOWN = (delivery(Outcome.REFUSED, detail="550 5.1.1 who?", committed=False), False)
LATER = (delivery(Outcome.DEFERRED, detail="450 4.2.0 greylisted", committed=False), False)
BLOCKED = (delivery(Outcome.DEFERRED, detail="550 5.7.1 listed", committed=False), True)
TAKEN_AT_ITS_WORD = (delivery(Outcome.REFUSED, detail="550 5.7.1 listed", committed=False), True)
DOUBT = (delivery(Outcome.IN_DOUBT, detail="no answer to dot: time was up"), False)
DECLINED = (delivery(Outcome.DEFERRED, detail="451 4.3.0 later"), False)
WITHHELD = (delivery(Outcome.WITHHELD, detail="eai_unsupported", committed=False), False)


def first_stop(breaker: Breaker, *each: tuple[Delivery, bool]) -> tuple[int, Unavailable | None]:
    """After how many the run must end, counted from 1, and why."""
    for number, one in enumerate(each, 1):
        if error := breaker.see([one]):
            return number, error
    return 0, None


def test_ten_in_a_row_that_are_blocked_end_the_run_and_the_last_is_quoted() -> None:
    number, error = first_stop(Breaker(10), *[BLOCKED] * 20)
    assert number == 10
    assert error is not None
    assert str(error) == (
        "mx.example:25: 10 messages in a row were blocked, the last with '550 5.7.1 listed'"
    )
    assert error.hint == "see what was said, put it right, and send again: nobody else was tried"
    assert not error.passing


def test_one_that_is_sent_begins_the_row_anew_and_one_about_a_reader_does_not() -> None:
    assert first_stop(Breaker(10), *[BLOCKED] * 9, SENT, *[BLOCKED] * 9) == (0, None)
    assert first_stop(Breaker(10), *[BLOCKED, UNKNOWN, LATER, WITHHELD, DOUBT] * 10)[0] == 46
    assert first_stop(Breaker(10), *[TAKEN_AT_ITS_WORD] * 10)[0] == 10


def test_more_than_a_third_of_the_last_hundred_turned_away_end_the_run() -> None:
    third = [SENT, SENT, UNKNOWN] * 33 + [SENT]
    number, error = first_stop(Breaker(10), *third, UNKNOWN)
    assert number == 101
    assert error is not None
    assert error.message == ("34 of the last 100 messages were turned away, the last with '550 5.1.1 who?'")


def test_fewer_are_borne_for_ever_and_readers_to_be_tried_later_count_for_nothing() -> None:
    ten = [SENT, SENT, UNKNOWN, SENT, SENT, UNKNOWN, SENT, SENT, UNKNOWN, SENT]
    assert first_stop(Breaker(10), *[each for one in ten * 100 for each in (LATER, one, WITHHELD)]) == (
        0,
        None,
    )


def test_the_first_readers_on_an_old_list_may_all_be_unknown_without_ending_a_small_run() -> None:
    assert first_stop(Breaker(10), *[UNKNOWN] * 99) == (0, None)
    assert first_stop(Breaker(10), *[UNKNOWN] * 100)[0] == 100


def test_a_carrier_that_takes_and_never_answers_ends_the_run_before_all_are_in_doubt() -> None:
    number, error = first_stop(Breaker(1), *[DOUBT] * 100)
    assert number == 12
    assert error is not None
    assert error.message == (
        "12 messages in a row were taken without an answer, the last with 'no answer to dot: time was up'"
    )
    assert first_stop(Breaker(20), *[DOUBT] * 100)[0] == 50


def test_a_restart_on_every_connection_is_no_reason_to_stop() -> None:
    assert first_stop(Breaker(20), *[DOUBT] * 20, *[SENT] * 5, *[DOUBT] * 40) == (0, None)


def test_any_answer_to_a_message_ends_the_row_of_doubts_and_one_to_an_address_does_not() -> None:
    assert first_stop(Breaker(1), *[*[DOUBT] * 11, DECLINED] * 5) == (0, None)
    assert first_stop(Breaker(1), *[DOUBT, LATER, WITHHELD] * 12)[0] == 34


def test_many_in_one_turn_are_seen_one_after_the_other() -> None:
    breaker = Breaker(10)
    assert breaker.see([BLOCKED] * 9) is None
    assert breaker.see([SENT, *[BLOCKED] * 9]) is None
    assert breaker.see([BLOCKED, SENT]) is not None


def test_after_a_stop_the_count_begins_anew() -> None:
    for one, number in ((BLOCKED, 10), (DOUBT, 12), (UNKNOWN, 100)):
        breaker = Breaker(1)
        assert first_stop(breaker, *[one] * number)[0] == number
        assert first_stop(breaker, *[one] * number)[0] == number
