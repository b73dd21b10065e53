"""The commands by which a person decides about a whole issue: approve it, cancel it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import click

from newsletter.cli.proof import gate
from newsletter.cli.screen import ISSUE_HELP, bold, number, plural, say
from newsletter.errors import ConfigError

if TYPE_CHECKING:
    from newsletter.cli.press import Press
    from newsletter.readers.database import Database


@click.command(epilog=ISSUE_HELP, short_help="Stand for an issue as it is now.")
@click.argument("issue", required=False)
@click.option("--who", help="Who approves.  [default: your user name]")
@click.pass_obj
def approve(press: Press, issue: str | None, who: str | None) -> None:
    """Stand for an issue as it is now: until it is sent, `send` refuses any other, and says what has changed.

    What `check` finds an error cannot be approved. Prints the first 12 digits of the edition's fingerprint.
    With approval = "required" in [send], nothing is sent that nobody approved. Without ISSUE, today's.

    \b
    Example:
      newsletter approve 2026-11-23 --who "Ada Test"
    """
    from newsletter.cli.ask import who_decides
    from newsletter.readers.approvals import Approvals, differences, parts_of
    from newsletter.readers.ledger import Ledger

    folder = press.issue_folder(issue, nearest=False)
    key, name = folder.name, who_decides(who)
    if press.has_database():
        with press.database() as database:
            if Ledger(database).frozen(key):
                hint = f"newsletter status {key}"
                raise ConfigError(f"{key} is already being sent", where="ISSUE", hint=hint)
    edition = gate(press, folder)[1]
    with press.database() as database:
        approvals = Approvals(database)
        last = approvals.last(key)
        if last and last.fingerprint == edition.fingerprint:
            at = last.at.astimezone(press.zone)
            say(f"{bold(key)} was approved already, by {last.who} at {at:%H:%M on %d %B %Y}.")
        else:
            for change in differences(last, parts_of(edition)) if last else ():
                say(f"Since {last.who} approved it, {change}." if last else "")
            approvals.approve(edition, who=name, now=press.utc_now())
            say(f"{bold(key)} is approved by {name}: {edition.subject}")
    click.echo(edition.fingerprint[:12])


@contextmanager
def frozen_issue(press: Press, key: str) -> Iterator[Database]:
    """The publication's database, once it is sure that it has begun to send the issue; raises ConfigError."""
    from newsletter.readers.ledger import Ledger

    with ExitStack() as stack:
        database = stack.enter_context(press.database()) if press.has_database() else None
        if database is None or not Ledger(database).frozen(key):
            hint = f"newsletter status {key}"
            raise ConfigError(f"{key} was never sent: there is nothing to decide", where="ISSUE", hint=hint)
        yield database


@click.command(epilog=ISSUE_HELP, short_help="End an issue for good: nobody else gets it.")
@click.argument("issue")
@click.option("--yes", is_flag=True, help="Do not ask; needed where there is no terminal.")
@click.option("--who", help="Who cancels.  [default: your user name]")
@click.pass_obj
def cancel(press: Press, issue: str, yes: bool, who: str | None) -> int:
    """End an issue for good: whoever is still owed it gets nothing, and no `send` ever takes it up again.

    A run in another terminal stops by itself, after the messages in flight. What was sent stays sent, what is
    in doubt stays in doubt. Asks you to type the number of readers who will not get it.

    \b
    Example:
      newsletter cancel 2026-11-23
    """
    from newsletter.cli.ask import ask_number, who_decides
    from newsletter.cli.tallies import in_words
    from newsletter.readers.accounts import Accounts
    from newsletter.readers.decisions import Decisions
    from newsletter.readers.ledger import Ledger

    key, name = press.issue_folder(issue, nearest=False).name, who_decides(who)
    with frozen_issue(press, key) as database:
        ledger = Ledger(database)
        tally = ledger.tally(key)
        say(f"{bold(key)}: {in_words(tally)}")
        if cancelled_at := Accounts(database).standing(key).cancelled_at:
            say(f"It was cancelled at {cancelled_at.astimezone(press.zone):%H:%M on %d %B %Y}.")
        elif not tally.owed:
            hint = f"newsletter {'settle' if tally.in_doubt else 'status'} {key}"
            raise ConfigError(f"nobody is owed {key} any more: nothing to cancel", where="ISSUE", hint=hint)
        if tally.owed:
            question = f"Type the number of readers who are owed it ({number(tally.owed)}) to cancel"
            ask_number(tally.owed, question, yes=yes, where="cancel")
            count = Decisions(database).cancel(key, who=name, now=press.utc_now())
            tally = ledger.tally(key)
            say(f"Cancelled: {plural(count, 'reader')} will not get it. {in_words(tally)}")
    if tally.in_doubt:
        say(f"In doubt: nobody can tell whether they arrived. To settle: newsletter settle {key}")
    return 5 if tally.in_doubt else 0
