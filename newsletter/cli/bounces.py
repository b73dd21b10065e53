"""The command that takes in what came back."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli.screen import number, plural, say
from newsletter.errors import ConfigError

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator

    from newsletter.bounces.recorder import Recorder
    from newsletter.bounces.sources import Mail, Source
    from newsletter.cli.press import Press
    from newsletter.deliver.backend import Backend
    from newsletter.readers.database import Database

BATCH = 100
"""Mails that are written down before they are told to have been."""

_DONE = {
    "bounce": "bounced",
    "complain": "complained",
    "leave": "left",
    "pause": "paused",
    "count": "counted as passing trouble",
    "hold": "held: their provider is in trouble",
    "ask": "asked whether they want to leave",
    "taken back": "taken back: their provider was in trouble",
    "nothing": "of no consequence",
}


@click.command(short_help="Take in what came back: bounces, complaints, wishes to leave.")
@click.argument("paths", nargs=-1, metavar="[MAILDIR|MBOX|-]...")
@click.pass_obj
def bounces(press: Press, paths: tuple[str, ...]) -> None:
    """Take in what came back: bounces, complaints, wishes to leave by mail.

    Reads Maildirs, mboxes, one mail on standard input ("-", for a mail server's pipe), or, without any, the
    IMAP mailbox of [bounces] in newsletter.toml. Each mail is counted once, however often it is read; what
    was decided about whom, and why, is in `newsletter readers show`. Mails for a person are left unread.

    \b
    Example:
      newsletter bounces /var/mail/bounces
      newsletter bounces - < returned.eml
    """
    from newsletter.bounces.recorder import Recorder

    press.config  # noqa: B018 - no database may be made where there is no publication
    backend = press.backend()
    with press.database() as database:
        domain = press.config.publication.sender.domain
        recorder = Recorder(database, press.links(), ours=domain)
        read = new = 0
        for source in _sources(press, paths):
            with closing(source):
                for mails, fresh in _take_in(press, recorder, source):
                    read, new = read + mails, new + fresh
        done = recorder.decide_all(now=press.utc_now())
        say(f"{plural(read, 'mail')} read, {number(new)} of them new.")
        _tell(done)
        _answer(press, database, backend)


def _take_in(press: Press, recorder: Recorder, source: Source) -> Iterator[tuple[int, int]]:
    """Write down what a source holds, batch by batch; how many mails each had, and how many were new."""
    from newsletter.bounces.mail import read_returned
    from newsletter.bounces.returned import Kind, Returned

    signer = press.signer()

    def write_down(batch: list[tuple[Mail, tuple[Returned, ...]]]) -> tuple[int, int]:
        found = [each for _, returned in batch for each in returned]
        new = recorder.record(found, now=press.utc_now())
        for mail, returned in batch:
            source.acknowledge(mail, for_a_person=all(each.kind is Kind.OTHER for each in returned))
        return len(batch), new

    batch = []
    for mail in source.mails():
        batch.append((mail, read_returned(mail.content, signer)))
        if len(batch) == BATCH:
            yield write_down(batch)
            batch = []
    if batch:
        yield write_down(batch)


def _sources(press: Press, paths: tuple[str, ...]) -> Iterator[Source]:
    from newsletter.bounces.imap import ImapMailbox
    from newsletter.bounces.settings import read_settings
    from newsletter.bounces.sources import Maildir, Mbox, StandardInput

    if not paths:
        settings = read_settings(press.config.bounces)
        if settings.imap is None:
            hint = "name a Maildir or an mbox, or set host under [bounces] in newsletter.toml"
            raise ConfigError("nowhere to look for mail", where="bounces", hint=hint)
        yield ImapMailbox(settings.imap)
    for named in paths:
        path = Path(press.shown(press.folder / named))
        if named == "-":
            yield StandardInput(sys.stdin.buffer)
        elif path.is_dir():
            yield Maildir(path)
        else:
            yield Mbox(path, press.config.state / f"{path.name}.position")


def _tell(done: Counter[str]) -> None:
    for effect, words in _DONE.items():
        if count := done[effect]:
            say(f"{number(count)} {words}")


def _answer(press: Press, database: Database, backend: Backend) -> None:
    """Send the notices that come of it, such as "you have left"."""
    from newsletter.cli.answers import answering

    answers = answering(press, database).answer_all(backend, press.now)
    if answers:
        say(f"{plural(len(answers), 'notice')} sent.")
