"""Rules for what was said before: the same link, subject or paragraph, in this issue or in the last ones.

What stands in three earlier issues is a custom of the house, and partners pay for saying things twice:
neither is told.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from newsletter.check.proof import Place, Proof, Text
from newsletter.check.rule import Fault, Level, Rule, rule
from newsletter.model import Article, Issue
from newsletter.tracking import clean_address

_CUSTOM = 3
_SHINGLE = 3
_LEAST = 12
"""Words of a paragraph that can be told from any other."""
_ALIKE = 0.5
"""Jaccard's index of two paragraphs' shingles from which one is the other with a few words changed."""
_FEWEST = int(2 * (_LEAST - _SHINGLE + 1) * _ALIKE / (1 + _ALIKE))
"""Shingles that two of the shortest have in common at least, if they are alike."""

_LINK = re.compile(r"\]\(\s*<?(https?://[^()\s<>]*(?:\([^()\s<>]*\)[^()\s<>]*)*)|<(https?://[^\s<>]+)>")
_PARAGRAPH = re.compile(r"(?:^[^\n]*\S[^\n]*(?:\n|\Z))+", re.MULTILINE)

Shingle = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Paragraph:
    """One paragraph, where it begins, and what tells it from others."""

    place: Place
    shingles: frozenset[Shingle]

    def likeness(self, other: "_Paragraph") -> float:
        common = len(self.shingles & other.shingles)
        return common / (len(self.shingles) + len(other.shingles) - common)


def _path(issue: Issue, article: Article | None) -> str:
    return f"issues/{issue.key}/{article.source.name if article else 'issue.md'}"


def _bodies(issue: Issue) -> Iterator[Text]:
    """The texts of an earlier issue, but for what was paid for."""
    path = _path(issue, None)
    yield Text(path=path, line=issue.opening_line, column=1, name="body", source=issue.opening)
    for article in issue.articles:
        if not article.sponsored:
            yield Text(
                path=_path(issue, article),
                line=article.body_line,
                column=1,
                name="body",
                source=article.body,
                article=article,
            )


def _folded(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


# ---- links ----


def _links(text: Text) -> Iterator[tuple[str, int]]:
    """The addresses in a body, and where they stand; none from code."""
    prose = text.prose if "`" in text.source or "~~~" in text.source else text.source
    for found in _LINK.finditer(text.source):
        if found[2] or prose.startswith("](", found.start()):
            yield found[1] or found[2], found.start(1 if found[1] else 2)


@lru_cache(maxsize=4096)
def _page(address: str) -> str:
    """What two addresses of one page have in common; "" for a site's front page, which is no news."""
    parts = urlsplit(clean_address(address))
    path = parts.path.rstrip("/")
    if not path and not parts.query:
        return ""
    host = (parts.hostname or "").removeprefix("www.")
    return f"{host}{path}?{parts.query}"


@rule(
    "repeated-link",
    Level.WARNING,
    why="A page that was linked to already is old news to whoever reads every day.",
    how="link to something newer, or say that you come back to it",
)
def repeated_link(proof: Proof) -> Iterator[Fault]:
    """The publication's own pages may be linked to as often as one likes."""
    own = (urlsplit(proof.publication.url).hostname or "").removeprefix("www.")
    earlier: dict[str, list[str]] = {}
    for issue in proof.past:
        pages: dict[str, str] = {}
        for text in _bodies(issue):
            pages |= {_page(address): text.path for address, _ in _links(text)}
            if text.article and text.article.link:
                pages[_page(text.article.link)] = text.path
        for page, path in pages.items():
            earlier.setdefault(page, []).append(path)
    here: dict[str, str] = {}
    for text, address, offset in _links_here(proof):
        page = _page(address)
        if not page or page.partition("/")[0] == own:
            continue
        before = earlier.get(page, [])
        if 0 < len(before) < _CUSTOM:
            yield Fault(text.place(offset), f"{before[0]} links to the same page")
        elif here.setdefault(page, text.path) != text.path:
            yield Fault(
                text.place(offset), f"{here[page]} links to the same page", "keep it where it says more"
            )


def _links_here(proof: Proof) -> Iterator[tuple[Text, str, int]]:
    for text in proof.texts:
        if text.article and text.article.sponsored:
            continue
        if text.name == "link":
            yield text, text.source, 0
        elif text.name == "body":
            yield from ((text, address, offset) for address, offset in _links(text))


# ---- subjects ----


@rule(
    "repeated-subject",
    Level.WARNING,
    why="A subject that was there before looks like a mail that was read already.",
    how="write another",
)
def repeated_subject(proof: Proof) -> Iterator[Fault]:
    for name in ("subject", "preheader"):
        text = _folded(getattr(proof.issue, name))
        for issue in proof.past:
            if text and text == _folded(getattr(issue, name)):
                yield Fault(proof.text(name).place(), f"{_path(issue, None)} has the same {name}")
                break
    titles: dict[str, Article] = {}
    for article in proof.issue.articles:
        first = titles.setdefault(_folded(article.title), article)
        if first is not article:
            place = proof.text("title", article).place()
            yield Fault(place, f"{_path(proof.issue, first)} has the same title")


# ---- paragraphs ----


@rule(
    "repeated-paragraph",
    Level.WARNING,
    why="A paragraph that was there before is most often a file that was copied and not rewritten.",
    how="write it anew, or cut it",
)
def repeated_paragraph(proof: Proof) -> Iterator[Fault]:
    mine = [
        paragraph
        for text in proof.bodies
        if not (text.article and text.article.sponsored)
        for paragraph in _paragraphs(text)
    ]
    known = frozenset[Shingle]().union(*(paragraph.shingles for paragraph in mine))
    past = [
        [paragraph for text in _bodies(issue) for paragraph in _paragraphs(text, among=known)]
        for issue in proof.past
    ]
    for number, paragraph in enumerate(mine):
        before = [found for issue in past if (found := _most_alike(paragraph, issue))]
        if not 0 < len(before) < _CUSTOM:
            again = _most_alike(paragraph, mine[:number])
            before = [again] if again else []
        if before:
            place = before[0].place
            yield Fault(paragraph.place, f"{place.path}:{place.line} has nearly the same paragraph")


def _most_alike(paragraph: _Paragraph, others: list[_Paragraph]) -> _Paragraph | None:
    found = max(others, key=paragraph.likeness, default=None)
    return found if found and paragraph.likeness(found) >= _ALIKE else None


def _paragraphs(text: Text, *, among: frozenset[Shingle] | None = None) -> Iterator[_Paragraph]:
    """The paragraphs of a text that are long enough; only those that may be like one of `among`, if given."""
    if among is not None and len(among & _shingles(text.source)) < _FEWEST:
        return
    for found in _PARAGRAPH.finditer(text.prose):
        shingles = _shingles(found[0])
        if len(shingles) > _LEAST - _SHINGLE and (among is None or len(among & shingles) >= _FEWEST):
            yield _Paragraph(text.place(found.start()), shingles)


@lru_cache(maxsize=256)
def _shingles(prose: str) -> frozenset[Shingle]:
    """All runs of three words; kept, since the light table proof-reads after every save."""
    words = re.findall(r"\w+", prose.casefold())
    return frozenset(zip(words, words[1:], words[2:], strict=False))


RULES: tuple[Rule, ...] = (repeated_link, repeated_subject, repeated_paragraph)
