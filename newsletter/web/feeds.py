"""Issues -> feeds, an article an entry, with the whole text."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

from feedgenerator import Atom1Feed, Rss201rev2Feed

from newsletter.model import Publication
from newsletter.web.told import WebArticle, WebIssue, base_of, cut

ISSUES = 10
"""Two weeks of working days."""

_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class _Atom(Atom1Feed):  # type: ignore[misc]
    def latest_post_date(self) -> datetime:
        """When the newest entry is of; the library would take the clock's time for a feed without any."""
        return max((item["updateddate"] for item in self.items), default=_NEVER)


class _Rss(Rss201rev2Feed):  # type: ignore[misc]
    """RSS 2.0 with the short summary and the whole text in the elements made for each."""

    latest_post_date = _Atom.latest_post_date

    def rss_attributes(self) -> dict[str, str]:
        return {**super().rss_attributes(), "xmlns:content": "http://purl.org/rss/1.0/modules/content/"}

    def add_item_elements(self, handler: Any, item: Any) -> None:
        super().add_item_elements(handler, item)
        handler.addQuickElement("content:encoded", item["content"])


def atom(issues: Sequence[WebIssue], publication: Publication, *, name: str, advertisement: str) -> bytes:
    """The Atom feed (RFC 4287) of these issues, the newest first; see `rss`."""
    feed = _feed(_Atom, "feed.atom", publication, name)
    return _written(feed, issues, publication, advertisement)


def rss(issues: Sequence[WebIssue], publication: Publication, *, name: str, advertisement: str) -> bytes:
    """The RSS 2.0 feed of these issues; `name` is the publication's, typeset.

    `advertisement` is the word that stands before the title of a sponsored article.
    """
    return _written(_feed(_Rss, "feed.rss", publication, name), issues, publication, advertisement)


def _feed(kind: type[_Atom] | type[_Rss], file: str, publication: Publication, name: str) -> _Atom | _Rss:
    return kind(
        title=name,
        link=f"{publication.url}/",
        description=publication.pitches[0] if publication.pitches else name,
        language=publication.language,
        author_name=name,
        feed_url=f"{publication.url}/{file}",
    )


def _written(
    feed: _Atom | _Rss, issues: Sequence[WebIssue], publication: Publication, advertisement: str
) -> bytes:
    for issue in issues[:ISSUES]:
        for article in issue.articles:
            title = f"{advertisement}\u00a0: {article.title}" if article.sponsored else article.title
            feed.add_item(
                title=_NOT_XML.sub("", title),
                link=f"{publication.url}/{article.path}",
                description=_NOT_XML.sub("", escape(cut(article.text, 300))),
                content=_NOT_XML.sub("", _body(article, publication)),
                author_name=_NOT_XML.sub("", article.author) or None,
                pubdate=issue.at,
                updateddate=issue.at,
                unique_id=f"{publication.url}/{article.path}",
                unique_id_is_permalink=True,
                categories=(_NOT_XML.sub("", article.section),) if article.section else (),
            )
    return str(feed.writeString("utf-8")).encode()


def _body(article: WebArticle, publication: Publication) -> str:
    """The article with its picture, addresses whole: a feed is read elsewhere."""
    html = str(article.html)
    if shown := article.picture:
        size = f'width="{shown.width}" height="{shown.height}"'
        html = f'<p><img src="{shown.src}" alt="{escape(article.alt)}" {size}></p>\n{html}'
    # Text cannot hold this: its quotation marks are escaped.
    html = html.replace(
        f'src="{base_of(publication)}/{article.key}/', f'src="{publication.url}/{article.key}/'
    )
    return html.replace('href="#', f'href="{publication.url}/{article.path}#')
