"""The maildir backend: one mail a reader, as mail programs find it."""

import mailbox
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from newsletter.deliver.backend import find_backend
from newsletter.deliver.backends.maildir import MaildirBackend
from newsletter.errors import ConfigError, Deferred, Unavailable, Vetoed
from newsletter.settings import Table
from tests.deliver.contract import BackendContract, Carrier, Commits, a_message

NAME = "1795417200.9017a16e27217ae0dda5f6231278be99.press.example.org"


@pytest.fixture
def backend(tmp_path: Path) -> MaildirBackend:
    backend = MaildirBackend(tmp_path / "mail")
    backend.open()
    return backend


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


class TestMaildir(BackendContract):
    @pytest.fixture
    def carrier(self, tmp_path: Path) -> Carrier:
        new = tmp_path / "mail" / "new"
        return Carrier(
            backend=MaildirBackend(tmp_path / "mail"),
            arrived=lambda: [path.read_bytes().replace(b"\n", b"\r\n") for path in sorted(new.glob("*"))],
        )


def test_the_file_is_named_after_the_date_and_the_message_alone(
    tmp_path: Path, backend: MaildirBackend
) -> None:
    receipt = backend.send(a_message(), Commits())
    assert files(tmp_path / "mail") == [f"new/{NAME}"]
    assert receipt == str(tmp_path / "mail/new" / NAME)


def test_nothing_is_added_and_lines_end_with_lf(tmp_path: Path, backend: MaildirBackend) -> None:
    message = a_message()
    path = Path(backend.send(message, Commits()))
    assert path.read_bytes() == message.content.replace(b"\r\n", b"\n")


def test_a_mailbox_program_finds_each_mail_unread(tmp_path: Path, backend: MaildirBackend) -> None:
    for number in (1, 2, 3):
        backend.send(a_message(f"reader{number}@example.com", number=number), Commits())
    mails = list(mailbox.Maildir(tmp_path / "mail", create=False))
    assert sorted(mail["Subject"] for mail in mails) == ["no. 1", "no. 2", "no. 3"]
    assert {(mail.get_subdir(), mail.get_flags()) for mail in mails} == {("new", "")}
    assert "=C3=89lo=C3=AFse,\n.a line with a dot at its head\n" in mails[0].as_string()


def test_a_second_try_replaces_the_first(tmp_path: Path, backend: MaildirBackend) -> None:
    for _ in range(2):
        backend.send(a_message(), Commits())
    assert files(tmp_path / "mail") == [f"new/{NAME}"]


def test_only_the_owner_can_read_it(tmp_path: Path, backend: MaildirBackend) -> None:
    path = Path(backend.send(a_message(), Commits()))
    assert path.stat().st_mode & 0o777 == 0o600
    assert {name: (tmp_path / "mail" / name).stat().st_mode & 0o777 for name in ("tmp", "new", "cur")} == {
        "tmp": 0o700,
        "new": 0o700,
        "cur": 0o700,
    }


def test_until_commit_the_mail_lies_in_tmp_where_nobody_looks(
    tmp_path: Path, backend: MaildirBackend
) -> None:
    seen: list[str] = []
    backend.send(a_message(), Commits(then=lambda: seen.extend(files(tmp_path / "mail"))))
    [draft] = seen
    assert draft.startswith("tmp/")


def test_a_veto_leaves_no_trace(tmp_path: Path, backend: MaildirBackend) -> None:
    with pytest.raises(Vetoed):
        backend.send(a_message(), Commits(raising=Vetoed("left", reason="left")))
    assert files(tmp_path / "mail") == []


def test_the_mail_is_on_the_disk_before_commit_and_its_name_before_the_receipt(
    backend: MaildirBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    deeds: list[str] = []
    flush = os.fsync

    def noted(descriptor: int) -> None:
        deeds.append(Path(f"/proc/self/fd/{descriptor}").readlink().parts[-2])
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    backend.send(a_message(), Commits(then=lambda: deeds.append("commit")))
    assert deeds == ["tmp", "commit", "mail"]


@contextmanager
def a_disk_with_room_for(octets: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_mail_that_does_not_fit_is_unavailable_before_commit_and_leaves_no_draft(
    tmp_path: Path, backend: MaildirBackend
) -> None:
    commit = Commits()
    with a_disk_with_room_for(100), pytest.raises(Unavailable) as raised:
        backend.send(a_message(), commit)
    assert str(raised.value) == f"{tmp_path / 'mail/tmp'}: cannot be written to: File too large"
    assert (commit.count, files(tmp_path / "mail")) == (0, [])


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Unavailable) as raised:
        MaildirBackend(tmp_path / "file").open()
    assert raised.value.where == str(tmp_path / "file")
    assert raised.value.hint.startswith("make room on the disk, or set path in [backends.maildir]")


def test_if_only_the_renaming_fails_nothing_has_arrived_and_that_is_said(
    tmp_path: Path, backend: MaildirBackend
) -> None:
    in_the_way = tmp_path / "mail/new" / NAME
    in_the_way.mkdir()
    with pytest.raises(Deferred) as raised:
        backend.send(a_message(), Commits())
    assert (raised.value.where, files(tmp_path / "mail")) == (str(in_the_way), [])


def test_it_is_found_by_name_and_a_run_through_it_is_a_rehearsal(tmp_path: Path) -> None:
    for values, folder in (({}, ".newsletter/maildir"), ({"path": "mails"}, "mails")):
        backend = find_backend("maildir", Table(values, name="backends.maildir", root=tmp_path))
        assert isinstance(backend, MaildirBackend)
        assert backend.reaches_people is False
        backend.open()
        assert (tmp_path / folder / "new").is_dir()
    with pytest.raises(ConfigError, match="unknown setting 'folder'"):
        MaildirBackend.configured(Table({"folder": "x"}, name="backends.maildir", root=tmp_path))
