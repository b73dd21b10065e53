"""Rules of the house's style: how long a sentence and a paragraph are, and words that it does not use."""

import re
from collections.abc import Iterator, Mapping

from newsletter.check.passages import passages
from newsletter.check.rule import Fault, Level, Proof, Rule, rule
from newsletter.compose.reading_time import count_words

SENTENCE = 40
PARAGRAPH = 120
"""Words above which a sentence, and a paragraph, is worth a second look."""

_SENTENCE = re.compile(r"\S.*?(?:[.!?…:][\s»”\")*_\]]*(?=\s)|\Z)", re.DOTALL)
"""Too many sentences rather than too few: what stands before a colon is one of its own."""


@rule(
    "long-sentence",
    Level.NOTE,
    why="Whoever reads on a phone has forgotten the beginning of a long sentence at its end.",
    how="make two of it",
)
def long_sentence(proof: Proof) -> Iterator[Fault]:
    for passage in passages(proof):
        for found in _SENTENCE.finditer(passage.shown):
            words = count_words(found[0])
            if words > SENTENCE:
                yield Fault(passage.place(found.start()), f"a sentence of {words} words")


@rule(
    "long-paragraph",
    Level.NOTE,
    why="A paragraph that fills a phone's screen looks like work.",
    how="break it where the thought turns",
)
def long_paragraph(proof: Proof) -> Iterator[Fault]:
    for passage in passages(proof):
        words = count_words(passage.shown)
        if words > PARAGRAPH:
            start = re.search(r"\S", passage.shown)
            yield Fault(passage.place(start.start() if start else 0), f"a paragraph of {words} words")


@rule(
    "house-word",
    Level.WARNING,
    why="The house has agreed on its words in [check.words] of newsletter.toml.",
    how="say it as the house does",
)
def house_word(proof: Proof) -> Iterator[Fault]:
    words = proof.settings.words
    patterns = [
        (_pattern(word, exact=exact), said, _pattern(said, exact=exact))
        for word, said in words.items()
        if re.search(r"\S", word)
        for exact in [word.lower() == said.lower()]
    ]
    for passage in passages(proof):
        for pattern, said, right in patterns:
            met = list(pattern.finditer(passage.shown))
            kept = [found.span() for found in right.finditer(passage.shown)] if met and said else []
            for found in met:
                if any(start <= found.start() and found.end() <= end for start, end in kept):
                    continue  # it is part of what the house says
                if not said:
                    yield passage.fault(
                        found, f'the house does not say "{found[0]}"', hint="say it otherwise"
                    )
                    continue
                if said.lower() == found[0].lower() and _opens(passage.shown[: found.start()]):
                    continue  # a capital that is due to any word there
                message = f'the house does not say "{found[0]}" but "{said}"'
                new = _cased(said, found[0], words) if _fits(said, passage.text.name) else None
                yield passage.fault(found, message, new, f'write "{said}"')


def _opens(before: str) -> bool:
    """Whether a sentence begins after these words."""
    return bool(re.search(r"(?:\A|[.!?…:«“\"])[\s*_]*\Z", before))


def _pattern(word: str, *, exact: bool) -> re.Pattern[str]:
    """A word or several, whole, with apostrophes of either kind; in capitals or not, unless `exact`."""
    pieces = (re.escape(piece) for piece in re.split(r"[ \u00a0\u202f]+", word))
    any_apostrophe = re.sub("['’]", "['’]", "[ \u00a0\u202f\n]+".join(pieces))
    return re.compile(rf"(?<![\w-]){any_apostrophe}(?![\w-])", 0 if exact else re.IGNORECASE)


def _fits(said: str, name: str) -> bool:
    """Whether a machine may write it: in a key's value nothing that could end or break it."""
    return name == "body" or not re.search(r"""['"\\#:{}\[\],&*!|>%@`]""", said)


def _cased(said: str, old: str, words: Mapping[str, str]) -> str | None:
    """What the house says, with a capital if the word it stands for has one; None if there is more to it.

    Words that stand for each other in a circle are for people to settle.
    """
    own = {word for word in words if word.lower() == said.lower() and words[word] == said}
    if any(_pattern(word, exact=False).search(said) for word in words if word not in own):
        return None
    if old == old.lower() or old.lower() == said.lower():
        return said
    return said[0].upper() + said[1:] if old[1:] == old[1:].lower() else None


RULES: tuple[Rule, ...] = (long_sentence, long_paragraph, house_word)
