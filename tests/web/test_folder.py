"""Files into a folder: what is ours changes and goes, what is others' stays."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from newsletter.errors import ConfigError
from newsletter.web.folder import Written, fill_folder
from newsletter.web.site import File


def fill(folder: Path, keep: str = "", **files: str) -> Written:
    """Write files; in their names, `_` stands for `/`."""
    made = [File(path=name.replace("_", "/"), content=text.encode()) for name, text in files.items()]
    return fill_folder(folder, made, keep=lambda path: bool(keep) and path.startswith(keep), shown="public")


def there(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_what_is_gone_is_removed_with_its_empty_folders(tmp_path: Path) -> None:
    assert fill(tmp_path, index="a", day_slug_page="b", day_page="c") == Written(written=3)
    assert fill(tmp_path, index="a", day_page="d") == Written(written=1, same=1, removed=1)
    assert there(tmp_path) == {".newsletter-site", "index", "day/page"}
    assert not (tmp_path / "day/slug").exists()
    assert (tmp_path / ".newsletter-site").read_text(encoding="utf-8") == "day/page\nindex\n"


def test_files_of_others_stay_and_so_do_their_folders(tmp_path: Path) -> None:
    fill(tmp_path, day_page="a")
    (tmp_path / "robots.txt").write_text("mine", encoding="utf-8")
    (tmp_path / "day/notes.txt").write_text("mine", encoding="utf-8")
    fill(tmp_path, index="b")
    assert there(tmp_path) == {".newsletter-site", "index", "robots.txt", "day/notes.txt"}


def test_a_file_of_somebody_else_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "index").write_text("mine", encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        fill(tmp_path, index="ours")
    assert str(refused.value) == "public/index: a file that is not ours is in the way"
    assert (tmp_path / "index").read_text(encoding="utf-8") == "mine"
    assert fill(tmp_path, other="ours").removed == 0
    assert (tmp_path / "index").read_text(encoding="utf-8") == "mine"


def test_a_file_with_the_same_bytes_is_not_touched(tmp_path: Path) -> None:
    fill(tmp_path, index="a")
    before = (tmp_path / "index").stat()
    assert fill(tmp_path, index="a") == Written(same=1)
    after = (tmp_path / "index").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_run_that_was_killed_leaves_nothing_that_the_next_does_not_know(tmp_path: Path) -> None:
    def dies() -> Iterator[File]:
        yield File(path="index", content=b"old")
        yield File(path="gone", content=b"old")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill_folder(tmp_path, dies(), keep=lambda _: False, shown="public")
    with (tmp_path / ".newsletter-site").open("a", encoding="utf-8") as manifest:
        manifest.write("half/of/a/li")  # the end of a line that was being written
    assert fill(tmp_path, index="new") == Written(written=1, removed=1)
    assert there(tmp_path) == {".newsletter-site", "index"}


def test_what_is_kept_stays_ours(tmp_path: Path) -> None:
    fill(tmp_path, day_page="a", index="b")
    assert fill(tmp_path, keep="day/", index="b") == Written(same=1)
    assert there(tmp_path) == {".newsletter-site", "day/page", "index"}
    assert fill(tmp_path, index="b") == Written(same=1, removed=1)


def test_a_list_that_leads_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "public"
    fill(folder, index="a")
    outside = tmp_path / "precious"
    outside.write_text("mine", encoding="utf-8")
    with (folder / ".newsletter-site").open("a", encoding="utf-8") as manifest:
        manifest.write(f"../precious\nday/../../precious\n{outside}\n")
    assert fill(folder, index="b") == Written(written=1)
    assert outside.read_text(encoding="utf-8") == "mine"


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "public").write_text("a file", encoding="utf-8")
    with pytest.raises(ConfigError, match="cannot be written"):
        fill(tmp_path / "public", index="a")
