"""What the doctor says of one thing: how it stands, what was seen, what to do."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How one thing stands; UNKNOWN, never PASS, is what could not be seen."""

    PASS = "pass"  # noqa: S105
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the findings; `do` is an order that can be typed or done, "" for nothing to do."""

    title: str
    verdict: Verdict
    seen: str
    do: str = ""


def passes(title: str, seen: str, do: str = "") -> Line:
    return Line(title=title, verdict=Verdict.PASS, seen=seen, do=do)


def warns(title: str, seen: str, do: str = "") -> Line:
    return Line(title=title, verdict=Verdict.WARN, seen=seen, do=do)


def fails(title: str, seen: str, do: str = "") -> Line:
    return Line(title=title, verdict=Verdict.FAIL, seen=seen, do=do)


def unknown(title: str, seen: str, do: str = "") -> Line:
    return Line(title=title, verdict=Verdict.UNKNOWN, seen=seen, do=do)
