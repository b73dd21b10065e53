"""Message -> one file in a Maildir, the mailbox of files that mutt, Dovecot and Python read.

A rehearsal beside `folder`: all issues in one mailbox that a mail program opens as such. Whoever reads it
sits at this machine, so that nobody counts as sent to.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Self

from newsletter.deliver.backends.private import make_private
from newsletter.errors import Deferred, InDoubt, Unavailable
from newsletter.model import Message
from newsletter.settings import Table

_UNSAFE = re.compile(r"[^A-Za-z0-9.-]")
_HINT = "make room on the disk, or set path in [backends.maildir] to a folder that can be written to"


class MaildirBackend:
    """Writes into `tmp`, then renames into `new`, as Maildir's rules say
    (https://cr.yp.to/proto/maildir.html)."""

    reaches_people: bool = False

    def __init__(self, path: Path) -> None:
        self._path = path

    @classmethod
    def configured(cls, table: Table) -> Self:
        """From `[backends.maildir]`; raises ConfigError."""
        path = table.folder("path", ".newsletter/maildir")
        table.done()
        return cls(path)

    def open(self) -> None:
        """Make the Maildir's three folders, for its owner's eyes only; raises `Unavailable`."""
        try:
            for name in ("tmp", "new", "cur"):
                make_private(self._path / name)
        except OSError as error:
            raise _unavailable(self._path, error) from error

    def send(self, message: Message, commit: Callable[[], None]) -> str:
        """Write the message's file, down to the disk, and return its path; a second try replaces it.

        Nothing is added to the message. Its lines end with LF: so do those that local delivery agents write,
        and `mailbox`, mutt and Dovecot expect. A mail that a program has moved to `cur` meanwhile stays
        there. Raises `Unavailable` if it cannot be written, `Deferred` if only the renaming fails, `InDoubt`
        if the disk does not confirm that.
        """
        target = self._path / "new" / file_name(message)
        draft = _draft(self._path / "tmp", message)
        try:
            commit()
            _rename(draft, target)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        return str(target)

    def close(self) -> None:
        """Nothing is held open."""


def file_name(message: Message) -> str:
    """`SECONDS.DIGEST.HOST`: Maildir's unique name, made of the message's date and Message-ID alone."""
    digest = hashlib.sha256(message.id.encode()).hexdigest()[:32]
    host = _UNSAFE.sub("_", message.id.rpartition("@")[2])[:100]
    return f"{int(message.date.timestamp())}.{digest}.{host}"


def _draft(folder: Path, message: Message) -> Path:
    """The message in a file of its own, on the disk, that no mail program looks at."""
    draft: Path | None = None
    try:
        descriptor, name = tempfile.mkstemp(dir=folder)
        draft = Path(name)
        with os.fdopen(descriptor, "wb") as file:
            file.write(message.content.replace(b"\r\n", b"\n"))
            file.flush()
            os.fsync(file.fileno())
    except BaseException as error:
        if draft is not None:
            draft.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _unavailable(folder, error) from error
        raise
    return draft


def _rename(draft: Path, target: Path) -> None:
    """Let the mail be seen, and have its name on the disk too, for which fsync(2) wants the folder's own."""
    try:
        draft.replace(target)
    except OSError as error:
        raise Deferred(f"cannot be written: {error.strerror}", where=str(target)) from error
    try:
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise InDoubt(f"may be lost in a power cut: {error.strerror}", where=str(target)) from error


def _unavailable(path: Path, error: OSError) -> Unavailable:
    return Unavailable(f"cannot be written to: {error.strerror}", where=str(path), hint=_HINT)
