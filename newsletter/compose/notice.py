"""A notice ("please confirm") -> an edition for one: short, plain, on the same path as an issue."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from newsletter.compose import markup
from newsletter.compose.templates import Templates
from newsletter.compose.text import tidy
from newsletter.compose.typeset import line_setter
from newsletter.compose.words import Words
from newsletter.config import Look
from newsletter.model import Edition, Publication


def compose_notice(
    notice: str, publication: Publication, look: Look, *, templates: Path, url: str = ""
) -> Edition:
    """The edition of one notice, whose one link leads to `url`, "" for none; it has no blanks.

    Nothing stands in it that somebody else could have typed: whoever signs up a stranger cannot make us say
    anything to them. Raises TemplateError with file and line.
    """
    words = Words(publication.language, templates / "words")
    engine = Templates(templates, words, look.theme)
    one = line_setter(publication, look)
    values: Mapping[str, object] = {
        "notice": notice,
        "url": url,
        "publication": replace(
            publication, name=one(publication.name), postal_address=one(publication.postal_address)
        ),
        "look": look,
    }
    # The text begins with the subject and an empty line, as a mail does.
    subject, _, text = engine.render("mail/notice.txt.j2", values).lstrip().partition("\n")
    html = markup.to_html(
        engine.render("mail/notice.mjml.j2", {**values, "subject": subject}),
        engine.render("mail/article.css.j2", values),
    )
    return Edition(
        key=notice,
        subject=subject,
        preheader="",
        html=html,
        text=tidy(text),
        sender=publication.sender,
        reply_to=publication.reply_to,
    )
