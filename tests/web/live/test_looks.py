"""The answering pages in a real browser: for everybody, on every screen, and with nothing that runs."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Dialog, Page, Request, sync_playwright

from newsletter.errors import StoreError
from newsletter.readers.addresses import Address, read_address
from newsletter.readers.proof import Proof
from newsletter.web.serving import listen
from tests.compose.test_browser import ARGUMENTS
from tests.conftest import needs
from tests.web.live.conftest import BY_HAND, FIRST, Live
from tests.web.live.test_confirming import mailed

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

HOSTILE = (
    '"><script>alert(1)</script>',
    "'><img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "<svg/onload=alert(1)>",
    "{{ 7*7 }}${7*7}{% raw %}",
    "</title><script>alert(1)</script>",
    "\"autofocus onfocus=alert(1) x='",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
)


@contextmanager
def served(live: Live) -> Iterator[str]:
    """The live site on a port of this machine; gives its address."""
    with listen(0) as listener:
        config = uvicorn.Config(
            live.app,
            log_level="error",
            lifespan="off",
            ws="none",
            http="h11",
            loop="asyncio",
            proxy_headers=False,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/actu/"
        server.should_exit = True
        thread.join(10)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = needs("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


class Visit:
    """A window on the live site, in which a dialog, a fault or another host's address would be seen."""

    def __init__(self, page: Page, live: Live, site: str) -> None:
        self.page, self.live, self.site = page, live, site
        self.troubles: list[str] = []
        page.on("dialog", self._dismiss)
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("request", self._look)

    def _dismiss(self, dialog: Dialog) -> None:
        self.troubles.append(dialog.message)
        dialog.dismiss()

    def _look(self, request: Request) -> None:
        if not request.url.startswith((self.site, "data:")):
            self.troubles.append(request.url)

    def open(self, path: str) -> None:
        self.page.goto(self.site + path)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name).first.click()

    def type(self, text: str) -> None:
        """Type into the first field for an address, as somebody whose browser does not look at it."""
        self.page.evaluate("for (const form of document.forms) form.noValidate = true")
        self.page.locator("input[name=email]").first.fill(text)

    def heading(self) -> str:
        return self.page.locator("h1").inner_text()

    def every_page(self) -> Iterator[str]:
        """Walk through every page that answers somebody, with the name of each as it is shown."""
        live, lea = self.live, self.live.add()
        leave, confirm = live.leave_path(lea), mailed(live, "new@example.org")
        yield from self._signing_up(confirm)
        self.open(leave)
        yield "leave"
        self.press("2 semaines")
        yield "leave, paused just now"
        self.open(leave)
        yield "leave, while paused"
        self.press("Mettre fin à la pause")
        yield "leave, resumed"
        self.press("Me l’envoyer")
        yield "mailed"
        self.open(leave)
        self.press("Me désinscrire")
        yield "left"
        self.press("C’était une erreur, je reste")
        yield "leave, undone"
        self.open("leave/test")
        yield "test"
        yield from self._mine(live.mine_path(lea))

    def _signing_up(self, confirm: str) -> Iterator[str]:
        self.open("join")
        yield "join"
        self.type("lea")
        self.press("S’inscrire")
        yield "join, with what is wrong"
        self.type("lea@example.org")
        self.press("S’inscrire")
        yield "once more"
        self.live.clock.goes_on(seconds=3)
        self.press("S’inscrire")
        yield "asked"
        self.open(confirm)
        yield "confirm"
        self.press("Oui, je m’inscris")
        yield "confirmed"
        self.open(confirm)
        yield "used"
        self.open(FIRST)
        self.live.clock.goes_on(days=8)
        self.open(mailed(self.live, "late@example.org"))
        self.live.clock.goes_on(days=8)
        self.page.reload()
        yield "too old"

    def _mine(self, mine: str) -> Iterator[str]:
        self.open(mine)
        yield "mine"
        self.page.evaluate("document.getElementById('until').type = 'text'")
        self.page.locator("#until").fill("one day")
        self.page.evaluate("for (const form of document.forms) form.noValidate = true")
        self.press("Faire une pause")
        yield "mine, with a wrong day"
        self.type("nobody")
        self.press("Y envoyer un e-mail")
        yield "mine, with a wrong address"
        self.press("Tout effacer")
        yield "erase"
        self.press("Oui, tout effacer")
        yield "erased"
        self.open("nothing")
        yield "missing"


@contextmanager
def visiting(live: Live, browser: Browser) -> Iterator[Visit]:
    with served(live) as site:
        page = browser.new_page(locale="fr-FR")
        visit = Visit(page, live, site)
        yield visit
        page.close()
        assert visit.troubles == []


def fits_every_screen(page: Page, name: str) -> None:
    """Nothing is cut off or has to be pushed sideways, and every button is large enough for a thumb."""
    for width in (320, 375, 768, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        inside = page.evaluate("document.documentElement.scrollWidth")
        assert inside <= width, f"{name} is {inside} wide at {width}"
    small = page.evaluate(
        "[...document.querySelectorAll('main button, main input:not([type=hidden])')]"
        ".filter(each => !each.closest('.trap') && each.getBoundingClientRect().height < 44).length"
    )
    assert small == 0, name


def test_every_page_is_there_for_everybody_on_every_screen_in_the_light_and_in_the_dark(
    live: Live, browser: Browser
) -> None:
    seen = []
    with visiting(live, browser) as visit:
        for name in visit.every_page():
            for scheme in SCHEMES:
                visit.page.emulate_media(color_scheme=scheme)
                found = Axe().run(visit.page)
                assert found.violations_count == 0, f"{name}, {scheme}: {found.generate_report()}"
            fits_every_screen(visit.page, name)
            seen.append(name)
            assert visit.page.locator("h1").count() == 1
            assert "\ufffd" not in visit.page.content()
    assert len(seen) == 22


def test_nothing_that_somebody_typed_runs_in_any_page(live: Live, browser: Browser) -> None:
    with visiting(live, browser) as visit:
        lea = live.add()
        for hostile in HOSTILE:
            for path, button in (("join", "S’inscrire"), (live.mine_path(lea), "Y envoyer un e-mail")):
                visit.open(path)
                visit.type(hostile)
                visit.press(button)
                assert visit.page.locator("input[name=email]").first.input_value() == hostile
                assert visit.page.locator("main script, main iframe, main img, main svg").count() == 0
        for hostile in HOSTILE:
            fields = {
                "email": "a@example.org",
                "website": "x",
                "page": hostile,
                "box": hostile,
                "nonce": hostile,
            }
            text = live.post("join", fields).text + live.post("join", {**fields, "website": ""}).text
            assert "<script>alert" not in text
            assert "onerror=alert(1)>" not in text.replace("&gt;", "")


def test_an_address_that_is_markup_and_yet_an_address_is_shown_as_it_is(live: Live, browser: Browser) -> None:
    odd = "a'`{}|~!#$%^&*b@example.org"
    assert read_address(odd) == Address(email=odd)
    with visiting(live, browser) as visit:
        store = live.office.readers
        reader = store.add(
            Address(email=odd), "<img src=x onerror=alert(1)>", proof=BY_HAND, now=live.clock()
        )
        proof = Proof(source="x", words="<script>alert(1)</script>", page="javascript:alert(1)")
        live.office.wishes.leave(reader.reader.id, proof=proof, now=live.clock())
        visit.open(live.mine_path(reader.reader))
        assert visit.page.locator(".address").inner_text() == odd


def test_a_form_works_without_style_sheets_and_scripts(live: Live, browser: Browser) -> None:
    with served(live) as site:
        context = browser.new_context(java_script_enabled=False)
        page = context.new_page()
        page.route("**/*.css*", lambda route: route.abort())
        page.set_content(live.office.pages.form().replace("https://lettre.invalid/actu/", site))
        assert not page.locator("input[name=website]").is_visible()
        page.get_by_label("Votre adresse e-mail").fill("lea@example.org")
        page.get_by_role("button", name="S’inscrire").click()
        assert page.locator("h1").inner_text() == "Encore un clic"
        live.clock.goes_on(seconds=3)
        page.get_by_role("button", name="S’inscrire").click()
        assert page.locator("h1").inner_text() == "Regardez dans votre boîte de réception"
        context.close()
    assert [each.notice.value for each in live.answers()] == ["confirm"]


def test_a_page_about_a_fault_is_there_for_everybody_too(
    live: Live, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object, **__: object) -> None:
        raise StoreError("locked")

    monkeypatch.setattr("newsletter.readers.requests.Requests.ask", locked)
    with visiting(live, browser) as visit:
        visit.open(FIRST)
        visit.type("lea@example.org")
        live.clock.goes_on(seconds=3)
        visit.press("S’inscrire")
        assert visit.heading() == "Un instant, s’il vous plaît"
        assert Axe().run(visit.page).violations_count == 0
    assert len(live.log) == 1
    live.log.clear()
