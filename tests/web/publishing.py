"""A publication whose issues were sent, its site, and what is read out of that."""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import lxml.html
from lxml.html import HtmlElement

from newsletter.cli import run
from newsletter.cli.press import Press
from newsletter.model import Commit, Delivery, Outcome
from newsletter.readers.addresses import read_address
from newsletter.readers.ledger import Ledger
from newsletter.readers.proof import Proof
from newsletter.readers.store import Readers
from tests.conftest import ROOT

URL = "https://actu5.example.org"
SENT = ("2026-11-20", "2026-11-23", "2026-11-24")
"""Of the sample publication; 2026-11-25 is a draft."""
SENT_AT = datetime(2026, 11, 20, 6, tzinfo=UTC)
POISON = "empoisonnee@lectrices.example.org"


def sample(root: Path) -> Path:
    """The sample publication in a folder of its own."""
    for name in ("templates", "issues"):
        shutil.copytree(ROOT / name, root / name)
    shutil.copy(ROOT / "newsletter.toml", root)
    return root


def send(root: Path, *keys: str, outcome: Outcome = Outcome.SENT) -> None:
    """Note in the ledger that these issues went to one reader, whose name no page may show."""
    press = Press(root)
    with press.database() as database:
        readers, ledger = Readers(database), Ledger(database)
        proof = Proof(source="test")
        reader_id = readers.add(read_address(POISON), "Poison Lectrice", proof=proof, now=SENT_AT).reader.id
        for key in keys:
            ledger.freeze(
                issue_key=key,
                fingerprint="f",
                subject="s",
                template="{}",
                date=SENT_AT,
                now=SENT_AT,
                files=press.files_digest(root / "issues" / key),
            )
            (owed,) = ledger.due(key, SENT_AT, 9)
            ledger.write(key, commits=[Commit(reader_id=reader_id, number=1)], now=SENT_AT)
            delivery = Delivery(
                recipient=owed.reader, outcome=outcome, number=1, at=SENT_AT, committed=True, detail="250 ok"
            )
            ledger.write(key, deliveries=[delivery], now=SENT_AT)


def build(root: Path, *arguments: str, output: str = "public") -> Path:
    assert run(["-C", str(root), "site", "build", "-o", str(root / output), *arguments]) == 0
    return root / output


def files_of(folder: Path) -> Mapping[str, bytes]:
    """Every file of the site by its path, without the list of them."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".newsletter-site"
    }


@dataclass(frozen=True)
class Link:
    """Where one attribute of one page leads: `target` is the whole address."""

    page: str
    target: str


class Site:
    """The files of a site served at `url`, as a web server would serve them."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.files = files_of(folder)

    def page(self, path: str) -> HtmlElement:
        """The page at a path such as "archive/"."""
        return lxml.html.document_fromstring(self.text(path))

    def text(self, path: str) -> str:
        name = f"{path}index.html" if path.endswith("/") or not path else path
        return self.files[name].decode()

    def pages(self) -> Iterator[str]:
        for name in self.files:
            if name.endswith(".html"):
                yield name.removesuffix("index.html")

    def links(self) -> Iterator[Link]:
        """All that the pages lead to or load."""
        for path in self.pages():
            for _, _, target, _ in self.page(path).iterlinks():
                yield Link(path, urljoin(f"{self.url}/{path}", target))

    def leads_somewhere(self, target: str) -> bool:
        """Whether a server would have an answer, and the page the part that is pointed to."""
        parts = urlsplit(target)
        base = urlsplit(self.url).path
        if not parts.path.startswith(f"{base}/"):
            return False
        path = unquote(parts.path.removeprefix(f"{base}/"))
        name = f"{path}index.html" if path.endswith("/") or not path else path
        if name not in self.files:
            return False
        return not parts.fragment or bool(self.page(path).xpath("//*[@id=$id]", id=parts.fragment))
