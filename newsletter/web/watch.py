"""Files and folders -> a stamp that is another one as soon as any of them was saved."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

EVERY = 0.2
"""Seconds between two looks: with composing, a saved file is on the screen within half a second."""


def stamp(paths: Iterable[Path]) -> str:
    """A digest of names, sizes and times of these files, and of all files in these folders.

    What editors write beside a file (.name.swp, name~) does not count; what is not there counts as that.
    """
    digest = hashlib.sha256()
    for path in paths:
        for file in _files(path):
            try:
                found = os.stat(file)  # noqa: PTH116 - four times as fast, five times a second
            except OSError:
                continue
            digest.update(f"{file}\0{found.st_size}\0{found.st_mtime_ns}\0{found.st_ino}\n".encode())
    return digest.hexdigest()[:16]


def _files(path: Path) -> Iterator[str]:
    if not path.is_dir():
        yield os.fspath(path)
        return
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and not name.endswith("~"):
                yield os.path.join(folder, name)  # noqa: PTH118 - as above
