"""schedule: the next days as they are, and units that systemd understands."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from newsletter.cli.units import SIGN, cron_line, on_calendar, units
from newsletter.model import Mailbox, Publication, Schedule
from tests.cli.conftest import replaced, told
from tests.cli.underway import KEY
from tests.conftest import Newsletter, needs, write_issue
from tests.stories.conftest import readers_file

NAME = "newsletter-redaction.lettre.invalid"
FILES = [f"{NAME}.service", f"{NAME}.timer", f"{NAME}-look.service", f"{NAME}-look.timer"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a user's units go."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "systemd" / "user"


# ---- show ----


def rows(out: str) -> list[list[str]]:
    """The table's cells, its lines of head left out."""
    return [[cell for cell in line.split("  ") if cell] for line in out.splitlines()[2:]]


def test_the_next_days_are_shown_with_what_is_there_for_each(paper: Path, newsletter: Newsletter) -> None:
    write_issue(paper, "2026-11-24")
    write_issue(paper, "2026-11-25")
    write_issue(paper, "2026-11-26", issue="nothing")
    newsletter("approve", KEY, "--who", "Ada")
    newsletter("approve", "2026-11-24", "--who", "Bea")
    replaced("issues/2026-11-24/issue.md", "Deux mots", "Trois mots")(paper)
    answer = newsletter("schedule")
    assert answer.code == 0
    assert answer.err == (
        "mon, tue, wed, thu, fri at 07:00 in Europe/Paris, until three hours later; holidays of FR skipped;"
        " a rehearsal: nobody gets mail.\n"
    )
    found = [[cell.strip(" ") for cell in row] for row in rows(answer.out)]
    subject = "Un numéro pour les tests : tout y est"
    assert found[:3] == [
        ["Mon 23 Nov 2026", "07:00 CET", f"approved by Ada, 06:45 on 23 Nov: {subject}"],
        ["Tue 24 Nov 2026", "07:00 CET", f"changed since approved by Bea, 06:45 on 23 Nov: {subject}"],
        ["Wed 25 Nov 2026", "07:00 CET", f"not approved: {subject}"],
    ]
    assert found[3][2].startswith("cannot be composed: issues/2026-11-26/issue.md")
    assert found[4] == ["Fri 27 Nov 2026", "07:00 CET", "none yet: newsletter new 2026-11-27"]
    assert len(found) == 5
    assert newsletter("schedule", "show").out == answer.out


def test_holidays_are_named_and_the_hour_says_which_time_it_is_in(newsletter: Newsletter) -> None:
    shown = newsletter("schedule", "show", "--days", "4", clock="2027-03-26T06:00").out
    assert [[cell.strip(" ") for cell in row][:2] for row in rows(shown)] == [
        ["Fri 26 Mar 2027", "07:00 CET"],
        ["Mon 29 Mar 2027", "Easter Monday: no issue"],
    ]
    shown = newsletter("schedule", "show", "--days", "2", clock="2027-03-30T06:00").out
    assert [[cell.strip(" ") for cell in row][1] for row in rows(shown)] == ["07:00 CEST", "07:00 CEST"]


def test_to_look_makes_no_database(paper: Path, newsletter: Newsletter) -> None:
    newsletter("schedule")
    assert not (paper / ".newsletter/newsletter.db").exists()


def test_what_was_sent_is_shown_as_such(paper: Path, newsletter: Newsletter) -> None:
    readers_file(paper, 3)
    newsletter("readers", "import", "readers.csv", "--source", "the fair")
    newsletter("send", "--yes")
    assert "3 readers = 3 sent" in newsletter("schedule").out


# ---- install ----


def test_the_units_are_systemds_own_words(paper: Path, newsletter: Newsletter) -> None:
    answer = newsletter("schedule", "install", "--print", "--user")
    assert answer.code == 0
    assert answer.out.split("# ---- ")[1:3] == [
        (
            f"{NAME}.service ----\n{SIGN} {paper}\n"
            "[Unit]\nDescription=Send La lettre du test if it is due\n\n"
            f"[Service]\nType=oneshot\nWorkingDirectory={paper}\n"
            f"EnvironmentFile=-{paper}/.newsletter/environment\n"
            f"ExecStart={sys.executable} -m newsletter send --due\n"
            "SuccessExitStatus=4 130\n\n"
        ),
        (
            f"{NAME}.timer ----\n{SIGN} {paper}\n"
            "[Unit]\nDescription=When La lettre du test is due\n\n"
            "[Timer]\nOnCalendar=Mon,Tue,Wed,Thu,Fri 07:00 Europe/Paris\nAccuracySec=1s\nPersistent=true\n\n"
            "[Install]\nWantedBy=timers.target\n\n"
        ),
    ]
    assert "OnCalendar=*:1/5\n" in answer.out
    system = newsletter("schedule", "install", "--print", "--system").out
    assert f"User={paper.owner()}\n" in system


def test_units_are_written_and_what_to_type_next_is_said(
    paper: Path, newsletter: Newsletter, home: Path
) -> None:
    answer = newsletter("schedule", "install", "--user")
    assert answer.code == 0, answer.err
    assert [Path(line).name for line in answer.out.splitlines()] == FILES
    assert sorted(path.name for path in home.iterdir()) == sorted(FILES)
    assert "  systemctl --user daemon-reload\n" in answer.err
    assert f"  systemctl --user enable --now {NAME}.timer {NAME}-look.timer\n" in answer.err
    assert "  loginctl enable-linger" in answer.err
    assert 'To be told: [alerts] mail = "…" in newsletter.toml.' in answer.err
    replaced("newsletter.toml", "[send]", '[schedule]\nhour = "06:15"\n[send]')(paper)
    assert newsletter("schedule", "install", "--user").code == 0
    assert "06:15 Europe/Paris" in (home / f"{NAME}.timer").read_text()


@pytest.mark.parametrize("theirs", ["[Timer]\n", f"{SIGN} /srv/another\n[Timer]\n"])
def test_what_is_not_ours_is_not_overwritten(newsletter: Newsletter, home: Path, theirs: str) -> None:
    home.mkdir(parents=True)
    (home / FILES[3]).write_text(theirs)
    answer = newsletter("schedule", "install", "--user")
    assert answer.code == 2
    assert told(answer)[0].endswith(f"{FILES[3]}: is there already, and not ours")
    assert (home / FILES[3]).read_text() == theirs
    assert [path.name for path in home.iterdir()] == [FILES[3]]


def test_a_line_for_cron_has_no_hour_since_cron_has_no_zone(paper: Path, newsletter: Newsletter) -> None:
    answer = newsletter("schedule", "install", "--cron")
    command = f"{sys.executable} -m newsletter send --due 2>&1 | logger -t newsletter"
    assert answer.out == f"*/5 * * * * cd {paper} && {command}\n"


def test_a_line_for_cron_survives_any_folder(tmp_path: Path) -> None:
    line = cron_line(tmp_path / "it's 100 % ours")
    assert line.startswith("*/5 * * * * cd ")
    assert r"100 \% ours" in line
    shell = line.removeprefix("*/5 * * * * ").replace(r"\%", "%").split(" && ")[0]
    assert shlex.split(shell) == ["cd", str(tmp_path / "it's 100 % ours")]


# ---- systemd itself ----

SATURDAYS = Schedule(days=frozenset({0, 2, 5}), time_zone="America/New_York")
ODD = Publication(name="100 % à nous\n[Service]", sender=Mailbox(name="", address="o'hara+5@example.org"))


def test_days_are_systemds_own() -> None:
    assert on_calendar(SATURDAYS) == "Mon,Wed,Sat 07:00 America/New_York"


@pytest.mark.parametrize("name", ["paper", 'it\'s "100 %h" $HOME \\ ours'])
def test_systemd_takes_the_units_of_any_folder(tmp_path: Path, name: str) -> None:
    systemd_analyze = needs("systemd-analyze")
    root = tmp_path / name
    root.mkdir()
    made = units(root, ODD, SATURDAYS)
    assert next(iter(made)) == "newsletter-o-hara-5.example.org.service"
    folder = tmp_path / "units"
    folder.mkdir()
    for file, text in made.items():
        (folder / file).write_text(text, encoding="utf-8")
    done = subprocess.run(
        [systemd_analyze, "--user", "--man=no", "verify", *map(str, folder.iterdir())],
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("after", "elapses"),
    [
        ("2027-03-26 12:00 UTC", "2027-03-29 05:00:00 UTC"),
        ("2027-10-29 12:00 UTC", "2027-11-01 06:00:00 UTC"),
    ],
)
def test_systemd_keeps_the_hour_over_both_changes(after: str, elapses: str) -> None:
    command = [needs("systemd-analyze"), "calendar", f"--base-time={after}", on_calendar(Schedule())]
    done = subprocess.run(
        command, env={**os.environ, "TZ": "UTC"}, capture_output=True, text=True, check=True
    )
    assert elapses in done.stdout


def test_what_systemd_does_not_take_is_not_installed(
    paper: Path, newsletter: Newsletter, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("systemd-analyze")
    monkeypatch.setattr("newsletter.cli.units._COMMAND", ("/nowhere/python", "send", "--due"))
    answer = newsletter("schedule", "install", "--user")
    assert answer.code == 2
    assert "systemd does not take it: " in answer.err
    assert "/nowhere/python" in answer.err
    assert not home.exists()


def test_without_systemd_the_units_are_written_unchecked(
    newsletter: Newsletter, home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    answer = newsletter("schedule", "install", "--user")
    assert answer.code == 0
    assert "There is no systemd-analyze here" in answer.err
    assert len(list(home.iterdir())) == 4


def test_a_name_of_a_publication_cannot_add_a_line_to_a_unit(tmp_path: Path) -> None:
    service = units(tmp_path, ODD, SATURDAYS)["newsletter-o-hara-5.example.org.service"]
    assert "Description=Send 100 %% à nous [Service] if it is due\n" in service
    assert service.count("[Service]\n") == 1
