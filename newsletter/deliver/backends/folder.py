"""Message -> one .eml file a reader, in a folder: a rehearsal that can be opened in any mail program."""

import errno
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Self

from newsletter.deliver.backends.private import make_private
from newsletter.errors import Deferred, Unavailable
from newsletter.model import Message
from newsletter.settings import Table

_UNSAFE = re.compile(r"[^A-Za-z0-9@._+-]")
_HINTS = {
    errno.ENOSPC: "make room on the disk, then go on",
    errno.EDQUOT: "make room on the disk, then go on",
    errno.EROFS: "set path in [backends.folder] to a folder that can be written to",
    errno.EACCES: "set path in [backends.folder] to a folder that can be written to",
}


class FolderBackend:
    """Files named after their readers in PATH/ISSUE_KEY/, each of them whole or not there."""

    reaches_people: bool = False

    def __init__(self, path: Path) -> None:
        self._path = path

    @classmethod
    def configured(cls, table: Table) -> Self:
        """From `[backends.folder]`; raises ConfigError."""
        path = table.folder("path", ".newsletter/outbox")
        table.done()
        return cls(path)

    def open(self) -> None:
        """Make the folder; raises `Unavailable`."""
        try:
            make_private(self._path)
        except OSError as error:
            raise _unavailable(self._path, error) from error

    def send(self, message: Message, commit: Callable[[], None]) -> str:
        """Write the message's file and return its path; a second try replaces it.

        Raises `Unavailable` if it cannot be written, `Deferred` if only its last step, the renaming, fails.
        """
        target = self._path / message.issue_key / file_name(message)
        draft = _draft(target.parent, message)
        try:
            commit()
            _rename(draft, target)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        return str(target)

    def close(self) -> None:
        """Nothing is held open."""

    def forget(self, address: str) -> int:
        """Delete the files of one reader, in whatever capitals; how many that were. Raises OSError."""
        start, rest = f"{_safe(address)}-".lower(), len("XXXXXXXX.eml")
        files = [path for path in self._path.glob("*/*.eml") if path.name[:-rest].lower() == start]
        for path in files:
            path.unlink(missing_ok=True)
        return len(files)


def file_name(message: Message) -> str:
    """`ADDRESS-XXXXXXXX.eml`, the eight characters being the Message-ID's first."""
    return f"{_safe(message.recipient)}-{_UNSAFE.sub('_', message.id.partition('@')[0])[:8]}.eml"


def _safe(address: str) -> str:
    return _UNSAFE.sub("_", address)[:100]


def _draft(folder: Path, message: Message) -> Path:
    """The message in a file of its own that nobody takes for a mail yet."""
    draft: Path | None = None
    try:
        make_private(folder)
        descriptor, name = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=folder)
        draft = Path(name)
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(message.segments)
    except BaseException as error:
        if draft is not None:
            draft.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _unavailable(folder, error) from error
        raise
    return draft


def _rename(draft: Path, target: Path) -> None:
    try:
        draft.replace(target)
    except OSError as error:
        raise Deferred(f"cannot be written: {error.strerror}", where=str(target)) from error


def _unavailable(path: Path, error: OSError) -> Unavailable:
    hint = _HINTS.get(error.errno or 0, "set path in [backends.folder] to another folder")
    return Unavailable(f"cannot be written to: {error.strerror}", where=str(path), hint=hint)
