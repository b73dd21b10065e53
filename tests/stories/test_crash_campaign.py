"""The crash campaign in short, and that its sink and its audit would find what they are there to find."""

import json
import random
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.bench.audit import Audit, audit, read_books
from tests.bench.campaign_report import complaints, in_words
from tests.bench.counting_sink import HOST, Moment, Sink
from tests.bench.crash_campaign import Campaign, Options
from tests.bench.inquest import UNSURE
from tests.bench.throwaway import can_join

DAY = "2026-11-23"
READERS = ("ada@example.org", "zoe@example.org")


@pytest.mark.parametrize("pipelining", [True, False], ids=["pipelining", "lockstep"])
def test_thirty_senders_killed_at_every_step_and_nobody_gets_it_twice_or_not_at_all(
    tmp_path: Path, pipelining: bool
) -> None:
    options = Options(
        kills=30,
        runs_at_once=3 if can_join(tmp_path) else 1,
        seed=random.randrange(10**6),
        readers=300,
        connections=3,
        pipelining=pipelining,
    )
    print(f"seed {options.seed}")
    campaign = Campaign(options, tmp_path)
    found = campaign.run()
    print(in_words(campaign.tally, found))
    assert complaints(campaign.tally, found) == []
    assert campaign.tally.kills >= 30
    assert sum(campaign.tally.landed[step] for step in UNSURE) >= campaign.tally.kills / 5
    assert found.states["sent"] + found.states["in doubt"] == 300 * campaign.tally.issues


# ---- the audit ----


def accepted(recipient: str, **other: object) -> dict[str, object]:
    fact: dict[str, object] = {"what": "accepted", "issue": DAY, "recipient": recipient, "to": [recipient]}
    return fact | {"message_id": f"<{recipient}>", "octets": 900, "announced": 900} | other


def killed(recipient: str, **other: object) -> dict[str, object]:
    mail = {"recipient": recipient, "dot": True, "replied": False, "state": "in doubt"} | other
    return {"what": "killed", "issue": DAY, "in_flight": 1, "mails": [mail]}


def audited(
    folder: Path, states: tuple[str, ...], facts: list[dict[str, object]], *, audience: int = 2
) -> Audit:
    """The audit of a log and of a ledger with these states of Ada's row and Zoé's."""
    log, ledger = folder / "sink.log", folder / "ledger.db"
    log.write_text("".join(json.dumps(fact) + "\n" for fact in facts), encoding="utf-8")
    with sqlite3.connect(ledger) as con:
        con.execute("CREATE TABLE reader (id, email)")
        con.execute("CREATE TABLE issue (key, audience)")
        con.execute("CREATE TABLE delivery (issue_key, reader_id, state)")
        con.executemany("INSERT INTO reader VALUES (?, ?)", [(email[:3], email) for email in READERS])
        con.execute("INSERT INTO issue VALUES (?, ?)", (DAY, audience))
        rows = [(DAY, email[:3], state) for email, state in zip(READERS, states, strict=False)]
        con.executemany("INSERT INTO delivery VALUES (?, ?, ?)", rows)
    con.close()
    return audit(read_books(log, ledger))


def test_an_audit_finds_nothing_where_all_is_well(tmp_path: Path) -> None:
    found = audited(tmp_path, ("sent", "in doubt"), [accepted(READERS[0]), killed(READERS[1])])
    assert found.well
    assert (found.accepted, found.in_flight, found.doubts_that_arrived) == (1, 1, 0)


ADA, ZOE = (accepted(reader) for reader in READERS)
FAULTS = {
    "two copies": (("sent", "sent"), [ADA, ZOE, ZOE], "duplicates"),
    "one Message-ID for two": (
        ("sent", "sent"),
        [ADA, ZOE | {"message_id": ADA["message_id"]}],
        "duplicates",
    ),
    "sent, and never accepted": (("sent", "sent"), [ADA], "lost"),
    "no row": (("sent",), [ADA, ZOE], "lost"),
    "still owed": (("sent", "owed"), [ADA], "lost"),
    "refused by nobody": (("sent", "refused"), [ADA], "lost"),
    "accepted, and in no ledger": (("sent", "sent"), [ADA, ZOE, accepted("eve@example.org")], "lost"),
    "a doubt without a kill": (("sent", "in doubt"), [ADA], "doubts that no kill explains"),
    "a dot before its commit": (
        ("sent", "sent"),
        [ADA, ZOE, killed(READERS[1], state="owed")],
        "steps out of order",
    ),
    "sent before the reply": (
        ("sent", "sent"),
        [ADA, ZOE, killed(READERS[1], state="sent")],
        "steps out of order",
    ),
    "half a message": (("sent", "sent"), [ADA, ZOE | {"octets": 450}], "wrong or damaged messages"),
    "another's message": (
        ("sent", "sent"),
        [ADA, ZOE | {"to": ["ada@example.org"]}],
        "wrong or damaged messages",
    ),
}


@pytest.mark.parametrize(("states", "facts", "kind"), FAULTS.values(), ids=FAULTS.keys())
def test_an_audit_finds(
    tmp_path: Path, states: tuple[str, ...], facts: list[dict[str, object]], kind: str
) -> None:
    found = audited(tmp_path, states, facts)
    assert found.count(kind) >= 1
    assert not found.well


def test_an_audit_counts_the_audience_by_itself(tmp_path: Path) -> None:
    found = audited(tmp_path, ("sent", "sent"), [ADA, ZOE], audience=3)
    assert found.faults["identities that do not hold"] == [
        "2026-11-23: 3 readers, and the rows are {'sent': 2}"
    ]


# ---- the sink ----

HEAD = b"Message-ID: <1@x>\r\nTo: Ada <ada@example.org>\r\nSubject: Crash test 2026-11-23\r\n\r\n"
TEXT = HEAD + b"..\r\nend\r\n"
BEGIN = b"MAIL FROM:<p@x> SIZE=%d\r\nRCPT TO:<ada@example.org>\r\nDATA\r\n"


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Sink]:
    made = Sink(tmp_path / "sink.log", ports=1, pipelining=True, chance=random.Random(1))
    yield made
    made.close()


def facts_in(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "sink.log").read_text(encoding="utf-8").splitlines()]


def converse(sink: Sink, client: socket.socket, data: bytes, replies: int) -> list[bytes]:
    """The codes of so many lines of reply to what a client writes."""
    client.sendall(data)
    client.settimeout(0.01)
    answer = b""
    deadline = time.monotonic() + 10
    while answer.count(b"\r\n") < replies:
        assert time.monotonic() < deadline, answer
        sink.turn(0.01)
        with suppress(TimeoutError):
            answer += client.recv(4096)
    return [line[:3] for line in answer.split(b"\r\n")[:-1]]


def test_the_sink_takes_pipelined_messages_and_writes_them_down_before_it_says_so(
    sink: Sink, tmp_path: Path
) -> None:
    seen: list[tuple[Moment, int]] = []
    sink.tell = lambda _line, moment: seen.append((moment, len(facts_in(tmp_path))))
    size = len(TEXT) - 1  # one of its dots is stuffed
    with socket.create_connection((HOST, sink.ports[0])) as client:
        assert converse(sink, client, b"EHLO x\r\n", 7) == [b"220", *[b"250"] * 6]
        assert converse(sink, client, BEGIN % size, 3) == [b"250", b"250", b"354"]
        converse(sink, client, TEXT[:-1], 0)
        sink.turn(1)
        assert seen[-1] == (Moment.TEXT, 0)
        converse(sink, client, TEXT[-1:], 0)
        sink.turn(1)
        assert seen[-1] == (Moment.WHOLE, 0)
        assert converse(sink, client, b".\r\n" + BEGIN % size, 4) == [b"250", b"250", b"250", b"354"]
        assert converse(sink, client, TEXT + b".\r\nQUIT\r\n", 2) == [b"250", b"221"]
    before_the_dot = [Moment.COMMAND, Moment.MAIL, Moment.RCPT, Moment.DATA, Moment.TEXT, Moment.WHOLE]
    first = [(moment, 0) for moment in [Moment.HELLO, *before_the_dot, Moment.DOT]]
    second = [(moment, 1) for moment in [Moment.REPLIED, *before_the_dot, Moment.DOT]]
    assert seen == [*first, *second, (Moment.REPLIED, 2)]
    fact, _ = facts_in(tmp_path)
    assert (fact["octets"], fact["announced"]) == (size, size)
    assert (fact["recipient"], fact["to"]) == ("ada@example.org", ["ada@example.org"])
    assert (fact["issue"], fact["message_id"]) == ("2026-11-23", "<1@x>")


def test_the_sink_takes_no_text_that_was_left_without_its_dot(sink: Sink, tmp_path: Path) -> None:
    with socket.create_connection((HOST, sink.ports[0])) as client:
        converse(sink, client, BEGIN % 10, 4)
        client.sendall(TEXT)
    (line,) = sink.bury(sink.ports[0])
    assert line.mail is not None
    assert (line.mail.whole, line.mail.ended) == (True, False)
    assert facts_in(tmp_path) == []


def test_the_sink_takes_what_the_dead_had_finished_or_drops_it_by_chance(sink: Sink, tmp_path: Path) -> None:
    for _ in range(20):
        with socket.create_connection((HOST, sink.ports[0])) as client:
            converse(sink, client, BEGIN % 10, 4)
            client.sendall(TEXT + b".\r\n")
        (line,) = sink.bury(sink.ports[0])
        assert line.mail is not None
        assert line.mail.ended
    assert {fact["what"] for fact in facts_in(tmp_path)} == {"accepted", "dropped"}
