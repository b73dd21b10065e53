"""The boxes in which one signs up: which reason each shows, and which words stand for consent."""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from newsletter.compose.words import Words
from newsletter.model import Publication


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One box: its title, its reason to sign up, what one agrees to, and the id that stands for all these.

    `number` tells the boxes of one page apart.
    """

    number: int
    title: str
    pitch: str
    consent: str

    @property
    def words(self) -> str:
        """All that somebody who signs up in this box has read there, a line each."""
        return "\n".join((self.title, self.pitch, self.consent))

    @property
    def id(self) -> str:
        """The first eight hexadecimal digits of the words' SHA-256."""
        return hashlib.sha256(self.words.encode()).hexdigest()[:8]


class Boxes:
    """The boxes of one publication; `one` typesets a line."""

    def __init__(self, publication: Publication, words: Words, one: Callable[[str], str]) -> None:
        say = words.translations.gettext
        name = _running(one(publication.name), publication.language)
        self._title = say("Follow %(name)s") % {"name": name}
        self._consent = one(
            say(
                "By signing up, you agree to get %(name)s by mail; each one has a link to leave."
                " Your address serves for nothing else."
            )
            % {"name": name}
        )
        usual = one(say("A mail every working day. It is free."))
        self._pitches = tuple(one(pitch) for pitch in publication.pitches) or (usual,)

    def pitch(self, turn: int) -> str:
        """The reason whose turn it is."""
        return self._pitches[turn % len(self._pitches)]

    def pair(self, turn: int) -> tuple[Box, Box]:
        """The two boxes of a page, the upper and the lower one."""
        return self._box(1, turn), self._box(2, turn + 1)

    def known(self) -> Mapping[str, str]:
        """Every box that a page may show now: id -> words."""
        boxes = [self._box(1, turn) for turn in range(len(self._pitches))]
        return {box.id: box.words for box in boxes}

    def _box(self, number: int, turn: int) -> Box:
        return Box(number=number, title=self._title, pitch=self.pitch(turn), consent=self._consent)


def _running(name: str, language: str) -> str:
    """The name inside a sentence: a French article at its beginning is no proper noun there."""
    return name[:1].lower() + name[1:] if language == "fr" and re.match(r"L(?:['’]|[ea]s? )", name) else name
