"""Issue -> what a web site tells of it: light, so that years of issues are at hand at once."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit

from newsletter.compose.templates import safe
from newsletter.compose.typeset import TypesetArticle, TypesetIssue, typeset
from newsletter.compose.web_html import to_web_html
from newsletter.config import Look
from newsletter.model import Issue, Publication, Rendition

DESCRIPTION = 155
"""Characters that search engines show of a page's description."""

_TAG = re.compile(r"<[^>]*>")
_INSIDE = re.compile(r"</?(?:a|code|em|strong)\b[^>]*>")
_NOTES = re.compile(r'<div class="notes">.*\Z|<sup>.*?</sup>', re.DOTALL)
_SPACES = re.compile(r"[ \t\n]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class WebArticle:
    """An article as the site tells it; `path` is its page's, below the site's own address.

    `html` is the body for a page on which the title is the first heading, `text` the same without markup,
    `lead` its first words. `picture` is without its content.
    """

    key: str
    day: date
    path: str
    number: int
    slug: str
    title: str
    author: str
    section: str
    link: str
    link_name: str
    sponsored: bool
    picture: Rendition | None
    alt: str
    credit: str
    html: str
    text: str
    lead: str
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WebIssue:
    """An issue as the site tells it; `at` is when it was meant to be out, in the publication's zone."""

    key: str
    day: date
    at: datetime
    path: str
    subject: str
    preheader: str
    editor: str
    opening: str
    lead: str
    articles: tuple[WebArticle, ...]
    seconds: int

    @property
    def month(self) -> str:
        return self.key[:7]


def base_of(publication: Publication) -> str:
    """What stands before every path on the site: "" or, for a site inside of another, "/actu"."""
    return urlsplit(publication.url).path.rstrip("/")


def tell(
    issue: Issue, publication: Publication, look: Look, *, root: Path, at: datetime
) -> tuple[WebIssue, Sequence[Rendition]]:
    """What the site tells of an issue meant to be out `at`, and all its pictures, whole.

    A picture's page is `KEY/pictures/NAME`, as in the mail. Raises ContentError with file and line.
    """
    base = base_of(publication)

    def src(name: str) -> str:
        return f"{base}/{issue.key}/pictures/{name}"

    ready = typeset(issue, publication, look, root=root, src=src, html=to_web_html)
    return _told(ready, at), ready.renditions


def _told(issue: TypesetIssue, at: datetime) -> WebIssue:
    return WebIssue(
        key=issue.key,
        day=issue.day,
        at=at,
        path=f"{issue.key}/",
        subject=issue.subject,
        preheader=issue.preheader,
        editor=issue.editor,
        opening=issue.opening,
        lead=cut(issue.preheader or plain(issue.opening)),
        articles=tuple(_article(issue, article) for article in issue.articles),
        seconds=issue.seconds,
    )


def _article(issue: TypesetIssue, article: TypesetArticle) -> WebArticle:
    text = plain(article.html)
    return WebArticle(
        key=issue.key,
        day=issue.day,
        path=f"{issue.key}/{article.slug}/",
        number=article.number,
        slug=article.slug,
        title=article.title,
        author=article.author,
        section=article.section,
        link=article.link,
        link_name=article.link_name,
        sponsored=article.sponsored,
        picture=_bare(article.picture),
        alt=article.alt,
        credit=article.credit,
        html=safe(headings(article.html, -1)),
        text=text,
        lead=cut(text),
        seconds=article.seconds,
    )


def _bare(picture: Rendition | None) -> Rendition | None:
    return replace(picture, content=b"") if picture else None


def headings(html: str, by: int) -> str:
    """A text of ours with its headings so many levels lower, or higher."""
    return re.sub(r"(</?h)([2-6])(?=>)", lambda match: f"{match[1]}{int(match[2]) + by}", html)


def plain(html: str) -> str:
    """The words of a text of ours without its notes, on one line."""
    return _SPACES.sub(" ", unescape(_TAG.sub(" ", _INSIDE.sub("", _NOTES.sub("", html))))).strip(" ")


def cut(text: str, length: int = DESCRIPTION) -> str:
    """The first words of a text, as many as `length` characters hold."""
    if len(text) <= length:
        return text
    return f"{text[: text.rfind(' ', 0, length)] if ' ' in text[:length] else text[: length - 1]}…"
