"""The rows of a file -> readers, some hundreds in a transaction."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from newsletter.model import Reader, Status
from newsletter.readers.csv_file import BadRow, Row
from newsletter.readers.proof import Proof
from newsletter.readers.store import Readers, Verdict, batches


@dataclass(slots=True, kw_only=True)
class Report:
    """What an import did, or would do: each row of the file is counted once.

    `known` are active already; `not_raised` are known with another status, which they keep; `duplicates` name
    an address that stands further up in the file.
    """

    added: int = 0
    known: int = 0
    duplicates: int = 0
    not_raised: list[tuple[Row, Status]] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)


def import_rows(readers: Readers, rows: Iterable[Row | BadRow], *, proof: Proof, now: datetime) -> Report:
    """Enter the rows of a file; running it again does no harm.

    Whoever is known stays as known, and nobody who was erased comes back.
    """
    return _go_through(readers, rows, lambda newcomers: readers.enter(newcomers, proof=proof, now=now))


def plan(readers: Readers, rows: Iterable[Row | BadRow]) -> Report:
    """What `import_rows` would report, with nothing written."""
    return _go_through(readers, rows, readers.look_up)


def _go_through(
    readers: Readers, rows: Iterable[Row | BadRow], decide: Callable[[Sequence[Reader]], list[Verdict]]
) -> Report:
    report = Report()
    for batch in batches(_good(rows, report)):
        verdicts = decide([readers.newcomer(row.address, row.name) for row in batch])
        for row, verdict in zip(batch, verdicts, strict=True):
            if verdict.added:
                report.added += 1
            elif verdict.reader.status is Status.ACTIVE:
                report.known += 1
            else:
                report.not_raised.append((row, verdict.reader.status))
    return report


def _good(rows: Iterable[Row | BadRow], report: Report) -> Iterator[Row]:
    """The rows that are an address and the first to name it; the others go into the report."""
    seen: set[str] = set()
    for row in rows:
        if isinstance(row, BadRow):
            report.bad.append(row)
        elif row.address.key in seen:
            report.duplicates += 1
        else:
            seen.add(row.address.key)
            yield row
