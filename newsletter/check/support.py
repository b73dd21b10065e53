"""What mail clients support, how many readers use each, and whose loss does no harm.

The facts are caniemail's (`data/caniemail.json`, MIT; `docs/refresh_client_support.py` fetches them anew).
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from newsletter.check.uses import names

FAMILIES: Mapping[str, Mapping[str, tuple[str, int]]] = {
    "gmail": {
        "gmail.desktop-webmail": ("Gmail", 40),
        "gmail.ios": ("Gmail for iOS", 15),
        "gmail.android": ("Gmail for Android", 45),
    },
    "apple": {
        "apple-mail.macos": ("Apple Mail", 25),
        "apple-mail.ios": ("Apple Mail for iOS", 75),
    },
    "outlook": {
        "outlook.windows": ("Outlook for Windows", 45),
        "outlook.outlook-com": ("Outlook.com", 30),
        "outlook.macos": ("Outlook for Mac", 5),
        "outlook.ios": ("Outlook for iOS", 10),
        "outlook.android": ("Outlook for Android", 10),
    },
    "orange": {
        "orange.desktop-webmail": ("Orange", 50),
        "orange.ios": ("Orange for iOS", 20),
        "orange.android": ("Orange for Android", 30),
    },
    "yahoo": {
        "yahoo.desktop-webmail": ("Yahoo", 40),
        "yahoo.ios": ("Yahoo for iOS", 25),
        "yahoo.android": ("Yahoo for Android", 35),
    },
    "free": {"free-fr.desktop-webmail": ("Free", 100)},
    "sfr": {
        "sfr.desktop-webmail": ("SFR", 50),
        "sfr.ios": ("SFR for iOS", 20),
        "sfr.android": ("SFR for Android", 30),
    },
    "laposte": {"laposte.desktop-webmail": ("La Poste", 100)},
}
"""A family of `[check.audience]` -> its clients by caniemail's names, each with how many in a hundred use it.

The parts are a guess: nobody publishes them for France.
"""

BASELINE = names(
    """
    css-at-media css-at-media-prefers-color-scheme css-background css-background-color css-border
    css-border-collapse css-border-radius css-border-spacing css-color-scheme css-direction css-display
    css-display-none css-font-size css-font-weight css-height css-letter-spacing css-line-height css-margin
    css-max-height css-max-width css-opacity css-outline css-overflow css-padding css-pseudo-class-hover
    css-selector-attribute css-selector-chaining css-selector-child css-selector-class
    css-selector-descendant css-selector-id css-selector-type css-text-align css-text-decoration
    css-text-transform css-text-wrap css-unit-percent css-unit-pt css-unit-px css-vertical-align
    css-white-space css-width css-word-break css-word-spacing html-align html-anchor-links html-aria-label
    html-blockquote html-cellpadding html-cellspacing html-code html-dir html-div html-h1-h6 html-height
    html-hr html-img html-lang html-lists html-mailto-links html-meta-color-scheme html-p html-pre html-role
    html-span html-strong html-style html-table html-target html-width image-jpg image-png
    """
)
"""What MJML, the house's templates and Markdown use between them; a test composes it to see that it is so."""

GRACEFUL: Mapping[str, frozenset[str]] = {
    "a corner is square, a box flat, a letter plain": names(
        """
        border-radius border-radius-logical box-shadow text-shadow outline outline-offset opacity filter
        backdrop-filter mix-blend-mode background-blend-mode text-emphasis text-emphasis-position
        text-decoration-color text-decoration-line text-decoration-style text-decoration-thickness
        text-decoration-skip-ink text-underline-offset text-underline-position accent-color caption-side
        list-style-image list-style-position list-style-type
        """
    ),
    "lines break elsewhere": names(
        """
        text-wrap hyphens hyphenate-character hyphenate-limit-chars orphans widows overflow-wrap word-break
        word-spacing letter-spacing text-justify text-align-last text-indent tab-size
        """
    ),
    "another font is taken from the list": names(
        """
        at-font-face sytem-ui font-kerning font-stretch font-size-adjust
        """
    ),
    "nothing moves, and nothing answers the pointer": names(
        """
        animation at-keyframes transition cursor resize user-select scroll-snap pseudo-class-active
        pseudo-class-focus pseudo-class-focus-visible pseudo-class-focus-within pseudo-class-hover
        pseudo-class-visited
        """
    ),
    "the mail is light in the dark, or as wide as ever": names(
        """
        color-scheme at-media-prefers-color-scheme at-media-prefers-reduced-motion at-media-hover
        function-light-dark
        """
    ),
}
"""What happens where a feature of CSS is not known, and to which: no reader misses any of it."""

GRACEFUL_HTML = names(
    """
    html-abbr html-acronym html-address html-aria-describedby html-aria-hidden html-aria-label
    html-aria-labelledby html-aria-live html-bdi html-code html-dfn html-dir html-lang html-loading-attribute
    html-meta-color-scheme html-role html-semantics html-small html-srcset html-target html-wbr
    """
)
"""Elements whose text stays when they go, and attributes that nobody sees."""

FINE_ANYWAY: Mapping[tuple[str, str], str] = {
    ("image-webp", "gmail"): "Gmail makes a JPEG of it; only animation is lost",
    ("html-anchor-links", "yahoo"): "an anchor that has a name is found, and ours have one",
}
"""Partial support of a feature in a family that is as good as whole, and why."""

_GRACEFUL = GRACEFUL_HTML | {f"css-{name}" for names in GRACEFUL.values() for name in names}

_LOSS = {"n": 1.0, "a": 0.5}


@lru_cache
def facts() -> Mapping[str, Mapping[str, Any]]:
    """caniemail's features: title, support by client where it is not whole, notes by number."""
    text = files("newsletter.check").joinpath("data/caniemail.json").read_text(encoding="utf-8")
    features: Mapping[str, Mapping[str, Any]] = json.loads(text)["features"]
    return features


def support(feature: str, client: str) -> str:
    """Whether a client knows a feature: "y", "n", "a" (in part) or "u" (nobody has tried)."""
    return str(facts()[feature]["support"].get(client, "y"))[0]


def loss_of(feature: str, client: str) -> float:
    """How much a client's reader loses by a feature: 1 for all of it, 0.5 where support is partial, or 0."""
    value = support(feature, client)
    if feature in _GRACEFUL or (value == "a" and (feature, client.partition(".")[0]) in FINE_ANYWAY):
        return 0.0
    return _LOSS.get(value, 0.0)
