"""What each command does on an ordinary day, beyond the stories: its choices, its streams, its exit codes."""

import email
import email.policy
import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

from newsletter import __version__
from newsletter.cli import run
from tests.cli.conftest import FIRST, ISSUE_MD, SEND, Door, answer_of, command, nothing_sent, replaced, told
from tests.conftest import SETTINGS, Newsletter, write_issue
from tests.stories.conftest import Mailroom, through_smtp

# ---- the command line itself ----


def test_without_a_command_the_help_is_shown(
    newsletter: Newsletter, capfd: pytest.CaptureFixture[str]
) -> None:
    asked = newsletter("--help")
    assert (asked.code, asked.err) == (0, "")
    assert run([]) == 2
    assert capfd.readouterr() == ("", asked.out)
    assert newsletter("--version").out == f"newsletter, version {__version__}\n"


@pytest.mark.parametrize("clock", ["0001-01-01T00:00", "9999-12-31T23:59"])
def test_at_both_ends_of_time_nothing_is_sent(newsletter: Newsletter, clock: str) -> None:
    answer = newsletter("status", clock=clock)
    assert (answer.code, told(answer)[0]) == (2, f"Error: --clock: no issue is of the year {int(clock[:4])}")


# ---- desk ----


def test_new_takes_the_next_working_day_without_an_issue(newsletter: Newsletter, paper: Path) -> None:
    first = newsletter("new", clock="2026-12-23T18:00")
    assert first.code == 0
    assert first.err.startswith("Started issues/2026-12-24.")
    assert first.out.splitlines() == [
        "issues/2026-12-24/01-premier-article.md",
        "issues/2026-12-24/issue.md",
    ]
    # Christmas is a Friday, and the weekend follows.
    assert newsletter("new", clock="2026-12-23T18:00").err.startswith("Started issues/2026-12-28.")


def test_new_makes_the_issue_of_any_day_but_says_if_nobody_works(newsletter: Newsletter, paper: Path) -> None:
    sunday = newsletter("new", "2026-11-29")
    assert sunday.code == 0
    assert sunday.err.splitlines()[0] == "Note: 2026-11-29 is not a working day in FR."


def test_a_new_issue_can_be_looked_at_but_is_not_good_to_go(newsletter: Newsletter, paper: Path) -> None:
    newsletter("new", "2026-11-24")
    assert newsletter("build", "2026-11-24", "-o", "preview").code == 0
    check = newsletter("check", "2026-11-24")
    assert check.code == 3
    assert "issues/2026-11-24/01-premier-article.md:" in check.out


def test_a_new_publication_can_be_worked_in_at_once(
    newsletter: Newsletter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = newsletter("init", "my paper", "--name", "L'heure", clock="2026-12-24T10:00")
    assert made.code == 0
    assert "my paper/newsletter.toml" in made.out.splitlines()
    assert made.err.splitlines() == [
        "L'heure is ready. Next:",
        "  cd 'my paper'",
        "  edit the files in issues/2026-12-28",
        "  newsletter build 2026-12-28 -o preview",
    ]
    monkeypatch.chdir(tmp_path / "my paper")
    assert newsletter("build", "2026-12-28", "-o", "preview").code == 0


def test_pasted_text_may_come_through_a_pipe(newsletter: Newsletter, paper: Path) -> None:
    (paper / "brief.txt").write_text("Un titre\n\nDans les faits : rien.\n", encoding="utf-8")
    with (paper / "brief.txt").open("rb") as pipe:
        answer = answer_of(command(paper, "import", "-", "--issue", "2026-11-23", stdin=pipe))
    assert (answer.code, answer.out) == (0, "issues/2026-11-23/02-un-titre.md\n")
    assert answer.err.startswith("Un titre\n")


# ---- check and build ----


def test_a_warning_keeps_nothing_back(newsletter: Newsletter, paper: Path) -> None:
    replaced(ISSUE_MD, '"Un numéro pour les tests : tout y est"', "Court")(paper)
    answer = newsletter("check")
    assert answer.code == 0
    lines = answer.out.splitlines()
    assert lines[0].startswith(f"{ISSUE_MD}:2:10: warning: ")
    assert lines[0].endswith("[subject-length]")
    said = answer.err.splitlines()[-1]
    assert re.fullmatch(r"2026-11-23 is good to go: 1 article, 0 min \d\d s, \d\d kB of HTML\.", said)


def test_an_issue_of_more_than_five_minutes_stays_in_the_house(newsletter: Newsletter, paper: Path) -> None:
    with (paper / FIRST).open("a", encoding="utf-8") as article:
        article.write("\n" + "Encore un mot de trop. " * 300)
    answer = newsletter("check")
    assert answer.code == 3
    assert answer.out.startswith(f"{FIRST}:8:1: error: the issue takes ")
    assert told(answer) == [
        "Error: issues/2026-11-23: 1 error to put right",
        "Hint: put them right, then: newsletter check 2026-11-23",
    ]


def test_the_issue_that_is_looked_at_is_the_nearest_that_was_not_sent(
    newsletter: Newsletter, paper: Path, mailroom: Mailroom
) -> None:
    write_issue(paper, "2026-11-20")
    write_issue(paper, "2026-11-25")
    assert newsletter("check").err.startswith("2026-11-23 is good")
    assert newsletter("check", "next").err.startswith("2026-11-25 is good")
    through_smtp(paper, mailroom.port)
    newsletter("readers", "add", "a@example.org")
    for key, then in (("2026-11-23", "2026-11-25"), ("2026-11-25", "2026-11-20")):
        assert newsletter("send", key, "--yes").code == 0
        assert newsletter("check").err.startswith(f"{then} is good")
    assert newsletter("send", "2026-11-20", "--yes").code == 0
    answer = newsletter("check")
    assert (answer.code, told(answer)) == (
        3,
        ["Error: issues: every issue has been sent", "Hint: newsletter new"],
    )


def test_a_build_is_the_same_bytes_every_time_with_the_pictures_beside_it(
    newsletter: Newsletter, paper: Path
) -> None:
    Image.new("RGB", (90, 60), "#b3261e").save(paper / "issues" / "2026-11-23" / "rouge.png")
    replaced(FIRST, "section: Tech", "picture: rouge.png\nalt: Du rouge")(paper)
    first = newsletter("build", "-o", "one")
    second = newsletter("build", "-o", "two", clock="2026-11-23T09:30")
    names = [line.removeprefix("one/") for line in first.out.splitlines()]
    assert names[:3] == ["issue.html", "issue.txt", "issue.eml"]
    assert re.fullmatch(r"pictures/rouge-[0-9a-f]{10}\.png", names[3])
    assert second.out.splitlines() == [f"two/{name}" for name in names]
    for name in names:
        assert (paper / "one" / name).read_bytes() == (paper / "two" / name).read_bytes()
    assert names[3] in (paper / "one" / "issue.html").read_text(encoding="utf-8")
    message = email.message_from_bytes(
        (paper / "one" / "issue.eml").read_bytes(), policy=email.policy.default
    )
    assert message["Date"].datetime.isoformat() == "2026-11-23T07:00:00+01:00"


# ---- test ----


def test_a_test_mail_is_marked_dead_and_not_written_down(
    newsletter: Newsletter, paper: Path, mailroom: Mailroom
) -> None:
    through_smtp(paper, mailroom.port)
    answer = newsletter("test", "--to", "ada@example.org", "--to", "zoe@example.org")
    assert answer.code == 0
    assert answer.err == "ada@example.org: sent, 250 OK\nzoe@example.org: sent, 250 OK\n"
    mails = [
        email.message_from_bytes(content, policy=email.policy.default) for _, content in mailroom.accepted
    ]
    assert [mail["To"] for mail in mails] == ["ada@example.org", "zoe@example.org"]
    assert {str(mail["Subject"])[:7] for mail in mails} == {"[TEST] "}
    assert len({mail["Message-ID"] for mail in mails}) == 2
    assert newsletter("status").err == "2026-11-23 was not sent.\n"


def test_one_bad_address_and_nobody_gets_a_test_mail(newsletter: Newsletter, paper: Path, door: Door) -> None:
    answer = newsletter("test", "--to", "ada@example.org", "--to", "zoe")
    assert answer.code == 3
    assert door.nobody_knocked()


# ---- send and status ----


def test_a_dry_run_shows_the_plan_and_writes_nothing_down(
    newsletter: Newsletter, paper: Path, door: Door
) -> None:
    answer = newsletter("send", "--dry-run")
    assert (answer.code, answer.out) == (0, "")
    assert answer.err.splitlines() == [
        "Un numéro pour les tests\u00a0: tout y est",
        "  issue    2026-11-23",
        "  from     La lettre du test <redaction@lettre.invalid>",
        "  to       3 readers",
        "  through  smtp",
        "Dry run: nothing was sent and nothing written down.",
    ]
    nothing_sent(paper)
    assert door.nobody_knocked()
    assert newsletter("status").err == "2026-11-23 was not sent.\n"


def test_a_rehearsal_never_counts_as_sent_and_can_be_held_again(newsletter: Newsletter, paper: Path) -> None:
    newsletter("readers", "add", "a@example.org")
    first = newsletter(*SEND)
    assert (first.code, first.err.splitlines()[-2:]) == (
        0,
        ["  through  folder (a rehearsal: nobody gets mail)", "1 reader = 1 sent"],
    )
    held = "A rehearsal was held at 06:45 on 23 November 2026: 1 reader = 1 sent"
    assert newsletter("status").err.splitlines() == ["2026-11-23 was not sent.", held]

    # Looking at what a new rehearsal would do does not forget the one that was held.
    assert newsletter("send", "--dry-run").code == 0
    assert newsletter("send").code == 2
    assert newsletter("status").err.splitlines()[-1] == held

    newsletter("readers", "add", "b@example.org")
    again = newsletter(*SEND, clock="2026-11-23T06:50")
    assert again.err.splitlines()[0] == "2026-11-23 was rehearsed before; this is a new rehearsal."
    assert newsletter("status").err.endswith("06:50 on 23 November 2026: 2 readers = 2 sent\n")


def test_the_console_shows_what_would_travel_and_nothing_else_on_stdout(
    newsletter: Newsletter, paper: Path
) -> None:
    newsletter("readers", "add", "a@example.org")
    (paper / "newsletter.toml").write_text(SETTINGS.replace('"folder"', '"console"'), encoding="utf-8")
    answer = newsletter(*SEND)
    assert answer.code == 0
    message = email.message_from_string(answer.out, policy=email.policy.default)
    assert message["To"] == "a@example.org"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


def test_status_has_the_same_keys_before_and_after(
    newsletter: Newsletter, paper: Path, mailroom: Mailroom
) -> None:
    before = newsletter("status", "--json")
    through_smtp(paper, mailroom.port)
    newsletter("readers", "add", "a@example.org")
    newsletter(*SEND)
    after = newsletter("status", "--json")
    assert (before.code, after.code, before.err, after.err) == (0, 0, "", "")
    unsent, sent = json.loads(before.out), json.loads(after.out)
    assert unsent.keys() == sent.keys()
    assert (unsent["subject"], unsent["audience"], unsent["sent"], unsent["holds"]) == (None, 0, 0, True)
    assert (sent["subject"], sent["sent"]) == ("Un numéro pour les tests\u00a0: tout y est", 1)


def test_doubts_outrank_everything_else(newsletter: Newsletter, paper: Path, mailroom: Mailroom) -> None:
    through_smtp(paper, mailroom.port)
    newsletter("readers", "add", "a@example.org")
    newsletter("readers", "add", "b@example.org")
    mailroom.answer = lambda recipient: "250 OK" if recipient.startswith("a") else "550 no"
    assert newsletter(*SEND).code == 4
    with closing(sqlite3.connect(paper / ".newsletter" / "newsletter.db")) as connection:
        connection.execute("UPDATE delivery SET state = 'in doubt' WHERE state = 'sent'")
        connection.commit()
    status = newsletter("status")
    assert status.code == 5
    assert re.search(r"a@example\.org +in doubt", status.out)
    assert newsletter(*SEND).code == 5


# ---- readers ----


def test_whoever_left_is_brought_back_by_nobody(newsletter: Newsletter, paper: Path) -> None:
    assert newsletter("readers", "add", "ada@example.org", "--name", "Ada").code == 0
    known = newsletter("readers", "add", "ADA@example.org")
    assert (known.code, known.err) == (0, "ADA@example.org is known already and stays active\n")
    assert newsletter("readers", "remove", "ada@example.org").err == "ada@example.org is off the list\n"
    again = newsletter("readers", "add", "ada@example.org")
    assert (again.code, again.err) == (4, "ada@example.org is known already and stays left\n")
    (paper / "list.csv").write_text("email\nada@example.org\n", encoding="utf-8")
    imported = newsletter("readers", "import", "list.csv", "--source", "the fair")
    assert imported.code == 0
    assert imported.err.splitlines()[-2:] == [
        "list.csv:2: ada@example.org stays left",
        "0 readers added, 0 known already, 1 not raised, 0 twice in the file, 0 refused",
    ]


def test_an_export_can_be_imported_again(
    newsletter: Newsletter, paper: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("=cmd()", "Zoé « Œ » d'Ô", 'A "B", C', ""):
        newsletter("readers", "add", f"r{len(name)}@example.org", "--name", name)
    newsletter("readers", "remove", "r0@example.org")
    exported = newsletter("readers", "export")
    assert newsletter("readers", "export", "-o", "readers.csv").err == "wrote readers.csv\n"
    assert (paper / "readers.csv").read_bytes().decode() == exported.out
    monkeypatch.chdir(tmp_path)
    newsletter("init", "other")
    moved = ("readers", "import", "../paper/readers.csv", "--source", "the list of before")
    assert newsletter("-C", "other", *moved).code == 0
    assert sorted(newsletter("-C", "other", "readers", "export").out.splitlines()) == sorted(
        exported.out.splitlines()
    )


def test_a_list_has_one_line_a_reader_where_a_program_reads_it(newsletter: Newsletter, paper: Path) -> None:
    name = "Anne-Sophie de la Tour du Pin Verclause de la Rochefoucauld et de Montmorency-Laval"
    newsletter("readers", "add", "anne-sophie@example.org", "--name", name)
    newsletter("readers", "add", "bob@example.org")
    newsletter("readers", "remove", "bob@example.org")
    everybody = newsletter("readers", "list")
    assert everybody.err == "2 readers\n"
    assert len(everybody.out.splitlines()) == 4
    assert name in everybody.out
    left = newsletter("readers", "list", "--status", "left")
    assert (left.err, "bob" in left.out, "anne" in left.out) == ("1 reader\n", True, False)
