"""`newsletter send` at its hour, beside another run, strictly, approved, from a backup, for programs."""

import json
import re
import shutil
import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import SEND, answer_of, command, refuses, replaced, told, until
from tests.conftest import Newsletter
from tests.stories.conftest import Mailroom, readers_file, through_smtp

KEY = "2026-11-23"


@pytest.fixture
def thirty(paper: Path, newsletter: Newsletter, mailroom: Mailroom) -> Mailroom:
    """The publication has thirty readers and sends through a real server."""
    through_smtp(paper, mailroom.port)
    readers_file(paper, 30)
    assert newsletter("readers", "import", "readers.csv", "--source", "the fair").code == 0
    return mailroom


def test_it_waits_for_its_hour_and_is_dated_then(paper: Path, thirty: Mailroom) -> None:
    answer = answer_of(command(paper, "send", KEY, "--yes", "--at", "2026-11-23T06:45:08+01:00"))
    assert answer.code == 0, answer.err
    assert "Waiting until 06:45:08 for the hour to send." in answer.err
    assert len(thirty.accepted) == 30
    dates = {line for _, mail in thirty.accepted for line in mail.split(b"\r\n")[:9] if line[:5] == b"Date:"}
    (one,) = dates
    assert one >= b"Date: Mon, 23 Nov 2026 06:45:08 +0100"


def test_an_hour_that_is_over_sends_nothing(newsletter: Newsletter, paper: Path, thirty: Mailroom) -> None:
    error = "--at: '06:30' is over: it is 06:45 on 23 November 2026"
    refuses(
        newsletter, paper, *SEND, "--at", "06:30", code=2, error=error, hint="leave --at out to send at once"
    )


def test_what_cannot_be_over_in_time_is_not_begun(
    newsletter: Newsletter, paper: Path, thirty: Mailroom
) -> None:
    replaced("newsletter.toml", "[send]", "[send]\nper_second = 0.1")(paper)
    answer = newsletter(*SEND, "--not-after", "06:49")
    assert answer.code == 7
    error, hint = told(answer)
    words = r"the last copy would leave at 06:50:\d\d, and none may after 06:49: nothing was sent"
    assert re.fullmatch(f"Error: --not-after: {words}", error)
    assert hint == "Hint: send without --not-after, begin earlier, or raise per_second in [send]"
    assert thirty.accepted == []


def test_a_run_ends_at_the_hour_and_says_who_is_owed(paper: Path, thirty: Mailroom) -> None:
    def slowly(recipient: str) -> str:
        time.sleep(0.5)
        return "250 OK"

    thirty.answer = slowly
    replaced("newsletter.toml", "[send]", "[send]\nconnections = 2")(paper)
    answer = answer_of(command(paper, *SEND, "--not-after", "2026-11-23T06:45:08+01:00"))
    assert answer.code == 7
    assert 1 <= len(thirty.accepted) < 30
    assert "  still owed: lecteur" in answer.err
    assert "not reached in time" in answer.err


def test_two_runs_at_once_send_each_reader_one_copy(paper: Path, thirty: Mailroom) -> None:
    replaced("newsletter.toml", "[send]", "[send]\nper_second = 20")(paper)
    runs = [command(paper, *SEND, "--join") for _ in range(3)]
    assert [answer_of(run).code for run in runs] == [0, 0, 0]
    assert Counter(thirty.recipients) == {f"lecteur{n}@example.org": 1 for n in range(30)}


def test_whoever_joins_takes_part_in_a_run_that_did_not_expect_it(
    newsletter: Newsletter, paper: Path, thirty: Mailroom
) -> None:
    replaced("newsletter.toml", "[send]", "[send]\nper_second = 5")(paper)
    run = command(paper, *SEND)
    until(lambda: len(thirty.accepted) > 2)
    refused = newsletter(*SEND)
    assert (refused.code, "another run is sending 2026-11-23" in refused.err) == (6, True)
    assert "take part: newsletter send 2026-11-23 --join" in refused.err
    assert newsletter("settle", KEY, "--resend", "--all", "--yes", "--who", "Ada").code == 6
    ends = {newsletter(*SEND, "--join").code, answer_of(run).code}
    assert ends <= {0, 5}  # what the other has in flight is a doubt to whoever ends first
    assert Counter(thirty.recipients) == {f"lecteur{n}@example.org": 1 for n in range(30)}


def test_strictly_nobody_gets_it_if_one_message_cannot_be_made(
    newsletter: Newsletter, paper: Path, thirty: Mailroom
) -> None:
    with closing(sqlite3.connect(paper / ".newsletter" / "newsletter.db")) as connection, connection:
        connection.execute("UPDATE reader SET email = 'x,y@example.org' WHERE email LIKE 'lecteur7@%'")
    answer = newsletter(*SEND, "--strict")
    assert answer.code == 3
    assert "Error: --strict: nothing can be sent to 'x,y@example.org': there is ',' in it" in answer.err
    assert thirty.accepted == []
    assert newsletter(*SEND).code == 0
    assert len(thirty.accepted) == 29
    assert json.loads(newsletter("status", "--json").out)["withheld"] == {"render_error": 1}


def test_events_for_programs_are_lines_of_json(newsletter: Newsletter, paper: Path, thirty: Mailroom) -> None:
    thirty.answer = lambda recipient: "550 5.1.1 unknown" if recipient.startswith("lecteur3@") else "250 OK"
    answer = newsletter(*SEND, "--json")
    events = [json.loads(line) for line in answer.out.splitlines()]
    assert [event["event"] for event in events] == ["refused", "ended"]
    assert events[0]["email"] == "lecteur3@example.org"
    assert events[0]["detail"] == "550 5.1.1 unknown"
    assert (events[1]["exit"], events[1]["sent"], events[1]["refused"], events[1]["holds"]) == (
        4,
        29,
        1,
        True,
    )


def test_another_edition_than_the_approved_one_is_not_sent(
    newsletter: Newsletter, paper: Path, thirty: Mailroom
) -> None:
    assert newsletter("approve", KEY, "--who", "Ada").code == 0
    replaced(f"issues/{KEY}/01-premier.md", "un paragraphe", "une ligne")(paper)
    answer = newsletter(*SEND)
    assert answer.code == 3
    assert (
        "not what Ada approved at 06:45 on 23 November: the text has changed; the HTML has changed"
        in answer.err
    )
    assert any(line.startswith("  -") and "un paragraphe" in line for line in answer.err.splitlines())
    assert thirty.accepted == []
    assert newsletter("approve", KEY, "--who", "Ada").code == 0
    assert newsletter(*SEND).code == 0
    assert len(thirty.accepted) == 30


def test_where_approval_is_required_nothing_goes_without(
    newsletter: Newsletter, paper: Path, thirty: Mailroom
) -> None:
    replaced("newsletter.toml", "[send]", '[send]\napproval = "required"')(paper)
    error = f"issues/{KEY}: nobody has approved this issue"
    refuses(newsletter, paper, *SEND, code=3, error=error, hint=f"newsletter approve {KEY}")
    assert newsletter("approve", KEY).code == 0
    assert newsletter(*SEND).code == 0
    assert len(thirty.accepted) == 30


def test_f20_a_database_from_a_backup_sends_nothing_again(
    newsletter: Newsletter, paper: Path, thirty: Mailroom
) -> None:
    state = paper / ".newsletter"
    shutil.copy(state / "newsletter.db", paper / "backup.db")
    assert newsletter(*SEND).code == 0
    for path in state.glob("newsletter.db*"):
        path.unlink()
    shutil.copy(paper / "backup.db", state / "newsletter.db")

    refused = newsletter(*SEND)
    assert refused.code == 75
    assert "the database does not know of 2026-11-23, of which at least 30 copies had left" in refused.err
    assert "newsletter send 2026-11-23 --restored" in refused.err
    assert len(thirty.accepted) == 30

    restored = newsletter(*SEND, "--restored")
    assert restored.code == 5
    assert len(thirty.accepted) == 30
    status = json.loads(newsletter("status", "--json").out)
    assert (status["in_doubt"], status["owed"], status["holds"]) == (30, 0, True)
