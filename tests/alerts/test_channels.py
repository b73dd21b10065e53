"""An alert tells what is wrong and what to do, by every channel that can be had."""

import http.server
import json
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import trustme

from newsletter.alerts.alert import Alert
from newsletter.alerts.channels import Channel, Told, tell
from newsletter.alerts.command import run_command
from newsletter.alerts.mail import mail_alert
from newsletter.alerts.webhook import call_webhook
from newsletter.deliver.backends.memory import MemoryBackend
from newsletter.errors import ConfigError, NewsletterError, Unavailable
from newsletter.model import Publication

ALERT = Alert(
    publication="L'été <5>",
    issue="2026-11-23",
    reason="not approved",
    wrong="issues/2026-11-23: nobody has approved this issue",
    todo="newsletter approve 2026-11-23",
    then="The schedule tries again until 10:00.",
    at=datetime(2026, 11, 23, 7, 0, 3, tzinfo=ZoneInfo("Europe/Paris")),
    host="web1",
)

TEXT = """\
The issue 2026-11-23 of L'été <5> has not left as it should.

What is wrong:
  issues/2026-11-23: nobody has approved this issue

What to do:
  newsletter approve 2026-11-23

The schedule tries again until 10:00.

Told by web1 at 07:00 on 23 November 2026, once for this day and reason.
"""


@dataclass
class Hook:
    """A web server that notes what it is sent, and answers with `status` after so many seconds."""

    address: str = ""
    status: int = 200
    seconds: float = 0.0
    calls: list[tuple[str, str, str]] = field(default_factory=list)


@contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[Hook]:
    hook = Hook()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"])).decode()
            hook.calls.append((self.path, self.headers["Content-Type"], content))
            time.sleep(hook.seconds)
            self.send_response(hook.status)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing on the tests' own terminal."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    hook.address = f"http{'s' if context else ''}://localhost:{server.server_port}/hook?room=5"
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def hook() -> Iterator[Hook]:
    with serving() as one:
        yield one


def test_the_text_says_what_is_wrong_and_what_to_type() -> None:
    assert ALERT.text == TEXT
    assert ALERT.subject == "L'été <5>: 2026-11-23 has not left (not approved)"
    assert "What to do" not in replace(ALERT, todo="").text


# ---- a command ----


def test_a_command_reads_the_text_and_runs_in_the_publications_folder(tmp_path: Path) -> None:
    script = "import sys, pathlib; pathlib.Path('told').write_bytes(sys.stdin.buffer.read())"
    run_command(ALERT, (sys.executable, "-c", script), tmp_path)
    assert (tmp_path / "told").read_text(encoding="utf-8") == TEXT


def test_no_shell_reads_the_command(tmp_path: Path) -> None:
    run_command(
        ALERT,
        (sys.executable, "-c", "import sys; assert sys.argv[1] == '$(touch x); `y`'", "$(touch x); `y`"),
        tmp_path,
    )
    assert list(tmp_path.iterdir()) == []


def test_a_command_is_told_no_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSLETTER_SMTP_PASSWORD", "sésame")
    monkeypatch.setenv("PAGER_ROOM", "12")
    script = (
        "import os; open('seen', 'w').write(' '.join(n for n in os.environ if n[:5] in ('NEWSL', 'PAGER')))"
    )
    run_command(ALERT, (sys.executable, "-c", script), tmp_path)
    assert (tmp_path / "seen").read_text() == "PAGER_ROOM"


def test_a_command_that_hangs_is_ended(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"took more than 0\.3 seconds"):
        run_command(ALERT, (sys.executable, "-c", "import time; time.sleep(60)"), tmp_path, seconds=0.3)


def test_a_command_that_fails_or_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="ended with exit code 3"):
        run_command(ALERT, (sys.executable, "-c", "raise SystemExit(3)"), tmp_path)
    with pytest.raises(ConfigError, match=r"cannot be run: No such file or directory"):
        run_command(ALERT, ("./nothing",), tmp_path)


def test_a_command_that_reads_nothing_is_none_the_worse(tmp_path: Path) -> None:
    run_command(replace(ALERT, wrong="x" * 1_000_000), (sys.executable, "-c", ""), tmp_path)


# ---- a webhook ----


def test_a_webhook_gets_small_json(hook: Hook) -> None:
    call_webhook(ALERT, hook.address)
    ((path, kind, content),) = hook.calls
    assert (path, kind) == ("/hook?room=5", "application/json")
    assert json.loads(content) == {
        "text": "L'été <5>: 2026-11-23 has not left (not approved)\n"
        "issues/2026-11-23: nobody has approved this issue\nnewsletter approve 2026-11-23",
        "publication": "L'été <5>",
        "issue": "2026-11-23",
        "reason": "not approved",
        "wrong": "issues/2026-11-23: nobody has approved this issue",
        "todo": "newsletter approve 2026-11-23",
        "at": "2026-11-23T07:00:03+01:00",
        "host": "web1",
    }


@pytest.mark.parametrize("status", [302, 404, 500])
def test_any_answer_but_a_good_one_is_told_and_nothing_is_followed(hook: Hook, status: int) -> None:
    hook.status = status
    with pytest.raises(Unavailable, match=rf"\[alerts\] webhook at localhost: answers {status}"):
        call_webhook(ALERT, hook.address)
    assert len(hook.calls) == 1


def test_a_webhook_that_does_not_answer_is_not_waited_for(hook: Hook) -> None:
    hook.seconds = 1.0
    with pytest.raises(Unavailable, match="cannot be called: timed out"):
        call_webhook(ALERT, hook.address, seconds=0.2)


def test_nobody_at_the_address_is_told_without_its_secret() -> None:
    with pytest.raises(Unavailable) as caught:
        call_webhook(ALERT, "http://127.0.0.1:9/secret")
    assert "Connection refused" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_webhook_is_who_its_certificate_says() -> None:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    ours = ssl.create_default_context()
    authority.configure_trust(ours)
    with serving(context) as hook:
        call_webhook(ALERT, hook.address, context=ours)
        with pytest.raises(Unavailable, match="certificate verify failed"):
            call_webhook(ALERT, hook.address)
    assert len(hook.calls) == 1


# ---- a mail ----


def test_a_mail_is_one_message_of_the_publications_own(publication: Publication) -> None:
    backend = MemoryBackend()
    mail_alert(ALERT, "chief@example.org", backend, publication)
    (message,) = backend.messages
    head, _, body = message.content.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert b"To: chief@example.org" in lines
    assert b"Auto-Submitted: auto-generated" in lines
    assert not any(line.startswith((b"List-", b"Feedback-ID")) for line in lines)
    assert b"newsletter approve 2026-11-23" in body
    assert b"&lt;5&gt;" in body
    assert message.sender == "redaction@lettre.invalid"


# ---- all of them ----


def test_a_channel_that_fails_keeps_no_other_from_being_tried() -> None:
    heard: list[str] = []

    def deaf(alert: Alert) -> None:
        raise NewsletterError("nobody is there", where="here")

    told = tell(ALERT, [Channel("first", deaf), Channel("second", lambda alert: heard.append(alert.issue))])
    assert told == [Told("first", "here: nobody is there"), Told("second", "")]
    assert heard == ["2026-11-23"]
