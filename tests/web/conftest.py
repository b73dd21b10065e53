"""The light table as a process of its own, on a free port; and the sample publication's site."""

import json
import shutil
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import command
from tests.conftest import ROOT, SETTINGS, write_issue
from tests.web.publishing import SENT, URL, Site, build, sample, send

KEY = "2026-11-23"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


@dataclass
class Answer:
    """What the server said to one request."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class LightTable:
    """A running preview of the publication in `paper`."""

    paper: Path
    port: int
    process: "subprocess.Popen[bytes]"

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, path: str, *, method: str = "GET", data: bytes | None = None, **headers: str) -> Answer:
        """One request; `headers` have _ for -."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.address + path, data=data, headers=named, method=method)
        try:
            with urllib.request.build_opener(_NoRedirect).open(request, timeout=20) as answer:
                return Answer(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, dict(error.headers), error.read())

    def end(self) -> tuple[int, str]:
        """Press Ctrl-C; the exit code, and what was said since the start."""
        self.process.send_signal(signal.SIGINT)
        with self.process as process:
            assert process.stderr
            # Not `communicate`, which does not see what has been read along with the first line.
            said = process.stderr.read().decode()
        return process.returncode, said


def started(paper: Path, *arguments: str) -> LightTable:
    process = command(paper, "preview", KEY, "--no-open", *arguments)
    assert process.stderr
    line = process.stderr.readline().decode()
    port = line.rpartition("127.0.0.1:")[2].rstrip("/\n")
    assert port.isdigit(), line + process.stderr.read().decode()
    return LightTable(paper, int(port), process)


def new_paper(root: Path) -> Path:
    shutil.copytree(ROOT / "templates", root / "templates")
    (root / "newsletter.toml").write_text(SETTINGS, encoding="utf-8")
    write_issue(root, KEY)
    return root


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LightTable]:
    """A table at which nobody changes a file."""
    yield from until_the_end(started(new_paper(tmp_path_factory.mktemp("paper"))))


@pytest.fixture
def table(paper: Path) -> Iterator[LightTable]:
    yield from until_the_end(started(paper))


def until_the_end(table: LightTable) -> Iterator[LightTable]:
    yield table
    if table.process.poll() is None:
        table.end()
    for stream in (table.process.stdout, table.process.stderr):
        if stream:
            stream.close()


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample publication; three issues were sent, one is a draft."""
    root = sample(tmp_path_factory.mktemp("sample"))
    send(root, *SENT)
    return root


@pytest.fixture(scope="session")
def site(root: Path) -> Site:
    return Site(build(root), URL)


@pytest.fixture(scope="session")
def site_below(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The same site inside of another: its address has a path."""
    root = sample(tmp_path_factory.mktemp("below"))
    settings = root / "newsletter.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace(f'"{URL}"', '"https://example.org/actu"'), encoding="utf-8")
    send(root, *SENT)
    return Site(build(root), "https://example.org/actu")
