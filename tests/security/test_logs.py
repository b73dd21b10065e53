"""What is logged in a whole morning holds no reader: no address, no token, no password."""

import base64
import re
import time
from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import until
from tests.cli.test_serve import serving
from tests.conftest import Newsletter
from tests.stories.conftest import Mailroom, through_smtp
from tests.stories.conftest import mailroom as mailroom
from tests.web.live.conftest import hidden, text_of

READERS = (
    "lea.martin@lectrices.example.org",
    "refusee@lectrices.example.org",
    "nouvelle@lectrices.example.org",
)


def test_a_server_says_nothing_of_anybody(
    paper: Path, newsletter: Newsletter, mailroom: Mailroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sign-ups that are answered, refused and cut off, forged links and calls, faults, over a real server."""
    monkeypatch.setenv("NEWSLETTER_POSTMARK_WEBHOOK", "facteur:s3cret")
    monkeypatch.setenv("NEWSLETTER_MAILGUN_KEY", "s3cret")
    through_smtp(paper, mailroom.port)
    mailroom.answer = lambda to: f"550 5.1.1 <{to}>: no such user" if "refusee" in to else "250 OK"
    tokens: set[str] = set()
    with serving(paper) as (address, said), httpx.Client(base_url=address) as browser:
        form = hidden(browser.get("join").text)
        until(lambda: browser.get("healthz").status_code == 200)
        time.sleep(2.1)  # nobody reads the box in less
        for reader in (*READERS, "pas une adresse@lectrices.example.org"):
            browser.post("join", data={**form, "email": reader, "website": ""})
        until(lambda: len(mailroom.accepted) == 2)
        for _, mail in mailroom.accepted:
            tokens |= set(re.findall(r"confirm/([\w-]{20,})", text_of(mail)))
        assert len(tokens) == 2
        for token in tokens:
            browser.post(f"confirm/{token}", data={"do": "confirm"})
            browser.get(f"leave/{token}")
            browser.post(f"mine/{token}", data={"do": "erase", "email": READERS[0]})
            browser.get(f"mine/{token}?email={READERS[0]}", headers={"Referer": f"https://x.fr/{READERS[0]}"})
        wrong = base64.b64encode(b"facteur:" + READERS[0].encode()).decode()
        body = {"RecordType": "Bounce", "Email": READERS[0], "TopicArn": READERS[0]}
        for hook in ("postmark", "mailgun", "ses"):
            browser.post(f"hooks/{hook}", json=body, headers={"Authorization": f"Basic {wrong}"})
        browser.get(f"%0aFake: line {READERS[0]}")
        until(lambda: sum("A mail of the kind" in line for line in said) >= 3)
    told = "\n".join(said)
    assert "A mail of the kind" in told
    for secret in ("lectrices.example.org", "lea.martin", "refusee", "s3cret", "Traceback", *tokens):
        assert secret not in told, secret
