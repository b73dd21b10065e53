"""`newsletter serve`, `newsletter form`, and sending that waits for the site."""

import re
import signal
import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise
from pathlib import Path
from typing import IO

import pytest

from tests.cli.conftest import command, until
from tests.conftest import SETTINGS, Newsletter
from tests.stories.conftest import Mailroom, through_smtp
from tests.stories.conftest import mailroom as mailroom


def settings(paper: Path, *replacements: tuple[str, str]) -> None:
    path = paper / "newsletter.toml"
    text = path.read_text(encoding="utf-8")
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text, encoding="utf-8")


@contextmanager
def serving(paper: Path, *arguments: str) -> Iterator[tuple[str, list[str]]]:
    """A site that is served, until the end of the block; its address and what it says."""
    run = command(paper, "serve", "--port", "0", *arguments)
    assert run.stderr
    said: list[str] = []
    for line in run.stderr:
        said.append(line.decode().rstrip("\n"))
        if "Ctrl-C" in said[-1]:
            break
    more = threading.Thread(target=_hear, args=(run.stderr, said))
    more.start()
    address = next(re.search(r"http://\S+", line) for line in said if "http://" in line)
    assert address, said
    try:
        yield address[0], said
    finally:
        run.send_signal(signal.SIGINT)
        code = run.wait(timeout=30)
        more.join(10)
        for stream in (run.stdout, run.stderr):
            if stream:
                stream.close()
    assert code == 0, said


def _hear(stream: IO[bytes], said: list[str]) -> None:
    for line in stream:
        said.append(line.decode().rstrip("\n"))


def read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return str(answer.read().decode())


def test_the_site_follows_what_is_sent_and_what_is_saved(
    paper: Path, newsletter: Newsletter, mailroom: Mailroom
) -> None:
    through_smtp(paper, mailroom.port)
    assert newsletter("readers", "add", "ada@example.org").code == 0
    with serving(paper) as (site, said):
        assert "Le premier numéro est en cours d’écriture." in read(site)
        assert newsletter("send", "--yes").code == 0
        until(lambda: any("The site has 1 issue," in line for line in said))
        assert "Un numéro pour les tests" in read(site)
        article = paper / "issues/2026-11-23/01-premier.md"
        article.write_text(article.read_text("utf-8").replace("premier article", "article corrigé"), "utf-8")
        until(lambda: "article corrigé" in read(f"{site}2026-11-23/premier/"))
        assert read(f"{site}healthz").startswith('{"well":true')
        template = paper / "templates/web/front.html.j2"
        template.write_text(template.read_text("utf-8").replace("{{ promise }}", "{{ nothing }}"), "utf-8")
        until(lambda: any(line.startswith("pages: templates/web/front.html.j2:") for line in said))
        assert "Un numéro pour les tests" in read(site)
    with serving(paper) as (site, said):
        assert "Un numéro pour les tests" in read(site)  # what was written before, while it cannot be anew


def test_what_is_still_being_saved_is_not_shown(
    paper: Path, newsletter: Newsletter, mailroom: Mailroom
) -> None:
    through_smtp(paper, mailroom.port)
    assert newsletter("readers", "add", "ada@example.org").code == 0
    assert newsletter("send", "--yes").code == 0
    article = paper / "issues/2026-11-23/01-premier.md"
    front = paper / "templates/web/front.html.j2"
    text = article.read_text("utf-8")
    with serving(paper) as (site, said):
        before = len(said)
        saved = [time.monotonic()]
        while saved[-1] < saved[0] + 5:  # for longer than two looks
            article.write_text(text.replace("premier article", f"brouillon {len(saved)} "), "utf-8")
            time.sleep(0.2)
            saved.append(time.monotonic())
        quiet = max(later - earlier for earlier, later in pairwise(saved))
        shown = "brouillon" in read(f"{site}2026-11-23/premier/")
        assert (shown, said[before:]) == (False, []) or quiet > 1.5  # a busy machine: it was not being saved
        article.write_text(text.replace("premier article", "article corrigé"), "utf-8")
        until(lambda: "article corrigé" in read(f"{site}2026-11-23/premier/"))
        front.write_text("", "utf-8")
        until(lambda: any("templates/web/front.html.j2: gives an empty page" in line for line in said))
        assert "Un numéro pour les tests" in read(site)


def test_a_rehearsal_says_that_nobody_gets_mail_and_writes_it_to_files(paper: Path) -> None:
    with serving(paper) as (site, said):
        assert "Mails go to folder: nobody gets any." in said
        form = urllib.request.Request(f"{site}join", data=b"email=lea@example.org")
        with urllib.request.urlopen(form, timeout=20) as answer:
            page = answer.read().decode()
        fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))
        time.sleep(2.1)
        data = "&".join(["email=lea@example.org", *(f"{name}={value}" for name, value in fields.items())])
        with urllib.request.urlopen(f"{site}join", data=data.encode(), timeout=20) as answer:
            assert "Regardez dans votre boîte" in answer.read().decode()
        until(lambda: list(paper.glob(".newsletter/outbox/confirm/*.eml")))
        until(lambda: "A mail of the kind 'confirm': sent" in said)
    assert "lea" not in "".join(said)


def test_without_an_address_there_is_no_site(newsletter: Newsletter, paper: Path) -> None:
    settings(paper, ('url = "https://lettre.invalid"\n', ""))
    for arguments in (("serve",), ("form",)):
        answer = newsletter(*arguments)
        assert (answer.code, answer.out) == (2, "")
        assert "Error: newsletter.toml: a site needs an address" in answer.err


def test_a_port_or_host_that_is_not_to_be_had_is_told(newsletter: Newsletter) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        answer = newsletter("serve", "--port", str(port))
    assert answer.code == 2
    assert f"Error: --port: port {port} is not to be had: Address already in use" in answer.err
    answer = newsletter("serve", "--host", "no such host")
    assert answer.code == 2
    assert "Error: --host: there is no 'no such host' here" in answer.err


def test_a_broken_template_is_told_before_anything_is_served(newsletter: Newsletter, paper: Path) -> None:
    (paper / "templates/web/base.html.j2").write_text("{{ nothing }}", encoding="utf-8")
    answer = newsletter("serve", "--port", "0")
    assert answer.code == 3
    assert "Error: templates/web/base.html.j2:1: 'nothing' is undefined" in answer.err


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ('proxies = ["proxy"]', "[site] proxies: 'proxy' does not appear to be an IPv4 or IPv6 network"),
        ("proxies = 1", "[site] proxies: 1 is not a list of texts"),
        ("answers_per_hour = 0", "[site] answers_per_hour: 0 is not a whole number from 1 to 100000"),
        ("answer_per_hour = 5", "unknown setting 'answer_per_hour' in [site]"),
    ],
)
def test_a_mistake_in_the_settings_of_the_site_is_told(
    newsletter: Newsletter, paper: Path, line: str, error: str
) -> None:
    (paper / "newsletter.toml").write_text(f"{SETTINGS}\n[site]\n{line}\n", encoding="utf-8")
    answer = newsletter("form")
    assert answer.code == 2
    assert error in answer.err


def test_the_form_is_complete_and_loads_nothing(newsletter: Newsletter) -> None:
    answer = newsletter("form")
    assert answer.code == 0
    assert answer.out.startswith(
        '<form method="post" action="https://lettre.invalid/join" accept-charset="utf-8">\n'
    )
    for part in (
        '<label for="newsletter-email">Votre adresse e-mail</label>',
        'name="email" required autocomplete="email"',
        '<p hidden><label for="newsletter-website">Laissez ce champ vide</label>',
        'name="website" tabindex="-1" autocomplete="off"',
        "En vous inscrivant, vous acceptez de recevoir",
        '<a href="https://lettre.invalid/privacy/">Ce que deviennent vos données</a>',
    ):
        assert part in answer.out
    assert re.search(r'name="box" value="[0-9a-f]{8}"', answer.out)
    assert not re.search(r"<(script|style|link|img|iframe)|style=|nonce", answer.out)


# ---- sending that waits for the site ----


class Site:
    """A web server whose answer to every request is `status`; it counts those who ask."""

    def __init__(self) -> None:
        self.status = 404
        self.asked: list[str] = []
        self.on_ask: Callable[[], None] = lambda: None
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                site.on_ask()
                self.send_response(site.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_HEAD = do_GET  # noqa: N815 - http.server's

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


@pytest.fixture
def waiting(paper: Path, newsletter: Newsletter, mailroom: Mailroom, site: Site) -> None:
    """One reader, a mail server, and sending that waits four seconds for the page."""
    through_smtp(paper, mailroom.port)
    settings(
        paper,
        ("https://lettre.invalid", f"http://127.0.0.1:{site.port}/actu"),
        ("[send]", '[send]\nrequire_web_version = true\npatience = "4s"'),
    )
    assert newsletter("readers", "add", "ada@example.org").code == 0


@pytest.mark.usefixtures("waiting")
def test_nothing_leaves_before_the_issues_page_is_there(
    newsletter: Newsletter, mailroom: Mailroom, site: Site
) -> None:
    def answers_later() -> None:
        assert mailroom.accepted == []
        if len(site.asked) == 4:
            site.status = 200

    site.on_ask = answers_later
    answer = newsletter("send", "--yes")
    assert answer.code == 0, answer.err
    assert set(site.asked) == {"/actu/2026-11-23/"}
    assert len(site.asked) == 4  # HEAD and GET, and both again
    assert mailroom.recipients == ["ada@example.org"]


@pytest.mark.usefixtures("waiting")
def test_a_page_that_does_not_come_is_told_and_the_run_goes_on_later(
    newsletter: Newsletter, mailroom: Mailroom, site: Site
) -> None:
    answer = newsletter("send", "--yes")
    url = f"http://127.0.0.1:{site.port}/actu/2026-11-23/"
    assert answer.code == 75
    assert f"Error: {url}: the issue's page is not there: HTTP status 404" in answer.err
    assert "newsletter serve, or site build --with 2026-11-23" in answer.err
    assert mailroom.accepted == []
    site.status = 200
    assert newsletter("send", "--yes").code == 0
    assert mailroom.recipients == ["ada@example.org"]


@pytest.mark.usefixtures("waiting")
def test_a_rehearsal_waits_for_nobody(newsletter: Newsletter, paper: Path, site: Site) -> None:
    settings(paper, ('backend = "smtp"', 'backend = "folder"'))
    assert newsletter("send", "--yes").code == 0
    assert site.asked == []


def test_without_an_address_no_page_can_be_required(newsletter: Newsletter, paper: Path) -> None:
    required = ("[send]", "[send]\nrequire_web_version = true")
    settings(paper, ('url = "https://lettre.invalid"\n', ""), required)
    answer = newsletter("send", "--yes")
    assert answer.code == 2
    assert "a site needs an address" in answer.err
    assert not (paper / ".newsletter" / "outbox").exists()


def test_a_flag_is_true_or_false(newsletter: Newsletter, paper: Path) -> None:
    settings(paper, ("[send]", '[send]\nrequire_web_version = "yes"'))
    answer = newsletter("send", "--yes")
    assert answer.code == 2
    assert "[send] require_web_version: 'yes' is neither true nor false" in answer.err
