"""How long an issue takes from files to messages: `python -m tests.bench.compose`.

The reference is the least that any tool of this kind has to do: mjml-python and premailer, called bare on the
MJML that our template rendered.
"""

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from mjml import mjml2html
from premailer import Premailer

from newsletter.compose import markup
from newsletter.compose.edition import compose
from newsletter.compose.issue import read_issue
from newsletter.config import Config, read_config
from newsletter.deliver.fill import Filler
from newsletter.deliver.message import cut
from newsletter.links import Links, Signer
from newsletter.model import Edition, Reader
from tests.conftest import ROOT

ROUNDS = 15
FILLS = 1000
READER = Reader(id="abcdefghijklmnop", email="zoe@example.org", name="Zoé")


def median_ms(*works: Callable[[], object]) -> list[float]:
    """Medians of rounds in which the works take turns."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(ROUNDS):
        for work, spent in zip(works, times, strict=True):
            started = time.perf_counter()
            work()
            spent.append((time.perf_counter() - started) * 1000)
    return [statistics.median(spent) for spent in times]


def edition_of(folder: Path, config: Config) -> Edition:
    issue = read_issue(folder, root=ROOT)
    return compose(issue, config.publication, config.look, templates=ROOT / "templates", root=ROOT)


def rendered(folder: Path, config: Config) -> tuple[str, str]:
    """The MJML and the style sheet that our templates make of an issue."""
    seen: list[tuple[str, str]] = []
    own = markup.to_html

    def watched(mjml: str, css: str) -> str:
        seen.append((mjml, css))
        return own(mjml, css)

    markup.to_html = watched
    try:
        edition_of(folder, config)
    finally:
        markup.to_html = own
    return seen[0]


def bench(folder: Path, config: Config) -> None:
    mjml, css = rendered(folder, config)
    edition = edition_of(folder, config)
    now = datetime.now(UTC)
    template = cut(edition, config.publication, at=now)
    filler = Filler(template, Links(config.publication, Signer((b"k" * 32,), list_id="x")))
    reference, composing, cutting, filling = median_ms(
        lambda: Premailer(
            mjml2html(markup.front_end(mjml), fonts={}), css_text=css, allow_network=False
        ).transform(),
        lambda: edition_of(folder, config),
        lambda: cut(edition, config.publication, at=now),
        lambda: [filler.fill(READER) for _ in range(FILLS)],
    )
    print(
        f"{folder.name}: files to edition {composing:.0f} ms, cut {cutting:.1f} ms, "
        f"fill {filling / FILLS * 1000:.0f} us a reader, HTML {len(edition.html.encode()) / 1000:.1f} kB; "
        f"bare libraries {reference:.0f} ms; ratio {composing / reference:.2f}"
    )


def main() -> None:
    config = read_config(ROOT, {})
    for folder in sorted((ROOT / "issues").iterdir()):
        bench(folder, config)


if __name__ == "__main__":
    main()
