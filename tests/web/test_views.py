"""A sheet as one reader or another sees it."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from newsletter.check.mail import CLIP
from newsletter.cli.press import Press
from newsletter.cli.specimen import sheet_of
from newsletter.model import Edition, Issue, Mailbox, Publication
from newsletter.web.sheet import Sheet
from newsletter.web.views import View, page, sizes, snippet
from tests.conftest import ROOT

HEAD = (
    '<!DOCTYPE html><html><head><meta name="color-scheme" content="light dark">'
    "<style>:root { color-scheme: light dark; } @media (prefers-color-scheme: dark) { p { color: red } }"
    "</style></head><body>"
)


@pytest.fixture
def sheet(publication: Publication) -> Sheet:
    sender = Mailbox(name="L'<actu>", address="a@lettre.invalid")
    html = HEAD + '<p>Bon & jour</p><a href="https://a.invalid/" target="_self">x</a></body></html>'
    edition = Edition(
        key="2026-11-23", subject="<Sujet>", preheader="", html=html, text="a < b", sender=sender
    )
    issue = Issue(day=datetime(2026, 11, 23).date(), subject="Sujet", articles=(), folder=ROOT)
    return Sheet(
        issue=issue,
        edition=edition,
        publication=publication,
        message=b"Subject: x\r\nTo: y\r\n\r\nbody",
        values={"name": "", "email": "", "leave_url": ""},
        at=datetime(2026, 11, 23, 7, 0),
    )


def test_light_and_dark_are_what_is_asked_for_and_not_what_the_browser_prefers(sheet: Sheet) -> None:
    light, dark = (page(sheet, View(colours=colours)) for colours in ("light", "dark"))
    assert "@media not all { p { color: red } }" in light
    assert "@media all { p { color: red } }" in dark
    assert 'content="light"' in light
    assert ":root { color-scheme: dark; }" in dark
    assert "prefers-color-scheme" not in light + dark


def test_links_lead_out_of_the_frame(sheet: Sheet) -> None:
    assert '<a target="_blank" rel="noopener noreferrer" href="https://a.invalid/">' in page(sheet, View())


def test_only_a_mail_over_the_clip_is_clipped(sheet: Sheet) -> None:
    assert "[Message clipped]" not in page(sheet, View(show="clipped"))
    long = sheet.edition.html.replace("</body>", "<p>é</p>" * (CLIP // 8) + "<p>the end</p></body>")
    clipped = page(replace(sheet, edition=replace(sheet.edition, html=long)), View(show="clipped"))
    assert "[Message clipped]" in clipped
    assert "the end" not in clipped
    assert CLIP - 200 < len(clipped.encode()) < CLIP + 500


@pytest.mark.parametrize("show", ["text", "inbox", "source"])
def test_what_is_no_html_is_escaped(sheet: Sheet, show: str) -> None:
    shown = page(sheet, View(show=show))
    assert "<Sujet>" not in shown
    assert "<actu>" not in shown
    assert "a < b" not in shown


def test_sizes_are_bytes(sheet: Sheet) -> None:
    assert sizes(sheet)["headers"] == len("Subject: x\nTo: y")
    assert sizes(sheet)["message"] == 25
    assert sizes(sheet)["text"] == 5


def test_the_inbox_shows_the_first_words_that_are_there() -> None:
    html = "<head><title>T</title></head><body a='b'><!-- c --><style>s</style>"
    html += "<div>Un\u00a0\u034f\u200c &amp; deux</div>"
    assert snippet(html) == "Un & deux"


def test_the_page_on_the_web_is_whole_and_leads_to_its_articles(paper: Path) -> None:
    sheet = sheet_of(Press(paper), paper / "issues/2026-11-23")
    light, dark = (page(sheet, View(show="web", colours=colours)) for colours in ("light", "dark"))
    assert "<title>Un numéro pour les tests" in light
    assert "<style>" in light
    assert "<script" not in light
    assert "Content-Security-Policy" not in light  # the table's own is stricter
    assert "@media not all" in light
    assert "@media all" in dark
    link = '<a target="_blank" href="/view/2026-11-23?show=web&amp;article=premier"'
    assert link in light
    assert 'href="https://lettre.invalid/archive/"' in light
    article = page(sheet, View(show="web", article="premier"))
    assert "<h1" in article
    assert sheet.issue.articles[0].title in article
    assert page(sheet, View(show="web", article="no-such")) == light
