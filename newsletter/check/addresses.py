"""Links and pictures of an issue with their places: those that were typed, and those of the templates."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from newsletter.check.proof import Place, Proof, Text
from newsletter.compose.typed_links import Kind, Typed, in_html, typed_links
from newsletter.fields import MARK

__all__ = ["Kind", "Link", "drawn_images", "links", "pictures", "template_links"]

_ATTRIBUTES = r"(?:\s+[\w:-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*"
_ELEMENT = re.compile(rf"<(?P<tag>a|img|mj-[a-z-]+)(?P<attributes>{_ATTRIBUTES})\s*/?>")
_ATTRIBUTE = re.compile(r"([\w:-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link or picture; `place` is where it begins and `at` where its address does.

    `typed` says that a writer typed it; else it comes of a template. `raw` is the address as it stands in the
    source. `picture` says of a template's link that it is a picture and nothing else.
    """

    kind: Kind
    place: Place
    at: Place
    address: str
    raw: str
    text: str
    typed: bool = True
    picture: bool = False


def links(proof: Proof) -> Iterator[Link]:
    """All links that writers typed, and what looks like one, in reading order."""
    for text in proof.texts:
        if text.name == "body":
            for typed in typed_links(text.source):
                if typed.kind is not Kind.PICTURE:
                    yield _link(text, typed)
        elif text.name == "link" and text.source:
            named = text.article.link_name if text.article else ""
            place = text.place()
            yield Link(
                kind=Kind.LINK if named else Kind.AUTO,
                place=place,
                at=place,
                address=text.source,
                raw=text.source,
                text=named or text.source,
            )


def pictures(proof: Proof) -> Iterator[Link]:
    """All pictures in texts; the one above an article is in its front matter."""
    for text in proof.bodies:
        for typed in typed_links(text.source):
            if typed.kind is Kind.PICTURE:
                yield _link(text, typed)


def _link(text: Text, typed: Typed) -> Link:
    return Link(
        kind=typed.kind,
        place=text.place(typed.start),
        at=text.place(typed.address_start if typed.address else typed.start),
        address=typed.address,
        raw=typed.raw,
        text=typed.text,
    )


def template_links(proof: Proof) -> Iterator[Link]:
    """The links that templates add; one that leads where a typed one does is taken for that one."""
    typed = {in_html(link.address) for link in links(proof)}
    for tag, attributes, place, inner in _drawn(proof.edition.mjml):
        if "href" not in attributes or in_html(attributes["href"]) in typed or MARK in attributes["href"]:
            continue
        words = attributes.get("alt", "") if tag == "mj-image" else _words(inner)
        address = attributes["href"]
        yield Link(
            kind=Kind.LINK,
            place=place,
            at=place,
            address=address,
            raw=address,
            text=words,
            typed=False,
            picture=tag == "mj-image" or ("<img" in inner and not re.search(r">[^<]*\w[^<]*<", f">{inner}<")),
        )


def drawn_images(proof: Proof) -> Iterator[tuple[Place, dict[str, str], bool]]:
    """Place and attributes of each picture that a template draws, and whether it is an `img` of HTML."""
    for tag, attributes, place, _ in _drawn(proof.edition.mjml):
        if tag in ("img", "mj-image"):
            yield place, attributes, tag == "img"


@lru_cache(maxsize=2)
def _drawn(mjml: str) -> tuple[tuple[str, dict[str, str], Place, str], ...]:
    """Tag, attributes, place and inner markup of the elements that a template wrote."""
    found = []
    for match in _ELEMENT.finditer(mjml):
        attributes = {
            name: html.unescape(double or single)
            for name, double, single in _ATTRIBUTE.findall(match["attributes"])
        }
        path, _, line = attributes.get("written-at", "").partition(":")
        if path:
            tag = match["tag"]
            end = mjml.find(f"</{tag}>", match.end()) if tag in ("a", "mj-button", "mj-navbar-link") else -1
            inner = mjml[match.end() : end] if end >= 0 else ""
            found.append((tag, attributes, Place(f"templates/{path}", int(line)), inner))
    return tuple(found)


def _words(markup: str) -> str:
    """What a link shows: its words, and the alternative text of its pictures."""
    alt = " ".join(re.findall(r"<img\b[^>]*\balt=\"([^\"]*)\"", markup))
    return html.unescape(re.sub(r"<[^>]*>", " ", markup) + alt)
