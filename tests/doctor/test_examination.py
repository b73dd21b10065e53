"""All checks in their order; and nothing is changed by any."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from newsletter.doctor.case import Case
from newsletter.doctor.examination import FAMILIES, Family, examine
from newsletter.doctor.line import Line, passes
from newsletter.errors import ConfigError, StoreError
from newsletter.readers.database import Database
from tests.conftest import ROOT
from tests.doctor.conftest import Dns, Make, told
from tests.readers import monday


def bytes_of(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in folder.rglob("*")
    }


def test_families_come_in_the_order_in_which_a_person_would_put_things_right() -> None:
    assert [family.name for family in FAMILIES] == [
        "Settings",
        "Store",
        "Templates",
        "Relay",
        "DNS",
        "Site",
        "What comes back",
        "Reputation",
    ]


def test_looking_changes_no_file_and_makes_none(case: Make, paper_root: Path, dns: Dns) -> None:
    with Database.open("sqlite:///.newsletter/newsletter.db", paper_root) as database:
        monday.write(database)
    for backend, names in (("maildir", None), ("smtp", dns({}))):
        found = case(backend=backend, url="", names=names, ips=("192.0.2.1",))
        before = bytes_of(paper_root)
        lines = list(examine(found))
        assert len(lines) > 20
        assert bytes_of(paper_root) == before


def test_offline_no_line_about_the_network_passes(case: Make, paper_root: Path) -> None:
    settings = (
        'bounces = "b@lettre.invalid"\n[backends.smtp]\nhost = "smtp.lettre.invalid"\n'
        '[bounces]\nhost = "imap.lettre.invalid"\nusername = "lea"\n'
    )
    environment = {
        "NEWSLETTER_IMAP_PASSWORD": "x",
        "NEWSLETTER_MAILGUN_KEY": "k",
        "NEWSLETTER_SECRET": "k" * 20,
    }
    found = case(settings, backend="smtp", environment=environment, ips=("192.0.2.1",))
    outside = [
        line for family, line in examine(found) if family in ("Relay", "DNS", "Site", "What comes back")
    ]
    assert len(outside) == 13
    assert {line.verdict.value for line in outside} == {"unknown"}


def test_a_check_that_cannot_do_its_work_says_so_and_the_others_go_on(case: Make) -> None:
    def denied(case: Case) -> Iterator[Line]:
        yield passes("First", "seen")
        raise PermissionError(13, "Permission denied", "/var/lib/paper")

    def locked(case: Case) -> Iterator[Line]:
        raise StoreError("is locked", where="paper.db", hint="wait")

    def odd(case: Case) -> Iterator[Line]:
        raise ConfigError("odd", where="newsletter.toml:3")

    def well(case: Case) -> Iterator[Line]:
        yield passes("Last", "seen")

    lines = list(examine(case(), [Family("Store", (denied, locked, odd, well))]))
    assert told(line for _, line in lines) == [
        ("First", "pass", "seen"),
        ("Store", "unknown", "/var/lib/paper cannot be looked at: Permission denied"),
        ("Store", "unknown", "paper.db: is locked"),
        ("Store", "fail", "newsletter.toml:3: odd"),
        ("Last", "pass", "seen"),
    ]
    assert [line.do for _, line in lines] == ["", "run it as the user who sends", "wait", "", ""]


def test_every_line_and_family_is_explained_in_the_docs(case: Make, paper_root: Path, dns: Dns) -> None:
    docs = (ROOT / "docs/doctor.md").read_text(encoding="utf-8")
    with Database.open("sqlite:///.newsletter/newsletter.db", paper_root) as database:
        monday.write(database)
    titles = set()
    zone = {"_dmarc.lettre.invalid": {"TXT": ['"v=DMARC1; p=none; rua=mailto:a@far.invalid"']}}
    for backend, names, ips in (("sendmail", dns(zone), ()), ("folder", None, ("192.0.2.1",))):
        for family, line in examine(case(backend=backend, url="", names=names, ips=ips)):
            assert f"\n### {family}\n" in docs
            titles.add(re.sub(r" (?:of|to|for) (?:\d\S+|\S+\.\S+)$", "", line.title))
    assert {"Sender", "Clock", "SPF", "DMARC reports", "Name", "Name of the sender", "Bounces"} <= titles
    assert [title for title in titles if f"| {title}" not in docs] == []
