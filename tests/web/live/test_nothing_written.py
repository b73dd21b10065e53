"""Looking changes nothing: every address of a mail and of the site, a hundred times in every way."""

import hashlib
import re
from pathlib import Path

from newsletter.compose.edition import compose
from newsletter.compose.issue import read_issue
from newsletter.deliver.fill import Filler
from newsletter.deliver.message import cut
from newsletter.links import Links
from tests.web.live.conftest import SITE, Live, text_of


def books(live: Live) -> str:
    """A digest of the whole database, and of its log of changes."""
    path = Path(live.office.database.where)
    files = [path, path.with_name(path.name + "-wal")]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files if file.exists())).hexdigest()


def addresses_of_the_mails(live: Live, paper: Path) -> set[str]:
    """Every address on the site in an issue as a reader gets it, its headers too, and in every notice."""
    lea = live.add()
    config = live.config
    issue = read_issue(paper / "issues" / "2026-11-23", root=paper)
    edition = compose(issue, config.publication, config.look, templates=paper / "templates", root=paper)
    template = cut(edition, config.publication, at=live.clock())
    mail = Filler(template, Links(config.publication, live.office.signer)).fill(lea).content
    live.sign_up("new@example.org")
    live.sign_up("lea@example.org")
    live.post(live.leave_path(lea), {"do": "mine"})
    live.answers()
    mails = [mail, *(message.content for message in live.outbox.messages)]
    assert len(mails) == 4
    header = re.search(rb"List-Unsubscribe: <(\S+)>", mail)
    assert header
    found = {header[1].decode()}
    for each in mails:
        found |= set(re.findall(rf"{SITE}[^\s<>]*", text_of(each)))
    return found


def test_a_hundred_looks_of_every_kind_change_nothing(live: Live, paper: Path, site: Path) -> None:
    listed = (site / ".newsletter-site").read_text(encoding="utf-8").split()
    urls = {f"{SITE}/{path.removesuffix('index.html')}" for path in listed}
    urls |= addresses_of_the_mails(live, paper)
    urls |= {
        f"{SITE}/{path}" for path in ("join", "healthz", "leave/test", "mine/x", "none", "join?email=a@b.fr")
    }
    kinds = {re.sub(r"(confirm|leave|mine)/.*", r"\1", url.removeprefix(f"{SITE}/")) for url in urls}
    assert {"confirm", "leave", "mine", "join", "2026-11-23/premier/"} <= kinds
    before = books(live)
    codes = set()
    for url in sorted(urls):
        for method in ("GET", "HEAD", "OPTIONS"):
            codes.add(live.visitor().request(method, url).status_code)
    for url in sorted(url for url in urls if re.search(r"/(confirm|leave|mine|join)", url)):
        for method in ("GET", "HEAD", "OPTIONS"):
            for _ in range(100):
                live.visitor().request(method, url)
    assert codes == {200, 404, 405}
    assert books(live) == before
