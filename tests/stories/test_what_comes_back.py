"""An issue goes out, some of it comes back, and each reader gets what their mailbox deserves."""

import json
import random
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from contextlib import closing
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from tests.bounces.mails import failed, report
from tests.conftest import PYTHON, Newsletter
from tests.stories.conftest import Mailroom, readers_file, start, through_smtp


def returns_to(paper: Path, port: int) -> None:
    through_smtp(paper, port)
    with (paper / "newsletter.toml").open("a", encoding="utf-8") as settings:
        settings.write('\n[bounces]\nhost = ""\n')
    text = (paper / "newsletter.toml").read_text(encoding="utf-8")
    text = text.replace("[send]\n", '[send]\nbounces = "retours@lettre.invalid"\n', 1)
    (paper / "newsletter.toml").write_text(text, encoding="utf-8")


def head_of(mail: bytes) -> str:
    return mail.partition(b"\r\n\r\n")[0].decode("ascii").replace("\r\n", "\n") + "\n"


def put(maildir: Path, name: str, mail: bytes) -> None:
    for folder in ("new", "cur", "tmp"):
        (maildir / folder).mkdir(parents=True, exist_ok=True)
    (maildir / "new" / name).write_bytes(mail)


def bounce(mail: bytes, recipient: str, status: str, words: str) -> bytes:
    return report(failed(status, words, recipient=recipient), original=head_of(mail))


def statuses(paper: Path) -> dict[str, str]:
    with closing(sqlite3.connect(paper / ".newsletter/newsletter.db")) as connection:
        return dict(connection.execute("SELECT email, status FROM reader"))


def sent(paper: Path, newsletter: Newsletter, mailroom: Mailroom, readers: int) -> dict[str, bytes]:
    """An issue sent to so many readers: who got which mail."""
    returns_to(paper, mailroom.port)
    readers_file(paper, readers)
    answer = newsletter("readers", "import", "readers.csv", "--source", "the test")
    assert answer.code == 0, answer.err
    assert newsletter("send", "--yes").code == 0
    return dict(mailroom.accepted)


def test_a_morning_after(paper: Path, newsletter: Newsletter, mailroom: Mailroom, tmp_path: Path) -> None:
    mails = sent(paper, newsletter, mailroom, 5)
    zero, one, two, three, four = (f"lecteur{n}@example.org" for n in range(5))
    box = tmp_path / "returned"
    put(box, "1", bounce(mails[zero], zero, "5.1.1", "550 5.1.1 no such user"))
    put(box, "2", bounce(mails[one], one, "5.2.2", "552 5.2.2 mailbox full"))
    complaint = "Feedback-Type: abuse\nUser-Agent: mail/1\nVersion: 1\n"
    put(box, "3", report(complaint, sort="feedback-report", original=head_of(mails[two])))
    leave = message_from_bytes(mails[three], policy=default)["List-Unsubscribe"].split("mailto:")[1]
    address, subject = leave.rstrip(">").split("?subject=")
    put(box, "4", f"From: {three}\nTo: {address}\nSubject: {subject.replace('%20', ' ')}\n\n".encode())
    put(box, "5", f"From: {four}\nTo: bonjour@lettre.invalid\nSubject: Merci\n\nUn beau jour.\n".encode())

    read = newsletter("bounces", str(box))
    assert read.code == 0, read.err
    assert read.err.splitlines() == [
        "5 mails read, 5 of them new.",
        "1 bounced",
        "1 complained",
        "1 left",
        "1 counted as passing trouble",
        "1 of no consequence",
        "1 notice sent.",
    ]
    assert statuses(paper) == {
        zero: "bounced",
        one: "active",
        two: "complained",
        three: "left",
        four: "active",
    }
    notice = message_from_bytes(mailroom.accepted[-1][1], policy=default)
    assert (mailroom.accepted[-1][0], notice["Auto-Submitted"]) == (three, "auto-generated")
    assert notice["Subject"] == "Vous avez quitté La lettre du test"
    # What is for a person is left unread.
    assert sorted(path.name for path in (box / "cur").iterdir()) == [
        "1:2,S",
        "2:2,S",
        "3:2,S",
        "4:2,S",
        "5:2,",
    ]

    shown = json.loads(newsletter("readers", "show", zero, "--json").out)
    assert shown["reader"]["status"] == "bounced"
    (returned,) = shown["returned"]
    assert returned["reason"] == "no such mailbox (5.1.1), says mx.example.org"
    again = newsletter("bounces", str(box))
    assert again.err.splitlines() == ["0 mails read, 0 of them new."]


def test_a_mail_servers_pipe(paper: Path, newsletter: Newsletter, mailroom: Mailroom) -> None:
    mails = sent(paper, newsletter, mailroom, 2)
    reader = "lecteur1@example.org"
    mail = bounce(mails[reader], reader, "5.1.1", "550 5.1.1 unknown")
    for told in ("1 mail read, 1 of them new.", "1 mail read, 0 of them new."):
        line = [PYTHON, "-m", "newsletter", "-C", str(paper), "--clock", "2026-11-23T08:00", "bounces", "-"]
        piped = subprocess.run(line, input=mail, capture_output=True, check=False)
        assert (piped.returncode, piped.stderr.decode().splitlines()[0]) == (0, told)
    assert statuses(paper)[reader] == "bounced"


def test_f27_each_is_counted_once_whatever_is_killed_when(
    paper: Path, newsletter: Newsletter, mailroom: Mailroom, tmp_path: Path
) -> None:
    mails = sent(paper, newsletter, mailroom, 150)
    box = tmp_path / "returned"
    for number, (reader, mail) in enumerate(sorted(mails.items())):
        put(box, f"{number:03}", bounce(mail, reader, "5.2.2", "552 5.2.2 mailbox full"))
    put(box, "bomb", b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + b"--x\r\n" * 200_000)
    chance = random.Random(27)
    kills = 0
    for _ in range(12):
        run = start(paper, "bounces", str(box))
        time.sleep(chance.uniform(0.3, 2.5))
        if run.poll() is None:
            run.send_signal(signal.SIGKILL)
            kills += 1
        run.communicate(timeout=60)
    last = newsletter("bounces", str(box))
    assert last.code == 0, last.err
    assert kills
    with closing(sqlite3.connect(paper / ".newsletter/newsletter.db")) as connection:
        rows = connection.execute("SELECT reader_id, kind, effect FROM returned").fetchall()
    assert Counter((kind, effect) for _, kind, effect in rows if kind == "soft").total() == 150
    assert len({reader for reader, kind, _ in rows if kind == "soft"}) == 150
    assert all(effect for _, _, effect in rows)
    assert set(statuses(paper).values()) == {"active"}
    assert list((box / "new").iterdir()) == []


def test_without_anywhere_to_look_it_says_so(paper: Path, newsletter: Newsletter) -> None:
    answer = newsletter("bounces")
    assert (answer.code, answer.err.splitlines()) == (
        2,
        [
            "Error: bounces: nowhere to look for mail",
            "Hint: name a Maildir or an mbox, or set host under [bounces] in newsletter.toml",
        ],
    )


@pytest.mark.parametrize(
    ("table", "error"),
    [
        ('host = "imap.example.org"', "the mailbox has no username"),
        ('host = "imap.example.org"\nusername = "b"', "the mailbox has no password"),
        ('hots = "imap.example.org"', "unknown setting 'hots'"),
    ],
)
def test_settings_that_cannot_be_meant_are_told(
    paper: Path, newsletter: Newsletter, table: str, error: str
) -> None:
    with (paper / "newsletter.toml").open("a", encoding="utf-8") as settings:
        settings.write(f"\n[bounces]\n{table}\n")
    answer = newsletter("bounces")
    assert answer.code == 2
    assert error in answer.err
    assert "newsletter.toml:" in answer.err
