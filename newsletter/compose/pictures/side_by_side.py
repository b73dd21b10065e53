"""Two pictures of a page -> one that shows them side by side, and a third time with what differs marked.

Rows of pixels are matched like the lines of two texts, so that what was only pushed down does not count as
different; long stretches that are the same are left out.
"""

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from functools import reduce
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # Pillow is loaded when it is used
    from PIL import Image

ANCHOR = 12
"""Rows unlike the one above that have to match: fewer, as between two lines of text, do so by chance."""

TOLERANCE = 6
"""Shades, of 255, by which a pixel may lie beyond those around it where all has moved by half a pixel."""

AROUND = 90
"""Rows shown above and below a difference, to see where on the page it is."""

_GROUND = "#6b7280"
_NOTHING = "#8b919c"
_WORDS = "#ffffff"
_CHANGED = "#e5007d"
_ADDED = "#0072ce"
_REMOVED = "#d55e00"
_MARGIN = 20
_HEAD = 44
_CUT = 30


@dataclass(frozen=True, slots=True)
class _Band:
    """Rows `a` to `b` of the one picture beside rows `c` to `d` of the other."""

    same: bool
    a: int
    b: int
    c: int
    d: int

    @property
    def height(self) -> int:
        return max(self.b - self.a, self.d - self.c)


def side_by_side(before: bytes, after: bytes, *, titles: tuple[str, str, str]) -> bytes | None:
    """PNG of two pictures of the same width and of what differs, under their titles; None if nothing does."""
    from PIL import Image

    pair = _Pair(*(Image.open(io.BytesIO(data)).convert("RGB") for data in (before, after)))
    if pair.before == pair.after:
        return None
    bands = list(_shown(pair.bands))
    width = pair.after.width
    height = _HEAD + _MARGIN + sum(band.height if band else _CUT for band, _ in bands)
    sheet = Image.new("RGB", (3 * width + 4 * _MARGIN, height), _GROUND)
    lefts = [_MARGIN + column * (width + _MARGIN) for column in range(3)]
    for left, title in zip(lefts, titles, strict=True):
        _write(sheet, title, (left, 12), 17)
    top = _HEAD
    for band, left_out in bands:
        if band is None:
            _write(sheet, f"{left_out:,} rows, all the same", (lefts[0], top + 7), 13)
            top += _CUT
            continue
        for left, panel in zip(lefts, pair.panels(band), strict=True):
            sheet.paste(panel, (left, top))
        top += band.height
    output = io.BytesIO()
    sheet.save(output, "PNG", compress_level=4)
    return output.getvalue()


class _Pair:
    """Two pictures of the same width; `bands` go from top to bottom, by turns the same and different.

    A band in which all has only moved by a fraction of a pixel counts as the same: a line of text is then
    drawn a row further up or down, and a picture's pixels are mixed anew. It does not if there is no other
    difference.
    """

    def __init__(self, before: "Image.Image", after: "Image.Image") -> None:
        from PIL import Image

        self.before, self.after = before, after
        first, second = _rows(before), _rows(after)
        found = SequenceMatcher(None, first, second).get_opcodes()
        bands = [_Band(kind == "equal", a, b, c, d) for kind, a, b, c, d in found]

        def is_anchor(band: _Band) -> bool:
            edge = (band.a, band.c) == (0, 0) or (band.b, band.d) == (len(first), len(second))
            return edge or sum(first[row] != first[row - 1] for row in range(band.a + 1, band.b)) >= ANCHOR

        def forgiven(bands: Iterable[_Band]) -> list[_Band]:
            return _joined(replace(band, same=band.same or self._is_rounding(band)) for band in bands)

        def anchored(bands: Iterable[_Band]) -> list[_Band]:
            return _joined(replace(band, same=band.same and is_anchor(band)) for band in bands)

        rounded = forgiven(anchored(forgiven(bands)))
        self._strict = all(band.same for band in rounded)
        self.bands = anchored(bands) if self._strict else rounded
        shade = after.convert("L").resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
        self._ground = "#ffffff" if isinstance(shade, int | float) and shade > 127 else "#000000"

    def _is_rounding(self, band: _Band) -> bool:
        """Whether a band shows nothing new, seen together with the row above and the one below."""
        was = self.before.crop(
            (0, max(band.a - 1, 0), self.before.width, min(band.b + 1, self.before.height))
        )
        now = self.after.crop((0, max(band.c - 1, 0), self.after.width, min(band.d + 1, self.after.height)))
        height = max(was.height, now.height)
        if abs(was.height - now.height) > 1:
            return False
        return _strangers(_extended(was, height), _extended(now, height), near=2).getbbox() is None

    def panels(self, band: _Band) -> Iterator["Image.Image"]:
        """The band before, after, and marked."""
        from PIL import Image

        width = self.after.width
        was = self.before.crop((0, band.a, width, band.b))
        now = self.after.crop((0, band.c, width, band.d))
        for part in (was, now):
            panel = Image.new("RGB", (width, band.height), _NOTHING)
            panel.paste(part, (0, 0))
            yield panel
        yield self._faded(now) if band.same else self._marked(was, now, band.height)

    def _marked(self, was: "Image.Image", now: "Image.Image", height: int) -> "Image.Image":
        """What is there now, faded, under a colour where it changed, or where one of the two ends earlier."""
        from PIL import Image, ImageFilter

        width, common = was.width, min(was.height, now.height)
        panel = Image.new("RGB", (width, height))
        if common:
            both = [part.crop((0, 0, width, common)) for part in (was, now)]
            changed = _changed(both[0], both[1]) if self._strict else _strangers(both[0], both[1])
            panel.paste(self._faded(both[1]), (0, 0))
            panel.paste(_tinted(both[1], _CHANGED), (0, 0), changed.filter(ImageFilter.MaxFilter(5)))
        if now.height > common:
            panel.paste(_tinted(now.crop((0, common, width, now.height)), _ADDED), (0, common))
        elif was.height > common:
            panel.paste(_tinted(was.crop((0, common, width, was.height)), _REMOVED), (0, common))
        return panel

    def _faded(self, image: "Image.Image") -> "Image.Image":
        from PIL import Image

        grey = image.convert("L").convert("RGB")
        return Image.blend(grey, Image.new("RGB", image.size, self._ground), 0.65)


def _rows(image: "Image.Image") -> list[bytes]:
    data, stride = image.tobytes(), 3 * image.width
    return [data[start : start + stride] for start in range(0, len(data), stride)]


def _joined(bands: Iterable[_Band]) -> list[_Band]:
    joined: list[_Band] = []
    for band in bands:
        if joined and joined[-1].same == band.same:
            band = replace(joined.pop(), b=band.b, d=band.d)
        joined.append(band)
    return joined


def _shown(bands: Sequence[_Band]) -> Iterator[tuple[_Band | None, int]]:
    """The bands, of which those that are the same are cut down to what stands AROUND a difference.

    None stands for what is left out, with the number of its rows.
    """
    for index, band in enumerate(bands):
        above = AROUND if index else 0
        below = AROUND if index < len(bands) - 1 else 0
        if not band.same or band.height <= above + below + _CUT:
            yield band, 0
            continue
        if above:
            yield _Band(True, band.a, band.a + above, band.c, band.c + above), 0
        yield None, band.height - above - below
        if below:
            yield _Band(True, band.b - below, band.b, band.d - below, band.d), 0


def _changed(was: "Image.Image", now: "Image.Image") -> "Image.Image":
    """Which pixels differ at all, white on black."""
    from PIL import ImageChops

    return _any(ImageChops.difference(was, now))


def _strangers(was: "Image.Image", now: "Image.Image", *, near: int = 1) -> "Image.Image":
    """Which pixels of either picture are neither like nor between those as `near` to them in the other."""
    from PIL import ImageChops, ImageFilter

    found = []
    for one, other in ((was, now), (now, was)):
        lightest, darkest = (
            other.filter(kind(2 * near + 1)) for kind in (ImageFilter.MaxFilter, ImageFilter.MinFilter)
        )
        found += [ImageChops.subtract(one, lightest), ImageChops.subtract(darkest, one)]
    return _any(*found, above=TOLERANCE)


def _any(*images: "Image.Image", above: int = 0) -> "Image.Image":
    """Where one of the pictures has a channel above a shade, white on black."""
    from PIL import ImageChops

    channels = (channel for image in images for channel in image.split())
    return reduce(ImageChops.lighter, channels).point([255 * (shade > above) for shade in range(256)])


def _extended(image: "Image.Image", height: int) -> "Image.Image":
    """The picture with its last row repeated until it has that height."""
    from PIL import Image

    whole = Image.new("RGB", (image.width, height))
    last = image.crop((0, image.height - 1, image.width, image.height))
    for top in range(image.height, height):
        whole.paste(last, (0, top))
    whole.paste(image, (0, 0))
    return whole


def _tinted(image: "Image.Image", colour: str) -> "Image.Image":
    from PIL import Image

    return Image.blend(image, Image.new("RGB", image.size, colour), 0.5)


def _write(sheet: "Image.Image", words: str, at: tuple[int, int], size: int) -> None:
    from PIL import ImageDraw, ImageFont

    font: ImageFont.FreeTypeFont | ImageFont.ImageFont = ImageFont.load_default(size)
    ImageDraw.Draw(sheet).text(at, words, fill=_WORDS, font=font)
