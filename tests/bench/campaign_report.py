"""What a campaign tells at its end: where the kills landed, what the audit found, whether it is well."""

from collections import Counter
from dataclasses import dataclass, field

from tests.bench.audit import DOUBT, DUPLICATE, KINDS, LOST, Audit
from tests.bench.inquest import STEPS, UNSURE, Step

NAMED = 10  # faults of a kind that are told one by one


@dataclass(slots=True, kw_only=True)
class Tally:
    """What a campaign has done.

    `landed` counts each kill once, `beside` its process's other connections; `slept` are the freezes that
    lasted until other runs had left nobody owed.
    """

    seed: int
    kills: int = 0
    freezes: int = 0
    slept: int = 0
    starts: int = 0
    issues: int = 0
    seconds: float = 0.0
    landed: Counter[Step] = field(default_factory=Counter)
    beside: Counter[Step] = field(default_factory=Counter)

    @property
    def missing(self) -> list[Step]:
        """The steps at which no kill landed."""
        return [step for step in STEPS if not self.landed[step]]

    @property
    def unsure(self) -> int:
        """Kills between commit and reply."""
        return sum(self.landed[step] for step in UNSURE)

    @property
    def is_spread(self) -> bool:
        """Whether kills landed at every step, and at least a fifth of them between commit and reply."""
        return not self.missing and self.unsure * 5 >= self.kills


def complaints(tally: Tally, audit: Audit) -> list[str]:
    """All that is not as it should be, in words; empty if everything is."""
    found = [f"no kill landed {step}" for step in tally.missing]
    if tally.unsure * 5 < tally.kills:
        found.append(f"only {tally.unsure} of {tally.kills} kills landed between commit and reply")
    for kind in KINDS:
        faults = audit.faults[kind]
        found += [f"{kind}: {fault}" for fault in faults[:NAMED]]
        found += [f"{kind}: and {len(faults) - NAMED} more"] if len(faults) > NAMED else []
    return found


def in_words(tally: Tally, audit: Audit) -> str:
    """The table, as the README may quote it."""
    lines = [f"{'step at which the process ended':34} {'kills':>6} {'other connections':>18}"]
    for step in (*STEPS, Step.OUTSIDE):
        lines.append(f"{step:34} {tally.landed[step]:6,} {tally.beside[step]:18,}")
    share = 100 * tally.unsure / max(tally.kills, 1)
    states = ", ".join(f"{count:,} {state}" for state, count in audit.states.most_common())
    doubts, unexplained = audit.states["in doubt"], audit.count(DOUBT)
    lines += [
        "",
        f"{tally.kills:,} kills, {share:.0f} % of them between commit and reply",
        f"{tally.freezes:,} freezes, {tally.slept:,} of them until other runs had left nobody owed",
        f"{tally.issues:,} issues, {tally.starts:,} runs, {tally.seconds:,.0f} s, seed {tally.seed}",
        f"{sum(audit.states.values()):,} messages owed: {states}; {audit.accepted:,} accepted by the sink",
        f"duplicates {audit.count(DUPLICATE)}, lost {audit.count(LOST)}",
        f"in doubt {doubts:,} (of which {audit.doubts_that_arrived:,} had arrived)",
        f"in flight at the kills {audit.in_flight:,}, doubts beyond those {unexplained}",
    ]
    return "\n".join(lines)


def as_data(tally: Tally, audit: Audit) -> dict[str, object]:
    """The same for a program."""
    return {
        "seed": tally.seed,
        "kills": tally.kills,
        "freezes": tally.freezes,
        "freezes_until_nobody_was_owed": tally.slept,
        "runs": tally.starts,
        "issues": tally.issues,
        "seconds": round(tally.seconds, 1),
        "landed": {str(step): tally.landed[step] for step in (*STEPS, Step.OUTSIDE)},
        "other_connections": {str(step): tally.beside[step] for step in (*STEPS, Step.OUTSIDE)},
        "between_commit_and_reply": tally.unsure,
        "states": dict(audit.states),
        "accepted": audit.accepted,
        "duplicates": audit.count(DUPLICATE),
        "lost": audit.count(LOST),
        "in_doubt": audit.states["in doubt"],
        "in_doubt_arrived": audit.doubts_that_arrived,
        "in_flight": audit.in_flight,
        "complaints": complaints(tally, audit),
    }
