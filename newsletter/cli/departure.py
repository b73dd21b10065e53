"""An issue that is due leaves: whether it may, who begins, the run, and how that ends."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from newsletter.cli.alarm import HOST, Reason, watching
from newsletter.cli.begin import (
    NotApproved,
    check_approval,
    check_witness,
    count_readers,
    frozen_now,
    last_approval,
    plan,
    ready,
    same_rehearsal,
    tell_difference,
)
from newsletter.cli.hours import Hours
from newsletter.cli.screen import bold, say
from newsletter.cli.sending import Manner, deliver, open_books, pen
from newsletter.cli.site import check_url
from newsletter.cli.turn import BEGUN, ENDED, NO_MORE, SILENCE, KeptError
from newsletter.cli.web_version import wait_for_page
from newsletter.deliver.message import MessageTemplate
from newsletter.errors import (
    ContentError,
    NewsletterError,
    StoreError,
    TemplateError,
    Unavailable,
)
from newsletter.readers.accounts import Accounts
from newsletter.readers.claims import Claims

if TYPE_CHECKING:
    from collections.abc import Callable

    from newsletter.cli.begin import Ready
    from newsletter.cli.sending import Books
    from newsletter.cli.turn import State, Turn
    from newsletter.deliver.fill import Filler
    from newsletter.readers.database import Database
    from newsletter.readers.ledger import Frozen

_REASONS = (
    (NotApproved, Reason.NOT_APPROVED),
    (ContentError, Reason.CHECKS),
    (TemplateError, Reason.CHECKS),
    (NewsletterError, Reason.CANNOT),
)


class _Allowed(NamedTuple):
    """What makes the messages; and the frozen issue that goes on, or the edition to freeze."""

    write: Callable[[MessageTemplate], Filler]
    frozen: Frozen | None
    found: Ready | None


def depart(turn: Turn, database: Database, state: State, *, as_json: bool) -> int:
    """Send the issue, with its lock in hand; the exit code.

    Raises KeptError if it must not leave or go on, Unavailable or StoreError if the run ends early.
    """
    with open_books(turn.press, turn.backend) as books:
        try:
            allowed = _allowed(turn, books, state)
        except StoreError:
            raise
        except NewsletterError as error:
            raise _kept(turn, error) from error
        claims, now = Claims(database), turn.press.utc_now()
        first = claims.take(turn.due.day, BEGUN, host=HOST, now=now)
        if not first and not state.begun:
            say(f"Another host has just begun to send {turn.key}.")
            return 0
        if state.begun:
            say(f"Going on with {turn.key}, which {turn.who_began(state.begun)} began to send.")
        since = now - state.begun.at if state.begun else timedelta()
        try:
            with watching(SILENCE - since, lambda: _tell_silence(turn)):
                code = _run(turn, books, allowed, as_json=as_json)
        except Unavailable as error:
            _stopped(turn, claims, error)
            raise
        except StoreError:
            raise
        except NewsletterError as error:  # as of an issue that a person has paused
            raise _kept(turn, error) from error
    if code == 130:
        say(f"The next trigger goes on with it; to prevent that: newsletter cancel {turn.key}")
    else:
        claims.take(turn.due.day, ENDED, host=HOST, now=turn.press.utc_now())
    return code


def _kept(turn: Turn, error: NewsletterError) -> KeptError:
    reason = next(reason for kind, reason in _REASONS if isinstance(error, kind))
    return KeptError(reason, error, turn.again)


def _allowed(turn: Turn, books: Books, state: State) -> _Allowed:
    """Raise whatever keeps the issue from leaving; nothing is written down."""
    press, key = turn.press, turn.key
    folder = press.config.root / "issues" / key
    with press.database() as database:  # where people approve, be it a rehearsal or not
        if not state.frozen and not folder.is_dir():
            hint = f"newsletter new {key}, write it, then newsletter approve {key}"
            error = ContentError("there is no issue of this day", where=f"issues/{key}", hint=hint)
            raise KeptError(Reason.NO_ISSUE, error, turn.again)
        last_approval(database, key, required=True)
        if press.config.send.require_web_version:
            check_url(press)
        check_witness(books, key)
        write, frozen = pen(press), state.frozen
        if frozen and not books.rehearsal:
            tell_difference(press, folder, frozen)
            return _Allowed(write, frozen, None)
        found = ready(press, folder)
        check_approval(press, database, found.edition, required=True)
    books.readers.resume_all(press.utc_now())
    count_readers(books)
    return _Allowed(write, frozen and same_rehearsal(books, frozen, found.edition), found)


def _run(turn: Turn, books: Books, allowed: _Allowed, *, as_json: bool) -> int:
    press, key, hours, frozen = turn.press, turn.key, Hours(), allowed.frozen
    if frozen is None:
        assert allowed.found
        frozen = frozen_now(press, books, allowed.found)
    plan(press, key, frozen.subject, books.ledger.count_owed(key), rehearsal=books.rehearsal)
    if press.config.send.require_web_version and not books.rehearsal:
        wait_for_page(press, key, hours)
    filler = allowed.write(MessageTemplate.loads(frozen.template))
    manner = Manner(hours=hours, beside=False, as_json=as_json)
    return deliver(press, books, turn.backend, filler, frozen, manner)


def _tell_silence(turn: Turn) -> None:
    """What the run's own watch does, with a connection of its own, whatever hangs in the run."""
    with suppress(StoreError), turn.open_database() as database:
        begun = Claims(database).of_day(turn.due.day).get(BEGUN)
        if begun and not Accounts(database).has_left(turn.key):
            error, then = turn.silent(begun), "The run is still there, and goes on trying."
            if turn.alarm.ring(Reason.NOTHING_LEFT, error, then):
                say(f"{bold('Warning:')} {error}")


def _stopped(turn: Turn, claims: Claims, error: Unavailable) -> None:
    """Tell that the run ended early; what will not pass by itself is not tried again by the schedule."""
    if not error.passing:
        claims.take(turn.due.day, ENDED, host=HOST, now=turn.press.utc_now())
    turn.alarm.ring(Reason.STOPPED, error, turn.again if error.passing else NO_MORE)
