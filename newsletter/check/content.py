"""Rules for what an issue says, and for how long: five minutes, a subject that fits, nothing left to do."""

import re
from collections.abc import Iterator

from newsletter.check.proof import Text
from newsletter.check.rule import Fault, Level, Proof, Rule, rule
from newsletter.compose.issue import TO_CHECK
from newsletter.compose.reading_time import count_words
from newsletter.model import Article

FIVE_MINUTES = 300

_PHONE = 40
"""Characters of a subject that a phone held upright shows."""

_THIN = 15
"""An article of fewer words tells nothing."""

_NO_WORDS = ("link", "picture", "sponsored")
"""The keys whose values nobody reads as words."""


@rule(
    "five-minutes",
    Level.ERROR,
    why="The name promises five minutes, and readers plan their coffee by it.",
    how="cut the longest article, or move one to tomorrow",
)
def five_minutes(proof: Proof) -> Iterator[Fault]:
    over = proof.edition.reading_seconds - FIVE_MINUTES
    if over > 0:
        longest = max(proof.issue.articles, key=lambda article: len(article.body))
        yield Fault(
            proof.text("body", longest).place(),
            f"the issue takes {over} s more than five minutes; this article is the longest",
            f"cut about {over * 4} words",
        )


@rule(
    "article-share",
    Level.WARNING,
    why="An article that takes far more than its share of the five minutes takes it from all others.",
    how="cut it, or give it two days",
)
def article_share(proof: Proof) -> Iterator[Fault]:
    """Half as much again as a fair share; nobody's share is less than a fifth, however many they are."""
    words = {article.number: _words(proof, article) for article in proof.issue.articles}
    total = sum(words.values()) + count_words(proof.text("body").prose)
    share = FIVE_MINUTES // min(len(words), 5)
    for article in proof.issue.articles if len(words) > 2 else ():
        seconds = round(proof.edition.reading_seconds * words[article.number] / max(total, 1))
        if seconds > share * 1.5:
            over = words[article.number] * (seconds - share) // seconds
            yield Fault(
                proof.text("body", article).place(),
                f"this article takes {seconds} s; its share of the five minutes is {share} s",
                f"cut about {over} words",
            )


def _words(proof: Proof, article: Article) -> int:
    return count_words(article.title) + count_words(proof.text("body", article).prose)


def _length(proof: Proof, name: str, shown: str, least: int, most: int, *, phone: int = 0) -> Iterator[Fault]:
    if not least <= len(shown) <= most:
        cut = f'; a phone shows "{shown[:phone]}…"' if phone and len(shown) > most else ""
        yield Fault(
            proof.text(name).place(),
            f"the {name} has {len(shown)} characters; inboxes show {least} to {most} best{cut}",
            f"make it {'longer' if len(shown) < least else 'shorter'}",
        )


@rule(
    "subject-length",
    Level.WARNING,
    why="A phone shows some forty characters of a subject, a desktop sixty; the rest is cut off.",
    how="write 10 to 60 characters, what matters first",
)
def subject_length(proof: Proof) -> Iterator[Fault]:
    yield from _length(proof, "subject", proof.edition.subject, 10, 60, phone=_PHONE)


@rule(
    "preheader-length",
    Level.WARNING,
    why="The inbox shows the preheader beside the subject; if it is too short, mail clients fill it up.",
    how="write 40 to 110 characters that go on where the subject stops",
)
def preheader_length(proof: Proof) -> Iterator[Fault]:
    yield from _length(proof, "preheader", proof.edition.preheader, 40, 110)


@rule(
    "preheader-repeats",
    Level.WARNING,
    why="Subject and preheader stand side by side in the inbox; said twice, one of them is wasted.",
    how="let the preheader tell of another article",
)
def preheader_repeats(proof: Proof) -> Iterator[Fault]:
    subject, preheader = (_folded(text) for text in (proof.issue.subject, proof.issue.preheader))
    long = {word for word in subject.split() if len(word) > 4}
    again = long & set(preheader.split())
    if subject == preheader:
        message = "the preheader is the subject once more"
    elif len(subject.split()) > 2 and f" {subject} " in f" {preheader} ":
        message = "the preheader says the whole subject once more"
    elif len(again) >= 3 and len(again) * 3 >= len(long) * 2:
        message = f"the preheader repeats the subject: {', '.join(sorted(again))}"
    else:
        return
    yield Fault(proof.text("preheader").place(), message)


def _folded(text: str) -> str:
    """The words alone, in small letters, a blank between them."""
    return " ".join(re.findall(r"\w+", text.casefold()))


@rule(
    "import-mark",
    Level.ERROR,
    why="An import leaves a mark where it was not sure, and nobody has looked at it yet.",
    how="settle it and delete the mark",
)
def import_mark(proof: Proof) -> Iterator[Fault]:
    for text in proof.texts:
        at = text.source.find(f"[{TO_CHECK}")
        while at >= 0:
            yield Fault(text.place(at), "a mark to check something is still there")
            at = text.source.find(f"[{TO_CHECK}", at + 1)


_PLACEHOLDER = re.compile(
    r"\b(?:TK)+\b(?!\s[A-ZÀ-Ý]\w)"  # "to come", but not TK Maxx or TK Elevator
    r"|\b(?:TODO|FIXME)\b"
    r"|(?<![\d.X] )(?<!Bowl )(?<!\.)\b(?:XXX+|xxx+)\b(?! [\dX])"  # no thirtieth Super Bowl, no card number
    r"|\bXX+(?=\s?(?:[%€$£]|millions?\b|milliards?\b|euros?\b|billions?\b))"
    r"|\b(?i:lorem ipsum|dolor sit amet)\b"
    r"|\[(?i:(?:à|a) (?:compléter|completer|venir|faire|écrire|relire|préciser|confirmer|vérifier)"
    r"|insérer|insert|to come|to do|tbd|tbc)\b[^\]\n]*\](?![(\[:])"
)

# What `newsletter new` writes to show the house's shapes; tests/check/test_content.py holds the two together.
_SHAPES = (
    "ce texte montre les formes de la maison",
    "Un paragraphe court pose la nouvelle.",
    "une accroche en gras, close par deux-points, ouvre le paragraphe qui explique",
    "une liste à puces ;",
    "ou une liste numérotée, avec 1. et 2.",
    "et en une ligne ce qu'il mesure.",
    "Une citation, entre deux lignes vides.",
    "Prénom Nom, fonction",
    "la dernière phrase est celle que l'on retient.",
    "Ce que montre l'image (obligatoire",
    "Auteur de l'image",
    "Nom de la source",
    "this text shows the house's shapes",
    "A short paragraph tells the news.",
    "bold words that end in a colon open the paragraph that explains",
    "a bullet list;",
    "or a numbered one, with 1. and 2.",
    "and in one line what it measures.",
    "A quotation, between two empty lines.",
    "First Last, position",
    "the last sentence is the one that stays.",
    "What the picture shows (required",
    "Who made the picture",
    "Name of the source",
)
_SHAPE = re.compile(
    "|".join(re.escape(shape).replace(r"\ ", r"\s+").replace("'", "['’]") for shape in _SHAPES)
)
_QUOTES = {'"': '"', "«": "»", "“": "”"}


@rule(
    "placeholder",
    Level.ERROR,
    why="Words that keep the place of others were never meant for readers.",
    how="write what belongs there",
)
def placeholder(proof: Proof) -> Iterator[Fault]:
    for text in proof.texts:
        if text.name == "link" and re.fullmatch(r"https?://example\.org/(?:la|the)-source", text.source):
            yield Fault(text.place(), "the link is still the one of the empty article")
        if text.name in _NO_WORDS:
            continue
        prose = text.prose
        for found in _PLACEHOLDER.finditer(prose):
            if not _spoken_about(prose, found.start(), found.end()) and TO_CHECK not in found[0]:
                yield Fault(text.place(found.start()), f"{found[0]!r} keeps the place of something")
        for found in _SHAPE.finditer(prose):
            yield Fault(text.place(found.start()), "what newsletter new wrote is still there")


def _spoken_about(prose: str, start: int, end: int) -> bool:
    """Whether the words stand in quotation marks of their own, as the "lorem ipsum" of an article on it."""
    before, after = prose[:start].rstrip()[-1:], prose[end:].lstrip()[:1]
    return before in _QUOTES and _QUOTES[before] == after


@rule(
    "empty-text",
    Level.ERROR,
    why="A title with nothing below it, or an announcement of nothing, looks like an accident.",
    how="write the text, or delete what announces it",
)
def empty_text(proof: Proof) -> Iterator[Fault]:
    for text in proof.bodies:
        said = re.sub(r"^\[\^[^\]]+\]:.*", "", text.prose, flags=re.MULTILINE)  # footnotes
        if text.article and not count_words(said) and not _shows_something(text):
            yield Fault(text.place(), "the article has no words")
        elif last := re.search(r"(?:\A|\n[^\S\n]*\n)(\*\*[^*\n]+:\s*\*\*)\s*\Z", said):
            yield Fault(text.place(last.start(1)), "the text ends with a lead-in that leads to nothing")


@rule(
    "thin-article",
    Level.WARNING,
    why="An article of one short sentence is more often a file that was forgotten.",
    how="write it, or delete the file",
)
def thin_article(proof: Proof) -> Iterator[Fault]:
    for text in proof.bodies:
        words = count_words(text.prose)
        if text.article and 0 < words < _THIN and not _shows_something(text):
            yield Fault(text.place(), f"the article has only {words} words")


def _shows_something(text: Text) -> bool:
    """Whether a picture or code may be all there is to say."""
    return "![" in text.source or "`" in text.source or bool(text.article and text.article.picture)


RULES: tuple[Rule, ...] = (
    five_minutes,
    article_share,
    subject_length,
    preheader_length,
    preheader_repeats,
    import_mark,
    placeholder,
    empty_text,
    thin_article,
)
