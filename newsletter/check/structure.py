"""Rules for the finished HTML: headings, language, tables, sizes, and whatever the mail would load."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from newsletter.check.origin import MAIL, around_words, of_markup, typed
from newsletter.check.page import HtmlElement, Run, elements, page, runs, words_of
from newsletter.check.rule import Fault, Level, Place, Proof, Rule, rule

BODY = 14.0
"""CSS pixels under which running text is too small to be read on a phone."""

LEAST = 12.0
"""CSS pixels under which any text is."""

RUNNING = 120
"""Letters from which a text is running text, and no caption."""

STYLE = 16_384
"""Bytes of <style> after which Gmail drops it all (caniemail, "html-style")."""

_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_BLOCKS = frozenset(["p", "li", "td", "th", "div", "blockquote", "body", *_HEADINGS])
_CSS_ADDRESS = re.compile(r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""", re.IGNORECASE)
_OUTLOOK_ADDRESS = re.compile(r"""\bsrc=["']([^"']+)["']""")


def _headings(proof: Proof) -> Iterator[tuple[int, str]]:
    for element in page(proof.edition.html).iter(*_HEADINGS):
        if words := words_of(element):
            yield int(str(element.tag)[1]), words


@rule(
    "one-h1",
    Level.WARNING,
    why="Screen readers announce the one main heading, and people jump to it.",
    how="make the newsletter's name the one <h1>",
)
def one_h1(proof: Proof) -> Iterator[Fault]:
    main = [words for level, words in _headings(proof) if level == 1]
    if not main:
        yield Fault(Place(MAIL), "the mail has no <h1>")
    for words in main[1:]:
        yield Fault(around_words(proof, words, "h1"), f"a second <h1>: {words[:40]!r}", "make it an <h2>")


@rule(
    "heading-order",
    Level.WARNING,
    why="Whoever listens to a mail goes from heading to heading, and a level left out sounds like a gap.",
    how="use the next level down",
)
def heading_order(proof: Proof) -> Iterator[Fault]:
    before = 0
    for level, words in _headings(proof):
        if before and level > before + 1:
            place = typed(words, proof.bodies)
            message = f"after <h{before}> comes <h{level}>: {words[:40]!r}"
            # In an article ## is <h3>, the first level below its title.
            hint = f"write {'#' * max(2, before)} in front of it" if place else f"make it <h{before + 1}>"
            yield Fault(place or around_words(proof, words, f"h{level}"), message, hint)
        before = level


@rule(
    "language",
    Level.WARNING,
    why="A screen reader reads French with an English voice if the mail does not say that it is French.",
    how='write lang="{{ publication.language }}" on <mjml>',
)
def language(proof: Proof) -> Iterator[Fault]:
    said = page(proof.edition.html).get("lang") or ""
    if said.split("-")[0].lower() != proof.publication.language:
        place = of_markup(proof, "<mjml")
        yield Fault(place, f"the mail says that its language is {said!r}" if said else "it names no language")


@rule(
    "title",
    Level.WARNING,
    why="A mail opened in a browser, and a screen reader that opens one, show its title.",
    how="put <mj-title>{{ subject }}</mj-title> into <mj-head>",
)
def title(proof: Proof) -> Iterator[Fault]:
    if not any(words_of(each) for each in page(proof.edition.html).iter("title")):
        yield Fault(of_markup(proof, "<mj-title", "<mj-head"), "the mail has no title")


@rule(
    "table-headers",
    Level.WARNING,
    why="Without them a screen reader reads figures that belong to nothing.",
    how='write scope="col" or scope="row" on each <th>',
)
def table_headers(proof: Proof) -> Iterator[Fault]:
    for table in _tables(proof):
        for cell in _cells(table, "th"):
            if cell.get("scope") not in ("col", "row", "colgroup", "rowgroup"):
                words = words_of(cell)
                yield Fault(_where(proof, table), f"the header {words[:40]!r} has no scope")


@rule(
    "layout-table",
    Level.WARNING,
    why="A screen reader announces rows and columns where there is only layout.",
    how='write role="presentation" on the <table>, or make its first row <th>',
)
def layout_table(proof: Proof) -> Iterator[Fault]:
    for table in _tables(proof):
        if not _cells(table, "th"):
            yield Fault(_where(proof, table), "a table with neither headers nor a role")


def _tables(proof: Proof) -> Iterator[HtmlElement]:
    """Tables that are read out as such; MJML's own elements are none of the designer's business."""
    for table in elements(page(proof.edition.html)):
        own = (table.get("class") or "").startswith("mj-")
        if table.tag == "table" and table.get("role") not in ("presentation", "none") and not own:
            yield table


def _cells(table: HtmlElement, tag: str) -> list[HtmlElement]:
    """The table's own cells of that kind, not those of tables inside it."""
    return [
        cell for cell in elements(table) if cell.tag == tag and next(cell.iterancestors("table")) is table
    ]


def _where(proof: Proof, element: HtmlElement) -> Place:
    words = words_of(element)
    return typed(words, proof.texts) or around_words(proof, words, str(element.tag))


@rule(
    "small-text",
    Level.WARNING,
    why="On a phone, and without glasses, smaller text is not read.",
    how=f"write font-size: {BODY:g}px or more",
)
def small_text(proof: Proof) -> Iterator[Fault]:
    by_block: dict[HtmlElement, list[Run]] = {}
    for run in runs(proof.edition.html):
        if run.size < BODY:
            by_block.setdefault(_block(run.element), []).append(run)
    seen: set[Place] = set()
    for some in by_block.values():
        tiny = [run for run in some if run.size < LEAST and not _raised(run)]
        words = " ".join(" ".join(run.text.split()) for run in tiny or some)
        if tiny or len(words) >= RUNNING:
            place = around_words(proof, (tiny or some)[0].text)
            size = round(min(run.size for run in tiny or some), 1)
            if place not in seen:
                seen.add(place)
                yield Fault(place, f"text of {size:g} pixels: {words[:40]!r}")


def _block(element: HtmlElement) -> HtmlElement:
    return next((each for each in (element, *element.iterancestors()) if each.tag in _BLOCKS), element)


def _raised(run: Run) -> bool:
    return any(each.tag in ("sup", "sub") for each in (run.element, *run.element.iterancestors()))


@rule(
    "corrupted-markup",
    Level.ERROR,
    why="A step of composing has damaged the mail, and mail clients will show it.",
    how="report it to those who make this press",
)
def corrupted_markup(proof: Proof) -> Iterator[Fault]:
    html = proof.edition.html
    backslashes = any("\\" in text.source for text in proof.texts)  # about programming, perhaps
    if not html.startswith("<!DOCTYPE html>"):
        yield Fault(Place(MAIL), "the doctype is gone")
    if "<!--[if mso" not in html:
        yield Fault(Place(MAIL), "Outlook's conditional comments are gone")
    for element in elements(page(html)):
        for name, value in element.attrib.items():
            sign = re.search(r'\\u\{[0-9a-f]+\}|\\[nt"]', value)
            if sign and (name == "style" or not backslashes):
                yield Fault(Place(MAIL), f"{sign[0]} stands in {name} of <{element.tag!s}>")


@rule(
    "picture-width",
    Level.WARNING,
    why="Outlook shows a picture without a width as large as its file is.",
    how='write width="…" in pixels on it',
)
def picture_width(proof: Proof) -> Iterator[Fault]:
    for image in page(proof.edition.html).iter("img"):
        width = image.get("width") or ""
        if not re.fullmatch(r"\d+(\.\d+)?", width):
            source = image.get("src") or ""
            what = f"the width {width!r}, which is no number of pixels" if width else "no width"
            yield Fault(of_markup(proof, source or "<img"), f"the picture {source[-40:]!r} has {what}")


@rule(
    "foreign-host",
    Level.WARNING,
    why="What a mail loads from elsewhere tells others that it was opened, and may be gone tomorrow.",
    how="put the file into the issue's folder, or onto your own site",
)
def foreign_host(proof: Proof) -> Iterator[Fault]:
    own = (urlsplit(proof.publication.url).hostname or "").removeprefix("www.")
    seen: set[str] = set()
    for address in _loaded(proof.edition.html):
        try:
            host = urlsplit(address.strip()).hostname or ""
        except ValueError:
            continue
        ours = own and (host == own or host.endswith(f".{own}"))
        if host and not ours and host not in seen:
            seen.add(host)
            yield Fault(of_markup(proof, host), f"the mail would load something from {host}")


def _loaded(html: str) -> Iterator[str]:
    """The addresses of all that a mail client fetches to show the mail, Outlook's own markup included."""
    root = page(html)
    for element in elements(root):
        tag = element.tag
        for name in ("src", "background", "poster"):
            if value := element.get(name):
                yield value
        if tag == "link" and (value := element.get("href")):
            yield value
        for candidate in (element.get("srcset") or "").split(","):
            yield from candidate.split()[:1]
        text = (element.get("style") or "") + ((element.text or "") if tag == "style" else "")
        if "(" in text or "@" in text:
            yield from (found[1] or found[2] for found in _CSS_ADDRESS.finditer(text))
    for comment in re.findall(r"<!--\[if .*?<!\[endif\]-->", html, re.DOTALL):
        yield from _OUTLOOK_ADDRESS.findall(comment)


@rule(
    "style-size",
    Level.WARNING,
    why="Gmail leaves out all of a mail's <style> if it is longer, dark mode and phone layout with it.",
    how="take rules out of <mj-style>, or move them to article.css.j2",
)
def style_size(proof: Proof) -> Iterator[Fault]:
    size = sum(len((each.text or "").encode()) for each in page(proof.edition.html).iter("style"))
    if size > STYLE:
        yield Fault(of_markup(proof, "<mj-style"), f"{size} bytes of <style>; Gmail takes {STYLE}")


RULES: tuple[Rule, ...] = (
    one_h1,
    heading_order,
    language,
    title,
    table_headers,
    layout_table,
    small_text,
    corrupted_markup,
    picture_width,
    foreign_host,
    style_size,
)
