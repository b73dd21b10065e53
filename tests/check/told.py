"""Many small cases in one issue, each an article of its own, and what is found in them."""

from collections.abc import Sequence

from newsletter.check.rule import Finding
from tests.check.conftest import ARTICLE


def articles(texts: Sequence[str]) -> dict[str, str]:
    """An article for each text, which begins on line 4: 02-cas2.md, 03-cas3.md, …"""
    return {
        f"{number:02}-cas{number}.md": ARTICLE.replace("Une phrase simple.", text)
        for number, text in enumerate(texts, 2)
    }


def told(found: Finding) -> tuple[str, str, str | None]:
    """Where, which rule, and what a machine would write instead, None if nothing."""
    place = str(found.place).removeprefix("issues/2026-11-23/")
    return place, found.rule, found.fix.new if found.fix else None
