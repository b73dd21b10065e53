"""The site in a real Chromium: readable by all, on any screen, in light and dark, with and without script."""

import functools
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from newsletter.model import Outcome
from tests.compose.test_browser import ARGUMENTS
from tests.conftest import needs
from tests.web.publishing import build, sample, send
from tests.web.test_site_words import XSS_LINK, hostile

SENT = ("2026-11-20", "2026-11-23", "2026-11-24", "2026-11-25")
PAGES = (
    "",
    "2026-11-24/",
    "2026-11-23/fusion-helion/",
    "2026-11-24/ficelle/",
    "2026-11-25/regle-de-72/",
    "archive/",
    "archive/2026-11/",
    "privacy/",
    "404.html",
)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nobody reads a test's log."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The folder behind a plain web server, as the site's files are served; its address."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = needs("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = sample(tmp_path_factory.mktemp("sample"))
    send(root, *SENT, outcome=Outcome.SENT)
    with served(build(root)) as address:
        yield address


@pytest.fixture(scope="module")
def gazette(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The same in another theme."""
    root = sample(tmp_path_factory.mktemp("gazette"))
    settings = root / "newsletter.toml"
    text = settings.read_text(encoding="utf-8").replace('theme = ""', 'theme = "gazette"')
    settings.write_text(text, encoding="utf-8")
    send(root, *SENT)
    with served(build(root)) as address:
        yield address


class Window:
    """A window, what it asked for, and what its console said."""

    def __init__(self, context: BrowserContext) -> None:
        self.page: Page = context.new_page()
        self.asked: list[str] = []
        self.said: list[str] = []
        self.dialogs = 0
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", self._count)

    def _note(self, message: ConsoleMessage) -> None:
        self.said.append(message.text)

    def _count(self, dialog: object) -> None:
        self.dialogs += 1
        dialog.dismiss()  # type: ignore[attr-defined]


@contextmanager
def window(
    browser: Browser, *, width: int = 1280, dark: bool = False, script: bool = True
) -> Iterator[Window]:
    context = browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme="dark" if dark else "light",
        java_script_enabled=script,
        locale="fr-FR",
    )
    yield Window(context)
    context.close()


@pytest.mark.parametrize("theme", ["address", "gazette"])
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (320, True)])
def test_axe_finds_nothing_on_any_page(
    browser: Browser, theme: str, width: int, dark: bool, request: pytest.FixtureRequest
) -> None:
    address = request.getfixturevalue(theme)
    found = {}
    with window(browser, width=width, dark=dark) as seen:
        for path in PAGES if theme == "address" else PAGES[:3]:
            seen.page.goto(address + path)
            report = Axe().run(seen.page)
            if report.violations_count:
                found[path] = report.generate_report()
    assert found == {}


@pytest.mark.parametrize("width", [320, 375, 768, 1280])
def test_no_page_is_wider_than_its_window(browser: Browser, address: str, width: int) -> None:
    with window(browser, width=width) as seen:
        for path in PAGES:
            seen.page.goto(address + path)
            assert seen.page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_pages_ask_only_their_own_site_and_the_console_stays_silent(browser: Browser, address: str) -> None:
    with window(browser) as seen:
        for path in PAGES:
            seen.page.goto(address + path, wait_until="networkidle")
        assert seen.said == []
        assert len(seen.asked) > 20
        assert [asked for asked in seen.asked if not asked.startswith(address)] == []
        assert seen.page.context.cookies() == []
        kept = seen.page.evaluate("[localStorage.length, sessionStorage.length]")
        assert kept == [0, 0]


def test_search_finds_words_without_their_accents(browser: Browser, address: str) -> None:
    with window(browser, width=375) as seen:
        seen.page.goto(f"{address}archive/")
        field = seen.page.get_by_label("Chercher dans tous les articles")
        for typed, titles in (
            ("torrefacteurs", ["Le cargo à voile met le café au rythme du vent"]),
            ("TORRÉFACTEURS cargo", ["Le cargo à voile met le café au rythme du vent"]),
            ("theo march cargo", ["Le cargo à voile met le café au rythme du vent"]),
            ("helion zzz", []),
        ):
            field.fill(typed)
            said = "Un article trouvé." if titles else "Rien trouvé."
            expect(seen.page.locator("#count")).to_have_text(said)
            assert seen.page.locator("#found a").all_inner_texts() == titles
            field.fill("")
            expect(seen.page.locator("#count")).to_have_text("")
        field.fill("cargo")
        seen.page.locator("#found a").first.click()
        assert seen.page.url == f"{address}2026-11-23/cargo-a-voile/"
        assert seen.said == []


def test_titles_come_before_texts_in_what_is_found(browser: Browser, address: str) -> None:
    with window(browser) as seen:
        seen.page.goto(f"{address}archive/")
        seen.page.get_by_label("Chercher dans tous les articles").fill("sapin")
        seen.page.wait_for_selector("#found li")
        assert seen.page.locator("#found a").first.inner_text().startswith("Le sapin de Noël")
        assert "25 novembre 2026 · Conso" in seen.page.locator("#found .about").first.inner_text()


def test_without_script_there_is_no_search_and_all_the_rest(browser: Browser, address: str) -> None:
    with window(browser, script=False) as seen:
        seen.page.goto(f"{address}archive/")
        assert not seen.page.locator("#search").is_visible()
        assert seen.page.locator("ul.entries > li").count() == 4
        seen.page.get_by_role("link", name="novembre 2026").click()
        assert seen.page.url == f"{address}archive/2026-11/"


def test_the_trap_cannot_be_seen_or_reached_by_key_and_all_else_can(browser: Browser, address: str) -> None:
    with window(browser) as seen:
        seen.page.goto(f"{address}2026-11-23/fusion-helion/")
        box = seen.page.locator("[name=website]").first.bounding_box()
        assert box is None or box["x"] + box["width"] < 0
        reached = []
        for _ in range(40):
            seen.page.keyboard.press("Tab")
            reached.append(
                seen.page.evaluate(
                    "[document.activeElement.name || document.activeElement.textContent.trim(),"
                    " getComputedStyle(document.activeElement).outlineStyle]"
                )
            )
        names = [name for name, _ in reached]
        assert names[:4] == ["Aller au contenu", "L’actu en 5 minutes", "Les numéros précédents", "email"]
        assert {"S’inscrire", "par e-mail", "Bluesky"} <= set(names)
        assert "website" not in names
        assert {outline for name, outline in reached if name not in ("", "email")} <= {
            "solid",
            "auto",
            "none",
        }
        assert dict(reached)["S’inscrire"] == "solid"


def test_no_word_of_an_article_becomes_a_program(browser: Browser, paper: Path) -> None:
    with served(build(hostile(paper, XSS_LINK))) as address, window(browser) as seen:
        for path in ("", "2026-11-23/", "2026-11-23/un1/", "archive/", "archive/2026-11/", "privacy/"):
            seen.page.goto(address + path, wait_until="networkidle")
        seen.page.goto(f"{address}archive/")
        seen.page.get_by_label("Chercher dans tous les articles").fill("alert")
        seen.page.wait_for_selector("#found li")
        assert "<script>" in seen.page.locator("#found a").first.inner_text()
        assert (seen.dialogs, seen.said) == (0, [])
