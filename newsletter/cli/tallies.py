"""Everybody accounted for, in words and for programs."""

from newsletter.cli.screen import number, plural
from newsletter.readers.accounts import Tally


def facts(tally: Tally) -> dict[str, object]:
    """Everybody accounted for, for programs."""
    return {
        "audience": tally.audience,
        "sent": tally.sent,
        "refused": tally.refused,
        "expired": tally.expired,
        "withheld": dict(tally.withheld),
        "in_doubt": tally.in_doubt,
        "owed": tally.owed,
        "holds": tally.holds,
    }


def in_words(tally: Tally) -> str:
    """Everybody accounted for: "1,000 readers = 998 sent + 1 refused + 1 withheld (left)"."""
    counts = {
        "sent": tally.sent,
        "refused": tally.refused,
        "expired": tally.expired,
        **{f"withheld ({reason})": count for reason, count in tally.withheld.items()},
        "in doubt": tally.in_doubt,
        "owed": tally.owed,
    }
    parts = " + ".join(f"{number(count)} {what}" for what, count in counts.items() if count) or "0"
    return f"{plural(tally.audience, 'reader')} = {parts}"
