"""How each feature of HTML and CSS that caniemail tests is known when a mail uses it.

One table serves to find features (`features.py`) and to take away what a client does not know
(`as_client.py`), so that the two cannot disagree.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Element:
    """An element of one of these names; with `of_type`, only one whose `type` is that."""

    names: frozenset[str]
    of_type: str = ""


@dataclass(frozen=True, slots=True)
class Attribute:
    """One of these attributes, on any element or on those named, with a value that matches."""

    names: frozenset[str]
    on: frozenset[str] = frozenset()
    value: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True)
class Property:
    """A declaration of one of these properties; with `words`, only where one of them is in its value."""

    names: frozenset[str]
    words: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Value:
    """A function, a unit or a word in the value of any declaration."""

    functions: frozenset[str] = frozenset()
    units: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class At:
    """An at-rule; with `prelude`, only where it matches what stands behind its name."""

    name: str
    prelude: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True)
class Selector:
    """A pattern in a selector of a style sheet."""

    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Format:
    """A picture whose address ends so."""

    extensions: frozenset[str]


Use = Element | Attribute | Property | Value | At | Selector | Format


def names(words: str) -> frozenset[str]:
    return frozenset(words.split())


_SAME_PROPERTY = """
accent-color align-items animation aspect-ratio backdrop-filter background-blend-mode background-clip
background-color background-image background-origin background-position background-repeat background-size
background border-collapse border-image border-radius border-spacing border box-shadow box-sizing caption-side
clear clip-path color-scheme column-count cursor direction display empty-cells filter float font-kerning
font-size-adjust font-size font-stretch font-weight font hyphenate-character hyphenate-limit-chars hyphens
inline-size inset justify-content letter-spacing line-height list-style-image list-style-position
list-style-type list-style mask-image max-block-size max-height max-inline-size max-width min-block-size
min-height min-inline-size min-width mix-blend-mode object-fit object-position opacity orphans outline-offset
outline overflow-wrap overflow position resize shape-margin shape-outside tab-size table-layout
text-align-last text-align text-decoration-color text-decoration-line text-decoration-skip-ink
text-decoration-style text-decoration-thickness text-decoration text-emphasis-position text-emphasis
text-indent text-justify text-orientation text-overflow text-shadow text-transform text-underline-offset
text-underline-position text-wrap transform transition user-select vertical-align visibility
white-space-collapse white-space widows width height word-break word-spacing word-wrap writing-mode z-index
margin padding
"""
_PROPERTIES = {
    "css-block-inline-size": "block-size inline-size",
    "css-border-inline-block": "border-inline border-block",
    "css-border-inline-block-individual": "border-inline-start border-inline-end border-block-start "
    "border-block-end",
    "css-border-inline-block-longhand": "border-inline-width border-inline-style border-inline-color "
    "border-block-width border-block-style border-block-color",
    "css-border-radius-logical": "border-start-start-radius border-start-end-radius border-end-start-radius "
    "border-end-end-radius",
    "css-column-layout-properties": "columns column-width column-rule column-span column-fill",
    "css-flex-wrap": "flex-wrap",
    "css-flex-direction": "flex-direction",
    "css-gap": "gap row-gap column-gap",
    "css-grid-template": "grid-template grid-template-columns grid-template-rows grid-template-areas",
    "css-left-right-top-bottom": "left right top bottom",
    "css-margin-block-start-end": "margin-block-start margin-block-end",
    "css-margin-inline-block": "margin-inline margin-block",
    "css-margin-inline-start-end": "margin-inline-start margin-inline-end",
    "css-padding-block-start-end": "padding-block-start padding-block-end",
    "css-padding-inline-block": "padding-inline padding-block",
    "css-padding-inline-start-end": "padding-inline-start padding-inline-end",
    "css-scroll-snap": "scroll-snap-type scroll-snap-align scroll-snap-stop",
}
_LONGHANDS = {
    "css-border": "border-top border-right border-bottom border-left",
    "css-margin": "margin-top margin-right margin-bottom margin-left",
    "css-padding": "padding-top padding-right padding-bottom padding-left",
}
_SAME_ELEMENT = """
abbr acronym address audio base bdi blockquote code del dfn dialog div form hr img link marquee meter object p
picture pre progress rp rt ruby select small span strike strong style svg table textarea video wbr
"""
_ELEMENTS = {
    "html-semantics": "article aside details figcaption figure footer header main mark nav section summary "
    "time",
    "html-h1-h6": "h1 h2 h3 h4 h5 h6",
    "html-lists": "ul ol dl",
    "html-image-maps": "map",
    **{f"html-{name}": name for name in _SAME_ELEMENT.split()},
}
_SAME_ATTRIBUTE = """
align aria-describedby aria-hidden aria-label aria-labelledby aria-live background cellpadding cellspacing dir
height hidden lang popover required role target valign width
"""
_ATTRIBUTES = {
    "css-inert-attribute": "inert",
    "html-loading-attribute": "loading",
    "html-srcset": "srcset sizes",
    **{f"html-{name}": name for name in _SAME_ATTRIBUTE.split()},
}
_PSEUDO = """
active checked default first-child first-of-type focus focus-visible focus-within has hover lang last-child
last-of-type link not nth-child nth-last-child nth-last-of-type nth-of-type only-child only-of-type target
visited
"""
_MEDIA = {
    "device-pixel-ratio": "device-pixel-ratio",
    "hover": r"\((?:any-)?hover\b",
    "orientation": r"\borientation\b",
    "prefers-color-scheme": "prefers-color-scheme",
    "prefers-reduced-motion": "prefers-reduced-motion",
}
_FUNCTIONS = {
    "css-conic-gradient": "conic-gradient repeating-conic-gradient",
    "css-linear-gradient": "linear-gradient repeating-linear-gradient",
    "css-radial-gradient": "radial-gradient repeating-radial-gradient",
    "css-function-clamp": "clamp",
    "css-function-light-dark": "light-dark",
    "css-function-max": "max",
    "css-function-min": "min",
    "css-modern-color": "lch oklch lab oklab",
    "css-rgb": "rgb",
    "css-rgba": "rgba",
    "css-unit-calc": "calc",
    "css-variables": "var",
}
_SELECTORS = {
    "css-selector-adjacent-sibling": r"\+",
    "css-selector-attribute": r"\[",
    "css-selector-chaining": r"[\w-][.#][\w-]",
    "css-selector-child": r">",
    "css-selector-class": r"\.[\w-]",
    "css-selector-descendant": r"[\w\])*]\s+[\w\[.#:*]",
    "css-selector-general-sibling": r"~(?!=)",
    "css-selector-id": r"#[\w-]",
    "css-selector-type": r"(?:^|[\s>+~])[a-z]",
    "css-selector-universal": r"\*(?!=)",
}
_UNITS = "ch cm em ex in mm pc pt px rem vh vmax vmin vw"
_SAME_FORMAT = "apng avif bmp gif hdr ico mp4 png svg webp"
_FORMATS = {
    **{name: name for name in _SAME_FORMAT.split()},
    "heif": "heif heic",
    "jpg": "jpg jpeg",
    "tiff": "tif tiff",
}

USES: Mapping[str, Use] = {
    **{f"css-{name}": Property(names(name)) for name in _SAME_PROPERTY.split()},
    **{slug: Property(names(listed)) for slug, listed in _PROPERTIES.items()},
    **{slug: Property(names(f"{slug[4:]} {listed}")) for slug, listed in _LONGHANDS.items()},
    **{f"css-display-{word}": Property(names("display"), names(word)) for word in ("flex", "grid", "none")},
    "css-intrinsic-size": Value(words=names("fit-content min-content max-content")),
    "css-sytem-ui": Value(words=names("system-ui ui-serif ui-sans-serif ui-rounded ui-monospace")),
    "css-unit-initial": Value(words=names("initial")),
    "css-unit-percent": Value(units=names("%")),
    **{f"css-unit-{unit}": Value(units=names(unit)) for unit in _UNITS.split()},
    **{slug: Value(functions=names(listed)) for slug, listed in _FUNCTIONS.items()},
    **{f"css-at-{name}": At(name) for name in ("font-face", "import", "keyframes", "media", "supports")},
    **{f"css-at-media-{name}": At("media", re.compile(pattern)) for name, pattern in _MEDIA.items()},
    **{slug: Selector(re.compile(pattern)) for slug, pattern in _SELECTORS.items()},
    **{
        f"css-pseudo-class-{name}": Selector(re.compile(rf"(?<!:):{name}(?![\w-])"))
        for name in _PSEUDO.split()
    },
    **{
        f"css-pseudo-element-{name}": Selector(re.compile(rf"::?{name}(?![\w-])"))
        for name in ("after", "before", "first-letter", "first-line", "marker", "placeholder")
    },
    **{slug: Element(names(listed)) for slug, listed in _ELEMENTS.items()},
    **{
        f"html-input-{kind}": Element(names("input"), kind)
        for kind in ("checkbox", "hidden", "radio", "reset", "submit", "text")
    },
    **{f"html-button-{kind}": Element(names("button"), kind) for kind in ("reset", "submit")},
    **{slug: Attribute(names(listed)) for slug, listed in _ATTRIBUTES.items()},
    "html-anchor-links": Attribute(names("href"), names("a area"), re.compile(r"#.")),
    "html-mailto-links": Attribute(names("href"), names("a area"), re.compile(r"(?i)mailto:")),
    "html-meta-color-scheme": Attribute(names("name"), names("meta"), re.compile("color-scheme$")),
    "image-base64": Attribute(names("src"), names("img"), re.compile("(?i)data:")),
    **{f"image-{name}": Format(names(listed)) for name, listed in _FORMATS.items()},
}

NOT_LOOKED_FOR: Mapping[str, str] = {
    "amp": "a part of its own in the message, which this press does not make",
    "bimi": "a record in the DNS",
    "css-comments": "removed with no loss",
    "css-important": "its loss in Orange is for want of a space before it, which our composing leaves",
    "css-nesting": "a selector inside a rule is no declaration, so nothing here sees it",
    "css-selector-grouping": "every client knows it",
    "html-body": "every webmail puts a box in its place, and MJML's own box stands inside",
    "html-comments": "removed with no loss",
    "html-doctype": "Word, which draws for Outlook, has its own idea of a page",
}
"""Features of caniemail's that `USES` has no line for, and why."""
