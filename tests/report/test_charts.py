import re

import pytest

from newsletter.report.charts import NARROW, WIDE, Series, columns, line, ticks


def whole(value: float) -> str:
    return f"{value:g}"


DAYS = ["21 Nov", "22 Nov", "23 Nov"]


@pytest.mark.parametrize(
    ("low", "high", "least", "marks"),
    [
        (980, 1170, 1, [950, 1000, 1050, 1100, 1150, 1200]),
        (-23, 41, 1, [-40, -20, 0, 20, 40, 60]),
        (0, 2, 1, [0, 1, 2]),
        (0, 0, 1, [0, 1]),
        (0, 0.0012, 0.0001, [0, 0.0005, 0.001, 0.0015]),
        (0, 0, 0.0001, [0, 0.0001]),
    ],
)
def test_a_scale_has_round_marks_around_all_values(
    low: float, high: float, least: float, marks: list[float]
) -> None:
    assert ticks(low, high, least=least) == marks


def test_a_chart_holds_nothing_but_what_is_seen() -> None:
    drawn = line(DAYS, Series(look="level", values=[990, 1000, 1010]), WIDE, unit=whole)
    assert drawn.startswith('<svg class="drawn" viewBox="0 0 960 250" aria-hidden="true">')
    for unseen in ("<script", "<style", "<!--", "http", "<desc", "<title", "id=", "2026"):
        assert unseen not in drawn
    assert re.findall(r'class="series [^"]*"', drawn) == ['class="series level"'] * 2
    assert drawn.count("<circle") == 3


def test_the_same_numbers_give_the_same_chart() -> None:
    series = [Series(look="joined", values=[3, 0, 2]), Series(look="left", values=[-1, -2, 0])]
    first, second = (columns(DAYS, series, NARROW, unit=whole) for _ in range(2))
    assert first == second


def test_columns_below_zero_hang_down() -> None:
    drawn = columns(DAYS, [Series(look="left", values=[4, -4, 0])], WIDE, unit=whole)
    tops = [float(y) for y in re.findall(r'<rect [^>]* y="([\d.]+)"', drawn)]
    assert tops[0] < tops[1]
    assert len(tops) == 3


def test_a_narrow_chart_has_fewer_labels() -> None:
    days = [f"{day} Nov" for day in range(1, 29)]
    counts = {
        size.name: len(
            re.findall(r">\d+ Nov<", line(days, Series(look="level", values=range(28)), size, unit=whole))
        )
        for size in (WIDE, NARROW)
    }
    assert counts == {"wide": 7, "narrow": 3}
