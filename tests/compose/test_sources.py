"""A digest of files: the same for the same files, another for anything else."""

from pathlib import Path

import pytest

from newsletter.compose.sources import digest_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "issue" / "pictures").mkdir(parents=True)
    (tmp_path / "issue" / "issue.md").write_text("un", encoding="utf-8")
    (tmp_path / "issue" / "pictures" / "a.png").write_bytes(b"\x89PNG")
    (tmp_path / "newsletter.toml").write_text("[look]", encoding="utf-8")
    return tmp_path


def of(folder: Path) -> str:
    return digest_of([folder / "issue", folder / "newsletter.toml"], folder)


def test_the_same_files_give_the_same_digest_wherever_they_are(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "paper"
    before = of(folder)
    folder.rename(elsewhere)
    assert of(elsewhere) == before
    assert len(before) == 64


def test_a_changed_a_renamed_a_new_and_a_lost_file_give_another(folder: Path) -> None:
    seen = {of(folder)}
    picture = folder / "issue" / "pictures" / "a.png"
    picture.write_bytes(b"\x89PNG.")
    seen.add(of(folder))
    picture.rename(picture.with_name("b.png"))
    seen.add(of(folder))
    (folder / "issue" / "02-new.md").touch()
    seen.add(of(folder))
    (folder / "newsletter.toml").unlink()
    seen.add(of(folder))
    assert len(seen) == 5


def test_bytes_that_move_from_one_file_to_the_next_give_another(folder: Path) -> None:
    (folder / "issue" / "a").write_text("xy", encoding="utf-8")
    (folder / "issue" / "b").write_text("z", encoding="utf-8")
    before = of(folder)
    (folder / "issue" / "a").write_text("x", encoding="utf-8")
    (folder / "issue" / "b").write_text("yz", encoding="utf-8")
    assert of(folder) != before
