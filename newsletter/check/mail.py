"""Rules for the finished mail as a whole: no blank left over, a way to leave, not too long for Gmail."""

import re
from collections.abc import Iterator

from newsletter.check.rule import Fault, Level, Place, Proof, Rule, rule
from newsletter.fields import MARK, names_in, split
from newsletter.fields import Place as Where

CLIP = 102_000
"""Bytes of HTML after which Gmail cuts a mail off; not published by Google, measured by senders."""

_TEMPLATES = {"html": "templates/mail/issue.mjml.j2", "text": "templates/mail/issue.txt.j2"}


@rule(
    "leftover-blank",
    Level.ERROR,
    why="A blank or a piece of a template that was not filled in is shown to every reader.",
    how="write blanks as {{ field(…) }}",
)
def leftover_blank(proof: Proof) -> Iterator[Fault]:
    parts = (("html", proof.edition.html, Where.HTML), ("text", proof.edition.text, Where.TEXT))
    for name, text, place in parts:
        literal = "".join(piece for piece in split(text, place) if isinstance(piece, str))
        for pattern, what in ((MARK, "the mark of a blank"), (r"\{\{|\}\}|\{%", "a piece of a template")):
            typed = any(re.search(pattern, text.source) for text in proof.texts)  # about templates, perhaps
            if re.search(pattern, literal) and not typed:
                yield Fault(Place(_TEMPLATES[name]), f"{what} is left in the {name} part")


@rule(
    "no-way-to-leave",
    Level.ERROR,
    why="The law asks for a way to leave in every mail, and so do Gmail and Yahoo.",
    how='put {{ field("leave_url") }} into it',
)
def no_way_to_leave(proof: Proof) -> Iterator[Fault]:
    for name, text in (("html", proof.edition.html), ("text", proof.edition.text)):
        if "leave_url" not in names_in(text):
            yield Fault(Place(_TEMPLATES[name]), "the mail has no link to leave by")


@rule(
    "clipped",
    Level.ERROR,
    why="Gmail cuts longer mails off, and the way to leave is at their end.",
    how="take an article out",
)
def clipped(proof: Proof) -> Iterator[Fault]:
    size = len(proof.edition.html.encode())
    if size > CLIP:
        words = f"the HTML has {size // 1000} kB; Gmail cuts mails off at {CLIP // 1000} kB"
        yield Fault(Place(proof.folder), words)


RULES: tuple[Rule, ...] = (leftover_blank, no_way_to_leave, clipped)
