"""The files that an issue is made of -> one digest, quick to take: whether any has changed."""

import hashlib
from collections.abc import Iterable
from pathlib import Path


def digest_of(paths: Iterable[Path], root: Path) -> str:
    """SHA-256 of the names and bytes of these files, and of all files in these folders.

    One that cannot be read counts as one that is not there.
    """
    digest = hashlib.sha256()
    files = {file for path in paths for file in (path.rglob("*") if path.is_dir() else (path,))}
    for file in sorted(files):
        try:
            content = file.read_bytes()
        except OSError:
            continue
        name = file.relative_to(root).as_posix().encode()
        for part in (name, content):
            digest.update(len(part).to_bytes(8) + part)
    return digest.hexdigest()
