"""The command that shows what a change of templates or settings does to issues."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli.screen import ISSUE_HELP, bold, coloured, say
from newsletter.errors import ConfigError, ContentError, NewsletterError, TemplateError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from newsletter.cli.press import Press
    from newsletter.web.difference import Difference
    from newsletter.web.sheet import Sheet

LAST = 5
"""Issues that are looked at: a week of them."""

DIFFERENT = 8
"""The exit code that `--exit-code` asks for (docs/exit-codes.md)."""

_COLOURS = {"place": "cyan", "removed": "red", "added": "green", "note": "cyan"}


@dataclass(frozen=True, kw_only=True)
class _Compared:
    """An issue and what differs in it; `trouble` says why it cannot be composed now, or `then` could not."""

    key: str
    found: Difference | None = None
    trouble: NewsletterError | None = None
    then: NewsletterError | None = None

    @property
    def differs(self) -> bool:
        return bool(self.then or (self.found and self.found.parts))

    def in_words(self, before: str) -> str:
        if self.trouble:
            return f"cannot be composed: {self.trouble}"
        if self.then:
            return f"could not be composed as of {before}: {self.then}"
        return f"differs in {', '.join(self.found.words)}" if self.found and self.found.parts else "same"


@click.command(epilog=ISSUE_HELP, short_help="See what a change of template does to issues.")
@click.argument("issue", required=False)
@click.option(
    "--against",
    default="HEAD",
    metavar="REV|DATE",
    help="A revision of git, HEAD if none is named; or the date of another issue.",
)
@click.option(
    "--last", type=click.IntRange(min=1), help=f"How many issues, if ISSUE is not named: {LAST}, the latest."
)
@click.option(
    "--pictures",
    "gallery",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write pictures of what differs to this folder, by Chromium.",
)
@click.option("--exit-code", is_flag=True, help=f"End with {DIFFERENT} if an issue differs.")
@click.pass_obj
def diff(
    press: Press, issue: str | None, against: str, last: int | None, gallery: Path | None, exit_code: bool
) -> int:
    """See what a change of templates or settings does to the latest issues.

    Each issue, as its files are now, is composed twice: with the templates, newsletter.toml and logo as they
    are now, and as they were at a revision. So what differs comes from their change alone; `git diff` shows
    what changed in the issues. A change that comes in many places is shown once. With a date, ISSUE (else
    the nearest one that was not sent) is compared with that other issue.

    The pictures show each issue that differs on a phone and a desktop, light and dark: before, now, and
    with the difference marked. Open index.html first.

    \b
    Example:
      newsletter diff
      newsletter diff --against origin/main --pictures changes --exit-code
      newsletter diff 2026-11-24 --against 2026-11-23
    """
    from newsletter.cli.past import past
    from newsletter.compose.issue import day_of

    if gallery:
        from newsletter.web.chromium import find_chromium

        find_chromium()  # before anything is composed
    other = day_of(against) is not None
    if last and (issue or other):
        hint = "leave --last out, or ISSUE and the date"
        raise ConfigError("counts issues, and one is named", where="--last", hint=hint)
    with nullcontext(press) if other else past(press, against) as then:
        folders = _folders(press, issue, last or LAST, one=other)
        compared = [
            _compare(then, press, against if other else folder.name, folder.name) for folder in folders
        ]
    titles = (against, folders[-1].name if other else "now")
    _tell(compared, titles)
    if gallery:
        _write_gallery(press, gallery, compared, titles)
    if broken := next((each.trouble for each in compared if each.trouble), None):
        raise broken
    return DIFFERENT if exit_code and any(each.differs for each in compared) else 0


def _folders(press: Press, issue: str | None, last: int, *, one: bool) -> Sequence[Path]:
    from newsletter.compose.issue import issue_days

    if issue or one:
        return [press.issue_folder(issue, nearest=True)]
    issues = press.config.root / "issues"
    if not (days := issue_days(issues)):
        raise ContentError("no issue yet", where="issues", hint="newsletter new")
    return [issues / day.isoformat() for day in days[-last:]]


def _compare(then: Press, now: Press, old: str, key: str) -> _Compared:
    from newsletter.web.difference import difference

    after = _sheet(now, key)
    if isinstance(after, NewsletterError):
        return _Compared(key=key, trouble=after)
    before = _sheet(then, old)
    if isinstance(before, NewsletterError):
        return _Compared(key=key, then=before)
    return _Compared(key=key, found=difference(before, after))


def _sheet(press: Press, key: str) -> Sheet | NewsletterError:
    from newsletter.cli.specimen import sheet_of

    try:
        return sheet_of(press, press.config.root / "issues" / key)
    except (ContentError, TemplateError) as error:
        return error


def _tell(compared: Sequence[_Compared], titles: tuple[str, str]) -> None:
    """A line for each issue, then all that differs, on stdout."""
    from newsletter.web.difference import Teller, in_full

    for each in compared:
        click.echo(f"{each.key}: {each.in_words(titles[0])}")
    teller = Teller()
    for each in compared:
        for part in each.found.parts if each.found else ():
            click.echo()
            for line in teller.lines(part, *in_full(each.key, titles)):
                colour = _COLOURS.get(line.kind)
                words = coloured(line.text, colour) if colour else line.text
                click.echo(bold(words) if line.kind == "head" else words)


def _write_gallery(
    press: Press, gallery: Path, compared: Sequence[_Compared], titles: tuple[str, str]
) -> None:
    """Write the pictures of all that differs, and index.html; raises ConfigError if that cannot be."""
    from newsletter.web.chromium import Browser
    from newsletter.web.gallery import Entry, file_names, gallery_page, views_of

    folder = Path(press.shown(press.folder / gallery))
    entries = []
    with Browser() as browser:
        for each in compared:
            entry = Entry(key=each.key, words=each.in_words(titles[0]), found=each.found)
            entries.append(entry)
            _take_away(folder / name for name in file_names(each.key))
            if not each.found or not each.found.parts:
                continue
            say(f"taking pictures of {each.key} …")
            for view in views_of(each.found, titles, browser):
                entry.views.append(view)
                if view.picture:
                    _write(folder / view.file_name(each.key), view.picture)
    index = folder / "index.html"
    _write(index, gallery_page(entries, titles).encode())
    click.echo(index, err=True)


def _take_away(paths: Iterable[Path]) -> None:
    """Pictures of an earlier run, of which the page would know nothing."""
    for path in paths:
        with _errors_of(path):
            path.unlink(missing_ok=True)


def _write(path: Path, content: bytes) -> None:
    with _errors_of(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


@contextmanager
def _errors_of(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        hint = "name another folder with --pictures"
        raise ConfigError(f"cannot be written: {error.strerror}", where=str(path), hint=hint) from error
