"""What is wrong with an issue, and what to do about it, in the words in which someone is told."""

import re
from dataclasses import dataclass
from datetime import datetime

_LOCAL_PART = re.compile(r"""[^\s<>()\[\]"'=,;:@]{1,64}@""")


def discreet(text: str) -> str:
    """The text without anybody's address, of which the domain is left: servers quote readers' in replies."""
    return _LOCAL_PART.sub("…@", text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One thing that is wrong with the issue of one day.

    `reason` is one word for it, `wrong` what it is and `todo` what can be typed or done, as errors have them;
    `then` is what the schedule does by itself, `at` when that is told, in the publication's zone, and `host`
    by which machine.
    """

    publication: str
    issue: str
    reason: str
    wrong: str
    todo: str
    then: str
    at: datetime
    host: str

    @property
    def subject(self) -> str:
        return f"{self.publication}: {self.issue} has not left ({self.reason})"

    @property
    def text(self) -> str:
        """What is wrong, what to do, and who says so; lines end with a line feed."""
        todo = f"What to do:\n  {self.todo}\n\n" if self.todo else ""
        return (
            f"The issue {self.issue} of {self.publication} has not left as it should.\n\n"
            f"What is wrong:\n  {self.wrong}\n\n{todo}{self.then}\n\n"
            f"Told by {self.host} at {self.at:%H:%M} on {self.at:%d %B %Y}, once for this day and reason.\n"
        )

    @property
    def facts(self) -> dict[str, str]:
        """The same for programs; `text` is what chat services show of what they are sent."""
        return {
            "text": f"{self.subject}\n{self.wrong}\n{self.todo}".rstrip("\n"),
            "publication": self.publication,
            "issue": self.issue,
            "reason": self.reason,
            "wrong": self.wrong,
            "todo": self.todo,
            "at": self.at.isoformat(timespec="seconds"),
            "host": self.host,
        }
