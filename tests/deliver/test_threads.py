"""Many plain backends at once, a thread each: one commit for all that are ready, whatever plug-ins forget."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from newsletter.deliver.backends.memory import MemoryBackend
from newsletter.deliver.threads import Threads
from newsletter.errors import Deferred, NewsletterError, Refused, StoreError, Unavailable, Vetoed
from newsletter.model import Commit, Message, Outcome, Publication, State
from newsletter.readers.database import Database
from tests.deliver.house import KEY, START, House, WatchedLedger
from tests.readers.conftest import leaves

MANY = tuple(f"reader{number:02}@example.org" for number in range(40))
THREE = ("ada@example.org", "bea@example.org", "cleo@example.org")


Do = Callable[[str, Callable[[], None]], str | None]


def as_usual(_name: str, commit: Callable[[], None]) -> str:
    commit()
    return "taken"


class Line(MemoryBackend):
    """A backend that shares its mailbox with others, and does what a test says on the way."""

    def __init__(
        self,
        mailbox: list[str],
        do: Do = as_usual,
        opening: BaseException | None = None,
    ) -> None:
        super().__init__()
        self.mailbox = mailbox
        self.do: Do = do
        self.opening = opening
        self.opened = self.closed = 0

    def open(self) -> None:
        self.opened += 1
        if self.opening:
            raise self.opening

    def send(self, message: Message, commit: Callable[[], None]) -> str:
        name = message.recipient.partition("@")[0]
        receipt = self.do(name, commit)
        self.messages.append(message)
        self.mailbox.append(name)
        return receipt  # type: ignore[return-value]

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database.open("sqlite:///n.db", tmp_path, durable=False) as opened:
        yield opened


@pytest.fixture
def house(database: Database, publication: Publication) -> House:
    return House(database, publication, MANY)


@pytest.fixture
def three(database: Database, publication: Publication) -> House:
    return House(database, publication, THREE)


def lines(count: int, mailbox: list[str], do: Do = as_usual) -> list[Line]:
    return [Line(mailbox, do) for _ in range(count)]


def raised(house: House, *backends: Line, patience: int = 0) -> NewsletterError:
    with pytest.raises(NewsletterError) as error:
        list(house.run(Threads(backends), patience=patience))
    return error.value


def wait_until(true: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 5
    while not true():
        assert time.monotonic() < give_up, "it did not come true"
        time.sleep(0.005)


# ---- in good order ----


def test_everybody_gets_one_copy_and_what_is_ready_together_is_committed_together(house: House) -> None:
    mailbox: list[str] = []
    house.ledger = ledger = WatchedLedger(house.database, lambda *_: time.sleep(0.02))
    backends = lines(8, mailbox)
    assert Counter(delivery.outcome for delivery in house.run(Threads(backends))) == {Outcome.SENT: 40}
    assert sorted(mailbox) == sorted(house.states())
    assert all(backend.messages for backend in backends)
    assert sum(len(commits) for _, commits in ledger.turns) == 40
    assert max(len(commits) for _, commits in ledger.turns) >= 4
    assert len(ledger.turns) < 30
    assert house.ledger.tally(KEY).done


def test_each_backend_is_used_by_one_thread_at_a_time(house: House) -> None:
    at_work: Counter[int] = Counter()
    overlaps: list[int] = []
    threads: dict[int, set[int]] = {}

    def worker(number: int) -> Line:
        def do(_name: str, commit: Callable[[], None]) -> str:
            at_work[number] += 1
            overlaps.append(at_work[number])
            threads.setdefault(number, set()).add(threading.get_ident())
            commit()
            time.sleep(0.001)
            at_work[number] -= 1
            return "taken"

        return Line([], do)

    list(house.run(Threads([worker(number) for number in range(6)])))
    assert set(overlaps) == {1}
    assert [len(idents) for idents in threads.values()] == [1] * 6


def test_a_short_run_opens_no_more_than_it_has_messages(three: House) -> None:
    backends = lines(8, [])
    list(three.run(Threads(backends)))
    assert [backend.opened for backend in backends] == [backend.closed for backend in backends]
    assert sum(backend.opened for backend in backends) <= 3


def test_no_more_are_used_than_there_may_be_connections(house: House) -> None:
    backends = lines(5, [])
    list(house.run(Threads(backends), connections=2))
    assert [backend.opened for backend in backends] == [1, 1, 0, 0, 0]
    assert all(backend.closed == backend.opened for backend in backends)


def test_threads_end_with_the_run(house: House) -> None:
    before = threading.active_count()
    list(house.run(Threads(lines(8, []))))
    wait_until(lambda: threading.active_count() <= before)


def test_they_can_be_opened_again_after_they_were_closed(house: House) -> None:
    carrier = Threads(lines(3, []))
    for delivery in house.run(carrier):
        house.stop = delivery.outcome is Outcome.SENT
    house.stop = False
    list(house.run(carrier))
    assert house.ledger.tally(KEY).sent == 40


# ---- vetoes and troubles of one ----


def test_those_who_leave_at_the_last_moment_are_left_out_of_their_group(house: House) -> None:
    leavers = {f"reader{number:02}" for number in range(0, 40, 3)}

    def leave(name: str, commit: Callable[[], None]) -> str:
        if name in leavers:
            leaves(house.readers, f"{name}@example.org", START)
        commit()
        return "taken"

    mailbox: list[str] = []
    outcomes = Counter(d.outcome for d in house.run(Threads(lines(6, mailbox, do=leave))))
    assert outcomes == {Outcome.SENT: 26, Outcome.WITHHELD: 14}
    assert not leavers & set(mailbox)
    assert house.ledger.tally(KEY).withheld == {"left": 14}


def test_each_ones_trouble_is_its_own(house: House) -> None:
    def moody(name: str, commit: Callable[[], None]) -> str:
        if name.endswith("3"):
            raise Refused("no", code=550, reply="550 5.1.1 who?")
        commit()
        if name.endswith("7"):
            raise Deferred("later", code=451, reply="451 4.3.0 later")
        return "taken"

    mailbox: list[str] = []
    list(house.run(Threads(lines(6, mailbox, do=moody))))
    tally = house.ledger.tally(KEY)
    assert (tally.sent, tally.refused, tally.owed, tally.in_doubt) == (32, 4, 4, 0)


# ---- when the carrier is not to be had ----


def failing_at(
    bad: str, error: BaseException, *, committed: bool
) -> Callable[[str, Callable[[], None]], str]:
    left = [error]

    def do(name: str, commit: Callable[[], None]) -> str:
        if name == bad and not committed and left:
            raise left.pop()
        commit()
        if name == bad and left:
            raise left.pop()
        return "taken"

    return do


@pytest.mark.parametrize(
    ("committed", "state"), [(False, State.OWED), (True, State.IN_DOUBT)], ids=["before", "after"]
)
def test_when_one_finds_it_gone_the_others_finish_and_the_run_ends(
    house: House, committed: bool, state: State
) -> None:
    do = failing_at("reader07", Unavailable("gone"), committed=committed)
    error = raised(house, *lines(4, [], do=do))
    assert str(error) == "gone"
    assert house.states()["reader07"] == state
    tally = house.ledger.tally(KEY)
    assert tally.in_doubt == committed
    assert tally.sent >= 4
    assert tally.holds


@pytest.mark.parametrize(
    ("committed", "state"), [(False, State.SENT), (True, State.IN_DOUBT)], ids=["before", "after"]
)
def test_when_it_may_be_over_soon_the_run_goes_on_by_itself(
    house: House, committed: bool, state: State
) -> None:
    mailbox: list[str] = []
    do = failing_at("reader07", Unavailable("busy", passing=True), committed=committed)
    list(house.run(Threads(lines(4, mailbox, do=do)), patience=5))
    assert Counter(mailbox).most_common(1)[0][1] == 1
    states = house.states()
    assert states.pop("reader07") == state
    assert set(states.values()) == {State.SENT}
    assert house.waited[0] == "busy, until 06:00:05"


def test_a_second_connection_that_is_not_to_be_had_for_now_is_done_without(house: House) -> None:
    mailbox: list[str] = []
    backends = lines(4, mailbox)
    backends[1].opening = Unavailable("too many connections", passing=True)
    list(house.run(Threads(backends)))
    assert len(backends[0].messages) == 40
    assert [backend.opened for backend in backends] == [1, 1, 0, 0]


@pytest.mark.parametrize(
    ("opening", "says"),
    [
        (Unavailable("wrong password"), "wrong password"),
        (ValueError("oops"), "the backend failed: ValueError: oops"),
    ],
)
def test_a_second_connection_that_cannot_be_had_ends_the_run_before_the_first_has_sent(
    house: House, opening: BaseException, says: str
) -> None:
    mailbox: list[str] = []
    backends = lines(4, mailbox)
    backends[1].opening = opening
    assert raised(house, *backends).message == says
    tally = house.ledger.tally(KEY)
    assert (tally.owed, mailbox) == (40, [])


def test_a_first_connection_that_cannot_be_had_is_told_at_once(house: House) -> None:
    backends = lines(4, [])
    backends[0].opening = Unavailable("nobody at home")
    assert str(raised(house, *backends)) == "nobody at home"
    assert [backend.opened for backend in backends] == [1, 0, 0, 0]
    assert house.ledger.tally(KEY).owed == 40


# ---- when the ledger is not to be had ----


def test_when_the_ledger_fails_nobody_ready_leaves_and_what_is_known_is_written_later(house: House) -> None:
    def fail(number: int, _commits: Sequence[Commit]) -> None:
        if number in (5, 6):
            raise StoreError("the disk is full")

    house.ledger = WatchedLedger(house.database, fail)
    mailbox: list[str] = []
    error = raised(house, *lines(4, mailbox))
    assert isinstance(error, StoreError)
    tally = house.ledger.tally(KEY)
    assert (tally.sent, tally.in_doubt, tally.owed) == (len(mailbox), 0, 40 - len(mailbox))


def test_ctrl_c_in_the_middle_ends_it_and_lets_nobody_wait_for_ever(house: House) -> None:
    before = threading.active_count()

    def press(number: int, _commits: Sequence[Commit]) -> None:
        if number == 4:
            raise KeyboardInterrupt

    house.ledger = WatchedLedger(house.database, press)
    mailbox: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        list(house.run(Threads(lines(4, mailbox))))
    wait_until(lambda: threading.active_count() <= before)
    tally = house.ledger.tally(KEY)
    assert tally.sent <= len(mailbox) <= tally.sent + tally.in_doubt
    assert tally.holds


# ---- careless plug-ins ----


def no_receipt(_name: str, commit: Callable[[], None]) -> None:
    commit()


def test_one_that_returns_no_receipt_has_sent_all_the_same(three: House) -> None:
    mailbox: list[str] = []
    assert {d.detail for d in three.run(Threads(lines(2, mailbox, do=no_receipt)))} == {""}
    assert sorted(mailbox) == ["ada", "bea", "cleo"]
    assert three.ledger.tally(KEY).done


def test_one_that_commits_twice_is_allowed_to(three: House) -> None:
    def twice(_name: str, commit: Callable[[], None]) -> str:
        commit()
        commit()
        return "taken"

    mailbox: list[str] = []
    list(three.run(Threads(lines(2, mailbox, do=twice))))
    assert three.ledger.tally(KEY).sent == 3


def vetoed_at(
    house: House, then: Callable[[Callable[[], None]], str]
) -> Callable[[str, Callable[[], None]], str]:
    """A backend that does `then` with the commit of a reader who has just left."""

    def do(name: str, commit: Callable[[], None]) -> str:
        if name == "bea":
            leaves(house.readers, "bea@example.org", START)
            return then(commit)
        commit()
        return "taken"

    return do


def test_one_that_makes_something_else_of_a_veto_changes_nothing(three: House) -> None:
    def wrap(commit: Callable[[], None]) -> str:
        try:
            commit()
        except Vetoed as error:
            raise Refused("my own words") from error
        return "taken"

    list(three.run(Threads(lines(2, [], do=vetoed_at(three, wrap)))))
    assert three.states() == {"ada": State.SENT, "bea": State.WITHHELD, "cleo": State.SENT}


def test_one_that_tries_again_after_a_veto_is_told_the_same(three: House) -> None:
    answers: list[str] = []

    def insist(commit: Callable[[], None]) -> str:
        for _ in range(3):
            try:
                commit()
            except Vetoed as error:
                answers.append(str(error))
        raise Refused("I give up")

    list(three.run(Threads(lines(2, [], do=vetoed_at(three, insist)))))
    assert answers == ["withheld"] * 3
    assert three.states()["bea"] == State.WITHHELD


def test_one_that_sends_what_it_must_not_ends_the_run(three: House) -> None:
    def swallow(commit: Callable[[], None]) -> str:
        with suppress(Vetoed):
            commit()
        return "taken all the same"

    error = raised(three, *lines(1, [], do=vetoed_at(three, swallow)))
    assert error.message == "the backend sent a message that must not leave"
    assert error.hint == "tell the backend's author"
    assert three.states() == {"ada": State.SENT, "bea": State.WITHHELD, "cleo": State.OWED}


def test_one_that_never_commits_is_stopped_and_nobody_gets_it_twice(house: House) -> None:
    mailbox: list[str] = []
    error = raised(house, *lines(4, mailbox, do=lambda name, commit: "taken"))
    assert error.message == "the backend sent a message without committing it first"
    assert house.ledger.tally(KEY).sent == len(mailbox)
    list(house.run(Threads(lines(4, mailbox))))
    assert max(Counter(mailbox).values()) == 1
    assert house.ledger.tally(KEY).done


@pytest.mark.parametrize("error", [ValueError("oops"), SystemExit(3), KeyboardInterrupt()])
@pytest.mark.parametrize("committed", [False, True], ids=["before", "after"])
def test_whatever_it_raises_the_row_is_true_and_the_others_finish(
    house: House, error: BaseException, committed: bool
) -> None:
    mailbox: list[str] = []
    told = raised(house, *lines(4, mailbox, do=failing_at("reader05", error, committed=committed)))
    assert told.message == f"the backend failed: {type(error).__name__}: {error}"
    assert house.states()["reader05"] == (State.IN_DOUBT if committed else State.OWED)
    assert house.ledger.tally(KEY).sent == len(mailbox)
