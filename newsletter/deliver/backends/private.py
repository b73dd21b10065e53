"""Folders in which mails lie: made for their owner's eyes only, since files are named after readers."""

from pathlib import Path


def make_private(folder: Path) -> None:
    """Make a folder and those around it that are missing; one that is there stays as it is.

    Raises OSError.
    """
    for each in reversed([folder, *folder.parents]):
        if not each.exists():
            each.mkdir(mode=0o700, exist_ok=True)
    folder.mkdir(exist_ok=True)  # which raises if it is a file
