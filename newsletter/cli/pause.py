"""The commands by which a person holds an issue that is on its way, and lets it go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from newsletter.cli.decide import frozen_issue
from newsletter.cli.screen import ISSUE_HELP, bold, say
from newsletter.errors import ConfigError

if TYPE_CHECKING:
    from newsletter.cli.press import Press


@click.command(epilog=ISSUE_HELP, short_help="Hold an issue that is being sent.")
@click.argument("issue")
@click.option("--who", help="Who pauses.  [default: your user name]")
@click.option("--note", default="", help="Why, for the others.")
@click.pass_obj
def pause(press: Press, issue: str, who: str | None, note: str) -> None:
    """Hold an issue that is being sent: nothing more leaves but what is in flight, on whatever machine.

    Runs of it end by themselves, and workers do something else. Whoever is owed it stays so.

    \b
    Example:
      newsletter pause 2026-11-23 --note "wrong link in the second article"
    """
    from newsletter.cli.ask import who_decides
    from newsletter.cli.tallies import in_words
    from newsletter.readers.decisions import Decisions
    from newsletter.readers.ledger import Ledger

    key, name = press.issue_folder(issue, nearest=False).name, who_decides(who)
    with frozen_issue(press, key) as database:
        tally = Ledger(database).tally(key)
        if not tally.owed:
            hint = f"newsletter status {key}"
            raise ConfigError(f"nobody is owed {key} any more: nothing to hold", where="ISSUE", hint=hint)
        done = Decisions(database).pause(key, who=name, now=press.utc_now(), note=" ".join(note.split()))
        say(f"{bold(key)} {'is' if done else 'was already'} paused: {in_words(Ledger(database).tally(key))}")
    say(f"To go on: newsletter resume {key}; to end it for good: newsletter cancel {key}")


@click.command(epilog=ISSUE_HELP, short_help="Let a paused issue go on.")
@click.argument("issue")
@click.option("--who", help="Who decides that.  [default: your user name]")
@click.pass_obj
def resume(press: Press, issue: str, who: str | None) -> None:
    """Let a paused issue go on: the workers take it up again at once.

    Where there are none, run `newsletter send` again.

    \b
    Example:
      newsletter resume 2026-11-23
    """
    from newsletter.cli.ask import who_decides
    from newsletter.cli.tallies import in_words
    from newsletter.readers.decisions import Decisions
    from newsletter.readers.ledger import Ledger

    key, name = press.issue_folder(issue, nearest=False).name, who_decides(who)
    with frozen_issue(press, key) as database:
        if not Decisions(database).resume(key, who=name, now=press.utc_now()):
            hint = f"newsletter status {key}"
            raise ConfigError(f"{key} is not paused", where="ISSUE", hint=hint)
        say(f"{bold(key)} goes on: {in_words(Ledger(database).tally(key))}")
        if database.conninfo:
            from newsletter.cli.sending import dispatch_of

            dispatch = dispatch_of(press, database)
            if dispatch.standing(key).batches:
                dispatch.go_on(key)
                say(f"The workers have it: newsletter status {key} --watch")
                return
    say(f"To go on: newsletter send {key}")
