"""A picture -> what proof-reading asks about it: whether dark mode swallows it, whether it moves."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.compose.pictures.prepared import BROKEN
from newsletter.model import Rendition

if TYPE_CHECKING:
    from PIL import Image

_DARK = 80
"""Luminance, of 255, below which ink cannot be told from the ground of a mail in dark mode."""


def vanishes_in_dark(rendition: Rendition) -> bool:
    """Whether a picture that one can see through is drawn in dark ink, so that dark mode swallows it.

    What counts is the ink that borders on nothing: a dark coat inside a photograph does not vanish.
    """
    from PIL import Image, ImageChops, ImageFilter

    if rendition.media_type != "image/png":
        return False
    with Image.open(io.BytesIO(rendition.content)) as file:
        if not file.has_transparency_data:
            return False
        image = file.convert("RGBA")
    alpha = image.getchannel("A")
    clear = alpha.point([255 * (level < 64) for level in range(256)])
    if _count(clear) < image.width * image.height // 20:
        return False  # rounded corners
    ink = alpha.point([255 * (level >= 128) for level in range(256)])
    edge = ImageChops.darker(ink, clear.filter(ImageFilter.MaxFilter(3)))
    dark = image.convert("RGB").convert("L").point([255 * (level < _DARK) for level in range(256)])
    return 2 * _count(ImageChops.darker(edge, dark)) > _count(edge)


def _count(mask: "Image.Image") -> int:
    return mask.histogram()[255]


def is_animated(path: Path) -> bool:
    """Whether a picture file that `prepare` took is an animation."""
    from PIL import Image

    try:
        with Image.open(path, formats=["GIF", "WEBP", "PNG"]) as file:
            return bool(getattr(file, "is_animated", False))
    except BROKEN:
        return False
