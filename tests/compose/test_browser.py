"""The sample issues as a reader sees them, in a real Chromium that reaches nothing but their own pictures."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, sync_playwright

from newsletter.compose import markup
from newsletter.compose.edition import compose
from newsletter.compose.issue import read_issue
from newsletter.config import read_config
from newsletter.fields import Place, fill
from newsletter.model import Edition, Rendition
from tests.conftest import ROOT, needs

KEYS = sorted(path.name for path in (ROOT / "issues").iterdir())
THEMES = ["", "gazette"]
WIDTHS = (320, 375, 480, 600, 700, 768, 1024, 1280)
ADDRESS = "https://actu5.example.org/issue"
# A long address, which must not push the page wide.
VALUES = {
    "name": "Marie-Charlotte",
    "email": "marie-charlotte.de-la-tour-penchee@une-tres-longue-maison.example.org",
    "leave_url": "https://actu5.example.org/leave/x",
}
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--no-first-run"),
)

# What the page's scripts share: the texts that one can see, and the contrasts of WCAG 2.2.
SCRIPT = """
window.texts = () => {
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode());) {
    if (!/[^\\s\\u00a0\\u200c\\u034f]/.test(node.data)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    if ([...range.getClientRects()].some((box) => box.width && box.height)) found.push(node);
  }
  return found;
};

window.channels = (colour) => {
  const [red, green, blue, alpha = 1] = colour.match(/[\\d.]+/g).map(Number);
  return [red, green, blue, alpha];
};

// https://www.w3.org/TR/WCAG22/#dfn-relative-luminance
window.luminance = ([red, green, blue]) => {
  const [r, g, b] = [red, green, blue].map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};

// The first opaque ground at or above an element; a ground that one can half see through is an error here.
window.ground = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const colour = channels(getComputedStyle(at).backgroundColor);
    if (colour[3] === 1) return colour;
    if (colour[3] !== 0) throw new Error("a ground half seen through");
  }
  throw new Error("no ground under " + element.outerHTML.slice(0, 200));
};

window.contrast = (element) => {
  const colour = channels(getComputedStyle(element).color);
  if (colour[3] !== 1) throw new Error("a text half seen through");
  const [light, dark] = [luminance(colour), luminance(ground(element))].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
};

// Texts below 4.5:1, or below 3:1 where they are large: 24 px, or 18.66 px and bold.
window.pale = () => texts().flatMap((node) => {
  const style = getComputedStyle(node.parentElement);
  const size = parseFloat(style.fontSize);
  const large = size >= 24 || (size >= 18.66 && parseInt(style.fontWeight) >= 700);
  const ratio = contrast(node.parentElement);
  return ratio < (large ? 3 : 4.5) ? [node.data.trim().slice(0, 60) + " " + ratio.toFixed(2)] : [];
});

window.PROPERTIES = ["display", "color", "background-color", "font-family", "font-size", "font-weight",
  "font-style", "line-height", "letter-spacing", "text-align", "text-decoration", "text-transform",
  "vertical-align", "white-space", "word-break", "list-style-type", "width", "height", "max-width", "margin",
  "padding", "border-width", "border-style", "border-color", "border-radius", "border-collapse"];
window.styles = () => [...document.querySelectorAll("body, body *")].map((element) => {
  const style = getComputedStyle(element);
  return [element.localName, ...PROPERTIES.map((name) => style.getPropertyValue(name))];
});
"""


@dataclass(frozen=True)
class Made:
    """A sample issue's edition, and what the inliner was handed on the way."""

    edition: Edition
    compiled: str
    css: str


@dataclass
class Sheet:
    """An HTML page in a browser of its own; `asked` is what it asked the network for, and we answered."""

    page: Page
    html: str
    pictures: tuple[Rendition, ...]
    pictures_off: bool = False
    asked: set[str] = field(default_factory=set)

    def serve(self, route: Route) -> None:
        url = route.request.url
        self.asked.add(url)
        picture = {picture.src: picture for picture in self.pictures}.get(url)
        if url == ADDRESS:
            body = fill(self.html, VALUES, Place.HTML)
            route.fulfill(body=body, content_type="text/html; charset=utf-8")
        elif picture and not self.pictures_off:
            route.fulfill(body=picture.content, content_type=picture.media_type)
        else:
            route.abort()

    def show(self, width: int = 700, *, dark: bool = False) -> Page:
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(color_scheme="dark" if dark else "light")
        return self.page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Not for the whole session: Playwright's event loop would run on under other modules' tests.
    path = needs("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="module", params=[(key, theme) for theme in THEMES for key in KEYS], ids="-".join)
def made(request: pytest.FixtureRequest) -> Made:
    key, theme = request.param
    config = read_config(ROOT, {})
    look = replace(config.look, theme=theme)
    handed: list[tuple[str, str]] = []
    inline = markup._inline

    def overheard(compiled: str, css: str) -> str:
        handed.append((compiled, css))
        return inline(compiled, css)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(markup, "_inline", overheard)
        issue = read_issue(ROOT / "issues" / key, root=ROOT)
        edition = compose(issue, config.publication, look, templates=ROOT / "templates", root=ROOT)
    return Made(edition, *handed[0])


def opened(browser: Browser, html: str, pictures: tuple[Rendition, ...]) -> Sheet:
    page = browser.new_page()
    page.add_init_script(SCRIPT)
    sheet = Sheet(page, html, pictures)
    page.route("**/*", sheet.serve)
    page.goto(ADDRESS)
    return sheet


@pytest.fixture(scope="module")
def sheet(made: Made, browser: Browser) -> Iterator[Sheet]:
    """The issue as it is sent."""
    sheet = opened(browser, made.edition.html, made.edition.renditions)
    yield sheet
    sheet.page.close()


@pytest.fixture(scope="module")
def twin(made: Made, browser: Browser) -> Iterator[Sheet]:
    """The issue as MJML made it, with the article's style sheet in a <style> instead of inlined."""
    html = made.compiled.replace("</head>", f"<style>{made.css}</style></head>", 1)
    sheet = opened(browser, html, made.edition.renditions)
    yield sheet
    sheet.page.close()


def listed(page: Page, script: str) -> list[Any]:
    found = page.evaluate(script)
    assert isinstance(found, list)
    return found


def test_the_ruler_measures_what_the_guidelines_say(browser: Browser) -> None:
    page = browser.new_page()
    page.add_init_script(SCRIPT)
    page.goto(
        "data:text/html,<body style='background:white'><p style='color:black'>a<p style='color:%23777'>b"
    )
    assert page.evaluate("[...document.querySelectorAll('p')].map(contrast).map((r) => r.toFixed(2))") == [
        "21.00",
        "4.48",
    ]
    assert listed(page, "pale()") == ["b 4.48"]
    page.close()


def test_the_page_asks_for_its_own_pictures_and_for_nothing_else(sheet: Sheet) -> None:
    assert sheet.asked == {ADDRESS, *(picture.src for picture in sheet.pictures)}
    assert all(url.startswith("https://actu5.example.org/") for url in sheet.asked)


def test_nothing_is_wider_than_the_window(sheet: Sheet) -> None:
    for width in WIDTHS:
        page = sheet.show(width)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        beyond = """[...document.querySelectorAll("body *")].filter((element) => {
            const box = element.getBoundingClientRect();
            return box.width && (box.left < -0.5 || box.right > innerWidth + 0.5);
        }).map((element) => element.outerHTML.slice(0, 120))"""
        assert listed(page, beyond) == [], width


def test_words_and_figures_in_tables_are_never_torn_apart(sheet: Sheet) -> None:
    torn = """texts().filter((node) => node.parentElement.closest(".figures")).flatMap((node) =>
        [...node.data.matchAll(/[^ \\n]+/g)].filter((word) => {
            const range = document.createRange();
            range.setStart(node, word.index);
            range.setEnd(node, word.index + word[0].length);
            return range.getClientRects().length !== 1;
        }).map((word) => word[0]))"""
    for width in (320, 375):
        assert listed(sheet.show(width), torn) == [], width


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_text_stands_out_from_its_ground(sheet: Sheet, dark: bool) -> None:
    for width in (375, 700):
        page = sheet.show(width, dark=dark)
        assert len(listed(page, "texts()")) > 100
        assert listed(page, "pale()") == [], width


def test_the_dark_mode_is_dark_and_the_light_mode_light(sheet: Sheet) -> None:
    grounds = "[...new Set(texts().map((node) => luminance(ground(node.parentElement))))]"
    assert min(listed(sheet.show(dark=False), grounds)) > 0.8
    assert max(listed(sheet.show(dark=True), grounds)) < 0.05


def test_headings_tell_the_order_of_the_page(sheet: Sheet) -> None:
    levels = listed(
        sheet.show(), "[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map((h) => +h.localName[1])"
    )
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert levels.count(2) == 5
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_a_screen_reader_is_told_what_it_needs(made: Made, sheet: Sheet) -> None:
    page = sheet.show()
    assert page.evaluate("document.documentElement.lang") == "fr"
    assert page.title() == made.edition.subject
    without = (
        "img:not([alt]), img:not([width]), a img[alt=''], table:not([role=presentation]) th:not([scope])"
    )
    assert page.locator(without).count() == 0
    assert page.locator("table:not([role=presentation]):not(:has(th))").count() == 0
    assert page.locator("table[role=presentation] > * > tr > th").count() == 0
    assert page.locator("img").count() == len(sheet.pictures)
    assert page.locator("a[href]:not(:has(img))").filter(has_not_text=re.compile(r"\S")).count() == 0


def test_the_type_is_large_enough_to_read(sheet: Sheet) -> None:
    sizes = "texts().map((node) => [parseFloat(getComputedStyle(node.parentElement).fontSize), node.data])"
    body = sizes.replace(
        "texts()",
        "texts().filter((node) => node.parentElement.closest('.md p, .md li')"
        " && !node.parentElement.closest('.notes, .by, .credit, sup'))",
    )
    for width in (320, 700):
        page = sheet.show(width)
        assert [found for found in listed(page, sizes) if found[0] < 13] == []
        assert [found for found in listed(page, body) if found[0] < 16] == []
        assert len(listed(page, body)) > 30


def test_links_look_like_links(sheet: Sheet) -> None:
    """Underlined in running text; bold where a whole line is the link, in the contents and in titles."""
    plain = """[...document.querySelectorAll("a[href]:not(:has(img))")].filter((link) => {
        const style = getComputedStyle(link);
        if (link.closest(".toc, h2")) return parseInt(style.fontWeight) < 700;
        return style.textDecorationLine !== "underline";
    }).map((link) => link.outerHTML)"""
    assert listed(sheet.show(), plain) == []
    assert sheet.page.locator(".toc a").count() == 5


def test_links_in_the_contents_lead_to_the_articles(sheet: Sheet) -> None:
    anchors = "[...document.querySelectorAll('.toc a')].map((a) => document.querySelector(a.hash)?.name)"
    assert listed(sheet.show(), anchors) == ["a1", "a2", "a3", "a4", "a5"]


def test_without_pictures_their_alternative_texts_are_read_in_full(sheet: Sheet) -> None:
    # The height that the text would take as an ordinary paragraph is what the picture's place must offer.
    script = """[...document.querySelectorAll("img")].map((image) => {
        const style = getComputedStyle(image);
        const caption = getComputedStyle(document.querySelector(".soft div"));
        const twin = document.createElement("div");
        twin.textContent = image.alt;
        for (const name of ["font-family", "font-size", "line-height"])
            twin.style.setProperty(name, style.getPropertyValue(name));
        twin.style.width = image.clientWidth + "px";
        document.body.append(twin);
        const needed = twin.offsetHeight;
        twin.remove();
        return {missing: image.naturalWidth === 0, whole: image.clientHeight >= needed,
            size: parseFloat(style.fontSize), airy: parseFloat(style.lineHeight) >= 20,
            like_a_caption: style.color === caption.color && style.fontFamily === caption.fontFamily};
    })"""
    readable = {"missing": True, "whole": True, "size": 15, "airy": True, "like_a_caption": True}
    sheet.pictures_off = True
    try:
        sheet.page.reload()
        for width in (320, 700):
            for dark in (False, True):
                seen = listed(sheet.show(width, dark=dark), script)
                assert seen == [readable] * len(sheet.pictures), (width, dark)
                assert sheet.page.evaluate("document.documentElement.scrollWidth") == width
    finally:
        sheet.pictures_off = False
        sheet.page.reload()


@pytest.mark.parametrize(("width", "dark"), [(700, False), (375, False), (700, True)])
def test_inlining_changes_no_style_of_any_element(sheet: Sheet, twin: Sheet, width: int, dark: bool) -> None:
    ours = listed(sheet.show(width, dark=dark), "styles()")
    theirs = listed(twin.show(width, dark=dark), "styles()")
    assert len(ours) == len(theirs) > 300
    assert [pair for pair in zip(ours, theirs, strict=True) if pair[0] != pair[1]] == []


def test_inlining_leaves_outlooks_comments_alone(made: Made) -> None:
    conditional = re.compile(r"<!--\[if .*?<!\[endif\]-->", re.DOTALL)
    # Neighbouring comments are written as one, as npm's compiler does.
    merged = re.sub(r"<!\[endif\]-->\s*<!--\[if mso \| IE\]>", "", made.compiled)
    assert conditional.findall(made.edition.html) == conditional.findall(merged)
    assert len(conditional.findall(merged)) > 20
