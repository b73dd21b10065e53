"""Many connections to one mail server, a real ledger behind them: each reader once, whatever comes."""

import gc
import socket
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from newsletter.deliver.backend import Ended, Ready
from newsletter.deliver.backends import smtp_lines, wire
from newsletter.deliver.backends.session import Deadlines, Server
from newsletter.deliver.backends.smtp import SmtpBackend
from newsletter.errors import NewsletterError, StoreError, Unavailable
from newsletter.model import Commit, Delivery, Message, Outcome, Publication, Reader, State
from newsletter.readers.database import Database
from tests.deliver.contract import a_message
from tests.deliver.house import KEY, START, House, WatchedLedger
from tests.deliver.scripted_server import (
    OFFERS,
    Act,
    Always,
    ScriptedServer,
    Visit,
    after,
    always,
    as_usual,
    both,
    drop,
    hang,
    make_papers,
    reset,
    say,
    slowly,
    wait,
)
from tests.readers.conftest import leaves

LOCKSTEP = tuple(offer for offer in OFFERS if offer != b"PIPELINING")
MODES = pytest.mark.parametrize("offers", [OFFERS, LOCKSTEP], ids=["pipelined", "lockstep"])

PATIENT = Deadlines(connect=20, greeting=20, command=20, data=20, block=20, dot=20, quit=2)


@pytest.fixture(autouse=True, scope="module")
def nothing_left_open() -> Iterator[None]:
    """A socket that nobody has closed is an error (ResourceWarning), and found at the end of these tests."""
    yield
    gc.collect()


@pytest.fixture
def little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that takes no more than some packets before they are read."""

    def tune(connected: socket.socket) -> None:
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)

    monkeypatch.setattr(wire, "_tune", tune)


@pytest.fixture
def watchful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines are looked at often, so that a test need not wait long."""
    monkeypatch.setattr(smtp_lines, "WATCH_SECONDS", 0.02)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database.open("sqlite:///n.db", tmp_path, durable=False) as opened:
        yield opened


Acts = Mapping[str, Act | Always | Sequence[Act]]
Build = Callable[[int], House]


@pytest.fixture
def build(database: Database, publication: Publication) -> Build:
    """A house with so many readers, r0000 the first of them."""
    return lambda count: House(database, publication, [f"r{n:04}@example.org" for n in range(count)])


def smtp(server: ScriptedServer, deadlines: Deadlines = PATIENT) -> SmtpBackend:
    return SmtpBackend(Server(host="127.0.0.1", port=server.port, security="plain", deadlines=deadlines))


def scripted(at: Acts | None = None, **how: Any) -> ScriptedServer:
    """A server whose answers to one packet leave in one, so that nothing waits for the kernel (RFC 896)."""
    return ScriptedServer(at, gathered=True, **how)


def name_of(rcpt: bytes) -> str:
    return rcpt.partition(b"<")[2].partition(b"@")[0].decode()


def names(mails: Sequence[tuple[bytes, bytes, bytes]]) -> list[str]:
    return sorted(name_of(rcpt) for _, rcpt, _ in mails)


def everybody(house: House) -> list[str]:
    return sorted(house.states())


def tally(house: House) -> dict[str, int]:
    assert house.ledger.tally(KEY).holds
    return dict(Counter(str(state) for state in house.states().values()))


def attempts(house: House) -> set[int]:
    return {row.attempts for row in house.ledger.rows(KEY)}


def raised(house: House, backend: SmtpBackend, **how: Any) -> tuple[NewsletterError, list[Delivery]]:
    news: list[Delivery] = []
    with pytest.raises(NewsletterError) as error:
        news.extend(house.run(backend, **how))
    return error.value, news


class Door:
    """Lets so many in at once, and counts those it has turned away.

    Of each it lets in, `inside` has how many were in with it, and `after` how many mails had come by then.
    """

    def __init__(self, most: int, no: bytes = b"421 4.7.0 too many connections\r\n") -> None:
        self.most = most
        self.no = no
        self.declined = 0
        self.inside: list[int] = []
        self.after: dict[Visit, int] = {}

    def __call__(self, visit: Visit) -> None:
        alive = sum(other.is_alive() for other in visit.server.visits) - 1
        if alive >= self.most:
            self.declined += 1
            visit.say(self.no)
            drop(visit)
        self.inside.append(alive + 1)
        self.after[visit] = len(visit.server.received)
        as_usual(visit)


# ---- in good order ----


@MODES
def test_everybody_gets_one_copy_over_many_connections(build: Build, offers: Sequence[bytes]) -> None:
    house = build(200)
    with scripted({"dot": always(both(wait(0.002), as_usual))}, offers=offers) as server:
        assert Counter(d.outcome for d in house.run(smtp(server), connections=8)) == {Outcome.SENT: 200}
        assert names(server.received) == everybody(house)
        assert len(server.visits) == 8
        assert all(visit.lines[-1] == b"QUIT" for visit in server.visits)
    assert house.ledger.tally(KEY).done
    row = next(house.ledger.rows(KEY))
    assert row.host == f"127.0.0.1:{server.port}"
    assert row.last_detail.startswith("250 2.0.0 queued as ")


@pytest.mark.parametrize(("readers", "most"), [(1, 1), (2, 2), (5, 5)])
def test_a_short_run_opens_few_connections(build: Build, readers: int, most: int) -> None:
    house = build(readers)
    with scripted() as server:
        list(house.run(smtp(server), connections=50))
        assert 1 <= len(server.visits) <= most
    assert tally(house) == {"sent": readers}


def test_a_text_and_its_envelope_are_one_readers_and_whole(build: Build) -> None:
    house = build(100)
    with scripted() as server:
        list(house.run(smtp(server), connections=5))
        for sender, rcpt, text in server.received:
            row = next(row for row in house.ledger.rows(KEY) if row.name == name_of(rcpt))
            expected = house.fill(Reader(id=row.reader_id, email=row.email, name=row.name))
            assert text == expected.content
            assert sender.startswith(f"MAIL FROM:<{expected.sender}> SIZE={len(text)}".encode())


def test_a_thousand_messages_under_tls_arrive_byte_for_byte(build: Build) -> None:
    house = build(1000)
    papers = make_papers()
    with scripted(tls=papers.right) as server:
        where = Server(
            host="127.0.0.1",
            port=server.port,
            username="paper",
            password="secret",
            ssl_context=papers.trust,
            deadlines=PATIENT,
        )
        list(house.run(SmtpBackend(where), connections=20))
        rows = {row.name: row for row in house.ledger.rows(KEY)}
        texts = {name_of(rcpt): text for _, rcpt, text in server.received}
        assert len(server.received) == len(texts) == 1000
        for name, row in rows.items():
            message = house.fill(Reader(id=row.reader_id, email=row.email, name=row.name))
            assert texts[name] == message.content
        assert all(visit.lines[-1] == b"QUIT" for visit in server.visits)
    assert tally(house) == {"sent": 1000}


def test_without_pipelining_no_command_comes_before_the_answer_to_the_one_before(build: Build) -> None:
    house = build(30)
    impatient: list[bytes] = []

    def look(visit: Visit) -> None:
        visit.server.over.wait(0.001)
        visit.socket.setblocking(False)
        with suppress(BlockingIOError):
            visit._buffer += visit.socket.recv(65536)
        visit.socket.setblocking(True)
        if visit._buffer:
            impatient.append(visit._buffer)

    looking = always(both(look, as_usual))
    acts: dict[str, Act | Always] = dict.fromkeys(("MAIL", "RCPT", "DATA", "RSET", "dot"), looking)
    acts["RCPT r0007@example.org"] = both(look, say(b"550 5.1.1 who?\r\n"))
    with scripted(acts, offers=LOCKSTEP) as server:
        list(house.run(smtp(server), connections=3))
    assert impatient == []
    assert tally(house) == {"sent": 29, "refused": 1}


@pytest.mark.usefixtures("little_room")
@MODES
def test_a_text_larger_than_all_buffers_goes_to_a_slow_reader(build: Build, offers: Sequence[bytes]) -> None:
    house = build(3)
    line = b"." + b"x" * 70 + b"\r\n"
    house.fill = lambda reader: a_message(reader.email, number=int(reader.id[-4:]), body=(line * 15_000,))
    with scripted({"text": always(wait(0.2))}, offers=offers) as server:
        list(house.run(smtp(server), connections=2))
        assert names(server.received) == ["r0000", "r0001", "r0002"]
        assert {text.partition(b"\r\n\r\n")[2] for text in server.texts} == {line * 15_000}
    assert tally(house) == {"sent": 3}


class Mailbox:
    """What a real server (aiosmtpd) was given."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, bytes]] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's
        [recipient] = envelope.rcpt_tos
        self.mails.append((recipient, envelope.content))
        return "250 2.6.0 taken"


def test_a_real_server_gets_every_message(build: Build) -> None:
    house = build(60)
    mailbox = Mailbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        where = Server(host="127.0.0.1", port=port, security="plain", deadlines=PATIENT)
        list(house.run(SmtpBackend(where), connections=5))
    finally:
        controller.stop()
    sent = {
        row.email: house.fill(Reader(id=row.reader_id, email=row.email, name=row.name)).content
        for row in house.ledger.rows(KEY)
    }
    assert sorted(mailbox.mails) == sorted(sent.items())
    assert tally(house) == {"sent": 60}


def test_no_socket_is_left_open(build: Build) -> None:
    house = build(40)
    with scripted({"dot": [as_usual] * 9 + [reset, drop]}) as server:
        ours = set(Path("/proc/self/fd").iterdir())
        list(house.run(smtp(server), connections=6))
        end = time.monotonic() + 10  # by which the server has closed its own
        while len(set(Path("/proc/self/fd").iterdir()) - ours) > 3:  # the database's
            assert time.monotonic() < end, "a socket is left open"
            time.sleep(0.01)
    assert tally(house) == {"sent": 38, "in doubt": 2}


# ---- a server that takes only so much ----


def test_a_server_that_declines_more_connections_is_served_by_those_it_has(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp_lines, "GAIN", 10)
    house = build(100)
    door = Door(3)
    with scripted({"greeting": always(door), "dot": always(both(wait(0.002), as_usual))}) as server:
        list(house.run(smtp(server), connections=10))
        assert names(server.received) == everybody(house)
    assert (tally(house), attempts(house)) == ({"sent": 100}, {1})
    # One more is tried after each ten messages; at first those that were being opened at the same time.
    assert max(door.inside) == 3
    assert 1 <= door.declined <= 3 + 100 // 10


def test_when_it_takes_more_again_connections_are_added_one_by_one(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp_lines, "GAIN", 10)
    house = build(120)
    door = Door(2)

    def taken(visit: Visit) -> None:
        visit.server.over.wait(0.002)
        if len(visit.server.received) >= 40:
            door.most = 10
        as_usual(visit)

    with scripted({"greeting": always(door), "dot": always(taken)}) as server:
        list(house.run(smtp(server), connections=10))
    assert tally(house) == {"sent": 120}
    assert 4 <= max(door.inside) <= 10
    # After each ten mails one more. The first ones are opened together: on a busy machine some of them come
    # when they are let in already.
    assert all(mails >= 10 * number for number, mails in enumerate([*door.after.values()][2:]))


@MODES
@pytest.mark.parametrize("parting", [b"421 4.3.2 enough for today\r\n", b""], ids=["421", "closed"])
def test_a_server_that_hangs_up_after_so_many_costs_nobody_a_try(
    build: Build, offers: Sequence[bytes], parting: bytes
) -> None:
    house = build(60)
    with scripted(messages=5, parting=parting, offers=offers) as server:
        assert {d.outcome for d in house.run(smtp(server), connections=4)} == {Outcome.SENT}
        assert names(server.received) == everybody(house)
    assert (tally(house), attempts(house)) == ({"sent": 60}, {1})


def test_a_server_that_says_how_many_is_offered_no_more(build: Build) -> None:
    house = build(30)
    offers = (*OFFERS, b"LIMITS MAILMAX=3")
    with scripted(offers=offers) as server:
        list(house.run(smtp(server), connections=2))
        mails = [sum(line.startswith(b"MAIL") for line in visit.lines) for visit in server.visits]
    assert (tally(house), attempts(house)) == ({"sent": 30}, {1})
    assert (max(mails), sum(mails)) == (3, 30)


SLOW_DOWN = b"421 4.7.28 unusual rate of unsolicited mail\r\n"


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "dot"])
def test_asked_to_slow_down_it_waits_ten_minutes_and_goes_on_with_one_connection(
    build: Build, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr(smtp_lines, "GAIN", 40)
    house = build(200)
    door = Door(100)
    before: set[Visit] = set()
    taken: list[int] = []
    acts: Acts = {step: [as_usual] * 80 + [say(SLOW_DOWN)], "greeting": always(door)}
    with scripted(acts) as server:

        def waiting(why: str, until: datetime) -> None:
            if not house.waited:
                for visit in server.visits:
                    visit.join(2)
                before.update(server.visits)
                taken.append(len(server.received))
            house.waited.append(f"{why.partition(': ')[2]}, until {until:%H:%M}")

        house.world = replace(house.world, waiting=waiting)
        news = list(house.run(smtp(server), connections=8, patience=30))
        assert names(server.accepted) == everybody(house)
    assert tally(house) == {"sent": 200}
    assert house.waited[0] == "the server asks us to slow down, until 06:10"
    deferred = [d for d in news if d.outcome is Outcome.DEFERRED]
    assert [d.detail for d in deferred] == [SLOW_DOWN.decode().strip()]
    # One at first, and another one after each forty messages; what the seven other connections still had out
    # when the server asked counts among them. One that was being opened then says nothing more.
    later = [(visit, mails) for visit, mails in door.after.items() if visit not in before]
    opened = [mails for visit, mails in later if any(line.startswith(b"MAIL") for line in visit.lines)]
    assert all(mails >= taken[0] - 7 + 40 * number for number, mails in enumerate(opened)), (taken, opened)
    assert 2 <= len(opened) <= 4


def test_a_greeting_that_asks_to_slow_down_is_heard(build: Build) -> None:
    house = build(60)
    with scripted(
        {"greeting": [as_usual, say(SLOW_DOWN)], "dot": always(both(wait(0.005), as_usual))}
    ) as server:
        list(house.run(smtp(server), connections=8, patience=30))
    assert (tally(house), attempts(house)) == ({"sent": 60}, {1})
    assert house.waited[0].endswith(": the server asks us to slow down, until 06:10:00")


# ---- trouble with one message, or one connection ----


def test_a_refused_recipients_text_goes_to_nobody_even_if_the_server_wants_it(build: Build) -> None:
    house = build(20)
    acts: Acts = {
        "RCPT r0004@example.org": say(b"550 5.1.1 who?\r\n"),
        "DATA r0004@example.org": say(b"354 send it all the same\r\n"),
    }
    with scripted(acts) as server:
        list(house.run(smtp(server), connections=2))
        assert server.homeless == []
        assert "r0004" not in names(server.received)
    states = house.states()
    assert states.pop("r0004") == State.REFUSED
    assert set(states.values()) == {State.SENT}


@pytest.mark.usefixtures("watchful")
@MODES
@pytest.mark.parametrize(
    ("step", "act", "state", "limits"),
    [
        ("MAIL", hang, State.OWED, {"command": 0.2}),
        ("RCPT r0003@example.org", hang, State.OWED, {"command": 0.2}),
        ("DATA r0003@example.org", hang, State.OWED, {"data": 0.2}),
        ("dot r0003@example.org", hang, State.IN_DOUBT, {"dot": 0.2}),
        ("dot r0003@example.org", slowly(b"250 2.0.0 at last\r\n", pause=0.1), State.IN_DOUBT, {"dot": 0.2}),
        ("dot r0003@example.org", both(say(b"250 half"), hang), State.IN_DOUBT, {"dot": 0.2}),
    ],
    ids=["MAIL", "RCPT", "DATA", "dot", "slow-loris", "half"],
)
def test_each_step_has_its_deadline_and_the_others_go_on(
    build: Build, offers: Sequence[bytes], step: str, act: Act, state: State, limits: dict[str, float]
) -> None:
    house = build(12)
    with scripted({step: act}, offers=offers) as server:
        started = time.monotonic()
        list(house.run(smtp(server, replace(PATIENT, **limits)), connections=3))
        assert time.monotonic() - started < 4
        assert max(Counter(names(server.received)).values()) == 1
    states = Counter(house.states().values())
    assert states == {State.SENT: 11, state: 1}


@pytest.mark.usefixtures("little_room", "watchful")
def test_who_stops_reading_in_the_middle_of_a_text_is_given_up(build: Build) -> None:
    house = build(2)
    body = (b"x" * 70 + b"\r\n") * 15_000
    house.fill = lambda reader: a_message(reader.email, number=int(reader.id[-4:]), body=(body,))
    with scripted({"text r0000@example.org": after(1000, hang)}) as server:
        list(house.run(smtp(server, replace(PATIENT, block=0.2)), connections=1))
        assert names(server.received) == ["r0001"]
    assert house.states() == {"r0000": State.OWED, "r0001": State.SENT}


def test_nobody_waits_for_a_connection_that_is_not_needed_any_more(build: Build) -> None:
    house = build(40)
    with scripted(
        {"greeting": [as_usual, *[hang] * 10], "dot": always(both(wait(0.005), as_usual))}
    ) as server:
        started = time.monotonic()
        list(house.run(smtp(server), connections=4))
        assert time.monotonic() - started < 5
    assert tally(house) == {"sent": 40}


def test_a_line_that_was_idle_for_too_long_is_replaced(build: Build) -> None:
    house = build(4)
    sleep = house.clock.sleep

    def rest(seconds: float) -> None:
        time.sleep(0.25)
        sleep(seconds)

    house.world = replace(house.world, sleep=rest)
    with scripted(idle=0.1) as server:
        list(house.run(smtp(server), connections=2, per_second=1))
        assert len(server.visits) == 4
    assert (tally(house), attempts(house)) == ({"sent": 4}, {1})


class Slowly:
    """Work that says "later" before its one message."""

    def __init__(self) -> None:
        self.given: list[Message | float | None] = [0.3, a_message()]
        self.told: list[Ended] = []

    def next(self) -> Message | float | None:
        return self.given.pop(0) if self.given else None

    def prepare(self, messages: int) -> None:
        """Nothing: all there is has been made."""

    def put_back(self, message: Message) -> None:
        self.given.insert(0, message)

    def turn(self, ended: Sequence[Ended], ready: Sequence[Ready]) -> Collection[str]:
        self.told += ended
        return ()

    def rest(self, seconds: float) -> None:
        time.sleep(seconds)


def test_a_line_that_has_died_before_its_first_message_costs_that_one_nothing() -> None:
    work = Slowly()
    with scripted(idle=0.1) as server:
        backend = smtp(server)
        backend.open()
        for _ in backend.carry(work, 2):
            pass
        backend.close()
        assert len(server.visits) == 2
    assert [end.result for end in work.told] == ["250 2.0.0 queued as 1"]


@MODES
def test_who_answers_while_the_ledger_writes_and_before_the_dot_gets_none(
    build: Build, offers: Sequence[bytes]
) -> None:
    house = build(4)

    def write_slowly(_number: int, commits: Sequence[Commit]) -> None:
        if any(commit.reader_id == "reader-000002" for commit in commits):
            time.sleep(0.4)  # the kernel may keep a text for 0.2 s

    house.ledger = WatchedLedger(house.database, write_slowly)
    with scripted(
        {"text r0002@example.org": both(say(b"250 2.0.0 early\r\n"), Visit.flush)}, offers=offers
    ) as server:
        news = list(house.run(smtp(server), connections=1))
        assert names(server.received) == ["r0000", "r0001", "r0003"]
    [early] = [d for d in news if d.recipient.name == "r0002"]
    assert (early.outcome, early.committed) == (Outcome.DEFERRED, True)
    assert "the server spoke out of turn: '250 2.0.0 early'" in early.detail
    assert tally(house) == {"sent": 3, "owed": 1}


def test_an_address_that_cannot_be_one_is_refused_and_one_that_cannot_be_carried_withheld(
    build: Build,
) -> None:
    house = build(10)
    fill = house.fill

    def odd(reader: Reader) -> Message:
        message = fill(reader)
        if reader.name == "r0003":
            return message._replace(recipient="a b@example.org")
        return message._replace(recipient="zoé@example.org") if reader.name == "r0006" else message

    house.fill = odd
    with scripted() as server:
        list(house.run(smtp(server), connections=2))
        assert len(server.received) == 8
    assert house.states()["r0003"] == State.REFUSED
    assert house.ledger.tally(KEY).withheld == {"eai_unsupported": 1}
    assert house.ledger.tally(KEY).done


def test_a_sender_who_is_turned_away_ends_the_run_and_costs_nobody_a_try(build: Build) -> None:
    house = build(30)
    with scripted({"MAIL": always(say(b"550 5.7.1 you may not\r\n"))}) as server:
        error, news = raised(house, smtp(server), connections=4)
        assert server.received == []
    assert isinstance(error, Unavailable)
    assert (error.code, error.passing, news) == (550, False, [])
    assert (tally(house), attempts(house)) == ({"owed": 30}, {0})


def test_a_mail_that_is_too_large_for_the_server_ends_the_run(build: Build) -> None:
    house = build(3)
    with scripted(offers=(b"PIPELINING", b"SIZE 100")) as server:
        error, news = raised(house, smtp(server), connections=2)
    assert error.message.endswith("octets, and the server takes 100")
    assert (tally(house), news) == ({"owed": 3}, [])


# ---- the ledger's word ----


def test_who_has_left_gets_no_dot_even_if_the_server_hangs_up_at_that_moment(build: Build) -> None:
    house = build(12)
    [leaver] = [row for row in house.ledger.rows(KEY) if row.name == "r0005"]

    def leave(_number: int, commits: Sequence[Commit]) -> None:
        if any(commit.reader_id == leaver.reader_id for commit in commits):
            leaves(house.readers, leaver.email, START)
            time.sleep(0.2)

    def close(visit: Visit) -> None:
        visit.server.over.wait(0.05)
        visit.socket.setblocking(False)
        try:
            while visit.socket.recv(65536):
                pass
        except BlockingIOError:
            visit.socket.setblocking(True)
        drop(visit)

    house.ledger = WatchedLedger(house.database, leave)
    with scripted({"text r0005@example.org": close}) as server:
        list(house.run(smtp(server), connections=3))
        assert "r0005" not in names(server.received)
    assert house.ledger.tally(KEY).withheld == {"left": 1}
    assert tally(house) == {"sent": 11, "withheld": 1}


@MODES
def test_when_the_ledger_fails_no_dot_leaves_and_those_that_are_out_are_waited_for(
    build: Build, offers: Sequence[bytes]
) -> None:
    house = build(60)

    def fail(number: int, _commits: Sequence[Commit]) -> None:
        if number in (6, 7):
            raise StoreError("the disk is full")

    house.ledger = WatchedLedger(house.database, fail)
    with scripted({"dot": always(both(wait(0.03), as_usual))}, offers=offers) as server:
        error, _ = raised(house, smtp(server), connections=6)
        received = names(server.received)
    assert error.message == "the disk is full"
    assert received
    sent = sorted(name for name, state in house.states().items() if state == State.SENT)
    assert sent == received
    assert tally(house) == {"sent": len(received), "owed": 60 - len(received)}


def test_a_run_that_is_broken_off_leaves_doubts_and_no_open_socket(build: Build) -> None:
    house = build(30)

    def press(number: int, _commits: Sequence[Commit]) -> None:
        if number == 5:
            raise KeyboardInterrupt

    house.ledger = WatchedLedger(house.database, press)
    with scripted({"dot": always(both(wait(0.02), as_usual))}) as server:
        with pytest.raises(KeyboardInterrupt):
            list(house.run(smtp(server), connections=4))
        for visit in server.visits:
            visit.join(2)
        assert not any(visit.is_alive() for visit in server.visits)
        received = names(server.received)
    states = house.states()
    assert {name for name, state in states.items() if state == State.SENT} <= set(received)
    assert set(received) <= {name for name, state in states.items() if state != State.OWED}


def test_a_server_that_blocks_everybody_is_left_alone_and_all_stay_owed(build: Build) -> None:
    house = build(100)
    with scripted({"RCPT": always(say(b"550 5.7.1 listed by a blocklist\r\n"))}) as server:
        error, news = raised(house, smtp(server), connections=4)
        asked = sum(line.startswith(b"RCPT") for visit in server.visits for line in visit.lines)
    assert error.message == (
        "10 messages in a row were blocked, the last with '550 5.7.1 listed by a blocklist'"
    )
    assert tally(house) == {"owed": 100}
    assert {d.outcome for d in news} == {Outcome.DEFERRED}
    assert 10 <= len(news) <= asked <= 18


@pytest.mark.parametrize("act", [drop, reset], ids=["FIN", "RST"])
def test_a_server_that_takes_all_and_never_answers_is_left_before_all_are_in_doubt(
    build: Build, act: Act
) -> None:
    house = build(100)
    with scripted({"dot": always(act)}) as server:
        error, _ = raised(house, smtp(server), connections=3)
        received = names(server.received)
    assert error.message.startswith("16 messages in a row were taken without an answer")
    assert tally(house) == {"in doubt": len(received), "owed": 100 - len(received)}
    assert 16 <= len(received) <= 19
