"""The door to mammoth: a Word document (.docx) -> the HTML of what it says, and the pictures in it.

A document is hostile until its parts have been counted and weighed; nothing is unpacked before, and nothing
outside of it is ever opened. ECMA-376 part 2, 8.3.3 forbids document type declarations in its XML.
"""

import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from xml.parsers.expat import ExpatError

from newsletter.errors import ContentError

MAX_XML = 8_000_000
"""The most bytes of text, unpacked; a book of 300 pages has five million, an article a hundred thousand."""

MAX_UNPACKED = 200_000_000
MAX_PARTS = 5_000

_EXTENSIONS = {"image/jpeg": "jpg", "image/jpg": "jpg", "image/png": "png", "image/gif": "gif"}
_STYLES = """
p[style-name='Title'] => h1:fresh
p[style-name='Quote'] => blockquote > p:fresh
p[style-name='Intense Quote'] => blockquote > p:fresh
p[style-name='Quotations'] => blockquote > p:fresh
"""
_LOST = re.compile(r"An unrecognised element was ignored: (?:\{[^{}]*\})?(\S+)")
_MADE_BY_MACHINE = re.compile(
    r"généré|automatically generated|AI-generated|\A(?:image|picture|photo)?[\s_-]*\d*(?:\.\w{3,4})?\Z|[\\/]",
    re.I,
)
_SAVE = "save it as a Word document (.docx), or as text (.txt)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document as HTML that shows its pictures as `picture:NAME`; their bytes; what is left out."""

    html: str
    pictures: Mapping[str, bytes]
    dropped: tuple[str, ...]


def read_word(data: bytes) -> Document:
    """Read a Word document; raises ContentError if it is not one, is broken, or would fill the memory."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            names = _weighed(parts)
            comments = "word/comments.xml" in names and b"<w:comment " in parts.read("word/comments.xml")
        html, pictures, lost = _converted(data)
    except ContentError:
        raise
    except RecursionError as error:
        raise ContentError("its parts are nested too deeply to be read", hint=_SAVE) from error
    except (
        zipfile.BadZipFile,
        zlib.error,
        ExpatError,
        UnicodeError,
        NotImplementedError,
        RuntimeError,
        OSError,
        EOFError,
        LookupError,
        ValueError,
        TypeError,
        AttributeError,
    ) as error:  # what zipfile, expat and mammoth say to bytes that are not what they should be
        hint = "open it in your word processor and save it again, or paste its text"
        raise ContentError("a broken Word document", hint=hint) from error
    dropped = ["the document's comments"] if comments else []
    return Document(html=html, pictures=pictures, dropped=(*dropped, *lost))


def _weighed(parts: zipfile.ZipFile) -> set[str]:
    """The names of the parts, none of which is more than it should be.

    The sizes are the archive's own claims, but zipfile never unpacks more than was claimed.
    """
    infos = parts.infolist()
    names = {info.filename for info in infos}
    if any(info.flag_bits & 1 for info in infos):
        raise ContentError("protected by a password", hint="save it without one")
    if "word/document.xml" not in names:
        raise ContentError("an archive that is no Word document", hint=_SAVE)
    xml = [info for info in infos if info.filename.endswith((".xml", ".rels"))]
    for size, most in (
        (sum(info.file_size for info in infos), MAX_UNPACKED),
        (sum(info.file_size for info in xml), MAX_XML),
        (len(infos), MAX_PARTS),
    ):
        if size > most:
            hint = "copy the article alone into a new document"
            raise ContentError("unpacked, it is far larger than an article", hint=hint)
    for info in xml:
        if b"<!DOCTYPE" in parts.read(info):
            raise ContentError(
                f"{info.filename!r} has a document type, which no Word document has", hint=_SAVE
            )
    return names


def _converted(data: bytes) -> tuple[str, dict[str, bytes], list[str]]:
    import mammoth  # only an import of a Word document pays for it

    pictures: dict[str, bytes] = {}

    def keep(image: mammoth.documents.Image) -> dict[str, str]:
        alt = " ".join((image.alt_text or "").split())
        about = {"alt": "" if _MADE_BY_MACHINE.search(alt) else alt}
        extension = _EXTENSIONS.get(image.content_type or "", "")
        if not extension:
            return {**about, "src": ""}
        try:
            with image.open() as file:
                content = file.read()
        except ValueError:  # a picture that is elsewhere, on a disk or on the web
            return {**about, "src": ""}
        name = f"image-{hashlib.sha256(content).hexdigest()[:8]}.{extension}"
        pictures[name] = content
        return {**about, "src": f"picture:{name}"}

    result = mammoth.convert_to_html(
        io.BytesIO(data),
        style_map=_STYLES,
        include_embedded_style_map=False,
        external_file_access=False,
        convert_image=mammoth.images.img_element(keep),
    )
    lost = [
        f"not read from the document: {match[1]}"
        for m in result.messages
        if (match := _LOST.match(m.message))
    ]
    return result.value, pictures, list(dict.fromkeys(lost))
