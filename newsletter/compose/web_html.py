"""Prose -> the HTML of a web page, which may do more than a mail: notes are links, and classes all style."""

from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any

from newsletter.compose.prose import Prose, RendererHTML, Token, image, parser
from newsletter.model import Rendition


def to_web_html(prose: Prose, renditions: Mapping[Path, Rendition], slug: str) -> str:
    """HTML for the inside of a page; `renditions` has every picture of the text.

    `slug` begins the ids of the notes, since several texts may stand on one page. There are no style
    attributes, so that a Content Security Policy can forbid them.
    """
    made = parser()
    made.options["xhtmlOut"] = False
    for name, rule in _RULES.items():
        made.add_render_rule(name, rule)
    env = {"renditions": renditions, "notes": f"{slug}-note" if slug else "note"}
    return str(made.renderer.render(list(prose.tokens), made.options, env))


Env = MutableMapping[str, Any]


def _call_out_open(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Env
) -> str:
    value = Token("text", "", 0, content=str(tokens[index].meta["value"]))
    return f'<div class="number"><p class="value">{renderer.text([value], 0, options, env)}</p>\n'


def _image(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Env) -> str:
    return image(renderer, tokens[index], options, env, loading="lazy")


def _cell_open(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Env) -> str:
    """A cell of a table; Markdown's `--:` becomes a class."""
    token = tokens[index]
    attrs = dict(token.attrs)
    side = str(attrs.pop("style", "")).rpartition(":")[2]
    if side in ("right", "center"):
        attrs["class"] = side
    cell = Token(token.type, token.tag, token.nesting, attrs=attrs, block=True)
    return renderer.renderToken([cell], 0, options, env)


def _note_ref(_renderer: RendererHTML, tokens: Sequence[Token], index: int, _options: Any, env: Env) -> str:
    number = int(tokens[index].meta["id"]) + 1
    return f'<sup><a href="#{env["notes"]}-{number}">{"*" * number}</a></sup>'


def _note_open(_renderer: RendererHTML, tokens: Sequence[Token], index: int, _options: Any, env: Env) -> str:
    return f'<div id="{env["notes"]}-{int(tokens[index].meta["id"]) + 1}">\n'


_RULES: dict[str, Any] = {
    "container_number_open": _call_out_open,
    "container_number_close": lambda *_: "</div>\n",
    "image": _image,
    "th_open": _cell_open,
    "td_open": _cell_open,
    "footnote_ref": _note_ref,
    "footnote_open": _note_open,
    "footnote_close": lambda *_: "</div>\n",
}
