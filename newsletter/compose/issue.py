"""A folder of Markdown files -> Issue."""

import re
from datetime import date
from pathlib import Path

from newsletter.compose.front_matter import FrontMatter, read_front_matter
from newsletter.errors import ContentError
from newsletter.model import Article, Issue, Picture, Waiver

ISSUE_KEYS = ("subject", "preheader", "editor")
WAIVERS = "waive"
ARTICLE_KEYS = ("title", "author", "section", "link", "source", "picture", "alt", "credit", "sponsored")

TO_CHECK = "À VÉRIFIER"
"""Stands in square brackets, with the reason after a colon, wherever a writer still has to look."""

_ARTICLE_FILE = re.compile(r"(\d{2})-([a-z0-9]+(?:-[a-z0-9]+)*)\.md")


def read_issue(folder: Path, *, root: Path | None = None) -> Issue:
    """Read the issue in `folder`, named YYYY-MM-DD; errors name files relative to `root`.

    Raises ContentError, with file and line, for anything that cannot be published.
    """
    where = shown_path(folder, root)
    day = day_of(folder.name)
    if day is None:
        hint = "name it after the day it appears, e.g. issues/2026-11-23"
        raise ContentError(f"{folder.name!r} is not a date", where=where, hint=hint)
    if not folder.is_dir():
        raise ContentError("no such issue", where=where, hint=f"newsletter new {folder.name}")
    if not (folder / "issue.md").is_file():
        empty = not any(folder.iterdir())
        hint = (
            f"rmdir {where}, then: newsletter new {folder.name}" if empty else "add one with a subject: line"
        )
        raise ContentError("no issue.md", where=where, hint=hint)
    head = read_front_matter(
        folder / "issue.md", where=f"{where}/issue.md", known=ISSUE_KEYS, tables=(WAIVERS,)
    )
    return Issue(
        day=day,
        subject=_required(head, "subject"),
        preheader=head.text("preheader"),
        editor=head.text("editor"),
        opening=head.body,
        opening_line=head.body_line,
        articles=_articles(folder, where),
        folder=folder,
        waivers=_waivers(head),
    )


def _waivers(head: FrontMatter) -> tuple[Waiver, ...]:
    waivers = []
    for name, (reason, line) in head.tables.get(WAIVERS, {}).items():
        if not re.search(r"\S", reason):
            hint = f"say why it may pass: {name}: …"
            raise ContentError(f"{name} is waived for no reason", where=f"{head.where}:{line}", hint=hint)
        waivers.append(Waiver(rule=name, reason=reason, line=line))
    return tuple(waivers)


def day_of(name: str) -> date | None:
    """The date that an issue's folder is named after, or None."""
    try:
        return date.fromisoformat(name) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", name) else None
    except ValueError:
        return None


def issue_days(issues: Path) -> list[date]:
    """The days that have an issue in the `issues` folder, earliest first."""
    if not issues.is_dir():
        return []
    return sorted(day for entry in issues.iterdir() if entry.is_dir() and (day := day_of(entry.name)))


def _articles(folder: Path, where: str) -> tuple[Article, ...]:
    found: dict[int, Article] = {}
    for path in sorted(folder.glob("*.md")):
        if path.name == "issue.md":
            continue
        match = _ARTICLE_FILE.fullmatch(path.name)
        if not match:
            hint = "name it NN-slug.md, two digits and a-z0-9 words joined by hyphens: 01-budget.md"
            raise ContentError("not the name of an article", where=f"{where}/{path.name}", hint=hint)
        article = _read_article(path, int(match[1]), match[2], f"{where}/{path.name}")
        if earlier := found.get(article.number):
            hint = "give one of them another number"
            message = f"number {match[1]} is taken by {earlier.source.name}"
            raise ContentError(message, where=f"{where}/{path.name}", hint=hint)
        found[article.number] = article
    if not found:
        raise ContentError(
            "no articles", where=where, hint="add one, e.g. 01-hello.md, or: newsletter import FILE"
        )
    slugs: dict[str, str] = {}
    for article in found.values():
        if article.slug in slugs:
            message = f"{article.slug!r} would have the web address of {slugs[article.slug]}"
            hint = "rename one of the two"
            raise ContentError(message, where=f"{where}/{article.source.name}", hint=hint)
        slugs[article.slug] = article.source.name
    return tuple(found[number] for number in sorted(found))


def _read_article(path: Path, number: int, slug: str, where: str) -> Article:
    head = read_front_matter(path, where=where, known=ARTICLE_KEYS)
    title = _required(head, "title")
    if not re.search(r"\S", head.body):
        raise ContentError(
            "the article has no text", where=f"{where}:{head.body_line}", hint="write it below the ---"
        )
    link = head.text("link")
    if link and not re.match(r"https?://[^\s/]+\.[^\s]+\Z", link):
        raise ContentError(f"{link!r} is not a web address", where=head.line("link"), hint="write https://…")
    return Article(
        number=number,
        slug=slug,
        title=title,
        body=head.body,
        body_line=head.body_line,
        source=path,
        author=head.text("author"),
        section=head.text("section"),
        link=link,
        link_name=head.text("source"),
        picture=_picture(head, path.parent),
        sponsored=head.flag("sponsored"),
    )


def _picture(head: FrontMatter, folder: Path) -> Picture | None:
    name = head.text("picture")
    if not name:
        for key in ("alt", "credit"):
            if head.text(key):
                hint = "add a picture: line, or delete this one"
                raise ContentError(f"{key} without a picture", where=head.line(key), hint=hint)
        return None
    return Picture(
        path=folder / name, alt=head.text("alt"), credit=head.text("credit"), where=head.line("picture")
    )


def _required(head: FrontMatter, key: str) -> str:
    value = head.text(key)
    if not value:
        hint = f'add a "{key}:" line between the --- lines'
        raise ContentError(f"no {key}", where=head.line(key), hint=hint)
    return value


def shown_path(path: Path, root: Path | None) -> str:
    """What errors call a file: its path within the publication's folder, if it is inside."""
    if root is not None and path.is_relative_to(root):
        return path.relative_to(root).as_posix()
    return path.as_posix()
