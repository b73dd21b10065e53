"""All rules, in one list, and what they find in an issue."""

from collections.abc import Iterator

from newsletter.check import (
    clients,
    content,
    contrast,
    dates,
    french,
    headers,
    links,
    mail,
    parts,
    pictures,
    repeats,
    signature,
    slips,
    spam,
    structure,
    style,
    visited,
)
from newsletter.check.rule import Fault, Finding, Level, Place, Proof, Rule, rule
from newsletter.errors import NewsletterError, nearest


@rule(
    "unknown-waiver",
    Level.ERROR,
    why="A waiver with a misspelt name lets nothing pass.",
    how="newsletter check --list shows the names of all rules",
)
def unknown_waiver(proof: Proof) -> Iterator[Fault]:
    for waiver in proof.issue.waivers:
        if waiver.rule not in NAMES:
            meant = nearest(waiver.rule, NAMES)
            yield Fault(
                Place(f"{proof.folder}/issue.md", waiver.line),
                f"no rule is called {waiver.rule!r}",
                f'did you mean "{meant}"?' if meant else "",
            )


RULES: tuple[Rule, ...] = (
    *content.RULES,
    *dates.RULES,
    *repeats.RULES,
    *links.RULES,
    *visited.RULES,
    *pictures.RULES,
    *mail.RULES,
    *structure.RULES,
    *contrast.RULES,
    *slips.RULES,
    *french.RULES,
    *style.RULES,
    *headers.RULES,
    *parts.RULES,
    *signature.RULES,
    *spam.RULES,
    *clients.RULES,
    unknown_waiver,
)

NAMES = tuple(each.name for each in RULES)

FAULT = "cannot-be-composed"
"""The name under which what keeps an issue from being composed at all is told; it cannot be waived."""

_ORDER = (Level.ERROR, Level.WARNING, Level.NOTE)


def proofread(proof: Proof) -> list[Finding]:
    """All findings, the gravest first, then in the order in which the issue is read."""
    reasons = {waiver.rule: waiver.reason for waiver in proof.issue.waivers}
    findings = [
        Finding(
            rule=each.name,
            level=each.level,
            place=fault.place,
            message=fault.message,
            hint=fault.hint or each.how,
            fix=fault.fix,
            waived=reasons.get(each.name, "") if each is not unknown_waiver else "",
        )
        for each in RULES
        for fault in each.find(proof)
    ]
    return sorted(findings, key=lambda finding: (_ORDER.index(finding.level), finding.place))


def finding_of(error: NewsletterError) -> Finding:
    """The one finding that is left to tell where an issue cannot be composed."""
    path, *numbers = error.where.split(":")
    line, column = [*(int(number) for number in numbers if number.isdigit()), 0, 0][:2]
    return Finding(
        rule=FAULT,
        level=Level.ERROR,
        place=Place(path, line, column),
        message=error.message,
        hint=error.hint,
    )
