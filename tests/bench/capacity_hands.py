"""What workers ask of the database for an issue, with no mail server: hands in processes of their own."""

import multiprocessing
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from multiprocessing.synchronize import Barrier
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

from newsletter.fleet.dispatch import batches_of
from newsletter.fleet.engine import Engine
from newsletter.model import Commit, Delivery, Outcome, Owed
from newsletter.readers.database import Database
from newsletter.readers.ledger import Ledger
from newsletter.readers.part import Part

KEY = "2026-11-23"
PAGE = 500
HOST = "relay.example:587"
RECEIPT = "2.0.0 Ok: queued as 4d2fXk3qZ9z7Rw"
TLS = "TLSv1.3"


@dataclass(slots=True)
class Done:
    """What one hand did, and how long each kind of question took, in seconds."""

    rows: int = 0
    began: float = 0.0
    ended: float = 0.0
    waits: dict[str, list[float]] = field(default_factory=dict)

    def timed(self, kind: str, work: Callable[[], Any]) -> Any:
        started = time.perf_counter()
        found = work()
        self.waits.setdefault(kind, []).append(time.perf_counter() - started)
        return found


def send(url: str, ids: Sequence[int], group: int, start: Barrier) -> Done:
    """Everything that a worker writes and reads for these batches, each message taken at once."""
    done = Done()
    with Database.open(url, Path()) as database:
        ledger = Ledger(database)
        batches = batches_of(database, Engine(database.conninfo))
        ledger.frozen(KEY)
        start.wait()
        done.began = time.monotonic()
        for number in ids:
            batch = done.timed("begin", partial(batches.begin, number, "bench"))
            part = Part(ledger, after=batch.after, last=batch.last)
            last: Owed | None = None
            gone: list[Owed] = []
            while page := done.timed("page", lambda: part.due(KEY, _now(), PAGE, last)):  # noqa: B023
                for first in range(0, len(page), group):
                    turn = page[first : first + group]
                    vetoes = done.timed("write", lambda: _write(part, gone, turn))  # noqa: B023
                    assert not vetoes, vetoes
                    gone = turn
                last = page[-1]
                done.rows += len(page)
            _write(part, gone, [])
            assert done.timed("next due", lambda: part.next_due(KEY)) is None  # noqa: B023
            assert done.timed("end", lambda: batches.end(batch, None, _now()))  # noqa: B023
        done.ended = time.monotonic()
    return done


def _write(part: Part, gone: Sequence[Owed], turn: Sequence[Owed]) -> object:
    """What became of those of the turn before, and the commit of this one: one transaction, as in `Run`."""
    now = _now()
    deliveries = [
        Delivery(
            recipient=owed.reader,
            outcome=Outcome.SENT,
            number=1,
            at=now,
            committed=True,
            detail=RECEIPT,
            phase="",
            code=250,
            host=HOST,
            tls=TLS,
            milliseconds=12,
        )
        for owed in gone
    ]
    commits = [Commit(reader_id=owed.reader.id, number=1, host=HOST) for owed in turn]
    return part.write(KEY, deliveries=deliveries, commits=commits, now=now)


def _now() -> datetime:
    return datetime.now(UTC)


def write_bare(url: str, rows: int, group: int, start: Barrier) -> Done:
    """The barest durable transactions: as many bare rows in each as there are messages in a turn."""
    done = Done()
    with psycopg.connect(url, autocommit=True) as connection:
        order = "INSERT INTO bare_log SELECT %s, 'sent' FROM generate_series(1, %s)"
        connection.execute(order, (KEY, 1))
        start.wait()
        done.began = time.monotonic()
        while done.rows < rows:
            connection.execute(order, (KEY, group))
            done.rows += group
        done.ended = time.monotonic()
    return done


def all_at_once(work: Callable[..., Done], arguments: Sequence[tuple[Any, ...]]) -> list[Done]:
    """One process for each of these arguments, which begin together."""
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(len(arguments))
    answers: Any = context.SimpleQueue()
    processes = [context.Process(target=_tell, args=(answers, work, each, start)) for each in arguments]
    try:
        for process in processes:
            process.start()
        found = [answers.get() for _ in processes]
    finally:
        for process in processes:
            process.join(30)
            if process.is_alive():
                process.kill()
    for each in found:
        if isinstance(each, BaseException):
            raise each
    return found


def _tell(answers: Any, work: Callable[..., Done], arguments: tuple[Any, ...], start: Barrier) -> None:
    try:
        answers.put(work(*arguments, start))
    except BaseException as error:  # whoever waits for the answer is to hear of it
        start.abort()
        answers.put(RuntimeError(f"{type(error).__name__}: {error}"))


def span(found: Sequence[Done]) -> float:
    """Seconds from when the first began to when the last ended."""
    return max(each.ended for each in found) - min(each.began for each in found)


def waits(found: Sequence[Done]) -> dict[str, float]:
    """The usual and the longest time of each kind of question, in milliseconds."""
    told: dict[str, float] = {}
    for kind in found[0].waits:
        times = [each for done in found for each in done.waits[kind]]
        told[f"{kind} ms"] = median(times) * 1000
        told[f"{kind} at most ms"] = max(times) * 1000
    return told
