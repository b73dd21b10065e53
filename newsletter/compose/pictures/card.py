"""A title -> the picture that other sites show with a link to it (Open Graph): a card of type."""

import io
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # as in `pictures`
    from PIL import ImageFont

WIDTH, HEIGHT = 1200, 630
"""The size for which the large services crop nothing: 1.91 to 1."""

_MARGIN = 84
_SIZES = (92, 82, 73, 65, 58, 52, 46)
_LINES = 4
_LEADING = 1.2
_CAPITALS = 0.7
"""The height of a capital in the font, in parts of its size."""

_SHADES = 16
"""Of each ink, at the edges of letters."""

_DATA = Path(__file__).parents[1] / "data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What stands on a card, in one line each but for the title; colours are #rrggbb."""

    name: str
    title: str
    below: str = ""
    ground: str = "#ffffff"
    ink: str = "#1f2430"
    soft: str = "#5b6270"
    rule: str = "#e3dccf"
    accent: str = "#b3261e"


def draw(card: Card) -> bytes:
    """The card as a PNG; the same for the same words and the same Pillow, whatever fonts the machine has."""
    sheet = _Sheet((card.accent, card.rule, card.ink, card.soft))
    column = WIDTH - 2 * _MARGIN
    sheet.bar(card.accent, 0, 0, WIDTH, 18)
    sheet.words(card.accent, 112, _fitted(_drawable(card.name), 42, column), 42)
    sheet.bar(card.rule, _MARGIN, 146, column, 2)
    foot = 562 if card.below else 592
    size, lines = _set(_drawable(card.title))
    leading, height = round(size * _LEADING), round(size * _CAPITALS)
    # The block stands in the middle of what is left, by its letters and not by its lines.
    first = (148 + foot - 31 - leading * (len(lines) - 1) - height) // 2 + height
    for number, line in enumerate(lines):
        sheet.words(card.ink, first + number * leading, line, size)
    if card.below:
        sheet.words(card.soft, foot, _fitted(_drawable(card.below), 31, column, "Regular"), 31, "Regular")
    return sheet.png(card.ground)


class _Sheet:
    """One stencil for each ink; nothing lies on top of anything, so that few colours make the picture."""

    def __init__(self, inks: tuple[str, ...]) -> None:
        from PIL import Image

        self._inks = tuple(dict.fromkeys(inks))
        self._stencils = {ink: Image.new("L", (WIDTH, HEIGHT)) for ink in self._inks}

    def bar(self, ink: str, x: int, y: int, width: int, height: int) -> None:
        from PIL import ImageDraw

        ImageDraw.Draw(self._stencils[ink]).rectangle((x, y, x + width - 1, y + height - 1), fill=255)

    def words(self, ink: str, base: int, text: str, size: int, weight: str = "Bold") -> None:
        """One line of text on the base line, from the left margin."""
        from PIL import ImageDraw

        on = ImageDraw.Draw(self._stencils[ink])
        on.text((_MARGIN, base), text, font=_font(weight, size), fill=255, anchor="ls")

    def png(self, ground: str) -> bytes:
        from PIL import Image, ImageChops, ImageColor

        paper = ImageColor.getrgb(ground)[:3]
        palette, pixels = list(paper), Image.new("L", (WIDTH, HEIGHT))
        for number, ink in enumerate(self._inks):
            colour = ImageColor.getrgb(ink)[:3]
            for shade in range(1, _SHADES + 1):
                palette += [p + (c - p) * shade // _SHADES for p, c in zip(paper, colour, strict=True)]
            shades = [(level * _SHADES + 127) // 255 for level in range(256)]
            table = [number * _SHADES + shade if shade else 0 for shade in shades]
            pixels = ImageChops.lighter(pixels, self._stencils[ink].point(table))
        image = Image.frombytes("P", pixels.size, pixels.tobytes())
        image.putpalette(palette)
        output = io.BytesIO()
        image.save(output, "PNG")
        return output.getvalue()


def _set(title: str) -> tuple[int, list[str]]:
    """The largest size at which the title has few lines, and the lines, about equally long."""
    width = WIDTH - 2 * _MARGIN
    for size in _SIZES:
        lines = _broken(title, size, width)
        room = 2 if size == _SIZES[0] else 3 if size > _SIZES[3] else _LINES
        if len(lines) <= room and all(_length(line, size) <= width for line in lines):
            return size, _balanced(title, size, width, len(lines))
    lines = _broken(title, size, width)
    kept = [_fitted(line, size, width) for line in lines[:_LINES]]
    if len(lines) > _LINES:
        kept[-1] = _fitted(f"{kept[-1].rstrip('…')}…", size, width)
    return size, kept


def _broken(text: str, size: int, width: float) -> list[str]:
    lines: list[str] = []
    # Ordinary spaces only: a line does not end at a no-break space.
    for word in text.split(" "):
        if lines and _length(f"{lines[-1]} {word}", size) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _balanced(text: str, size: int, width: int, count: int) -> list[str]:
    """As many lines, in the narrowest column that takes no more."""
    low, high = width // 3, width
    while high - low > 8:
        middle = (low + high) // 2
        lines = _broken(text, size, middle)
        fits = len(lines) <= count and all(_length(line, size) <= middle for line in lines)
        low, high = (low, middle) if fits else (middle, high)
    return _broken(text, size, high)


def _fitted(text: str, size: int, width: int, weight: str = "Bold") -> str:
    """The text, cut with an ellipsis where it is too long for one line."""
    if _length(text, size, weight) <= width:
        return text
    while text and _length(f"{text}…", size, weight) > width:
        text = text[:-1]
    return f"{text}…"


def _length(text: str, size: int, weight: str = "Bold") -> float:
    # The font has no kerning, so that a line is as long as its letters.
    return sum(_advance(weight, size, character) for character in text)


@cache
def _advance(weight: str, size: int, character: str) -> float:
    return _font(weight, size).getlength(character)


def _drawable(text: str) -> str:
    """The text in characters that the font has; it has no narrow no-break space, and no pictures."""
    text = text.replace("\u202f", "\u00a0").replace("\u2011", "-")
    drawn = "".join(character for character in text if character in " \u00a0" or _has(character))
    return re.sub(" {2,}", " ", drawn).strip(" ")


@cache
def _has(character: str) -> bool:
    font = _font("Bold", 40)
    missing = font.getmask("\uffff")
    drawn = font.getmask(character)
    return (drawn.size, bytes(drawn)) != (missing.size, bytes(missing))


@cache
def _font(weight: str, size: int) -> "ImageFont.FreeTypeFont":
    from PIL import ImageFont

    # The basic layout: the other one depends on a library that not every machine has.
    path = _DATA / f"Gelasio-{weight}.ttf"
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)
