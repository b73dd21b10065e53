"""A report -> its tables, the same for the terminal, spreadsheets, programs and the page."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from statistics import median
from typing import Any

from newsletter.readers.comings import Unit
from newsletter.readers.report import IssueReport, Report
from newsletter.readers.sendings import Sending, usual_rate

Cell = str | int | float | date | timedelta | None
"""None is what is not known, such as how long an issue took that was never sent."""


class Kind(StrEnum):
    """What the cells of a column are."""

    TEXT = "text"
    DAY = "day"
    COUNT = "count"
    RATE = "rate"
    SPAN = "span"
    MILLISECONDS = "ms"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: `key` names it for programs, `heading` for people."""

    key: str
    heading: str
    kind: Kind = Kind.COUNT


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table; `title` is for people, `name` what it is asked for by."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def column(self, key: str) -> list[Any]:
        """The cells of one column."""
        index = [column.key for column in self.columns].index(key)
        return [row[index] for row in self.rows]


def tables_of(report: Report | IssueReport) -> tuple[Table, ...]:
    """All tables of a report, the same ones whatever there is to tell."""
    return _of_issue(report) if isinstance(report, IssueReport) else _of_all(report)


def _of_all(report: Report) -> tuple[Table, ...]:
    return (
        Table(
            name="readers",
            title=f"Readers, {report.unit} by {report.unit}",
            columns=(
                Column(key="begins", heading="from" if report.unit is not Unit.DAY else "day", kind=Kind.DAY),
                Column(key="joined", heading="joined"),
                Column(key="left", heading="left"),
                Column(key="bounced", heading="bounced"),
                Column(key="complained", heading="complained"),
                Column(key="erased", heading="erased"),
                Column(key="readers", heading="readers"),
            ),
            rows=tuple(
                (one.begins, one.joined, one.left, one.bounced, one.complained, one.erased, one.readers)
                for one in report.periods
            ),
        ),
        _issues(report.issues),
        Table(
            name="providers",
            title="Provider by provider",
            columns=(
                Column(key="provider", heading="provider", kind=Kind.TEXT),
                Column(key="readers", heading="readers"),
                Column(key="refused", heading="refused"),
                Column(key="hard", heading="back for good"),
                Column(key="soft", heading="back for now"),
                Column(key="complained", heading="complained"),
                Column(key="left", heading="left"),
            ),
            rows=tuple(
                (one.name, one.readers, one.refused, one.hard, one.soft, one.complained, one.left)
                for one in report.providers
            ),
        ),
        _reasons(report),
    )


def _of_issue(report: IssueReport) -> tuple[Table, ...]:
    sending = report.sending
    return (
        _issues((sending,)),
        Table(
            name="outcome",
            title="What became of it",
            columns=(
                Column(key="outcome", heading="outcome", kind=Kind.TEXT),
                Column(key="readers", heading="readers"),
            ),
            rows=tuple(outcomes(sending).items()),
        ),
        Table(
            name="providers",
            title="Provider by provider",
            columns=(
                Column(key="provider", heading="provider", kind=Kind.TEXT),
                Column(key="readers", heading="readers"),
                Column(key="sent", heading="sent"),
                Column(key="refused", heading="refused"),
                Column(key="put_off", heading="put off at first"),
                Column(key="left", heading="left"),
            ),
            rows=tuple(
                (one.name, one.audience, one.sent, one.refused, one.put_off, one.left)
                for one in report.providers
            ),
        ),
        _reasons(report),
        Table(
            name="hosts",
            title="The slowest servers",
            columns=(
                Column(key="host", heading="server", kind=Kind.TEXT),
                Column(key="copies", heading="copies"),
                Column(key="mean_ms", heading="on average", kind=Kind.MILLISECONDS),
                Column(key="longest_ms", heading="at most", kind=Kind.MILLISECONDS),
            ),
            rows=tuple((one.name, one.copies, round(one.mean), one.longest) for one in report.hosts),
        ),
    )


def brief(issues: Sequence[Sending]) -> Table:
    """Issue by issue, the newest first, in the columns that fit a page or a terminal."""
    whole, rows = _issues(issues), []
    wanted = ("issue", "subject", "leaving_rate", "left", "sent", "not_sent", "came_back", "seconds")
    columns = {column.key: column for column in whole.columns}
    columns["not_sent"] = Column(key="not_sent", heading="not sent")
    for one, row in zip(reversed(issues), reversed(whole.rows), strict=True):
        cells = dict(zip([column.key for column in whole.columns], row, strict=True))
        cells["not_sent"] = one.not_sent
        rows.append(tuple(cells[key] for key in wanted))
    return replace(whole, columns=tuple(columns[key] for key in wanted), rows=tuple(rows))


def outcomes(sending: Sending) -> dict[str, int]:
    """What became of an issue, outcome by outcome: the counts add up to its readers."""
    counts = {"sent": sending.sent, "refused": sending.refused}
    counts |= {f"withheld ({reason})" if reason else "withheld": n for reason, n in sending.withheld.items()}
    counts |= {"expired": sending.expired, "in doubt": sending.in_doubt, "owed": sending.owed}
    return {what: count for what, count in counts.items() if count or what == "sent"}


def _issues(issues: Sequence[Sending]) -> Table:
    return Table(
        name="issues",
        title="Issue by issue",
        columns=(
            Column(key="issue", heading="issue", kind=Kind.DAY),
            Column(key="subject", heading="subject", kind=Kind.TEXT),
            Column(key="readers", heading="readers"),
            Column(key="sent", heading="sent"),
            Column(key="refused", heading="refused"),
            Column(key="withheld", heading="withheld"),
            Column(key="expired", heading="expired"),
            Column(key="in_doubt", heading="in doubt"),
            Column(key="owed", heading="owed"),
            Column(key="seconds", heading="took", kind=Kind.SPAN),
            Column(key="came_back", heading="came back"),
            Column(key="complained", heading="complained"),
            Column(key="left", heading="left"),
            Column(key="leaving_rate", heading="leaving rate", kind=Kind.RATE),
        ),
        rows=tuple(_issue(one) for one in issues),
    )


def _issue(one: Sending) -> tuple[Cell, ...]:
    return (
        date.fromisoformat(one.key),
        one.subject,
        *(one.audience, one.sent, one.refused, sum(one.withheld.values())),
        *(one.expired, one.in_doubt, one.owed, one.took, one.came_back, one.complained, one.left),
        one.leaving_rate,
    )


def _reasons(report: Report | IssueReport) -> Table:
    return Table(
        name="reasons",
        title="Why copies were not taken",
        columns=(
            Column(key="reason", heading="reason", kind=Kind.TEXT),
            Column(key="codes", heading="codes", kind=Kind.TEXT),
            Column(key="refused", heading="refused at once"),
            Column(key="hard", heading="back for good"),
            Column(key="soft", heading="back for now"),
        ),
        rows=tuple(
            (one.words, " ".join(one.codes), one.refused, one.hard, one.soft) for one in report.reasons
        ),
    )


# ---- what a cell looks like ----


def shown(cell: Cell, kind: Kind) -> str:
    """A cell as people read it."""
    match cell:
        case None:
            return "–"
        case timedelta():
            return span(cell)
        case date():
            return f"{cell.day} {cell:%b %Y}"
        case float() if kind is Kind.RATE:
            return rate(cell)
        case int() | float():
            return f"{cell:,} ms" if kind is Kind.MILLISECONDS else f"{cell:,}"
    return cell


def plain(cell: Cell) -> str | int | float | None:
    """A cell as programs read it: seconds, ISO dates, rates from 0 to 1."""
    match cell:
        case timedelta():
            return round(cell.total_seconds())
        case date():
            return cell.isoformat()
        case float():
            return round(cell, 6)
    return cell


def rate(value: float | None) -> str:
    """Such as "0.12%", with the third digit where it is that little."""
    if value is None:
        return "–"
    return f"{value * 100:.3f}%" if 0 < value < 0.0001 else f"{value * 100:.2f}%"


def span(value: timedelta) -> str:
    """Such as "12 s", "4 min 10 s" or "1 h 5 min"."""
    seconds = round(value.total_seconds())
    minutes, hours = seconds // 60, seconds // 3600
    if not minutes:
        return f"{seconds} s"
    if not hours:
        return f"{minutes} min {seconds % 60} s" if seconds % 60 else f"{minutes} min"
    return f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"


# ---- the whole, for programs ----


def facts_of(report: Report | IssueReport) -> dict[str, object]:
    """The report as JSON has it; rates are from 0 to 1."""
    return _facts_of_issue(report) if isinstance(report, IssueReport) else _facts_of_all(report)


def _facts_of_all(report: Report) -> dict[str, object]:
    usual = usual_rate(report.issues)
    return {
        "since": report.since.isoformat(),
        "until": report.until.isoformat(),
        "unit": str(report.unit),
        "readers": report.readers,
        "usual_leaving_rate": None if usual is None else round(usual, 6),
        "holds": all(issue.holds for issue in report.issues),
        **{table.name: _records(table) for table in tables_of(report) if table.name != "readers"},
        "periods": _records(tables_of(report)[0]),
    }


def _facts_of_issue(report: IssueReport) -> dict[str, object]:
    issue, *others = tables_of(report)
    return {
        **_records(issue)[0],
        "first_at": report.sending.first_at.isoformat() if report.sending.first_at else None,
        "last_at": report.sending.last_at.isoformat() if report.sending.last_at else None,
        "per_second": round(report.rate.per_second, 1) if report.rate else None,
        "holds": report.sending.holds,
        "cancelled": report.sending.cancelled,
        "withheld": dict(report.sending.withheld),
        **{table.name: _records(table) for table in others if table.name != "outcome"},
        "pace": [{"minute": at.isoformat(), "copies": copies} for at, copies in report.pace],
    }


def _records(table: Table) -> list[dict[str, object]]:
    keys = [column.key for column in table.columns]
    return [dict(zip(keys, map(plain, row), strict=True)) for row in table.rows]


def typical_span(issues: Sequence[Sending]) -> timedelta | None:
    """How long an issue took that is in the middle of these, None if none was sent."""
    taken = [one.took.total_seconds() for one in issues if one.took is not None]
    return timedelta(seconds=median(taken)) if taken else None
