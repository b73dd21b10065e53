"""A reader's whole way, in a real browser and over a real mail server: from the box to being forgotten."""

import email
import email.policy
import json
import re
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import IO

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.compose.test_browser import ARGUMENTS
from tests.conftest import ISSUE, PYTHON, needs, write_issue
from tests.stories.conftest import Mailroom, through_smtp

LEA = "lea.martin@example.org"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def press(
    paper: Path, clock: str, *arguments: str, log: IO[str] | int = subprocess.PIPE
) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [PYTHON, "-m", "newsletter", "--clock", clock, *arguments],
        cwd=paper,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        start_new_session=True,
    )


def done(paper: Path, clock: str, *arguments: str) -> str:
    """Run a command to its good end; what it said."""
    run = press(paper, clock, *arguments)
    out, err = run.communicate(timeout=120)
    assert run.returncode == 0, err
    return out + err


class Story:
    """The publication, its server, its mail, and the reader's browser."""

    def __init__(self, paper: Path, mailroom: Mailroom, page: Page, port: int) -> None:
        self.paper, self.mailroom, self.page = paper, mailroom, page
        self.site = f"http://127.0.0.1:{port}/actu"

    def mail(self, subject: str, to: str = LEA) -> EmailMessage:
        """The last mail with this in its subject, waited for."""
        until = time.monotonic() + 30
        while time.monotonic() < until:
            with self.mailroom.lock:
                accepted = list(self.mailroom.accepted)
            for recipient, content in reversed(accepted):
                message = email.message_from_bytes(content, policy=email.policy.default)
                assert isinstance(message, EmailMessage)
                if recipient == to and subject in message["subject"]:
                    return message
            time.sleep(0.05)
        raise AssertionError(f"no mail {subject!r} to {to}: {[who for who, _ in accepted]}")

    def link(self, message: EmailMessage, page: str) -> str:
        text = message.get_body(("plain",))
        assert text is not None
        found = re.search(rf"{re.escape(self.site)}/{page}/\S+", text.get_content())
        assert found, text.get_content()
        return found[0]

    def heading(self) -> str:
        return self.page.locator("h1").inner_text()


@pytest.fixture
def page() -> Iterator[Page]:
    path = needs("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser.new_page()
        browser.close()


@pytest.fixture
def story(paper: Path, mailroom: Mailroom, page: Page) -> Iterator[Story]:
    """An issue went out on Friday to one reader; on Monday morning the site is served."""
    port = free_port()
    through_smtp(paper, mailroom.port)
    settings = (paper / "newsletter.toml").read_text(encoding="utf-8")
    settings = settings.replace("https://lettre.invalid", f"http://127.0.0.1:{port}/actu")
    settings = settings.replace("[send]", "[send]\nrequire_web_version = true")
    (paper / "newsletter.toml").write_text(settings, encoding="utf-8")
    friday = ISSUE.replace("Un numéro pour les tests", "Le numéro de vendredi")
    write_issue(paper, "2026-11-20", issue=friday)
    done(paper, "2026-11-20T06:00", "readers", "add", "ada@example.org")
    with (paper / "serve.log").open("w", encoding="utf-8") as log:
        server = press(paper, "2026-11-20T06:30", "serve", "--port", str(port), log=log)
        until = time.monotonic() + 60
        while "Ctrl-C ends it." not in (paper / "serve.log").read_text(encoding="utf-8"):
            assert server.poll() is None, (paper / "serve.log").read_text()
            assert time.monotonic() < until, "it does not start"
            time.sleep(0.05)
        yield Story(paper, mailroom, page, port)
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=30)
        assert server.returncode == 0
    said = (paper / "serve.log").read_text(encoding="utf-8")
    assert "Traceback" not in said
    assert "example.org" not in said
    assert not re.search(r"(confirm|leave|mine)/\S", said)


def test_a_reader_signs_up_reads_leaves_stays_asks_and_is_forgotten(story: Story) -> None:
    page, site = story.page, story.site

    # An issue goes out, but not before its page is there.
    done(story.paper, "2026-11-20T06:45", "send", "2026-11-20", "--yes")
    assert story.mail("Le numéro de vendredi", "ada@example.org")

    # Somebody reads an article, and signs up below it.
    page.goto(f"{site}/2026-11-20/premier/")
    assert story.heading() == "Le titre du premier article"
    page.locator("form").last.locator("input[type=email]").fill(LEA)
    page.wait_for_timeout(2100)
    page.locator("form").last.locator("button").click()
    assert story.heading() == "Regardez dans votre boîte de réception"
    assert page.locator(".address").inner_text() == LEA

    # The mail says one thing; its link leads to a button.
    first = story.mail("confirmez votre inscription")
    assert first["auto-submitted"] == "auto-generated"
    assert first["list-unsubscribe"] is None
    page.goto(story.link(first, "confirm"))
    assert story.heading() == "Plus qu’un clic"
    page.get_by_role("button", name="Oui, je m’inscris").click()
    assert story.heading() == "Bienvenue\u00a0!"
    assert story.mail("Bienvenue dans La lettre du test")

    # The next issue comes to both.
    done(story.paper, "2026-11-23T06:45", "send", "2026-11-23", "--yes")
    issue = story.mail("Un numéro pour les tests")
    assert story.mail("Un numéro pour les tests", "ada@example.org")

    # The mail program's own button.
    assert issue["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    address = re.findall(r"<(http[^>]+)>", issue["list-unsubscribe"])[0]
    click = urllib.request.Request(address, data=b"List-Unsubscribe=One-Click")
    with urllib.request.urlopen(click, timeout=20) as answer:
        assert (answer.status, answer.url, answer.read()) == (200, address, b"")
    assert "left" in done(story.paper, "2026-11-23T07:00", "readers", "list", "--status", "left")

    # It was a mistake.
    page.goto(address)
    page.get_by_role("button", name="C’était une erreur, je reste").click()
    assert "Vous restez" in page.locator("[role=status]").inner_text()

    # What do you know about me?
    page.get_by_role("button", name="Me l’envoyer").click()
    page.goto(story.link(story.mail("Votre abonnement"), "mine"))
    assert page.locator(".address").inner_text() == LEA
    with page.expect_download() as download:
        page.get_by_role("button", name="Pour les logiciels").click()
    data = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert [step["step"] for step in data["history"]] == ["asked", "confirmed", "left", "came back"]
    assert data["history"][0]["page"] == f"{site}/2026-11-20/premier/"
    assert [row["issue"] for row in data["issues"]] == ["2026-11-23"]

    # Forget me.
    page.get_by_role("button", name="Tout effacer").click()
    page.get_by_role("button", name="Oui, tout effacer").click()
    assert story.heading() == "Plus rien n’est conservé de vous"

    # No old list brings the person back.
    (story.paper / "old.csv").write_text(f"email\n{LEA.upper()}\nnew@example.org\n", encoding="utf-8")
    done(story.paper, "2026-11-23T09:00", "readers", "import", "old.csv", "--source", "an old list", "--yes")
    listed = done(story.paper, "2026-11-23T09:00", "readers", "list")
    assert "new@example.org" in listed
    assert "martin" not in listed.lower()
