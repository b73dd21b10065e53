"""Whether anything was saved."""

import os
from pathlib import Path

from newsletter.web.watch import stamp


def test_a_stamp_changes_with_what_is_saved_and_with_nothing_else(tmp_path: Path) -> None:
    folder, settings = tmp_path / "issue", tmp_path / "newsletter.toml"
    folder.mkdir()
    (folder / "01-un.md").write_text("un", encoding="utf-8")
    watched = (folder, settings)
    seen = [stamp(watched)]
    assert stamp(watched) == seen[0]
    settings.write_text("", encoding="utf-8")
    seen.append(stamp(watched))
    (folder / "01-un.md").write_text("deux", encoding="utf-8")
    seen.append(stamp(watched))
    os.utime(folder / "01-un.md", (1, 1))
    seen.append(stamp(watched))
    (folder / "01-un.md").rename(folder / "02-un.md")
    seen.append(stamp(watched))
    (folder / "02-un.md").unlink()
    seen.append(stamp(watched))
    assert len(set(seen)) == len(seen)


def test_an_editors_own_files_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "01-un.md").write_text("un", encoding="utf-8")
    before = stamp([tmp_path])
    for name in (".01-un.md.swp", "01-un.md~", ".git"):
        (tmp_path / name).write_text("", encoding="utf-8")
    assert stamp([tmp_path]) == before
