"""The light table and every mail as axe-core judges them: for readers with a screen reader, with poor sight.

axe (https://github.com/dequelabs/axe-core, MPL-2.0) comes with axe-playwright-python and stays in the tests.
"""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.compose.test_browser import Sheet
from tests.compose.test_browser import browser as browser
from tests.compose.test_browser import made as made
from tests.compose.test_browser import sheet as sheet
from tests.conftest import ARTICLE, ISSUE, write_issue
from tests.web.conftest import KEY, LightTable, new_paper, started, until_the_end
from tests.web.test_light_table import Eyes, add

NOT_IN_MAIL = ("landmark-one-main", "region")
"""Mail programs put a mail inside a page of theirs, whose landmarks those are."""

NOT_IN_A_FRAME = (*NOT_IN_MAIL, "page-has-heading-one")
"""What is shown in a frame is a part of the table, which has landmarks and a heading."""

FAULTY = ARTICLE.replace("un autre", "un TODO autre, [là](http://bit.ly/x), pour le le moment ,")
WAIVED = ISSUE.replace("editor: Ada Test", "editor: Ada Test\nwaive:\n  double-word: voulu")
SCHEMES = ("light", "dark")


def judged(page: Page, *unasked: str) -> list[str]:
    """What axe finds on a page, whatever its weight, frames left out: rule, weight, element, what to do."""
    options = {
        "resultTypes": ["violations"],
        "iframes": False,
        "rules": {rule: {"enabled": False} for rule in unasked},
    }
    found = Axe().run(page, options=options).response
    assert len(found["passes"]) > 5
    return [
        f"{each['id']} ({each['impact']}): {node['html'][:200]} {node['failureSummary']}"
        for each in found["violations"]
        for node in each["nodes"]
    ]


def test_axe_sees_what_is_wrong(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content(
        "<html lang=fr><title>t</title><main><h1>a</h1><p style='color:#aaa'>bien pâle<img src=x></main>"
    )
    found = [each.partition(":")[0] for each in judged(page)]
    assert found == ["color-contrast (serious)", "image-alt (critical)"]
    page.close()


# ---- the light table ----


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LightTable]:
    paper = new_paper(tmp_path_factory.mktemp("paper"))
    write_issue(paper, "2026-11-24")
    write_issue(paper, KEY, issue=WAIVED, **{"01_premier": FAULTY})
    yield from until_the_end(started(paper))


@pytest.fixture(params=SCHEMES)
def eyes(request: pytest.FixtureRequest, browser: Browser, running: LightTable) -> Iterator[Eyes]:
    """The table with an error, warnings, notes and a waived finding beside the page."""
    page = browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme=request.param)
    eyes = Eyes(page, running)
    eyes.open()
    eyes.until(lambda: "Waived: voulu" in eyes.text("#findings"))
    yield eyes
    page.close()


def test_the_table_with_its_findings(eyes: Eyes) -> None:
    assert {level for level in ("error", "warning") if eyes.page.locator(f".finding.{level}").count()} == {
        "error",
        "warning",
    }
    assert judged(eyes.page) == []
    eyes.press("j")
    eyes.until(lambda: eyes.page.locator(".finding[aria-pressed=true]").count() == 1)
    assert judged(eyes.page) == []


def test_each_control_under_the_pointer(eyes: Eyes) -> None:
    for control in ("#pick", "#to-findings", "#to-send", "#to-keys", "#pictures", ".finding.error"):
        eyes.page.hover(control)
        assert judged(eyes.page) == [], control


def test_the_tables_dialogues(eyes: Eyes) -> None:
    for button in ("#pick", "#to-send", "#to-reader", "#to-keys"):
        eyes.page.click(button)
        eyes.page.locator("dialog[open]").wait_for()
        assert judged(eyes.page) == [], button
        eyes.page.locator("dialog[open]").press("Escape")
        eyes.page.locator("dialog[open]").wait_for(state="detached")


def test_the_table_on_a_phone_with_its_choices_and_its_findings(eyes: Eyes) -> None:
    eyes.page.set_viewport_size({"width": 375, "height": 800})
    assert judged(eyes.page) == []
    eyes.page.click("#to-options")
    assert judged(eyes.page) == []
    eyes.page.click("#to-findings")
    assert eyes.page.locator(".finding").first.is_visible()
    assert judged(eyes.page) == []


def test_the_other_views_of_the_table(eyes: Eyes) -> None:
    for key, show in (("t", "text"), ("b", "inbox"), ("c", "clipped"), ("s", "source")):
        eyes.asks_for(key, f"show={show}")
        assert judged(eyes.page) == [], show


def test_what_stands_in_place_of_the_page(eyes: Eyes) -> None:
    template = "templates/mail/issue.mjml.j2"
    add(eyes.table, template, "<mj-body ", "<mj-bdoy ")
    try:
        eyes.until(lambda: eyes.page.locator("#fault").is_visible())
        assert judged(eyes.page) == []
    finally:
        add(eyes.table, template, "<mj-bdoy ", "<mj-body ")


@pytest.mark.parametrize("show", ["text", "inbox", "source"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_pages_of_the_tables_own_inside_its_frame(
    browser: Browser, running: LightTable, show: str, scheme: str
) -> None:
    html = running.ask(f"/view/{KEY}?show={show}&colours={scheme}").text
    page = browser.new_page(color_scheme="light")
    page.set_content(html)
    assert judged(page, *NOT_IN_A_FRAME) == []
    page.close()


# ---- the mail ----


def test_every_mail(sheet: Sheet) -> None:
    for dark in (False, True):
        for width in (375, 700):
            assert judged(sheet.show(width, dark=dark), *NOT_IN_MAIL) == [], (width, dark)
