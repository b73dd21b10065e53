"""Rules for the programs that readers read mail in: what they do not show, and for how many that is.

What MJML and the house's own templates use is not told: they are built to stand its loss.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from newsletter.check.features import features_of
from newsletter.check.rule import Fault, Level, Place, Proof, Rule, rule
from newsletter.check.support import BASELINE, FAMILIES, facts, loss_of

MANY = 5.0
"""From so many readers in a hundred on, a loss is a warning."""

_TEMPLATE = "templates/mail/issue.mjml.j2"
_IN_MAIL = re.compile(r"\]\(|^ {0,3}\[[^\]\n]+\]:[ \t]*", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A feature that some readers' clients do not show: all of it (`without`) or some (`partly`).

    `share` is how many in a hundred readers lose by it, those of partial support counted half.
    """

    feature: str
    title: str
    without: tuple[str, ...]
    partly: tuple[str, ...]
    share: float
    notes: tuple[str, ...]

    def __str__(self) -> str:
        parts = [f"not in {_listed(self.without)}"] if self.without else []
        parts += [f"only partly in {_listed(self.partly)}"] if self.partly else []
        return f"{self.title} {' and '.join(parts)} ({_percent(self.share)})"


def share_right(proof: Proof) -> tuple[float, tuple[Loss, ...]]:
    """For how many in a hundred readers the issue looks right, and why not for the others, the worst first.

    A client counts by the worst that it does to the issue: not at all, or half where support is partial.
    """
    used = {slug for slug, _ in _added(proof)}
    wrong = sum(
        share * max((loss_of(slug, client) for slug in used), default=0.0)
        for client, (_, share) in _readers(proof).items()
    )
    losses = sorted((_losses(proof, slug) for slug in used), key=lambda loss: (-loss.share, loss.feature))
    return 100 - wrong, tuple(loss for loss in losses if loss.share)


def in_one_line(share: float, losses: Sequence[Loss]) -> str:
    """The number and its reasons, as the command says them."""
    reasons = f": {'; '.join(str(loss) for loss in losses)}" if losses else ""
    return f"looks right for {math.floor(share + 1e-9)} % of your readers{reasons}"


def _added(proof: Proof) -> Iterator[tuple[str, Place]]:
    """What the issue uses over the baseline, and where."""
    for slug in sorted(features_of(proof.edition.html) - BASELINE):
        yield slug, Place(_TEMPLATE)
    for text in proof.bodies:
        for found in _IN_MAIL.finditer(text.prose):
            if re.match(r"<?#[^\s>)]", text.source[found.end() :][:3]):
                yield "html-anchor-links", text.place(found.end())


def _readers(proof: Proof) -> dict[str, tuple[str, float]]:
    """Each client's title, and how many in a hundred readers use it."""
    audience = proof.settings.audience
    everybody = sum(audience.values())
    return {
        client: (title, 100 * audience[family] / everybody * part / 100)
        for family, clients in FAMILIES.items()
        if audience.get(family)
        for client, (title, part) in clients.items()
    }


def _losses(proof: Proof, slug: str) -> Loss:
    readers = _readers(proof)
    hit = {client: loss_of(slug, client) for client in readers}
    numbers = {
        number
        for client, loss in hit.items()
        if loss
        for number in str(facts()[slug]["support"][client]).split(" ")[1:]
    }
    return Loss(
        feature=slug,
        title=facts()[slug]["title"],
        without=tuple(title for client, (title, _) in readers.items() if hit[client] == 1),
        partly=tuple(title for client, (title, _) in readers.items() if hit[client] == 0.5),
        share=sum(share * hit[client] for client, (_, share) in readers.items()),
        notes=tuple(facts()[slug]["notes"][number] for number in sorted(numbers, key=int)),
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)


def _percent(share: float) -> str:
    return f"{share:.0f} %" if share >= 1 else "less than 1 %"


_HINTS = {
    "html-anchor-links": "link to the article's page on the web, or say where it stands",
    "image-": "export the picture as JPEG or PNG",
    "css-": "do without it, or make sure that the mail reads well when it is lost",
    "html-": "do without it, or make sure that the mail reads well when it is lost",
}


def _faults(proof: Proof, *, many: bool) -> Iterator[Fault]:
    for slug, place in _added(proof):
        loss = _losses(proof, slug)
        if loss.share and (loss.share >= MANY) == many:
            hint = next(hint for start, hint in _HINTS.items() if slug.startswith(start))
            yield Fault(place, f"{loss} of your readers", hint)


@rule(
    "client-support",
    Level.WARNING,
    why="What a mail client does not know it leaves out, and what was built on it falls apart.",
    how="do without it",
)
def client_support(proof: Proof) -> Iterator[Fault]:
    yield from _faults(proof, many=True)


@rule(
    "client-support-few",
    Level.NOTE,
    why="A few readers use a mail client that does not know it; how many, [check.audience] says.",
    how="do without it if it is easy",
)
def client_support_few(proof: Proof) -> Iterator[Fault]:
    yield from _faults(proof, many=False)


RULES: tuple[Rule, ...] = (client_support, client_support_few)
