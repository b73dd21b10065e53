"""How many words a text has, so how long it takes to read."""

import re

_THOUSANDS = re.compile(r"(?<![\w.,])\d{1,3}(?:[ \u00a0\u202f]\d{3}(?!\d)){1,6}(?![ \u00a0\u202f]\d{3})")


def count_words(text: str) -> int:
    """The runs between spaces of any kind that hold a letter or a digit; "38 000 €" is one."""
    joined = _THOUSANDS.sub("0", text)
    return sum(any(character.isalnum() for character in word) for word in joined.split())


def reading_seconds(words: int, words_per_minute: int) -> int:
    """How long a reader takes in silence, in seconds, rounded to the nearest.

    238 words a minute is the mean for adults reading English non-fiction: M. Brysbaert, "How many words do we
    read per minute? A review and meta-analysis of reading rate", Journal of Memory and Language 109, 2019.
    """
    return (words * 60 + words_per_minute // 2) // words_per_minute
