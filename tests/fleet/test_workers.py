"""Workers as processes on a real PostgreSQL: they share, die, freeze, wait, and nobody gets it twice."""

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.counting_sink import Moment
from tests.cluster import Cluster, running
from tests.deliver.scripted_server import ScriptedServer, always, say
from tests.fleet.house import KEY, House, Trap, house, wait_for


@pytest.fixture
def paper(cluster: Cluster, tmp_path: Path) -> Iterator[House]:
    with house(cluster, tmp_path / "h") as made:
        yield made


@pytest.fixture
def own_cluster() -> Iterator[Cluster]:
    """A server that may be stopped without harm to others' tests."""
    with running() as cluster:
        yield cluster


def test_send_hands_an_issue_to_the_workers_and_follows_them(paper: House) -> None:
    workers = [paper.worker(0), paper.worker(1)]
    send = paper.send("--json")
    assert send.end() == 0
    paper.check_once_each(600)
    events = [json.loads(line) for line in send.said.splitlines() if line.startswith("{")]
    assert events[-1]["event"] == "ended"
    assert (events[-1]["exit"], events[-1]["sent"], events[-1]["holds"]) == (0, 600, True)
    had = {worker for (worker,) in paper.ledger.rows("SELECT DISTINCT worker FROM batch")}
    assert had <= {worker.name for worker in workers}
    for worker in workers:
        worker.popen.send_signal(signal.SIGTERM)
        assert worker.end() == 0
        assert "Gone home." in worker.said
    assert paper.signs() == []


def set_relays(paper: House, **shares: int) -> None:
    """Relays of these names and shares instead of one, each at a port of the mail server."""
    tables = ""
    for (name, share), port in zip(shares.items(), paper.ports, strict=False):
        tables += f'[relays.{name}]\nbackend = "smtp"\nhost = "127.0.0.1"\nport = {port}\n'
        tables += f'security = "plain"\nshare = {share}\n'
    paper.set(r"\[backends\.smtp\].*?(?=\n\[)", tables)


def test_without_a_worker_nothing_is_frozen_and_the_way_out_is_said(paper: House) -> None:
    code, said = paper.run("send", KEY, "--yes")
    assert code == 75
    assert "no worker is there" in said
    assert "newsletter send --here" in said
    assert paper.ledger.rows("SELECT key FROM issue") == []


def test_f23_strict_stops_before_any_worker_begins(paper: House) -> None:
    paper.worker(0)
    paper.ledger.rows(
        "UPDATE reader SET email = 'nobody' WHERE id = (SELECT max(id) FROM reader) RETURNING 1"
    )
    code, said = paper.run("send", KEY, "--yes", "--strict")
    assert (code, "nothing can be sent to 'nobody'" in said) == (3, True)
    assert paper.copies() == {}
    assert paper.state() == {"owed": 600}


def test_send_here_needs_no_worker(paper: House) -> None:
    code, _ = paper.run("send", KEY, "--yes", "--here")
    assert code == 0
    paper.check_once_each(600)
    assert paper.ledger.rows("SELECT id FROM batch") == []


def test_f2_a_worker_frozen_past_its_time_sends_nothing_twice_when_it_wakes(paper: House) -> None:
    first = paper.worker(0)
    trap = Trap(paper, 0, Moment.DATA, 30, lambda: first.popen.send_signal(signal.SIGSTOP))
    send = paper.send()
    assert trap.sprung.wait(30)
    paper.worker(1)
    wait_for(lambda: paper.state()["owed"] == 0)
    first.popen.send_signal(signal.SIGCONT)
    assert send.end() in (0, 5)
    wait_for(lambda: paper.state()["in doubt"] == 0)  # the late replies are noted (R4)
    paper.check_once_each(600)


def test_what_a_killed_worker_had_is_taken_over_within_seconds(paper: House) -> None:
    first = paper.worker(0)
    struck: list[float] = []

    def strike() -> None:
        struck.append(time.monotonic())
        first.popen.kill()

    trap = Trap(paper, 0, Moment.DATA, 30, strike)
    send = paper.send()
    assert trap.sprung.wait(30)
    first.popen.wait()
    held = paper.ledger.in_hand(first.name)
    assert held
    paper.worker(1)
    wait_for(lambda: paper.ledger.taken_over(first.name, held) == held)
    print(f"taken over after {time.monotonic() - struck[0]:.1f} s")
    assert send.end() in (0, 5)
    state = paper.state()
    assert state["sent"] + state["in doubt"] == 600
    assert state["in doubt"] <= 8  # of four connections, each with a message at its dot and one behind it
    assert set(paper.copies().values()) == {1}


def test_f3_a_run_of_this_machine_beside_the_workers_sends_nothing_twice(paper: House) -> None:
    paper.set(r"^connections", "per_second = 60\nconnections")
    paper.worker(0)
    send = paper.send()
    wait_for(lambda: paper.state()["sent"] > 20)
    code, said = paper.run("send", KEY, "--yes", "--here")
    assert (code, "another run" in said or "workers are sending" in said) == (6, True)
    code, _ = paper.run("send", KEY, "--yes", "--join")
    assert code in (0, 5)
    assert send.end() == 0
    paper.check_once_each(600)


def test_while_a_machine_sends_by_itself_no_other_settles_its_doubts_or_sends_beside_it(paper: House) -> None:
    paper.set(r"^connections", "per_second = 60\nconnections")
    run = paper.start(0, "send", KEY, "--yes", "--here")
    wait_for(lambda: paper.state()["sent"] > 20)
    for order in (("settle", "--resend", "--all", "--yes", "--who", "ada"), ("send", "--yes", "--here")):
        other = paper.start(1, order[0], KEY, *order[1:])
        assert (other.end(), f"another run is sending {KEY}" in other.said) == (6, True)
    run.popen.kill()
    run.popen.wait()
    assert paper.start(1, "settle", KEY, "--resend", "--all", "--yes", "--who", "ada").end() == 4
    assert paper.start(1, "send", KEY, "--yes", "--join").end() == 0
    assert paper.state() == {"sent": 600}
    assert paper.ledger.rows("SELECT name FROM run") in ([], [(run.name,)])  # the one that was killed


def test_f24_a_job_that_the_queue_gives_twice_sends_nothing_twice(paper: House) -> None:
    import psycopg

    from newsletter.fleet.engine import Engine

    worker = paper.worker(0)
    assert paper.send().end() == 0
    (done,) = paper.ledger.rows("SELECT id FROM batch LIMIT 1")[0]
    with psycopg.connect(paper.url) as connection:
        Engine(paper.url).enqueue(connection, [(int(done), "main"), (int(done), "main")])
    wait_for(lambda: paper.ledger.rows("SELECT 1 FROM procrastinate_jobs") == [])
    assert worker.popen.poll() is None
    paper.check_once_each(600)


def test_ctrl_c_ends_the_following_and_not_the_sending(paper: House) -> None:
    paper.worker(0)
    send = paper.send()
    wait_for(lambda: paper.state()["sent"] > 20)
    send.popen.send_signal(signal.SIGINT)
    assert send.end() == 130
    assert f"newsletter pause {KEY}" in send.said
    wait_for(lambda: paper.state()["sent"] == 600)
    paper.check_once_each(600)


def test_a_paused_issue_stands_still_on_all_machines_and_goes_on_when_it_is_resumed(paper: House) -> None:
    paper.set(r"^connections", "per_second = 100\nconnections")
    paper.worker(0)
    paper.worker(1)
    send = paper.send()
    wait_for(lambda: paper.state()["sent"] > 30)
    code, _ = paper.run("pause", KEY, "--who", "ada", "--note", "a wrong link")
    assert code == 0
    assert send.end() == 4
    wait_for(lambda: paper.state()["in doubt"] == 0)
    stood = paper.state()["sent"]
    assert stood < 600
    code, said = paper.run("send", KEY, "--yes")
    assert (code, f"newsletter resume {KEY}" in said) == (2, True)
    assert paper.state()["sent"] == stood
    code, _ = paper.run("resume", KEY, "--who", "zoe")
    assert code == 0
    wait_for(lambda: paper.state()["sent"] == 600)
    paper.check_once_each(600)


def test_status_shows_who_works_and_how_fast_while_it_is_watched(paper: House) -> None:
    paper.set(r"^connections", "per_second = 100\nconnections")
    workers = [paper.worker(0), paper.worker(1)]
    send = paper.send()
    wait_for(lambda: paper.state()["sent"] > 150)
    code, said = paper.run("status", KEY, "--json")
    found = json.loads(said[said.index("{") :])
    assert code in (4, 5)  # a message in flight is in doubt
    assert {worker["name"] for worker in found["workers"]} == {worker.name for worker in workers}
    assert all(worker["alive"] for worker in found["workers"])
    assert found["relays"][0]["workers"] == 2
    assert 0 < found["relays"][0]["per_second"] <= 110
    assert found["relays"][0]["most_per_second"] == 100
    assert found["batches"]["all"] == 3
    watched, said = paper.run("status", KEY, "--watch")
    assert (watched, send.end()) == (0, 0)
    assert "main: " in said
    assert "/s of 100, 2 workers" in said
    assert f"{workers[0].name} for main: " in said


def test_a_worker_that_has_the_issues_sends_what_is_due(paper: House) -> None:
    paper.set(r"\Z", '\n[schedule]\nhour = "06:40"\n', places=[0, -1])
    assert paper.run("approve", KEY)[0] == 0
    paper.worker(0)
    wait_for(lambda: paper.state()["sent"] == 600, seconds=60)
    paper.check_once_each(600)


def test_a_cancelled_issue_ends_on_all_machines_at_once(paper: House) -> None:
    paper.set(r"^connections", "per_second = 100\nconnections")
    paper.worker(0)
    send = paper.send()
    wait_for(lambda: paper.state()["sent"] > 30)
    assert paper.run("cancel", KEY, "--yes")[0] in (0, 5)
    assert send.end() == 0
    state = paper.state()
    assert state["sent"] + state["withheld"] == 600
    assert state["sent"] < 300
    wait_for(lambda: paper.ledger.rows("SELECT 1 FROM procrastinate_jobs") == [])
    assert sum(paper.copies().values()) == paper.state()["sent"]


def test_a_worker_that_is_told_to_end_finishes_what_is_in_flight_and_leaves_no_doubt(paper: House) -> None:
    first = paper.worker(0)
    send = paper.send()
    wait_for(lambda: paper.state()["sent"] > 30)
    first.popen.send_signal(signal.SIGTERM)
    assert first.end() == 0
    assert paper.state()["in doubt"] == 0
    paper.worker(1)
    assert send.end(seconds=60) == 0
    paper.check_once_each(600)


def test_a_relay_that_is_down_is_left_alone_and_the_others_go_on(paper: House) -> None:
    two = (
        '[relays.good]\nbackend = "smtp"\nhost = "127.0.0.1"\nport = {port}\nsecurity = "plain"\n'
        '[relays.bad]\nbackend = "smtp"\nhost = "127.0.0.1"\nport = 9\nsecurity = "plain"\n'
    )
    for place, port in enumerate(paper.ports):
        paper.set(r"\[backends\.smtp\].*?(?=\n\[)", two.format(port=port), places=[place])
    worker = paper.worker(0)
    send = paper.send()
    worker.until("bad: 127.0.0.1")
    wait_for(lambda: paper.state()["sent"] >= 250)
    code, said = paper.run("status", KEY, "--json")
    found = json.loads(said[said.index("{") :])
    assert code in (4, 5)
    assert [relay["name"] for relay in found["relays"]] == ["good", "bad"]
    assert found["relays"][0]["trouble"] is None
    assert "Connection refused" in found["relays"][1]["trouble"]
    assert found["holds"] is True
    send.popen.send_signal(signal.SIGINT)
    send.end()


def test_a_worker_whose_clock_is_behind_the_databases_waits_all_the_same(paper: House) -> None:
    """Those of this house stand still on a morning long past, or are hours ahead."""
    paper.set(r"^port = \d+", "port = 9", places=[0])
    worker = paper.worker(0)
    paper.send()
    worker.until("main: 127.0.0.1")
    time.sleep(4)
    [(tries,)] = paper.ledger.rows("SELECT max(tries) FROM batch")
    assert tries <= 3


def test_a_relay_that_has_lost_its_workers_is_not_waited_for_without_end(paper: House) -> None:
    set_relays(paper, paris=1, lyon=1)
    paper.set(r'patience = "2m"', 'patience = "2s"\nper_second = 200', places=[-1])
    paper.worker(0, "--relay", "paris")
    gone = paper.worker(1, "--relay", "lyon")
    trap = Trap(paper, 1, Moment.DATA, 20, gone.popen.kill)
    send = paper.send()
    assert trap.sprung.wait(30)
    assert send.end() == 75
    assert "no worker is there any more for lyon" in send.said
    assert paper.state()["sent"] >= 250


def test_an_issue_of_which_nobody_is_owed_anything_needs_no_worker_to_end(paper: House) -> None:
    first = paper.worker(0)
    send = paper.send()
    wait_for(lambda: paper.state()["sent"] > 30)
    first.popen.send_signal(signal.SIGSTOP)
    paper.ledger.rows("UPDATE delivery SET state = 'sent' WHERE state <> 'sent' RETURNING 1")
    first.popen.kill()
    assert send.end(seconds=40) == 0


def test_an_issue_that_a_relay_turns_away_is_held_and_nobody_else_tried(paper: House) -> None:
    with ScriptedServer({"RCPT": always(say(b"554 5.7.1 blocked\r\n"))}, gathered=True) as server:
        paper.set(r"^port = \d+", f"port = {server.port}", places=[0])
        paper.worker(0)
        send = paper.send()
        assert send.end() == 75
        assert "messages in a row were blocked, the last with '554 5.7.1 blocked'" in send.said
        assert f"newsletter resume {KEY}" in send.said
        tried = paper.ledger.rows("SELECT count(*) FROM attempt")
        assert 10 <= int(tried[0][0]) <= 18
        time.sleep(7)  # a relay that is only down would have been tried again by now
        assert paper.ledger.rows("SELECT count(*) FROM attempt") == tried
        assert paper.state() == {"owed": 600}
        shown = paper.run("status", KEY)[1]
        assert "Paused by a worker" in shown


def test_each_relay_gets_its_share(paper: House) -> None:
    set_relays(paper, paris=2, lyon=1)
    paper.worker(0)
    assert paper.send().end() == 0
    paper.check_once_each(600)
    rows = paper.ledger.rows("SELECT relay, sum(readers) FROM batch GROUP BY relay")
    assert dict(rows) == {"paris": 350, "lyon": 250}


def test_a_worker_with_another_key_for_links_sends_nothing(paper: House) -> None:
    paper.environment["NEWSLETTER_SECRET"] = "another-key-than-the-others-have"
    stranger = paper.worker(0)
    del paper.environment["NEWSLETTER_SECRET"]
    send = paper.send()
    stranger.until("another key for links")
    assert paper.copies() == {}
    paper.worker(1)
    stranger.popen.send_signal(signal.SIGTERM)
    assert send.end(seconds=60) == 0
    paper.check_once_each(600)


def test_workers_that_take_nothing_on_are_not_followed_without_end(paper: House) -> None:
    paper.set(r'patience = "2m"', 'patience = "1s"')
    paper.environment["NEWSLETTER_SECRET"] = "another-key-than-the-others-have"
    paper.worker(0)
    del paper.environment["NEWSLETTER_SECRET"]
    send = paper.send()
    assert send.end(seconds=90) == 75
    assert "the workers take nothing on" in send.said
    assert paper.copies() == {}


_BROKEN = """
CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'out of order'; END $$;
CREATE TRIGGER broken BEFORE UPDATE ON batch FOR EACH ROW EXECUTE FUNCTION broken();
"""


def test_what_keeps_a_worker_from_a_batch_is_told_once_and_the_batch_tried_again(paper: House) -> None:
    import psycopg

    worker = paper.worker(0)
    with psycopg.connect(paper.url, autocommit=True) as connection:
        connection.execute(_BROKEN)
        send = paper.send()
        worker.until("out of order")
        time.sleep(3)
        assert worker.said.count("out of order") == 1
        connection.execute("DROP TRIGGER broken ON batch")
    assert send.end() == 0
    paper.check_once_each(600)


def test_a_file_is_nothing_that_machines_can_share(paper: House) -> None:
    paper.set(r'url = "postgresql.*?"', 'url = "sqlite:///.newsletter/newsletter.db"', places=[0])
    worker = paper.start(0, "worker")
    assert worker.end() == 2
    assert "PostgreSQL" in worker.said


def test_f14_a_database_that_crashes_in_mid_issue_costs_nobody_a_copy(
    own_cluster: Cluster, tmp_path: Path
) -> None:
    with house(own_cluster, tmp_path / "h", more="per_second = 200\n") as paper:
        paper.worker(0)
        paper.worker(1)
        send = paper.send()
        wait_for(lambda: paper.state()["sent"] > 50)
        watch = paper.press("status", KEY, "--watch")
        watch.until("owed")
        paper.ledger.close()
        own_cluster.restart("immediate")
        assert send.end(seconds=90) in (0, 5)
        assert watch.end() in (0, 5)
        wait_for(lambda: paper.state()["owed"] == 0, seconds=60)
        copies = paper.copies()
        assert set(copies.values()) == {1}
        state = paper.state()
        assert state["sent"] + state["in doubt"] == 600
        print(f"in doubt after the crash: {state['in doubt']}")
        assert len(copies) >= state["sent"]
