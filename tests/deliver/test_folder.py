"""The folder backend: one whole .eml a reader, or none."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from pathlib import Path

import pytest

from newsletter.deliver.backends.folder import FolderBackend
from newsletter.errors import ConfigError, Deferred, Unavailable, Vetoed
from newsletter.settings import Table
from tests.deliver.contract import BackendContract, Carrier, Commits, a_message


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


class TestFolder(BackendContract):
    @pytest.fixture
    def carrier(self, tmp_path: Path) -> Carrier:
        return Carrier(
            backend=FolderBackend(tmp_path / "outbox"),
            arrived=lambda: [path.read_bytes() for path in sorted(tmp_path.rglob("*.eml"))],
        )


def test_the_file_is_named_after_the_reader_and_the_message(tmp_path: Path) -> None:
    receipt = FolderBackend(tmp_path).send(a_message("Zoe.O'Neil+news@example.com"), Commits())
    assert files(tmp_path) == ["2026-11-23/Zoe.O_Neil+news@example.com-00000001.eml"]
    assert receipt == str(tmp_path / "2026-11-23/Zoe.O_Neil+news@example.com-00000001.eml")


@pytest.mark.parametrize(
    ("recipient", "name"),
    [
        ("../../etc/passwd@example.com", ".._.._etc_passwd@example.com-00000001.eml"),
        ("zoé@exämple.com", "zo_@ex_mple.com-00000001.eml"),
        ("a\x00b@example.com", "a_b@example.com-00000001.eml"),
        ("x" * 200 + "@example.com", "x" * 100 + "-00000001.eml"),
    ],
)
def test_no_address_leads_out_of_the_folder(tmp_path: Path, recipient: str, name: str) -> None:
    FolderBackend(tmp_path).send(a_message(recipient), Commits())
    assert files(tmp_path) == [f"2026-11-23/{name}"]


def test_two_addresses_that_look_alike_get_a_file_each(tmp_path: Path) -> None:
    backend = FolderBackend(tmp_path)
    backend.send(a_message("zoé@example.com", number=1), Commits())
    backend.send(a_message("zoè@example.com", number=2), Commits())
    assert len(files(tmp_path)) == 2


def test_a_second_try_replaces_the_first(tmp_path: Path) -> None:
    backend = FolderBackend(tmp_path)
    for _ in range(2):
        backend.send(a_message(), Commits())
    assert files(tmp_path) == ["2026-11-23/zoe@example.com-00000001.eml"]


def test_a_mail_program_can_open_it(tmp_path: Path) -> None:
    mail = message_from_bytes(Path(FolderBackend(tmp_path).send(a_message(), Commits())).read_bytes())
    assert (mail["To"], mail["Subject"]) == ("<reader1@example.com>", "no. 1")


def test_until_commit_there_is_a_draft_that_nobody_takes_for_a_mail(tmp_path: Path) -> None:
    seen: list[str] = []
    FolderBackend(tmp_path).send(a_message(), Commits(then=lambda: seen.extend(files(tmp_path))))
    [draft] = seen
    assert Path(draft).name.startswith(".")
    assert draft.endswith(".tmp")


def test_a_veto_leaves_no_trace(tmp_path: Path) -> None:
    with pytest.raises(Vetoed):
        FolderBackend(tmp_path).send(a_message(), Commits(raising=Vetoed("left", reason="left")))
    assert files(tmp_path) == []


@contextmanager
def a_disk_with_room_for(octets: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_file_that_does_not_fit_is_unavailable_before_commit_and_leaves_no_draft(tmp_path: Path) -> None:
    commit = Commits()
    with a_disk_with_room_for(100), pytest.raises(Unavailable) as raised:
        FolderBackend(tmp_path).send(a_message(), commit)
    assert str(raised.value) == f"{tmp_path / '2026-11-23'}: cannot be written to: File too large"
    assert (commit.count, files(tmp_path)) == (0, [])


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for path in (tmp_path / "file", tmp_path / "file" / "outbox"):
        with pytest.raises(Unavailable) as raised:
            FolderBackend(path).open()
        assert raised.value.where == str(path)
        assert raised.value.hint == "set path in [backends.folder] to another folder"


def test_if_only_the_renaming_fails_nothing_has_arrived_and_that_is_said(tmp_path: Path) -> None:
    in_the_way = tmp_path / "2026-11-23/zoe@example.com-00000001.eml"
    in_the_way.mkdir(parents=True)
    with pytest.raises(Deferred) as raised:
        FolderBackend(tmp_path).send(a_message(), Commits())
    assert (raised.value.where, files(tmp_path)) == (str(in_the_way), [])


def test_the_files_of_whoever_is_erased_are_deleted_and_no_others(tmp_path: Path) -> None:
    backend = FolderBackend(tmp_path / "outbox")
    assert backend.forget("lea@example.org") == 0
    backend.open()
    for recipient in ("Lea@example.org", "lea@example.org.fr", "max@example.org"):
        backend.send(a_message(recipient=recipient), lambda: None)
    assert backend.forget("lea@EXAMPLE.org") == 1
    names = [path.name.rpartition("-")[0] for path in (tmp_path / "outbox").glob("*/*.eml")]
    assert sorted(names) == ["lea@example.org.fr", "max@example.org"]


def test_the_folder_is_the_publications_own_unless_set(tmp_path: Path) -> None:
    for values, folder in (({}, ".newsletter/outbox"), ({"path": "mails"}, "mails")):
        table = Table(values, name="backends.folder", root=tmp_path)
        FolderBackend.configured(table).open()
        assert (tmp_path / folder).is_dir()
    with pytest.raises(ConfigError, match="unknown setting 'folder'"):
        FolderBackend.configured(Table({"folder": "x"}, name="backends.folder", root=tmp_path))
