"""The command by which a machine takes part in sending."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import click

from newsletter.cli.screen import say
from newsletter.errors import ConfigError, StoreError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from newsletter.cli.press import Press
    from newsletter.fleet.dispatch import Dispatch
    from newsletter.fleet.hand import Hand, Tools
    from newsletter.model import Message, Reader
    from newsletter.readers.crew import Crew
    from newsletter.readers.database import Database
    from newsletter.readers.ledger import Frozen
    from newsletter.ways import Relay

DUE_SECONDS = 20.0
WAIT_SECONDS = 1.0


@click.command(short_help="Send issues beside other machines.")
@click.option("--relay", "names", metavar="NAME", multiple=True, help="Work for this relay; may be repeated.")
@click.pass_obj
def worker(press: Press, names: tuple[str, ...]) -> int:
    """Send issues beside other machines: whatever `newsletter send` gives to the workers, a batch at a time.

    It needs newsletter.toml, the secrets, and the database, which is PostgreSQL; no issues and no templates.
    Works for all relays of newsletter.toml, or those that are named, until it is told to end (Ctrl-C or
    SIGTERM): then it finishes what is in flight. Where [schedule] is set and the issues are there, it also
    looks every few seconds whether one is due.

    \\b
    Example:
      newsletter worker
      newsletter worker --relay paris --relay lyon
    """
    from contextlib import ExitStack

    from newsletter.cli.sending import dispatch_of
    from newsletter.fleet.dispatch import batches_of
    from newsletter.fleet.engine import Engine, Shift
    from newsletter.fleet.hand import Hand
    from newsletter.readers.crew import Crew

    relays = _chosen(press, names)
    tools = _tools(press, relays)
    name = f"{os.uname().nodename}:{os.getpid()}"
    with ExitStack() as stack:
        database = stack.enter_context(_patiently(press.database))
        if not database.conninfo:
            hint = 'keep it on a PostgreSQL server: url = "postgresql://USER@HOST/DATABASE" in [store]'
            raise ConfigError("a file is nothing that machines can share", where="[store] url", hint=hint)
        engine = Engine(database.conninfo)
        hands = []
        for relay in relays:
            own = stack.enter_context(_patiently(press.database))
            hands.append(Hand(name, relay, tools, own, batches_of(own, engine)))
        signs = _Signs(name, hands, Crew(database), _Due(press))
        by_relay = {hand.relay.name: hand for hand in hands}
        shift = Shift(
            work={relay: hand.work for relay, hand in by_relay.items()},
            tick=signs.tick,
            reconcile=_reconcile(dispatch_of(press, database)),
            tell=say,
        )
        say(f"Worker {name} for {' and '.join(by_relay)}, ready.")
        engine.run(list(by_relay), shift)
        signs.leave()
    say("Gone home.")
    return 0


def _patiently(database: Callable[[], Database]) -> Database:
    """The database, however long it is away."""
    told = ""
    while True:
        try:
            return database()
        except StoreError as error:
            if not error.passing:
                raise
            if str(error) != told:
                told = str(error)
                say(f"{error}; it is waited for")
            time.sleep(WAIT_SECONDS)


def _chosen(press: Press, names: Sequence[str]) -> list[Relay]:
    """The relays that are named, or all; raises ConfigError."""
    relays = {relay.name: relay for relay in press.config.relays}
    for name in names:
        if name not in relays:
            meant = nearest(name, relays)
            hint = f"did you mean {meant}?" if meant else f"known: {', '.join(relays)}"
            raise ConfigError(f"no relay is called {name!r}", where="--relay", hint=hint)
    chosen = [relays[name] for name in dict.fromkeys(names)] if names else list(relays.values())
    for relay in chosen:
        if not press.backend(relay).reaches_people:
            hint = "name a backend that sends mail, such as smtp"
            raise ConfigError(f"{relay.backend!r} reaches nobody", where=relay.where, hint=hint)
    return chosen


def _tools(press: Press, relays: Sequence[Relay]) -> Tools:
    from newsletter.cli.sending import SIGNERS, carrier, pen
    from newsletter.deliver.message import MessageTemplate
    from newsletter.fleet.hand import Tools
    from newsletter.settings import Table

    state = press.config.state / "secret"
    if not state.exists() and not Table({}, name="secret", root=press.root).secret("SECRET"):
        hint = "set NEWSLETTER_SECRET to that of the machine that sends, or copy its .newsletter/secret here"
        raise ConfigError("no key for the links in mails", where="NEWSLETTER_SECRET", hint=hint)
    write = pen(press)

    def fill(frozen: Frozen) -> Callable[[Reader], Message]:
        return write(MessageTemplate.loads(frozen.template)).fill

    return Tools(
        settings=press.config.send,
        mark=press.signer().mark,
        fill=fill,
        fillers=SIGNERS if press.config.dkim.selectors else 1,
        carrier=lambda relay: carrier(press, press.backend(relay), relay),
        clock=press.utc_now,
        tell=say,
    )


def _reconcile(dispatch: Dispatch) -> Callable[[set[int]], None]:
    def reconcile(live: set[int]) -> None:
        try:
            if count := dispatch.reconcile(live):
                say(f"Batches that nobody had: {count}; they go on.")
        except StoreError as error:
            say(f"{error}")

    return reconcile


class _Signs:
    """The signs of life that a worker gives, with what it is doing, and how fast."""

    def __init__(self, name: str, hands: Sequence[Hand], crew: Crew, due: _Due) -> None:
        self._name = name
        self._hands = hands
        self._crew = crew
        self._due = due
        self._last = {hand.relay.name: (time.monotonic(), hand.sent) for hand in hands}

    def tick(self) -> None:
        """Give a sign for each relay; a database that is away is the engine's to wait for."""
        self._due.tick()
        try:
            for hand in self._hands:
                relay, now = hand.relay.name, time.monotonic()
                before, sent = self._last[relay]
                rate = (hand.sent - sent) / max(now - before, 0.1)
                self._last[relay] = (now, hand.sent)
                self._crew.sign(self._name, relay, batch=hand.batch, per_second=round(rate, 1))
        except StoreError as error:
            if not error.passing:
                raise

    def leave(self) -> None:
        try:
            self._crew.leave(self._name)
        except StoreError as error:
            say(f"{error}")


class _Due:
    """Looks every few seconds whether an issue is due, in a process of its own, where issues are."""

    def __init__(self, press: Press) -> None:
        clock = ["--clock", f"{press.now():%Y-%m-%dT%H:%M}"] if press.clock else []
        self._order = [sys.executable, "-m", "newsletter", "-C", str(press.config.root), *clock]
        self._order += ["send", "--due"]
        self._wanted = press.config.scheduled and (press.config.root / "issues").is_dir()
        self._process: subprocess.Popen[bytes] | None = None
        self._next = time.monotonic()

    def tick(self) -> None:
        if not self._wanted or time.monotonic() < self._next:
            return
        if self._process and self._process.poll() is None:
            return
        self._next = time.monotonic() + DUE_SECONDS
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            self._order, stdin=subprocess.DEVNULL, start_new_session=True
        )
