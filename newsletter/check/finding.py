"""What a rule of proof-reading finds."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much a finding weighs: an error keeps the issue in the house."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing to put right: `rule` is its lasting name, `where` a file or `file:line`."""

    rule: str
    level: Level
    where: str
    message: str
    hint: str
