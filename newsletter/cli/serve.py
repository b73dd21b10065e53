"""The command that serves the live site, and the one that prints a form which leads to it."""

from __future__ import annotations

import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from newsletter.cli.screen import bold, plural, say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from newsletter.bounces.recorder import Recorder
    from newsletter.cli.press import Press
    from newsletter.cli.site import Told
    from newsletter.deliver.backend import Backend
    from newsletter.links import Signer
    from newsletter.readers.database import Database
    from newsletter.web.answering import Answering
    from newsletter.web.live.hooks import Hooks
    from newsletter.web.live.office import Office
    from newsletter.web.live.rounds import Duty, Rounds
    from newsletter.web.live.shelf import Shelf
    from newsletter.web.pages import Pages

ROOM = 10
"""Wishes that are written down for each mail that may answer one: the rest of an attack is turned away."""

LOOK_AT_FILES = 2.0
"""Seconds between two looks at whether the site is to be written anew."""

DAY = 86400.0


@click.command(short_help="Serve the site, with signing up and leaving.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 for any free one."
)
@click.pass_obj
def serve(press: Press, host: str, port: int) -> int:
    """Serve the site, with all that people do there: sign up, confirm, leave, look at what is theirs.

    The mails that answer them go out through the same backend as issues. The pages are written anew when an
    issue is sent or a file changes; settings are read at the start. Put a web server with a certificate in
    front of it. Ctrl-C ends it.

    \b
    Example:
      newsletter serve
      newsletter serve --host 0.0.0.0 --port 8080
    """
    from newsletter.cli.answers import answering as answers
    from newsletter.cli.site import check_url
    from newsletter.web.live.app import live_site
    from newsletter.web.live.health import Health
    from newsletter.web.serving import listen
    from newsletter.web.serving import serve as serve_app

    config = press.config
    check_url(press)
    backend, signer = press.backend(), press.signer()
    signal.signal(signal.SIGTERM, _end)
    with suppress(KeyboardInterrupt), press.database() as database, listen(port, host) as listener:
        office = _office(press, database, signer)
        writer = _Writer(press, office)
        writer.begin()
        answering = answers(press, database)
        recorder = _recorder(press, database)
        rounds = [
            _rounds(press, *_duties(press, office, answering, backend, recorder)),
            _rounds(press, writer.duty()),
        ]
        health = Health(database, [duty for each in rounds for duty in each.duties])
        app = live_site(
            office,
            writer.shelf,
            health,
            proxies=config.site.proxies,
            log=say,
            hooks=_hooks(press, office, recorder),
        )
        where = f"[{host}]" if ":" in host else host
        say(f"{bold(config.publication.name)}: http://{where}:{listener.getsockname()[1]}{office.base}/")
        if not backend.reaches_people:
            say(f"Mails go to {config.send.backend}: nobody gets any.")
        say("Ctrl-C ends it.")
        for each in rounds:
            each.start()
        try:
            serve_app(lambda stopping: app, listener)
        finally:
            for each in rounds:
                each.stop()
    return 0


@click.command(short_help="Print a form to sign up with, for any web page.")
@click.pass_obj
def form(press: Press) -> None:
    """Print a form to sign up with, to paste into any web page.

    It needs no style sheet and no script, and loads nothing. Whoever uses it sees one page more, on which
    the address is checked, since anybody can send a form from anywhere.

    \b
    Example:
      newsletter form > form.html
    """
    from newsletter.cli.site import check_url

    check_url(press)
    click.echo(_pages(press).form(), nl=False)


def _end(number: int, frame: FrameType | None) -> None:
    """End at SIGTERM as at Ctrl-C."""
    raise KeyboardInterrupt


def _pages(press: Press) -> Pages:
    from newsletter.web.pages import Pages

    config = press.config
    return Pages(config.publication, config.look, root=config.root)


def _office(press: Press, database: Database, signer: Signer) -> Office:
    from newsletter.cli.person import forget_rehearsals
    from newsletter.readers.addresses import Address
    from newsletter.web.live.limits import Limits
    from newsletter.web.live.nonces import Nonces
    from newsletter.web.live.office import Office

    return Office(
        publication=press.config.publication,
        pages=_pages(press),
        database=database,
        signer=signer,
        nonces=Nonces(signer, press.now),
        limits=Limits(most=ROOM * press.config.site.answers_per_hour, clock=time.monotonic),
        clock=press.now,
        forget_elsewhere=lambda email: forget_rehearsals(press, [Address(email=email)]),
    )


# ---- what is done beside the answering ----


def _rounds(press: Press, *duties: Duty) -> Rounds:
    from newsletter.web.live.rounds import Rounds

    return Rounds(duties, seconds=time.monotonic, clock=press.now, log=say)


def _recorder(press: Press, database: Database) -> Recorder:
    from newsletter.bounces.recorder import Recorder

    return Recorder(database, press.links(), ours=press.config.publication.sender.domain)


def _hooks(press: Press, office: Office, recorder: Recorder) -> Hooks:
    from newsletter.bounces.settings import read_settings
    from newsletter.web.live.hooks import hooks

    settings = read_settings(press.config.bounces)
    return hooks(office.base, settings, recorder, office.signer, office.clock, say)


def _duties(
    press: Press, office: Office, answering: Answering, backend: Backend, recorder: Recorder
) -> Iterator[Duty]:
    from newsletter.readers.erasure import sweep
    from newsletter.web.live.rounds import Duty

    def answer() -> None:
        for each in answering.answer_all(backend, press.now):
            say(f"A mail of the kind {each.notice.value!r}: {each.state}")

    def resume() -> None:
        if count := office.readers.resume_all(press.now()):
            say(f"{plural(count, 'pause')} ended.")

    def clean() -> None:
        sweep(office.database, press.now())

    yield Duty(name="answers", do=answer, every=1.0)

    def decide() -> None:
        recorder.decide_all(now=press.now())

    yield Duty(name="returned mail", do=decide, every=60.0)
    yield Duty(name="pauses", do=resume, every=60.0)
    yield Duty(name="sweep", do=clean, every=DAY)


class _Writer:
    """Writes the site into the publication's own folder whenever something in it has changed."""

    def __init__(self, press: Press, office: Office) -> None:
        from newsletter.web.live.shelf import Shelf

        self._press = press
        self._database = office.database
        self._folder = press.config.state / "site"
        self._written = self._looked = ""
        self._known: Told = {}
        self.shelf: Shelf = Shelf(self._folder, base=office.base, nonces=office.nonces, clock=office.clock)

    def begin(self) -> None:
        """Serve what was written when the site was last served; write it first if it never was."""
        self.shelf.renew()
        self._looked = self._stamp()
        if self.shelf.is_empty:
            self.write()

    def duty(self) -> Duty:
        from newsletter.web.live.rounds import Duty

        return Duty(name="pages", do=self.write, every=LOOK_AT_FILES)

    def write(self) -> None:
        """Write the site if anything has changed since it was last written, but nothing since the last look.

        Many programs empty a file before they fill it: what is just being saved would be shown half.
        """
        from newsletter.cli.site import Builder
        from newsletter.web.folder import fill_folder

        before, now = self._looked, self._stamp()
        self._looked = now
        if now == self._written or now != before:
            return
        started = time.monotonic()
        builder = Builder(self._press, _pages(self._press), known=self._known)
        shown = self._press.shown(self._folder)
        try:
            done = fill_folder(self._folder, builder.files(), keep=builder.keeps, shown=shown)
        except BaseException:
            self._known.clear()  # whose pictures may not have been written
            raise
        finally:
            self.shelf.renew()
        self._written = now
        for line in builder.told:
            say(line)
        took = time.monotonic() - started
        new = plural(done.written, "new file")
        say(f"The site has {plural(builder.issues, 'issue')}, {new} ({took:.1f} s).")

    def _stamp(self) -> str:
        """Another one as soon as an issue leaves or a file is saved."""
        from newsletter.readers.accounts import Accounts
        from newsletter.web.watch import stamp

        root = self._press.config.root
        out = Accounts(self._database).issues_out()
        files = stamp([root / "templates", *(root / "issues" / key for key in out)])
        return f"{files} {' '.join(out)}"
