"""The units in docs/deploy: systemd takes them, and what they start comes up."""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.bench.throwaway import environment
from tests.cluster import Cluster
from tests.conftest import PYTHON, ROOT, needs
from tests.fleet.house import KEY, House, Process, house, wait_for

UNITS = sorted((ROOT / "docs" / "deploy").iterdir())
PRESS = "/opt/newsletter/bin/newsletter"
FOLDER = "/srv/newsletter"


def setting(unit: str, name: str) -> str:
    """The value of a setting in a unit of docs/deploy."""
    text = (ROOT / "docs" / "deploy" / unit).read_text(encoding="utf-8")
    found = re.search(rf"^{name}=(.*)$", text, re.MULTILINE)
    assert found, name
    return found[1]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_takes_the_unit(unit: Path, tmp_path: Path) -> None:
    needs("systemd-analyze")
    for each in UNITS:
        text = each.read_text(encoding="utf-8").replace(PRESS, shutil.which("true") or "/bin/true")
        text = re.sub(r"^User=.*$", "User=root", text, flags=re.MULTILINE)
        (tmp_path / each.name).write_text(text, encoding="utf-8")
    name = unit.name.replace("@", "@1")
    done = subprocess.run(
        ["systemd-analyze", "verify", str(tmp_path / name)],
        env=os.environ | {"SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
        capture_output=True,
        text=True,
        check=False,
    )
    said = [line for line in done.stderr.splitlines() if unit.stem.split("@")[0] in line]
    assert (done.returncode, said) == (0, [])


def start(paper: House, unit: str, **variables: str) -> Process:
    """The ExecStart line of a unit, as systemd would start it: its words, its variables, its folder."""
    words: list[str] = []
    for word in shlex.split(setting(unit, "ExecStart")):
        words += variables.get(word[1:], "").split() if word.startswith("$") else [word]
    assert words[0] == PRESS
    words = [variables.get("port", word) if word == "8000" else word for word in words]
    assert setting(unit, "WorkingDirectory") == FOLDER
    return spawn(paper, words[1:], unit)


def spawn(paper: House, words: Sequence[str], name: str) -> Process:
    said = paper.root / f"{name}-{len(paper.processes)}"
    with said.open("wb") as file:
        popen = subprocess.Popen(
            [PYTHON, "-m", "newsletter", *words],
            cwd=paper.folders[0],
            env=environment() | {"PYTHONPATH": str(ROOT)},
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    process = Process(popen, said)
    paper.processes.append(process)
    return process


def test_what_the_units_start_comes_up_and_goes_when_it_is_told_to(cluster: Cluster, tmp_path: Path) -> None:
    with house(cluster, tmp_path / "h", readers=50) as paper:
        all_relays = start(paper, "newsletter-worker@.service")
        one_relay = start(paper, "newsletter-worker@.service", RELAYS="--relay main")
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = str(free.getsockname()[1])
        site = start(paper, "newsletter-site.service", port=port)
        for worker in (all_relays, one_relay):
            worker.until("for main, ready.")
        assert start(paper, "newsletter-due.service").end() in (0, 3)
        wait_for(lambda: len(paper.signs()) == 2)
        wait_for(lambda: _answers(f"http://127.0.0.1:{port}/healthz") or site.popen.poll() is not None)
        assert site.popen.poll() is None, site.said
        # By the clock on the wall, as they are.
        assert spawn(paper, ["send", KEY, "--yes"], "send").end() == 0
        paper.check_once_each(50)
        for process in (all_relays, one_relay, site):
            process.popen.send_signal(signal.SIGTERM)
        assert [process.end() for process in (all_relays, one_relay, site)] == [0, 0, 0]


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
