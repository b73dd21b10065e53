"""Files -> a folder that holds these files and whatever else somebody has put there."""

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from newsletter.errors import ConfigError
from newsletter.web.site import File

MANIFEST = ".newsletter-site"
"""Lists the files that are ours to change and to remove, a path a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """How many files were written, were there with these bytes, and were removed."""

    written: int = 0
    same: int = 0
    removed: int = 0


def fill_folder(folder: Path, files: Iterable[File], *, keep: Callable[[str], bool], shown: str) -> Written:
    """Write the files into `folder` and remove those that an earlier call wrote and that are gone since.

    Each file is replaced at once, so that nobody is served half of one; one with the same bytes is not
    touched. A file is listed as ours before it is written, so that a call that is killed leaves nothing
    unknown. `keep` says which of our former files stay although they are not among `files`; `shown` is what
    errors call the folder. Raises ConfigError where a file that is not ours is in the way, or the folder
    cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        ours = set(listed(folder))
        made: set[str] = set()
        written = same = 0
        with (folder / MANIFEST).open("a", encoding="utf-8") as manifest:
            manifest.write("\n")  # the last line may be half of one
            for file in files:
                made.add(file.path)
                path = folder / file.path
                there = _content(path)
                if there == file.content:
                    same += 1
                elif there is not None and file.path not in ours:
                    hint = "move it away, or name another folder with -o"
                    raise ConfigError(
                        "a file that is not ours is in the way", where=str(Path(shown, file.path)), hint=hint
                    )
                if file.path not in ours:
                    manifest.write(f"{file.path}\n")
                    manifest.flush()
                if there != file.content:
                    _replace(path, file.content)
                    written += 1
        made |= {path for path in ours if keep(path)}
        removed = _remove(folder, ours - made)
        _replace(folder / MANIFEST, "".join(f"{path}\n" for path in sorted(made)).encode())
    except OSError as error:
        where = error.filename or shown
        hint = "name another folder with -o"
        raise ConfigError(f"cannot be written: {error.strerror}", where=str(where), hint=hint) from error
    return Written(written=written, same=same, removed=removed)


def listed(folder: Path) -> list[str]:
    """The paths of the files that `fill_folder` wrote there."""
    with suppress(FileNotFoundError):
        lines = (folder / MANIFEST).read_text(encoding="utf-8").splitlines()
        # A path that leads out of the folder is not one that we wrote.
        return [line for line in lines if line and ".." not in line.split("/") and not line.startswith("/")]
    return []


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # A fixed name: a run that was killed leaves one such file at most, and the next one writes over it.
    draft = path.with_name(f".{path.name}.new")
    draft.write_bytes(content)
    os.replace(draft, path)  # noqa: PTH105


def _remove(folder: Path, paths: Iterable[str]) -> int:
    removed = 0
    for name in paths:
        path = folder / name
        with suppress(FileNotFoundError, NotADirectoryError):
            path.unlink()
            removed += 1
        for above in path.relative_to(folder).parents:
            if above != Path():
                with suppress(OSError):  # others' files are in it
                    (folder / above).rmdir()
    return removed
