"""Issue -> its texts typeset, its pictures ready: what a mail and a web page are both written from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

from newsletter.compose.issue import shown_path
from newsletter.compose.pictures.prepared import prepare
from newsletter.compose.prose import Prose, Typeset, read_prose
from newsletter.compose.reading_time import count_words, reading_seconds
from newsletter.compose.templates import safe
from newsletter.compose.typography import typeset_runs
from newsletter.config import Look
from newsletter.errors import ContentError
from newsletter.fields import MARK
from newsletter.model import Article, Issue, Picture, Publication, Rendition

COLUMN = 552
"""CSS pixels of the text column and of its pictures: a mail's 600 less a margin of 24 on both sides."""

LOGO = 280
"""CSS pixels that a logo is wide at most."""

Html = Callable[[Prose, Mapping[Path, Rendition], str], str]
"""A text, its pictures and the slug of its article, "" for the opening -> the HTML of one medium."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypesetArticle:
    """An article as templates see it: every text typeset, `html` and `prose` its body, addresses complete.

    `web_url` is the article's page, "" while the publication has no web site; `picture` is None or ready to
    show, `seconds` is its reading time.
    """

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
    prose: Prose
    seconds: int
    web_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TypesetIssue:
    """An issue with every text typeset; `renditions` are all its pictures, `logo` too, each once.

    `opening` is HTML, `opening_prose` the same text; `seconds` is how long the whole takes to read.
    """

    key: str
    day: date
    subject: str
    preheader: str
    editor: str
    opening: str
    opening_prose: Prose
    articles: tuple[TypesetArticle, ...]
    seconds: int
    logo: Rendition | None
    renditions: tuple[Rendition, ...]


def typeset(
    issue: Issue,
    publication: Publication,
    look: Look,
    *,
    root: Path,
    src: Callable[[str], str],
    html: Html,
) -> TypesetIssue:
    """The issue typeset for one medium, which calls a picture's name `src` and writes a text by `html`.

    `root` is what file names in errors are relative to. Raises ContentError with file and line.
    """
    runs = _runs(publication, look)
    one = line_setter(publication, look)
    pictures = _Pictures(issue.folder, src)
    _refuse_marks(issue, root)

    def prose(text: str, source: Path, line: int) -> Prose:
        where = shown_path(source, root)
        return read_prose(text, folder=issue.folder, where=where, line=line, typeset=runs)

    def written(text: Prose, slug: str) -> str:
        shown = {picture.path: pictures.rendition(picture) for picture in text.pictures}
        return safe(html(text, shown, slug))

    def typeset_article(article: Article) -> TypesetArticle:
        body = prose(article.body, article.source, article.body_line)
        shown = article.picture
        return TypesetArticle(
            number=article.number,
            slug=article.slug,
            title=one(article.title),
            author=one(article.author),
            section=one(article.section),
            link=article.link,
            link_name=one(article.link_name),
            sponsored=article.sponsored,
            picture=pictures.rendition(shown) if shown else None,
            alt=one(shown.alt) if shown else "",
            credit=one(shown.credit) if shown else "",
            html=written(body, article.slug),
            prose=body,
            seconds=reading_seconds(count_words(article.title) + body.words, look.words_per_minute),
            web_url=f"{publication.url}/{issue.key}/{article.slug}/" if publication.url else "",
        )

    opening = prose(issue.opening, issue.folder / "issue.md", issue.opening_line)
    articles = tuple(typeset_article(article) for article in issue.articles)
    total = opening.words + sum(count_words(article.title) + article.prose.words for article in articles)
    shown_logo = pictures.logo(publication, look, root)
    return TypesetIssue(
        key=issue.key,
        day=issue.day,
        subject=one(issue.subject),
        preheader=one(issue.preheader),
        editor=one(issue.editor),
        opening=written(opening, ""),
        opening_prose=opening,
        articles=articles,
        seconds=reading_seconds(total, look.words_per_minute),
        logo=shown_logo,
        renditions=tuple(pictures.renditions.values()),
    )


def logo(publication: Publication, look: Look, *, root: Path, src: Callable[[str], str]) -> Rendition | None:
    """The publication's logo, a file inside its folder `root`, if it has one; raises ContentError."""
    if not look.logo:
        return None
    picture = Picture(path=root / look.logo, alt=publication.name, where=look.logo_where)
    return prepare(picture, folder=root, display_width=LOGO, src=src)


def line_setter(publication: Publication, look: Look) -> Callable[[str], str]:
    """What typesets a text of one line, such as a title, for this publication."""
    runs = _runs(publication, look)
    return lambda text: runs([text])[0] or ""


def _runs(publication: Publication, look: Look) -> Typeset:
    return partial(typeset_runs, language=publication.language, no_break_spaces=look.no_break_spaces)


class _Pictures:
    """The renditions of one issue, each made once."""

    def __init__(self, folder: Path, src: Callable[[str], str]) -> None:
        self.renditions: dict[Path, Rendition] = {}
        self._folder = folder
        self._src = src

    def rendition(self, picture: Picture) -> Rendition:
        if picture.path not in self.renditions:
            self.renditions[picture.path] = prepare(
                picture, folder=self._folder, display_width=COLUMN, src=self._src
            )
        return self.renditions[picture.path]

    def logo(self, publication: Publication, look: Look, root: Path) -> Rendition | None:
        made = logo(publication, look, root=root, src=self._src)
        if made:
            self.renditions[root / look.logo] = made
        return made


def _refuse_marks(issue: Issue, root: Path) -> None:
    """No text may contain the mark of a blank: it would be filled in for each reader."""
    texts = [(issue.folder / "issue.md", issue.subject + issue.preheader + issue.editor + issue.opening)]
    for article in issue.articles:
        shown = (article.picture.alt + article.picture.credit) if article.picture else ""
        said = article.title + article.author + article.section + article.link + article.link_name
        texts.append((article.source, said + shown + article.body))
    for source, text in texts:
        if MARK in text:
            where = shown_path(source, root)
            raise ContentError(f"{MARK!r} is reserved for the press", where=where, hint="write it otherwise")
