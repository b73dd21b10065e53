"""The command that says what became of an issue."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from newsletter.cli.screen import ISSUE_HELP, bold, say, table
from newsletter.errors import ContentError

if TYPE_CHECKING:
    from newsletter.cli.press import Press
    from newsletter.readers.accounts import Tally
    from newsletter.readers.ledger import Frozen, Ledger


@click.command(epilog=ISSUE_HELP, short_help="What became of an issue.")
@click.argument("issue", required=False)
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@click.pass_obj
def status(press: Press, issue: str | None, as_json: bool) -> int:
    """What became of an issue: everybody accounted for, and by name whoever did not get it.

    Exit code 5 if there are doubts, 4 if somebody is still owed the issue. Without ISSUE, today's.

    \b
    Example:
      newsletter status 2026-11-23
    """
    from newsletter.readers.accounts import Tally
    from newsletter.readers.ledger import Ledger

    folder = press.issue_folder(issue, nearest=False)
    key = folder.name
    if press.has_database():
        with press.database() as database:
            ledger = Ledger(database)
            if frozen := ledger.frozen(key):
                return _show(press, ledger, frozen, as_json)
    rehearsal = _rehearsal(press, key)
    if not folder.is_dir() and not rehearsal:
        raise ContentError("no such issue", where=f"issues/{key}", hint=f"newsletter new {key}")
    if as_json:
        _show_json(key, None, Tally(audience=0), [])
        return 0
    say(f"{bold(key)} was not sent.")
    if rehearsal:
        say(rehearsal)
    return 0


def _rehearsal(press: Press, key: str) -> str:
    """What became of the issue's rehearsal, in words; "" if none was held."""
    from newsletter.cli.run import in_words
    from newsletter.readers.ledger import Ledger

    if not (press.config.state / "rehearsal.db").exists():
        return ""
    with press.rehearsal_database() as database:
        ledger = Ledger(database, rehearsal=True)
        frozen = ledger.frozen(key)
        if not frozen:
            return ""
        at = frozen.frozen_at.astimezone(press.zone)
        return f"A rehearsal was held at {at:%H:%M on %d %B %Y}: {in_words(ledger.tally(key))}"


def _show(press: Press, ledger: Ledger, frozen: Frozen, as_json: bool) -> int:
    from newsletter.cli.run import in_words
    from newsletter.model import State

    tally = ledger.tally(frozen.key)
    missing = [
        (row.email or row.reader_id, str(row.state), row.reason or row.last_detail)
        for state in State
        if state is not State.SENT
        for row in ledger.rows(frozen.key, state)
    ]
    if as_json:
        _show_json(frozen.key, frozen, tally, missing)
    else:
        say(f"{bold(frozen.subject)}")
        at = frozen.frozen_at.astimezone(press.zone)
        say(f"{frozen.key}, frozen at {at:%H:%M on %d %B %Y}: {in_words(tally)}")
        if not tally.holds:
            say("The books do not balance: somebody is not accounted for.")
        if missing:
            table(("reader", "state", "what was said"), missing)
    return 5 if tally.in_doubt else 4 if tally.owed else 0


def _show_json(key: str, frozen: Frozen | None, tally: Tally, missing: list[tuple[str, str, str]]) -> None:
    """The same keys whether or not the issue was sent: what is not known is null."""
    facts = {
        "issue": key,
        "subject": frozen.subject if frozen else None,
        "fingerprint": frozen.fingerprint if frozen else None,
        "frozen_at": frozen.frozen_at.isoformat() if frozen else None,
        "audience": tally.audience,
        "sent": tally.sent,
        "refused": tally.refused,
        "expired": tally.expired,
        "withheld": dict(tally.withheld),
        "in_doubt": tally.in_doubt,
        "owed": tally.owed,
        "holds": tally.holds,
        "not_sent": [{"email": email, "state": state, "detail": why} for email, state, why in missing],
    }
    click.echo(json.dumps(facts, ensure_ascii=False, indent=2))
