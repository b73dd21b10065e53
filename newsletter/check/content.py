"""Rules for what an issue says, and for how long: five minutes, a subject that fits, nothing left to do."""

from collections.abc import Iterator

from newsletter.check.rule import Fault, Level, Proof, Rule, rule
from newsletter.compose.issue import TO_CHECK

FIVE_MINUTES = 300


@rule(
    "five-minutes",
    Level.ERROR,
    why="The name promises five minutes, and readers plan their coffee by it.",
    how="cut the longest article, or move one to tomorrow",
)
def five_minutes(proof: Proof) -> Iterator[Fault]:
    over = proof.edition.reading_seconds - FIVE_MINUTES
    if over > 0:
        longest = max(proof.issue.articles, key=lambda article: len(article.body))
        yield Fault(
            proof.text("body", longest).place(),
            f"the issue takes {over} s more than five minutes; this article is the longest",
            f"cut about {over * 4} words",
        )


def _length(proof: Proof, name: str, shown: str, least: int, most: int) -> Iterator[Fault]:
    if not least <= len(shown) <= most:
        yield Fault(
            proof.text(name).place(),
            f"the {name} has {len(shown)} characters; inboxes show {least} to {most} best",
            f"make it {'longer' if len(shown) < least else 'shorter'}",
        )


@rule(
    "subject-length",
    Level.WARNING,
    why="A phone shows some forty characters of a subject, a desktop sixty; the rest is cut off.",
    how="write 10 to 60 characters, what matters first",
)
def subject_length(proof: Proof) -> Iterator[Fault]:
    yield from _length(proof, "subject", proof.edition.subject, 10, 60)


@rule(
    "preheader-length",
    Level.WARNING,
    why="The inbox shows the preheader beside the subject; if it is too short, mail clients fill it up.",
    how="write 40 to 110 characters that go on where the subject stops",
)
def preheader_length(proof: Proof) -> Iterator[Fault]:
    yield from _length(proof, "preheader", proof.edition.preheader, 40, 110)


@rule(
    "import-mark",
    Level.ERROR,
    why="An import leaves a mark where it was not sure, and nobody has looked at it yet.",
    how="settle it and delete the mark",
)
def import_mark(proof: Proof) -> Iterator[Fault]:
    for text in proof.texts:
        at = text.source.find(f"[{TO_CHECK}")
        while at >= 0:
            yield Fault(text.place(at), "a mark to check something is still there")
            at = text.source.find(f"[{TO_CHECK}", at + 1)


RULES: tuple[Rule, ...] = (five_minutes, subject_length, preheader_length, import_mark)
