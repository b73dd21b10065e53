"""What a decision needs from the person who takes it: a number typed, and a name."""

import getpass
import re
import sys

import click

from newsletter.cli.screen import number, say
from newsletter.errors import ConfigError


def ask_number(count: int, question: str, *, yes: bool, where: str) -> None:
    """Go on only if the person types this number; `question` says of what, and what that will do.

    Raises ConfigError without a terminal, or for another number; with `yes` nothing is asked.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigError("nobody is there to confirm", where=where, hint="add --yes")
    try:
        typed = click.prompt(question, err=True)
    except click.Abort:
        say("")  # the cursor still stands behind the question
        raise
    if re.sub(r"\D", "", str(typed)) != str(count):
        hint = "run it again, and type the number that it shows"
        raise ConfigError(f"{typed!r} is not {number(count)}: nothing was done", where=where, hint=hint)


def who_decides(named: str | None) -> str:
    """The name under which a decision is kept: as given, or the user's; raises ConfigError without either."""
    try:
        name = getpass.getuser() if named is None else named.strip(" \t\u00a0\u202f")
    except (KeyError, OSError):  # a container's user need not have a name
        name = ""
    if not name or not name.isprintable():
        raise ConfigError("nobody knows who decides this", where="--who", hint="add --who NAME")
    return name
