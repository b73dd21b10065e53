"""A backend in somebody else's package: installed by pip, found by its name, held to the contract."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from newsletter.deliver.backend import Backend, backend_names, find_backend
from newsletter.errors import (
    Blocked,
    ConfigError,
    Deferred,
    DeliveryError,
    InDoubt,
    Refused,
    Unavailable,
)
from newsletter.settings import Table
from tests.conftest import PYTHON
from tests.deliver.contract import BackendContract, Carrier, Commits, a_message
from tests.deliver.http_service import Act, HttpService, answer, hang, reset, say

PACKAGE = Path(__file__).parent / "plugin"
TAKEN = answer(202, b"queued\n")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pip has installed the package; it needs no network for that."""
    folder = tmp_path_factory.mktemp("site")
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]
    pip += ["--no-deps", "--no-build-isolation", "--target", str(folder), str(PACKAGE)]
    subprocess.run(pip, check=True, capture_output=True, env={**os.environ, "PIP_ROOT_USER_ACTION": "ignore"})
    return folder


@pytest.fixture
def installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(site)
    monkeypatch.delitem(sys.modules, "actu5_relay", raising=False)


@pytest.fixture
def service() -> Iterator[HttpService]:
    with HttpService(TAKEN) as service:
        yield service


def relay(url: str, token: str = "sésame-ouvre-toi") -> Backend:
    environment = {"NEWSLETTER_RELAY_TOKEN": token}
    return find_backend(
        "relay", Table({"url": url}, name="backends.relay", root=Path(), environment=environment)
    )


@pytest.mark.usefixtures("installed")
class TestRelay(BackendContract):
    @pytest.fixture
    def carrier(self, installed: None, service: HttpService) -> Carrier:
        return Carrier(
            backend=relay(service.url), arrived=lambda: [request.body for request in list(service.requests)]
        )


@pytest.mark.usefixtures("installed")
def test_it_is_found_by_its_name_beside_ours() -> None:
    assert {"folder", "relay", "smtp"} <= set(backend_names())
    backend = relay("https://relay.example.org/mail")
    assert type(backend).__module__ == "actu5_relay"
    assert backend.reaches_people is True
    with pytest.raises(ConfigError, match="would travel unencrypted"):
        relay("http://relay.example.org/mail")
    with pytest.raises(ConfigError, match="no token for it"):
        relay("https://relay.example.org/mail", token="")


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("act", "outcome"),
    [
        (answer(422, b"no such mailbox"), Refused),
        (answer(429, b"slowly, please"), Deferred),
        (answer(401, b"who are you?"), Blocked),
        (answer(500, b""), InDoubt),
        (say(b"HTTP/1.1 2"), InDoubt),
        (reset, InDoubt),
        (hang, InDoubt),
    ],
)
def test_every_answer_has_its_meaning_and_no_request_is_sent_twice(
    service: HttpService, monkeypatch: pytest.MonkeyPatch, act: Act, outcome: type[DeliveryError]
) -> None:
    backend = relay(service.url)
    monkeypatch.setattr(backend, "_seconds", 1)
    service.act = act
    with pytest.raises(DeliveryError) as raised:
        backend.send(a_message(), Commits())
    assert (type(raised.value), len(service.requests)) == (outcome, 1)


@pytest.mark.usefixtures("installed")
def test_a_relay_that_is_down_is_noticed_before_commit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    commit = Commits()
    with pytest.raises(Unavailable) as raised:
        relay(url).send(a_message(), commit)
    assert (raised.value.passing, commit.count) == (True, 0)


def test_newsletter_sends_through_it(site: Path, paper: Path, service: HttpService) -> None:
    settings = paper / "newsletter.toml"
    text = settings.read_text(encoding="utf-8").replace('backend = "folder"', 'backend = "relay"')
    settings.write_text(f'{text}\n[backends.relay]\nurl = "{service.url}/mail"\n', encoding="utf-8")
    (paper / "readers.csv").write_text("email\nada@example.com\nbea@example.com\n", encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NEWSLETTER_")}
    environment |= {"PYTHONPATH": str(site), "NEWSLETTER_RELAY_TOKEN": "sésame"}
    for command in (
        ["readers", "import", "readers.csv", "--source", "the fair"],
        ["send", "2026-11-23", "--yes"],
    ):
        done = subprocess.run(
            [PYTHON, "-m", "newsletter", "--clock", "2026-11-23T06:45", *command],
            cwd=paper,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert sorted(request.target for request in service.requests) == [
        "/mail?from=redaction%40lettre.invalid&to=ada%40example.com",
        "/mail?from=redaction%40lettre.invalid&to=bea%40example.com",
    ]
    assert {request.headers["content-type"] for request in service.requests} == {"message/rfc822"}
