"""Sending over a real ledger: each reader once, each outcome written down, whatever the backend does."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from newsletter.deliver.backends.memory import MemoryBackend
from newsletter.errors import Deferred, InDoubt, Refused, StoreError, Unavailable
from newsletter.model import Commit, Message, Outcome, Publication, State
from newsletter.readers.addresses import read_address
from newsletter.readers.database import Database
from newsletter.readers.ledger import Ledger
from tests.deliver.house import KEY, NAMES, START, House, Moody, once, raises


@pytest.fixture
def house(tmp_path: Path, publication: Publication) -> Iterator[House]:
    with Database.open("sqlite:///n.db", tmp_path, durable=False) as database:
        yield House(database, publication)


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
        house.readers.leave(read_address("cleo@example.org"), source="test", now=START)

    backend = Moody(before={"cleo": leave})
    outcomes = {d.recipient.name: (d.outcome, d.detail) for d in house.run(backend)}
    assert outcomes["cleo"] == (Outcome.WITHHELD, "left")
    assert not any(message.recipient.startswith("cleo") for message in backend.messages)
    assert house.ledger.tally(KEY).withheld == {"left": 1}


def test_a_reader_who_signs_up_during_a_run_waits_for_the_next_issue(house: House) -> None:
    def join() -> None:
        house.readers.add(read_address("late@example.org"), source="test", now=START)

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
    path = house.readers._database.path
    path.write_bytes(b"not a database" * 1000)
    backend = MemoryBackend()
    with pytest.raises(StoreError):
        list(house.run(backend))
    assert backend.messages == []
