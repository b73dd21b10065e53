"""What a machine may do to a command: full disks, broken pipes, odd locales, Ctrl-C; nobody is lost."""

import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.conftest import FIRST, SEND, Door, Keyboard, answer_of, command, nothing_sent, replaced, told
from tests.conftest import SETTINGS, Newsletter
from tests.stories.conftest import Mailroom, readers_file, through_smtp

# ---- the person at the keyboard ----


def test_a_wrong_number_sends_nothing(paper: Path, door: Door) -> None:
    keyboard = Keyboard(paper, "send")
    keyboard.wait_for("Type the number of readers (3) to send")
    keyboard.type("4\n")
    answer = keyboard.answer()
    assert answer.code == 2
    assert told(answer) == [
        "Error: send: '4' is not 3: nothing was done",
        "Hint: run it again, and type the number that it shows",
    ]
    nothing_sent(paper)
    assert door.nobody_knocked()


def test_the_right_number_sends(paper: Path, door: Door, mailroom: Mailroom) -> None:
    through_smtp(paper, mailroom.port)
    keyboard = Keyboard(paper, "send")
    keyboard.wait_for("to send")
    keyboard.type("3\n")
    assert keyboard.answer().code == 0
    assert len(mailroom.accepted) == 3


@pytest.mark.parametrize("end", ["Ctrl-C", "Ctrl-D"])
def test_whoever_stops_at_the_question_has_begun_nothing(paper: Path, door: Door, end: str) -> None:
    keyboard = Keyboard(paper, "send")
    keyboard.wait_for("to send")
    if end == "Ctrl-C":
        keyboard.interrupt()
    else:
        keyboard.type("\x04")
    answer = keyboard.answer()
    assert answer.code == 130
    assert answer.err.splitlines()[-1] == "Interrupted: nothing was begun that is not written down."
    nothing_sent(paper)
    assert door.nobody_knocked()


def test_where_nobody_can_answer_nothing_is_sent_without_yes(
    paper: Path, door: Door, newsletter: Newsletter
) -> None:
    lines = ["Error: send: nobody is there to confirm", "Hint: add --yes"]
    no_terminal = newsletter("send")
    assert (no_terminal.code, told(no_terminal)) == (2, lines)
    closed = answer_of(command(paper, "send", stdin=None, preexec_fn=lambda: os.close(0)))
    assert (closed.code, told(closed)) == (2, lines)
    nothing_sent(paper)
    assert door.nobody_knocked()


# ---- whoever reads what we print ----


@pytest.mark.parametrize("arguments", [("status",), ("readers", "export"), ("--help",)])
def test_a_reader_of_our_output_who_goes_away_ends_us_quietly(
    paper: Path, door: Door, newsletter: Newsletter, arguments: tuple[str, ...]
) -> None:
    door.close()
    newsletter(*SEND)  # so that status has a table to show
    reading, writing = os.pipe()
    os.close(reading)
    run = command(paper, *arguments, stdout=writing)
    os.close(writing)
    answer = answer_of(run)
    assert answer.code == 141
    assert "Error" not in answer.err


def test_words_that_nobody_reads_stop_a_run_before_anything_is_begun(paper: Path, door: Door) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    run = command(paper, *SEND, stderr=writing)
    os.close(writing)
    assert answer_of(run).code == 141
    nothing_sent(paper)
    assert door.nobody_knocked()


@pytest.mark.parametrize(
    ("number", "arguments"), [(1, ("readers", "export")), (1, ("readers", "list")), (2, SEND)]
)
def test_a_closed_stream_changes_nothing_else(
    paper: Path, newsletter: Newsletter, number: int, arguments: tuple[str, ...]
) -> None:
    newsletter("readers", "add", "a@example.org")
    answer = answer_of(command(paper, *arguments, preexec_fn=lambda: os.close(number)))
    assert (answer.code, "Error" in answer.err) == (0, False)
    assert len(list((paper / ".newsletter").rglob("*.eml"))) == (1 if arguments == SEND else 0)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [("readers", "list"), ("readers", "export")])
def test_a_full_disk_behind_our_output_is_told(
    paper: Path, newsletter: Newsletter, arguments: tuple[str, ...]
) -> None:
    newsletter("readers", "add", "a@example.org")
    with Path("/dev/full").open("wb") as full:
        answer = answer_of(command(paper, *arguments, stdout=full))
    assert answer.code == 2
    assert told(answer) == [
        "Error: standard output: cannot be written: No space left on device",
        "Hint: make room, or write it elsewhere",
    ]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_log_on_a_full_disk_does_not_stop_a_run(paper: Path, door: Door, mailroom: Mailroom) -> None:
    through_smtp(paper, mailroom.port)
    with Path("/dev/full").open("wb") as full:
        assert answer_of(command(paper, *SEND, stderr=full)).code == 0
    assert len(mailroom.accepted) == 3


@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "POSIX"},
        {"LC_ALL": "xx_YY.ISO-8859-1", "HOME": "/nowhere"},
        {"LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "ascii"},
    ],
    ids=str,
)
def test_french_is_utf8_whatever_the_locale(
    paper: Path, newsletter: Newsletter, environment: dict[str, str]
) -> None:
    newsletter("readers", "add", "zoe@example.org", "--name", "Zoé Œuvrard")
    odd = {
        name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "PYTHON"))
    }
    exported = answer_of(command(paper, "readers", "export", env=odd | environment))
    assert (exported.code, exported.out) == (
        0,
        "email,name,status\r\nzoe@example.org,Zoé Œuvrard,active\r\n",
    )
    dry = answer_of(command(paper, "send", "--dry-run", env=odd | environment))
    assert (dry.code, dry.err.splitlines()[0]) == (0, "Un numéro pour les tests\u00a0: tout y est")


def test_whoever_wants_no_colours_gets_none(paper: Path) -> None:
    plain = {name: text for name, text in os.environ.items() if name not in ("NO_COLOR", "TERM")}

    def told_in(environment: dict[str, str]) -> bytes:
        screen, terminal = os.openpty()
        command_line = ("check", "2026-11-27")
        run = command(paper, *command_line, stdout=None, stderr=terminal, env=plain | environment)
        run.wait(timeout=30)
        words = os.read(screen, 65536)
        os.close(terminal)
        os.close(screen)
        return words

    assert told_in({"TERM": "xterm"}).startswith(b"\x1b[31m\x1b[1mError:\x1b[0m issues/2026-11-27")
    for environment in ({"TERM": "xterm", "NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert told_in(environment).startswith(b"Error: issues/2026-11-27: no such issue")


# ---- where we are ----


def test_the_publication_is_found_from_a_folder_inside_it(
    paper: Path, door: Door, newsletter: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    for inside in ("issues", "issues/2026-11-23", "templates/mail"):
        monkeypatch.chdir(paper / inside)
        dry = newsletter("send", "--dry-run")
        assert (dry.code, "3 readers" in dry.err) == (0, True)
    monkeypatch.chdir(paper / "issues" / "2026-11-23")
    assert newsletter("check", ".").code == 0
    replaced(FIRST, "author:", "autor:")(paper)
    checked = newsletter("check", ".")
    assert checked.out.splitlines()[0] == f"{FIRST}:3: error: unknown key 'autor' [cannot-be-composed]"
    assert (checked.code, told(checked)[0]) == (3, "Error: issues/2026-11-23: 1 error to put right")


def test_another_folder_can_be_worked_in(
    paper: Path, door: Door, newsletter: Newsletter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert newsletter("-C", "paper", "check").code == 0
    built = newsletter("-C", "paper", "build", "-o", "preview")
    assert built.out.splitlines()[0] == "paper/preview/issue.html"
    missing = newsletter("-C", "paper", "readers", "import", "nobody.csv", "--source", "x")
    assert told(missing) == ["Error: paper/nobody.csv: cannot be read: No such file or directory"]


def test_a_publications_folder_may_be_called_anything(
    paper: Path, newsletter: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = paper.rename(paper.with_name("l'été ? 100% #1 «x»"))
    monkeypatch.chdir(odd)
    assert newsletter("readers", "add", "a@example.org").code == 0
    assert newsletter(*SEND).err.endswith("1 reader = 1 sent\n")
    assert "A rehearsal was held" in newsletter("status").err
    assert sorted(path.name for path in (odd / ".newsletter").iterdir()) == [
        *("joined-2026-11-23.lock", "newsletter.db", "outbox", "rehearsal.db", "secret"),
        "sending-2026-11-23.lock",
    ]


def test_a_folder_that_is_no_longer_there_is_told(paper: Path) -> None:
    gone = paper / "gone"
    gone.mkdir()
    run = command(gone, "check", preexec_fn=gone.rmdir)
    answer = answer_of(run)
    assert (answer.code, told(answer)[0]) == (2, "Error: .: the current folder is no longer there")


# ---- disks ----


class Disk:
    """A disk of its own, of so many kilobytes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def mount(self, options: str) -> bool:
        line = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.path)]
        return subprocess.run(line, capture_output=True).returncode == 0

    def again(self, options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", str(self.path)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    if os.geteuid() != 0 or sys.platform != "linux":
        pytest.skip("needs root, to mount a small disk")
    disk = Disk(tmp_path / "disk")
    disk.path.mkdir()
    if not disk.mount("size=1200k"):
        pytest.skip("needs the right to mount a small disk")
    yield disk
    subprocess.run(["umount", "-l", str(disk.path)], check=True)


def test_a_disk_that_fills_up_under_the_database_loses_nobody(
    paper: Path, newsletter: Newsletter, mailroom: Mailroom, disk: Disk
) -> None:
    (paper / ".newsletter").symlink_to(disk.path)
    through_smtp(paper, mailroom.port)
    readers_file(paper, 600)
    assert newsletter("readers", "import", "readers.csv", "--source", "the fair").code == 0
    full = newsletter(*SEND)
    assert (full.code, told(full)) == (
        75,
        [
            "Error: .newsletter/newsletter.db: the disk is full",
            "Hint: free some space and run the same command again",
        ],
    )
    before = len(mailroom.accepted)
    assert 0 < before < 600

    disk.again("size=50m")
    again = newsletter(*SEND)
    status = json.loads(newsletter("status", "--json").out)
    doubts = [row["email"] for row in status["not_sent"] if row["state"] == "in doubt"]
    assert again.code == (5 if doubts else 0), again.err
    assert len(doubts) <= 10  # one a connection: accepted by the server, and no room left to write that down
    assert (status["holds"], status["sent"] + len(doubts)) == (True, 600)
    assert Counter(mailroom.recipients) == {f"lecteur{n}@example.org": 1 for n in range(600)}
    assert len(mailroom.accepted) > before


def test_a_disk_that_fills_up_under_the_outbox_loses_nobody(
    paper: Path, newsletter: Newsletter, disk: Disk
) -> None:
    settings = SETTINGS + f'\n[backends.folder]\npath = "{disk.path}"\n'
    (paper / "newsletter.toml").write_text(settings, encoding="utf-8")
    readers_file(paper, 60)
    assert newsletter("readers", "import", "readers.csv", "--source", "the fair").code == 0
    full = newsletter(*SEND)
    written = len(list(disk.path.rglob("*.eml")))
    assert 0 < written < 60
    assert full.code == 75
    assert full.err.splitlines()[-4:] == [
        f"60 readers = {written} sent + {60 - written} owed",
        "To go on: newsletter send 2026-11-23",
        f"Error: {disk.path}/2026-11-23: cannot be written to: No space left on device",
        "Hint: make room on the disk, then go on",
    ]
    assert [path.name for path in disk.path.rglob("*.tmp")] == []

    disk.again("size=50m")
    assert newsletter(*SEND).err.endswith("60 readers = 60 sent\n")
    sent = [path.name.rpartition("-")[0] for path in disk.path.rglob("*.eml")]
    assert Counter(sent) == {f"lecteur{n}@example.org": 1 for n in range(60)}


@pytest.mark.parametrize(
    ("options", "reason"), [("size=4k", "No space left on device"), ("ro", "Read-only file system")]
)
def test_files_that_find_no_room_are_told(
    paper: Path, newsletter: Newsletter, disk: Disk, options: str, reason: str
) -> None:
    (disk.path / "filling").write_bytes(b"x" * 4096)
    disk.again(options)
    newsletter("readers", "add", "a@example.org")
    built = newsletter("build", "-o", f"{disk.path}/preview")
    place = built.err.partition(": ")[2].partition(": ")[0]
    assert place.startswith(f"{disk.path}/preview/issue.")
    assert (built.code, told(built)) == (
        2,
        [f"Error: {place}: cannot be written: {reason}", "Hint: name another folder with -o"],
    )
    exported = newsletter("readers", "export", "-o", f"{disk.path}/readers.csv")
    assert (exported.code, told(exported)) == (
        2,
        [
            f"Error: {disk.path}/readers.csv: cannot be written: {reason}",
            "Hint: name another file with -o",
        ],
    )


def test_a_publication_on_a_read_only_disk_can_be_looked_at(
    paper: Path, newsletter: Newsletter, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = disk.path / "paper"
    root.mkdir()
    for part in ("issues", "templates", "newsletter.toml"):
        shutil.move(paper / part, root / part)
    disk.again("ro")
    monkeypatch.chdir(root)
    assert newsletter("check").code == 0
    assert newsletter("status").code == 0
    refused = {
        ("new",): (3, "issues/2026-11-24: cannot be written: Read-only file system"),
        ("readers", "add", "a@b.fr"): (
            75,
            ".newsletter/newsletter.db: cannot be made: Read-only file system",
        ),
        SEND: (2, ".newsletter/secret: cannot be written: Read-only file system"),
        ("demo",): (2, f"{root}/.newsletter: cannot be written: Read-only file system"),
    }
    for arguments, (code, error) in refused.items():
        answer = newsletter(*arguments)
        assert (answer.code, told(answer)[0]) == (code, f"Error: {error}")


def test_a_file_that_may_not_grow_is_told(paper: Path) -> None:
    def small() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    answer = answer_of(command(paper, "build", "-o", "preview", preexec_fn=small))
    assert (answer.code, told(answer)[0]) == (
        2,
        "Error: preview/issue.html: cannot be written: File too large",
    )


# ---- the network ----


class HangsUp:
    """A mail server that takes the beginning of a text and is gone; the kernel answers for it."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._socket.accept()
        self._socket.close()
        with connection, connection.makefile("rb") as lines:
            connection.sendall(b"220 hello\r\n")
            for line in lines:
                ends = line.startswith(b"DATA")
                connection.sendall(b"354 go on\r\n" if ends else b"250 OK\r\n")
                if ends:
                    return

    def join(self) -> None:
        self._thread.join(timeout=10)


def noise(path: Path) -> None:
    """A picture that stays large: the message does not fit into the socket's buffers."""
    Image.frombytes("RGB", (1100, 1100), os.urandom(3 * 1100 * 1100)).save(path)


def test_a_server_that_hangs_up_in_the_middle_of_a_text_does_not_end_the_press(
    paper: Path, newsletter: Newsletter
) -> None:
    newsletter("readers", "add", "a@example.org")
    server = HangsUp()
    through_smtp(paper, server.port)
    replaced("newsletter.toml", "[send]", '[look]\npictures = "embedded"\n\n[send]\npatience = "0s"')(paper)
    noise(paper / "issues" / "2026-11-23" / "noise.png")
    replaced(FIRST, "section: Tech", "picture: noise.png\nalt: Du bruit")(paper)
    answer = answer_of(command(paper, *SEND))
    server.join()
    assert answer.code == 4
    owed, last = answer.err.splitlines()[-2:]
    assert owed.startswith("  still owed: a@example.org, next try at 06:50: no answer to text: ")
    assert last == "To go on: newsletter send 2026-11-23"
    status = newsletter("status")
    assert status.code == 4
    assert "no answer to text" in status.out
