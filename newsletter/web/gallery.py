"""Differences -> their pictures, and the page that shows them all beside the lines that differ."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape

from newsletter.compose.pictures.side_by_side import side_by_side
from newsletter.web.chromium import Browser
from newsletter.web.difference import Difference, Teller, in_full, with_pictures

WIDTHS = (375, 700)
"""CSS pixels of a phone, and of a desktop's reading pane."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An issue at one width, light or dark; `picture` is a PNG, None if it looks the same."""

    width: int
    dark: bool
    picture: bytes | None

    @property
    def name(self) -> str:
        return f"{self.width} px, {'dark' if self.dark else 'light'}"

    def file_name(self, key: str) -> str:
        return f"{key}-{self.width}-{'dark' if self.dark else 'light'}.png"


def file_names(key: str) -> list[str]:
    """What the pictures of an issue are called, if it has all."""
    kinds = [Seen(width=width, dark=dark, picture=None) for width in WIDTHS for dark in (False, True)]
    return [seen.file_name(key) for seen in kinds]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One issue on the page: what differs in words, line by line if it does, and as pictures."""

    key: str
    words: str
    found: Difference | None
    views: list[Seen] = field(default_factory=list)


def views_of(found: Difference, titles: tuple[str, str], browser: Browser) -> Iterator[Seen]:
    """The issue in each width, light and dark, compared by how it looks."""
    before, after = with_pictures(found.before), with_pictures(found.after)
    for width in WIDTHS:
        for dark in (False, True):
            seen = Seen(width=width, dark=dark, picture=None)
            if before != after:
                pair = [browser.picture(html, width=width, dark=dark) for html in (before, after)]
                marked = f"what differs ({seen.name})"
                picture = side_by_side(pair[0], pair[1], titles=(*titles, marked))
                seen = Seen(width=width, dark=dark, picture=picture)
            yield seen


_STYLE = """\
:root {
  color-scheme: light dark; --ground: light-dark(#f4f1ec, #131519); --paper: light-dark(#fffdfa, #1b1e23);
  --ink: light-dark(#22262e, #e7e4de); --soft: light-dark(#5c6370, #a4aab5);
  --rule: light-dark(#ded9cf, #33383f); --removed: light-dark(#b3261e, #ff8f84);
  --added: light-dark(#2c6e3f, #86cf98); --place: light-dark(#2f5d8a, #8fbce8);
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 1440px; padding: 40px 32px 64px; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
h1, h2 { font-family: Georgia, "Times New Roman", serif; line-height: 1.2; margin: 0; }
h1 { font-size: 30px; }
h2 { font-size: 22px; }
p { margin: 6px 0 0; color: var(--soft); max-width: 72ch; overflow-wrap: anywhere; }
a { color: inherit; }
.legend { display: flex; flex-wrap: wrap; gap: 6px 20px; }
.legend span::before { content: ""; display: inline-block; width: 12px; height: 12px; margin-right: 7px;
  border-radius: 3px; background: var(--mark); }
nav ol { margin: 24px 0 0; padding: 0; list-style: none; border-top: 1px solid var(--rule); }
nav li {
  display: flex; gap: 6px 20px; flex-wrap: wrap; padding: 8px 0; border-bottom: 1px solid var(--rule);
}
nav b { font-variant-numeric: tabular-nums; }
.same { color: var(--soft); }
section { margin-top: 52px; }
.views { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 24px; margin-top: 20px; }
figure { margin: 0; min-width: 0; }
.wide { grid-column: 1 / -1; }
figcaption { margin-bottom: 6px; font-size: 13px; font-weight: 600; }
figcaption span { font-weight: 400; color: var(--soft); }
img { display: block; width: 100%; height: auto; border-radius: 6px; }
details { margin-top: 20px; border: 1px solid var(--rule); border-radius: 8px; background: var(--paper); }
summary { padding: 9px 16px; cursor: pointer; font-weight: 600; }
pre { margin: 0; padding: 4px 16px 14px; overflow-x: auto;
  font: 12.5px/1.6 ui-monospace, "DejaVu Sans Mono", Menlo, monospace; }
.head { font-weight: 700; }
.place, .note { color: var(--place); }
.removed { color: var(--removed); }
.added { color: var(--added); }
@media (max-width: 900px) {
  body { padding: 24px 16px 40px; }
  .views { grid-template-columns: minmax(0, 1fr); }
}
"""

_PAGE = """\
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>What differs</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
{style}</style></head>
<body><header><h1>What differs</h1>
<p>{before} on the left, {after} in the middle, on the right what differs; rows that are the same are left
out.</p>
<p class="legend"><span style="--mark:#e5007d">changed</span><span style="--mark:#0072ce">only there
now</span><span style="--mark:#d55e00">only there before</span></p></header>
<nav aria-label="Issues"><ol>{issues}</ol></nav>
<main>{sections}</main></body></html>
"""


def gallery_page(entries: Sequence[Entry], titles: tuple[str, str]) -> str:
    """The page; the pictures lie beside it under their `file_name`."""
    teller = Teller()
    return _PAGE.format(
        style=_STYLE,
        before=escape(titles[0]),
        after=escape(titles[1]),
        issues="".join(_listed(entry) for entry in entries),
        sections="".join(_section(entry, titles, teller) for entry in entries if entry.views),
    )


def _listed(entry: Entry) -> str:
    key, words = escape(entry.key), escape(entry.words)
    if not entry.views:
        return f'<li class="same"><b>{key}</b><span>{words}</span></li>'
    return f'<li><b><a href="#i{key}">{key}</a></b><span>{words}</span></li>'


def _section(entry: Entry, titles: tuple[str, str], teller: Teller) -> str:
    key = escape(entry.key)
    views = "".join(_figure(entry, seen) for seen in entry.views)
    parts = entry.found.parts if entry.found else ()
    lines = "\n".join(
        f'<span class="{line.kind}">{escape(line.text)}</span>'
        for part in parts
        for line in teller.lines(part, *in_full(entry.key, titles))
    )
    subject = escape(entry.found.after.edition.subject if entry.found else "")
    return (
        f'<section id="i{key}"><h2>{subject}</h2><p>{key}: {escape(entry.words)}</p>'
        f'<div class="views">{views}</div>'
        f"<details><summary>Line by line</summary><pre>{lines}</pre></details></section>"
    )


def _figure(entry: Entry, seen: Seen) -> str:
    name, kind = escape(seen.name), ' class="wide"' if seen.width == max(WIDTHS) else ""
    if seen.picture is None:
        return f"<figure{kind}><figcaption>{name}: <span>looks the same</span></figcaption></figure>"
    file = escape(seen.file_name(entry.key))
    alt = f"{escape(entry.key)}, {name}: before, after, and what differs"
    return (
        f"<figure{kind}><figcaption>{name}</figcaption>"
        f'<a href="{file}"><img src="{file}" alt="{alt}" loading="lazy"></a></figure>'
    )
