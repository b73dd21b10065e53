"""What a rule of proof-reading is, and what it finds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from newsletter.check.proof import Place, Proof

__all__ = ["Fault", "Finding", "Fix", "Level", "Place", "Proof", "Rule", "rule"]


class Level(StrEnum):
    """How much a finding weighs: an error keeps the issue in the house, a note is only worth knowing."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """What a machine may put right: on the line of `place`, from its column on, `old` becomes `new`."""

    place: Place
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Fault:
    """What a rule sees: where, what is wrong in one sentence, and how to put it right.

    `hint` "" stands for the rule's own advice.
    """

    place: Place
    message: str
    hint: str = ""
    fix: Fix | None = None


Find = Callable[[Proof], Iterator[Fault]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule: its lasting name, what it weighs, why it is there, and how to put right what it finds."""

    name: str
    level: Level
    why: str
    how: str
    find: Find = field(repr=False)


def rule(name: str, level: Level, *, why: str, how: str) -> Callable[[Find], Rule]:
    """Make a rule of a function that looks through a proof.

    `why` is one sentence for whoever asks what the rule is good for, `how` one order that can be done.
    """

    def made(find: Find) -> Rule:
        return Rule(name=name, level=level, why=why, how=how, find=find)

    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing to put right; `waived` is the reason why it may stay, "" if nobody gave one."""

    rule: str
    level: Level
    place: Place
    message: str
    hint: str
    fix: Fix | None = None
    waived: str = ""
