"""What the site tells -> its pages, by the templates in `templates/web/`."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from newsletter.compose.pictures.card import HEIGHT, WIDTH, Card, draw
from newsletter.compose.templates import Templates, safe
from newsletter.compose.typeset import line_setter, logo
from newsletter.compose.words import Words
from newsletter.config import Look
from newsletter.errors import TemplateError
from newsletter.model import Publication
from newsletter.web import structured
from newsletter.web.boxes import Boxes
from newsletter.web.told import WebArticle, WebIssue, base_of, headings

RECENT = 5
"""Issues on the front page, after the latest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What stands in a page's head.

    `path` is its address below the site's own, "" for the front page and None for one that has no address;
    `card` is the path of the picture that other sites show, `structured` what is told to machines.
    """

    path: str | None
    title: str
    description: str
    card: str = "card.png"
    kind: str = "website"
    published: str = ""
    author: str = ""
    section: str = ""
    structured: Mapping[str, object] = field(default_factory=dict)
    script: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """A month of issues, the newest first; `name` is "novembre 2026"."""

    key: str
    name: str
    issues: tuple[WebIssue, ...]

    @property
    def year(self) -> str:
        return self.key[:4]

    @property
    def path(self) -> str:
        return f"archive/{self.key}/"


class Pages:
    """The pages of the publication in the folder `root`; to make any may raise TemplateError.

    A page is one string of HTML that loads nothing but `style()`, `icon()`, `logo`, its pictures and, in the
    archive, `script()`. Issues are given the newest first. A damaged logo raises ContentError.
    """

    def __init__(self, publication: Publication, look: Look, *, root: Path) -> None:
        templates = root / "templates"
        self._plain = publication
        self._words = Words(publication.language, templates / "words")
        self._engine = Templates(templates, self._words, look.theme, blanks=False)
        one = line_setter(publication, look)
        self._publication = replace(
            publication, name=one(publication.name), postal_address=one(publication.postal_address)
        )
        self._look = look
        self.boxes = Boxes(publication, self._words, one)
        base = base_of(publication)
        self.logo = logo(publication, look, root=root, src=lambda name: f"{base}/{name}")
        self.name = self._publication.name
        self.advertisement = str(self._words.translations.gettext("Advertisement"))

    # ---- pages ----

    def front(self, issues: Sequence[WebIssue]) -> str:
        """The front page: why to sign up, the latest issue, a few before it."""
        turn = issues[0].day.toordinal() if issues else 0
        promise = self.boxes.pitch(turn)
        return self._page(
            "front",
            Page(path="", title=self.name, description=promise),
            promise=promise,
            boxes=self.boxes.pair(turn + 1),
            latest=issues[0] if issues else None,
            recent=issues[1 : 1 + RECENT],
        )

    def issue_page(
        self, issue: WebIssue, *, earlier: WebIssue | None = None, later: WebIssue | None = None
    ) -> str:
        """A whole issue; `earlier` and `later` are its neighbours."""
        page = Page(
            path=issue.path,
            title=issue.subject,
            description=issue.lead,
            card=f"{issue.path}card.png",
            kind="article",
            published=issue.at.isoformat(),
            structured=structured.of_issue(issue, self._publication),
        )
        return self._page(
            "issue",
            page,
            issue=issue,
            boxes=self.boxes.pair(issue.day.toordinal()),
            earlier=earlier,
            later=later,
        )

    def article_page(
        self,
        article: WebArticle,
        issue: WebIssue,
        *,
        also: Sequence[WebArticle] = (),
    ) -> str:
        """One article of an issue; `also` is what else one might like to read."""
        at = issue.articles.index(article)
        page = Page(
            path=article.path,
            title=article.title,
            description=article.lead,
            card=f"{article.path}card.png",
            kind="article",
            published=issue.at.isoformat(),
            author=article.author,
            section=article.section,
            structured=structured.of_article(article, issue, self._publication),
        )
        return self._page(
            "article",
            page,
            article=article,
            issue=issue,
            boxes=self.boxes.pair(article.day.toordinal() + 2 * article.number),
            earlier=issue.articles[at - 1] if at else None,
            later=issue.articles[at + 1] if at + 1 < len(issue.articles) else None,
            also=also,
        )

    def archive(self, months: Sequence[Month]) -> str:
        """The archive: search, the latest month, and the way to all others."""
        title = self._say("Past issues")
        return self._page(
            "archive",
            Page(path="archive/", title=title, description=self._about_archive(), script=True),
            boxes=self.boxes.pair(len(months)),
            months=months,
            month=months[0] if months else None,
        )

    def month(self, month: Month, months: Sequence[Month]) -> str:
        """One month of the archive."""
        name = month.name[:1].upper() + month.name[1:]
        return self._page(
            "archive",
            Page(path=month.path, title=name, description=self._about_archive(), script=True),
            boxes=self.boxes.pair(months.index(month)),
            months=months,
            month=month,
        )

    def privacy(self) -> str:
        """What becomes of readers' data."""
        title = self._say("Your data")
        return self._page("privacy", Page(path="privacy/", title=title, description=title))

    def missing(self) -> str:
        """What a server shows for an address that leads nowhere."""
        title = self._say("This page does not exist")
        return self._page("missing", Page(path=None, title=title, description=title))

    def live(self, name: str, **values: object) -> str:
        """A page that answers somebody, `web/live/NAME.html.j2`; its title stands in the template."""
        return self._page(f"live/{name}", Page(path=None, title="", description=self.name), **values)

    def form(self) -> str:
        """The form to sign up with, for a page of somebody else's."""
        return self._page("form", Page(path=None, title="", description=""), box=self.boxes.pair(0)[0])

    # ---- what pages are made with ----

    def months(self, issues: Sequence[WebIssue]) -> list[Month]:
        """The issues by month."""
        found: dict[str, list[WebIssue]] = {}
        for issue in issues:
            found.setdefault(issue.month, []).append(issue)
        return [
            Month(key=key, name=self._words.month_in_words(inside[0].day), issues=tuple(inside))
            for key, inside in found.items()
        ]

    def style(self) -> str:
        """The one style sheet of all pages, at `site.css`."""
        return self._engine.render("web/site.css.j2", {"look": self._look})

    def script(self) -> str:
        """What searches, at `search.js`."""
        return self._engine.render("web/search.js.j2", {})

    def icon(self) -> str:
        """The site's sign in a browser's tab, an SVG drawing, at `icon.svg`."""
        letter = next((character for character in self.name if character.isalnum()), "·").upper()
        return self._engine.render("web/icon.svg.j2", {"look": self._look, "letter": letter})

    def card(self, title: str, below: str) -> bytes:
        """The picture of a page for other sites, a PNG."""
        return draw(Card(name=self.name, title=title, below=below, **self._colours))

    @cached_property
    def _colours(self) -> Mapping[str, str]:
        light = self._engine.names("mail/palette.j2", {"look": self._look})["light"]
        return {name: light[name] for name in ("ink", "soft", "rule", "accent")} | {"ground": light["tint"]}

    def card_of_front(self, issues: Sequence[WebIssue]) -> bytes:
        """The front page's card, with the promise that stands there."""
        return self.card(self.boxes.pitch(issues[0].day.toordinal() if issues else 0), "")

    def card_of_issue(self, issue: WebIssue) -> bytes:
        return self.card(issue.subject, self._words.day_in_words(issue.day))

    def card_of_article(self, article: WebArticle) -> bytes:
        label = self.advertisement if article.sponsored else article.section
        by = self._say("By %(author)s") % {"author": article.author} if article.author else ""
        day = self._words.day_in_words(article.day)
        return self.card(article.title, " · ".join(part for part in (label, by, day) if part))

    @cached_property
    def _stamp(self) -> str:
        """Changes with the sheet and the script, so that a browser does not keep what is old."""
        return hashlib.sha256((self.style() + self.script()).encode()).hexdigest()[:8]

    def _about_archive(self) -> str:
        return self._say("Every issue of %(name)s, by month.") % {"name": self.name}

    def _say(self, text: str) -> str:
        return str(self._words.translations.gettext(text))

    def _page(self, name: str, page: Page, **values: object) -> str:
        url, base = self._publication.url, base_of(self._publication)
        to: Callable[[str], str] = lambda path: f"{base}/{path}"  # noqa: E731
        whole: Callable[[str], str] = lambda path: f"{url}/{path}"  # noqa: E731
        template = f"web/{name}.html.j2"
        html = self._engine.render(
            template,
            {
                "publication": self._publication,
                "look": self._look,
                "logo": self.logo,
                "page": page,
                "to": to,
                "whole": whole,
                "day_in_words": self._words.day_in_words,
                "duration": self._words.duration,
                "stamp": self._stamp,
                "lower": lambda html: safe(headings(html, 1)),
                "card_width": WIDTH,
                "card_height": HEIGHT,
                "contact": self._plain.reply_to or self._plain.sender.address,
                **values,
            },
        )
        if not html.strip():
            hint = "fill it, or copy it from a new publication: newsletter init another-paper"
            raise TemplateError("gives an empty page", where=f"templates/{template}", hint=hint)
        return html
