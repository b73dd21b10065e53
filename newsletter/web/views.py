"""A sheet -> the pages that show it as one reader or another would see it."""

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape, unescape
from urllib.parse import quote

from newsletter.check.as_client import as_client
from newsletter.check.mail import CLIP
from newsletter.fields import Place, fill
from newsletter.model import Rendition
from newsletter.web.forced_dark import darkened, gmail, outlook
from newsletter.web.online import online
from newsletter.web.sheet import Sheet

SHOWS = ("mail", "web", "text", "inbox", "clipped", "source")
COLOURS = ("light", "dark", "gmail", "outlook")
PARTS = ("mjml", "html", "headers", "message")

_DARK_RULES = re.compile(r"@media\s*\(\s*prefers-color-scheme:\s*dark\s*\)", re.IGNORECASE)
_SCHEME = re.compile(r'(<meta name="(?:supported-)?color-schemes?" content=")[^"]*"', re.IGNORECASE)
_ROOT_SCHEME = re.compile(r"(color-schemes?:\s*)light dark", re.IGNORECASE)
_LINK = re.compile(r"<a (?=[^>]*href=\"(?:https?|mailto):)([^>]*)>", re.IGNORECASE)
_IMAGE = re.compile(r"(<img\b[^>]*?\ssrc=)\"[^\"]*\"", re.IGNORECASE)
_PLACE = re.compile(r' written-at="[^"]*"')
_UNSEEN = re.compile(r"<!--.*?-->|<(style|script|title)\b.*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_FILLER = re.compile(r"[\u00a0\u00ad\u034f\u200b-\u200f\u2060\ufeff\s]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What is asked for: one of SHOWS in one of COLOURS, with pictures or without; a part of the source.

    `client` is one of `check.as_client.CLIENTS`, or "" for one that supports everything. `values` take the
    place of the sheet's own in the blanks. `whole` says that the pictures stand in the page itself.
    `article` is the slug of the one whose web page is meant, "" for the issue's.
    """

    show: str = "mail"
    colours: str = "light"
    pictures: bool = True
    part: str = "html"
    client: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    whole: bool = False
    article: str = ""


def page(sheet: Sheet, view: View) -> str:
    """The HTML page of a view; its pictures are asked for at `/picture/KEY/NAME`, or inside (RFC 2397)."""
    makers: Mapping[str, Callable[[Sheet, View], str]] = {
        "mail": _mail,
        "web": _web,
        "text": _text,
        "inbox": _inbox,
        "clipped": _clipped,
        "source": _source,
    }
    return makers[view.show](sheet, view)


def sizes(sheet: Sheet) -> dict[str, int]:
    """How many bytes the parts have."""
    edition = sheet.edition
    return {
        "mjml": len(_mjml(sheet).encode()),
        "html": len(edition.html.encode()),
        "text": len(edition.text.encode()),
        "headers": len(headers(sheet).encode()),
        "message": len(sheet.message),
        "pictures": sum(len(rendition.content) for rendition in edition.renditions),
    }


def headers(sheet: Sheet) -> str:
    """The message's headers, one a line."""
    return sheet.message.partition(b"\r\n\r\n")[0].decode("ascii", errors="replace").replace("\r\n", "\n")


def snippet(html: str) -> str:
    """The first words of a mail as an inbox shows them after the subject."""
    body = html.partition("<body")[2].partition(">")[2] or html
    return _FILLER.sub(" ", unescape(_UNSEEN.sub(" ", body[:20_000]))).strip(" ")[:200]


# ---- the mail ----


def _mail(sheet: Sheet, view: View) -> str:
    return _as_seen(_filled(sheet, view), sheet, view)


def _filled(sheet: Sheet, view: View) -> str:
    return fill(sheet.edition.html, {**sheet.values, **view.values}, Place.HTML)


def _as_seen(html: str, sheet: Sheet, view: View) -> str:
    html = _coloured(as_client(html, view.client) if view.client else html, view.colours)
    if view.pictures:
        for rendition in sheet.edition.renditions:
            html = html.replace(rendition.src, _address(rendition, sheet, view))
    else:
        html = _IMAGE.sub(r'\1"data:,"', html)
    # A link leads out of the frame, into a window that knows nothing of this one.
    return _LINK.sub(lambda m: f'<a target="_blank" rel="noopener noreferrer" {_untargeted(m[1])}>', html)


def _address(rendition: Rendition, sheet: Sheet, view: View) -> str:
    if view.whole:
        return f"data:{rendition.media_type};base64,{b64encode(rendition.content).decode()}"
    return f"/picture/{sheet.edition.key}/{quote(rendition.name)}"


def _untargeted(attributes: str) -> str:
    return re.sub(r'\s*\b(?:target|rel)="[^"]*"', "", attributes)


def _coloured(html: str, colours: str) -> str:
    if colours == "dark":
        return _scheme(_DARK_RULES.sub("@media all", html), "dark")
    html = _scheme(_DARK_RULES.sub("@media not all", html), "light")
    if colours == "gmail":
        return darkened(html, gmail)
    if colours == "outlook":
        return darkened(html, outlook).replace("<body", '<body data-ogsc="" data-ogsb=""', 1)
    return html


def _scheme(html: str, scheme: str) -> str:
    """The page for one colour scheme, whatever the browser's own is."""
    return _ROOT_SCHEME.sub(rf"\g<1>{scheme}", _SCHEME.sub(rf'\g<1>{scheme}"', html))


def _web(sheet: Sheet, view: View) -> str:
    html = online(sheet, view.article, lambda rendition: _address(rendition, sheet, view))
    scheme = "dark" if view.colours == "dark" else "light"
    html = _scheme(_DARK_RULES.sub("@media all" if scheme == "dark" else "@media not all", html), scheme)
    if not view.whole:
        html = _to_views(html, sheet)
    return _LINK.sub(lambda m: f'<a target="_blank" rel="noopener noreferrer" {_untargeted(m[1])}>', html)


def _to_views(html: str, sheet: Sheet) -> str:
    """The page with its links to the issue's own pages leading to their views, in windows of their own."""
    key = sheet.issue.key
    own = re.compile(rf'<a href="{re.escape(sheet.publication.url)}/{key}/(?:([\w-]+)/)?(#[\w-]*)?"')
    view = f'<a target="_blank" href="/view/{key}?show=web&amp;article='
    return own.sub(lambda m: f'{view}{m[1] or ""}{m[2] or ""}"', html)


def _clipped(sheet: Sheet, view: View) -> str:
    """What Gmail leaves of the mail, and what it puts below."""
    html = _filled(sheet, view)
    data = html.encode()
    if len(data) <= CLIP:
        return _as_seen(html, sheet, view)
    kept = data[:CLIP].decode(errors="ignore")
    kept = kept[: kept.rfind("<")] if kept.rfind("<") > kept.rfind(">") else kept
    notice = (
        '<div style="clear:both;padding:16px 24px;font:14px sans-serif;color:#222;background:#fff">'
        "[Message clipped]&nbsp; <u>View entire message</u></div>"
    )
    # What was open when the mail was cut is closed as a browser would.
    return _as_seen(kept + "</td></tr></table></div>" * 4 + notice, sheet, view)


# ---- pages of our own ----

_PAGE = """\
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root {{ color-scheme: {scheme}; }}
body {{ margin: 0; background: light-dark(#fff, #16181c); color: light-dark(#1f2430, #e8e6e1); }}
{style}</style></head>
<body>{body}</body></html>
"""

_TEXT_STYLE = """\
body { padding: 24px; }
pre { margin: 0 auto; max-width: 72ch; font: 14px/1.55 ui-monospace, "DejaVu Sans Mono", Menlo, monospace;
  white-space: pre-wrap; overflow-wrap: anywhere; }
"""

_SOURCE_STYLE = """\
pre { margin: 0; padding: 12px 0; counter-reset: line; tab-size: 2;
  font: 12.5px/1.6 ui-monospace, "DejaVu Sans Mono", Menlo, monospace; }
span { display: block; padding: 0 16px 0 5.5em; position: relative; min-height: 1.6em;
  white-space: pre-wrap; overflow-wrap: anywhere; }
span::before { counter-increment: line; content: counter(line); position: absolute; left: 0; width: 4.2em;
  text-align: right; color: light-dark(#6b7280, #9298a3); }
span:hover { background: light-dark(#f3f1ec, #21252c); }
"""

_INBOX_STYLE = """\
body { padding: 28px 20px 40px; font: 15px/1.4 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
.rows { max-width: 1000px; margin: 0 auto; display: grid; gap: 28px; }
.pair { display: grid; gap: 20px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 320px), 1fr)); }
h2 { margin: 0 0 8px; font-size: 13px; font-weight: 600; color: light-dark(#5b6270, #a5abb6); }
.box { border: 1px solid light-dark(#dcd8d0, #3a3f48); border-radius: 12px; overflow: hidden; }
.light { color-scheme: light; background: #fff; color: #1f1f1f; }
.dark { color-scheme: dark; background: #121316; color: #e8eaed; }
.phone { max-width: 390px; }
.row { display: grid; gap: 0 12px; padding: 12px 16px; }
.row + .row { border-top: 1px solid light-dark(#eceae6, #2a2d33); }
.phone .row { grid-template-columns: 40px minmax(0, 1fr) auto; }
.face { grid-row: 1 / 4; width: 40px; height: 40px; border-radius: 50%; background: #b3261e; color: #fff;
  display: grid; place-items: center; font-weight: 600; }
.from, .subject { font-weight: 700; }
.from, .subject, .more { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.phone .subject, .phone .more { grid-column: 2 / 4; }
.more { color: light-dark(#5f6368, #a4a9b0); }
time { font-size: 12px; color: light-dark(#5f6368, #a4a9b0); }
.desktop .row { grid-template-columns: minmax(0, min(170px, 30%)) minmax(0, 1fr) auto;
  align-items: baseline; }
.desktop .line { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.bar { height: 10px; border-radius: 5px; background: light-dark(#eeece8, #26292f); align-self: center; }
.phone .bar { grid-column: 2; margin: 4px 0; }
.ghost { background: light-dark(#eeece8, #26292f); }
.short { width: 45%; }
"""


def _own_page(title: str, body: str, style: str, scheme: str) -> str:
    return _PAGE.format(title=escape(title), body=body, style=style, scheme=scheme)


def _own_scheme(view: View) -> str:
    return "light" if view.colours == "light" else "dark"


def _text(sheet: Sheet, view: View) -> str:
    text = fill(sheet.edition.text, {**sheet.values, **view.values}, Place.TEXT)
    return _own_page("Plain text", f"<pre>{escape(text)}</pre>", _TEXT_STYLE, _own_scheme(view))


def _source(sheet: Sheet, view: View) -> str:
    parts: Mapping[str, Callable[[Sheet], str]] = {
        "mjml": _mjml,
        "html": lambda sheet: sheet.edition.html,
        "headers": headers,
        "message": lambda sheet: sheet.message.decode("ascii", errors="replace"),
    }
    text = parts[view.part](sheet)
    lines = "".join(f"<span>{escape(line)}</span>" for line in text.splitlines())
    return _own_page(view.part, f"<pre>{lines}</pre>", _SOURCE_STYLE, _own_scheme(view))


def _mjml(sheet: Sheet) -> str:
    return _PLACE.sub("", sheet.edition.mjml)


def _inbox(sheet: Sheet, view: View) -> str:
    """The row of the inbox on a phone and on a desktop, in the light and in the dark."""
    edition = sheet.edition
    sender, subject = escape(edition.sender.name), escape(edition.subject)
    more, hour = escape(snippet(_filled(sheet, view))), f"{sheet.at:%H:%M}"
    face = f'<span class="face" aria-hidden="true">{escape(edition.sender.name[:1].upper())}</span>'
    ghost = '<div class="row" aria-hidden="true">{}<span class="bar short"></span></div>'
    phone = (
        f'<div class="row">{face}<span class="from">{sender}</span><time>{hour}</time>'
        f'<span class="subject">{subject}</span><span class="more">{more}</span></div>'
        + ghost.format('<span class="face ghost"></span>')
    )
    desktop = (
        f'<div class="row"><span class="from">{sender}</span><span class="line"><span class="subject">'
        f'{subject}</span><span class="more"> – {more}</span></span><time>{hour}</time></div>'
        + ghost.format('<span class="bar short"></span>')
    )
    sections = []
    for where, row in (("phone", phone), ("desktop", desktop)):
        boxes = "".join(
            f"<section><h2>{where.capitalize()}, {how}</h2>"
            f'<div class="box {where} {how}">{row}</div></section>'
            for how in ("light", "dark")
        )
        sections.append(f'<div class="{"pair" if where == "phone" else "stack"}">{boxes}</div>')
    style = _INBOX_STYLE + ".stack { display: grid; gap: 20px; }\n"
    return _own_page("Inbox", f'<div class="rows">{"".join(sections)}</div>', style, "light dark")
