"""Rules for what can be read: contrast between text and ground, in light and in dark."""

import tomllib
from collections.abc import Iterator

from newsletter.check.origin import around_words, of_markup
from newsletter.check.page import Rgb, Run, runs
from newsletter.check.rule import Fault, Level, Place, Proof, Rule, rule

LEAST = 4.5
LEAST_LARGE = 3.0
"""WCAG 2.2, 1.4.3: the least contrast of text, and of large text."""

LARGE = 24.0
LARGE_BOLD = 18.66
"""CSS pixels from which text is large: 18 points, or 14 points in bold."""


def contrast(one: Rgb, other: Rgb) -> float:
    """The contrast of two colours, from 1 to 21 (WCAG 2.2, contrast ratio)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Rgb) -> float:
    parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


@rule(
    "contrast",
    Level.WARNING,
    why="Pale text on a pale ground cannot be read in the sun, nor by one reader in twelve.",
    how="choose a darker or a lighter colour",
)
def weak_contrast(proof: Proof) -> Iterator[Fault]:
    for dark in (False, True):
        seen: set[tuple[Rgb, Rgb, float]] = set()
        for run in runs(proof.edition.html, dark):
            least = LEAST_LARGE if run.size >= (LARGE_BOLD if run.bold else LARGE) else LEAST
            if run.ground is None or (run.colour, run.ground, least) in seen:
                continue
            seen.add((run.colour, run.ground, least))
            found = contrast(run.colour, run.ground)
            if found < least:
                mode = "dark" if dark else "light"
                words = " ".join(run.text.split())[:30]
                yield Fault(
                    _cause(proof, run, dark),
                    f"{words!r} is {run.colour} on {run.ground} in {mode}, a contrast of"
                    f" {int(found * 10) / 10}:1; {least:g}:1 is the least",
                )


def _cause(proof: Proof, run: Run, dark: bool) -> Place:
    """The setting of the accent, if it is the accent; else the template that has the colour, or the words."""
    key = "accent_dark" if dark else "accent"
    accent = tomllib.loads(proof.toml).get("look", {}).get(key, "")
    if str(accent).lower() in (str(run.colour), str(run.ground)):
        return proof.setting("look", key)
    if dark:
        return of_markup(proof, str(run.colour), "<mj-style")
    if str(run.colour) in proof.edition.mjml.lower():
        return of_markup(proof, str(run.colour))
    return around_words(proof, run.text)


RULES: tuple[Rule, ...] = (weak_contrast,)
