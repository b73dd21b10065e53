"""Sending over a real ledger: each reader once, each outcome written down, whatever the backend does."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from newsletter.deliver import run as run_module
from newsletter.deliver.backend import Work
from newsletter.deliver.backends.memory import MemoryBackend
from newsletter.deliver.send import send
from newsletter.deliver.threads import Threads
from newsletter.errors import (
    Blocked,
    ContentError,
    Deferred,
    InDoubt,
    Refused,
    StoreError,
    TemplateError,
    Unavailable,
)
from newsletter.model import Commit, Message, Outcome, Publication, Reader, State
from newsletter.readers.addresses import read_address
from newsletter.readers.database import Database
from newsletter.readers.ledger import Ledger
from newsletter.readers.proof import Proof
from newsletter.ways import Limit, Send
from tests.deliver.house import KEY, NAMES, START, House, Moody, WatchedLedger, once, raises
from tests.readers.conftest import leaves


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database.open("sqlite:///n.db", tmp_path, durable=False) as opened:
        yield opened


@pytest.fixture
def house(database: Database, publication: Publication) -> House:
    return House(database, publication)


def test_everybody_gets_the_issue_once_and_a_second_run_sends_nothing(house: House) -> None:
    backend = MemoryBackend()
    assert {delivery.outcome for delivery in house.run(backend)} == {Outcome.SENT}
    assert sorted(message.recipient for message in backend.messages) == [f"{n}@example.org" for n in NAMES]
    again = MemoryBackend()
    assert list(house.run(again)) == []
    assert again.messages == []
    assert house.ledger.tally(KEY).done


@pytest.mark.parametrize(
    ("moment", "error", "state"),
    [
        ("before", Refused("no", code=550, reply="550 5.1.1 unknown"), State.REFUSED),
        ("before", Deferred("later", code=450, reply="450 greylisted"), State.OWED),
        ("after", Refused("no", code=554, reply="554 spam"), State.REFUSED),
        ("after", Deferred("later", code=451, reply="451 later"), State.OWED),
        ("after", InDoubt("who knows", reply="nothing"), State.IN_DOUBT),
    ],
)
def test_one_readers_trouble_is_written_down_and_the_others_go_on(
    house: House, moment: str, error: Exception, state: State
) -> None:
    moody = {"cleo": raises(error)}
    list(house.run(Moody(before=moody) if moment == "before" else Moody(after=moody)))
    assert house.states() == dict.fromkeys(NAMES, State.SENT) | {"cleo": state}
    row = next(row for row in house.ledger.rows(KEY) if row.email.startswith("cleo"))
    assert row.last_detail == getattr(error, "reply", "")
    assert house.ledger.tally(KEY).holds


def test_a_deferred_message_is_tried_again_when_it_is_due_and_not_before(house: House) -> None:
    backend = Moody(before={"cleo": once(raises(Deferred("later")))})
    outcomes = [(d.recipient.name, d.outcome) for d in house.run(backend, patience=30)]
    assert outcomes[-1] == ("cleo", Outcome.SENT)
    assert house.clock.now - START == timedelta(minutes=5)
    assert house.ledger.tally(KEY).done


def test_the_waits_grow_and_the_run_ends_when_its_patience_does(house: House) -> None:
    backend = Moody(before={"cleo": raises(Deferred("later"))})
    list(house.run(backend, patience=60))
    # Tries at 0, 5, 15 and 35 minutes; the next would be at 75.
    assert backend.tried.count("cleo") == 4
    assert house.states()["cleo"] == State.OWED
    due = house.ledger.next_due(KEY)
    assert due == START + timedelta(minutes=75)


def test_the_next_try_is_the_same_bytes(house: House) -> None:
    backend = Moody(after={"cleo": once(raises(Deferred("451 after the dot")))})
    seen: list[bytes] = []
    plain = backend.send

    def watched(message: Message, commit: Callable[[], None]) -> str:
        if message.recipient.startswith("cleo"):
            seen.append(message.content)
        return plain(message, commit)

    backend.send = watched  # type: ignore[method-assign]
    list(house.run(backend, patience=30))
    assert len(seen) == 2
    assert seen[0] == seen[1]


@pytest.mark.parametrize(("moment", "state"), [("before", State.OWED), ("after", State.IN_DOUBT)])
def test_when_the_carrier_is_gone_the_run_stops_and_every_row_is_true(
    house: House, moment: str, state: State
) -> None:
    names: list[str] = []
    gone = raises(Unavailable("gone"))
    backend = Moody(**{moment: {"cleo": gone}})
    with pytest.raises(Unavailable):
        names.extend(delivery.recipient.name for delivery in house.run(backend))
    states = house.states()
    assert states["cleo"] == state
    assert all(
        states[name] == (State.SENT if name in names else State.OWED) for name in NAMES if name != "cleo"
    )
    list(house.run(MemoryBackend()))
    tally = house.ledger.tally(KEY)
    assert (tally.sent, tally.in_doubt, tally.owed) == ((5, 0, 0) if moment == "before" else (4, 1, 0))


@pytest.mark.parametrize(("moment", "state"), [("before", State.OWED), ("after", State.IN_DOUBT)])
def test_a_careless_plug_in_stays_safe(house: House, moment: str, state: State) -> None:
    backend = Moody(**{moment: {"cleo": raises(ValueError("oops"))}})
    with pytest.raises(Unavailable, match="the backend failed: ValueError: oops"):
        list(house.run(backend))
    assert house.states()["cleo"] == state


def test_a_plug_in_that_forgets_to_commit_sends_to_nobody_twice(house: House) -> None:
    class Forgetful(MemoryBackend):
        def send(self, message: Message, commit: Callable[[], None]) -> str:
            return super().send(message, lambda: None)

    with pytest.raises(Unavailable, match="without committing it first"):
        list(house.run(Forgetful()))
    assert house.ledger.tally(KEY).sent == 1
    rest = MemoryBackend()
    list(house.run(rest))
    assert len(rest.messages) == 4


def test_a_reader_who_leaves_during_a_run_gets_nothing_more(house: House) -> None:
    def leave() -> None:
        leaves(house.readers, "cleo@example.org", START)

    backend = Moody(before={"cleo": leave})
    outcomes = {d.recipient.name: (d.outcome, d.detail) for d in house.run(backend)}
    assert outcomes["cleo"] == (Outcome.WITHHELD, "left")
    assert not any(message.recipient.startswith("cleo") for message in backend.messages)
    assert house.ledger.tally(KEY).withheld == {"left": 1}


def test_a_reader_who_signs_up_during_a_run_waits_for_the_next_issue(house: House) -> None:
    def join() -> None:
        house.readers.add(read_address("late@example.org"), proof=Proof(source="test"), now=START)

    backend = Moody(before={"cleo": join})
    list(house.run(backend))
    assert "late" not in backend.tried
    assert house.ledger.tally(KEY).audience == 5


def test_a_row_that_another_run_has_is_passed_over_in_silence(house: House) -> None:
    def commit(ledger: Ledger, reader_id: str) -> None:
        assert not ledger.write(KEY, commits=(Commit(reader_id=reader_id, number=1),), now=START)

    other = Ledger(house.readers._database)
    cleo = house.readers.find(read_address("cleo@example.org"))
    assert cleo
    backend = Moody(before={"cleo": once(lambda: commit(other, cleo.id))})
    names = [delivery.recipient.name for delivery in house.run(backend)]
    assert sorted(names) == ["ada", "bea", "dora", "eve"]
    assert house.states()["cleo"] == State.IN_DOUBT


def test_asked_to_stop_the_run_ends_after_the_message_in_flight(house: House) -> None:
    backend = MemoryBackend()
    for delivery in house.run(backend):
        house.stop = delivery.outcome is Outcome.SENT
    assert len(backend.messages) == 1
    assert house.ledger.tally(KEY).owed == 4


def test_nothing_is_sent_when_it_is_too_old(house: House) -> None:
    house.clock.now += timedelta(hours=12)
    backend = MemoryBackend()
    assert list(house.run(backend)) == []
    assert backend.messages == []
    assert house.ledger.tally(KEY).expired == 5


def test_the_pace_is_kept(house: House) -> None:
    list(house.run(MemoryBackend(), per_second=2))
    assert house.clock.now - START == timedelta(seconds=2)
    assert house.clock.slept == [0.5] * 4


def test_when_the_ledger_cannot_write_nothing_leaves(house: House) -> None:
    house.readers._database.close()
    path = Path(house.readers._database.where)
    path.write_bytes(b"not a database" * 1000)
    backend = MemoryBackend()
    with pytest.raises(StoreError):
        list(house.run(backend))
    assert backend.messages == []


# ---- when the carrier is not to be had for a while ----


def gone_for(times: int, *, wait: float = 0) -> Callable[[], None]:
    left = [Unavailable("busy", passing=True, wait=wait)] * times
    return lambda: raises(left.pop())() if left else None


def test_a_trouble_that_passes_is_waited_for_longer_and_longer_in_the_same_run(house: House) -> None:
    backend = Moody(before={"cleo": gone_for(7)})
    outcomes = {d.recipient.name: d.outcome for d in house.run(backend, patience=30)}
    assert outcomes == dict.fromkeys(NAMES, Outcome.SENT)
    assert list(dict.fromkeys(house.waited)) == [
        "busy, until 06:00:05",
        "busy, until 06:00:15",
        "busy, until 06:00:35",
        "busy, until 06:01:15",
        "busy, until 06:02:15",
        "busy, until 06:03:15",
        "busy, until 06:04:15",
    ]
    assert backend.tried == ["ada", "bea", *["cleo"] * 8, "dora", "eve"]
    assert {row.attempts for row in house.ledger.rows(KEY)} == {1}


def test_after_a_message_that_went_well_the_waits_begin_anew(house: House) -> None:
    list(house.run(Moody(before={"cleo": gone_for(3), "dora": gone_for(1)}), patience=30))
    assert house.waited[-1] == "busy, until 06:00:40"


def test_a_carrier_that_says_how_long_is_believed(house: House) -> None:
    list(house.run(Moody(before={"cleo": gone_for(1, wait=600)}), patience=30))
    assert house.clock.now - START == timedelta(minutes=10)
    assert house.ledger.tally(KEY).done


def test_no_wait_is_begun_that_is_longer_than_the_patience(house: House) -> None:
    with pytest.raises(Unavailable, match="busy"):
        list(house.run(Moody(before={"cleo": gone_for(1, wait=601)}), patience=10))
    assert (house.clock.slept, house.waited) == ([], [])


def test_asked_to_stop_while_it_waits_the_run_ends_within_a_second(house: House) -> None:
    sleep = house.clock.sleep

    def asked(seconds: float) -> None:
        sleep(seconds)
        house.stop = True

    house.world = replace(house.world, sleep=asked)
    with pytest.raises(Unavailable, match="busy"):
        list(house.run(Moody(before={"cleo": gone_for(1, wait=300)}), patience=30))
    assert house.clock.now - START == timedelta(seconds=1)
    assert house.ledger.tally(KEY).owed == 3


def test_who_waits_for_those_who_were_put_off_is_told(house: House) -> None:
    list(house.run(Moody(before={"cleo": once(raises(Deferred("later")))}), patience=30))
    assert set(house.waited) == {"messages that were put off, until 06:05:00"}


# ---- one reader's trouble ----


def test_who_is_blocked_is_put_off_once_and_then_taken_at_its_word(house: House) -> None:
    backend = Moody(before={"cleo": raises(Blocked("no", code=550, reply="550 5.7.1 no spam"))})
    outcomes = [(d.recipient.name, d.outcome) for d in house.run(backend, patience=30)]
    assert outcomes[2:] == [
        ("cleo", Outcome.DEFERRED),
        ("dora", Outcome.SENT),
        ("eve", Outcome.SENT),
        ("cleo", Outcome.REFUSED),
    ]
    assert house.clock.now - START == timedelta(minutes=5)


def test_ten_in_a_row_who_are_blocked_end_the_run_with_nobody_marked(
    database: Database, publication: Publication
) -> None:
    house = House(database, publication, [f"r{number:02}@example.org" for number in range(30)])
    blocked = raises(Blocked("no", code=550, reply="550 5.7.1 no spam"))
    backend = Moody(before={f"r{number:02}": blocked for number in range(4, 30)})
    with pytest.raises(Unavailable, match="10 messages in a row were blocked"):
        list(house.run(backend, patience=30))
    tally = house.ledger.tally(KEY)
    assert (tally.sent, tally.owed, len(backend.tried)) == (4, 26, 14)


def test_a_reader_for_whom_no_message_can_be_made_is_withheld_and_the_others_go_on(house: House) -> None:
    fill = house.fill

    def odd(reader: Reader) -> Message:
        if reader.name in ("ada", "eve"):
            raise ContentError("no such name")
        return fill(reader)

    house.fill = odd
    told = {d.recipient.name: (d.outcome, d.detail) for d in house.run(MemoryBackend())}
    assert told == {
        "ada": (Outcome.WITHHELD, "render_error"),
        "bea": (Outcome.SENT, "message 1 in memory"),
        "cleo": (Outcome.SENT, "message 2 in memory"),
        "dora": (Outcome.SENT, "message 3 in memory"),
        "eve": (Outcome.WITHHELD, "render_error"),
    }
    assert house.ledger.tally(KEY).withheld == {"render_error": 2}
    assert house.ledger.tally(KEY).done


def test_a_template_that_is_at_fault_ends_the_run_with_everybody_still_owed(house: House) -> None:
    def broken(_reader: Reader) -> Message:
        raise TemplateError("no such blank")

    house.fill = broken
    with pytest.raises(TemplateError):
        list(house.run(MemoryBackend()))
    assert house.ledger.tally(KEY).owed == 5


# ---- order and pace ----


def test_a_domains_pace_is_kept_and_the_others_go_first(database: Database, publication: Publication) -> None:
    addresses = [f"r{n}@{'orange.fr' if n % 2 else 'example.org'}" for n in range(8)]
    house = House(database, publication, addresses)
    at: dict[str, float] = {}

    class Timed(MemoryBackend):
        def send(self, message: Message, commit: Callable[[], None]) -> str:
            at[message.recipient.partition("@")[0]] = (house.clock.now - START).total_seconds()
            return super().send(message, commit)

    list(house.run(Timed(), domains={"orange.fr": Limit(per_second=2)}))
    assert at == {"r0": 0, "r1": 0, "r2": 0, "r4": 0, "r6": 0, "r3": 0.5, "r5": 1.0, "r7": 1.5}


@pytest.mark.parametrize("fillers", [1, 2])
@pytest.mark.parametrize("start", ["", "reader-000000", "reader-000013", "reader-000029", "zzz"])
def test_from_wherever_a_run_begins_it_comes_round_to_everybody_once(
    database: Database, publication: Publication, start: str, fillers: int
) -> None:
    house = House(database, publication, [f"r{number:02}@example.org" for number in range(30)])
    backend = Moody(before={"r05": once(raises(Deferred("later"))), "r20": once(raises(Deferred("later")))})
    list(house.run(backend, start=start, fillers=fillers, patience=30))
    everybody = [f"r{number:02}" for number in range(30)]
    first = int(start[-6:]) + 1 if start.startswith("reader") else 0
    assert backend.tried == [*everybody[first:], *everybody[:first], "r05", "r20"]
    assert house.ledger.tally(KEY).done


def test_a_large_audience_is_read_a_page_at_a_time_and_nobody_is_passed_over(
    database: Database, publication: Publication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "AT_ONCE", 7)
    house = House(database, publication, [f"r{number:02}@example.org" for number in range(60)])
    backend = MemoryBackend()
    list(house.run(backend, start="reader-000033"))
    assert len({message.recipient for message in backend.messages}) == len(backend.messages) == 60


def test_messages_made_in_many_threads_are_the_same_and_in_the_same_order(
    database: Database, publication: Publication, tmp_path: Path
) -> None:
    addresses = [f"r{number:02}@example.org" for number in range(50)]
    house = House(database, publication, addresses)
    one, two = MemoryBackend(), MemoryBackend()
    list(house.run(one, fillers=1))
    with Database.open("sqlite:///other.db", tmp_path, durable=False) as other:
        again = House(other, publication, addresses)
        fill = again.fill

        def unsteady(reader: Reader) -> Message:
            time.sleep(0.003 if int(reader.name[1:]) % 3 == 0 else 0)
            return fill(reader)

        again.fill = unsteady
        watched = again.ledger = WatchedLedger(other)
        list(again.run(two, fillers=3))
        committed = [commit.reader_id for _, commits in watched.turns for commit in commits]
    assert [message.content for message in two.messages] == [message.content for message in one.messages]
    assert committed == [f"reader-{number:06}" for number in range(50)]


def test_a_trouble_that_passes_leaves_nobody_out_of_those_whose_messages_were_being_made(
    database: Database, publication: Publication
) -> None:
    house = House(database, publication, [f"r{number:02}@example.org" for number in range(30)])
    backend = Moody(before={"r07": gone_for(2), "r20": gone_for(1)})
    list(house.run(backend, fillers=3, patience=30))
    assert Counter(message.recipient for message in backend.messages) == Counter(
        f"r{number:02}@example.org" for number in range(30)
    )
    assert house.ledger.tally(KEY).done


# ---- when the ledger cannot write, when time is up ----


def failing(numbers: Collection[int]) -> Callable[[int, Sequence[Commit]], None]:
    def before(number: int, _commits: Sequence[Commit]) -> None:
        if number in numbers:
            raise StoreError("the disk is full")

    return before


def test_what_is_known_of_a_message_that_has_left_is_written_until_it_can_be(house: House) -> None:
    # 1 commits ada; 2 would tell that she is sent, and commit bea; 3 and 4 are the first tries at the end.
    watched = house.ledger = WatchedLedger(house.database, failing({2, 3, 4}))
    backend = MemoryBackend()
    with pytest.raises(StoreError, match="the disk is full"):
        list(house.run(backend))
    assert [message.recipient for message in backend.messages] == ["ada@example.org"]
    assert house.states() == dict.fromkeys(NAMES, State.OWED) | {"ada": State.SENT}
    assert house.clock.slept == [1, 2]
    assert [len(deliveries) for deliveries, _ in watched.turns] == [0, 1, 1, 1, 1]


def test_what_cannot_be_written_at_all_stays_a_doubt(house: House) -> None:
    house.ledger = WatchedLedger(house.database, failing(range(2, 100)))
    with pytest.raises(StoreError):
        list(house.run(MemoryBackend()))
    assert house.states() == dict.fromkeys(NAMES, State.OWED) | {"ada": State.IN_DOUBT}
    assert house.clock.slept == [1, 2, 4, 8, 15, 0]


def test_time_may_be_up_in_the_middle_of_a_run(house: House) -> None:
    def late() -> None:
        house.clock.now = START + timedelta(hours=12)

    outcomes = [d.recipient.name for d in house.run(Moody(before={"cleo": late}), patience=30)]
    assert outcomes == ["ada", "bea", "cleo"]
    assert house.states() == {
        "ada": State.SENT,
        "bea": State.SENT,
        "cleo": State.SENT,
        "dora": State.EXPIRED,
        "eve": State.EXPIRED,
    }


def test_who_was_put_off_until_too_late_is_given_up(house: House) -> None:
    house.clock.now = START + timedelta(hours=11, minutes=58)
    list(house.run(Moody(before={"cleo": raises(Deferred("later"))}), patience=30))
    assert house.states() == dict.fromkeys(NAMES, State.SENT) | {"cleo": State.EXPIRED}


def test_a_carrier_that_loses_a_message_does_not_make_the_run_go_round_for_ever(house: House) -> None:
    class Loser(MemoryBackend):
        def carry(self, work: Work, connections: int) -> Iterator[None]:
            while isinstance(work.next(), Message):
                yield

    list(house.run(Loser(), patience=1))
    assert house.clock.now - START == timedelta(minutes=1)
    assert house.ledger.tally(KEY).owed == 5


# ---- two runs at once ----


@pytest.mark.parametrize("starts", [("", ""), ("", "reader-000060")], ids=["together", "apart"])
def test_two_runs_at_once_send_to_each_reader_once(
    tmp_path: Path, publication: Publication, starts: tuple[str, str]
) -> None:
    addresses = [f"r{number:03}@example.org" for number in range(120)]
    mailbox: list[str] = []
    errors: list[BaseException] = []

    class Shared(MemoryBackend):
        def send(self, message: Message, commit: Callable[[], None]) -> str:
            commit()
            mailbox.append(message.recipient)
            return "taken"

    def take_part(house: House, database: Database, start: str) -> None:
        try:
            beside = Ledger(database)
            world = replace(house.world, sleep=time.sleep, clock=lambda: START)
            for _ in send(
                house.fill,
                issue_key=KEY,
                carrier=Threads([Shared() for _ in range(3)]),
                ledger=beside,
                settings=Send(patience=timedelta()),
                world=world,
                expires_at=START + timedelta(hours=12),
                start=start,
            ):
                pass
        except BaseException as error:
            errors.append(error)

    with (
        Database.open("sqlite:///n.db", tmp_path, durable=False) as one,
        Database.open("sqlite:///n.db", tmp_path, durable=False) as two,
    ):
        house = House(one, publication, addresses)
        runs = [
            threading.Thread(target=take_part, args=(house, database, start))
            for database, start in zip((one, two), starts, strict=True)
        ]
        for run in runs:
            run.start()
        for run in runs:
            run.join(30)
        assert errors == []
        assert sorted(mailbox) == addresses
        assert house.ledger.tally(KEY).done
