"""Where something in the finished mail came from: the line of a text that was typed, or of a template."""

import re
from collections.abc import Iterable

from newsletter.check.proof import Place, Proof, Text
from newsletter.compose.templates import PLACE

MAIL = "templates/mail/issue.mjml.j2"

ENOUGH = 60
"""Letters by which a text is known again."""

_PLACE = re.compile(rf'{PLACE}="([^":]+):(\d+)"')
_NO_TEXT = re.compile(r"<style.*?</style>|<mj-style.*?</mj-style>|<[^>]*>|&#?\w+;", re.DOTALL)


def typed(words: str, texts: Iterable[Text]) -> Place | None:
    """Where in these texts the words were typed, None if they were not; typography makes no difference."""
    wanted = _letters(words)[0][:ENOUGH]
    if not wanted:
        return None
    for text in texts:
        for source in (text.prose, text.source):
            letters, offsets = _letters(source)
            at = letters.find(wanted)
            if at >= 0:
                return text.place(offsets[at])
    return None


def around_words(proof: Proof, words: str, tag: str = "") -> Place:
    """The element of a template in which the words are shown; the one inside `tag` where there are more."""
    mjml = proof.edition.mjml
    plain = _NO_TEXT.sub(lambda found: " " * len(found[0]), mjml)
    letters, offsets = _letters(plain)
    wanted = re.escape(_letters(words)[0][:ENOUGH])
    found = [offsets[each.start()] for each in re.finditer(wanted, letters)] if wanted else []
    opened = f"<{tag}", f"</{tag}"
    inside = [at for at in found if tag and mjml.rfind(opened[0], 0, at) > mjml.rfind(opened[1], 0, at)]
    return _before(mjml, (inside or found)[0]) if found else Place(MAIL)


def of_markup(proof: Proof, *needles: str) -> Place:
    """The element of a template that says the first of these that can be found in the MJML."""
    mjml = proof.edition.mjml
    for needle in needles:
        at = mjml.lower().find(needle.lower())
        if at >= 0:
            return _before(mjml, at)
    return Place(MAIL)


def _before(mjml: str, offset: int) -> Place:
    """The place of the tag at an offset, or of the last one before it that a template wrote."""
    start = mjml.rfind("<", 0, offset + 1)
    own = _PLACE.search(mjml, max(0, start), mjml.find(">", max(0, start)) + 1)
    before = [own] if own else list(_PLACE.finditer(mjml, 0, max(0, start)))[-1:]
    return Place(f"templates/{before[0][1]}", int(before[0][2])) if before else Place(MAIL)


def _letters(source: str) -> tuple[str, list[int]]:
    """Letters and digits alone, in small letters, and where each stands."""
    kept = [(char.lower(), offset) for offset, char in enumerate(source) if char.isalnum()]
    return "".join(char[:1] for char, _ in kept), [offset for _, offset in kept]
