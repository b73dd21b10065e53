"""Picture files -> pictures as mail needs them: right way up, no larger than shown, without metadata.

A file is hostile until its place, its size, its first bytes and its header have been looked at; nothing is
decoded before. What comes out is a JPEG or a PNG, the same bytes for the same file.
"""

import hashlib
import io
import os
import re
import stat
import struct
import unicodedata
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.errors import ContentError, nearest
from newsletter.model import Picture, Rendition

if TYPE_CHECKING:  # Pillow takes longer to load than most commands take to run, so it is loaded when used
    from PIL import Image

MAX_BYTES = 20_000_000
MAX_PIXELS = 40_000_000
MAX_SIDE = 20_000
LARGE_PNG = 200_000
"""Above so many bytes a PNG without transparency is taken for a photograph, if JPEG makes it smaller."""

KEPT = 32
"""Pictures that are kept ready: the preview composes at each saving, and these take half of the time."""

_READY: dict[tuple[bytes, int], tuple[bytes, str, int, int]] = {}
"""SHA-256 of a file and the width to show it -> content, media type, width and height in pixels."""

_FORMATS = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "PNG"),
    (re.compile(rb"\xff\xd8\xff"), "JPEG"),
    (re.compile(rb"GIF8[79]a"), "GIF"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "WEBP"),
)
_REFUSED = (
    (re.compile(rb"(?:\xef\xbb\xbf)?\s*+<(?:svg|\?xml|!--|!DOCTYPE)", re.IGNORECASE), "an SVG drawing"),
    (re.compile(rb"....ftyp", re.DOTALL), "a HEIC or AVIF picture, or a film"),
    (re.compile(rb"%PDF"), "a PDF document"),
    (re.compile(rb"II\*\0|MM\0\*"), "a TIFF picture"),
    (re.compile(rb"BM"), "a BMP picture"),
)
_EXPORT = "export it as JPEG (a photograph) or PNG (a drawing)"
BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    struct.error,
    zlib.error,
)
"""What Pillow is known to raise on files that are cut short or damaged."""


def prepare(picture: Picture, *, folder: Path, display_width: int, src: Callable[[str], str]) -> Rendition:
    """Read one picture of the issue in `folder` and make it ready for mail.

    The rendition's `width` and `height` are those of the HTML, in CSS pixels: `display_width` wide, or less
    where the picture has fewer pixels. Its content has at most twice as many, for dense screens. `src` is
    given the name, which changes with the content so that it may be cached for ever, and returns what the
    HTML calls it. Of an animation the first frame is kept.

    Raises ContentError if the file is missing, lies outside `folder`, is no regular file, too large, of a
    type that mail programs do not show, or damaged.
    """
    try:
        shown = str(picture.path.relative_to(folder))
    except ValueError:
        shown = str(picture.path)

    def refusal(problem: str, hint: str) -> ContentError:
        return ContentError(f"picture {shown!r} {problem}", where=picture.where, hint=hint)

    data = _read(picture.path, folder, refusal)
    kind = _kind(data, refusal)
    made = (hashlib.sha256(data).digest(), display_width)
    if made not in _READY:
        image, transparent = _decode(data, kind, 2 * display_width, refusal)
        ready = _encode(image, photograph=kind == "JPEG", transparent=transparent)
        while len(_READY) >= KEPT:
            _READY.pop(next(iter(_READY)), None)
        _READY[made] = (*ready, *image.size)
    content, media_type, pixels_wide, pixels_high = _READY[made]
    extension = "jpg" if media_type == "image/jpeg" else "png"
    name = f"{slug(picture.path.stem)}-{hashlib.sha256(content).hexdigest()[:10]}.{extension}"
    width = min(display_width, pixels_wide)
    return Rendition(
        name=name,
        src=src(name),
        media_type=media_type,
        width=width,
        height=max(1, round(pixels_high * width / pixels_wide)),
        content=content,
    )


Refusal = Callable[[str, str], ContentError]
"""(what is wrong, what to do) -> the error about this picture."""


def _read(path: Path, folder: Path, refusal: Refusal) -> bytes:
    inside = f"put the picture into the folder {folder.name} and write its name only"
    try:
        real, root = Path(os.path.realpath(path)), os.path.realpath(folder)
        if not real.is_relative_to(root):
            raise refusal(f"lies outside the folder {folder.name}", inside)
        descriptor = _opened(root, real.relative_to(root))
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise refusal("is not a file", inside)
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        meant = nearest(path.name, _pictures_beside(path))
        raise refusal("is missing", f'did you mean "{meant}"?' if meant else inside) from error
    except IsADirectoryError as error:
        raise refusal("is not a file", inside) from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise refusal(f"cannot be read: {reason}", "see to the file's name and rights") from error
    if len(data) > MAX_BYTES:
        raise refusal(f"has more than {MAX_BYTES // 1_000_000} MB", "export it smaller")
    if not data:
        raise refusal("is empty", "export it again")
    return data


def _opened(folder: str, inside: Path) -> int:
    """A file opened step by step from `folder`, by a path without links in it.

    No step is followed if it has been swapped for a link meanwhile, nor does a named pipe hold us up.
    """
    flags = os.O_NOFOLLOW | os.O_CLOEXEC
    step = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | flags
    at = os.open(folder, step)
    try:
        for part in inside.parts[:-1]:
            outer, at = at, os.open(part, step, dir_fd=at)
            os.close(outer)
        return os.open(inside.name, os.O_RDONLY | os.O_NONBLOCK | flags, dir_fd=at)
    finally:
        os.close(at)


def _pictures_beside(path: Path) -> list[str]:
    try:
        return [entry.name for entry in path.parent.iterdir() if entry.suffix != ".md"]
    except OSError:
        return []


def _kind(data: bytes, refusal: Refusal) -> str:
    """The format by the file's first bytes, whatever its name says."""
    for pattern, kind in _FORMATS:
        if pattern.match(data):
            return kind
    for pattern, name in _REFUSED:
        if pattern.match(data):
            raise refusal(f"is {name}, which mail programs do not show", _EXPORT)
    raise refusal("is of no type known here", _EXPORT)


def _decode(data: bytes, kind: str, width: int, refusal: Refusal) -> tuple["Image.Image", bool]:
    """The picture upright, in sRGB, at most `width` pixels wide; and whether one can see through it."""
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            # Pillow warns of sizes far above our limit, and of damage in metadata that we drop.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=[kind]) as file:
                if file.width * file.height > MAX_PIXELS or max(file.size) > MAX_SIDE:
                    raise _too_many_pixels(refusal)
                # A photograph far too large is decoded at a half or less: three times as fast.
                file.draft(None, (width, width))
                image = _eight_bits(ImageOps.exif_transpose(file))
            alpha = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
            image = _in_srgb(image)
            transparent = alpha is not None and alpha.getextrema() != (255, 255)
            if alpha is not None and transparent:
                image = image.convert("RGB")
                image.putalpha(alpha)
            if image.width > width:
                height = max(1, round(image.height * width / image.width))
                drawing = kind != "JPEG" and image.mode == "RGB" and image.getcolors(256) is not None
                image = image.resize((width, height), Image.Resampling.LANCZOS)
                if drawing:
                    # Shades between its few colours would make a drawing four times as heavy.
                    image = _palette(image)
    except Image.DecompressionBombError as error:
        raise _too_many_pixels(refusal) from error
    except BROKEN as error:
        raise refusal("is damaged or cut short", "export it again") from error
    return image, transparent


def _too_many_pixels(refusal: Refusal) -> ContentError:
    millions = MAX_PIXELS // 1_000_000
    return refusal(
        f"has more than {millions} million pixels, or a side of more than {MAX_SIDE}", "export it smaller"
    )


def _eight_bits(image: "Image.Image") -> "Image.Image":
    """Greys of sixteen bits brought down to eight; Pillow would cut them off instead."""
    if not image.mode.startswith("I"):
        return image
    image = image.convert("I").point(lambda grey: grey * (1 / 256)).convert("L")
    image.info.pop("transparency", None)
    return image


def _in_srgb(image: "Image.Image") -> "Image.Image":
    """The picture without transparency as RGB, or L if it is grey; its own colour profile is applied."""
    from PIL import ImageCms

    if image.mode in ("P", "PA", "RGBA", "RGBX", "1", "LA"):
        grey = image.mode in ("1", "LA")
        image = image.convert("RGBA").convert("L" if grey else "RGB")
    profile = image.info.get("icc_profile")
    if profile:
        try:
            own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            srgb = ImageCms.createProfile("sRGB")
            changed = ImageCms.profileToProfile(image, own, srgb, outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            changed = None  # a profile that is damaged, or for another kind of picture: as if there were none
        if changed is not None:
            return changed
    return image if image.mode in ("L", "RGB") else image.convert("RGB")


def _encode(image: "Image.Image", *, photograph: bool, transparent: bool) -> tuple[bytes, str]:
    """(bytes, media type); the picture is drawn anew, so that no metadata is left."""
    if photograph:
        return _jpeg(image), "image/jpeg"
    png = _png(image)
    if len(png) > LARGE_PNG and not transparent and len(jpeg := _jpeg(image)) < len(png):
        return jpeg, "image/jpeg"
    return png, "image/png"


def _jpeg(image: "Image.Image") -> bytes:
    output = io.BytesIO()
    _bare(image).convert("L" if image.mode == "L" else "RGB").save(
        output, "JPEG", quality=82, optimize=True, progressive=True, subsampling="4:2:0"
    )
    return output.getvalue()


def _png(image: "Image.Image") -> bytes:
    """With a palette where that loses nothing."""
    from PIL import ImageChops

    bare = _bare(image)
    if bare.mode in ("RGB", "RGBA") and bare.getcolors(256) is not None:
        reduced = _palette(bare)
        if ImageChops.difference(reduced.convert(bare.mode), bare).getbbox(alpha_only=False) is None:
            bare = reduced
    output = io.BytesIO()
    bare.save(output, "PNG", optimize=True)
    return output.getvalue()


def _palette(image: "Image.Image") -> "Image.Image":
    """The picture with a palette of at most 256 colours."""
    from PIL import Image

    method = Image.Quantize.FASTOCTREE if image.mode == "RGBA" else Image.Quantize.MEDIANCUT
    return image.quantize(256, method=method, dither=Image.Dither.NONE)


def _bare(image: "Image.Image") -> "Image.Image":
    copy = image.copy()
    copy.info = {}
    return copy


def slug(stem: str) -> str:
    """A name for addresses: "Été à Nice" -> "ete-a-nice"."""
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:60].strip("-") or "picture"
