"""Pasted text, with or without HTML in it -> clean text, whose only styling left is marked."""

import re
from html import unescape

from newsletter.desk import marks

_BREAKS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
# Soft hyphens, zero-width spaces, byte order marks, marks of writing direction.
_INVISIBLE = re.compile("\u00ad\n?|[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
# Joiners make one emoji of several, but between Latin letters they are junk.
_JOINERS = re.compile("(?<=[A-Za-zÀ-ɏ])[\u200c\u200d]+|[\u200c\u200d]+(?=[A-Za-zÀ-ɏ])")
_WIDE_BLANKS = re.compile("[\u1680\u2000-\u2006\u2008\u200a\u205f\u3000]")
# A no-break space has a reason beside a figure or French punctuation; elsewhere it came from a web page.
_NO_BREAK = re.compile(
    "(?<=[0-9«—–])[\u00a0\u202f\u2007\u2009](?=[^ \t\u00a0\u202f])"
    "|(?<=[^ \t\u00a0\u202f])[\u00a0\u202f\u2007\u2009](?=[0-9:;!?»%€$£°—–])"
    "|(?P<loose>[\u00a0\u202f\u2007\u2009])"
)

_TAG = re.compile(r"""<(/?)([A-Za-z][A-Za-z0-9:]*)((?:\s(?:[^<>"']|"[^"<>]*"|'[^'<>]*')*)?)/?>""")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_COMMENT = re.compile(
    r"<!--.*?-->|<!doctype[^<>]*>|<\?xml[^<>]*>|<!\[(?:if|endif)[^<>]*>", re.DOTALL | re.IGNORECASE
)
_CODE = re.compile(
    r"<(head|script|style|noscript|svg|iframe|template|object)\b[^<>]*>(.*?)</\1\s*>",
    re.DOTALL | re.IGNORECASE,
)
_FURNITURE = re.compile(r"<(nav|footer|form|button|select)\b[^<>]*>(.*?)</\1\s*>", re.DOTALL | re.IGNORECASE)
_PAGE_TITLE = re.compile(r"<title[^<>]*>(.*?)</title\s*>", re.DOTALL | re.IGNORECASE)

# Elements that hold one paragraph; other blocks; what stands inside a line; what has no end tag.
_TEXT_BLOCK = re.compile(r"p|li|h[1-6]|t[dh]|d[td]|figcaption|caption|fn:text")
_BLOCK = re.compile(
    rf"{_TEXT_BLOCK.pattern}|address|article|aside|blockquote|body|center|div|dl|fieldset|figure|header|hr|html|"
    r"main|ol|section|table|tbody|tfoot|thead|tr|ul"
)
_INLINE = re.compile(
    r"a|abbr|b|big|cite|code|del|em|font|i|ins|label|mark|nobr|o:p|picture|q|s|small|span|strike|strong|sub|sup|"
    r"time|tt|u"
)
_VOID = re.compile(r"br|fn:ref|image|img|input|link|meta|source|wbr")


def clean(text: str) -> tuple[str, list[str]]:
    """Text with \\n between lines, without HTML, invisible characters or needless no-break spaces.

    Also what was left out with its reason: a page's code and its furniture, each as "why: text".
    """
    text = _CONTROLS.sub("", _BREAKS.sub("\n", text))
    dropped: list[str] = []
    if _COMMENT.search(text) or any(_is_known(match[2]) for match in _TAG.finditer(text)):
        text, dropped = _without_code(text)
        text = _Page().read(text)
    else:
        text = _unescaped(text)
    text = text.replace("\ufffc", marks.doubt("objet non repris"))
    text = _JOINERS.sub("", _INVISIBLE.sub("", text))
    text = _WIDE_BLANKS.sub(" ", text)
    text = _NO_BREAK.sub(lambda match: " " if match["loose"] else _no_break(match[0]), text)
    return re.sub(r"(?<=[^\s]) {2,}(?=[^\s])", " ", text), dropped


def _no_break(space: str) -> str:
    return "\u00a0" if space == "\u00a0" else "\u202f"


def _unescaped(text: str) -> str:
    return _ENTITY.sub(lambda match: _CONTROLS.sub("", _BREAKS.sub("\n", unescape(match[0]))), text)


def _is_known(name: str) -> bool:
    return any(names.fullmatch(name.lower()) for names in (_BLOCK, _INLINE, _VOID))


def _without_code(text: str) -> tuple[str, list[str]]:
    dropped: list[str] = []
    titled = re.search(r"<h1\b", text, re.IGNORECASE) is not None

    def code(match: re.Match[str]) -> str:
        dropped.append(f"page code: <{match[1].lower()}>, {len(match[2])} characters")
        title = _PAGE_TITLE.search(match[2]) if match[1].lower() == "head" else None
        if title and titled:
            dropped.append("page title: " + " ".join(marks.words(_unescaped(title[1]))))
        return f"<p>{title[1]}</p>" if title and not titled else ""

    def furniture(match: re.Match[str]) -> str:
        words = marks.words(_Page().read(match[2]).replace("\n", " "))
        if words:
            dropped.append("page furniture: " + " ".join(words))
        return "\n\n"

    text = _CODE.sub(code, _COMMENT.sub("", text))
    return _FURNITURE.sub(furniture, text), dropped


class _Page:
    """The walk through the tags of one text: what is open, and what has been written so far."""

    def __init__(self) -> None:
        self._out: list[str] = []
        self._open: list[str] = []  # marks of the bold and italic tags that are open, "" for those without
        self._lists: list[int] = []  # number of the last item of each open list, -1 for bullets
        self._quotes = 0
        self._inside = ""  # the text block we are in: there a line break is a space
        self._cells = 0
        self._cell_at = 0  # where in what is written the last cell begins
        self._address = ""
        self._at_marker = False

    def read(self, text: str) -> str:
        at = 0
        for match in _TAG.finditer(text):
            if not _is_known(match[2]):
                continue  # "<someone>" is text
            self._text(text[at : match.start()])
            at = match.end()
            name = match[2].lower()
            if match[1]:
                self._end(name)
            else:
                self._start(name, match[3])
        self._text(text[at:])
        self._cut("")
        return "".join(self._out[: -len(self._marked()) or None])

    def _text(self, text: str) -> None:
        text = _unescaped(text)
        if self._inside or self._cells or self._address:
            text = re.sub(r"[ \t]*\n\s*", " ", text)
        elif self._quotes:
            text = text.replace("\n", f"\n{marks.QUOTED}")
        self._at_marker = self._at_marker and not text.strip(" \n\t")
        self._out.append(text)

    def _break(self, lines: str = "\n\n", marker: str = "") -> None:
        """End the line; what is bold or italic is closed before and opened again after, behind the marker."""
        if self._cells and self._inside:
            self._out.append(" ")
            return
        if self._at_marker and not marker:
            return  # <li><p>: the item's text is still to come
        self._at_marker = bool(marker)
        self._cut(lines + (marks.QUOTED if self._quotes else "") + marker)

    def _cut(self, between: str) -> None:
        self._end_link()
        self._out += [_CLOSING[mark] for mark in reversed(self._marked())]
        self._out.append(between)
        self._out += self._marked()

    def _marked(self) -> list[str]:
        return [mark for mark in self._open if mark]

    def _start(self, name: str, attributes: str) -> None:
        if name == "br":
            self._break("\n")
        elif name in ("td", "th"):
            self._cut("\t" if self._cells else "")
            self._cells += 1
            self._cell_at = len(self._out)
            self._inside = name
        elif _BLOCK.fullmatch(name):
            self._start_block(name, attributes)
        elif name == "a":
            self._end_link()
            self._address = _attribute(attributes, "href")
            self._out.append(marks.LINK if self._address else "")
        elif name == "img":
            self._picture(_attribute(attributes, "src"), _attribute(attributes, "alt"))
        elif name == "fn:ref":
            self._out.append(marks.CALL + _attribute(attributes, "name") + marks.UNCALL)
        elif name == "q":
            self._out.append('"')
        else:
            mark = _style(name, attributes)
            if not _VOID.fullmatch(name):
                self._open.append(mark if mark not in self._open else "")
                self._out.append(self._open[-1])

    def _picture(self, source: str, about: str) -> None:
        if source.startswith("picture:"):
            self._at_marker = False
            self._break()
            self._out.append(marks.picture(source.removeprefix("picture:"), about))
            self._break()
        else:
            why = f"image non reprise : {about}" if about else "image non reprise"
            self._out.append(f" {marks.doubt(why)} ")

    def _start_block(self, name: str, attributes: str) -> None:
        if name == "tr":
            self._inside, self._cells = "", 0
        self._quotes += name == "blockquote"
        marker = self._item() if name == "li" else ""
        if re.fullmatch("h[1-6]", name):
            marker = marks.TITLE if name == "h1" else marks.HEADING
        elif name == "fn:text":
            number = _attribute(attributes, "name")
            marker = f"{marks.NOTE}{marks.CALL}{number}{marks.UNCALL} "
        self._break("\n" if name in ("li", "tr") else "\n\n", marker)
        if name in ("ul", "ol"):
            self._lists.append(0 if name == "ol" else -1)
        if _TEXT_BLOCK.fullmatch(name) and not self._cells:
            self._inside = name

    def _item(self) -> str:
        indent = "  " * len(self._lists)
        if self._lists and self._lists[-1] >= 0:
            self._lists[-1] += 1
            return f"{indent}{self._lists[-1]}. "
        return f"{indent}• "

    def _end(self, name: str) -> None:
        if name in ("td", "th"):
            self._inside = ""
            if not marks.plain("".join(self._out[self._cell_at :])).strip("\n"):
                self._out.append(marks.EMPTY)
        elif _BLOCK.fullmatch(name):
            if _TEXT_BLOCK.fullmatch(name) and not self._cells:
                self._inside = ""
            if name in ("tr", "table"):
                self._inside, self._cells = "", 0
            if name in ("ul", "ol") and self._lists:
                self._lists.pop()
            self._quotes -= name == "blockquote" and self._quotes > 0
            tight = name in ("li", "tr") or (name in ("ul", "ol") and bool(self._lists))
            self._break("\n" if tight else "\n\n")
        elif name == "a":
            self._end_link()
        elif name == "q":
            self._out.append('"')
        elif _INLINE.fullmatch(name) and self._open:
            mark = self._open.pop()
            self._out.append(_CLOSING[mark] if mark else "")

    def _end_link(self) -> None:
        if self._address:
            self._out.append(f"{marks.TO}{self._address}{marks.UNLINK}")
            self._address = ""


_CLOSING = {marks.BOLD: marks.UNBOLD, marks.ITALIC: marks.UNITALIC}


def _attribute(attributes: str, name: str) -> str:
    match = re.search(rf"""\b{name}\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", attributes, re.IGNORECASE)
    value = next((group for group in match.groups() if group), "") if match else ""
    return re.sub(r"\s+", " ", _unescaped(value)).strip(" ")


def _style(name: str, attributes: str) -> str:
    """The mark for an inline tag; word processors say bold in a style, or wrap all in a <b> that is not."""
    style = _attribute(attributes, "style").lower()
    weight = re.search(r"font-weight\s*:\s*(\w+)", style)
    if weight:
        return marks.BOLD if weight[1] in ("bold", "bolder", "600", "700", "800", "900") else ""
    if name in ("b", "strong"):
        return marks.BOLD
    if name in ("i", "em", "cite") or re.search(r"font-style\s*:\s*italic", style):
        return marks.ITALIC
    return ""
