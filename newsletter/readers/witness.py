"""A file beside the database that remembers how far each issue has come, should the database be set back.

A database restored from a backup does not know of the copies that left after the backup was made, and would
send them again. The witness is a second line and never a reason to miss a morning: if it cannot be read or
written, `trouble` says so and the run goes on, since the database alone is right in every case but this one.
"""

import json
import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from newsletter.errors import StoreError
from newsletter.readers.accounts import Standing

NAME = "witness.json"

# By the database's lasting name and the issue's key: when it was frozen, and how many copies are gone.
_Seen = dict[str, dict[str, tuple[str, int]]]


class Witness:
    """What the file says, by the lasting name of the database and the issue's key.

    `trouble` is what kept it from being read or written, in words, or "".
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.trouble = ""

    def issues(self, instance: str) -> tuple[str, ...]:
        """The issues of a database that this file has seen leave, in order."""
        return tuple(sorted(self._read().get(instance, {})))

    def check(self, standing: Standing, issue_key: str) -> None:
        """Raise StoreError if the database has forgotten what this file knows to have happened."""
        known = self._read().get(standing.instance, {}).get(issue_key)
        if known is None:
            return
        _, gone = known
        if standing.frozen_at is None:
            message = f"the database does not know of {issue_key}, of which at least {gone:,} copies had left"
        elif standing.gone < gone:
            message = f"the database knows of {standing.gone:,} copies, but {gone:,} had left"
        else:
            return
        hint = (
            "bring back the newest copy of the database, or, if there is none: "
            f"newsletter send {issue_key} --restored"
        )
        raise StoreError(
            f"{message}: it is older than what was sent", where=str(self._path.parent), hint=hint
        )

    def note(self, instance: str, issue_key: str, *, frozen_at: datetime, gone: int) -> None:
        """Remember that so many copies are gone; a smaller number than before counts only after a new freeze.

        Written whole or not at all. Raises nothing: a full disk is told by `trouble`.
        """
        seen = self._read()
        at = frozen_at.isoformat()
        known_at, known = seen.setdefault(instance, {}).get(issue_key, (at, 0))
        seen[instance][issue_key] = (at, max(gone, known) if known_at == at else gone)
        own = self._path.with_name(f"{self._path.name}-{os.getpid()}")
        try:
            with os.fdopen(os.open(own, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
                json.dump(_as_json(seen), file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            own.replace(self._path)
        except OSError as error:
            self.trouble = f"{self._path}: cannot be written: {error.strerror}"
            with suppress(OSError):
                own.unlink(missing_ok=True)

    def _read(self) -> _Seen:
        """What the file says; nothing if it is not there, or is not what we wrote."""
        try:
            return _from_json(json.loads(self._path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return {}
        except OSError as error:
            self.trouble = f"{self._path}: cannot be read: {error.strerror}"
        except (ValueError, TypeError, KeyError, AttributeError):
            self.trouble = f"{self._path}: damaged"
        return {}


def _as_json(seen: _Seen) -> Any:
    return {
        instance: {key: {"frozen_at": at, "gone": gone} for key, (at, gone) in issues.items()}
        for instance, issues in seen.items()
    }


def _from_json(value: Any) -> _Seen:
    """Raises one of the errors of a value that is not what it should be."""
    return {
        instance: {key: (str(issue["frozen_at"]), int(issue["gone"])) for key, issue in issues.items()}
        for instance, issues in value.items()
    }
