"""The commands for the publication's web site."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli.screen import plural, say
from newsletter.errors import ConfigError, ContentError
from newsletter.settings import FILE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from newsletter.cli.press import Press
    from newsletter.model import Rendition
    from newsletter.web.pages import Pages
    from newsletter.web.site import File
    from newsletter.web.told import WebIssue


@click.group(short_help="The publication's web site.")
def site() -> None:
    """The publication's web site: every issue that was sent, an archive, feeds, a way to sign up."""


@site.command(short_help="Write the site as files that any web server can serve.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="The folder to write to."
)
@click.option(
    "--with",
    "coming",
    metavar="ISSUE",
    help="Put in an issue that is about to be sent, so that its pictures and pages are there before its mail;"
    " nothing leads to it yet.",
)
@click.pass_obj
def build(press: Press, output: Path, coming: str | None) -> int:
    """Write the site as files that any web server can serve.

    Issues that were sent are on it, as their files are now, and no others. The same files give the same
    bytes; what has not changed is not touched, what is gone is removed, and files that others put into the
    folder stay. Ends with 3 if an issue that was sent cannot be composed any more; its pages stay then.

    \b
    Example:
      newsletter site build -o public
      newsletter site build -o public --with next
    """
    from newsletter.web.folder import fill_folder
    from newsletter.web.pages import Pages

    config = press.config
    check_url(press)
    pages = Pages(config.publication, config.look, root=config.root)
    builder = Builder(press, pages, press.issue_folder(coming, nearest=False).name if coming else "")
    shown = press.shown(press.folder / output)
    done = fill_folder(press.folder / output, builder.files(), keep=builder.keeps, shown=shown)
    for line in builder.told:
        say(line)
    say(
        f"{shown}: {plural(builder.issues, 'issue')}, {plural(builder.articles, 'article')};"
        f" {plural(done.written, 'file')} written, {done.same} as before, {done.removed} removed."
    )
    return ContentError.exit_code if builder.broken else 0


def check_url(press: Press) -> None:
    """Raise ConfigError if the publication has no address on the web."""
    if not press.config.publication.url:
        hint = 'set url = "https://…" under [publication]'
        raise ConfigError("a site needs an address", where=FILE, hint=hint)


Told = dict[str, "tuple[str, WebIssue]"]
"""Issues as the site tells them, each with a digest of the files it was made of."""


class Builder:
    """One building of the site; `told` is what the editor should know of it, a line each.

    `broken` are issues that were sent and cannot be composed any more. Issues that are `known` as their files
    are now are not composed again; those that are made are added to them.
    """

    def __init__(self, press: Press, pages: Pages, coming: str = "", known: Told | None = None) -> None:
        self.told: list[str] = []
        self.broken: list[str] = []
        self.issues = self.articles = 0
        self._press = press
        self._pages = pages
        self._coming = coming
        self._known = known
        self._same: set[str] = set()

    def keeps(self, path: str) -> bool:
        """Whether a former file stays though it is not made anew: of a broken issue, or a picture."""
        key = path.partition("/")[0]
        picture = "/pictures/" in path or path.endswith("/card.png")
        return key in self.broken or (key in self._same and picture)

    def files(self) -> Iterator[File]:
        """Every file, with the pictures of one issue in memory at a time."""
        from newsletter.web.site import pages_of, pictures

        listed, coming = [], []
        changed, gone = [], []
        out = self._out()
        for key in sorted(out, reverse=True):
            folder = self._folder(key)
            if not folder.is_dir():
                gone.append(key)
                continue
            try:
                issue, renditions = self._as_told(key, folder)
            except ContentError as error:
                self.broken.append(key)
                self.told.append(f"{key} was sent, and its pages stay as they are: {error}")
                continue
            if out[key] and out[key] != self._press.issue_digest(folder):
                changed.append(key)
            listed.append(issue)
            if key not in self._same:
                yield from pictures(issue, renditions, self._pages)
        if self._coming and self._coming not in out:
            issue, renditions = self._tell(self._folder(self._coming))
            coming.append(issue)
            yield from pictures(issue, renditions, self._pages)
        if changed:
            self.told.append(
                f"Changed since they were sent, and shown as they are now: {', '.join(changed)}."
            )
        if gone:
            self.told.append(f"Sent, but without a folder now, and so not on the site: {', '.join(gone)}.")
        self.issues = len(listed)
        self.articles = sum(len(issue.articles) for issue in listed)
        yield from pages_of(listed, coming, self._press.config.publication, self._pages)

    def _as_told(self, key: str, folder: Path) -> tuple[WebIssue, Sequence[Rendition]]:
        """An issue and its pictures, without these if nothing has changed since it was told."""
        if self._known is None:
            return self._tell(folder)
        digest = self._press.files_digest(folder)
        before, known = self._known.get(key, ("", None))
        if known and before == digest:
            self._same.add(key)
            return known, ()
        issue, renditions = self._tell(folder)
        self._known[key] = digest, issue
        return issue, renditions

    def _folder(self, key: str) -> Path:
        return self._press.config.root / "issues" / key

    def _tell(self, folder: Path) -> tuple[WebIssue, Sequence[Rendition]]:
        from newsletter.web.told import tell

        config = self._press.config
        issue = self._press.issue(folder)
        at = self._press.sending_time(issue.day)
        return tell(issue, config.publication, config.look, root=config.root, at=at)

    def _out(self) -> dict[str, str]:
        """The issues that were sent, each with the digest of its folder then, "" if nobody knows."""
        from newsletter.readers.accounts import Accounts

        if not self._press.has_database():
            return {}
        with self._press.database() as database:
            found = Accounts(database).issues_out()
        return {key: digests.partition(" ")[0] if " " in digests else "" for key, digests in found.items()}
