"""send --due: once, on time, by whoever comes first; and someone is told when it does not leave."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from newsletter.cli.alarm import HOST, watching
from tests.alerts.test_channels import Hook
from tests.alerts.test_channels import hook as hook
from tests.cli.conftest import ISSUE_MD, Door, answer_of, replaced, told
from tests.cli.conftest import door as door
from tests.cli.underway import KEY, a_run, database
from tests.conftest import PYTHON, Newsletter
from tests.stories.conftest import Mailroom, readers_file, through_smtp

DUE = ("send", "--due")
SEVEN = "2026-11-23T07:00"


def at(minute: str, newsletter: Newsletter, *more: str) -> tuple[int, list[str]]:
    """The exit code of `send --due` at that minute of the day, and what it says."""
    answer = newsletter(*DUE, *more, clock=f"2026-11-23T{minute}")
    return answer.code, answer.err.splitlines()


def trigger(paper: Path, clock: str = SEVEN) -> "subprocess.Popen[bytes]":
    """A trigger as a process of its own."""
    return subprocess.Popen(
        [PYTHON, "-m", "newsletter", "--clock", clock, *DUE],
        cwd=paper,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


@contextmanager
def until_the_end(run: "subprocess.Popen[bytes]") -> Iterator[None]:
    try:
        yield
    finally:
        run.kill()
        run.communicate()


def claims(paper: Path) -> dict[str, str]:
    with closing(sqlite3.connect(paper / ".newsletter/newsletter.db")) as connection:
        return dict(connection.execute("SELECT what, host FROM claim WHERE day = ?", (KEY,)).fetchall())


def claim(paper: Path, what: str, host: str, moment: datetime) -> None:
    with database(paper):
        pass
    with closing(sqlite3.connect(paper / ".newsletter/newsletter.db")) as connection, connection:
        row = (KEY, what, int(moment.timestamp()), host)
        connection.execute("INSERT INTO claim (day, what, at, host) VALUES (?, ?, ?, ?)", row)


def wait_for(happened: Callable[[], object]) -> None:
    ends = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < ends
        time.sleep(0.02)


def tell_by(paper: Path, hook: Hook) -> None:
    """Have the web server told whatever is wrong."""
    text = (paper / "newsletter.toml").read_text(encoding="utf-8")
    (paper / "newsletter.toml").write_text(
        f'{text}\n[alerts]\nwebhook = "{hook.address}"\n', encoding="utf-8"
    )


def reasons(hook: Hook) -> list[str]:
    return [json.loads(content)["reason"] for _, _, content in hook.calls]


@pytest.fixture
def ready(paper: Path, newsletter: Newsletter, mailroom: Mailroom) -> Mailroom:
    """Thirty readers, a real server, and an issue that is approved."""
    through_smtp(paper, mailroom.port)
    readers_file(paper, 30)
    assert newsletter("readers", "import", "readers.csv", "--source", "the fair").code == 0
    assert newsletter("approve", KEY, "--who", "Ada").code == 0
    return mailroom


# ---- what is due ----


def test_what_is_approved_leaves_at_its_hour_once(newsletter: Newsletter, ready: Mailroom) -> None:
    code, lines = at("06:59", newsletter)
    assert (code, lines) == (0, ["The schedule begins now: nothing is due before Mon 23 Nov, 07:00."])
    assert ready.accepted == []
    assert at("07:00", newsletter)[0] == 0
    assert Counter(ready.recipients) == {f"lecteur{n}@example.org": 1 for n in range(30)}
    for minute in ("07:00", "07:05", "10:00", "23:59"):
        code, lines = at(minute, newsletter)
        assert code == 0
        assert lines == [f"Nothing is due before Tue 24 Nov, 07:00; {KEY}: 30 readers = 30 sent"]
    assert len(ready.accepted) == 30


def test_on_weekends_and_holidays_nothing_is_due(newsletter: Newsletter, ready: Mailroom) -> None:
    for clock in ("2026-11-11T07:00", "2026-11-11T10:00"):
        answer = newsletter(*DUE, clock=clock)
        assert answer.code == 0
        assert len(answer.err.splitlines()) == 1
    assert newsletter(*DUE, clock="2026-11-21T07:00").code == 7  # of Friday, which had no issue
    for clock in ("2026-11-21T07:05", "2026-11-22T07:00"):
        answer = newsletter(*DUE, clock=clock)
        assert answer.code == 0
        assert len(answer.err.splitlines()) == 1
    assert ready.accepted == []


@pytest.mark.parametrize(
    ("zone", "early", "due"),
    [
        ("Europe/Paris", "2027-03-28T01:59", "2027-03-28T03:30"),
        ("Europe/Paris", "2027-10-31T02:29", "2027-10-31T02:30"),
        ("America/New_York", "2027-03-14T01:59", "2027-03-14T03:30"),
    ],
)
def test_an_hour_in_the_night_of_a_change_is_kept(
    paper: Path, newsletter: Newsletter, ready: Mailroom, zone: str, early: str, due: str
) -> None:
    key = due[:10]
    (paper / "issues" / KEY).rename(paper / "issues" / key)
    replaced(
        "newsletter.toml",
        "[send]",
        f'time_zone = "{zone}"\n[schedule]\ndays = "mon-sun"\nhour = "02:30"\non_holidays = true\n[send]',
    )(paper)
    approved = newsletter("approve", key, "--who", "Ada", clock=early)
    assert approved.code == 0, approved.err
    assert newsletter(*DUE, clock=early).code == 0
    assert ready.accepted == []
    assert newsletter(*DUE, clock=due).code == 0
    assert len(ready.accepted) == 30
    assert newsletter(*DUE, clock=due).code == 0
    assert len(ready.accepted) == 30


def test_it_takes_no_issue_and_no_other_wishes(newsletter: Newsletter) -> None:
    for more in ((KEY,), ("--yes",), ("--at", "07:00"), ("--join",)):
        answer = newsletter(*DUE, *more)
        assert (answer.code, told(answer)[0]) == (2, "Error: --due: takes no ISSUE and no option but --json")


# ---- many triggers ----


def test_of_five_triggers_at_once_one_sends_and_all_are_content(paper: Path, ready: Mailroom) -> None:
    answers = [answer_of(run) for run in [trigger(paper) for _ in range(5)]]
    assert [answer.code for answer in answers] == [0] * 5
    assert Counter(ready.recipients) == {f"lecteur{n}@example.org": 1 for n in range(30)}
    quiet = [answer.err for answer in answers if "through  smtp" not in answer.err]
    assert len(quiet) == 4
    for words in quiet:
        assert words in (
            f"Another run is sending {KEY}.\n",
            f"Nothing is due before Tue 24 Nov, 07:00; {KEY}: 30 readers = 30 sent\n",
        )


def test_of_five_hosts_with_one_database_one_sends_by_its_row_alone(
    paper: Path, tmp_path: Path, ready: Mailroom
) -> None:
    shared = f'[store]\nurl = "sqlite:///{paper / ".newsletter/newsletter.db"}"\n[send]'
    replaced("newsletter.toml", "[send]", shared)(paper)
    as_host = "import sys; from newsletter.cli import alarm, run; alarm.HOST = sys.argv[1]"
    as_host += "; sys.exit(run(sys.argv[2:]))"
    runs = []
    for number in range(5):
        host = tmp_path / f"web{number}"  # each has its own folder, so its own locks
        shutil.copytree(paper, host, ignore=shutil.ignore_patterns("*.db*"))
        command = [PYTHON, "-c", as_host, host.name, "--clock", SEVEN, *DUE]
        runs.append(subprocess.Popen(command, cwd=host, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
    answers = [answer_of(run) for run in runs]
    assert [answer.code for answer in answers] == [0] * 5
    assert Counter(ready.recipients) == {f"lecteur{n}@example.org": 1 for n in range(30)}
    assert sum("through  smtp" in answer.err for answer in answers) == 1
    assert list(claims(paper)) == ["begun", "ended"]


def test_a_run_that_is_killed_is_gone_on_with_and_nobody_gets_it_twice(
    paper: Path, newsletter: Newsletter, ready: Mailroom
) -> None:
    replaced("newsletter.toml", "[send]", "[send]\nconnections = 1")(paper)
    run: subprocess.Popen[bytes] | None = None

    def kill_at_the_tenth(recipient: str) -> str:
        if run and len(ready.accepted) == 9:
            os.kill(run.pid, signal.SIGKILL)
        return "250 OK"

    ready.answer = kill_at_the_tenth
    run = trigger(paper)
    assert run.wait(30) == -signal.SIGKILL
    run.communicate()
    run = None
    code, lines = at("07:01", newsletter)
    assert f"Going on with {KEY}, which {HOST}, at 07:00, began to send." in lines
    tally = json.loads(newsletter("status", "--json").out)
    assert Counter(ready.recipients).most_common(1)[0][1] == 1
    assert (tally["owed"], tally["sent"] + tally["in_doubt"]) == (0, 30)
    assert len(ready.accepted) >= 30 - tally["in_doubt"]
    assert code == (5 if tally["in_doubt"] else 0)
    assert at("07:06", newsletter)[0] == 0


def test_what_another_host_has_begun_is_left_to_it_for_five_minutes(
    paper: Path, newsletter: Newsletter, ready: Mailroom
) -> None:
    claim(paper, "begun", "web2", datetime(2026, 11, 23, 6, 0, tzinfo=UTC))
    assert at("07:04", newsletter) == (0, [f"web2, at 07:00, began to send {KEY}."])
    assert ready.accepted == []
    code, lines = at("07:05", newsletter)
    assert code == 0
    assert f"Going on with {KEY}, which web2, at 07:00, began to send." in lines
    assert len(ready.accepted) == 30


def test_while_a_person_sends_it_the_schedule_keeps_out(
    paper: Path, newsletter: Newsletter, ready: Mailroom
) -> None:
    with a_run(paper):
        assert at("07:00", newsletter) == (0, [f"Another run is sending {KEY}."])
    assert newsletter("send", "--yes").code == 0
    assert at("07:05", newsletter)[0] == 0
    assert at("10:05", newsletter)[0] == 0
    assert len(ready.accepted) == 30


def test_a_run_that_was_asked_to_stop_goes_on_at_the_next_trigger(
    paper: Path, newsletter: Newsletter, ready: Mailroom
) -> None:
    replaced("newsletter.toml", "[send]", "[send]\nper_second = 20")(paper)
    run = trigger(paper)
    wait_for(lambda: ready.accepted)
    run.send_signal(signal.SIGTERM)
    answer = answer_of(run)
    assert answer.code == 130
    assert f"The next trigger goes on with it; to prevent that: newsletter cancel {KEY}" in answer.err
    assert 0 < len(ready.accepted) < 30
    assert at("07:05", newsletter)[0] == 0
    assert len(ready.accepted) == 30


def test_what_a_person_has_begun_is_not_ended_by_the_schedule_after_the_deadline(
    paper: Path, newsletter: Newsletter, ready: Mailroom, hook: Hook
) -> None:
    tell_by(paper, hook)
    replaced("newsletter.toml", "[send]", '[send]\npatience = "0s"')(paper)
    ready.answer = lambda recipient: "451 later"
    assert newsletter("send", "--yes").code == 4
    assert at("10:00", newsletter) == (0, [f"{KEY} was begun by hand: 30 readers still owed it."])
    assert hook.calls == []


def test_a_rehearsal_is_held_once_and_never_counts_as_sent(
    paper: Path, newsletter: Newsletter, ready: Mailroom
) -> None:
    replaced("newsletter.toml", 'backend = "smtp"', 'backend = "folder"')(paper)
    assert at("07:00", newsletter)[0] == 0
    assert at("07:05", newsletter)[1] == [
        f"Nothing is due before Tue 24 Nov, 07:00; {KEY}: 30 readers = 30 sent"
    ]
    assert len(list((paper / ".newsletter/outbox").rglob("*.eml"))) == 30
    replaced("newsletter.toml", 'backend = "folder"', 'backend = "smtp"')(paper)
    assert at("07:10", newsletter)[0] == 0
    assert len(ready.accepted) == 30


# ---- it must not leave, or cannot ----


def test_what_nobody_approved_does_not_leave_and_one_trigger_tells(
    paper: Path, newsletter: Newsletter, mailroom: Mailroom, hook: Hook
) -> None:
    through_smtp(paper, mailroom.port)
    tell_by(paper, hook)
    readers_file(paper, 3)
    newsletter("readers", "import", "readers.csv", "--source", "the fair")
    code, lines = at("07:00", newsletter)
    assert code == 3
    assert lines == [
        "Told: webhook.",
        f"Error: issues/{KEY}: nobody has approved this issue",
        f"Hint: newsletter approve {KEY}",
    ]
    again = f"{KEY} has not left: issues/{KEY}: nobody has approved this issue. Someone was told before."
    assert at("07:05", newsletter) == (0, [again])
    call = json.loads(hook.calls[0][2])
    assert (call["reason"], call["todo"]) == ("not approved", f"newsletter approve {KEY}")
    assert reasons(hook) == ["not approved"]
    # It leaves by itself once it is approved, and not if it has changed since.
    newsletter("approve", KEY, "--who", "Ada")
    replaced(ISSUE_MD, "Deux mots", "Trois mots")(paper)
    assert "not what Ada approved" in at("07:10", newsletter)[1][-1]
    assert mailroom.accepted == []
    newsletter("approve", KEY, "--who", "Ada")
    assert at("07:15", newsletter)[0] == 0
    assert len(mailroom.accepted) == 3


def test_five_triggers_tell_once(paper: Path, newsletter: Newsletter, hook: Hook) -> None:
    tell_by(paper, hook)
    codes = sorted(answer_of(run).code for run in [trigger(paper) for _ in range(5)])
    assert codes == [0, 0, 0, 0, 3]
    assert reasons(hook) == ["not approved"]


def test_a_day_without_an_issue_is_told(paper: Path, newsletter: Newsletter, hook: Hook) -> None:
    tell_by(paper, hook)
    answer = newsletter(*DUE, clock="2026-11-24T07:00")
    assert answer.code == 3
    assert told(answer) == [
        "Error: issues/2026-11-24: there is no issue of this day",
        "Hint: newsletter new 2026-11-24, write it, then newsletter approve 2026-11-24",
    ]
    assert reasons(hook) == ["no issue"]


def test_an_issue_with_errors_does_not_leave(
    paper: Path, newsletter: Newsletter, ready: Mailroom, hook: Hook
) -> None:
    tell_by(paper, hook)
    replaced(ISSUE_MD, "Deux mots pour ouvrir.", "[lien](https://)")(paper)
    code, lines = at("07:00", newsletter)
    assert code == 3
    assert f"Hint: put them right, then: newsletter check {KEY}" in lines
    assert reasons(hook) == ["checks"]
    assert ready.accepted == []


def test_too_late_is_told_once_and_nothing_leaves(
    paper: Path, newsletter: Newsletter, ready: Mailroom, hook: Hook
) -> None:
    tell_by(paper, hook)
    newsletter(*DUE, clock="2026-11-22T12:00")  # the schedule has begun; then the machine slept
    code, lines = at("10:00", newsletter)
    assert code == 7
    assert lines == [
        "Told: webhook.",
        f"Error: issues/{KEY}: too late: it may not begin to leave after 10:00 on 23 November",
        f"Hint: if it is not too late after all: newsletter send {KEY}",
    ]
    assert at("10:05", newsletter)[0] == 0
    assert reasons(hook) == ["too late"]
    assert ready.accepted == []


def test_a_run_that_died_is_not_gone_on_with_after_the_deadline(
    paper: Path, newsletter: Newsletter, ready: Mailroom
) -> None:
    ready.answer = lambda recipient: "250 OK" if recipient.startswith("lecteur1") else "451 later"
    replaced("newsletter.toml", "[send]", '[schedule]\ndeadline = "08:00"\n[send]\npatience = "0s"')(paper)
    assert at("07:00", newsletter)[0] == 4
    sent = len(ready.accepted)
    assert sent == 11
    assert at("07:30", newsletter)[0] == 0  # the run has come to its end: the rest is a person's to decide
    with closing(sqlite3.connect(paper / ".newsletter/newsletter.db")) as connection, connection:
        connection.execute("DELETE FROM claim WHERE what = 'ended'")  # as if it had died
    code, lines = at("08:00", newsletter)
    assert code == 7
    assert f"Error: issues/{KEY}: too late: 19 readers still owed it" in lines[0]
    assert f"newsletter cancel {KEY}" in lines[1]
    assert len(ready.accepted) == sent


def test_a_relay_that_is_gone_is_told_and_tried_again(
    paper: Path, newsletter: Newsletter, ready: Mailroom, hook: Hook
) -> None:
    tell_by(paper, hook)
    port = ready.port
    replaced("newsletter.toml", f"port = {port}", "port = 9")(paper)
    replaced("newsletter.toml", "[send]", '[send]\npatience = "0s"')(paper)
    assert at("07:00", newsletter)[0] == 75
    assert at("07:03", newsletter)[0] == 75
    assert reasons(hook) == ["stopped"]
    replaced("newsletter.toml", "port = 9", f"port = {port}")(paper)
    assert at("07:04", newsletter)[0] == 0
    assert len(ready.accepted) == 30


def test_what_will_not_pass_by_itself_is_not_tried_again(
    paper: Path, newsletter: Newsletter, ready: Mailroom, hook: Hook
) -> None:
    tell_by(paper, hook)
    ready.answer = lambda recipient: "550 5.7.1 this is spam"
    assert at("07:00", newsletter)[0] == 75
    assert reasons(hook) == ["stopped"]
    ready.answer = lambda recipient: "250 OK"
    assert at("07:05", newsletter)[0] == 0
    assert ready.accepted == []
    assert json.loads(hook.calls[0][2])["wrong"].startswith("127.0.0.1")


def test_no_reader_is_named_in_what_is_told(
    paper: Path, newsletter: Newsletter, ready: Mailroom, hook: Hook
) -> None:
    tell_by(paper, hook)
    ready.answer = lambda recipient: f"550 5.7.1 <{recipient}> spam: https://relay.invalid/?who={recipient}"
    assert at("07:00", newsletter)[0] == 75
    wrong = json.loads(hook.calls[0][2])["wrong"]
    assert wrong.endswith("'550 5.7.1 <…@example.org> spam: https://relay.invalid/?who=…@example.org'")
    assert "lecteur" not in hook.calls[0][2]


def test_a_database_that_is_damaged_is_told_all_the_same(
    paper: Path, newsletter: Newsletter, ready: Mailroom, hook: Hook
) -> None:
    tell_by(paper, hook)
    (paper / ".newsletter/newsletter.db").write_bytes(b"no database" * 100)
    assert at("07:00", newsletter)[0] == 75
    assert at("07:05", newsletter)[0] == 75
    assert reasons(hook) == ["database"]


def test_a_mistake_in_the_settings_is_told_if_the_channels_are_known(
    paper: Path, newsletter: Newsletter, ready: Mailroom, hook: Hook
) -> None:
    tell_by(paper, hook)
    replaced("newsletter.toml", 'backend = "smtp"', 'backend = "smpt"')(paper)
    assert at("07:00", newsletter)[0] == 2
    assert at("07:05", newsletter)[0] == 2
    assert reasons(hook) == ["cannot be sent"]


def test_what_a_person_has_paused_is_told_once_and_goes_on_when_it_is_resumed(
    paper: Path, newsletter: Newsletter, ready: Mailroom, hook: Hook
) -> None:
    tell_by(paper, hook)
    replaced("newsletter.toml", "[send]", "[send]\nconnections = 1\nper_second = 20")(paper)
    run = trigger(paper)
    with until_the_end(run):
        wait_for(lambda: ready.accepted)
    assert newsletter("pause", KEY, "--who", "Ada", clock="2026-11-23T07:01").code == 0
    code, lines = at("07:05", newsletter)
    words = f"ISSUE: {KEY} was paused by Ada at 07:01 on 23 November 2026"
    assert code == 2
    assert lines[-3:] == ["Told: webhook.", f"Error: {words}", f"Hint: newsletter resume {KEY}"]
    code, lines = at("07:10", newsletter)
    assert (code, lines[-1]) == (0, f"{KEY} has not left: {words}. Someone was told before.")
    assert reasons(hook) == ["cannot be sent"]
    assert newsletter("resume", KEY, clock="2026-11-23T07:11").code == 0
    replaced("newsletter.toml", "per_second = 20", "")(paper)
    assert at("07:15", newsletter)[0] in (0, 5)
    assert json.loads(newsletter("status", "--json").out)["owed"] == 0


def test_a_country_whose_holidays_nobody_knows_is_told_once_a_day(
    paper: Path, newsletter: Newsletter, hook: Hook
) -> None:
    tell_by(paper, hook)
    replaced("newsletter.toml", "[send]", 'country = "XX"\n[send]')(paper)
    for minute in ("07:00", "07:05"):
        code, lines = at(minute, newsletter)
        assert code == 2
        assert "Error: newsletter.toml: no public holidays known for country 'XX'" in lines
    assert reasons(hook) == ["cannot be sent"]


# ---- nothing has left ----


def test_a_run_that_hangs_is_found_by_the_next_trigger(
    paper: Path, newsletter: Newsletter, door: Door, hook: Hook
) -> None:
    tell_by(paper, hook)
    newsletter("approve", KEY, "--who", "Ada")
    run = trigger(paper)
    with until_the_end(run):
        wait_for(lambda: "begun" in claims(paper))
        assert at("07:04", newsletter) == (0, [f"Another run is sending {KEY}."])
        code, lines = at("07:06", newsletter)
        assert code == 75
        assert lines[:2] == [
            "Told: webhook.",
            f"Error: issues/{KEY}: nothing has left 5 minutes after {HOST}, at 07:00, began to send it",
        ]
        assert at("07:11", newsletter)[0] == 0
    assert reasons(hook) == ["nothing left"]


def test_a_run_that_hangs_says_so_itself(paper: Path, newsletter: Newsletter, door: Door, hook: Hook) -> None:
    tell_by(paper, hook)
    newsletter("approve", KEY, "--who", "Ada")
    begun = datetime(2026, 11, 23, 6, 4, tzinfo=UTC) - timedelta(minutes=4, seconds=56)
    claim(paper, "begun", HOST, begun)
    run = trigger(paper, "2026-11-23T07:04")
    with until_the_end(run):
        wait_for(lambda: hook.calls)
    assert reasons(hook) == ["nothing left"]
    assert claims(paper) == {"begun": HOST, "nothing left": HOST}


def test_the_watch_looks_only_at_runs_that_last() -> None:
    looks: list[str] = []
    with watching(timedelta(seconds=30), lambda: looks.append("early")):
        pass
    with watching(timedelta(seconds=0.05), lambda: looks.append("on time")):
        wait_for(lambda: looks)
    assert looks == ["on time"]


# ---- every channel ----


def test_mail_command_and_webhook_are_all_tried(
    paper: Path, newsletter: Newsletter, mailroom: Mailroom, hook: Hook
) -> None:
    through_smtp(paper, mailroom.port)
    hook.status = 500
    script = "import sys, pathlib; pathlib.Path('told').write_text(sys.stdin.read())"
    text = (paper / "newsletter.toml").read_text(encoding="utf-8")
    text += f'\n[alerts]\nmail = "chief@example.org"\nwebhook = "{hook.address}"\n'
    text += f"command = {json.dumps([sys.executable, '-c', script])}\n"
    (paper / "newsletter.toml").write_text(text, encoding="utf-8")
    code, lines = at("07:00", newsletter)
    assert code == 3
    assert lines[:3] == [
        "Told: command.",
        "Warning: nobody was told by webhook: [alerts] webhook at localhost: answers 500",
        "Told: mail to chief@example.org.",
    ]
    assert f"newsletter approve {KEY}" in (paper / "told").read_text()
    ((recipient, mail),) = mailroom.accepted
    assert recipient == "chief@example.org"
    assert b"Subject: La lettre du test: 2026-11-23 has not left (not approved)\r\n" in mail
    with closing(sqlite3.connect(paper / ".newsletter/newsletter.db")) as connection:
        assert connection.execute("SELECT count(*) FROM delivery").fetchone() == (0,)


@pytest.mark.parametrize(("reason", "codes"), [("no issue", [3, 3, 0]), ("database", [75, 75, 75])])
def test_where_nobody_could_be_told_the_next_trigger_tells(
    paper: Path, newsletter: Newsletter, hook: Hook, reason: str, codes: list[int]
) -> None:
    tell_by(paper, hook)
    newsletter(*DUE, clock="2026-11-22T12:00")
    if reason == "database":
        (paper / ".newsletter/newsletter.db").write_bytes(b"no database" * 100)
    hook.status = 500
    for minute, code in zip(("07:00", "07:05", "07:10"), codes, strict=True):
        assert newsletter(*DUE, clock=f"2026-11-24T{minute}").code == code
        hook.status = 200
    assert reasons(hook) == [reason] * 2
