"""Rules for links: they lead somewhere, say where, and leave the reader alone."""

import ipaddress
import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

from newsletter.check.addresses import Kind, Link, links, template_links
from newsletter.check.rule import Fault, Fix, Level, Proof, Rule, rule
from newsletter.tracking import clean_address, leads_anywhere

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*(?=:)", re.IGNORECASE)
_ONLY_SCHEME = re.compile(r"(?:https?:/{0,2}|mailto:|tel:|sms:)", re.IGNORECASE)
_SCRIPTS = ("javascript", "data", "vbscript", "file", "blob")
_KNOWN = ("http", "https", "mailto", "tel", "sms")
_LEFT_OVER = re.compile(r"merge\.invalid|\{\{|\}\}|%7B%7B|\{%|\*\|.*\|\*|%%\w+%%", re.IGNORECASE)
# What says nothing of the page it leads to (WCAG 2.4.4; RGAA 6.1), whole and in small letters.
_VAGUE = frozenset(
    [
        *("ici", "cliquez ici", "cliquer ici", "cliquez", "par ici", "c'est ici", "juste ici", "là", "lien"),
        *(
            "ce lien",
            "le lien",
            "lien ici",
            "voir",
            "plus",
            "en savoir plus",
            "plus d'infos",
            "lire la suite",
        ),
        *("lire plus", "la suite", "here", "click here", "click", "link", "this link", "read more", "more"),
        *("learn more", "this"),
    ]
)
_DOMAIN = re.compile(r"(?:https?://)?(?P<host>(?:[\w-]+\.)+[a-z]{2,})(?::\d+)?(?:/\S*)?", re.IGNORECASE)
_COMMON_ENDS = ("fr", "com", "org", "net", "eu", "be", "ch", "ca", "info", "io", "paris", "uk", "de")
_MAILBOX = re.compile(r"[^\s@<>\"(),:;\\\[\]]+@(?:[\w-]+\.)+[\w-]{2,}")
_SECOND_LEVELS = frozenset(["co", "com", "org", "net", "gouv", "gov", "ac", "asso", "edu", "nom"])


def _all(proof: Proof) -> Iterator[Link]:
    """Links that are links, each once where many share one definition; the writers' first."""
    seen = set()
    for link in (*links(proof), *template_links(proof)):
        if link.kind is not Kind.NONE and (link.at, link.address) not in seen:
            seen.add((link.at, link.address))
            yield link


def _typed(proof: Proof) -> Iterator[Link]:
    return (link for link in _all(proof) if link.typed)


def _scheme(address: str) -> str:
    match = _SCHEME.match(address)
    return match[0].lower() if match else ""


def _host(address: str) -> str:
    """The host of a web address in small letters, "" if it has none."""
    try:
        return (urlsplit(address).hostname or "") if _scheme(address) in ("http", "https") else ""
    except ValueError:
        return ""


@rule(
    "empty-link",
    Level.ERROR,
    why="Who taps a link that leads nowhere thinks the mail is broken.",
    how="write where the link leads, https://…, or take the link away",
)
def empty_link(proof: Proof) -> Iterator[Fault]:
    for link in _all(proof):
        address = link.address.strip(" ")
        if address in ("", "#") or _ONLY_SCHEME.fullmatch(address):
            yield Fault(link.at, f"the link {_named(link)} leads nowhere")
        elif address.startswith("#") and not _has_target(proof.edition.html, address[1:]):
            yield Fault(link.at, f"nothing in the mail is called {address!r}")


def _has_target(page: str, name: str) -> bool:
    return any(f'{key}="{name}"' in page for key in ("id", "name"))


@rule(
    "relative-link",
    Level.ERROR,
    why="A mail has no address of its own, so an address that is not complete leads nowhere.",
    how="write the whole address, with https://",
)
def relative_link(proof: Proof) -> Iterator[Fault]:
    for link in _all(proof):
        address = link.address.strip(" ")
        if address and not address.startswith("#") and not _scheme(address) and not _LEFT_OVER.match(address):
            hint = "write mailto: before it" if _MAILBOX.fullmatch(address) else ""
            if _DOMAIN.fullmatch(address) and not hint:
                hint = f"write https://{address}"
            yield Fault(link.at, f"{address!r} is not a whole address", hint)


@rule(
    "script-link",
    Level.ERROR,
    why="Mail programs take scripts, files and embedded pages for an attack, and filters do too.",
    how="link to a web page, https://…",
)
def script_link(proof: Proof) -> Iterator[Fault]:
    for link in _all(proof):
        if _scheme(link.address.strip(" ")) in _SCRIPTS:
            yield Fault(link.at, f"{_short(link.address)!r} is no link for a mail")


@rule(
    "unfilled-link",
    Level.ERROR,
    why="A blank that nobody fills in makes the link lead nowhere.",
    how="write the address itself; templates write {{ field(…) }}",
)
def unfilled_link(proof: Proof) -> Iterator[Fault]:
    for link in _all(proof):
        if _LEFT_OVER.search(link.address):
            yield Fault(link.at, f"{_short(link.address)!r} has a blank that is not filled in")


@rule(
    "not-a-link",
    Level.WARNING,
    why="What is almost a link is shown to readers with all its brackets.",
    how="write [words](https://…) without a blank between or inside; in an address %20 stands for one",
)
def not_a_link(proof: Proof) -> Iterator[Fault]:
    for link in links(proof):
        if link.kind is Kind.NONE:
            hint = "write it without a blank before the address" if "] (" in link.text else ""
            if link.text.endswith("]"):
                hint = f"add a line {link.text[link.text.rindex('[') :]}: https://…"
            yield Fault(link.place, f"{_short(link.text)!r} is no link, readers see it like this", hint)


@rule(
    "link-without-text",
    Level.WARNING,
    why="A link without words cannot be seen, and a screen reader reads its address aloud.",
    how="write in the square brackets what the link leads to",
)
def link_without_text(proof: Proof) -> Iterator[Fault]:
    for link in _all(proof):
        if not link.picture and not re.search(r"[^\s\u200b-\u200d\u2060\ufeff]", link.text):
            yield Fault(link.place, f"the link to {_short(link.address)!r} shows nothing")


@rule(
    "vague-link",
    Level.WARNING,
    why="Who jumps from link to link with a screen reader, or skims, hears only these words.",
    how="link the words that say what is behind it",
)
def vague_link(proof: Proof) -> Iterator[Fault]:
    for link in _all(proof):
        words = re.sub(r"[^\w' ]", " ", link.text.lower().replace("’", "'"))
        if re.sub(r" +", " ", words).strip(" ") in _VAGUE:
            yield Fault(link.place, f"{link.text!r} does not say where the link leads")


@rule(
    "shortened-link",
    Level.WARNING,
    why="A short address hides where it leads; filters distrust it, and it dies with its service.",
    how="follow it, and write the address that it leads to",
)
def shortened_link(proof: Proof) -> Iterator[Fault]:
    for link in _all(proof):
        if leads_anywhere(link.address):
            yield Fault(link.at, f"{_host(link.address)} hides where the link leads")


@rule(
    "tracked-link",
    Level.WARNING,
    why="Such an address tells others who read what; readers come for the article, not to be counted.",
    how="take the tracking out: newsletter check --fix",
)
def tracked_link(proof: Proof) -> Iterator[Fault]:
    for link in _all(proof):
        clean = clean_address(link.address)
        if clean != link.address:
            fixable = link.typed and link.raw == link.address
            fix = Fix(place=link.at, old=link.raw, new=clean) if fixable else None
            kept = clean.split("?")[0].split("#")[0]
            what = "tracks who follows it" if link.address.startswith(kept) else "goes through a redirector"
            yield Fault(link.at, f"the link {what}", "" if fix else f"write {clean}", fix)


@rule(
    "misleading-link",
    Level.WARNING,
    why="A link that shows one site and leads to another is what phishing looks like, and filters know it.",
    how="show words instead of an address, or the address that it leads to",
)
def misleading_link(proof: Proof) -> Iterator[Fault]:
    for link in _all(proof):
        shown = _DOMAIN.fullmatch(link.text.strip(" \u00a0"))
        host = _host(link.address)
        if not shown or not host or _site(shown["host"].lower()) == _site(host):
            continue
        # Booking.com or Node.js may be the name of what the article is about.
        address = re.match(r"https?://|www\.", shown[0]) or "/" in shown[0] or shown[0].islower()
        if address and (shown["host"].lower().rpartition(".")[2] in _COMMON_ENDS or ":" in shown[0]):
            yield Fault(link.place, f"the link shows {shown['host']} and leads to {host}")


def _site(host: str) -> str:
    """What of a host names its owner: "www.lemonde.fr" -> "lemonde.fr"."""
    parts = host.split(".")
    return ".".join(parts[-3:] if len(parts) > 2 and parts[-2] in _SECOND_LEVELS else parts[-2:])


@rule(
    "broken-address",
    Level.WARNING,
    why="An address with a slip in it leads nowhere, or only on the writer's own machine.",
    how="copy the address again from the browser",
)
def broken_address(proof: Proof) -> Iterator[Fault]:
    for link in _all(proof):
        if problem := _problem(link.address.strip(" ")):
            yield Fault(link.at, f"{_short(link.address)!r} {problem}")


def _problem(address: str) -> str:
    scheme = _scheme(address)
    if not scheme or scheme in _SCRIPTS or _ONLY_SCHEME.fullmatch(address) or _LEFT_OVER.search(address):
        return ""
    if scheme == "mailto":
        mailboxes = address[7:].split("?")[0]
        good = all(_MAILBOX.fullmatch(each) for each in mailboxes.split(","))
        return "is not a mail address" if (mailboxes or "?" not in address) and not good else ""
    if scheme not in _KNOWN:
        return "begins with what no mail program opens"
    if scheme not in ("http", "https"):
        return ""
    host = _host(address)
    if not re.match(r"https?://[^/]", address, re.IGNORECASE) or not host:
        return "has no site in it"
    if re.match(r"https?://https?(:|//)", address, re.IGNORECASE):
        return "begins twice"
    if _is_private(host):
        return "can be reached from your own network only"
    if ("." not in host and ":" not in host) or ".." in host or re.search(r"[\s,;!'\"]", host):
        return "has no site that could exist"
    return ""


def _is_private(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host == "localhost" or host.endswith(
            (".localhost", ".local", ".lan", ".internal", ".home.arpa")
        )


@rule(
    "address-end",
    Level.WARNING,
    why="Punctuation of the sentence that slipped into the address leads to a page that does not exist.",
    how="move it behind the link",
)
def address_end(proof: Proof) -> Iterator[Fault]:
    for link in _typed(proof):
        address = link.address
        # Addresses of encyclopedias do end in points: …/wiki/Apple_Inc.
        if link.kind is Kind.BARE or not _host(address) or "/wiki/" in address:
            continue
        if end := _stray_end(address):
            yield Fault(link.at, f"the address ends in {end!r}")


def _stray_end(address: str) -> str:
    last = address[-1:]
    if last in ")]":
        return last if address.count(last) > address.count("(["[")]".index(last)]) else ""
    return last if last in ".,;:»”“\"'’…" else ""


@rule(
    "address-characters",
    Level.WARNING,
    why="Only ASCII is sure to survive every mail program in an address (RFC 3986 §2).",
    how="write it percent-encoded: newsletter check --fix",
)
def address_characters(proof: Proof) -> Iterator[Fault]:
    for link in _typed(proof):
        address = link.address
        if address.isascii() and " " not in address.strip(" "):
            continue
        host = _host(address)
        unseen = next(
            (char for char in address if unicodedata.category(char) in ("Cf", "Zs", "Zl", "Zp")), ""
        )
        if unseen:
            name = (
                "a blank"
                if unseen == " "
                else f"an invisible {unicodedata.name(unseen, 'character').lower()}"
            )
            hint = "take it out" if unseen != " " else "write %20 for it, or take it out"
            yield Fault(link.at, f"{name} stands in the address", hint)
        elif not host.isascii():
            hint = "check that it is the site you mean: letters of other alphabets look like ours"
            yield Fault(link.at, f"the site {host!r} has letters that are not ASCII", hint)
        elif host:
            encoded = quote(address, safe="%:/?#[]@!$&'()*+,;=-._~")
            same = link.raw == address
            fix = Fix(place=link.at, old=address, new=encoded) if same else None
            odd = next(char for char in address if not char.isascii())
            yield Fault(link.at, f"{odd!r} stands in the address as it is", fix=fix)


@rule(
    "plain-http",
    Level.NOTE,
    why="Over http:// anybody on the way can read along, and browsers warn of it.",
    how="try the address with https://, and write that if it works",
)
def plain_http(proof: Proof) -> Iterator[Fault]:
    for link in _all(proof):
        host = _host(link.address)
        if _scheme(link.address) == "http" and host and not _is_private(host):
            yield Fault(link.at, f"the link to {host} is not encrypted")


def _named(link: Link) -> str:
    words = re.sub(r"\s+", " ", link.text).strip(" ")
    return repr(_short(words)) if words else "without words"


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"


RULES: tuple[Rule, ...] = (
    *(empty_link, relative_link, script_link, unfilled_link, not_a_link, link_without_text, vague_link),
    *(shortened_link, tracked_link, misleading_link, broken_address, address_end, address_characters),
    plain_http,
)
