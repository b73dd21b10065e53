"""Rules for the parts of the finished mail: how they nest, how big they are, whether the text tells all."""

import re
from collections.abc import Iterator

from newsletter.check.headers import LONGEST_LINE
from newsletter.check.mail import CLIP
from newsletter.check.raw import mail_of
from newsletter.check.rule import Fault, Level, Place, Proof, Rule, rule
from newsletter.compose.tree import HtmlElement, parse

NEAR_CLIP = 80_000
"""Bytes of the HTML as it travels. Whether Gmail counts it encoded or decoded nobody outside knows."""

BIG = 500_000
"""Bytes of a whole mail, at which slow lines and full mailboxes begin to matter."""

_TEXT_TEMPLATE = "templates/mail/issue.txt.j2"
_WORD = re.compile(r"[^\W_]+")
_NOT_SAID = re.compile(r"https?://\S+|\[\d+\]")
_HIDES = re.compile(r"display\s*:\s*none")
_BREAK = ("", False)
_HIDDEN = ("head", "style", "script")
_INLINE = (
    "a",
    "abbr",
    "b",
    "code",
    "em",
    "i",
    "mark",
    "q",
    "s",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
    "u",
)

_TOLERANCE = 0.01
_SPARED = 12
"""Words that the HTML may say alone: a button's label, a line about sharing."""
_NAMED = 6


@rule(
    "mime-parts",
    Level.WARNING,
    why="Parts in the wrong order or with a wrong frame show the text in place of the HTML, or nothing.",
    how="report it: the press must not write such a mail",
)
def mime_parts(proof: Proof) -> Iterator[Fault]:
    mail = mail_of(proof.message)
    place = Place(proof.folder)
    if mail.kind != "multipart/alternative":
        yield Fault(place, f"the mail is {mail.kind}, not multipart/alternative")
        return
    kinds = [part.kind for part in mail.parts]
    if not kinds:
        yield Fault(place, "the boundary between the parts is not where it should be")
    elif kinds not in (["text/plain", "text/html"], ["text/plain", "multipart/related"]):
        yield Fault(place, f"the parts are {', '.join(kinds)}, not text and then HTML")
    for part in mail.walk():
        if part.kind == "multipart/related" and [inner.kind for inner in part.parts][:1] != ["text/html"]:
            yield Fault(place, "the HTML is not the first part beside its pictures")
        if part.kind.startswith("multipart/"):
            continue
        try:
            content = part.content
            if part.kind.startswith("text/"):
                content.decode(part.parameters.get("charset", "ascii"))
        except (ValueError, LookupError):
            yield Fault(place, f"the {part.kind} part is not in the encoding that it claims")
        if part.kind.startswith("text/") and part.parameters.get("charset", "").lower() != "utf-8":
            yield Fault(place, f"the {part.kind} part does not say that it is UTF-8")


@rule(
    "mail-size",
    Level.WARNING,
    why="A mail over 500 kB takes long on the train, fills mailboxes, and looks like spam.",
    how='write pictures = "hosted" below [look], or take a picture out',
)
def mail_size(proof: Proof) -> Iterator[Fault]:
    size = len(proof.message)
    if size <= BIG:
        return
    place, hint = Place(proof.folder), ""
    if proof.edition.embedded and proof.edition.renditions:
        heaviest = max(proof.edition.renditions, key=lambda rendition: len(rendition.content))
        place = proof.setting("look", "pictures")
        hint = f'the heaviest picture is {heaviest.name}; with pictures = "hosted" it stays on the web site'
    yield Fault(place, f"the mail has {size // 1000} kB", hint)


@rule(
    "near-clip",
    Level.WARNING,
    why="Gmail cuts long mails off, and a correction or a longer greeting may be what makes one too long.",
    how="shorten an article, or take one out",
)
def near_clip(proof: Proof) -> Iterator[Fault]:
    if len(proof.edition.html.encode()) > CLIP:
        return  # an error of its own
    for part in mail_of(proof.message).walk():
        if part.kind == "text/html" and (size := len(part.body)) > NEAR_CLIP:
            words = f"the HTML takes {size // 1000} kB on its way; Gmail cuts mails off at {CLIP // 1000} kB"
            yield Fault(Place(proof.folder), words)


@rule(
    "long-text-line",
    Level.WARNING,
    why="Mail programs cut lines of text that are too long to travel unencoded, as soon as one is quoted.",
    how="break the line, or take a shorter address",
)
def long_text_line(proof: Proof) -> Iterator[Fault]:
    for line in proof.edition.text.split("\n"):
        if len(line.encode()) > LONGEST_LINE:
            words = f"a line of the text part has {len(line.encode())} octets, and {LONGEST_LINE} are allowed"
            yield Fault(_origin(proof, line), words)


def _origin(proof: Proof, line: str) -> Place:
    """Where a line comes from that nothing could fold: its longest word was typed so, or a template's."""
    longest = max(re.findall(r"[^ ]+", line), key=len)
    for text in proof.texts:
        for piece in (re.sub(r"\A +", "", line), longest):
            if (at := text.source.find(piece)) >= 0:
                return text.place(at)
    return Place(_TEXT_TEMPLATE)


@rule(
    "text-says-less",
    Level.WARNING,
    why="Who reads the text part must get the whole issue, and filters take a poor one for a trick.",
    how="write into the text template what the HTML says",
)
def text_says_less(proof: Proof) -> Iterator[Fault]:
    parts = {part.kind: part for part in reversed([*mail_of(proof.message).walk()])}
    if "text/html" not in parts:
        return
    if "text/plain" not in parts:
        yield Fault(Place(_TEXT_TEMPLATE), "the mail has no text part")
        return
    try:
        html, text = (parts[kind].content.decode() for kind in ("text/html", "text/plain"))
    except ValueError:
        return  # a finding of its own
    passages = passages_of(html)
    said = _runs(words_of(_NOT_SAID.sub(" ", text)))
    known = {tuple(words_of(pitch)) for pitch in proof.publication.pitches}
    missing = [
        passage
        for passage in passages
        if tuple(passage) not in known and len(_runs(passage) - said) * 2 > len(_runs(passage))
    ]
    lost = sum(map(len, missing))
    if lost > max(_SPARED, _TOLERANCE * sum(map(len, passages))):
        longest = max(missing, key=len)
        named = " ".join(longest[:_NAMED]) + ("…" if len(longest) > _NAMED else "")
        yield Fault(Place(_TEXT_TEMPLATE), f'the text part lacks {lost} words of the HTML, such as "{named}"')


def words_of(text: str) -> list[str]:
    """The words in small letters, in order."""
    return _WORD.findall(text.casefold())


def _runs(words: list[str]) -> set[tuple[str, ...]]:
    """All runs of three words, which tell a passage from another that happens to use the same words."""
    return set(zip(words, words[1:], words[2:], strict=False))


def passages_of(html: str) -> list[list[str]]:
    """The words of each paragraph, cell or line that a page shows, without those that are mostly links.

    What is mostly links are ways to somewhere, which the text part gives as addresses or not at all. What has
    fewer than five words is not told either.
    """
    pieces: list[tuple[str, bool]] = []
    _collect(parse(html), pieces, link=False)
    passages = []
    text, linked = "", 0
    for piece, is_link in [*pieces, _BREAK]:
        if (piece, is_link) != _BREAK:
            text += piece
            linked += len(words_of(piece)) if is_link else 0
            continue
        words = words_of(text)
        if len(words) > 4 and linked * 2 <= len(words):
            passages.append(words)
        text, linked = "", 0
    return passages


def _collect(element: HtmlElement, pieces: list[tuple[str, bool]], *, link: bool) -> None:
    """Append the texts that an element shows, each with whether it is a link's, and the breaks between."""
    tag = element.tag
    if not isinstance(tag, str):
        return  # a comment, Outlook's own too
    inline = tag in _INLINE
    if not inline:
        pieces.append(_BREAK)
    if tag not in _HIDDEN and not _HIDES.search(element.get("style", "")):
        link = link or tag == "a"
        if element.text:
            pieces.append((element.text, link))
        for child in element:
            _collect(child, pieces, link=link)
            if child.tail:
                pieces.append((child.tail, link))
    if not inline:
        pieces.append(_BREAK)


RULES: tuple[Rule, ...] = (mime_parts, mail_size, near_clip, long_text_line, text_says_less)
