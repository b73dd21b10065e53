"""The command for Monday morning: who came and went, what became of the issues, and why."""

from __future__ import annotations

import json
import re
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli.screen import ISSUE_HELP, bold, number, plural, say, sparkline, table
from newsletter.errors import ConfigError, ContentError, nearest

if TYPE_CHECKING:
    from newsletter.cli.press import Press
    from newsletter.readers.report import IssueReport, Report
    from newsletter.report.tables import Table

SINCE = "13 weeks"

_ALWAYS = ("readers", "sent", "joined", "left")
"""Columns that are told even if there is nothing in them but zeros."""

_BACK = re.compile(r"(\d{1,4}) ?(day|week|month|year)s?")


@click.command(epilog=ISSUE_HELP, short_help="Who came and went, what became of the issues, and why.")
@click.argument("issue", required=False)
@click.option("--since", help=f'From this day on: 2026-10-01, or "4 weeks".  [default: {SINCE}]')
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write an HTML page with charts.")
@click.option("--csv", "csv_table", metavar="TABLE", help="One of the tables as CSV, for spreadsheets.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@click.pass_obj
def report(
    press: Press,
    issue: str | None,
    since: str | None,
    output: Path | None,
    csv_table: str | None,
    as_json: bool,
) -> None:
    """Who came and went, how each issue fared, provider by provider, and why copies were not taken.

    With ISSUE all about that one. Nobody is named, and nobody is spied on: it is counted from what mail
    servers said, what came back and who left. TABLE is readers, issues, providers or reasons; for an issue
    it is issues, outcome, providers, reasons or hosts.

    \b
    Example:
      newsletter report --since "4 weeks"
      newsletter report -o report.html
      newsletter report 2026-11-23
      newsletter report --csv issues > issues.csv
    """
    from newsletter.readers.report import Reports

    if sum((output is not None, csv_table is not None, as_json)) > 1:
        raise ConfigError("either a page, CSV or JSON", where="-o", hint="leave the others out")
    if issue and since:
        raise ConfigError("an issue has no --since", where="--since", hint="leave out ISSUE or --since")
    begin, now = _since(since or SINCE, press.today), press.utc_now()
    if not press.has_database():
        hint = "newsletter readers import readers.csv"
        raise ContentError("there are no readers yet", where="report", hint=hint)
    with press.database() as database:
        reports = Reports(database)
        if issue:
            made: Report | IssueReport = reports.issue(press.issue_folder(issue, nearest=False).name, now)
        else:
            made = reports.since(begin, now, press.zone)
    if output is not None:
        _write_page(press, made, output)
    elif as_json:
        _print_json(made)
    elif csv_table is not None:
        _print_csv(made, csv_table)
    else:
        _tell(press, made)


def _since(text: str, today: date) -> date:
    """The day that --since means; raises ConfigError."""
    hint = 'write a day, 2026-10-01, or how far to go back, "4 weeks"'
    wrong = ConfigError(f"{text!r} is neither a day nor a length of time", where="--since", hint=hint)
    try:
        if match := _BACK.fullmatch(text.strip(" ")):
            begin = _back(today, int(match[1]), match[2])
        else:
            begin = date.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise wrong from error
    if begin > today:
        raise ConfigError(f"{text!r} is still to come", where="--since", hint=hint)
    return begin


def _back(today: date, count: int, unit: str) -> date:
    """The day so many days, weeks, months or years ago; the last of a month that is shorter."""
    if unit in ("day", "week"):
        return today - timedelta(days=count * (7 if unit == "week" else 1))
    months = today.year * 12 + today.month - 1 - count * (12 if unit == "year" else 1)
    first = date(months // 12, months % 12 + 1, 1)
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return first.replace(day=min(today.day, (following - first).days))


def _write_page(press: Press, made: Report | IssueReport, output: Path) -> None:
    from newsletter.report.page import page

    shown = press.shown(press.folder / output)
    html = page(made, press.config.publication, press.config.look, press.zone)
    try:
        (press.folder / output).write_text(html, encoding="utf-8")
    except OSError as error:
        hint = "name another file with -o"
        raise ConfigError(f"cannot be written: {error.strerror}", where=shown, hint=hint) from error
    say(f"wrote {shown}")


def _print_json(made: Report | IssueReport) -> None:
    from newsletter.report.tables import facts_of

    click.echo(json.dumps(facts_of(made), ensure_ascii=False, indent=2))


def _print_csv(made: Report | IssueReport, name: str) -> None:
    from newsletter.readers.csv_file import write_rows
    from newsletter.report.tables import plain, tables_of

    found = {each.name: each for each in tables_of(made)}
    if name not in found:
        meant = nearest(name, found)
        hint = f'did you mean "{meant}"?' if meant else f"known: {', '.join(found)}"
        raise ConfigError(f"no table is called {name!r}", where="--csv", hint=hint)
    columns, rows = found[name].columns, found[name].rows
    cells = (["" if (value := plain(cell)) is None else str(value) for cell in row] for row in rows)
    write_rows(sys.stdout, [column.key for column in columns], cells)
    sys.stdout.flush()


# ---- for the eye ----


def _tell(press: Press, made: Report | IssueReport) -> None:
    from newsletter.readers.report import IssueReport
    from newsletter.report.tables import brief, tables_of

    found = {each.name: each for each in tables_of(made)}
    if isinstance(made, IssueReport):
        _tell_issue(press, made)
        del found["issues"]  # all of it has been told
    else:
        _tell_all(made)
        found["issues"] = brief(made.issues)
    for each in found.values():
        if each.rows:
            click.echo(f"\n{bold(each.title)}")
            _print_table(each)


def _tell_all(made: Report) -> None:
    from newsletter.readers.sendings import usual_rate
    from newsletter.report.tables import rate

    levels = [period.readers for period in made.periods]
    joined, gone = sum(one.joined for one in made.periods), sum(one.gone for one in made.periods)
    since = f"since {made.since.day} {made.since:%B %Y}"
    now = bold(plural(made.readers, "reader"))
    click.echo(f"{now}, {number(joined)} joined and {number(gone)} gone {since}")
    click.echo(f"{sparkline(levels)}  {number(min(levels))} to {number(max(levels))}")
    if usual := usual_rate(made.issues):
        click.echo(f"Typically {rate(usual)} of those who get an issue leave by it.")
    for one in made.issues:
        if not one.holds:
            say(f"The books of {one.key} do not balance: somebody is not accounted for.")


def _tell_issue(press: Press, made: IssueReport) -> None:
    from newsletter.report.tables import rate, span

    one = made.sending
    click.echo(bold(one.subject))
    if one.first_at and one.took is not None:
        at = one.first_at.astimezone(press.zone)
        speed = f", {made.rate.per_second:,.1f} a second" if made.rate else ""
        click.echo(f"{one.key}, from {at:%H:%M on %d %B %Y} on, in {span(one.took)}{speed}")
    left = f"{plural(one.left, 'reader')} left by it ({rate(one.leaving_rate)})"
    click.echo(
        f"{left}, {number(one.complained)} complained, the copies of {number(one.came_back)} came back"
    )
    if one.cancelled:
        click.echo("It was cancelled.")
    if not one.holds:
        say("The books do not balance: somebody is not accounted for.")


def _print_table(shown_table: Table) -> None:
    """A table without the columns in which there is nothing but zeros."""
    from newsletter.report.tables import Kind, shown

    told = [
        index
        for index, column in enumerate(shown_table.columns)
        if column.kind is not Kind.COUNT or column.key in _ALWAYS or any(shown_table.column(column.key))
    ]
    columns = [shown_table.columns[index] for index in told]
    rows = [
        [shown(row[index], shown_table.columns[index].kind) for index in told] for row in shown_table.rows
    ]
    left = (Kind.TEXT, Kind.DAY)
    right = [index for index, column in enumerate(columns) if column.kind not in left]
    table([column.heading for column in columns], rows, right=right)
