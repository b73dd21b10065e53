"""Markdown as an editor writes it -> tokens, and from the tokens mail-safe HTML.

CommonMark with tables and footnotes; raw HTML is text. The house's own shapes are marked on the tokens, so
that the HTML here and the plain text (`text.py`) are written from the same source:

- a **lead-in**, bold words with a colon that open a paragraph;
- a call-out, the number of the day, between `::: number 375 M$` and `:::`;
- the attribution of a quotation, its last line, opened by an em dash;
- footnotes, shown as asterisks.
"""

import re
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from mdit_py_plugins.container import container_plugin
from mdit_py_plugins.footnote import footnote_plugin

from newsletter.compose.reading_time import count_words
from newsletter.errors import ContentError, nearest
from newsletter.model import Picture, Rendition

__all__ = [
    "MarkdownIt",
    "Prose",
    "RendererHTML",
    "StateInline",
    "Token",
    "parser",
    "read_prose",
    "to_html",
]

Typeset = Callable[[Sequence[str | None]], list[str | None]]
"""Adjacent runs of one paragraph's text -> the same runs, typeset; None is a run to leave alone."""

CALL_OUTS = ("number",)
_SCHEMES = ("http", "https", "mailto", "tel", "sms")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prose:
    """One text, parsed and typeset; `pictures` are those inside it, `words` what there is to read."""

    tokens: tuple[Token, ...]
    pictures: tuple[Picture, ...]
    words: int


def read_prose(markdown: str, *, folder: Path, where: str, line: int, typeset: Typeset) -> Prose:
    """Parse and typeset one text, whose pictures lie in `folder`.

    `where` is what errors call the file and `line` the line on which the text begins. Raises ContentError for
    a call-out that is unknown, empty or never closed.
    """
    source = markdown.split("\n")
    tokens = parser().parse(markdown)

    def at(token: Token, offset: int = 0) -> str:
        return f"{where}:{line + (token.map[0] if token.map else 0) + offset}"

    for token in tokens:
        if token.type == "container_number_open":
            _check_call_out(token, source, at(token))
        elif token.type == "inline":
            _check_stray_call_out(token, at)
    tokens = list(_without_anchors(_with_attributions(tokens)))
    pictures = tuple(_pictures(tokens, folder, at))
    for token in tokens:
        if token.type == "heading_open" or token.type == "heading_close":
            # h1 is the and h2 the article's own title.
            token.tag = f"h{min(6, max(3, int(token.tag[1]) + 1))}"
        elif token.type == "table_open":
            token.attrSet("class", "figures")
        elif token.type == "th_open":
            token.attrSet("scope", "col")
        if token.type == "inline":
            _typeset_inline(token, typeset)
        elif token.type == "container_number_open":
            token.meta["value"] = typeset([_value(token)])[0]
    for opening, inline in pairwise(tokens):
        if opening.type == "paragraph_open" and inline.type == "inline":
            _mark_lead_in(inline)
    words = sum(count_words(text) for text in _texts(tokens))
    return Prose(tokens=tuple(tokens), pictures=pictures, words=words)


def to_html(prose: Prose, renditions: Mapping[Path, Rendition]) -> str:
    """Well-formed HTML for the inside of a mail; `renditions` has every picture of the text."""
    made = parser()
    return str(made.renderer.render(list(prose.tokens), made.options, {"renditions": renditions}))


# ---- parsing ----


def parser() -> MarkdownIt:
    """The house's Markdown, ready to parse and to render."""
    made = MarkdownIt("commonmark", {"html": False, "xhtmlOut": True}).enable("table")
    made.validateLink = _leads_out  # type: ignore[assignment,method-assign]
    made.use(footnote_plugin, inline=False)
    made.use(container_plugin, "number")
    for name, rule in _RULES.items():
        made.add_render_rule(name, rule)
    return made


def _leads_out(address: str) -> bool:
    """Whether an address may become a link or a picture: on the web, to write or call, or without a scheme.

    Any other scheme starts a program on somebody's machine, perhaps one that they do not know they have. What
    stands before the first colon is taken for one whatever it is: browsers pass over control characters.
    """
    before, colon, _ = address.partition(":")
    return not colon or before.lower() in _SCHEMES or any(mark in before for mark in "/?#")


def _value(token: Token) -> str:
    return re.sub(r"\A[ \t]*number[ \t]*", "", token.info).strip(" \t")


def _check_call_out(token: Token, source: list[str], where: str) -> None:
    if not _value(token):
        raise ContentError("a call-out without its number", where=where, hint="write ::: number 375 M$")
    if (
        token.map is None
        or token.map[1] >= len(source)
        or not source[token.map[1]].lstrip(" ").startswith(":::")
    ):
        raise ContentError("the call-out is never closed", where=where, hint="add a line ::: after its text")


def _check_stray_call_out(token: Token, at: Callable[[Token, int], str]) -> None:
    for offset, text in enumerate(token.content.split("\n")):
        if match := re.match(r":::+[ \t]*(\S*)", text):
            meant = nearest(match[1], CALL_OUTS) or CALL_OUTS[0]
            hint = f"write ::: {meant} 375 M$"
            raise ContentError(f"no call-out is opened by {text!r}", where=at(token, offset), hint=hint)


def _with_attributions(tokens: Sequence[Token]) -> Iterator[Token]:
    """Set the last paragraph of a quotation apart where it says who spoke: class "by"."""
    depth = 0
    last_inline: dict[int, int] = {}
    for index, token in enumerate(tokens):
        depth += token.nesting if token.type.startswith("blockquote") else 0
        if token.type == "inline" and depth:
            last_inline[depth] = index
        if token.type == "blockquote_close" and (at := last_inline.pop(depth + 1, None)):
            tokens[at].meta["last"] = True
    for index, token in enumerate(tokens):
        following = tokens[index + 1] if index + 1 < len(tokens) else None
        if token.type == "inline" and token.meta.get("last"):
            quotation, attribution = _cut_attribution(token)
            if attribution is not None and quotation is not None:
                yield quotation
                yield Token("paragraph_close", "p", -1, block=True)
                yield Token("paragraph_open", "p", 1, block=True, attrs={"class": "by"})
                yield attribution
                continue
        elif token.type == "paragraph_open" and following is not None and following.meta.get("last"):
            quotation, attribution = _cut_attribution(following)
            if attribution is not None and quotation is None:
                token.attrSet("class", "by")
        yield token


def _cut_attribution(token: Token) -> tuple[Token | None, Token | None]:
    """The part of a paragraph before its last line, and that line if it opens with a dash."""
    children = token.children or []
    breaks = [i for i, child in enumerate(children) if child.type in ("softbreak", "hardbreak")]
    start = breaks[-1] + 1 if breaks else 0
    text = next((child for child in children[start:] if child.content or child.nesting), None)
    match = re.match(r"[ \t]*(?:—|–|--)[ \t\u00a0]*", text.content) if text and text.type == "text" else None
    if text is None or match is None:
        return token, None
    text.content = "— " + text.content[match.end() :]
    attribution = Token("inline", "", 0, map=token.map, content=token.content, children=children[start:])
    if not start:
        token.children = attribution.children
        return None, token
    return Token(
        "inline", "", 0, map=token.map, content=token.content, children=children[: start - 1]
    ), attribution


def _without_anchors(tokens: Iterator[Token]) -> Iterator[Token]:
    """Footnotes as asterisks; no way back to the reference, as links inside a mail fail in many clients."""
    mark = ""
    for token in tokens:
        if token.type == "footnote_open":
            mark = _asterisks(token)
        elif token.type == "footnote_anchor":
            continue
        elif token.type == "inline" and mark:
            token.children = [Token("text", "", 0, content=f"{mark}\u00a0"), *(token.children or [])]
            mark = ""
        yield token


def _asterisks(token: Token) -> str:
    return "*" * (int(token.meta["id"]) + 1)


def _pictures(tokens: Sequence[Token], folder: Path, at: Callable[[Token, int], str]) -> Iterator[Picture]:
    for token in tokens:
        for child in token.children or []:
            if child.type != "image":
                continue
            where = at(token, 0)
            name = str(child.attrs["src"])
            child.meta["path"] = folder / name
            yield Picture(
                path=folder / name, alt=child.content, credit=str(child.attrs.get("title", "")), where=where
            )


def _typeset_inline(token: Token, typeset: Typeset) -> None:
    children = [_space(child) if child.type == "softbreak" else child for child in token.children or []]
    in_address = False
    runs: list[str | None] = []
    for child in children:
        if child.type == "link_open":
            in_address = child.info == "auto"
        elif child.type == "link_close":
            in_address = False
        plain = child.type == "text" and not in_address
        if plain or child.type in ("code_inline", "footnote_ref", "image") or in_address:
            runs.append(child.content if plain else None)
        else:
            runs.append("\n" if child.type == "hardbreak" else "")
    for child, run in zip(children, typeset(runs), strict=True):
        if child.type == "text" and run is not None:
            child.content = run
        elif child.type == "image":
            child.content = typeset([child.content])[0] or child.content
    token.children = children


def _space(child: Token) -> Token:
    return Token("text", "", 0, content=" ", level=child.level)


def _mark_lead_in(inline: Token) -> None:
    """Give bold words that open a paragraph and end in a colon the class "lead-in"."""
    children = inline.children or []
    start = next((i for i, child in enumerate(children) if child.content or child.nesting), None)
    if start is None or children[start].type != "strong_open":
        return
    end = next(i for i, child in enumerate(children) if child.type == "strong_close")
    bold = "".join(child.content for child in children[start:end])
    if not bold.endswith(":"):
        after = next((child for child in children[end + 1 :] if child.content), None)
        colon = re.match(r"[ \u00a0\u202f]*:", after.content) if after and after.type == "text" else None
        if after is None or colon is None:
            return
        after.content = after.content[colon.end() :]
        children.insert(end, Token("text", "", 0, content=colon.group()))
    children[start].attrSet("class", "lead-in")


def _texts(tokens: Sequence[Token]) -> Iterator[str]:
    for token in tokens:
        if token.type == "container_number_open":
            yield str(token.meta["value"])
        elif token.type in ("fence", "code_block"):
            yield token.content
        elif token.children:
            yield "".join(child.content for child in token.children if child.type in ("text", "code_inline"))


# ---- HTML ----

Rule = Callable[[RendererHTML, Sequence[Token], int, OptionsDict, MutableMapping[str, Any]], str]


def _call_out_open(
    renderer: RendererHTML,
    tokens: Sequence[Token],
    index: int,
    options: OptionsDict,
    env: MutableMapping[str, Any],
) -> str:
    value = Token("text", "", 0, content=str(tokens[index].meta["value"]))
    # A table, because Outlook gives padding and background to cells only.
    return (
        '<table role="presentation" class="number" cellpadding="0" cellspacing="0" border="0"><tr><td>'
        f'<p class="value">{renderer.text([value], 0, options, env)}</p>\n'
    )


def _image(
    renderer: RendererHTML,
    tokens: Sequence[Token],
    index: int,
    options: OptionsDict,
    env: MutableMapping[str, Any],
) -> str:
    return image(renderer, tokens[index], options, env, before_credit="<br />")


def image(
    renderer: RendererHTML,
    token: Token,
    options: OptionsDict,
    env: MutableMapping[str, Any],
    *,
    before_credit: str = "",
    **more: str,
) -> str:
    """A picture of the text and whose it is; `more` are attributes of its own in one medium."""
    rendition: Rendition = env["renditions"][token.meta["path"]]
    shown = Token("image", "img", 0)
    shown.attrs = {
        "src": rendition.src,
        "alt": token.content,
        "width": str(rendition.width),
        "height": str(rendition.height),
        "class": "picture",
        **more,
    }
    html = renderer.renderToken([shown], 0, options, env)
    if credit := str(token.attrs.get("title", "")):
        words = renderer.text([Token("text", "", 0, content=credit)], 0, options, env)
        html += f'{before_credit}<span class="credit">{words}</span>'
    return html


def _footnote_ref(_renderer: RendererHTML, tokens: Sequence[Token], index: int, *_: object) -> str:
    return f"<sup>{_asterisks(tokens[index])}</sup>"


_RULES: dict[str, Any] = {
    "container_number_open": _call_out_open,
    "container_number_close": lambda *_: "</td></tr></table>\n",
    "image": _image,
    "footnote_ref": _footnote_ref,
    "footnote_block_open": lambda *_: '<div class="notes">\n',
    "footnote_block_close": lambda *_: "</div>\n",
    "footnote_open": lambda *_: "",
    "footnote_close": lambda *_: "",
}
