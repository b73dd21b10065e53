"""status: the identity, the rate, who decided what, and everybody who did not get it."""

import csv
import io
import json
import os
import pty
import re
import signal
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from newsletter.model import Outcome
from newsletter.readers.accounts import Accounts
from newsletter.readers.witness import Witness
from tests.cli.conftest import answer_of, command, told
from tests.cli.underway import FROZEN, KEY, LEFT, a_run, commit, database, freeze, record
from tests.cli.underway import doubts as doubts
from tests.conftest import Newsletter


def test_everybody_who_did_not_get_it_is_named_and_doubts_come_first(
    newsletter: Newsletter, paper: Path, doubts: dict[str, str]
) -> None:
    record(paper, doubts["cid"], outcome=Outcome.DEFERRED, detail="451 greylisted")
    answer = newsletter("status")
    assert answer.code == 5
    assert answer.err.splitlines() == [
        "L’étincelle",
        "2026-11-23, frozen at 06:30 on 23 November 2026: 4 readers = 1 sent + 1 in doubt + 2 owed",
        "Sent at 1.0 a second, pauses left out.",
    ]
    rows = [re.split(r" {2,}", line.strip(" ")) for line in answer.out.splitlines()[2:]]
    assert rows[0] == ["bea@example.org", "in doubt"]
    assert sorted(rows[1:]) == [
        ["cid@example.org", "owed", "451 greylisted", "06:35 on 23 November"],
        ["dan@example.org", "owed"],
    ]
    assert newsletter("status", KEY, "--json").code == 5


def test_the_rate_is_that_of_the_time_in_which_something_was_sent(
    newsletter: Newsletter, paper: Path
) -> None:
    ids = list(freeze(paper, *(f"r{number}" for number in range(40))).values())
    commit(paper, *ids)
    for second in range(4):
        at = LEFT + timedelta(seconds=second if second < 2 else 600 + second)
        record(paper, *ids[10 * second : 10 * second + 10], at=at)
    answer = newsletter("status")
    assert answer.code == 0
    assert "Sent at 10.0 a second, pauses left out." in answer.err
    assert json.loads(newsletter("status", "--json").out)["per_second"] == 10.0


def test_as_csv_no_cell_is_a_formula(newsletter: Newsletter, paper: Path) -> None:
    ids = freeze(paper, "=cmd", "bea", "cid")
    commit(paper, *ids.values())
    record(paper, ids["=cmd"], outcome=Outcome.REFUSED, detail='=HYPERLINK("x"), no')
    record(paper, ids["cid"], outcome=Outcome.DEFERRED, detail="-1 later")
    answer = newsletter("status", "--csv")
    assert answer.code == 5
    assert answer.out.count("\r\n") == 4
    rows = list(csv.reader(io.StringIO(answer.out, newline="")))
    assert rows == [
        ["email", "name", "state", "detail", "attempts", "next_at"],
        ["bea@example.org", "", "in doubt", "", "1", ""],
        ["cid@example.org", "", "owed", "'-1 later", "1", "2026-11-23T05:35:12+00:00"],
        ["'=cmd@example.org", "", "refused", '\'=HYPERLINK("x"), no', "1", ""],
    ]
    both = newsletter("status", "--csv", "--json")
    assert (both.code, told(both)) == (2, ["Error: --csv: either CSV or JSON", "Hint: leave one of them out"])


def test_as_json_it_is_whole_with_and_without_somebody_missing(
    newsletter: Newsletter, paper: Path, doubts: dict[str, str]
) -> None:
    newsletter("cancel", KEY, "--yes", "--who", "Ada")
    facts = json.loads(newsletter("status", "--json").out)
    assert facts["cancelled_at"] == "2026-11-23T05:45:00+00:00"
    assert facts["decisions"] == [
        {"at": "2026-11-23T05:45:00+00:00", "who": "Ada", "kind": "cancel", "readers": 1}
    ]
    assert (facts["approval"], facts["holds"], facts["withheld"]) == (None, True, {"cancelled": 1})
    assert sorted((one["email"], one["state"], one["detail"]) for one in facts["not_sent"]) == [
        ("bea@example.org", "in doubt", ""),
        ("cid@example.org", "in doubt", ""),
        ("dan@example.org", "withheld", "cancelled"),
    ]
    newsletter("settle", "--sent", "--all", "--yes")
    with database(paper) as opened, opened.write() as connection:
        connection.exec_driver_sql("UPDATE delivery SET state = 'sent'")
    assert json.loads(newsletter("status", "--json").out)["not_sent"] == []


def test_a_list_that_fills_no_page_and_one_that_fills_three_look_alike(
    newsletter: Newsletter, paper: Path
) -> None:
    freeze(paper, "ada", "bob")
    short = newsletter("status").out.splitlines()
    with database(paper) as opened, opened.write() as connection:
        for number in range(1200):
            connection.exec_driver_sql(
                "INSERT INTO delivery (issue_key, reader_id, state, attempts, host, reason) "
                "VALUES (?, ?, 'withheld', 0, '', 'erased')",
                (KEY, f"id-{number:04}"),
            )
    long = newsletter("status")
    lines = long.out.splitlines()
    assert len(lines) == 1 + 2 + 1200
    assert re.split(r" {2,}", lines[0]) == ["reader", "state", "what was said", "next try"]
    assert re.split(r" {2,}", lines[-1]) == ["id-1199", "withheld", "erased"]
    assert re.split(r" {2,}", short[0].strip(" ")) == ["reader", "state", "what was said", "next try"]
    assert "The books do not balance: somebody is not accounted for." in long.err


def test_a_database_that_is_older_than_what_was_sent_is_told(
    newsletter: Newsletter, paper: Path, doubts: dict[str, str]
) -> None:
    with database(paper) as opened:
        instance = Accounts(opened).standing(KEY).instance
    Witness(paper / ".newsletter" / "witness.json").note(instance, KEY, frozen_at=FROZEN, gone=4)
    words = "the database knows of 3 copies, but 4 had left: it is older than what was sent"
    assert words in newsletter("status").err


# ---- watch ----


def test_watching_what_nobody_sends_ends_at_once(
    newsletter: Newsletter, paper: Path, doubts: dict[str, str]
) -> None:
    started = time.monotonic()
    answer = newsletter("status", "--watch")
    assert time.monotonic() - started < 5
    assert answer.code == 5
    assert answer.err.splitlines()[0] == "3 of 4: 1 sent + 2 in doubt + 1 owed"


def test_a_run_is_followed_until_nobody_is_owed_the_issue(
    newsletter: Newsletter, paper: Path, doubts: dict[str, str]
) -> None:
    def end() -> None:
        time.sleep(0.5)
        commit(paper, doubts["dan"])
        record(paper, doubts["bea"], doubts["cid"], doubts["dan"])

    with a_run(paper):
        run = threading.Thread(target=end)
        run.start()
        answer = newsletter("status", KEY, "--watch")
        run.join()
    assert answer.code == 0
    assert "4 readers = 4 sent" in answer.err


def test_ctrl_c_ends_the_watch_and_not_the_run(
    newsletter: Newsletter, paper: Path, doubts: dict[str, str]
) -> None:
    with a_run(paper):
        watch = command(paper, "status", "--watch")
        assert watch.stderr
        first = watch.stderr.readline().decode()
        watch.send_signal(signal.SIGINT)
        answer = answer_of(watch)
    assert first == "3 of 4: 1 sent + 2 in doubt + 1 owed\n"
    assert (answer.code, answer.out) == (130, "")
    assert answer.err == "No longer watching; the run goes on.\n"


def test_on_a_terminal_the_line_is_drawn_again(paper: Path, doubts: dict[str, str]) -> None:
    ours, terminal = pty.openpty()
    with a_run(paper):
        watch = command(paper, "status", "--watch", stderr=terminal)
        os.close(terminal)
        seen = b""
        while b"3/4" not in seen:
            seen += os.read(ours, 4096)
        commit(paper, doubts["dan"])
        while b"4/4" not in seen:
            seen += os.read(ours, 4096)
        watch.communicate(timeout=30)
    os.close(ours)
    assert watch.returncode == 5
    assert b"3 in doubt" in seen


@pytest.mark.parametrize("option", ["--csv", "--json"])
def test_what_was_never_sent_has_nothing_to_list(option: str, newsletter: Newsletter, paper: Path) -> None:
    answer = newsletter("status", option)
    assert answer.code == 0
    if option == "--csv":
        assert answer.out == "email,name,state,detail,attempts,next_at\r\n"
    else:
        assert json.loads(answer.out)["not_sent"] == []
