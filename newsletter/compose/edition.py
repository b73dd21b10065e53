"""Issue -> Edition: the whole of composing, on one screen."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

from newsletter.calendar import next_working_day
from newsletter.compose import markup
from newsletter.compose.prose import Prose, to_html
from newsletter.compose.templates import Templates
from newsletter.compose.text import References, tidy, to_text
from newsletter.compose.typeset import COLUMN, line_setter, typeset
from newsletter.compose.words import Words
from newsletter.config import Look
from newsletter.model import Edition, Issue, Publication, Rendition


def compose(issue: Issue, publication: Publication, look: Look, *, templates: Path, root: Path) -> Edition:
    """The finished edition of an issue, the same for the same input; the network is not touched.

    `templates` is the templates folder and `root` what file names in errors are relative to. Raises
    ContentError or TemplateError with file and line.
    """
    words = Words(publication.language, templates / "words")
    engine = Templates(templates, words, look.theme)
    embedded = look.pictures == "embedded" or not publication.url

    def src(name: str) -> str:
        if embedded:
            return f"cid:{name}@{publication.sender.domain}"
        return f"{publication.url}/{issue.key}/pictures/{name}"

    def html(prose: Prose, pictures: Mapping[Path, Rendition], _slug: str) -> str:
        return to_html(prose, pictures)

    ready = typeset(issue, publication, look, root=root, src=src, html=html)
    one = line_setter(publication, look)
    references = References()
    values: Mapping[str, object] = {
        "publication": replace(
            publication, name=one(publication.name), postal_address=one(publication.postal_address)
        ),
        "look": look,
        "logo": ready.logo,
        "subject": ready.subject,
        "preheader": ready.preheader,
        "editor": ready.editor,
        "date_in_words": words.day_in_words(issue.day),
        "next_day": words.next_day(issue.day, next_working_day(issue.day, publication.country)),
        "pitch": one(_pitch(publication, issue.day)),
        "opening": ready.opening,
        "opening_prose": ready.opening_prose,
        "articles": ready.articles,
        "reading_time": words.duration(ready.seconds),
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
        subject=ready.subject,
        preheader=ready.preheader,
        html=markup.to_html(mjml, css),
        text=tidy(engine.render("mail/issue.txt.j2", values)),
        sender=publication.sender,
        reply_to=publication.reply_to,
        renditions=ready.renditions,
        embedded=embedded,
        reading_seconds=ready.seconds,
        mjml=mjml,
    )


def _pitch(publication: Publication, day: date) -> str:
    """The sign-up pitches take turns, one a day."""
    return publication.pitches[day.toordinal() % len(publication.pitches)] if publication.pitches else ""
