"""What a machine may put right in a file: fixes applied to its text, and the text written back whole."""

import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from newsletter.check.rule import Fix
from newsletter.errors import ContentError

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
"""As a file is read: what else Unicode and `str.splitlines` take for the end of a line is text here."""


def fixed(text: str, fixes: Sequence[Fix]) -> tuple[str, list[Fix]]:
    """The text with the fixes made, and those made; one that does not find its `old` in its place is left.

    Where two of them meet, the earlier in the text is made, and the other is for the next time. A new line
    ends as the one it is made in.
    """
    lines = _LINE.findall(text)
    done: list[Fix] = []
    for fix in sorted(set(fixes), key=lambda each: (each.place, each.old, each.new)):
        index, start = fix.place.line - 1, fix.place.column - 1
        if not 0 <= index < len(lines) or start < 0 or fix.new == fix.old:
            continue
        if not lines[index].startswith(fix.old, start):
            continue
        last = done[-1] if done and done[-1].place.line == fix.place.line else None
        if last and (start < _end(last) or last.place == fix.place):
            continue
        done.append(fix)
    for fix in reversed(done):
        index, start = fix.place.line - 1, fix.place.column - 1
        line = lines[index]
        new = fix.new.replace("\n", line[len(line.rstrip("\r\n")) :] or "\n")
        lines[index] = line[:start] + new + line[_end(fix) :]
    return "".join(lines), done


def _end(fix: Fix) -> int:
    """The offset on its line behind what a fix takes away."""
    return fix.place.column - 1 + len(fix.old)


def put_right(root: Path, fixes: Sequence[Fix]) -> Mapping[str, int]:
    """Make the fixes in the files below `root`: path -> how many were made, without those where none was.

    A file is written whole or not at all, and keeps its line ends, its byte order mark and its mode. Raises
    ContentError for one that cannot be read or written; the files before it stay put right.
    """
    made: dict[str, int] = {}
    for name in sorted({fix.place.path for fix in fixes}):
        path = (root / name).resolve()  # a link stays a link
        try:
            before = path.read_bytes()
            text, done = fixed(before.decode("utf-8"), [fix for fix in fixes if fix.place.path == name])
            if done:
                _write(path, text.encode("utf-8"))
                made[name] = len(done)
        except UnicodeDecodeError as error:
            raise ContentError("not UTF-8", where=name, hint="save the file as UTF-8") from error
        except OSError as error:
            raise ContentError(f"cannot be put right: {error.strerror}", where=name) from error
    return made


def _write(path: Path, data: bytes) -> None:
    """Into a file of its own first, which then takes the old one's place."""
    descriptor, name = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        shutil.copymode(path, name)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
