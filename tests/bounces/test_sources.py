"""Mails are given out until they were recorded, and once more at most, whatever is killed when."""

import io
import mailbox
import subprocess
import sys
from contextlib import closing
from itertools import islice
from pathlib import Path

import pytest

from newsletter.bounces.mail import digest_of
from newsletter.bounces.sources import Maildir, Mbox, Source, StandardInput
from newsletter.errors import ConfigError, Unavailable
from tests.bounces.mails import failed, report

ONE = report(failed("5.1.1", "550 one"))
TWO = report(failed("5.1.1", "550 two"))
THREE = report(failed("5.1.1", "550 three"))


def all_of(source: Source) -> list[str]:
    with closing(source):
        return [digest_of(mail.content) for mail in source.mails()]


def take(source: Source, how_many: int) -> None:
    with closing(source):
        for mail in islice(source.mails(), how_many):
            source.acknowledge(mail)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# Maildir


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    box = mailbox.Maildir(str(tmp_path / "box"), create=True)
    for content in (ONE, TWO, THREE):
        box.add(content)
    return tmp_path / "box"


def test_a_maildir_moves_what_was_recorded_and_nothing_else(maildir: Path) -> None:
    source = Maildir(maildir)
    assert sorted(all_of(source)) == sorted(map(digest_of, (ONE, TWO, THREE)))
    assert len(names(maildir / "new")) == 3  # looking at it changes nothing
    take(source, 2)
    assert len(names(maildir / "new")) == 1
    assert [name.partition(":")[2] for name in names(maildir / "cur")] == ["2,S", "2,S"]
    assert len(all_of(Maildir(maildir))) == 1


def test_a_letter_for_a_person_stays_unread(maildir: Path) -> None:
    source = Maildir(maildir)
    for mail in source.mails():
        source.acknowledge(mail, for_a_person=True)
    box = mailbox.Maildir(str(maildir))
    assert [message.get_flags() for message in box] == ["", "", ""]
    assert all_of(source) == []


def test_what_another_program_takes_from_a_maildir_is_no_mistake(maildir: Path) -> None:
    source = Maildir(maildir)
    mails = source.mails()
    first = next(mails)
    for name in names(maildir / "new"):
        (maildir / "new" / name).unlink()
    source.acknowledge(first)
    assert list(mails) == []


def test_a_folder_that_is_no_maildir_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not a Maildir"):
        Maildir(tmp_path)


# mbox


def write_mbox(path: Path, *contents: bytes) -> None:
    box = mailbox.mbox(str(path))
    for content in contents:
        box.add(content)
    box.close()


def test_an_mbox_is_read_on_from_what_was_recorded(tmp_path: Path) -> None:
    path, position = tmp_path / "box", tmp_path / "position"
    write_mbox(path, ONE, TWO)
    before = path.read_bytes()
    assert all_of(Mbox(path, position)) == [digest_of(ONE), digest_of(TWO)]
    take(Mbox(path, position), 1)
    assert path.read_bytes() == before
    write_mbox(path, THREE)
    assert all_of(Mbox(path, position)) == [digest_of(TWO), digest_of(THREE)]


def test_an_mbox_that_was_put_away_is_read_from_its_beginning(tmp_path: Path) -> None:
    path, position = tmp_path / "box", tmp_path / "position"
    write_mbox(path, ONE, TWO)
    take(Mbox(path, position), 2)
    assert all_of(Mbox(path, position)) == []
    path.unlink()
    write_mbox(path, THREE, ONE, TWO)
    assert all_of(Mbox(path, position)) == [digest_of(THREE), digest_of(ONE), digest_of(TWO)]


@pytest.mark.parametrize(
    "note", ["", "{}", "[]", '{"until": 99999999, "head": ""}', '{"until": "x"}', "\x00"]
)
def test_a_position_that_is_lost_or_spoilt_means_the_beginning(tmp_path: Path, note: str) -> None:
    path, position = tmp_path / "box", tmp_path / "position"
    write_mbox(path, ONE, TWO)
    position.write_text(note)
    assert all_of(Mbox(path, position)) == [digest_of(ONE), digest_of(TWO)]


def test_a_line_that_begins_with_from_in_a_mail_does_not_cut_it(tmp_path: Path) -> None:
    path = tmp_path / "box"
    content = ONE + b"\r\n\r\nFrom here on all is well.\r\n"
    write_mbox(path, content, TWO)
    assert len(all_of(Mbox(path, tmp_path / "position"))) == 2


def test_an_mbox_that_is_being_written_to_is_left_for_later(tmp_path: Path) -> None:
    path = tmp_path / "box"
    write_mbox(path, ONE)
    lock = "import fcntl, sys; box = open(sys.argv[1], 'r+b'); fcntl.lockf(box, fcntl.LOCK_EX)"
    lock += "; print(1, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", lock, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        with pytest.raises(Unavailable, match="a mail program is writing to it"):
            Mbox(path, tmp_path / "position")
        writer.communicate(b"\n")
    assert all_of(Mbox(path, tmp_path / "position")) == [digest_of(ONE)]


def test_an_mbox_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        Mbox(tmp_path / "nobody", tmp_path / "position")


def test_a_long_mail_does_not_hide_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("newsletter.bounces.sources.LONGEST", 5_000)
    path = tmp_path / "box"
    write_mbox(path, ONE + b"x" * 60 + b"\r\n" * 9_000, TWO)
    with closing(Mbox(path, tmp_path / "position")) as source:
        mails = list(source.mails())
    assert len(mails) == 2
    assert len(mails[0].content) < 6_000
    assert digest_of(mails[1].content) == digest_of(TWO)


# Standard input


def test_a_mail_server_pipes_one_mail() -> None:
    (mail,) = StandardInput(io.BytesIO(b"From x Mon\n" + ONE)).mails()
    assert digest_of(mail.content) == digest_of(ONE)


def test_a_pipe_with_nothing_in_it_has_no_mail() -> None:
    assert list(StandardInput(io.BytesIO(b"\n")).mails()) == []
