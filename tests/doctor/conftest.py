"""A publication that sends for real, on a morning, and what the doctor may ask about it."""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import pytest

from newsletter.config import read_config
from newsletter.doctor.case import Case
from newsletter.doctor.line import Line
from newsletter.doctor.names import Names
from tests.conftest import ROOT, write_issue
from tests.doctor.dns_server import DnsServer, Zone
from tests.doctor.papers import AUTHORITY, NOW

# Not one of those that stand for nobody (RFC 2606), and yet nobody's: no test asks anybody but loopback.
DOMAIN = "lettre.invalid"

SETTINGS = """\
[publication]
name = "La lettre"
url = "{url}"
sender = "La lettre <redaction@lettre.invalid>"
postal_address = "1 rue du Test, 75000 Paris"

[send]
backend = "{backend}"
"""

Make = Callable[..., Case]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in list(os.environ):
        if name.startswith("NEWSLETTER_"):
            monkeypatch.delenv(name)
    root = tmp_path / "paper"
    root.mkdir()
    return root


@pytest.fixture
def case(root: Path) -> Make:
    """A case by its settings; `names` None is offline, and `more` is put behind the settings."""

    def make(
        more: str = "",
        *,
        url: str = "https://lettre.invalid",
        backend: str = "sendmail",
        names: Names | None = None,
        ips: tuple[str, ...] = (),
        environment: Mapping[str, str] = {},
        text: str = "",
    ) -> Case:
        text = text or SETTINGS.format(url=url, backend=backend)
        if backend == "sendmail":
            more += '\n[backends.sendmail]\ncommand = "/bin/true"\n'
        (root / "newsletter.toml").write_text(f"{text}{more}", encoding="utf-8")
        return Case(
            config=read_config(root, environment),
            root=root,
            now=NOW,
            resolver=names,
            environment=environment,
            ips=ips,
        )

    return make


@pytest.fixture
def paper_root(root: Path) -> Path:
    """The same folder, with the project's templates and an issue of today."""
    shutil.copytree(ROOT / "templates", root / "templates")
    write_issue(root, "2026-11-23")
    return root


Dns = Callable[..., Names]


@pytest.fixture
def dns() -> Iterator[Dns]:
    """What asks a server of its own with this zone; options are the server's."""
    servers: list[DnsServer] = []

    def make(zone: Zone = {}, **options: object) -> Names:  # noqa: B006
        server = DnsServer(zone, **options)  # type: ignore[arg-type]
        servers.append(server.__enter__())
        return Names([server.address], patience=0.6, one_try=0.3)

    yield make
    for server in servers:
        server.__exit__(None, None, None)


@pytest.fixture
def online(dns: Dns) -> Names:
    """Asks a server that knows of nobody; as long as somebody may be asked, it is not offline."""
    return dns()


@pytest.fixture
def believed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """This process believes the authority of the tests as it believes those of the system."""
    AUTHORITY.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))


def told(lines: Iterable[Line]) -> list[tuple[str, str, str]]:
    """Title, verdict and what was seen, of each line."""
    return [(line.title, line.verdict.value, line.seen) for line in lines]


def only(lines: Iterable[Line]) -> Line:
    """The one line there is."""
    (line,) = lines
    return line
