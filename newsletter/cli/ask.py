"""What a decision needs from the person who takes it: a number or a word typed, and a name."""

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
    typed = _typed(question, where)
    if re.sub(r"\D", "", typed) != str(count):
        hint = "run it again, and type the number that it shows"
        raise ConfigError(f"{typed!r} is not {number(count)}: nothing was done", where=where, hint=hint)


def ask_word(word: str, question: str, *, yes: bool, where: str) -> None:
    """Go on only if the person types this word, in capitals or not; as `ask_number` otherwise."""
    if yes:
        return
    typed = _typed(question, where)
    if typed.strip(" \t").lower() != word.lower():
        hint = f"run it again, and type {word}"
        raise ConfigError(f"{typed!r} is not {word!r}: nothing was done", where=where, hint=hint)


def _typed(question: str, where: str) -> str:
    if not sys.stdin.isatty():
        raise ConfigError("nobody is there to confirm", where=where, hint="add --yes")
    try:
        return str(click.prompt(question, err=True))
    except click.Abort:
        say("")  # the cursor still stands behind the question
        raise


def who_decides(named: str | None) -> str:
    """The name under which a decision is kept: as given, or the user's; raises ConfigError without either."""
    try:
        name = getpass.getuser() if named is None else named.strip(" \t\u00a0\u202f")
    except (KeyError, OSError):  # a container's user need not have a name
        name = ""
    if not name or not name.isprintable():
        raise ConfigError("nobody knows who decides this", where="--who", hint="add --who NAME")
    return name
