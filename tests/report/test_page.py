"""The page of the report, as a file and in a real browser."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, sync_playwright

from newsletter.config import Look
from newsletter.model import Publication
from newsletter.readers.report import IssueReport, Report
from newsletter.report.page import page
from tests.conftest import needs
from tests.report.conftest import PARIS


@pytest.fixture
def written(
    report: Report, issue_report: IssueReport, publication: Publication, tmp_path: Path
) -> dict[str, Path]:
    """Both pages as files."""
    files = {"report": tmp_path / "report.html", "issue": tmp_path / "issue.html"}
    for name, made in (("report", report), ("issue", issue_report)):
        files[name].write_text(page(made, publication, Look(), PARIS), encoding="utf-8")
    return files


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = needs("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<style>.*?</style>|<[^>]+>", " ", html, flags=re.DOTALL))


def test_the_page_says_what_happened(written: dict[str, Path]) -> None:
    text = text_of(written["report"].read_text(encoding="utf-8"))
    for words in (
        "2 November 2026 to 23 November 2026",
        "readers 25 31 joined, 6 gone",
        "of all copies sent 86.54% 7 were not",
        "Typically 2.00% of those who get an issue leave by it; most left by “Le premier numéro”: 4.00%.",
        "16 Nov Le premier numéro 4.00% 1 25 3 2 5 min",
        "Orange 7 1 0 0 1 0",
        "no such mailbox 5.1.1 1 1 0",
        "Made at 20:00 on 23 November 2026.",
    ):
        assert words in text


def test_an_issues_page_accounts_for_everybody(written: dict[str, Path]) -> None:
    text = text_of(written["issue"].read_text(encoding="utf-8"))
    for words in (
        "Issue of Monday 16 November 2026",
        "28 readers = 25 sent + 2 refused + 1 withheld (left).",
        "The first copy left at 07:00, the last at 07:05; at most 24 in one minute.",
        "Orange 8 7 1 1 0",
        "mx-b.example took 314 ms for a copy on average.",
    ):
        assert words in text


def test_the_page_needs_nothing_and_asks_nobody(written: dict[str, Path]) -> None:
    for path in written.values():
        html = path.read_text(encoding="utf-8")
        assert not re.search(r"<(script|link|img|iframe|object|form)\b|url\(|@import|\bon\w+=", html)
        assert "default-src 'none'; style-src 'unsafe-inline'" in html
        assert not re.search(r"https?://", html)


def test_the_page_holds_no_address_and_no_domain_of_few(written: dict[str, Path]) -> None:
    for path in written.values():
        text = text_of(path.read_text(encoding="utf-8"))
        for secret in ("@", "lectrice", "martin.example", "petit.example", "mx-c", "reader-"):
            assert secret not in text


def test_a_subject_is_text_whatever_it_holds(
    issue_report: IssueReport, report: Report, publication: Publication
) -> None:
    wicked = '<script>alert(1)</script>" onload="x'
    sending = replace(issue_report.sending, subject=wicked)
    for made in (replace(issue_report, sending=sending), replace(report, issues=(sending,))):
        html = page(made, publication, Look(), PARIS)
        assert "<script" not in html
        assert '" onload' not in html
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_books_that_do_not_balance_are_said_first(
    issue_report: IssueReport, publication: Publication
) -> None:
    wrong = replace(issue_report, sending=replace(issue_report.sending, audience=29))
    html = page(wrong, publication, Look(), PARIS)
    assert "The books do not balance: somebody is not accounted for in 2026-11-16." in html
    assert "The books" not in page(issue_report, publication, Look(), PARIS)


def test_nothing_to_tell_is_told(report: Report, publication: Publication) -> None:
    empty = replace(report, issues=(), providers=(), reasons=())
    text = text_of(page(empty, publication, Look(), PARIS))
    for words in (
        "No issue was sent.",
        "There are no readers yet.",
        "No copy was refused, and none came back.",
    ):
        assert words in text


def test_an_issue_that_nobody_has_got_yet_is_accounted_for_all_the_same(
    report: Report, publication: Publication
) -> None:
    first = replace(report.issues[0], sent=0, owed=25, left=0, first_at=None, last_at=None)
    text = text_of(page(replace(report, issues=(first,)), publication, Look(), PARIS))
    assert "Nobody has got an issue yet." in text
    assert "16 Nov Le premier numéro – 0 0 28 2 –" in text


@pytest.mark.parametrize(("left", "red"), [(2, 0), (3, 2)])
def test_an_issue_stands_out_when_several_left_by_it(
    report: Report, publication: Publication, left: int, red: int
) -> None:
    # A red column is drawn twice, in the wide chart and in the narrow one.
    quiet = [replace(report.issues[0], key=f"2026-11-0{day}", left=0) for day in range(1, 9)]
    issues = (*quiet, replace(report.issues[0], left=left))
    html = page(replace(report, issues=issues), publication, Look(), PARIS)
    columns = re.findall(r'<g class="series high">(.*?)</g></g></g>', html)
    assert (
        sum(float(height) > 0 for each in columns for height in re.findall(r'height="([\d.]+)"', each)) == red
    )


def test_a_night_of_sending_is_told_in_a_hundred_columns(
    issue_report: IssueReport, publication: Publication
) -> None:
    start: datetime = issue_report.pace[0][0]
    long = replace(issue_report, pace=((start, 10), (start + timedelta(hours=9), 5)))
    html = page(long, publication, Look(), PARIS)
    assert "Copies in every 5 minutes" in html
    assert "the last at 16:00; at most 10 in 5 minutes." in html


@pytest.mark.parametrize("name", ["report", "issue"])
@pytest.mark.parametrize(
    ("width", "colours"), [(1100, "light"), (1100, "dark"), (375, "light"), (375, "dark"), (320, "light")]
)
def test_the_page_can_be_read_by_everybody(
    written: dict[str, Path], browser: Browser, name: str, width: int, colours: str
) -> None:
    asked: list[str] = []
    opened = browser.new_page(
        viewport={"width": width, "height": 900}, color_scheme="dark" if colours == "dark" else "light"
    )
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(written[name].as_uri())
    found = Axe().run(opened)
    assert [each["id"] for each in found.response["violations"]] == []
    assert opened.evaluate("document.documentElement.scrollWidth") == width
    shown = opened.locator(".chart svg:visible").count()
    assert shown == opened.locator(".chart").count() > 0
    assert asked == [written[name].as_uri()]


def test_on_paper_the_page_is_light_and_its_bars_are_printed(
    written: dict[str, Path], browser: Browser
) -> None:
    opened = browser.new_page(viewport={"width": 720, "height": 900}, color_scheme="dark")
    opened.emulate_media(media="print")
    opened.goto(written["report"].as_uri())
    colour = "getComputedStyle(document.body)"
    assert opened.evaluate(f"{colour}.backgroundColor") == "rgb(255, 255, 255)"
    assert opened.evaluate(f"{colour}.color") == "rgb(34, 38, 46)"
    assert opened.evaluate("getComputedStyle(document.querySelector('.bar')).printColorAdjust") == "exact"
