"""docs/scale.md says what its sums say, and its sums are right."""

import math
from pathlib import Path

from tests.bench import capacity
from tests.bench.size_up import Measured, Wish, lasting, measured, need, octets, written
from tests.cluster import needs_server, running
from tests.conftest import ROOT

PAGE = (ROOT / "docs/scale.md").read_text(encoding="utf-8")
ROUND = Measured(
    list_bytes=500,
    issue_bytes=400,
    freeze_wal=300,
    write_wal=700,
    freeze_rate=50_000,
    plan_rate=100_000,
    write_rate=5_000,
    tally_rate=1_000_000,
    report_rate=200_000,
    delete_rate=250_000,
)


def test_the_tables_of_the_page_are_those_that_the_sums_give() -> None:
    assert written(PAGE) == PAGE, "to write them anew: python -m tests.bench.size_up --write"


def test_a_million_readers_within_the_hour() -> None:
    found = need(Wish(readers=1_000_000, kilobytes=45), ROUND)
    assert round(found.per_second, 1) == 277.8
    assert found.workers == 1
    assert round(found.megabits) == 100
    assert found.orange == 150_000
    assert found.addresses == 2
    assert found.ramp_days == 17
    assert (found.list_size, found.issue_size, found.month_size) == (5e8, 4e8, 8.4e9)
    assert found.wal == 1e9
    assert (found.freeze, found.plan, found.books) == (20, 10, 200)
    assert (found.tally, found.report, found.forget) == (1, 5, 4)


def test_in_half_the_time_it_takes_twice_as_much_of_all_that_is_done_at_once() -> None:
    slow = need(Wish(readers=10_000_000, hours=2), ROUND)
    fast = need(Wish(readers=10_000_000, hours=1), ROUND)
    assert (slow.workers, fast.workers) == (3, 6)
    assert (slow.addresses, fast.addresses) == (8, 15)
    assert fast.megabits == 2 * slow.megabits
    assert fast.wal == slow.wal


def test_a_relay_that_signs_saves_workers() -> None:
    assert need(Wish(readers=10_000_000, signed=False), ROUND).workers == 2


def test_addresses_that_need_no_ramp_have_one_day() -> None:
    assert need(Wish(readers=900), ROUND).ramp_days == 1


def test_sizes_and_times_in_words() -> None:
    assert [octets(size) for size in (4_000, 85.4e6, 8.45e9, 1.02e12)] == [
        "4.0 kB",
        "85 MB",
        "8.4 GB",
        "1.0 TB",
    ]
    assert [lasting(each) for each in (0.4, 25, 119, 247, 9000)] == [
        "under a second",
        "25 s",
        "120 s",
        "4.1 min",
        "2.5 h",
    ]


def test_a_small_run_has_all_that_the_sums_need(tmp_path: Path) -> None:
    needs_server()
    kept = tmp_path / "scale.json"
    words = ["--readers", "3000", "--sample", "1000", "--hands", "4x10", "--keep", str(kept)]
    with running() as cluster:
        capacity.measure(cluster, capacity.read_options(words))
    found = measured(kept)
    assert 200 < found.list_bytes < 2000
    assert 200 < found.issue_bytes < 2000
    assert math.isfinite(found.write_rate)
