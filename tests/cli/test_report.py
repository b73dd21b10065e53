import csv
import io
import json
from pathlib import Path

import pytest

from newsletter.cli.screen import sparkline
from newsletter.readers.database import Database
from tests.conftest import Answer, Newsletter
from tests.readers.conftest import URL
from tests.readers.monday import write

EVENING = "2026-11-23T20:00"


@pytest.fixture
def monday(paper: Path) -> None:
    with Database.open(URL, paper) as database:
        write(database)


def lines_of(answer: Answer) -> list[str]:
    return [" ".join(line.split()) for line in answer.out.splitlines()]


@pytest.mark.usefixtures("monday")
def test_the_report_is_told_in_tables(newsletter: Newsletter) -> None:
    answer = newsletter("report", "--since", "2026-10-05", clock=EVENING)
    assert (answer.code, answer.err) == (0, "")
    lines = lines_of(answer)
    assert lines[:3] == [
        "25 readers, 31 joined and 6 gone since 5 October 2026",
        "▁▁▁▁██▇▇ 0 to 28",
        "Typically 2.00% of those who get an issue leave by it.",
    ]
    for line in (
        "Readers, week by week",
        "from joined left bounced complained erased readers",
        "16 Nov 2026 3 3 1 1 1 25",
        "issue subject leaving rate left sent not sent came back took",
        "16 Nov 2026 Le premier numéro 4.00% 1 25 3 2 5 min",
        "provider readers refused back for good back for now complained left",
        "Orange 7 1 0 0 1 0",
        "no such mailbox 5.1.1 1 1 0",
    ):
        assert line in lines


@pytest.mark.usefixtures("monday")
def test_one_issue_is_told_in_tables(newsletter: Newsletter) -> None:
    lines = lines_of(newsletter("report", "2026-11-16", clock=EVENING))
    assert lines[:3] == [
        "Le premier numéro",
        "2026-11-16, from 07:00 on 16 November 2026 on, in 5 min, 12.5 a second",
        "1 reader left by it (4.00%), 1 complained, the copies of 2 came back",
    ]
    for line in ("withheld (left) 1", "Orange 8 7 1 1 0", "mx-b.example 7 314 ms 1,000 ms"):
        assert line in lines


@pytest.mark.usefixtures("monday")
@pytest.mark.parametrize(
    ("since", "day"),
    [
        ("2026-11-09", "2026-11-09"),
        ("2 weeks", "2026-11-09"),
        ("10 days", "2026-11-13"),
        ("1 month", "2026-10-23"),
        ("9 months", "2026-02-23"),
        ("1 year", "2025-11-23"),
    ],
)
def test_since_is_a_day_or_a_length_of_time(newsletter: Newsletter, since: str, day: str) -> None:
    answer = newsletter("report", "--since", since, "--json", clock=EVENING)
    assert json.loads(answer.out)["since"] == day


@pytest.mark.usefixtures("monday")
def test_a_month_ago_on_a_day_that_month_did_not_have_is_its_last(newsletter: Newsletter) -> None:
    answer = newsletter("report", "--since", "1 month", "--json", clock="2027-03-31T20:00")
    assert json.loads(answer.out)["since"] == "2027-02-28"


@pytest.mark.usefixtures("monday")
def test_without_since_the_report_goes_back_a_quarter(newsletter: Newsletter) -> None:
    facts = json.loads(newsletter("report", "--json", clock=EVENING).out)
    assert (facts["since"], facts["unit"], facts["readers"]) == ("2026-08-24", "week", 25)


@pytest.mark.usefixtures("monday")
def test_a_table_is_written_for_spreadsheets(newsletter: Newsletter) -> None:
    answer = newsletter("report", "--csv", "issues", clock=EVENING)
    first, second = csv.DictReader(io.StringIO(answer.out))
    assert first == {
        "issue": "2026-11-16",
        "subject": "Le premier numéro",
        "readers": "28",
        "sent": "25",
        "refused": "2",
        "withheld": "1",
        "expired": "0",
        "in_doubt": "0",
        "owed": "0",
        "seconds": "300",
        "came_back": "2",
        "complained": "1",
        "left": "1",
        "leaving_rate": "0.04",
    }
    assert second["subject"] == "'=Le second numéro"
    assert [second[name] for name in ("readers", "sent", "in_doubt", "owed")] == ["24", "20", "1", "3"]


@pytest.mark.usefixtures("monday")
def test_the_page_is_written_where_it_is_wanted(newsletter: Newsletter, paper: Path) -> None:
    answer = newsletter("report", "-o", "monday.html", clock=EVENING)
    assert (answer.code, answer.out, answer.err) == (0, "", "wrote monday.html\n")
    html = (paper / "monday.html").read_text(encoding="utf-8")
    assert "<title>The report · 24 August 2026 to 23 November 2026 · La lettre du test</title>" in html
    assert newsletter("report", "2026-11-16", "-o", "one.html", clock=EVENING).code == 0
    assert "<h1>Le premier numéro</h1>" in (paper / "one.html").read_text(encoding="utf-8")


@pytest.mark.usefixtures("monday")
@pytest.mark.parametrize(
    ("arguments", "code", "error", "hint"),
    [
        (["--since", "soon"], 2, "--since: 'soon' is neither a day nor a length of time", "write a day"),
        (["--since", "9999 years"], 2, "--since: '9999 years' is neither a day", "write a day"),
        (["--since", "2026-11-24"], 2, "--since: '2026-11-24' is still to come", "write a day"),
        (["--csv", "isues"], 2, "--csv: no table is called 'isues'", 'did you mean "issues"?'),
        (["--csv", "hosts"], 2, "--csv: no table is called 'hosts'", "known: readers, issues, providers"),
        (["--json", "--csv", "issues"], 2, "-o: either a page, CSV or JSON", "leave the others out"),
        (["2026-11-16", "--since", "1 day"], 2, "--since: an issue has no --since", "leave out"),
        (["2026-11-24"], 3, "issues/2026-11-24: was not sent yet", "newsletter report"),
        (["-o", "no/where.html"], 2, "no/where.html: cannot be written: No such file", "name another file"),
    ],
)
def test_what_cannot_be_reported_is_said_in_two_lines(
    newsletter: Newsletter, arguments: list[str], code: int, error: str, hint: str
) -> None:
    answer = newsletter("report", *arguments, clock=EVENING)
    first, second = answer.err.splitlines()
    assert (answer.code, answer.out) == (code, "")
    assert first.startswith(f"Error: {error}")
    assert second.startswith(f"Hint: {hint}")


def test_without_readers_there_is_no_report_and_no_database_is_made(
    newsletter: Newsletter, paper: Path
) -> None:
    answer = newsletter("report")
    assert (answer.code, answer.out) == (3, "")
    assert answer.err.startswith("Error: report: there are no readers yet\n")
    assert not (paper / ".newsletter").exists()


@pytest.mark.parametrize(
    ("values", "drawn"), [([1, 2, 3, 4], "▁▃▆█"), ([5, 5], "▄▄"), ([0, 7, 0], "▁█▁"), ([3], "▄")]
)
def test_a_sparkline_goes_from_the_lowest_value_to_the_highest(values: list[float], drawn: str) -> None:
    assert sparkline(values) == drawn
