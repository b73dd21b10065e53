"""Issues -> all files of the site, each with its path and its bytes."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from newsletter.model import Publication, Rendition
from newsletter.web import feeds, search
from newsletter.web.pages import Pages
from newsletter.web.told import WebArticle, WebIssue

ALSO = 3
"""Articles that one is pointed to after an article."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file of the site: `path` is below its folder, with slashes."""

    path: str
    content: bytes


def pictures(issue: WebIssue, renditions: Iterable[Rendition], pages: Pages) -> Iterator[File]:
    """An issue's pictures: its articles' own, and the cards that other sites show."""
    for rendition in renditions:
        yield File(path=f"{issue.path}pictures/{rendition.name}", content=rendition.content)
    yield File(path=f"{issue.path}card.png", content=pages.card_of_issue(issue))
    for article in issue.articles:
        yield File(path=f"{article.path}card.png", content=pages.card_of_article(article))


def pages_of(
    issues: Sequence[WebIssue], coming: Sequence[WebIssue], publication: Publication, pages: Pages
) -> Iterator[File]:
    """All files but pictures of the site with these issues, the newest first.

    `coming` are issues that have their pages, but that nothing leads to yet. What leads to other files comes
    after them. Raises TemplateError.
    """
    yield _page("site.css", pages.style())
    yield _page("search.js", pages.script())
    yield _page("icon.svg", pages.icon())
    yield File(path="card.png", content=pages.card_of_front(issues))
    yield _page("privacy/index.html", pages.privacy())
    yield _page("404.html", pages.missing())
    if pages.logo:
        yield File(path=pages.logo.name, content=pages.logo.content)
    for issue in coming:
        before = [other for other in issues if other.day < issue.day]
        yield from _issue(issue, pages, _also([issue, *before]), earlier=before[0] if before else None)
    also = _also(issues)
    for at, issue in enumerate(issues):
        later = issues[at - 1] if at else None
        earlier = issues[at + 1] if at + 1 < len(issues) else None
        yield from _issue(issue, pages, also, earlier=earlier, later=later)
    months = pages.months(issues)
    for month in months:
        yield _page(f"{month.path}index.html", pages.month(month, months))
    yield _page("archive/index.html", pages.archive(months))
    yield _page("index.html", pages.front(issues))
    yield File(path="search.json", content=search.index(issues))
    named = {"name": pages.name, "advertisement": pages.advertisement}
    yield File(path="feed.atom", content=feeds.atom(issues, publication, **named))
    yield File(path="feed.rss", content=feeds.rss(issues, publication, **named))
    yield File(path="sitemap.xml", content=_sitemap(issues, [month.path for month in months], publication))


def _issue(
    issue: WebIssue,
    pages: Pages,
    also: dict[str, list[WebArticle]],
    *,
    earlier: WebIssue | None = None,
    later: WebIssue | None = None,
) -> Iterator[File]:
    for article in issue.articles:
        html = pages.article_page(article, issue, also=also.get(article.path, ()))
        yield _page(f"{article.path}index.html", html)
    yield _page(f"{issue.path}index.html", pages.issue_page(issue, earlier=earlier, later=later))


def _page(path: str, text: str) -> File:
    return File(path=path, content=text.encode())


def _also(issues: Sequence[WebIssue]) -> dict[str, list[WebArticle]]:
    """Path of each article -> what else one might read: its section's last ones before it, then its issue's.

    Advertisements are not pointed to. Since nothing newer is, old pages stay as they are when issues come.
    """
    latest: dict[str, deque[WebArticle]] = {}
    found: dict[str, list[WebArticle]] = {}
    for issue in reversed(issues):
        own = [article for article in issue.articles if not article.sponsored]
        for article in issue.articles:
            before = latest.get(article.section, ()) if article.section else ()
            # The page leads to its neighbours in the issue anyhow.
            at = issue.articles.index(article)
            beside = issue.articles[max(0, at - 1) : at + 2]
            far = [other for other in own if other not in beside]
            near = [other for other in own if other in beside and other is not article]
            found[article.path] = [*before, *far, *near][:ALSO]
        for article in reversed(own):
            latest.setdefault(article.section, deque(maxlen=ALSO)).appendleft(article)
    return found


def _sitemap(issues: Sequence[WebIssue], months: Sequence[str], publication: Publication) -> bytes:
    """The sitemap (https://www.sitemaps.org/protocol.html) of all pages."""
    newest = issues[0].key if issues else ""
    rows = [("", newest), ("archive/", newest), *((path, "") for path in months), ("privacy/", "")]
    for issue in issues:
        rows.append((issue.path, issue.key))
        rows += [(article.path, issue.key) for article in issue.articles]
    urls = "".join(
        f"<url><loc>{escape(f'{publication.url}/{path}')}</loc>"
        + (f"<lastmod>{day}</lastmod>" if day else "")
        + "</url>\n"
        for path, day in rows
    )
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
    return f"{head}{urls}</urlset>\n".encode()
