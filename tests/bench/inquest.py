"""At which step a killed sender ended, and what it had in flight.

The steps are those of row F1 of the fault matrix. Nothing in the product helps: the wire is seen from the
server's side, the ledger by reading its file.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from tests.bench.counting_sink import Line, Mail, Moment, Sink


class Step(StrEnum):
    """Where in the life of one connection its process ended."""

    BEFORE_MAIL = "before MAIL"
    AFTER_MAIL = "after MAIL"
    AFTER_RCPT = "after RCPT"
    AFTER_354 = "after 354"
    IN_TEXT = "in the text, not committed"
    AFTER_COMMIT = "committed, before the dot"
    AFTER_DOT = "after the dot, before the reply"
    AFTER_250 = "after 250, not recorded"
    AFTER_SENT = "after the sent commit"
    BETWEEN = "between messages"
    OUTSIDE = "starting or ending"


STEPS = tuple(step for step in Step if step is not Step.OUTSIDE)
UNSURE = (Step.AFTER_COMMIT, Step.AFTER_DOT)  # between commit and reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Flying:
    """A message in flight at a kill: its text was whole, or its row committed, and no reply written down.

    `dot` says that the sender had written the dot, `replied` that 250 had been sent; `state` is the ledger's.
    """

    recipient: str
    dot: bool
    replied: bool
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one kill did: the step under which it counts, those of the process's other connections."""

    step: Step
    beside: Sequence[Step]
    connections: int
    mails: Sequence[Flying]


class States(Protocol):
    """The ledger as an inquest reads it."""

    def state(self, issue: str, recipient: str) -> str:
        """The state of one row, "" if there is none."""


class LedgerFile:
    """The ledger as anybody may read it: the file, with no code of the press."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
        self._ids = dict(self._connection.execute("SELECT email, id FROM reader"))

    def state(self, issue: str, recipient: str) -> str:
        """The state of one row, "" if there is none."""
        query = "SELECT state FROM delivery WHERE issue_key = ? AND reader_id = ?"
        row = self._connection.execute(query, (issue, self._ids.get(recipient))).fetchone()
        return str(row[0]) if row else ""

    def is_frozen(self, issue: str) -> bool:
        return bool(self._connection.execute("SELECT 1 FROM issue WHERE key = ?", (issue,)).fetchone())

    def has_owed(self, issue: str) -> bool:
        query = "SELECT 1 FROM delivery WHERE issue_key = ? AND state = 'owed' LIMIT 1"
        return bool(self._connection.execute(query, (issue,)).fetchone())

    def is_locked(self) -> bool:
        """Whether somebody keeps all others from writing; we wait 0.3 s for our turn and write nothing."""
        with closing(sqlite3.connect(self._path, timeout=0.3, isolation_level=None)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return True
            connection.execute("ROLLBACK")
        return False

    def close(self) -> None:
        self._connection.close()


class Inquest:
    """Finds out about kills, one after the other; the process must be dead and its lines buried."""

    def __init__(self, sink: Sink, ledger: States) -> None:
        self._sink = sink
        self._ledger = ledger
        self._doubts: set[tuple[str, str]] = set()

    def hold(self, issue: str, lines: Sequence[Line], hit: Line | None, aimed: Step | None) -> Finding:
        """What became of a process with these connections that was hit at one of them, or before it had any.

        The kill counts under the aimed step if that is true of the connection, else under another that is.
        """
        steps = {line.number: self._steps(issue, line) for line in lines}
        true = steps.pop(hit.number, []) if hit else []
        flying = [mails for line in lines if (mails := self._in_flight(issue, line))]
        mails = [mail for mails in flying for mail in mails]
        self._doubts.update((issue, mail.recipient) for mail in mails if mail.state == "in doubt")
        return Finding(
            step=aimed if aimed in true and aimed else true[0] if true else Step.OUTSIDE,
            beside=[(each or [Step.OUTSIDE])[0] for each in steps.values()],
            connections=len(flying),
            mails=mails,
        )

    def _steps(self, issue: str, line: Line) -> list[Step]:
        """The steps at which a connection stood, the most telling first."""
        mail, last = line.mail, line.last
        if mail and mail.reached == Moment.DOT:
            return [Step.AFTER_DOT]
        steps = []
        if mail and mail.reached >= Moment.DATA:
            if self._is_committed(issue, mail):
                return [Step.AFTER_COMMIT]
            steps = [Step.IN_TEXT if mail.octets else Step.AFTER_354]
        elif mail and mail.reached > Moment.COMMAND:
            steps = [Step.AFTER_RCPT if mail.reached == Moment.RCPT else Step.AFTER_MAIL]
        elif last is None:
            return [Step.BEFORE_MAIL]
        state = self._ledger.state(issue, last.recipient) if last else ""
        if state == "in doubt":
            steps.insert(0, Step.AFTER_250)
        elif state == "sent" and not steps:
            steps += [] if line.written_since else [Step.AFTER_SENT]
            steps += [Step.BETWEEN] if line.goes_on else []
        return steps

    def _in_flight(self, issue: str, line: Line) -> list[Flying]:
        found = []
        for mail, replied in ((line.mail, False), (line.last, True)):
            if mail is None or not mail.recipient:
                continue
            state = self._ledger.state(issue, mail.recipient)
            if (state == "in doubt") if replied else (mail.whole or self._is_committed(issue, mail)):
                found.append(Flying(recipient=mail.recipient, dot=mail.ended, replied=replied, state=state))
        return found

    def _is_committed(self, issue: str, mail: Mail) -> bool:
        """Whether the row is in doubt, and by the commit of the sender that was killed.

        It is another's if it was in doubt after an earlier kill, or if a living sender is as far with it.
        """
        if self._ledger.state(issue, mail.recipient) != "in doubt" or (issue, mail.recipient) in self._doubts:
            return False
        others = (line.mail for line in self._sink.lines() if line.mail)
        return not any(each.recipient == mail.recipient and each.reached >= Moment.TEXT for each in others)
