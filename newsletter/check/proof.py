"""What the rules of proof-reading look at: an issue as it was written, and the edition that came of it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from newsletter.check.spamassassin import Verdict
from newsletter.compose.front_matter import FrontMatter, read_front_matter
from newsletter.compose.issue import ARTICLE_KEYS, ISSUE_KEYS, WAIVERS, shown_path
from newsletter.config import Check
from newsletter.deliver.dkim import Seal
from newsletter.model import Article, Edition, Issue, Publication
from newsletter.settings import Table

_FENCE = re.compile(r"^(?P<fence>```+|~~~+)[^\n]*\n.*?(?:^(?P=fence)[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_NOT_PROSE = re.compile(
    r"(?<!`)(`+)(?!`)(?:.(?!\1(?!`)))*.\1(?!`)"  # code
    r"|(?<=\]\()[^()\s]*(?:\([^()\s]*\)[^()\s]*)*"  # the address of a link or a picture
    r"|<?\bhttps?://[^\s<>]*>?"
    r"|\{[^{}\n]*\}",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place in a file of the publication; line and column count from 1, and 0 stands for all of them."""

    path: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """`PATH:LINE:COLUMN`, as far as it is known."""
        numbers = [str(number) for number in (self.line, self.column) if number]
        return ":".join([self.path, *numbers])


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text that a writer wrote, as it stands in the file; `name` is its key, or "body".

    `line` and `column` are where it begins. `article` is whose it is, None for the issue's own.
    """

    path: str
    line: int
    column: int
    name: str
    source: str
    article: Article | None = None

    def place(self, offset: int = 0) -> Place:
        """Where the character at `offset` of the source stands."""
        before = self.source[:offset]
        lines = before.count("\n")
        inside = offset - (before.rfind("\n") + 1)
        return Place(self.path, self.line + lines, inside + (1 if lines else self.column))

    @property
    def prose(self) -> str:
        """The source with all that is no prose – code, web addresses – as spaces: offsets stay the same."""
        blanked = _FENCE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), self.source)
        return _NOT_PROSE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), blanked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What following a link gave: the addresses it led on to, the last answer's HTTP status or 0, a problem.

    `dead` says that readers will find nothing there either; else a problem may be the visitor's own.
    """

    hops: tuple[str, ...] = ()
    status: int = 0
    problem: str = ""
    dead: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One issue under proof.

    `texts` is all that was typed, in reading order. `message` is the mail itself for a reader who does not
    exist, signed with `seals`, and `past` are the issues before this one, the latest first. `root` is the
    publication's folder, and `toml` the text of its newsletter.toml. `unsigned` names the keys for want
    of which the mail is not signed. `spam` is what SpamAssassin says, if it was asked, and `visits` what
    following the links gave, if somebody did.
    """

    issue: Issue
    edition: Edition
    publication: Publication
    settings: Check
    texts: Sequence[Text]
    past: Sequence[Issue]
    message: bytes
    seals: Sequence[Seal]
    root: Path
    toml: str
    unsigned: tuple[str, ...] = ()
    spam: Verdict | None = None
    visits: Mapping[str, Visit] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """The issue's folder as findings call it."""
        return f"issues/{self.issue.key}"

    def setting(self, table: str, key: str = "") -> Place:
        """The line of newsletter.toml that says so; of the table, or the file, if it says nothing."""
        where = Table({}, name=table, root=self.root, text=self.toml).where(key)
        path, _, line = where.partition(":")
        return Place(path, int(line or 0))

    @property
    def bodies(self) -> Iterator[Text]:
        """The opening and the articles' texts."""
        return (text for text in self.texts if text.name == "body")

    def text(self, name: str, article: Article | None = None) -> Text:
        """The value of a key of an article, or of the issue; at the top of the file if it has no such key."""
        for text in self.texts:
            if text.name == name and text.article is article:
                return text
        path = f"{self.folder}/{article.source.name if article else 'issue.md'}"
        return Text(path=path, line=1, column=1, name=name, source="", article=article)


def texts_of(issue: Issue, root: Path) -> tuple[Text, ...]:
    """All that was typed for an issue, file after file, each from its front matter on."""
    own = read_front_matter(
        issue.folder / "issue.md",
        where=shown_path(issue.folder / "issue.md", root),
        known=ISSUE_KEYS,
        tables=(WAIVERS,),
    )
    texts = [*_texts_in(own, None)]
    for article in issue.articles:
        where = shown_path(article.source, root)
        texts += _texts_in(read_front_matter(article.source, where=where, known=ARTICLE_KEYS), article)
    return tuple(texts)


def _texts_in(head: FrontMatter, article: Article | None) -> Iterator[Text]:
    for key, typed in head.values.items():
        # Blanks in a row are one to readers, but each of them has its column.
        source = head.text(key) if "\n" in typed else typed.strip(" \t")
        yield Text(
            path=head.where,
            line=head.lines[key],
            column=head.columns[key] + len(typed) - len(typed.lstrip(" \t")),
            name=key,
            source=source,
            article=article,
        )
    yield Text(path=head.where, line=head.body_line, column=1, name="body", source=head.body, article=article)
