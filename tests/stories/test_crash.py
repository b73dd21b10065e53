"""A run that is killed, frozen, interrupted or started twice: nobody gets it twice, nobody is left out."""

import json
import os
import random
import signal
import sqlite3
import time
from collections import Counter
from pathlib import Path

from tests.conftest import Newsletter
from tests.stories.conftest import Mailroom, readers_file, start, through_smtp

READERS = 150


def ready(paper: Path, newsletter: Newsletter, mailroom: Mailroom) -> None:
    through_smtp(paper, mailroom.port)
    readers_file(paper, READERS)
    assert newsletter("readers", "import", "readers.csv", "--source", "the fair").code == 0


def wait_for(mailroom: Mailroom, count: int) -> None:
    deadline = time.monotonic() + 30
    while len(mailroom.accepted) < count:
        assert time.monotonic() < deadline, f"only {len(mailroom.accepted)} arrived"
        time.sleep(0.005)


def test_killed_at_random_and_run_again_everybody_is_accounted_for(
    paper: Path, newsletter: Newsletter, mailroom: Mailroom
) -> None:
    ready(paper, newsletter, mailroom)
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    kills = 0
    for arrived in (10, 30, 60, 100):
        run = start(paper, "send", "--yes")
        wait_for(mailroom, arrived)
        time.sleep(chance.random() * 0.01)
        os.killpg(run.pid, signal.SIGKILL)
        run.communicate()
        kills += 1
    last = newsletter("send", "--yes")
    assert last.code in (0, 5), last.err

    status = json.loads(newsletter("status", "--json").out)
    doubts = {row["email"] for row in status["not_sent"] if row["state"] == "in doubt"}
    copies = Counter(mailroom.recipients)
    everybody = {f"lecteur{n}@example.org" for n in range(READERS)}
    assert status["holds"]
    assert status["sent"] + status["in_doubt"] == READERS
    assert max(copies.values()) == 1
    assert set(copies) | doubts == everybody
    assert len(doubts) <= 10 * kills  # each of ten connections has one message in flight
    con = sqlite3.connect(paper / ".newsletter" / "newsletter.db")
    sent = {row[0] for row in con.execute("SELECT reader_id FROM delivery WHERE state = 'sent'")}
    con.close()
    assert len(sent) == status["sent"]


def test_a_second_run_says_that_the_first_is_at_it(
    paper: Path, newsletter: Newsletter, mailroom: Mailroom
) -> None:
    ready(paper, newsletter, mailroom)
    first = start(paper, "send", "--yes")
    wait_for(mailroom, 5)
    second = newsletter("send", "--yes")
    assert second.code == 6
    assert "another run is sending 2026-11-23" in second.err
    first.communicate(timeout=60)
    assert first.returncode == 0
    assert len(mailroom.accepted) == READERS


def test_ctrl_c_finishes_the_message_in_flight_and_says_how_to_go_on(
    paper: Path, newsletter: Newsletter, mailroom: Mailroom
) -> None:
    ready(paper, newsletter, mailroom)
    run = start(paper, "send", "--yes")
    wait_for(mailroom, 10)
    run.send_signal(signal.SIGINT)
    _, words = run.communicate(timeout=30)
    assert run.returncode == 130
    assert "Finishing what is in flight" in words
    assert "To go on: newsletter send 2026-11-23" in words
    status = json.loads(newsletter("status", "--json").out)
    assert status["in_doubt"] == 0
    assert status["sent"] == len(mailroom.accepted) < READERS
    assert newsletter("send", "--yes").code == 0
    assert Counter(mailroom.recipients) == {f"lecteur{n}@example.org": 1 for n in range(READERS)}


def test_a_relay_that_goes_away_stops_the_run_and_everybody_else_is_still_owed(
    paper: Path, newsletter: Newsletter, mailroom: Mailroom
) -> None:
    ready(paper, newsletter, mailroom)
    through_smtp(paper, 1)  # nobody listens there
    stopped = newsletter("send", "--yes")
    assert stopped.code == 75
    assert "127.0.0.1:1" in stopped.err
    assert "Hint:" in stopped.err
    assert json.loads(newsletter("status", "--json").out)["owed"] == READERS
    through_smtp(paper, mailroom.port)
    assert newsletter("send", "--yes").code == 0
    assert len(mailroom.accepted) == READERS
