"""How fast messages may begin, and in which order, so that a slow domain holds up nobody else."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from newsletter.deliver import pace as module
from newsletter.deliver.pace import Pace, Queue
from newsletter.model import Owed, Reader
from newsletter.ways import Limit

START = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
ANY = Limit(connections=1000)


def owed(number: int, domain: str = "example.org", due: int = 0) -> Owed:
    reader = Reader(id=f"{number:04}", email=f"reader{number}@{domain}")
    return Owed(reader=reader, tries=0, due=due)


class Pages:
    """Readers in pages of three, as the ledger gives them; `asked` is after whom."""

    def __init__(self, *readers: Owed) -> None:
        self.readers = list(readers)
        self.asked: list[str] = []

    def __call__(self, last: Owed | None) -> Sequence[Owed]:
        self.asked.append(last.reader.id if last else "")
        return [one for one in self.readers if not last or one.reader.id > last.reader.id][:3]


class Clock:
    def __init__(self) -> None:
        self.now = START

    def take_all(self, queue: Queue, *, end_after: float | None = None) -> list[tuple[float, str]]:
        """Take until nobody is left; who was taken and when, in seconds from the start.

        With `end_after` each message is on its way for so many seconds.
        """
        taken: list[tuple[float, str]] = []
        under_way: list[tuple[datetime, Owed]] = []
        while True:
            while under_way and under_way[0][0] <= self.now:
                queue.end(under_way.pop(0)[1])
            found = queue.take(self.now)
            if found is None:
                return taken
            if isinstance(found, Owed):
                taken.append(((self.now - START).total_seconds(), found.reader.id))
                if end_after is None:
                    queue.end(found)
                else:
                    under_way.append((self.now + timedelta(seconds=end_after), found))
                continue
            assert found > 0
            self.now += timedelta(seconds=found)


# ---- a pace ----


def test_without_a_limit_nobody_waits() -> None:
    pace = Pace(Limit(per_second=0, connections=3))
    for _ in range(3):
        assert pace.wait(100.0) == 0
        pace.begin(100.0)


def test_so_many_in_a_second_begin_and_what_was_missed_is_not_made_up() -> None:
    pace = Pace(Limit(per_second=4))
    pace.begin(100.0)
    assert pace.wait(100.0) == 0.25
    assert pace.wait(100.25) == 0
    assert pace.wait(160.0) == 0
    pace.begin(160.0)
    assert pace.wait(160.0) == 0.25


def test_no_more_are_on_their_way_than_may_be() -> None:
    pace = Pace(Limit(connections=2))
    pace.begin(100.0)
    pace.begin(100.0)
    assert pace.wait(100.0) == 1
    assert pace.wait(200.0) == 1
    pace.end()
    assert pace.wait(200.0) == 0


@pytest.mark.parametrize("jump", [-86_400.0, -3600.0, 86_400.0])
def test_a_clock_that_is_set_otherwise_stops_nobody(jump: float) -> None:
    pace = Pace(Limit(per_second=2))
    pace.begin(1_700_000_000.0)
    now = 1_700_000_000.0 + jump
    assert pace.wait(now) == 0
    pace.begin(now)
    assert pace.wait(now) == 0.5


# ---- a queue ----


def test_readers_come_in_order_each_once_a_page_at_a_time() -> None:
    pages = Pages(*(owed(n) for n in range(1, 8)))
    taken = Clock().take_all(Queue(pages, Pace(ANY), {}))
    assert taken == [(0.0, f"{n:04}") for n in range(1, 8)]
    assert pages.asked == ["", "0003", "0006", "0007"]


def test_an_empty_queue_is_asked_once() -> None:
    pages = Pages()
    queue = Queue(pages, Pace(ANY), {})
    assert [queue.take(START), queue.take(START)] == [None, None]
    assert pages.asked == [""]


def test_the_pace_of_all_is_kept() -> None:
    queue = Queue(Pages(*(owed(n) for n in range(1, 6))), Pace(Limit(per_second=2, connections=10)), {})
    assert [at for at, _ in Clock().take_all(queue)] == [0.0, 0.5, 1.0, 1.5, 2.0]


def test_who_has_to_wait_for_the_pace_is_not_lost() -> None:
    queue = Queue(Pages(owed(1), owed(2)), Pace(Limit(per_second=1)), {})
    first = queue.take(START)
    assert isinstance(first, Owed)
    assert [queue.take(START), queue.take(START)] == [1.0, 1.0]
    second = queue.take(START + timedelta(seconds=1))
    assert isinstance(second, Owed)
    assert [first.reader.id, second.reader.id] == ["0001", "0002"]


def test_a_slow_domain_keeps_its_pace_and_holds_up_nobody_else() -> None:
    readers = [owed(n, "Slow.example" if n % 2 else "fast.example") for n in range(1, 9)]
    queue = Queue(Pages(*readers), Pace(ANY), {"slow.example": Pace(Limit(per_second=2))})
    taken = Clock().take_all(queue)
    assert [one for one in taken if one[0] == 0] == [
        (0.0, "0001"),
        (0.0, "0002"),
        (0.0, "0004"),
        (0.0, "0006"),
        (0.0, "0008"),
    ]
    assert taken[5:] == [(0.5, "0003"), (1.0, "0005"), (1.5, "0007")]


def test_each_domain_has_a_pace_of_its_own_under_that_of_all() -> None:
    domains = {"a.example": Pace(Limit(per_second=1)), "b.example": Pace(Limit(per_second=2))}
    readers = [owed(n, ("a.example", "b.example", "c.example")[n % 3]) for n in range(12)]
    at_of: dict[str, list[float]] = {"a.example": [], "b.example": [], "c.example": []}
    everybody: list[float] = []
    for at, reader_id in Clock().take_all(Queue(Pages(*readers), Pace(Limit(per_second=4)), domains)):
        at_of[readers[int(reader_id)].reader.email.partition("@")[2]].append(at)
        everybody.append(at)
    assert {name: len(at) for name, at in at_of.items()} == {"a.example": 4, "b.example": 4, "c.example": 4}
    gaps = {name: min(b - a for a, b in pairwise(at)) for name, at in at_of.items()}
    # The clock has microseconds, and datetimes round.
    assert gaps["a.example"] >= 0.99999
    assert gaps["b.example"] >= 0.49999
    assert min(b - a for a, b in pairwise(everybody)) >= 0.24999


def test_a_domain_has_no_more_on_their_way_than_may_be() -> None:
    readers = [owed(n, "slow.example") for n in range(1, 6)] + [owed(6, "fast.example")]
    queue = Queue(Pages(*readers), Pace(ANY), {"slow.example": Pace(Limit(connections=2))})
    taken = Clock().take_all(queue, end_after=1.0)
    assert taken == [
        (0.0, "0001"),
        (0.0, "0002"),
        (0.0, "0006"),
        (1.0, "0003"),
        (1.0, "0004"),
        (2.0, "0005"),
    ]


def test_no_more_than_so_many_are_put_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PARKED", 4)
    readers = [owed(n, "slow.example") for n in range(1, 10)] + [owed(10, "fast.example")]
    pages = Pages(*readers)
    queue = Queue(pages, Pace(ANY), {"slow.example": Pace(Limit(per_second=1))})
    first = queue.take(START)
    assert isinstance(first, Owed)
    assert queue.take(START) == 1.0
    assert pages.asked == ["", "0003"]
    queue.end(first)
    taken = [reader_id for _, reader_id in Clock().take_all(queue)]
    assert sorted(taken) == [f"{n:04}" for n in range(2, 11)]
    assert taken.index("0010") < 8


def test_again_begins_at_the_first_one_and_passes_over_whoever_is_on_their_way() -> None:
    pages = Pages(*(owed(n) for n in range(1, 6)))
    queue = Queue(pages, Pace(ANY), {})
    on_their_way = [queue.take(START) for _ in range(2)]
    assert all(isinstance(one, Owed) for one in on_their_way)
    queue.again()
    taken = [reader_id for _, reader_id in Clock().take_all(queue)]
    assert taken == ["0003", "0004", "0005"]
    for one in on_their_way:
        assert isinstance(one, Owed)
        queue.end(one)
    queue.again()
    assert [reader_id for _, reader_id in Clock().take_all(queue)] == [f"{n:04}" for n in range(1, 6)]


def test_again_forgets_who_was_put_aside_or_held_since_they_come_again() -> None:
    readers = [owed(n, "slow.example") for n in range(1, 4)] + [owed(4, "fast.example")]
    queue = Queue(
        Pages(*readers),
        Pace(Limit(per_second=10)),
        {"slow.example": Pace(Limit(per_second=5, connections=9))},
    )
    first = queue.take(START)
    assert isinstance(first, Owed)
    assert isinstance(queue.take(START), float)  # 0004 is held for the pace, 0002 and 0003 are put aside
    queue.again()
    queue.end(first)
    taken = [reader_id for _, reader_id in Clock().take_all(queue)]
    assert sorted(taken) == ["0001", "0002", "0003", "0004"]


def test_readers_who_fall_due_later_are_found_again() -> None:
    pages = Pages(owed(1), owed(2))
    queue = Queue(pages, Pace(ANY), {})
    assert len(Clock().take_all(queue)) == 2
    pages.readers = [owed(2, due=300)]
    assert queue.take(START) is None
    queue.again()
    assert [reader_id for _, reader_id in Clock().take_all(queue)] == ["0002"]
