"""No word of an article, of a reader, or of whoever fills in a form becomes a program or a template."""

import email
import email.policy
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import lxml.html
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, sync_playwright

from newsletter.compose.prose import read_prose, to_html
from tests.compose.test_browser import ARGUMENTS
from tests.conftest import Newsletter, needs, write_issue
from tests.security.payloads import ADDRESSES, SCRIPTS, TEMPLATES
from tests.web.conftest import LightTable, started, until_the_end
from tests.web.live.conftest import Live
from tests.web.live.conftest import live as live
from tests.web.live.conftest import site as site
from tests.web.publishing import build, send
from tests.web.test_site_browser import served

# ---- Markdown: whatever is typed, these elements and no others, and nowhere to go but to the web ----

ALLOWED = {
    *("html", "body", "div", "p", "br", "hr", "h3", "h4", "h5", "h6", "em", "strong", "code", "pre", "a"),
    *(
        "ul",
        "ol",
        "li",
        "blockquote",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "sup",
        "section",
        "span",
        "del",
    ),
}
ATTRIBUTES = {"href", "title", "class", "start", "scope", "style", "align", "role", "id"}


SHAPES = (
    *("{}", "x {} x", "- {}\n", "> {}", "**{}**", "    {}", "| a |\n|---|\n| {} |", "[{}](https://a.fr)"),
    *("x[^1]\n\n[^1]: {}", "```{}\nx\n```", "# {}", '[x](https://a.fr "{}")'),
)


def as_html(markdown: str) -> str:
    def as_typed(runs: Sequence[str | None]) -> list[str | None]:
        return list(runs)

    prose = read_prose(markdown, folder=Path(), where="x.md", line=1, typeset=as_typed)
    return to_html(prose, {})


def tame(html: str) -> None:
    for element in lxml.html.document_fromstring(f"<div>{html}</div>").iter():
        assert element.tag in ALLOWED, (element.tag, html)
        for name, value in element.attrib.items():
            assert name in ATTRIBUTES, (name, html)
            if name == "href":
                scheme = re.match(r"[\x00-\x20]*([a-zA-Z][\x00-\x20a-zA-Z0-9+.-]*):", str(value))
                known = ("http", "https", "mailto", "tel", "sms")
                assert scheme is None or scheme[1].lower() in known, html
            if name == "style":
                assert re.fullmatch(r"text-align: ?(left|right|center);?", str(value)), html


@pytest.mark.parametrize("text", [*SCRIPTS, *TEMPLATES], ids=str)
def test_html_in_an_article_is_text(text: str) -> None:
    for shape in (
        "{}",
        "x {} x",
        "- {}\n",
        "> {}",
        "**{}**",
        "    {}",
        "| a |\n|---|\n| {} |",
        "[{}](https://a.fr)",
        "x[^1]\n\n[^1]: {}",
        "```{}\nx\n```",
    ):
        tame(as_html(shape.format(text)))


@pytest.mark.parametrize("address", ADDRESSES, ids=str)
def test_a_link_leads_to_the_web_or_nowhere(address: str) -> None:
    for shape in ("[x]({})", "[x](<{}>)", "<{}>", '[x]({} "t")', "[x][y]\n\n[y]: {}", "[x][y]\n\n[y]: <{}>"):
        tame(as_html(shape.format(address)))


MARKS = st.sampled_from(
    (
        *"<>\"'`&[](){}!*_#|\\/=:;~^-+\n\t \0",
        *("<a ", "<!--", "](", "javascript:", "&#x6a;", "onerror=", "]: ", "```", "[^1]"),
    )
)


@given(st.lists(MARKS | st.sampled_from((*SCRIPTS, *ADDRESSES)), max_size=25).map("".join))
@settings(max_examples=400, deadline=None)
def test_no_mixture_of_marks_makes_an_element_of_its_own(text: str) -> None:
    if ":::" not in text and "![" not in text:
        tame(as_html(text))


# ---- in a browser that obeys no Content-Security-Policy, so that the pages alone must hold ----


WOULD_RUN = r"""
const script = /^[\s\x00-\x1f]*(javascript:|vbscript:|data:text|data:image.svg)/i;
const leads = /href|src|action|^data$/i;
return [...document.querySelectorAll("*")].flatMap(e => [...e.attributes])
  .filter(a => /^on/i.test(a.name) || (leads.test(a.name) && script.test(a.value)))
  .map(a => `${a.ownerElement.tagName} ${a.name}=${a.value}`.slice(0, 100))
"""


class Watched:
    """A window, and how often anything in it had a program run."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.ran: list[str] = []
        page.add_init_script("window.alert = text => console.error('RAN ' + document.URL)")
        page.on("console", self._note)
        page.on("dialog", self._dismiss)

    def _note(self, said: ConsoleMessage) -> None:
        if said.text.startswith("RAN"):
            self.ran.append(said.text)

    def _dismiss(self, dialog: Dialog) -> None:
        self.ran.append(dialog.message)
        dialog.dismiss()

    def holds(self) -> None:
        """Nothing ran, nor will when a link is followed."""
        for frame in self.page.frames:
            assert frame.evaluate(f"(() => {{ {WOULD_RUN} }})()") == []
        assert self.ran == []


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    path = needs("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def watched(chromium: Browser) -> Iterator[Watched]:
    context = chromium.new_context(bypass_csp=True)
    yield Watched(context.new_page())
    context.close()


def test_a_program_that_runs_is_seen(watched: Watched) -> None:
    watched.page.set_content("<img src=x onerror=alert(1)>")
    watched.page.wait_for_timeout(200)
    assert watched.ran
    with pytest.raises(AssertionError):
        watched.holds()


def quoted(text: str) -> str:
    """Text as YAML has it between single quotes, on one line."""
    return "'" + re.sub(r"[\x00-\x1f\u2028]", " ", text).replace("'", "''") + "'"


def hostile_issue(paper: Path, *, articles: int = 9) -> None:
    """An issue whose every text is one of them or several, with each of them in each kind of place."""
    texts = {}
    for number in range(articles):
        some = SCRIPTS[number::articles]
        body = "\n\n".join([*some, *(f"[x]({address})" for address in ADDRESSES)]).replace("\x0c", " ")
        title, author, section, source = (quoted(" ".join(some[n::4])) for n in range(4))
        texts[f"0{number + 1}_un{number}"] = (
            f"---\ntitle: {title}\nauthor: {author}\nsection: {section}\nsource: {source}\n"
            f"link: 'https://www.example.org/\"><script>alert(1)</script>'\n---\n{body}\n"
        )
    words = quoted(" ".join(SCRIPTS[:20]))
    issue = f"---\nsubject: {words}\npreheader: {words}\neditor: {words}\n---\n{SCRIPTS[0]}\n"
    write_issue(paper, "2026-11-23", issue=issue, **texts)


def test_no_page_of_the_site_runs_a_word_of_an_article(paper: Path, watched: Watched) -> None:
    hostile_issue(paper)
    send(paper, "2026-11-23")
    public = build(paper)
    pages = sorted(path.relative_to(public).as_posix() for path in public.rglob("*.html"))
    assert len(pages) >= 13
    with served(public) as address:
        for path in pages:
            watched.page.goto(address + path)
            watched.holds()
        watched.page.goto(f"{address}archive/")
        watched.page.get_by_label("Chercher dans tous les articles").fill("alert")
        watched.page.wait_for_selector("#found li")
        watched.holds()


def test_the_light_table_runs_no_word_of_an_article(paper: Path, watched: Watched) -> None:
    hostile_issue(paper, articles=2)
    for table in until_the_end(started(paper)):
        see(table, watched)


def see(table: LightTable, watched: Watched) -> None:
    watched.page.goto(f"{table.address}/")
    watched.page.frame_locator("iframe").locator("h1").first.wait_for()
    watched.page.wait_for_selector("#found *")
    watched.holds()
    for asked in ("show=mail", "show=web", "show=web&article=un1"):
        if table.ask(f"/view/2026-11-23?{asked}").status == 200:
            watched.page.goto(f"{table.address}/view/2026-11-23?{asked}&name={SCRIPTS[0]}")
            watched.holds()


def test_no_page_that_answers_runs_what_was_typed(live: Live, watched: Watched) -> None:
    lea = live.add()
    mine = live.mine_path(lea)
    answers: list[Callable[[str], str]] = [
        lambda text: live.sign_up(text).text,
        lambda text: live.post("join", {"email": text, "website": text}).text,
        lambda text: live.post("join", {"email": "a@b.fr", "page": text, "box": text, "nonce": text}).text,
        lambda text: live.post(mine, {"do": "move", "email": text}).text,
        lambda text: live.post(mine, {"do": "pause", "until": text}).text,
        lambda text: live.get("join", params={"email": text}, headers={"Referer": "https://a.fr/x"}).text,
    ]
    for number, answer in enumerate(answers):
        some = [text for text in SCRIPTS[number % 3 :: 3] if "\u2028" not in text]
        page = "".join(f"<section>{answer(text)}</section>" for text in some)
        watched.page.set_content(page)
        watched.holds()
        assert "<script" not in page.lower()


# ---- templates ----


def test_what_looks_like_a_template_is_shown_as_it_was_typed(paper: Path, newsletter: Newsletter) -> None:
    """In an article, its head and the issue's; in both parts of the mail and on the site."""
    text = "\n\n".join(f"`{each}`" for each in TEMPLATES)
    title = quoted(" ".join(TEMPLATES[:8]))
    article = f"---\ntitle: {title}\nauthor: {quoted(TEMPLATES[8])}\n---\n{text}\n"
    issue = f"---\nsubject: {quoted(TEMPLATES[0])}\npreheader: {title}\n---\n`{TEMPLATES[5]}`\n"
    write_issue(paper, "2026-11-23", issue=issue, **{"01_un": article})
    assert newsletter("build", "2026-11-23", "-o", "built").code == 0
    send(paper, "2026-11-23")
    mail = email.message_from_bytes((paper / "built/issue.eml").read_bytes(), policy=email.policy.default)
    assert mail["subject"] == TEMPLATES[0]
    plain = (paper / "built/issue.txt").read_text(encoding="utf-8")
    html = (paper / "built/issue.html").read_text(encoding="utf-8")
    page = (build(paper) / "2026-11-23/un/index.html").read_text(encoding="utf-8")
    for each in TEMPLATES:
        assert each in plain, each
        for markup in (html, page):
            assert each in lxml.html.document_fromstring(markup).text_content(), each
    assert "root:" not in plain + html + page
    assert "subclasses" in plain


def test_what_looks_like_a_template_in_a_readers_name_is_their_name(
    paper: Path, newsletter: Newsletter
) -> None:
    greeting = paper / "templates/mail/issue.txt.j2"
    text = 'Bonjour {{ field("name") }} !\n' + greeting.read_text(encoding="utf-8")
    greeting.write_text(text, encoding="utf-8")
    for number, name in enumerate(TEMPLATES):
        assert newsletter("readers", "add", f"lea{number}@example.org", "--name", name).code == 0
    assert newsletter("send", "--yes").code == 0
    for number, name in enumerate(TEMPLATES):
        (written,) = (paper / ".newsletter").rglob(f"lea{number}@example.org-*.eml")
        mail = email.message_from_bytes(written.read_bytes(), policy=email.policy.default)
        plain = mail.get_body(("plain",))
        assert plain
        assert plain.get_content().startswith(f"Bonjour {name} !\r\n")
