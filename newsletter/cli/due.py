"""`send --due`: what is approved and due is sent once, whoever asks and however often."""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.cli.screen import plural, say
from newsletter.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from newsletter.calendar import Due
    from newsletter.cli.press import Press
    from newsletter.cli.turn import State, Turn
    from newsletter.deliver.backend import Backend
    from newsletter.readers.database import Database


def send_due(press: Press, *, as_json: bool) -> int:
    """Send what is due, if nobody else does, or say why not; the exit code.

    What keeps an issue from leaving is raised by whoever tells someone of it, and said in one line by all
    others.
    """
    from newsletter.cli.turn import KeptError, Turn, coming

    found = _due(press)
    if found is None:
        return _said(f"Nothing is due{coming(press)}.")
    turn = Turn(press, found, _backend(press, found))
    try:
        with turn.open_database() as database:
            return _take(turn, database, as_json=as_json)
    except StoreError as error:
        from newsletter.cli.alarm import Reason

        if not turn.late:
            turn.alarm.ring(Reason.DATABASE, error, turn.again)
        raise
    except KeptError as kept:
        if turn.alarm.ring(kept.reason, kept.error, kept.then):
            raise kept.error from kept
        return _said(f"{turn.key} has not left: {kept.error}. Someone was told before.")


def _said(words: str) -> int:
    say(words)
    return 0


def _due(press: Press) -> Due | None:
    """What is due; someone is told, each day, if that cannot be known for want of the country's holidays."""
    from newsletter.calendar import Due, due

    now = press.utc_now()
    try:
        return due(press.config.schedule, now)
    except ConfigError as error:
        _tell_settings(press, Due(day=press.today, at=now, deadline=now), error)
        raise


def _backend(press: Press, due: Due) -> Backend:
    """The backend; someone is told if there is none to be had while the issue could leave."""
    try:
        return press.backend()
    except ConfigError as error:
        if press.utc_now() < due.deadline:
            _tell_settings(press, due, error)
        raise


def _tell_settings(press: Press, due: Due, error: ConfigError) -> None:
    from newsletter.cli.alarm import Alarm, Reason

    then = "The schedule tries again: once this is put right, the issue leaves by itself."
    Alarm(press, due, press.database).ring(Reason.CANNOT, error, then)


def _take(turn: Turn, database: Database, *, as_json: bool) -> int:
    """This trigger's turn: it sends the issue, or says why not; raises KeptError, and what a run raises."""
    from newsletter.cli.alarm import HOST
    from newsletter.cli.lock import AnotherRun, is_sending, only_run
    from newsletter.cli.turn import SILENCE

    state, key = turn.look(database), turn.key
    if state.done:
        return _said(turn.done(database, state))
    busy = is_sending(turn.press, key)
    _check_silence(turn, database, state, busy=busy)
    if busy:
        return _said(f"Another run is sending {key}.")
    if turn.late:
        return _late(turn, database, state)
    if state.begun and state.begun.host != HOST and turn.press.utc_now() - state.begun.at < SILENCE:
        return _said(f"{turn.who_began(state.begun)} began to send {key}.")
    from newsletter.cli.departure import depart

    try:
        with only_run(turn.press, key):
            state = turn.look(database)  # once more: the others did not stand still
            if state.done:
                return _said(turn.done(database, state))
            return depart(turn, database, state, as_json=as_json)
    except AnotherRun:
        return _said(f"Another run is sending {key}.")


def _check_silence(turn: Turn, database: Database, state: State, *, busy: bool) -> None:
    """Tell someone if a run has begun and nothing has left; raises KeptError if that run is still there."""
    from newsletter.cli.alarm import Reason
    from newsletter.cli.turn import SILENCE, KeptError
    from newsletter.readers.accounts import Accounts

    begun, now = state.begun, turn.press.utc_now()
    if not begun or now - begun.at < SILENCE or Accounts(database).has_left(turn.key):
        return
    error = turn.silent(begun)
    if busy:
        raise KeptError(Reason.NOTHING_LEFT, error, "The run is still there, and may go on.")
    turn.alarm.ring(Reason.NOTHING_LEFT, error, turn.again)


def _late(turn: Turn, database: Database, state: State) -> int:
    """Why nothing is begun any more; raises KeptError if an issue should have left."""
    from newsletter.cli.alarm import HOST, Reason
    from newsletter.cli.hours import TooLate
    from newsletter.cli.turn import NO_MORE, KeptError
    from newsletter.readers.claims import Claims

    claims, key = Claims(database), turn.key
    if state.frozen and not state.begun:
        return _said(f"{key} was begun by hand: {plural(state.owed, 'reader')} still owed it.")
    if not claims.any():
        # The first trigger of all: nobody has missed what was never expected.
        claims.take(turn.due.day, Reason.TOO_LATE, host=HOST, now=turn.press.utc_now())
        return _said(f"The schedule begins now: nothing is due{turn.coming()}.")
    owed = f"{plural(state.owed, 'reader')} still owed it, " if state.frozen else ""
    deadline = turn.due.deadline.astimezone(turn.press.zone)
    hint = f"if it is not too late after all: newsletter send {key}"
    error = TooLate(
        f"too late: {owed}and no run may begin after {deadline:%H:%M on %d %B}"
        if owed
        else f"too late: it may not begin to leave after {deadline:%H:%M on %d %B}",
        where=f"issues/{key}",
        hint=f"{hint}; else: newsletter cancel {key}" if owed else hint,
    )
    raise KeptError(Reason.TOO_LATE, error, NO_MORE)
