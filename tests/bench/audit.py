"""Sink against ledger: who got an issue twice, who was lost, whose doubt nothing explains.

It reads two files and nothing else: what the counting sink wrote down, and the ledger.
"""

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Copy = tuple[str, str]
"""Issue and recipient."""

SETTLED = ("sent", "refused", "withheld", "expired")


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """The two files, read."""

    accepted: Sequence[dict[str, Any]]
    killed: Sequence[dict[str, Any]]
    rows: dict[Copy, str]
    audiences: dict[str, int]
    readers: frozenset[str]


@dataclass(slots=True, kw_only=True)
class Audit:
    """What the books say; it is well if there is no fault, each of which names issue and recipient."""

    faults: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    states: Counter[str] = field(default_factory=Counter)
    accepted: int = 0
    in_flight: int = 0
    doubts_that_arrived: int = 0

    def count(self, kind: str) -> int:
        return len(self.faults[kind])

    @property
    def well(self) -> bool:
        return not any(self.faults.values())


DUPLICATE = "duplicates"
LOST = "lost"
DOUBT = "doubts that no kill explains"
IDENTITY = "identities that do not hold"
ORDER = "steps out of order"
WRONG = "wrong or damaged messages"
KINDS = (DUPLICATE, LOST, DOUBT, IDENTITY, ORDER, WRONG)


ROWS = (
    "SELECT issue_key, coalesce(email, 'erased ' || reader_id), state"
    " FROM delivery LEFT JOIN reader ON reader.id = reader_id"
)
AUDIENCES = "SELECT key, audience FROM issue"
READERS = "SELECT email FROM reader"


def read_books(log: Path, database: Path) -> Books:
    """Both files as they are now."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return books_of(log, *(connection.execute(query).fetchall() for query in (ROWS, AUDIENCES, READERS)))


def books_of(
    log: Path,
    rows: Sequence[tuple[str, str, str]],
    audiences: Sequence[tuple[str, int]],
    readers: Sequence[tuple[str]],
) -> Books:
    """A sink's log, and what a ledger said to these three questions."""
    facts = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    return Books(
        accepted=[fact for fact in facts if fact["what"] == "accepted"],
        killed=[fact for fact in facts if fact["what"] == "killed"],
        rows={(issue, email): state for issue, email, state in rows},
        audiences=dict(audiences),
        readers=frozenset(email for (email,) in readers),
    )


def audit(books: Books) -> Audit:
    """Hold one against the other, after the last run has ended."""
    result = Audit(accepted=len(books.accepted), states=Counter(books.rows.values()))
    copies = Counter((fact["issue"], fact["recipient"]) for fact in books.accepted)
    checks = {
        DUPLICATE: _duplicates(books, copies),
        LOST: _lost(books, copies),
        DOUBT: _unexplained(books),
        IDENTITY: _identities(books),
        ORDER: _out_of_order(books),
        WRONG: _wrong(books),
    }
    for kind, faults in checks.items():
        result.faults[kind] = list(faults)
    result.in_flight = sum(killed["in_flight"] for killed in books.killed)
    doubts = [copy for copy, state in books.rows.items() if state == "in doubt"]
    result.doubts_that_arrived = sum(copy in copies for copy in doubts)
    if len(doubts) > result.in_flight:
        result.faults[DOUBT].append(f"{len(doubts)} doubts, {result.in_flight} messages in flight at kills")
    return result


def _duplicates(books: Books, copies: Counter[Copy]) -> Iterator[str]:
    for (issue, recipient), count in copies.items():
        if count > 1:
            yield f"{issue} {recipient}: {count} copies"
    # Gmail hides the second of two messages with one Message-ID (delivery.md R6).
    holders: dict[str, set[Copy]] = defaultdict(set)
    for fact in books.accepted:
        holders[fact["message_id"]].add((fact["issue"], fact["recipient"]))
    for message_id, holding in holders.items():
        if len(holding) > 1:
            yield f"{message_id or 'no Message-ID'}: in {len(holding)} messages"


def _lost(books: Books, copies: Counter[Copy]) -> Iterator[str]:
    for issue in books.audiences:
        for recipient in sorted(books.readers):
            state = books.rows.get((issue, recipient))
            if state is None:
                yield f"{issue} {recipient}: no row"
            elif state not in ("sent", "in doubt"):
                yield f"{issue} {recipient}: {state}"
            elif state == "sent" and (issue, recipient) not in copies:
                yield f"{issue} {recipient}: sent, says the ledger, and the sink never accepted it"
    for issue, recipient in copies:
        if (issue, recipient) not in books.rows:
            yield f"{issue} {recipient}: accepted, and nowhere in the ledger"


def _unexplained(books: Books) -> Iterator[str]:
    """Doubts that were not in flight at a kill."""
    flying = {(fact["issue"], mail["recipient"]) for fact in books.killed for mail in fact["mails"]}
    for (issue, recipient), state in books.rows.items():
        if state == "in doubt" and (issue, recipient) not in flying:
            yield f"{issue} {recipient}: in doubt"


def _identities(books: Books) -> Iterator[str]:
    for issue, audience in books.audiences.items():
        states = Counter(state for (key, _), state in books.rows.items() if key == issue)
        settled = sum(states[state] for state in SETTLED)
        if audience != settled + states["in doubt"] + states["owed"] or audience != len(books.readers):
            yield f"{issue}: {audience} readers, and the rows are {dict(states)}"
        if states["owed"]:
            yield f"{issue}: {states['owed']} owed at the end"


def _out_of_order(books: Books) -> Iterator[str]:
    """A dot before its commit, or "sent" before a reply, as a kill caught it."""
    for fact in books.killed:
        for mail in fact["mails"]:
            if mail["dot"] and mail["state"] == "owed":
                yield f"{fact['issue']} {mail['recipient']}: the dot was written and the row still owed"
            if mail["dot"] and not mail["replied"] and mail["state"] == "sent":
                yield f"{fact['issue']} {mail['recipient']}: sent, before there was a reply"


def _wrong(books: Books) -> Iterator[str]:
    for fact in books.accepted:
        who = f"{fact['issue']} {fact['recipient']}"
        if fact["to"] != [fact["recipient"]]:
            yield f"{who}: the message is to {', '.join(fact['to']) or 'nobody'}"
        # A text that does not end with a line's end gets one (RFC 5321 §4.1.1.4).
        if fact["announced"] and fact["octets"] - fact["announced"] not in (0, 2):
            yield f"{who}: {fact['octets']} octets of {fact['announced']}"
        if fact["issue"] not in books.audiences:
            yield f"{who}: of no issue that was sent"
