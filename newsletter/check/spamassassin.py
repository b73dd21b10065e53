"""The one module of proof-reading that runs a program: SpamAssassin, without daemon or network."""

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass

from newsletter.errors import ConfigError

SECONDS = 20.0
_LINE = re.compile(r" *(-?\d+(?:\.\d+)?) ([A-Z0-9_]+) +(.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one rule of SpamAssassin took a mail for, in points, and its reason in words."""

    rule: str
    points: float
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A mail's points, and what they are for, the dearest first."""

    points: float
    costs: tuple[Cost, ...]


def verdict(message: bytes, *, seconds: float = SECONDS) -> Verdict:
    """What SpamAssassin finds in a mail within so many seconds; raises ConfigError if that cannot be had.

    It has a home of its own, so that nothing is learnt from this mail and nobody's preferences count.
    """
    program = shutil.which("spamassassin")
    if program is None:
        hint = "sudo apt-get install spamassassin, or leave --spam away"
        raise ConfigError("SpamAssassin is not installed", where="--spam", hint=hint)
    mark = f"verdict-{os.urandom(8).hex()}"
    # Its own report, in English, with nothing around it; -t puts it behind the mail.
    settings = ("report_safe 0", "clear_report_template", f"report {mark} _SCORE_", "report _SUMMARY_")
    command = [program, "-L", "-t", "-x", *(f"--cf={setting}" for setting in settings)]
    try:
        with tempfile.TemporaryDirectory(prefix="newsletter-") as home:
            done = subprocess.run(  # noqa: S603 - no shell, and nothing in it is anybody's text
                command,
                input=message,
                capture_output=True,
                timeout=seconds,
                check=False,
                env={"PATH": os.environ.get("PATH", ""), "HOME": home, "TMPDIR": home, "LC_ALL": "C"},
            )
    except subprocess.TimeoutExpired as error:
        hint = "leave --spam away, or try again when the machine is less busy"
        raise ConfigError(f"SpamAssassin took over {seconds:g} seconds", where="--spam", hint=hint) from error
    except OSError as error:
        raise ConfigError(f"SpamAssassin cannot be run: {error.strerror}", where="--spam") from error
    _, found, report = done.stdout.decode("utf-8", "replace").rpartition(mark)
    if not found:
        said = done.stderr.decode("utf-8", "replace").strip("\n").rpartition("\n")[2]
        message_ = f"SpamAssassin gave no verdict: {said or f'it ended with {done.returncode}'}"
        raise ConfigError(message_, where="--spam", hint="see what it needs: spamassassin --lint")
    return read_verdict(report)


def read_verdict(report: str) -> Verdict:
    """The verdict in a report whose first line is the points, the others the rules that gave them."""
    points, _, lines = report.replace("\r", "").partition("\n")
    costs: list[Cost] = []
    for line in lines.split("\n"):
        if match := _LINE.fullmatch(line):
            costs.append(Cost(points=float(match[1]), rule=match[2], words=match[3]))
        elif costs and line[:10].isspace():  # a reason that takes another line
            last = costs.pop()
            costs.append(Cost(points=last.points, rule=last.rule, words=f"{last.words} {line.lstrip(' ')}"))
    dear = sorted((cost for cost in costs if cost.points > 0), key=lambda cost: -cost.points)
    return Verdict(points=float(points), costs=tuple(dear))
