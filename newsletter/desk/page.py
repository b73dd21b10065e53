"""The door to Beautiful Soup: a saved web page -> its article as well-formed HTML, to be cleaned."""

import re
from typing import Any
from urllib.parse import urljoin

from bs4 import BeautifulSoup, Tag

from newsletter.errors import ContentError

MAX_NOTE = 200
"""The most words of a footnote; more are a chapter that a table of contents leads to."""

MAX_DEPTH = 512
"""How deep elements may stand in each other; it is what browsers build."""

_FURNITURE = ("navigation", "contentinfo", "search", "banner", "dialog", "alertdialog")
_HIDDEN = re.compile(r"display\s*:\s*none|mso-hide\s*:\s*all", re.IGNORECASE)
_LABEL = re.compile(r"[\[(]?\s*(?:\d{1,3}|[*†‡]{1,3}|[a-z]|[ivx]{1,5})\s*[\])]?")
_NOTE_BLOCKS = ("li", "p", "dd", "td", "div", "aside")


def read_page(page: bytes | str) -> tuple[str, list[str]]:
    """The HTML of a page's article, and what was left out, "why: text".

    Addresses are absolute as far as the page says where it was; footnotes are `<fn:ref>` and `<fn:text>`;
    tables that only lay out are gone, and the others have as many cells in each row. Bytes are read in the
    encoding that the page names (HTML Standard 13.2.3.2), else as UTF-8 or Windows-1252.
    Raises ContentError for elements without end.
    """
    soup = BeautifulSoup(page, "lxml")
    if _depth(soup) > MAX_DEPTH:
        hint = "copy the article out of your browser, and paste it"
        raise ContentError("its elements are nested too deeply for a page", hint=hint)
    dropped = _without_hidden(soup)
    _make_absolute(soup)
    for element in soup.find_all(role=_FURNITURE):
        element.name = "nav"
    notes = _footnotes(soup)
    for table in soup.find_all("table"):
        _even_out(soup, table)
    root = _article(soup)
    outside = ""
    if root is not soup:
        title, heading = soup.title, soup.find("h1")
        if heading is not None and root.find("h1") is None:
            outside = str(heading)
        elif title is not None and heading is None:
            outside = f"<h1>{title.decode_contents()}</h1>"
        left = len(soup.get_text(" ").split()) - len(root.get_text(" ").split())
        dropped.append(f"outside the page's <{root.name}>: {left} words")
    return outside + str(root) + "".join(str(note) for note in notes), dropped


def _without_hidden(soup: BeautifulSoup) -> list[str]:
    dropped: list[str] = []
    gone: set[int] = set()
    for element in soup.find_all(True):
        if id(element) in gone or element.name in ("html", "body"):
            continue
        style = str(element.get("style", ""))
        if element.has_attr("hidden") or element.get("aria-hidden") == "true" or _HIDDEN.search(style):
            if words := " ".join(element.get_text(" ").split()):
                dropped.append(f"hidden on the page: {words}")
            gone.update(id(inner) for inner in element.find_all(True))
            element.extract()
    return dropped


def _depth(soup: BeautifulSoup) -> int:
    depths = {id(soup): 0}
    for element in soup.find_all(True):
        depths[id(element)] = depths[id(element.parent)] + 1
    return max(depths.values())


def _make_absolute(soup: BeautifulSoup) -> None:
    places: tuple[tuple[str, dict[str, Any], str], ...] = (
        ("base", {}, "href"),
        ("link", {"rel": "canonical"}, "href"),
        ("meta", {"property": "og:url"}, "content"),
    )
    found = (tag.get(key) for name, attributes, key in places if (tag := soup.find(name, attrs=attributes)))
    base = next((str(place) for place in found if str(place).startswith(("https://", "http://"))), "")
    for link in soup.find_all("a", href=True):
        address = str(link["href"]).strip()
        if base and not address.startswith("#"):
            try:
                link["href"] = urljoin(base, address)
            except ValueError:
                continue  # an address that is none is told of when links are cleaned


# ---- footnotes -------------------------------------------------------------------------------------------


def _footnotes(soup: BeautifulSoup) -> list[Tag]:
    """Take the footnotes out, each of which a short label leads down to; the labels become `<fn:ref>`."""
    elements = soup.find_all(True)
    order = {id(element): index for index, element in enumerate(elements)}
    anchors = {
        str(e.get("id") or e.get("name")): e for e in reversed(elements) if e.get("id") or e.get("name")
    }
    numbers: dict[int, int] = {}
    blocks: list[Tag] = []
    for call in [e for e in elements if e.name == "a" and str(e.get("href", "")).startswith("#")]:
        target = anchors.get(str(call["href"])[1:])
        if target is None or not _LABEL.fullmatch(call.get_text().strip()):
            continue
        block = target if target.name in _NOTE_BLOCKS else target.find_parent(_NOTE_BLOCKS)
        if block is None or order[id(block)] < order[id(call)] or not _is_note(block):
            continue
        if id(block) not in numbers:
            blocks.append(block)
            numbers[id(block)] = len(blocks)
        around = call.parent if call.parent is not None and call.parent.name == "sup" else call
        if around.get_text().strip() != call.get_text().strip():
            around = call
        around.replace_with(soup.new_tag("fn:ref", attrs={"name": str(numbers[id(block)])}))
    return [_note(soup, block, number) for number, block in enumerate(blocks, 1)]


def _is_note(block: Tag) -> bool:
    text = block.get_text(" ").split()
    return 0 < len(text) <= MAX_NOTE and block.find(re.compile("^h[1-6]$")) is None


def _note(soup: BeautifulSoup, block: Tag, number: int) -> Tag:
    around = block.parent
    block.extract()
    for back in block.find_all("a"):
        same_page = str(back.get("href", "#")).startswith("#")
        if same_page and (not re.search(r"\w", back.get_text()) or _LABEL.fullmatch(back.get_text().strip())):
            back.decompose()
    note = soup.new_tag("fn:text", attrs={"name": str(number)})
    for paragraph in block.find_all(("p", "div")):
        paragraph.insert_after(" ")
        paragraph.unwrap()
    for child in list(block.contents):
        note.append(child)
    if (
        around is not None
        and not around.get_text().strip()
        and around.name in ("ol", "ul", "dl", "section", "div")
    ):
        around.decompose()
    return note


# ---- tables ----------------------------------------------------------------------------------------------


def _even_out(soup: BeautifulSoup, table: Tag) -> None:
    """Undo a table that only lays out; give a real one as many cells in each row, spanned ones empty."""
    rows = [row for row in table.find_all("tr") if row.find_parent("table") is table]
    widths = [len(row.find_all(("td", "th"))) for row in rows]
    layout = table.get("role") in ("presentation", "none") or table.find("table") is not None
    if layout or len(rows) < 2 or max(widths, default=0) < 2:
        for part in (table, *table.find_all(("tbody", "thead", "tfoot", "tr", "td", "th"))):
            if part is table or part.find_parent("table") is table:
                part.name = "div"
        return
    below: dict[int, int] = {}  # column -> rows that a cell above still reaches into
    for row in rows:
        column = 0
        for cell in [*row.find_all(("td", "th"))]:
            while below.get(column):
                below[column] -= 1
                cell.insert_before(soup.new_tag("td"))
                column += 1
            wide, high = _span(cell, "colspan"), _span(cell, "rowspan")
            for place in range(column, column + wide):
                below[place] = high - 1
            for _ in range(wide - 1):
                cell.insert_after(soup.new_tag("td"))
            column += wide
        while below.get(column):
            below[column] -= 1
            row.append(soup.new_tag("td"))
            column += 1


def _span(cell: Tag, name: str) -> int:
    value = str(cell.get(name, "1")).strip()
    return max(1, min(int(value), 20)) if re.fullmatch("[0-9]{1,4}", value) else 1


# ---- the article -----------------------------------------------------------------------------------------


def _article(soup: BeautifulSoup) -> Tag:
    """The element that holds most of the page's paragraphs: its one <article>, its <main>, or the page."""
    whole = _words_of_paragraphs(soup)
    for css in ("article", "main", "[role=main]"):
        found = soup.select(css)
        best = max(found, key=_words_of_paragraphs, default=None)
        if best is not None and whole and _words_of_paragraphs(best) * 2 >= whole:
            return best
    return soup


def _words_of_paragraphs(element: Tag) -> int:
    return sum(len(paragraph.get_text(" ").split()) for paragraph in element.find_all(("p", "li")))
