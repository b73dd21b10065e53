from dataclasses import replace
from datetime import date, timedelta

import pytest

from newsletter.readers.report import IssueReport, Report
from newsletter.report.tables import Cell, Kind, brief, facts_of, outcomes, plain, shown, tables_of


@pytest.mark.parametrize(
    ("cell", "kind", "seen", "told"),
    [
        (1234, Kind.COUNT, "1,234", 1234),
        (0.0012, Kind.RATE, "0.12%", 0.0012),
        (0.00001, Kind.RATE, "0.001%", 0.00001),
        (0.0, Kind.RATE, "0.00%", 0.0),
        (314, Kind.MILLISECONDS, "314 ms", 314),
        (date(2026, 11, 3), Kind.DAY, "3 Nov 2026", "2026-11-03"),
        (timedelta(seconds=59), Kind.SPAN, "59 s", 59),
        (timedelta(seconds=250), Kind.SPAN, "4 min 10 s", 250),
        (timedelta(minutes=5), Kind.SPAN, "5 min", 300),
        (timedelta(minutes=65), Kind.SPAN, "1 h 5 min", 3900),
        (timedelta(hours=2), Kind.SPAN, "2 h", 7200),
        (None, Kind.SPAN, "–", None),
        ("Orange", Kind.TEXT, "Orange", "Orange"),
    ],
)
def test_a_cell_is_shown_to_people_and_told_to_programs(
    cell: Cell, kind: Kind, seen: str, told: object
) -> None:
    assert (shown(cell, kind), plain(cell)) == (seen, told)


def test_the_outcomes_of_an_issue_add_up_to_its_readers(issue_report: IssueReport) -> None:
    told = outcomes(issue_report.sending)
    assert told == {"sent": 25, "refused": 2, "withheld (left)": 1}
    assert sum(told.values()) == issue_report.sending.audience == 28


def test_each_row_has_a_cell_for_each_column(report: Report, issue_report: IssueReport) -> None:
    tables = [*tables_of(report), *tables_of(issue_report), brief(report.issues)]
    assert [table.name for table in tables_of(report)] == ["readers", "issues", "providers", "reasons"]
    for table in tables:
        assert table.rows
        assert {len(row) for row in table.rows} == {len(table.columns)}


def test_the_brief_table_begins_with_the_newest_issue(report: Report) -> None:
    table = brief(report.issues)
    assert table.column("issue") == [date(2026, 11, 23), date(2026, 11, 16)]
    assert table.column("not_sent") == [4, 3]
    assert table.column("leaving_rate") == [0.0, 0.04]


def test_programs_get_the_whole_report(report: Report) -> None:
    facts = facts_of(report)
    assert {key: facts[key] for key in ("since", "unit", "readers", "usual_leaving_rate", "holds")} == {
        "since": "2026-11-02",
        "unit": "day",
        "readers": 25,
        "usual_leaving_rate": 0.02,
        "holds": True,
    }
    assert facts["reasons"] == [
        {"reason": "no such mailbox", "codes": "5.1.1", "refused": 1, "hard": 1, "soft": 0},
        {"reason": "refused by the provider's rules", "codes": "5.7.1", "refused": 1, "hard": 0, "soft": 0},
        {"reason": "the mailbox is full", "codes": "5.2.2", "refused": 0, "hard": 0, "soft": 1},
    ]


def test_programs_get_all_of_one_issue(issue_report: IssueReport) -> None:
    facts = facts_of(issue_report)
    assert {key: facts[key] for key in ("issue", "readers", "seconds", "per_second", "withheld", "pace")} == {
        "issue": "2026-11-16",
        "readers": 28,
        "seconds": 300,
        "per_second": 12.5,
        "withheld": {"left": 1},
        "pace": [
            {"minute": "2026-11-16T06:00:00+00:00", "copies": 24},
            {"minute": "2026-11-16T06:05:00+00:00", "copies": 1},
        ],
    }


def test_an_issue_that_nobody_got_has_no_rate(issue_report: IssueReport) -> None:
    sending = replace(issue_report.sending, sent=0, owed=25, first_at=None, last_at=None)
    facts = facts_of(replace(issue_report, sending=sending, rate=None, pace=()))
    assert [facts[key] for key in ("leaving_rate", "seconds", "per_second", "holds")] == [
        None,
        None,
        None,
        True,
    ]
