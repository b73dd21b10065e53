"""Where what comes back lies: a Maildir, an mbox, standard input; mails are given out until acknowledged.

A mail is acknowledged after it was recorded, so that a kill in between gives it out once more; it is recorded
under its digest (`mail.digest_of`), so that once more changes nothing. Each is counted once, whatever is
killed when.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

from newsletter.bounces.mime import LONGEST
from newsletter.errors import ConfigError, Unavailable

_HEAD = 1024
"""Bytes at the beginning of an mbox by which it is known again."""


class Mail(NamedTuple):
    """One mail as it lies there; `mark` is what its source knows it by."""

    content: bytes
    mark: str


class Source(Protocol):
    """Gives out mails, and is told of each that it was recorded.

    What is `for_a_person` (Kind.OTHER) stays unread where it is, as far as the source can tell the
    difference.
    """

    def mails(self) -> Iterator[Mail]: ...
    def acknowledge(self, mail: Mail, *, for_a_person: bool = False) -> None: ...
    def close(self) -> None: ...


class Maildir:
    """A Maildir: what is in `new` is given out, and moved to `cur` as seen when it was recorded.

    Any mail program may work on it at the same time. Raises ConfigError if it is none.
    """

    def __init__(self, folder: Path) -> None:
        self._new, self._cur = folder / "new", folder / "cur"
        for each in (self._new, self._cur):
            if not each.is_dir():
                hint = "name the folder that has new/, cur/ and tmp/ in it"
                raise ConfigError("not a Maildir", where=str(folder), hint=hint)

    def mails(self) -> Iterator[Mail]:
        for name in sorted(os.listdir(self._new)):  # noqa: PTH208 - millions of names, and no Path for each
            if name.startswith("."):
                continue
            with contextlib.suppress(FileNotFoundError, IsADirectoryError):
                with (self._new / name).open("rb") as file:
                    content = file.read(LONGEST)
                yield Mail(content, name)

    def acknowledge(self, mail: Mail, *, for_a_person: bool = False) -> None:
        name = mail.mark.partition(":")[0]
        # Whoever was faster has moved it already.
        with contextlib.suppress(FileNotFoundError):
            (self._new / mail.mark).rename(self._cur / f"{name}:2,{'' if for_a_person else 'S'}")

    def close(self) -> None:
        """Nothing is held open."""


class Mbox:
    """An mbox, which is read and never written; `position` is a small file of ours that says how far.

    Should that be lost, the mbox is read from its beginning, and what was recorded is found to be. Raises
    ConfigError if it cannot be read, Unavailable if a mail program is writing to it.
    """

    def __init__(self, path: Path, position: Path) -> None:
        self._path = path
        self._position = position
        try:
            self._file: BinaryIO = path.open("rb")
        except OSError as error:
            raise ConfigError(f"cannot be read: {error.strerror}", where=str(path)) from error
        self._size = self._size_while_nobody_writes()

    def mails(self) -> Iterator[Mail]:
        start = self._where_we_were()
        self._file.seek(start)
        lines: list[bytes] = []
        length, at, after_gap = 0, start, True
        while at < self._size:
            line = self._file.readline(min(65_536, self._size - at))
            if not line:
                break
            if after_gap and line.startswith(b"From ") and lines:
                yield Mail(b"".join(lines), str(at))
                lines, length = [], 0
            after_gap = line in (b"\n", b"\r\n")
            at += len(line)
            if length < LONGEST:
                lines.append(line)
                length += len(line)
        if lines:
            yield Mail(b"".join(lines), str(at))

    def acknowledge(self, mail: Mail, *, for_a_person: bool = False) -> None:
        """Note that all up to the end of this mail was recorded; mails are acknowledged in their order."""
        note = json.dumps({"until": int(mail.mark), "head": self._head(int(mail.mark))})
        own = self._position.with_name(f"{self._position.name}-{secrets.token_hex(4)}")
        own.write_text(note, encoding="ascii")
        own.replace(self._position)

    def close(self) -> None:
        self._file.close()

    def _size_while_nobody_writes(self) -> int:
        """How long the mbox is between two deliveries, which lock it."""
        try:
            fcntl.lockf(self._file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise Unavailable(
                "a mail program is writing to it", where=str(self._path), passing=True
            ) from error
        size = os.fstat(self._file.fileno()).st_size
        fcntl.lockf(self._file, fcntl.LOCK_UN)
        return size

    def _where_we_were(self) -> int:
        """Behind the last mail recorded; 0 if the mbox is another one since, or was cut."""
        try:
            note = json.loads(self._position.read_text(encoding="ascii"))
            until = int(note["until"])
            same = until <= self._size and note["head"] == self._head(until)
        except (OSError, ValueError, KeyError, TypeError):
            return 0
        self._file.seek(until)
        return until if same and self._file.read(5) in (b"From ", b"") else 0

    def _head(self, until: int) -> str:
        here = self._file.tell()
        self._file.seek(0)
        digest = hashlib.sha256(self._file.read(min(_HEAD, until))).hexdigest()
        self._file.seek(here)
        return digest


class StandardInput:
    """One mail on standard input, as a mail server pipes it; whether it was recorded is the exit code.

    A server that is told 75 keeps the mail and tries again (sysexits.h), so that nothing needs to be noted.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def mails(self) -> Iterator[Mail]:
        content = self._stream.read(LONGEST)
        # What is longer is taken to its end all the same: the server would take a closed pipe for a failure.
        while self._stream.read(1 << 20):
            pass
        if content.strip():
            yield Mail(content, "")

    def acknowledge(self, mail: Mail, *, for_a_person: bool = False) -> None:
        """Nothing to note."""

    def close(self) -> None:
        """The stream is whoever's who opened it."""
