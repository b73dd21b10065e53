"""What an editor brings, a Word document, a saved web page or text -> the article in it."""

import re
from dataclasses import replace

from newsletter.desk.pasted import Draft, read_pasted
from newsletter.errors import ContentError

MAX_BYTES = 50_000_000
"""The most that a file may hold; pictures in a document are its weight."""

MAX_TEXT = 5_000_000
"""The most that text or a page may hold: a saved page with its scripts inside has one or two million."""

_PAGE = re.compile(
    rb"\s*(?:<\?xml[^<>]*>|<!--.*?-->|\s)*<(?:!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL
)
_SAVE = "save it as text (.txt) in UTF-8"


def read_brought(data: bytes, name: str = "") -> Draft:
    """The article in the bytes of a file called `name`, "" for none; what they are, they say themselves.

    Raises ContentError for what holds no article, is too large, or cannot be read; its `where` is ":LINE" or
    nothing.
    """
    if len(data) > MAX_BYTES:
        raise _too_large(MAX_BYTES)
    if data.startswith(b"PK"):
        return _word(data)
    if data.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):  # [MS-CFB] 2.2: what held documents before 2007
        if "EncryptedPackage".encode("utf-16-le") in data:  # [MS-OFFCRYPTO] 2.3.4.4
            hint = "open it with the password and save it without one"
            raise ContentError("protected by a password", hint=hint)
        hint = "save it as a Word document of today (.docx)"
        raise ContentError("a document in the format of Word before 2007", hint=hint)
    for start, kind in ((b"%PDF", "a PDF document"), (b"{\\rtf", "a Rich Text document")):
        if data.startswith(start):
            raise ContentError(kind, hint="save it as a Word document (.docx), or paste its text")
    if len(data) > MAX_TEXT:
        raise _too_large(MAX_TEXT)
    if name.lower().endswith((".html", ".htm", ".xhtml")) or _PAGE.match(data.removeprefix(b"\xef\xbb\xbf")):
        return _page(data)
    return read_pasted(_text(data))


def _too_large(most: int) -> ContentError:
    hint = "bring the article alone, without what was around it"
    return ContentError(f"larger than {most // 1_000_000} MB, which no article is", hint=hint)


def _word(data: bytes) -> Draft:
    from newsletter.desk.page import read_page  # only who brings a document or a page pays for these
    from newsletter.desk.word import read_word

    document = read_word(data)
    html, dropped = read_page(document.html)
    draft = read_pasted(html)
    used = {name: content for name, content in document.pictures.items() if f"({name})" in draft.body}
    return replace(draft, dropped=(*draft.dropped, *document.dropped, *dropped), pictures=used)


def _page(data: bytes) -> Draft:
    from newsletter.desk.page import read_page

    html, dropped = read_page(data)
    draft = read_pasted(html)
    return replace(draft, dropped=(*draft.dropped, *dropped))


def _text(data: bytes) -> str:
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise ContentError("a NUL byte: not a text file", where=f":{line}", hint=_SAVE)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ContentError("not UTF-8", where=f":{line}", hint=_SAVE) from error
