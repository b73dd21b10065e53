"""The command that shows the whole press at work, on the sample publication and made-up readers."""

from __future__ import annotations

import csv
import shlex
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli.screen import bold, number, say
from newsletter.errors import ConfigError, NewsletterError

if TYPE_CHECKING:
    from newsletter.cli.press import Press

READERS = 1000


@click.command(short_help="See it all work: compose an issue, send it to made-up readers.")
@click.pass_obj
def demo(press: Press) -> int:
    """See it all work: the newest sample issue, composed and sent to 1,000 made-up readers.

    Nothing leaves this machine: each message becomes an .eml file. Everything is kept in .newsletter/demo,
    apart from any publication of yours, and may be deleted.

    \b
    Example:
      newsletter demo
    """
    from newsletter.compose.issue import issue_days
    from newsletter.desk.publication import sample_folder

    root = press.folder / ".newsletter" / "demo"
    again = root.exists()
    _lay_out(sample_folder(), root)
    key = issue_days(root / "issues")[-1].isoformat()
    where = press.shown(root)
    if again:
        say(f"The demo has run here before; it runs again, with the same readers, in {where}.")
    started = time.monotonic()
    commands = (
        ["readers", "import", "readers.csv", "--source", "made up for the demo"],
        ["check", key],
        ["build", key, "-o", "preview"],
        ["send", key, "--yes"],
    )
    for command in commands:
        _run(["-C", where, *command])
    say("")
    say(bold(f"Done in {time.monotonic() - started:.1f} s. Look at"))
    one = next((root / ".newsletter" / "outbox" / key).glob("*.eml"))
    say(f"  the issue in a browser   {press.shown(root / 'preview' / 'issue.html')}")
    say(f"  its plain text           {press.shown(root / 'preview' / 'issue.txt')}")
    say(f"  one of {number(READERS)} messages    {press.shown(one)}")
    say(f"  what became of it        newsletter -C {where} status {key}")
    say(f"Your own newsletter: {bold('newsletter init my-paper')}")
    return 0


def _run(arguments: list[str]) -> None:
    """Show one of the press's own commands and run it."""
    from newsletter.cli import cli

    say("")
    say(bold(f"$ newsletter {shlex.join(arguments)}"))
    code = cli.main(arguments, prog_name="newsletter", standalone_mode=False)
    if code:
        raise NewsletterError(f"the demo's own command ended with {code}", where=shlex.join(arguments))


def _lay_out(sample: Path, root: Path) -> None:
    """Copy the sample publication to `root`, and put a file of made-up readers beside it."""
    from newsletter.desk.madeup import made_up_readers

    try:
        for name in ("templates", "issues"):
            shutil.copytree(sample / name, root / name, dirs_exist_ok=True)
        shutil.copy2(sample / "newsletter.toml", root)
        with (root / "readers.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(("name", "email"))
            writer.writerows(made_up_readers(READERS))
    except OSError as error:
        hint = "go to a folder you may write to, and run newsletter demo there"
        raise ConfigError(
            f"cannot be written: {error.strerror}", where=str(error.filename or root), hint=hint
        ) from error
