"""A sheet -> one page with every view of it, for a pull request or to keep with a build.

The page needs no server and asks nobody for anything: pictures stand in it, and the mail stands in frames
that may not run a script. The page's own script only makes each frame as tall as the mail; without it the
frames scroll.
"""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from html import escape
from importlib.resources import files

from newsletter.check.as_client import CLIENTS, taken_away
from newsletter.check.clients import Loss, in_one_line
from newsletter.check.content import FIVE_MINUTES
from newsletter.check.mail import CLIP
from newsletter.check.rule import Finding, Level
from newsletter.web.sheet import Sheet
from newsletter.web.views import View, headers, page, sizes

WIDTH = 1424
"""Pixels at which the page looks best, and at which its picture is taken."""

SANDBOX = "allow-same-origin allow-popups allow-popups-to-escape-sandbox"

_DESKTOP, _TABLET, _PHONE = 700, 768, 375
_ON_PHONES = ("gmail", "apple")


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """One view from top to bottom: `width` is in pixels; `words` say more than the name."""

    name: str
    width: int
    view: View
    words: str = ""


def contact_sheet(sheet: Sheet, findings: Sequence[Finding], share: float, losses: Sequence[Loss]) -> str:
    """The page; `share` is for how many in a hundred readers the issue looks right, `losses` say why."""
    script = _asset("contact.js")
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none';"
        f" script-src 'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'"
    )
    body = (
        f"{_head(sheet)}<main>"
        f'<div class="top">{_inbox(sheet)}{_findings(findings, in_one_line(share, losses))}</div>'
        f"{_strips('On a desktop, on a tablet', _desktops(sheet), sheet, each=316, gap=32)}"
        f"{_strips('On a phone', _phones(sheet), sheet, each=184, gap=12)}"
        f"{_strips('As mail clients on a desktop show it', _webmails(sheet), sheet, each=259, gap=16)}"
        f"{_strips('On the web', _on_the_web(sheet), sheet, each=214, gap=16)}"
        f'<div class="foot">{_losses(sheet)}'
        f"<section><h2>Headers</h2><pre>{escape(headers(sheet))}</pre></section></div></main>"
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(sheet.edition.subject)} – contact sheet</title>\n"
        f"<style>\n{_asset('contact.css')}</style></head>\n<body>{body}\n<script>{script}</script></body></html>\n"
    )


def _asset(name: str) -> str:
    return (files("newsletter.web") / "contact" / name).read_text(encoding="utf-8")


# ---- what there is to see ----


def _desktops(sheet: Sheet) -> Iterator[Strip]:
    name = sheet.values["name"]
    yield Strip(name="Desktop, light", width=_DESKTOP, view=View(), words=f"for a reader named {name}")
    nameless = View(values={"name": ""})
    words = "for a reader whose name nobody knows"
    yield Strip(name="Tablet, light", width=_TABLET, view=nameless, words=words)
    dark = View(colours="dark")
    yield Strip(name="Desktop, dark", width=_DESKTOP, view=dark, words="by the mail’s own rules")
    forced = View(colours="outlook")
    yield Strip(name="Outlook.com’s dark", width=_DESKTOP, view=forced, words="forced upon it")
    if len(sheet.edition.html.encode()) > CLIP:
        view, words = View(show="clipped"), "the rest is behind a link"
        yield Strip(name="Clipped by Gmail", width=_DESKTOP, view=view, words=words)


def _on_the_web(sheet: Sheet) -> Iterator[Strip]:
    yield Strip(name="The issue", width=_DESKTOP, view=View(show="web"), words="as it will be on the site")
    dark = View(show="web", colours="dark")
    yield Strip(name="The issue, dark", width=_DESKTOP, view=dark, words="by the site’s own rules")
    first = View(show="web", article=sheet.issue.articles[0].slug)
    for name, width in (("An article", _DESKTOP), ("An article, on a phone", _PHONE)):
        yield Strip(name=name, width=width, view=first, words="one page each, with boxes to sign up")


def _phones(sheet: Sheet) -> Iterator[Strip]:
    for name, view, words in (
        ("Light", View(), ""),
        ("Dark", View(colours="dark"), "by the mail’s own rules"),
        ("Gmail’s dark", View(colours="gmail"), "forced upon it on Android"),
        ("Pictures off", View(pictures=False), "as many programs begin"),
        ("Plain text", View(show="text"), ""),
    ):
        yield Strip(name=name, width=_PHONE, view=view, words=words)
    for client in _ON_PHONES:
        yield _as_client(sheet, client, _PHONE)


def _webmails(sheet: Sheet) -> Iterator[Strip]:
    for client in CLIENTS:
        if client not in _ON_PHONES:
            yield _as_client(sheet, client, _DESKTOP)


def _as_client(sheet: Sheet, client: str, width: int) -> Strip:
    lost = len(taken_away(sheet.edition.html, client))
    words = "all that the mail uses is known" if not lost else f"{lost} feature{'s' * (lost > 1)} not known"
    return Strip(name=CLIENTS[client][0], width=width, view=View(client=client), words=words)


def _weight(sheet: Sheet, view: View) -> int:
    """The bytes that make up what a view shows, pictures among them."""
    parts = sizes(sheet)
    if view.show == "web":
        return len(page(sheet, view).encode()) + parts["pictures"]
    if view.show == "text":
        return parts["text"]
    html = min(parts["html"], CLIP) if view.show == "clipped" else parts["html"]
    return html + (parts["pictures"] if view.pictures else 0)


# ---- the page's parts ----


def _strips(title: str, strips: Iterator[Strip], sheet: Sheet, *, each: int, gap: int) -> str:
    """A row of strips that are all `each` pixels wide."""
    drawn = "".join(_strip(strip, sheet, each / strip.width) for strip in strips)
    style = f"--each:{each}px;--gap:{gap}px"
    return f'<section><h2>{title}</h2><div class="strips" style="{style}">{drawn}</div></section>'


def _strip(strip: Strip, sheet: Sheet, scale: float) -> str:
    words = f"<p>{escape(strip.words)}</p>" if strip.words else ""
    return (
        f'<figure class="strip" style="--w:{strip.width};--s:{scale:.4f}"><figcaption>'
        f'<button type="button" aria-pressed="false">{escape(strip.name)}</button>'
        f"<p>{strip.width} px, {_kb(_weight(sheet, strip.view))}</p>{words}</figcaption>"
        f"{_frame(strip.name, sheet, strip.view)}</figure>"
    )


def _frame(name: str, sheet: Sheet, view: View) -> str:
    html = page(sheet, replace(view, whole=True))
    return (
        f'<div class="window"><iframe sandbox="{SANDBOX}" title="{escape(name)}"'
        f' srcdoc="{escape(html)}"></iframe></div>'
    )


def _head(sheet: Sheet) -> str:
    edition, parts, day = sheet.edition, sizes(sheet), sheet.issue.day
    minutes, seconds = divmod(edition.reading_seconds, 60)
    facts = (
        _measured(
            "Reading time", f"{minutes} min {seconds:02}", "5 min", edition.reading_seconds, FIVE_MINUTES
        )
        + _measured("HTML, before Gmail clips", _kb(parts["html"]), _kb(CLIP), parts["html"], CLIP)
        + _fact("Articles", str(len(sheet.issue.articles)))
        + _fact("Pictures", f"{len(edition.renditions)} <small>{_kb(parts['pictures'])}</small>")
        + _fact("Plain text", _kb(parts["text"]))
        + _fact("Message", _kb(parts["message"]))
        + _fact("Subject", f"{len(edition.subject)} <small>characters</small>")
        + _fact("Preheader", f"{len(edition.preheader)} <small>characters</small>")
    )
    return (
        f'<header><p class="soft">{escape(sheet.publication.name)}, {day:%A} {day.day} {day:%B %Y}</p>'
        f"<h1>{escape(edition.subject)}</h1>"
        f'<p class="preheader">{escape(edition.preheader)}</p><dl class="facts">{facts}</dl></header>'
    )


def _fact(name: str, value: str) -> str:
    return f"<div><dt>{name}</dt><dd>{value}</dd></div>"


def _measured(name: str, value: str, most: str, amount: int, limit: int) -> str:
    """A fact with a bar; it says in words too when it is over."""
    over = amount > limit
    told = (
        f'<span class="over">{value}</span> <small>over {most}</small>'
        if over
        else f"{value} <small>of {most}</small>"
    )
    full = min(100, 100 * amount // limit)
    bar = f'<span class="meter{" over" if over else ""}"><i style="width:{full}%"></i></span>'
    return f'<div class="measured"><dt>{name}</dt><dd>{told}{bar}</dd></div>'


def _inbox(sheet: Sheet) -> str:
    frame = _frame("Inbox", sheet, View(show="inbox"))
    return f'<section><h2>In the inbox</h2><figure class="inbox">{frame}</figure></section>'


def _findings(findings: Sequence[Finding], share: str) -> str:
    grave = [each for each in findings if each.level is not Level.NOTE]
    notes = [each for each in findings if each.level is Level.NOTE]
    told = (
        f"<ul>{''.join(map(_finding, grave))}</ul>" if grave else '<p class="clean">Nothing to put right.</p>'
    )
    if notes:
        words = "1 note" if len(notes) == 1 else f"{len(notes)} notes"
        told += f"<details><summary>{words}</summary><ul>{''.join(map(_finding, notes))}</ul></details>"
    return (
        f'<section class="findings"><h2>Findings <small>{len(grave)}</small></h2>{told}'
        f'<p class="share">The issue {escape(share)}.</p></section>'
    )


def _losses(sheet: Sheet) -> str:
    """What each client does not know of all that the mail uses, and so leaves out."""
    rows = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(', '.join(lost) or 'nothing')}</dd></div>"
        for name, lost in (
            (name, taken_away(sheet.edition.html, client)) for client, (name, _) in CLIENTS.items()
        )
    )
    return f'<section><h2>What clients leave out</h2><dl class="losses">{rows}</dl></section>'


def _finding(found: Finding) -> str:
    told = f"waived: {found.waived}" if found.waived else found.hint
    return (
        f'<li class="{found.level}"><span class="level">{found.level}</span>'
        f" <code>{escape(str(found.place))}</code>"
        f'<b>{escape(found.message)}</b><span class="soft">{escape(told)}</span></li>'
    )


def _kb(size: int) -> str:
    return f"{size / 1000:.1f} kB" if size < 10_000 else f"{size / 1000:.0f} kB"
