"""Rules for what SpamAssassin says of the finished mail; they are silent unless `--spam` asked it."""

from collections.abc import Iterator

from newsletter.check.rule import Fault, Level, Place, Proof, Rule, rule

SPAM = 5.0
"""Points from which SpamAssassin, and most who run it, call a mail spam."""

SMELLS = 2.0
"""Points from which a little more, such as the name of a new sender, makes it spam."""

_NAMED = 4


@rule(
    "spam",
    Level.WARNING,
    why="Many mail servers run SpamAssassin, and what has 5 points there is put away as spam.",
    how="write otherwise what costs most",
)
def spam(proof: Proof) -> Iterator[Fault]:
    if proof.spam and proof.spam.points >= SPAM:
        yield Fault(Place(proof.folder), _words(proof))


@rule(
    "spam-smell",
    Level.NOTE,
    why="A mail with 2 points is no spam yet, but the servers on its way add points of their own.",
    how="write otherwise what costs most",
)
def spam_smell(proof: Proof) -> Iterator[Fault]:
    if proof.spam and SMELLS <= proof.spam.points < SPAM:
        yield Fault(Place(proof.folder), _words(proof))


def _words(proof: Proof) -> str:
    assert proof.spam
    dear = "; ".join(f"{cost.points:g} {cost.rule}: {cost.words}" for cost in proof.spam.costs[:_NAMED])
    return f"SpamAssassin gives {proof.spam.points:g} points, and {SPAM:g} are spam ({dear})"


RULES: tuple[Rule, ...] = (spam, spam_smell)
