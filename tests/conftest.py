"""Few and small fixtures: a publication's folder, an issue's folder, what the command line answers."""

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from newsletter.cli import run
from newsletter.model import Mailbox, Publication
from tests.cluster import Cluster, running

ROOT = Path(__file__).parent.parent

# A shell that starts us in the background ignores Ctrl-C for us and all that we start; some tests press it.
signal.signal(signal.SIGINT, signal.default_int_handler)

SETTINGS = """\
[publication]
name = "La lettre du test"
url = "https://lettre.invalid"
sender = "La lettre du test <redaction@lettre.invalid>"
postal_address = "1 rue du Test, 75000 Paris"
pitches = ["Cinq minutes par jour, c'est tout."]

[send]
backend = "folder"
"""

ISSUE = """\
---
subject: "Un numéro pour les tests : tout y est"
preheader: "Une ligne de plus, que la boîte de réception montre à côté de l'objet"
editor: Ada Test
---

Deux mots pour ouvrir.
"""

ARTICLE = """\
---
title: "Le titre du premier article"
author: Zoé Œuvrard
section: Tech
link: https://www.example.org/source
source: Le Journal
---

**Dans les faits :** un paragraphe, avec 38 000 € et "des guillemets".

- un point ;
- un autre.

> La fin.
>
> — Quelqu'un, quelque part
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite-golden", action="store_true", help="Take what comes out now for right.")


@dataclass(frozen=True)
class Answer:
    """What one command printed, and its exit code."""

    code: int
    out: str
    err: str


Newsletter = Callable[..., Answer]


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server for all tests that want one."""
    with running() as cluster:
        yield cluster


@pytest.fixture
def publication() -> Publication:
    return Publication(
        name="La lettre du test",
        url="https://lettre.invalid",
        sender=Mailbox(name="La lettre du test", address="redaction@lettre.invalid"),
        postal_address="1 rue du Test, 75000 Paris",
    )


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    """A publication's folder with the project's templates and one issue, 2026-11-23."""
    root = tmp_path / "paper"
    shutil.copytree(ROOT / "templates", root / "templates")
    (root / "newsletter.toml").write_text(SETTINGS, encoding="utf-8")
    write_issue(root, "2026-11-23")
    return root


def write_issue(root: Path, key: str, *, issue: str = ISSUE, **articles: str) -> Path:
    """An issue's folder; `articles` are texts by file name without .md ("01_slug" for 01-slug.md)."""
    folder = root / "issues" / key
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "issue.md").write_text(issue, encoding="utf-8")
    for name, text in (articles or {"01_premier": ARTICLE}).items():
        (folder / f"{name.replace('_', '-')}.md").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def newsletter(paper: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Newsletter:
    """Run a command in the publication's folder, on the morning of 23 November 2026."""
    monkeypatch.chdir(paper)
    for name in list(os.environ):
        if name.startswith("NEWSLETTER_"):
            monkeypatch.delenv(name)

    def answer(*arguments: str, clock: str = "2026-11-23T06:45") -> Answer:
        capfd.readouterr()
        code = run(["--clock", clock, *arguments])
        printed = capfd.readouterr()
        return Answer(code, printed.out, printed.err)

    return answer


def needs(program: str) -> str:
    """The path of a program; without it the test is skipped, but fails where CI should have installed it."""
    path = shutil.which(program)
    if path:
        return path
    if os.environ.get("CI"):
        pytest.fail(f"{program} is not installed, and CI must have it")
    pytest.skip(f"needs {program}")


PYTHON = sys.executable
