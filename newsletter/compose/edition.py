"""Issue -> Edition: the whole of composing, on one screen."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path

from newsletter.calendar import next_working_day
from newsletter.compose import markup
from newsletter.compose.issue import shown_path
from newsletter.compose.pictures.prepared import prepare
from newsletter.compose.prose import Prose, Typeset, read_prose, to_html
from newsletter.compose.reading_time import count_words, reading_seconds
from newsletter.compose.templates import Templates, safe
from newsletter.compose.text import References, tidy, to_text
from newsletter.compose.typography import typeset_runs
from newsletter.compose.words import Words
from newsletter.config import Look
from newsletter.errors import ContentError
from newsletter.fields import MARK
from newsletter.model import Article, Edition, Issue, Picture, Publication, Rendition

COLUMN = 552
"""CSS pixels of the mail's text column and of its pictures: 600 less a margin of 24 on both sides."""


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


def compose(issue: Issue, publication: Publication, look: Look, *, templates: Path, root: Path) -> Edition:
    """The finished edition of an issue, the same for the same input; the network is not touched.

    `templates` is the templates folder and `root` what file names in errors are relative to. Raises
    ContentError or TemplateError with file and line.
    """
    words = Words(publication.language, templates / "words")
    engine = Templates(templates, words, look.theme)
    typeset: Typeset = partial(
        typeset_runs, language=publication.language, no_break_spaces=look.no_break_spaces
    )
    pictures = _Pictures(issue, publication, look)
    _refuse_marks(issue, root)

    def prose(text: str, source: Path, line: int) -> Prose:
        where = shown_path(source, root)
        return read_prose(text, folder=issue.folder, where=where, line=line, typeset=typeset)

    def one(text: str) -> str:
        return typeset([text])[0] or ""

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
            html=safe(to_html(body, {p.path: pictures.rendition(p) for p in body.pictures})),
            prose=body,
            seconds=reading_seconds(count_words(article.title) + body.words, look.words_per_minute),
            web_url=f"{publication.url}/{issue.key}/{article.slug}/" if publication.url else "",
        )

    opening = prose(issue.opening, issue.folder / "issue.md", issue.opening_line)
    articles = tuple(typeset_article(article) for article in issue.articles)
    total = opening.words + sum(count_words(article.title) + article.prose.words for article in articles)
    seconds = reading_seconds(total, look.words_per_minute)
    references = References()
    values: Mapping[str, object] = {
        "publication": replace(
            publication, name=one(publication.name), postal_address=one(publication.postal_address)
        ),
        "look": look,
        "logo": pictures.logo(root),
        "subject": one(issue.subject),
        "preheader": one(issue.preheader),
        "editor": one(issue.editor),
        "date_in_words": words.day_in_words(issue.day),
        "next_day": words.next_day(issue.day, next_working_day(issue.day, publication.country)),
        "pitch": one(_pitch(publication, issue.day)),
        "opening": safe(to_html(opening, {p.path: pictures.rendition(p) for p in opening.pictures})),
        "opening_prose": opening,
        "articles": articles,
        "reading_time": words.duration(seconds),
        "duration": words.duration,
        "web_url": f"{publication.url}/{issue.key}/" if publication.url else "",
        "archive_url": f"{publication.url}/archive/" if publication.url else "",
        "column": COLUMN,
        "text": lambda text: to_text(text, references, picture=words.picture),
        "reference": references.number,
        "references": references.addresses,
    }
    mjml = engine.render("mail/issue.mjml.j2", values)
    css = engine.render("mail/article.css.j2", values)
    return Edition(
        key=issue.key,
        subject=one(issue.subject),
        preheader=one(issue.preheader),
        html=markup.to_html(mjml, css),
        text=tidy(engine.render("mail/issue.txt.j2", values)),
        sender=publication.sender,
        reply_to=publication.reply_to,
        renditions=tuple(pictures.renditions.values()),
        embedded=pictures.embedded,
        reading_seconds=seconds,
        mjml=mjml,
    )


class _Pictures:
    """The renditions of one edition, each made once; `embedded` says how the HTML refers to them."""

    def __init__(self, issue: Issue, publication: Publication, look: Look) -> None:
        self.embedded = look.pictures == "embedded" or not publication.url
        self.renditions: dict[Path, Rendition] = {}
        self._issue = issue
        self._publication = publication
        self._look = look

    def rendition(self, picture: Picture) -> Rendition:
        if picture.path not in self.renditions:
            self.renditions[picture.path] = prepare(
                picture, folder=self._issue.folder, display_width=COLUMN, src=self._src
            )
        return self.renditions[picture.path]

    def logo(self, root: Path) -> Rendition | None:
        """The publication's logo, a file inside its folder, at most 280 pixels wide."""
        if not self._look.logo:
            return None
        path = root / self._look.logo
        picture = Picture(path=path, alt=self._publication.name, where=self._look.logo_where)
        self.renditions[path] = prepare(picture, folder=root, display_width=280, src=self._src)
        return self.renditions[path]

    def _src(self, name: str) -> str:
        if self.embedded:
            return f"cid:{name}@{self._publication.sender.domain}"
        return f"{self._publication.url}/{self._issue.key}/pictures/{name}"


def _pitch(publication: Publication, day: date) -> str:
    """The sign-up pitches take turns, one a day."""
    return publication.pitches[day.toordinal() % len(publication.pitches)] if publication.pitches else ""


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
