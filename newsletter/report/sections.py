"""The parts of the page: what each says in a sentence, in a chart, in a table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from newsletter.compose.templates import safe
from newsletter.readers.comings import Unit
from newsletter.readers.report import IssueReport, Report
from newsletter.readers.sendings import Sending, usual_rate
from newsletter.report.charts import NARROW, WIDE, Series, Size, columns, line
from newsletter.report.tables import Cell, Column, Kind, Table, brief, outcomes, rate, shown

HIGH = 2.0
"""A leaving rate of more than so many times the usual one stands out."""

SEVERAL = 3
"""Fewer readers than this may leave by any issue: with a short list that is chance."""

MOST_COLUMNS = 120
"""Columns in the chart of how an issue left, which stand for so many minutes each."""

_STEPS = (1, 2, 5, 10, 30, 60, 180, 720)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A chart, drawn for wide and for narrow screens; `words` say the same to whoever cannot see it."""

    title: str
    words: str
    drawn: Sequence[tuple[str, object]]
    legend: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PageCell:
    """A cell as the page shows it; `bar` is the width of the bar under it, in hundredths."""

    text: str
    look: str = ""
    bar: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTable:
    """A table as the page shows it, folded away if the charts say the same."""

    title: str
    headings: Sequence[tuple[str, str]]
    rows: Sequence[Sequence[PageCell]]
    folded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One part of the page."""

    name: str
    title: str
    words: str
    figures: Sequence[Figure] = ()
    parts: Sequence[tuple[str, str, int]] = ()
    tables: Sequence[PageTable] = ()


# ---- the parts ----


def readers(report: Report, table: Table) -> Section:
    """How many readers there were, and who came and went."""
    labels = [f"{day:%b %Y}" if report.unit is Unit.MONTH else _day(day) for day in table.column("begins")]
    levels = table.column("readers")
    gone = [[-count for count in table.column(name)] for name in ("left", "bounced", "complained", "erased")]
    words = (
        f"From {levels[0]:,} at the end of the first {report.unit} to {levels[-1]:,}; "
        f"{sum(table.column('joined')):,} joined, {-sum(map(sum, gone)):,} left or were lost."
    )
    level = _both(lambda size: line(labels, Series(look="level", values=levels), size, unit=_count))
    by_unit = f"{report.unit} by {report.unit}"
    other = [a + b for a, b in zip(gone[2], gone[3], strict=True)]
    flows = [
        Series(look="joined", values=table.column("joined")),
        Series(look="left", values=gone[0]),
        Series(look="bounced", values=gone[1]),
        Series(look="others", values=other),
    ]
    legend = [
        ("joined", "joined"),
        ("left", "left"),
        ("bounced", "bounced"),
        ("others", "complained or erased"),
    ]
    moves = _both(lambda size: columns(labels, flows, size, unit=_count))
    return Section(
        name="readers",
        title="Readers",
        words=words,
        figures=[
            Figure(title=f"Readers at the end of each {report.unit}", words=words, drawn=level),
            Figure(
                title=f"Who came and who went, {by_unit}",
                words=words,
                drawn=moves,
                legend=legend,
            ),
        ],
        tables=[_shown(table, folded=True)],
    )


def sendings(report: Report) -> Section:
    """How each issue fared, and who left by it."""
    if not report.issues:
        return Section(name="issues", title="Issues", words="No issue was sent.")
    usual = usual_rate(report.issues)
    words = "Nobody has got an issue yet."
    figures = []
    if usual is not None:
        highest = max(report.issues, key=lambda issue: issue.leaving_rate or 0.0)
        words = "Nobody left by an issue."
        if highest.left:
            words = f"Typically {rate(usual)} of those who get an issue leave by it"
            words += f"; most left by “{highest.subject}”: {rate(highest.leaving_rate)}."
        figures = [_leaving(report.issues, usual, words)]
    tables = [_by_rate(brief(report.issues))]
    return Section(name="issues", title="Issues", words=words, figures=figures, tables=tables)


def _leaving(issues: Sequence[Sending], usual: float, words: str) -> Figure:
    sent = [issue for issue in issues if issue.sent]
    rates = [issue.leaving_rate or 0.0 for issue in sent]
    high = [issue.left >= SEVERAL and value > usual * HIGH for issue, value in zip(sent, rates, strict=True)]
    parts = [
        Series(look="left", values=[0 if red else value for value, red in zip(rates, high, strict=True)]),
        Series(look="high", values=[value if red else 0 for value, red in zip(rates, high, strict=True)]),
    ]
    labels = [_day(date.fromisoformat(issue.key)) for issue in sent]
    return Figure(
        title="Who left by each issue, of those who got it",
        words=words,
        drawn=_both(lambda size: columns(labels, parts, size, unit=rate, least=0.0001)),
        legend=[("left", "leaving rate"), ("high", "more than twice the usual")],
    )


def _by_rate(table: Table) -> PageTable:
    """The issues' table, with a bar under each leaving rate."""
    highest = max(value or 0.0 for value in table.column("leaving_rate")) or 1.0
    rows = [
        [_issue_cell(cell, column, highest) for cell, column in zip(row, table.columns, strict=True)]
        for row in table.rows
    ]
    headings = [(column.heading, _look(column)) for column in table.columns]
    return PageTable(title="Issue by issue, the newest first", headings=headings, rows=rows)


def _look(column: Column) -> str:
    return "subject" if column.key == "subject" else column.kind


def _issue_cell(cell: Cell, column: Column, highest: float) -> PageCell:
    if isinstance(cell, float):
        return PageCell(text=rate(cell), look=column.kind, bar=cell / highest * 100 if cell else None)
    if isinstance(cell, date):
        return PageCell(text=_day(cell), look=column.kind)
    return replace(_cell(cell, column.kind), look=_look(column)) if cell else _cell(cell, column.kind)


def providers(table: Table) -> Section:
    """Where the mailboxes are, and what went wrong there."""
    if not table.rows:
        return Section(name="providers", title="Providers", words="There are no readers yet.")
    first, count = table.rows[0][0], table.column("readers")[0]
    words = f"{first} keeps the mailboxes of {share(count, sum(table.column('readers')))} of the readers."
    return Section(name="providers", title="Providers", words=words, tables=[_shown(table, bar=["readers"])])


def reasons(table: Table) -> Section:
    """Why copies were not taken, in words."""
    title = "Why copies were not taken"
    if not table.rows:
        return Section(name="reasons", title=title, words="No copy was refused, and none came back.")
    refused, back = sum(table.column("refused")), sum(table.column("hard") + table.column("soft"))
    words = f"{refused:,} refused at once, {back:,} came back; most often: {table.rows[0][0]}."
    return Section(
        name="reasons", title=title, words=words, tables=[_shown(table, bar=["refused", "hard", "soft"])]
    )


def outcome(sending: Sending) -> Section:
    """What became of an issue: the counts add up to its readers."""
    told = outcomes(sending)
    sums = " + ".join(f"{count:,} {what}" for what, count in told.items())
    looks = {"sent": "sent", "refused": "refused", "in doubt": "doubt", "owed": "doubt"}
    parts = [(looks.get(what, "withheld"), f"{count:,} {what}", count) for what, count in told.items()]
    words = f"{sending.audience:,} readers = {sums}." + (" It was cancelled." if sending.cancelled else "")
    return Section(name="outcome", title="What became of it", words=words, parts=parts)


def pace(report: IssueReport, zone: ZoneInfo) -> Section:
    """How many copies left when; of an issue of which at least one did."""
    first, last = report.pace[0][0], report.pace[-1][0]
    minute = timedelta(minutes=1)
    minutes = (last - first) // minute + 1
    step = next(step for step in (*_STEPS, minutes) if minutes <= step * MOST_COLUMNS)
    counts = [0] * -(-minutes // step)
    for at, copies in report.pace:
        counts[(at - first) // minute // step] += copies
    labels = [f"{(first + step * index * minute).astimezone(zone):%H:%M}" for index in range(len(counts))]
    every = "each minute" if step == 1 else f"every {step} minutes"
    words = f"The first copy left at {labels[0]}, the last at {last.astimezone(zone):%H:%M}"
    words += f"; at most {max(counts):,} in {'one minute' if step == 1 else f'{step} minutes'}."
    drawn = _both(lambda size: columns(labels, [Series(look="level", values=counts)], size, unit=_count))
    rows = [
        [PageCell(text=label, look=Kind.TEXT), PageCell(text=f"{count:,}", look=Kind.COUNT)]
        for label, count in zip(labels, counts, strict=True)
    ]
    headings = [("from", Kind.TEXT), ("copies", Kind.COUNT)]
    table = PageTable(title="Copies over time", headings=headings, rows=rows, folded=True)
    figure = Figure(title=f"Copies in {every}", words=words, drawn=drawn)
    return Section(name="pace", title="How it left", words=words, figures=[figure], tables=[table])


def hosts(table: Table) -> Section:
    """Which servers took their time; there must be one."""
    words = f"{table.rows[0][0]} took {table.column('mean_ms')[0]:,} ms for a copy on average."
    return Section(
        name="hosts", title="The slowest servers", words=words, tables=[_shown(table, bar=["mean_ms"])]
    )


# ---- charts and tables ----


def share(part: int, whole: int) -> str:
    """Such as "99.98%"; all but one is never told as 100%."""
    if not whole:
        return "–"
    return "100%" if part == whole else f"{min(part / whole * 100, 99.99):.2f}%"


def _both(draw: Callable[[Size], str]) -> list[tuple[str, object]]:
    return [(size.name, safe(draw(size))) for size in (WIDE, NARROW)]


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"


def _count(value: float) -> str:
    """Those who went hang below the line, but nobody is counted with a minus."""
    return f"{abs(value):,.0f}"


def _shown(table: Table, *, bar: Sequence[str] = (), folded: bool = False) -> PageTable:
    """A table; under the first cell of each row a bar as long as the counts in the columns `bar`."""
    lengths = [sum(counts) for counts in zip(*(table.column(key) for key in bar), strict=True)]
    longest = max(lengths, default=0) or 1
    rows = [
        [_cell(cell, column.kind) for cell, column in zip(row, table.columns, strict=True)]
        for row in table.rows
    ]
    for row, length in zip(rows, lengths, strict=False):
        row[0] = replace(row[0], bar=length / longest * 100)
    headings = [(column.heading, str(column.kind)) for column in table.columns]
    return PageTable(title=table.title, headings=headings, rows=rows, folded=folded)


def _cell(cell: Cell, kind: Kind) -> PageCell:
    return PageCell(text=shown(cell, kind), look=f"{kind} nothing" if cell in (0, None) else kind)
