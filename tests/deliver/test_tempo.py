"""The tempo that many runs keep together."""

import pytest

from newsletter.deliver.tempo import Together


class Row:
    """The row of places as its keeper has it, by a clock of its own."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.next = 0.0
        self.asked: list[float] = []

    def reserve(self, seconds: float) -> float:
        self.asked.append(seconds)
        begin = max(self.next, self.now)
        self.next = begin + seconds
        return begin - self.now


def begin(tempo: Together, now: float) -> bool:
    """Begin a message if that may be."""
    if tempo.wait(now) > 0:
        return False
    tempo.begin(now)
    return True


def test_one_run_alone_gets_place_after_place() -> None:
    row = Row()
    tempo = Together(100, row.reserve)
    begun = []
    for tick in range(1000):
        row.now = 1000 + tick / 1000
        if begin(tempo, tick / 1000):
            begun.append(tick)
    assert begun[:4] == [0, 11, 21, 32]
    assert 90 <= len(begun) <= 96  # places are a twentieth further apart than they need be


def test_few_places_are_reserved_in_one_go() -> None:
    row = Row()
    tempo = Together(400, row.reserve)
    assert begin(tempo, 0.0)
    assert row.asked == [pytest.approx(8 * 1.05 / 400)]


def test_a_slow_pace_reserves_one_place_at_a_time() -> None:
    row = Row()
    tempo = Together(0.5, row.reserve)
    assert begin(tempo, 0.0)
    assert row.asked == [2.1]
    assert tempo.wait(0.0) == pytest.approx(2.1)


def test_three_runs_together_are_never_faster_than_they_may_and_use_most_places() -> None:
    row = Row()
    runs = [Together(300, row.reserve) for _ in range(3)]
    begun = []
    for tick in range(4000):
        row.now = 1000 + tick / 1000
        for number, run in enumerate(runs):
            while begin(run, number * 77 + tick / 1000):  # their clocks do not agree
                begun.append(tick)
    for second in range(0, 3000, 10):
        assert sum(second <= tick < second + 1000 for tick in begun) <= 300
    assert len(begun) >= 4 * 300 * 0.94


def test_where_nobody_can_tell_for_now_it_is_asked_again_a_second_later() -> None:
    answers = iter([None, 0.0])
    tempo = Together(10, lambda seconds: next(answers))
    assert tempo.wait(0.0) == 1.0
    assert begin(tempo, 1.0)


def test_a_run_that_was_held_up_does_not_catch_up() -> None:
    row = Row()
    tempo = Together(100, row.reserve)
    assert begin(tempo, 0.0)
    row.now = 1005.0
    begun = 0
    while begin(tempo, 5.0):
        begun += 1
    assert begun == 1


def test_a_clock_that_is_put_back_stops_nobody() -> None:
    row = Row()
    tempo = Together(10, row.reserve)
    assert begin(tempo, 86_400.0)
    row.now = 1001.0
    assert tempo.wait(0.0) <= 0.1
