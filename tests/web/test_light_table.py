"""The light table in a real Chromium: what the editor sees and presses."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Frame, Page, sync_playwright

from tests.compose.test_browser import ARGUMENTS
from tests.conftest import ARTICLE, needs, write_issue
from tests.stories.conftest import Mailroom, through_smtp
from tests.stories.conftest import mailroom as mailroom
from tests.web.conftest import KEY, LightTable

FIRST = f"issues/{KEY}/01-premier.md"
LONG = ARTICLE + "".join(
    f"\nUn paragraphe de plus, le numéro {n}, pour que la page soit longue.\n" for n in range(40)
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = needs("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


class Eyes:
    """A browser's window on a light table; `asked` is every address that answered it."""

    def __init__(self, page: Page, table: LightTable) -> None:
        self.page, self.table = page, table
        self.asked: list[str] = []
        self.troubles: list[str] = []
        page.on("response", lambda response: self.asked.append(response.url))
        page.on("pageerror", lambda error: self.troubles.append(str(error)))

    def open(self, query: str = "") -> None:
        self.page.goto(f"{self.table.address}/{query}")
        self.until(lambda: "Composed" in self.text("#status"))
        self.until(lambda: self.page.locator("#frames iframe:not(.behind)").count() == 1)

    def text(self, selector: str) -> str:
        return self.page.locator(selector).inner_text()

    @property
    def frame(self) -> Frame:
        shown = self.page.locator("#frames iframe:not(.behind)").first
        # Between two looks the frame may have been replaced by a newer one.
        while not (frame := shown.element_handle().content_frame()):
            time.sleep(0.01)
        return frame

    def seen(self) -> str:
        """The text in the frame, "" while frames change."""
        found = self.page.evaluate(
            "document.querySelector('#frames iframe:not(.behind)')?.contentDocument?.body?.innerText ?? ''"
        )
        return str(found)

    def until(self, true: Callable[[], Any], seconds: float = 30.0) -> None:
        """Wait until it is so."""
        began = time.monotonic()
        while True:
            with suppress(Error):  # the frame was replaced while it was being looked at
                if true():
                    return
            assert time.monotonic() - began < seconds, "waited in vain"
            time.sleep(0.01)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def asks_for(self, keys: str, wanted: str) -> None:
        """Pressing the keys shows a page of which the address ends so."""
        self.press(*keys)
        shown = """(() => {
            const frame = document.querySelector("#frames iframe:not(.behind)");
            const read = frame?.contentDocument?.readyState === "complete";
            return read ? frame.contentWindow.location.search : "";
        })()"""
        self.until(lambda: wanted in str(self.page.evaluate(shown)))


@pytest.fixture
def eyes(browser: Browser, table: LightTable) -> Iterator[Eyes]:
    write_issue(table.paper, KEY, **{"01_premier": LONG})
    page = browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme="light")
    eyes = Eyes(page, table)
    eyes.open()
    yield eyes
    assert eyes.troubles == []
    assert [url for url in eyes.asked if not url.startswith((table.address, "data:"))] == []
    page.close()


def add(table: LightTable, file: str, old: str, new: str) -> None:
    path = table.paper / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_what_is_saved_is_seen_at_once_at_the_same_place_of_the_page(eyes: Eyes) -> None:
    eyes.frame.evaluate("scrollTo(0, 700)")
    for n in range(3):
        add(eyes.table, FIRST, "un autre", f"neuf{n}, un autre")
        eyes.until(lambda n=n: f"neuf{n}" in eyes.seen())  # type: ignore[misc]
        assert eyes.frame.evaluate("scrollY") == 700


def test_templates_and_settings_are_seen_at_once_too(eyes: Eyes) -> None:
    add(eyes.table, "templates/mail/issue.mjml.j2", '{{ _("In this issue") }}', "Le menu")
    eyes.until(lambda: "LE MENU" in eyes.seen())
    add(eyes.table, "newsletter.toml", 'name = "La lettre du test"', 'name = "La lettre neuve"')
    eyes.until(lambda: "La lettre neuve" in eyes.seen())


def test_a_template_error_stands_in_place_of_the_page_until_it_is_repaired(eyes: Eyes) -> None:
    eyes.frame.evaluate("scrollTo(0, 400)")
    template = "templates/mail/issue.mjml.j2"
    add(eyes.table, template, "<mj-body ", "<mj-bdoy ")
    eyes.until(lambda: eyes.page.locator("#fault").is_visible())
    assert eyes.text("#fault-message") == "<mj-bdoy> is not closed before </mj-body>"
    assert re.fullmatch(r"templates/mail/issue\.mjml\.j2:\d+", eyes.text("#fault-where"))
    assert "<mj-bdoy " in eyes.text("#fault-lines [aria-current]")
    assert eyes.page.locator("#fault-lines li").count() == 9
    assert eyes.text("#status") == "Cannot be composed"
    add(eyes.table, template, "<mj-bdoy ", "<mj-body ")
    eyes.until(lambda: not eyes.page.locator("#fault").is_visible())
    eyes.until(lambda: "Deux mots pour ouvrir." in eyes.seen())
    eyes.until(lambda: eyes.frame.evaluate("scrollY") == 400)


def test_every_view_has_a_key(eyes: Eyes) -> None:
    eyes.asks_for("w", "show=web")
    assert eyes.frame.locator("form[action$='/join']").count() == 2
    eyes.asks_for("t", "show=text")
    assert "Deux mots pour ouvrir." in eyes.seen()
    eyes.asks_for("b", "show=inbox")
    assert eyes.seen().count("Une ligne de plus, que la boîte de réception montre") == 4
    eyes.asks_for("c", "show=clipped")
    assert eyes.text("#size").startswith("Not clipped: ")
    eyes.asks_for("s", "part=mjml")
    assert "<mj-body" in eyes.seen()
    assert "written-at" not in eyes.seen()
    eyes.page.get_by_label("Headers").check(force=True)
    eyes.until(lambda: "List-Unsubscribe-Post: List-Unsubscribe=One-Click" in eyes.seen())
    eyes.asks_for("m", "show=mail")
    for key, width in (("2", 768), ("3", 375), ("1", 940)):
        eyes.press(key)
        assert eyes.frame.evaluate("innerWidth") == width


def test_the_mail_is_seen_in_each_dark(eyes: Eyes) -> None:
    paper = "getComputedStyle(document.querySelector('.paper')).backgroundColor"
    assert eyes.frame.evaluate(paper) == "rgb(255, 255, 255)"
    eyes.asks_for("d", "colours=dark")
    assert eyes.frame.evaluate(paper) == "rgb(23, 25, 30)"  # the mail's own
    eyes.asks_for("g", "colours=gmail")
    assert eyes.frame.evaluate(paper) == "rgb(27, 27, 27)"
    eyes.asks_for("o", "colours=outlook")
    assert eyes.frame.evaluate(paper) == "rgb(23, 25, 30)"  # by its rules for [data-ogsb]
    eyes.asks_for("l", "colours=light")
    eyes.page.emulate_media(color_scheme="dark")  # the mail stays light where light is asked for
    assert eyes.frame.evaluate(paper) == "rgb(255, 255, 255)"


def test_pictures_are_seen_from_memory_or_not_at_all(eyes: Eyes) -> None:
    folder = eyes.table.paper / f"issues/{KEY}"
    samples = Path(__file__).parent.parent.parent / "issues/2026-11-23/fusion-frise.png"
    (folder / "frise.png").write_bytes(samples.read_bytes())
    add(
        eyes.table, FIRST, "section: Tech", 'section: Tech\npicture: frise.png\nalt: "Une frise de la fusion"'
    )
    loaded = "document.querySelector('img[alt^=Une]')?.naturalWidth ?? -1"
    eyes.until(lambda: eyes.frame.evaluate(loaded) > 0)
    eyes.asks_for("i", "pictures=off")
    assert eyes.frame.evaluate(loaded) == 0
    assert eyes.page.locator("#pictures").get_attribute("aria-pressed") == "false"
    assert any(f"/picture/{KEY}/frise-" in url for url in eyes.asked)


def test_a_given_reader_and_a_given_client_are_seen(eyes: Eyes) -> None:
    assert "Bonjour Camille," in eyes.seen()
    eyes.press("r")
    eyes.page.fill("#name", "Zoé & fils <b>")
    eyes.press("Enter")
    eyes.until(lambda: "Bonjour Zoé & fils <b>," in eyes.seen())
    eyes.page.select_option("#client", "orange")
    eyes.until(lambda: "client=orange" in eyes.frame.url)
    eyes.until(lambda: "Deux mots pour ouvrir." in eyes.seen())


def test_the_address_keeps_the_view(eyes: Eyes) -> None:
    eyes.asks_for("3d", "colours=dark")
    eyes.page.reload()
    eyes.until(lambda: "Deux mots" in eyes.seen())
    assert "colours=dark" in eyes.frame.url
    assert eyes.frame.evaluate("innerWidth") == 375


def test_a_finding_leads_to_its_place_in_the_page_and_in_the_source(eyes: Eyes) -> None:
    add(eyes.table, FIRST, "le numéro 30, pour", "le numéro 30, TODO, pour")
    eyes.until(lambda: "TODO" in eyes.text("#findings"))
    assert eyes.frame.evaluate("scrollY") == 0
    assert "01-premier.md:" in eyes.text(".finding.error .place")
    eyes.press("j")
    eyes.until(lambda: eyes.frame.evaluate("scrollY") > 500)
    assert eyes.text(".finding[aria-pressed=true] + code mark") == "TODO,"
    assert eyes.page.locator(".finding[aria-pressed=true]").count() == 1
    placed = """() => {
        const mark = document.querySelector("#light-table-mark").getBoundingClientRect();
        const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        for (let node; (node = walker.nextNode());) {
            const at = node.data.indexOf("TODO");
            if (at < 0) continue;
            const range = document.createRange();
            range.setStart(node, at);
            range.setEnd(node, at + 4);
            const word = range.getBoundingClientRect();
            return mark.left <= word.left && mark.top <= word.top && mark.bottom >= word.bottom;
        }
    }"""
    assert eyes.frame.evaluate(placed) is True
    add(eyes.table, FIRST, "TODO, ", "")
    eyes.until(lambda: "TODO" not in eyes.text("#findings"))


def test_a_waived_finding_says_why(eyes: Eyes) -> None:
    add(eyes.table, FIRST, "un autre", "un TODO autre")
    add(
        eyes.table,
        f"issues/{KEY}/issue.md",
        "editor: Ada Test",
        "editor: Ada Test\nwaive:\n  placeholder: c'est une citation",
    )
    eyes.until(lambda: "Waived: c'est une citation" in eyes.text("#findings"))


def test_more_than_five_minutes_are_seen_in_the_bar(eyes: Eyes) -> None:
    assert eyes.page.locator(".meter.over").count() == 0
    body = "mot " * 1500
    add(eyes.table, FIRST, "- un point ;", f"{body}\n\n- un point ;")
    eyes.until(lambda: eyes.page.locator(".meter.over").count() == 1)
    assert "over 5 min" in eyes.text("#reading-words")


def test_keys_are_shown_and_work_while_the_mail_has_the_focus(eyes: Eyes) -> None:
    eyes.press("?")
    assert eyes.page.get_by_role("dialog", name="Keys").is_visible()
    eyes.press("Escape")
    assert not eyes.page.locator("#keys").is_visible()
    eyes.frame.locator("body").click(position={"x": 5, "y": 5})
    eyes.asks_for("t", "show=text")
    eyes.press("f")
    assert not eyes.page.locator("#findings").is_visible()


def test_another_issue_is_two_keys_away(eyes: Eyes) -> None:
    write_issue(eyes.table.paper, "2026-11-24")
    add(eyes.table, "issues/2026-11-24/issue.md", "Un numéro pour les tests", "Le numéro de demain")
    eyes.open()
    eyes.press("n")
    rows = eyes.page.locator("#issue-list button")
    rows.first.wait_for()
    assert [" ".join(text.split()) for text in rows.all_text_contents()] == [
        "Tue, 24 November 2026 not sent Le numéro de demain : tout y est",
        "Mon, 23 November 2026 not sent Un numéro pour les tests : tout y est",
    ]
    rows.first.click()
    eyes.until(lambda: "Le numéro de demain" in eyes.text("#subject"))
    eyes.press("[")
    eyes.until(lambda: "Un numéro pour les tests" in eyes.text("#subject"))


def test_a_test_is_sent_from_the_page(eyes: Eyes, mailroom: Mailroom) -> None:
    through_smtp(eyes.table.paper, mailroom.port)
    eyes.press("e")
    eyes.page.keyboard.type("ada@example.org")
    eyes.press("Enter")
    eyes.until(lambda: "sent, 250 OK" in eyes.text("#sent"))
    assert mailroom.recipients == ["ada@example.org"]
    mailroom.answer = lambda recipient: "550 no such user"
    eyes.press("Enter")
    eyes.until(lambda: "550" in eyes.text("#sent"))


def test_scripts_in_the_mail_do_not_run_and_nothing_is_loaded_from_elsewhere(eyes: Eyes) -> None:
    add(
        eyes.table,
        "templates/mail/issue.mjml.j2",
        "<mj-raw>\n      <div",
        "<mj-raw>\n      <img src='https://evil.invalid/x.png' alt='x' onerror='top.document.title=1'/><div",
    )
    eyes.until(lambda: eyes.frame.locator("img[alt=x]").count() == 1)
    assert "light table" in eyes.page.title()
    assert eyes.page.locator("iframe").get_attribute("sandbox") == (
        "allow-same-origin allow-popups allow-popups-to-escape-sandbox"
    )


@pytest.mark.parametrize("width", [320, 375, 600, 768, 1024, 1280])
def test_nothing_is_wider_than_the_window(eyes: Eyes, width: int) -> None:
    eyes.page.set_viewport_size({"width": width, "height": 800})
    beyond = """[...document.querySelectorAll("body *")].filter((element) => {
        const box = element.getBoundingClientRect();
        const beyond = box.left < -0.5 || box.right > innerWidth + 0.5;
        return !element.closest(".skip, legend") && box.width && beyond;
    }).map((element) => element.outerHTML.slice(0, 120))"""
    if width <= 820:
        eyes.page.click("#to-options")
    for key, show in (("t", "text"), ("b", "inbox"), ("c", "clipped"), ("s", "source"), ("m", "mail")):
        eyes.asks_for(key, f"show={show}")
        assert eyes.page.evaluate("document.documentElement.scrollWidth") == width
        assert eyes.page.evaluate(beyond) == [], key
        for device in "123":
            eyes.press(device)
            assert eyes.frame.evaluate("document.documentElement.scrollWidth <= innerWidth"), (key, device)
    for key in ("n", "e", "r", "?"):
        eyes.press(key)
        assert eyes.page.evaluate(beyond) == [], key
        eyes.press("Escape")


def test_the_end_of_the_preview_is_told(eyes: Eyes) -> None:
    assert eyes.table.end()[0] == 0
    eyes.until(lambda: eyes.text("#status") == "The preview has ended: run newsletter preview again")
