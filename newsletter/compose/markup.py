"""MJML in, HTML with inlined styles out; nothing is fetched, nothing passes unread.

mjml-python and premailer both break mail when called bare. The front end here parses the MJML as strict XML,
refuses what the compiler would pass over in silence, and hands it pure ASCII; the inliner gets the article
style sheet only, with the options under which it changes nothing else. `tests/compose/test_markup.py` has a
test for each breakage.
"""

import html.entities
import logging
import re

from mjml import mjml2html
from premailer import Premailer
from premailer.premailer import ExternalFileLoadingError, ExternalNotFoundError

from newsletter.compose import cascade, schema
from newsletter.compose.templates import PLACE
from newsletter.compose.tree import etree
from newsletter.errors import TemplateError, nearest

COMPONENTS = frozenset(
    [
        *("mjml", "mj-head", "mj-attributes", "mj-all", "mj-class", "mj-breakpoint", "mj-font", "mj-raw"),
        *("mj-style", "mj-title", "mj-body", "mj-accordion", "mj-accordion-element", "mj-accordion-text"),
        *("mj-accordion-title", "mj-button", "mj-carousel", "mj-carousel-image", "mj-column", "mj-divider"),
        *("mj-group", "mj-hero", "mj-image", "mj-navbar", "mj-navbar-link", "mj-section", "mj-social"),
        *("mj-social-element", "mj-spacer", "mj-table", "mj-text", "mj-wrapper"),
    ]
)
"""The MJML 4/5 components that the compiler knows, less those that this press refuses."""

_REFUSED: dict[str, tuple[str, str]] = {
    "mj-include": ("reads files past the templates folder", "use {% include %}"),
    "mj-preview": (
        "is hidden text that spam filters hold against a mail",
        'put {{ preheader }} into "mj-raw"',
    ),
    "mj-html-attributes": ("is not known to the compiler", "write the attributes on the elements"),
}
_BLOCKS = frozenset(
    ["table", "div", "p", "ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "tr", "td"]
)
# The names of HTML's characters, so that &nbsp; and &eacute; may be used; on line 1, to keep line numbers.
_DTD = (
    "<!DOCTYPE mjml ["
    + "".join(
        f'<!ENTITY {name} "&#{code};">'
        for name, code in html.entities.name2codepoint.items()
        if name not in ("amp", "lt", "gt", "quot", "apos")
    )
    + "]>"
)
_UNITLESS_ZERO = re.compile(r"(?<![\w.#%-])0(?![\w.%])")
_CONDITIONAL = re.compile(r"<!\[endif\]-->\s*<!--\[if mso \| IE\]>")
_OWN_STYLE = re.compile(r"(<!--\[if [^\]]*\]>(?!<!-->).*?<!\[endif\]-->)|<style(?![^>]*\bmedia=)", re.DOTALL)
_DROPPED_COLOUR = re.compile(r"(?:rgba?|hsla?)\([^)]*/|#(?:[0-9a-fA-F]{8}|[0-9a-fA-F]{4})\b|progid:")


def to_html(mjml: str, css: str) -> str:
    """Compile MJML that a template rendered, with `css` inlined into the elements it matches.

    Raises TemplateError, with the template's file and line where it is known, for markup that is not
    well-formed, unknown to MJML, or known to come out broken.
    """
    _check_css(css)
    compiled = _compile(front_end(mjml))
    if clash := cascade.clash(compiled, css):
        line, shorthand, longhand = clash
        raise TemplateError(
            f"{shorthand} and {longhand} meet on one element, and the inliner mixes up which comes last",
            where=_css_place(css, line),
            hint=f"write only {shorthand}, with all its values, in both rules",
        )
    return _inline(compiled, css)


def front_end(mjml: str) -> str:
    """Strictly parsed MJML as pure ASCII XML, in the one form that the compiler does not corrupt."""
    source = mjml.lstrip("\ufeff \t\r\n")
    parser = etree.XMLParser(resolve_entities="internal", no_network=True, remove_pis=True)
    try:
        root = etree.fromstring(_DTD + source, parser)
    except etree.XMLSyntaxError as error:
        raise _syntax_error(error, source) from error
    if root.tag != "mjml":
        raise TemplateError("the mail does not begin with <mjml>", where=_place(root), hint="begin with it")
    for element in root.iter(etree.Element):
        _check(element)
    for element in root.iter(etree.Element):
        if wrong := schema.fault(element, apart_from=frozenset({PLACE})):
            raise TemplateError(wrong[0], where=_place(element), hint=wrong[1])
    _drop_comments(root)
    styles: list[str] = []
    for element in root.iter(etree.Element):
        element.attrib.pop(PLACE, None)
        _normalise(element)
        if element.tag == "mj-style":
            # CSS must not be escaped like text: it is parked, and put back as it was.
            styles.append(element.text or "")
            element.text = f"@@STYLE{len(styles) - 1}@@"
    out: str = etree.tostring(root, encoding="ascii", xml_declaration=False).decode().replace("\\", "&#92;")
    for number, style in enumerate(styles):
        ascii_style = re.sub(r"[^\x00-\x7f]", lambda m: f"\\{ord(m[0]):x} ", style)
        out = out.replace(f"@@STYLE{number}@@", ascii_style)
    return out


def _compile(source: str) -> str:
    try:
        return str(mjml2html(source, fonts={}))
    except ValueError as error:
        raise TemplateError(f"MJML: {error}", where="templates/mail") from error
    except BaseException as error:
        # A panic of the compiler is no Exception (pyo3), so it has to be known by its name.
        if type(error).__name__ != "PanicException":
            raise
        raise TemplateError(f"the MJML compiler gave up: {error}", where="templates/mail") from error


def _inline(compiled: str, css: str) -> str:
    # premailer drops a doctype in small letters, and would inline MJML's own reset into every cell.
    page = re.sub(r"(?i)\A\s*<!doctype html>", "<!DOCTYPE html>", compiled)
    page = _OWN_STYLE.sub(lambda m: m[1] or '<style data-premailer="ignore"', page)
    try:
        inlined = Premailer(
            page,
            css_text=css,
            allow_network=False,
            allow_loading_external_files=False,
            strip_important=False,
            keep_style_tags=False,
            remove_classes=False,
            disable_validation=True,
            include_star_selectors=False,
            exclude_pseudoclasses=True,
            disable_basic_attributes=["width", "height", "align", "valign", "bgcolor"],
            align_floating_images=False,
            remove_unset_properties=False,
            cache_css_parsing=True,
            cssutils_logging_level=logging.CRITICAL,
        ).transform(pretty_print=False)
    except (ExternalFileLoadingError, ExternalNotFoundError) as error:
        hint = "put the rules into article.css.j2 or <mj-style>"
        raise TemplateError(
            f"a style sheet from outside: {error}", where="templates/mail", hint=hint
        ) from error
    # What npm's compiler does too: neighbouring conditional comments say the same in one.
    return _CONDITIONAL.sub("", str(inlined))


# ---- what the compiler would not tell ----


def _check(element: etree._Element) -> None:
    tag = str(element.tag)

    def refuse(message: str, hint: str) -> TemplateError:
        return TemplateError(message, where=_place(element), hint=hint)

    if tag in _REFUSED:
        reason, hint = _REFUSED[tag]
        raise refuse(f"<{tag}> {reason}", hint)
    if tag.startswith("mj") and tag not in COMPONENTS:
        meant = nearest(tag, COMPONENTS)
        raise refuse(
            f"unknown MJML tag <{tag}>", f"did you mean <{meant}>?" if meant else "see the MJML reference"
        )
    if tag == "mj-style" and element.get("inline"):
        raise refuse("the compiler does not inline <mj-style>", "put the rules into article.css.j2")
    if tag == "mj-raw" and element.get("position"):
        raise refuse("the compiler ignores position on <mj-raw>", "put the element where it belongs")
    if element.get("full-width") == "false":
        raise refuse('full-width="false" counts as true', "leave the attribute out")
    if tag == "mj-social-element" and not element.get("src"):
        raise refuse("the icon would be loaded from somebody else's site", 'give it a src="…" of your own')
    if tag == "link" and element.get("rel") == "stylesheet":
        raise refuse("a style sheet from outside", "put the rules into article.css.j2 or <mj-style>")
    if tag in ("svg", "wbr", "script"):
        raise refuse(f"<{tag}> does not survive in mail", "do without it")
    if tag == "a":
        for inner in element.iterdescendants(etree.Element):
            if inner.tag in _BLOCKS:
                raise refuse(f"a link around <{inner.tag}> is torn apart", "put the link inside")


def _check_css(css: str) -> None:
    bare = cascade.without_comments(css)
    for number, line in enumerate(bare.split("\n"), 1):
        if match := _DROPPED_COLOUR.search(line):
            hint = "write six hexadecimal digits, or rgba(…, …, …, …)"
            message = f"{match[0]!r} would be dropped from the mail"
            raise TemplateError(message, where=_css_place(css, number), hint=hint)
        if re.search(r"!\s*important", line, re.IGNORECASE):
            hint = "leave it out, or put the rule into <mj-style>"
            message = "!important does not outweigh what stands on an element once it is inlined"
            raise TemplateError(message, where=_css_place(css, number), hint=hint)


# ---- one form for everything ----


def _normalise(element: etree._Element) -> None:
    mjml = str(element.tag).startswith("mj")
    for key, value in element.attrib.items():
        # Not str.split(): it takes no-break spaces for blanks.
        new = re.sub(r"[ \t\r\n]+", " ", value).strip(" ") if mjml or key == "style" else value
        if mjml and key.startswith(("padding", "inner-padding")):
            new = _UNITLESS_ZERO.sub("0px", new)
        if mjml and key == "font-family":
            new = new.replace('"', "'")
        if mjml and re.fullmatch(r"#[0-9a-fA-F]{3}", new):
            new = "#" + "".join(digit * 2 for digit in new[1:])
        element.set(key, new)


def _drop_comments(root: etree._Element) -> None:
    """Take out plain comments, which the compiler refuses in many places; Outlook's own stay."""
    for comment in list(root.iter(etree.Comment)):
        text = comment.text or ""
        parent = comment.getparent()
        if parent is None or "[if " in text or "endif]" in text:
            continue
        previous = comment.getprevious()
        if previous is not None:
            previous.tail = (previous.tail or "") + (comment.tail or "")
        else:
            parent.text = (parent.text or "") + (comment.tail or "")
        comment.tail = None
        parent.remove(comment)


# ---- whose line is it ----

_PLACE = re.compile(rf'{PLACE}="([^":]+):(\d+)"')


def _place(element: etree._Element) -> str:
    """The line of an element, or of the nearest one around it that a template wrote."""
    for near in (element, *element.iterancestors()):
        if place := near.get(PLACE):
            return f"templates/{place}"
    return "templates/mail"


def _css_place(css: str, line: int) -> str:
    """The template's place of a line of the rendered style sheet, by the marks that templates.py leaves."""
    mark = re.match(r"/\*(\S+:\d+)\*/", css.split("\n")[line - 1])
    return f"templates/{mark[1]}" if mark else f"templates/mail/article.css.j2:{line}"


def _syntax_error(error: etree.XMLSyntaxError, source: str) -> TemplateError:
    line, column = error.position
    message = str(error.msg)
    lines = source.split("\n")
    mismatch = re.match(r"Opening and ending tag mismatch: (\S+) line (\d+) and (\S+)", message)
    if mismatch:
        opened, opened_line, closed = mismatch[1], int(mismatch[2]), mismatch[3].rstrip(",")
        where = _nearest_place(lines, opened_line, _tag_column(lines, opened_line, opened))
        hint = f"close it: </{opened}>, or <{opened}/> if it is empty"
        return TemplateError(f"<{opened}> is not closed before </{closed}>", where=where, hint=hint)
    column -= len(_DTD) if line == 1 else 0
    where = _nearest_place(lines, line, column)
    message = re.sub(r", line \d+, column \d+.*", "", message)
    return TemplateError(
        f"not well-formed: {message}", where=where, hint="templates are XML: <br/>, &amp;, quoted values"
    )


def _tag_column(lines: list[str], line: int, tag: str) -> int:
    text = lines[line - 1] if 0 < line <= len(lines) else ""
    return text.rfind(f"<{tag} ") + len(tag) + 2


def _nearest_place(lines: list[str], line: int, column: int) -> str:
    """The template's place of a position in the rendered source: the last element before it, and as many
    lines on as lie between."""
    before = "\n".join([*lines[: line - 1], (lines[line - 1] if line <= len(lines) else "")[: column + 80]])
    places = list(_PLACE.finditer(before))
    while (
        places
        and before.count("\n", 0, places[-1].start()) + 1 == line
        and _after(before, places[-1], line, column)
    ):
        places.pop()
    if not places:
        return "templates/mail"
    file, start = places[-1][1], int(places[-1][2])
    return f"templates/{file}:{start + before.count(chr(10), places[-1].end())}"


def _after(before: str, match: re.Match[str], line: int, column: int) -> bool:
    line_start = before.rfind("\n", 0, match.start()) + 1
    opening = before.rfind("<", line_start, match.start())
    return before.count("\n", 0, match.start()) + 1 == line and opening - line_start >= column
