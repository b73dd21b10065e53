"""The command that lays an issue on the light table."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli.press import Press
from newsletter.cli.screen import ISSUE_HELP, bold, say
from newsletter.errors import ConfigError, NewsletterError
from newsletter.settings import FILE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from newsletter.check.clients import Loss
    from newsletter.check.proof import Proof
    from newsletter.check.rule import Finding
    from newsletter.web.sheet import Listed, Sheet

LATEST = 60
"""Issues in the list: a quarter of a year of weekdays."""


@click.command(epilog=ISSUE_HELP, short_help="Look at an issue while you write it.")
@click.argument("issue", required=False)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Where to serve it; else a free port.")
@click.option("--no-open", is_flag=True, help="Do not open the browser.")
@click.option(
    "--sheet",
    "sheets",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    help="Write all views on one page, .html or .png, instead. May be given twice.",
)
@click.pass_obj
def preview(press: Press, issue: str | None, port: int, no_open: bool, sheets: tuple[Path, ...]) -> int:
    """Look at an issue in the browser while you write it: as phones, desktops and dark modes show it.

    Each saved file is on the screen within half a second, with what proof-reading finds beside it. Only
    this machine can look, and nothing is sent but the test mails that you ask for. Ctrl-C ends it. Without
    ISSUE, the nearest one that was not sent.

    With --sheet nothing is served: every view stands on one page that needs no other file, for a pull
    request or to keep with a build. A .png needs Chromium.

    \b
    Example:
      newsletter preview
      newsletter preview 2026-11-23 --no-open --port 8025
      newsletter preview --sheet sheet.html --sheet sheet.png
    """
    key = press.issue_folder(issue, nearest=True).name
    if sheets:
        _write_contact_sheets(_House(press), key, [press.folder / path for path in sheets])
        return 0
    import webbrowser

    from newsletter.web.preview import light_table
    from newsletter.web.serving import listen, serve

    with suppress(KeyboardInterrupt), listen(port) as listener:
        port = listener.getsockname()[1]
        address = f"http://127.0.0.1:{port}/"
        say(f"{bold(key)} is on the light table: {address}")
        say("Ctrl-C ends it.")
        if not no_open:
            # The socket listens already, so that the browser may ask before the server is ready.
            webbrowser.open(address)
        house = _House(press)
        serve(lambda stopping: light_table(house, key=key, port=port, stopping=stopping), listener)
    return 0


def _write_contact_sheets(house: _House, key: str, paths: Sequence[Path]) -> None:
    """Write all views of the issue on one page, or a picture of it, as the name of each file says.

    Raises ConfigError if a name ends otherwise, a file cannot be written or there is no Chromium.
    """
    from newsletter.web.contact_sheet import WIDTH, contact_sheet

    for path in paths:
        if path.suffix.lower() not in (".html", ".png"):
            hint = "name a file that ends in .html or .png"
            raise ConfigError(f"no contact sheet is called {path.name!r}", where="--sheet", hint=hint)
    page = contact_sheet(*house.proofread(key))
    for path in paths:
        content = page.encode()
        if path.suffix.lower() == ".png":
            from newsletter.web.chromium import Browser

            with Browser() as browser:
                content = browser.picture(page, width=WIDTH, scripts=True)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError as error:
            message = f"cannot be written: {error.strerror}"
            raise ConfigError(
                message, where=house.shown(path), hint="name another file with --sheet"
            ) from error
        click.echo(house.shown(path))


class _House:
    """The publication as the light table asks for it: read anew each time, since it is being written."""

    def __init__(self, press: Press) -> None:
        self._press = press
        self.root = press.config.root

    def _now(self) -> Press:
        """The publication with its settings as they are now; raises ConfigError."""
        return Press(self.root, self._press.clock)

    def issues(self) -> Sequence[Listed]:
        from newsletter.compose.issue import issue_days
        from newsletter.web.sheet import Listed

        states = self._states()
        return [
            Listed(
                key=day.isoformat(),
                subject=self._subject(day.isoformat()),
                state=states.get(day.isoformat(), "not sent") if states is not None else "",
            )
            for day in issue_days(self.root / "issues")[: -LATEST - 1 : -1]
        ]

    def _states(self) -> dict[str, str] | None:
        """What became of the issues that were frozen; None if the database cannot be read."""
        from newsletter.readers.ledger import Ledger

        try:
            press = self._now()
            if not press.has_database():
                return {}
            with press.database() as database:
                found = Ledger(database).issue_keys()
        except NewsletterError:
            return None
        return {key: "sent" if done else "being sent" for key, done in found.items()}

    def _subject(self, key: str) -> str:
        """The issue's subject, "" while it cannot be read."""
        from newsletter.compose.front_matter import read_front_matter
        from newsletter.compose.issue import ISSUE_KEYS, WAIVERS

        path = self.root / "issues" / key / "issue.md"
        with suppress(NewsletterError, OSError):
            head = read_front_matter(path, where=str(path), known=ISSUE_KEYS, tables=(WAIVERS,))
            return head.text("subject")
        return ""

    def watched(self, key: str) -> Sequence[Path]:
        paths = [self.root / "issues" / key, self.root / "templates", self.root / FILE]
        with suppress(ConfigError):
            if logo := self._now().config.look.logo:
                paths.append(self.root / logo)
        return paths

    def sheet(self, key: str) -> Sheet:
        from newsletter.cli.specimen import sheet_of

        return sheet_of(self._now(), self.root / "issues" / key)

    def findings(self, sheet: Sheet) -> Sequence[Finding]:
        from newsletter.check.proofread import proofread

        return proofread(self._proof(sheet))

    def _proof(self, sheet: Sheet) -> Proof:
        from newsletter.cli.proof import proof_of

        return proof_of(self._now(), sheet.issue, sheet.edition)

    def proofread(self, key: str) -> tuple[Sheet, Sequence[Finding], float, Sequence[Loss]]:
        """The issue composed, what proof-reading finds, for how many readers it looks right, and why."""
        from newsletter.check.clients import share_right
        from newsletter.check.proofread import proofread

        sheet = self.sheet(key)
        proof = self._proof(sheet)
        return sheet, proofread(proof), *share_right(proof)

    def shown(self, path: Path) -> str:
        return self._press.shown(path)

    def send_test(self, key: str, address: str) -> str:
        from newsletter.cli.trial import try_out
        from newsletter.errors import DeliveryError
        from newsletter.readers.addresses import read_address

        press = self._now()
        email = read_address(address, where="To").email
        backend = press.backend()
        edition = press.edition(press.issue(self.root / "issues" / key))
        (trial,) = try_out(press, backend, edition, [email])
        if not trial.left:
            raise DeliveryError(trial.said, where=email)
        return f"{email}: sent, {trial.said}"
