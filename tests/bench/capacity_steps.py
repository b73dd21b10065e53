"""The steps of `tests.bench.capacity`, each measured: seconds, the server's log, sizes, a reference."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psycopg

MB = 1e6


@dataclass(slots=True, kw_only=True)
class Step:
    """What one step cost; `wal` are bytes of the server's log of changes, `heap` and `indexes` those of the
    tables it filled. `reference` names what `ratio` compares its seconds with, in the same run.
    """

    name: str
    rows: int
    seconds: float = 0.0
    wal: int = 0
    heap: int = 0
    indexes: int = 0
    reference: str = ""
    ratio: float = 0.0
    more: dict[str, float] = field(default_factory=dict)

    def in_words(self) -> str:
        rate = f"{self.rows / self.seconds:,.0f} rows/s" if self.seconds else ""
        words = [f"{self.name}: {self.seconds:,.2f} s ({rate})"]
        words.append(f"WAL {self.wal / MB:,.1f} MB, {self.wal / self.rows:,.0f} B a row")
        if self.heap:
            each, index = self.heap / self.rows, self.indexes / self.rows
            words.append(f"table {self.heap / MB:,.1f} MB, {each:,.0f} B a row")
            words.append(f"indexes {self.indexes / MB:,.1f} MB, {index:,.0f} B a row")
        words += [f"{name} {value:,.4g}" for name, value in self.more.items()]
        if self.reference:
            words.append(f"{self.ratio:,.2f} times {self.reference}")
        return "; ".join(words)


class Book:
    """The steps of one run, told as they come."""

    def __init__(self, url: str) -> None:
        self.steps: list[Step] = []
        self.connection: psycopg.Connection[Any] = psycopg.connect(url, autocommit=True)

    def run(self, statement: str, values: Sequence[object] | None = None) -> list[tuple[Any, ...]]:
        cursor = self.connection.execute(statement.encode(), values)
        return cursor.fetchall() if cursor.description else []

    def one(self, statement: str, values: Sequence[object] | None = None) -> Any:
        return self.run(statement, values)[0][0]

    def sizes(self, tables: Sequence[str]) -> tuple[int, int]:
        """Bytes of these tables and of their indexes."""
        heap = "SELECT sum(pg_table_size(name::regclass)) FROM unnest(%s::text[]) AS name"
        index = "SELECT sum(pg_indexes_size(name::regclass)) FROM unnest(%s::text[]) AS name"
        return int(self.one(heap, (list(tables),)) or 0), int(self.one(index, (list(tables),)) or 0)

    @contextmanager
    def step(
        self, name: str, rows: int, *tables: str, against: tuple[str, float] | None = None
    ) -> Iterator[Step]:
        """Measure what the block does; the tables' sizes are what they grow by."""
        before, wal = self.sizes(tables), self._wal()
        step = Step(name=name, rows=rows)
        began = time.perf_counter()
        yield step
        step.seconds = step.seconds or time.perf_counter() - began
        step.wal = self._wal() - wal
        after = self.sizes(tables)
        step.heap, step.indexes = after[0] - before[0], after[1] - before[1]
        if against:
            step.reference, reference = against
            step.ratio = step.seconds / reference
        self.steps.append(step)
        print(step.in_words(), flush=True)

    def timed(self, work: Callable[[], object]) -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    def keep(self, path: Path, about: dict[str, object]) -> None:
        """Write all steps as JSON."""
        text = json.dumps({**about, "steps": [asdict(step) for step in self.steps]}, indent=1)
        path.write_text(text + "\n", encoding="utf-8")

    def close(self) -> None:
        self.connection.close()

    def _wal(self) -> int:
        return int(self.one("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')"))
