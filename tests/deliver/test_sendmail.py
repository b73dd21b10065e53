"""The sendmail backend: what the command is given, what its end means, what Postfix makes of it."""

import os
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from newsletter.deliver.backend import find_backend
from newsletter.deliver.backends.sendmail import SendmailBackend
from newsletter.errors import (
    Blocked,
    ConfigError,
    Deferred,
    DeliveryError,
    InDoubt,
    Refused,
    Unavailable,
    Vetoed,
)
from newsletter.settings import Table
from tests.conftest import needs
from tests.deliver.contract import BackendContract, Carrier, Commits, a_message


def command(folder: Path, script: str) -> Path:
    path = folder / "sendmail"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def attempt(backend: SendmailBackend, commit: Commits) -> DeliveryError:
    with pytest.raises(DeliveryError) as raised:
        backend.send(a_message(), commit)
    return raised.value


def table(**values: object) -> Table:
    return Table(values, name="backends.sendmail", root=Path(), environment={})


class TestSendmail(BackendContract):
    @pytest.fixture
    def carrier(self, tmp_path: Path) -> Carrier:
        box = tmp_path / "box"
        box.mkdir()
        path = command(tmp_path, f"cat > $(mktemp {box}/XXXXXX)")
        return Carrier(
            backend=SendmailBackend([str(path)]),
            arrived=lambda: [mail.read_bytes().replace(b"\n", b"\r\n") for mail in sorted(box.iterdir())],
        )


def test_the_command_is_told_both_addresses_and_reads_the_mail_with_lf(tmp_path: Path) -> None:
    path = command(tmp_path, f'printf "%s\\n" "$@" > {tmp_path}/arguments; cat > {tmp_path}/mail')
    message = a_message("zoe@exämple.com", sender="bounces+token@press.example.org")
    assert SendmailBackend([str(path), "-a", "paper"]).send(message, Commits()) == f"taken by {path}"
    assert (tmp_path / "arguments").read_text() == (
        "-a\npaper\n-i\n-f\nbounces+token@press.example.org\n--\nzoe@xn--exmple-cua.com\n"
    )
    assert (tmp_path / "mail").read_bytes() == message.content.replace(b"\r\n", b"\n")


def test_the_mail_is_a_whole_file_when_the_command_starts_and_commit_comes_before(tmp_path: Path) -> None:
    path = command(
        tmp_path, f"wc -c < /dev/stdin > {tmp_path}/octets; stat -Lc %F /dev/stdin > {tmp_path}/kind"
    )
    message = a_message(body=(b"x" * 70 + b"\r\n",) * 20_000)
    seen: list[bool] = []
    commit = Commits(then=lambda: seen.append((tmp_path / "octets").exists()))
    SendmailBackend([str(path)]).send(message, commit)
    assert seen == [False]
    assert int((tmp_path / "octets").read_text()) == len(message.content.replace(b"\r\n", b"\n"))
    assert (tmp_path / "kind").read_text() == "regular file\n"


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (1, Unavailable),
        (64, Blocked),
        (65, Refused),
        (66, Blocked),
        (67, Refused),
        (68, Deferred),
        (69, Deferred),
        (70, Blocked),
        (71, Deferred),
        (72, Blocked),
        (73, Deferred),
        (74, InDoubt),
        (75, Deferred),
        (76, InDoubt),
        (77, Blocked),
        (78, Blocked),
        (99, Unavailable),
        (126, Blocked),
        (127, Blocked),
        (255, Unavailable),
    ],
)
def test_every_exit_code_has_its_meaning(tmp_path: Path, code: int, outcome: type[DeliveryError]) -> None:
    path = command(tmp_path, f"cat > /dev/null; echo 'no such user' >&2; exit {code}")
    commit = Commits()
    error = attempt(SendmailBackend([str(path)]), commit)
    assert (type(error), error.reply, commit.count) == (outcome, "no such user", 1)
    assert str(error) == f"{path}: ended with {code}: no such user"


def test_a_command_that_says_nothing_is_told_by_its_code(tmp_path: Path) -> None:
    error = attempt(SendmailBackend([str(command(tmp_path, "exit 75"))]), Commits())
    assert (error.message, error.reply) == ("ended with 75", "")


def test_what_the_command_says_is_one_line_without_control_characters(tmp_path: Path) -> None:
    script = r"printf 'msmtp: not accepted\nmsmtp: \033[31m550 zo\303\251 \377\n\n' >&2; exit 65"
    error = attempt(SendmailBackend([str(command(tmp_path, script))]), Commits())
    assert error.reply == r"msmtp: not accepted msmtp: \x1b[31m550 zoé \xff"


def test_of_a_flood_of_words_only_the_beginning_is_kept(tmp_path: Path) -> None:
    script = "head -c 20000000 /dev/zero | tr '\\0' x >&2; exit 75"
    error = attempt(SendmailBackend([str(command(tmp_path, script))]), Commits())
    assert error.reply == "x" * 499 + "…"


def test_a_command_that_takes_the_mail_without_reading_it_is_believed(tmp_path: Path) -> None:
    message = a_message(body=(b"x" * 70 + b"\r\n",) * 20_000)
    assert SendmailBackend([str(command(tmp_path, "exit 0"))]).send(message, Commits()).startswith("taken by")


def test_a_command_that_is_killed_leaves_a_doubt(tmp_path: Path) -> None:
    error = attempt(SendmailBackend([str(command(tmp_path, "cat > /dev/null; kill -9 $$"))]), Commits())
    assert (type(error), error.message) == (InDoubt, "was ended by signal 9")


def test_a_command_that_hangs_is_stopped_with_all_it_started_and_leaves_a_doubt(tmp_path: Path) -> None:
    path = command(tmp_path, f"sleep 60 & echo $! > {tmp_path}/child; echo $$ > {tmp_path}/self; wait")
    error = attempt(SendmailBackend([str(path)], seconds=0.5), Commits())
    assert (type(error), error.message) == (InDoubt, "took over 0.5 seconds")
    for name in ("self", "child"):
        number = (tmp_path / name).read_text().strip("\n")
        give_up = time.monotonic() + 5
        while _runs(number) and time.monotonic() < give_up:
            time.sleep(0.01)
        assert not _runs(number)


def _runs(number: str) -> bool:
    status = Path(f"/proc/{number}/stat")
    return status.exists() and status.read_text().rpartition(") ")[2][0] != "Z"


def test_what_the_command_leaves_running_is_not_waited_for(tmp_path: Path) -> None:
    path = command(tmp_path, f"sleep 60 & echo $! > {tmp_path}/child; exit 0")
    began = time.monotonic()
    SendmailBackend([str(path)]).send(a_message(), Commits())
    assert time.monotonic() - began < 30
    os.kill(int((tmp_path / "child").read_text()), signal.SIGKILL)


def test_ctrl_c_at_the_terminal_does_not_reach_the_command(tmp_path: Path) -> None:
    path = command(tmp_path, f"echo $$ $(cut -d ' ' -f 6 /proc/$$/stat) > {tmp_path}/session")
    SendmailBackend([str(path)]).send(a_message(), Commits())
    process, session = (tmp_path / "session").read_text().split()
    assert (session == process, session == str(os.getsid(0))) == (True, False)


def test_the_command_is_told_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSLETTER_SECRET", "sésame")
    monkeypatch.setenv("MSMTP_ACCOUNT", "paper")
    SendmailBackend([str(command(tmp_path, f"env > {tmp_path}/env"))]).send(a_message(), Commits())
    words = (tmp_path / "env").read_text()
    assert "NEWSLETTER_" not in words
    assert "MSMTP_ACCOUNT=paper\n" in words


@pytest.mark.parametrize(
    "recipient",
    ["zoe@example.com,evil@example.com", "zoe@example.com -oQ/tmp", "<zoe@example.com>", "zoe", ""],
)
def test_what_is_not_one_address_never_reaches_the_command(tmp_path: Path, recipient: str) -> None:
    path = command(tmp_path, f"touch {tmp_path}/started")
    commit = Commits()
    with pytest.raises(Refused):
        SendmailBackend([str(path)]).send(a_message(recipient), commit)
    assert (commit.count, (tmp_path / "started").exists()) == (0, False)


def test_an_address_that_looks_like_an_option_stands_after_the_options(tmp_path: Path) -> None:
    path = command(tmp_path, f'printf "%s " "$@" > {tmp_path}/arguments')
    SendmailBackend([str(path)]).send(a_message("-bd@example.com"), Commits())
    assert (tmp_path / "arguments").read_text() == "-i -f bonjour@press.example.org -- -bd@example.com "


def test_a_sender_that_is_none_stops_the_run_before_commit(tmp_path: Path) -> None:
    commit = Commits()
    with pytest.raises(Unavailable, match="the sender cannot be used"):
        SendmailBackend([str(command(tmp_path, ""))]).send(a_message(sender="-bd"), commit)
    assert commit.count == 0


def test_a_veto_starts_nothing(tmp_path: Path) -> None:
    path = command(tmp_path, f"touch {tmp_path}/started")
    with pytest.raises(Vetoed):
        SendmailBackend([str(path)]).send(a_message(), Commits(raising=Vetoed("left", reason="left")))
    assert not (tmp_path / "started").exists()


def test_without_the_command_the_run_does_not_begin(tmp_path: Path) -> None:
    backend = SendmailBackend([str(tmp_path / "gone")])
    with pytest.raises(Unavailable) as raised:
        backend.open()
    assert str(raised.value) == f"{tmp_path / 'gone'}: cannot be run"
    assert raised.value.hint == 'install a mail server, or write command = "…" in [backends.sendmail]'


def test_a_command_that_goes_away_or_is_no_program_has_sent_nothing(tmp_path: Path) -> None:
    broken = command(tmp_path, "")
    broken.write_bytes(b"\x7fELF, or so")
    for path in (tmp_path / "gone", broken):
        error = attempt(SendmailBackend([str(path)]), Commits())
        assert (type(error), error.where) == (Blocked, str(path))
        assert error.message.startswith("cannot be started: ")


@contextmanager
def a_disk_with_room_for(octets: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_mail_that_does_not_fit_on_the_disk_is_unavailable_before_commit(tmp_path: Path) -> None:
    commit = Commits()
    backend = SendmailBackend([str(command(tmp_path, f"touch {tmp_path}/started"))])
    with a_disk_with_room_for(100), pytest.raises(Unavailable, match="cannot be written to: File too large"):
        backend.send(a_message(), commit)
    assert (commit.count, (tmp_path / "started").exists()) == (0, False)


def test_it_is_found_by_name_with_its_arguments(tmp_path: Path) -> None:
    path = command(tmp_path, f'printf "%s " "$@" > {tmp_path}/arguments')
    backend = find_backend("sendmail", table(command=f'{path} -a "my paper"'))
    assert isinstance(backend, SendmailBackend)
    assert backend.reaches_people is True
    backend.send(a_message(), Commits())
    assert (tmp_path / "arguments").read_text().startswith("-a my paper -i -f ")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"command": "/usr/sbin/sendmial"}, "no program '/usr/sbin/sendmial' can be run here"),
        ({"command": ""}, "no program '' can be run here"),
        ({"command": 'sendmail "'}, "cannot be read: No closing quotation"),
        ({"comand": "x"}, "unknown setting 'comand'"),
    ],
)
def test_a_mistake_in_the_settings_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, values: dict[str, object], message: str
) -> None:
    command(tmp_path, "")
    monkeypatch.setenv("PATH", str(tmp_path))
    if "comand" in values:
        values = {**values, "command": "sendmail"}
    with pytest.raises(ConfigError, match=message):
        SendmailBackend.configured(table(**values))


class Postfix:
    """Debian's Postfix with a queue of its own and no daemon: what is handed in waits in `maildrop`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._drop = folder / "spool" / "maildrop"
        self._drop.mkdir(parents=True)
        (folder / "spool" / "public").mkdir()
        (folder / "spool" / "pid").mkdir()
        (folder / "main.cf").write_text(
            f"compatibility_level = 3.6\nqueue_directory = {folder}/spool\ndata_directory = {folder}\n"
            "myhostname = press.invalid\n"
        )
        self.command = ["/usr/sbin/sendmail", "-C", str(folder)]

    def mails(self) -> list[Path]:
        """What Postfix would take up: it marks a mail that is complete as executable (its mail_queue.h)."""
        return [path for path in self._drop.iterdir() if path.stat().st_mode & 0o100]

    def shown(self, path: Path, *options: str) -> bytes:
        postcat = ["/usr/sbin/postcat", "-c", str(self._folder), *options, str(path)]
        return subprocess.run(postcat, check=True, capture_output=True).stdout


@pytest.fixture
def postfix(tmp_path: Path) -> Postfix:
    needs("/usr/sbin/postdrop")
    if os.getuid() != 0:
        pytest.skip("needs root, to give Postfix a queue elsewhere")
    return Postfix(tmp_path)


def test_postfix_queues_the_mail_as_it_is(postfix: Postfix) -> None:
    body = (b"Subject in the body\r\n", b"From a line that mbox would quote\r\n.\r\n..\r\nend\r\n")
    message = a_message("-zoe@example.com", sender="bounces+token@press.example.org", body=body)
    backend = SendmailBackend(postfix.command)
    backend.open()
    backend.send(message, Commits())
    [mail] = postfix.mails()
    envelope = postfix.shown(mail, "-e")
    assert b"\nsender: bounces+token@press.example.org\nrecipient: -zoe@example.com\n" in envelope
    assert postfix.shown(mail, "-h", "-b").replace(b"\n", b"\r\n") == message.content


def test_a_pipe_would_let_half_a_mail_leave_when_its_writer_is_killed(postfix: Postfix) -> None:
    """Why the backend does not use one: this is what Postfix does with it."""
    arguments = [*postfix.command, "-i", "-f", "bonjour@press.example.org", "--", "zoe@example.com"]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdin
        process.stdin.write(b"Subject: half\n\nThe first half, and th")
        process.stdin.close()  # as the kernel does for a process that is killed
    [mail] = postfix.mails()
    assert postfix.shown(mail, "-b").strip(b"\n") == b"The first half, and th"


def test_postfix_with_a_queue_it_cannot_write_to_asks_to_come_back_later(
    tmp_path: Path, postfix: Postfix
) -> None:
    shutil.rmtree(tmp_path / "spool")
    error = attempt(SendmailBackend(postfix.command), Commits())
    assert (type(error), error.message[:13]) == (Deferred, "ended with 75")
