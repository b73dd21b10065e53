"""Text pasted from a web page or a word processor -> an article file.

    pasted text -> clean text -> blocks -> without boxes and repetitions -> head + Markdown -> Draft

Nothing is lost silently: what the draft leaves out is named in `dropped`, and what nobody can tell from the
text alone stands in it as `[À VÉRIFIER : …]`, which no issue should leave with.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from newsletter.desk import marks
from newsletter.desk.blocks import Block, read_blocks
from newsletter.desk.cleaning import clean
from newsletter.desk.destinations import with_clean_links
from newsletter.desk.head import NO_TITLE, read_head
from newsletter.desk.leftovers import without_boxes, without_repetitions
from newsletter.desk.markdown import to_markdown
from newsletter.errors import ContentError

__all__ = ["Draft", "article_file", "read_pasted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An article read from pasted text; `body` is Markdown.

    `doubts` are the reasons of all `[À VÉRIFIER : …]` in title and body; `dropped` is what stands in neither,
    each as "why: text". `pictures` are the files that the body shows, by name.
    """

    title: str
    body: str
    author: str = ""
    section: str = ""
    link: str = ""
    doubts: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    pictures: Mapping[str, bytes] = field(default_factory=dict)


def read_pasted(text: str) -> Draft:
    """Read the one article in a pasted text; raises ContentError only if there is no text at all."""
    text, code = clean(text)
    text, changed = with_clean_links(text)
    blocks = read_blocks(text)
    if not blocks:
        hint = "copy the article again, or name a file that holds its text: newsletter import FILE"
        raise ContentError("nothing to import: the text is empty", hint=hint)
    blocks, boxes = without_boxes(blocks)
    blocks, repetitions = without_repetitions(blocks)
    head = read_head(blocks)
    body = list(head.rest) or [Block(text=marks.doubt("le texte de l’article manque"))]
    doubts = [NO_TITLE] if head.title == marks.bracketed(NO_TITLE) else []
    dropped = [*head.dropped, *boxes, *repetitions, *changed, *code]
    return Draft(
        title=head.title,
        author=head.author,
        section=head.section,
        link=head.link,
        body=to_markdown(body) + "\n",
        doubts=tuple(doubts + [why for block in body for why in marks.doubts(block.text)]),
        dropped=tuple(dict.fromkeys(dropped)),
    )


def article_file(draft: Draft) -> str:
    """The text of an article file: the draft's front matter, then its Markdown."""
    fields = {"title": draft.title, "author": draft.author, "section": draft.section, "link": draft.link}
    # A JSON string is a YAML string (YAML 1.2 §1.3), whatever quotes and colons it holds.
    head = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in fields.items() if value]
    return "\n".join(("---", *head, "---", "", draft.body))
