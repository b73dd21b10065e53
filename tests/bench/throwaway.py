"""A publication in a temporary folder, with readers, whose issues go to a server on this machine."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.conftest import ISSUE, PYTHON, ROOT, SETTINGS, write_issue

CLOCK = "2026-11-20T12:00"


def command(folder: Path, clock: str, *arguments: str) -> list[str]:
    """The press as a process of its own, at a time such as "2026-11-23T06:45"."""
    return [PYTHON, "-m", "newsletter", "-C", str(folder), "--clock", clock, *arguments]


def environment() -> dict[str, str]:
    """Ours, without settings meant for another publication."""
    return {name: value for name, value in os.environ.items() if not name.startswith("NEWSLETTER_")}


def can_join(folder: Path) -> bool:
    """Whether two runs of this press may send one issue at once."""
    order = command(folder, CLOCK, "send", "--help")
    return "--join" in subprocess.run(order, cwd=ROOT, capture_output=True, check=True, text=True).stdout


def make_publication(
    root: Path, ports: Sequence[int], *, readers: int, connections: int, more: str = "", store: str = ""
) -> dict[int, Path]:
    """One publication that can be reached through one folder a port, which differ in nothing but the port.

    `more` are lines of [send], `store` is the address of its database, "" for a file.
    So the server's port tells which process is calling. Settings and readers are made as a person would.
    """
    shutil.copytree(ROOT / "templates", root / "templates")
    (root / "issues").mkdir()
    (root / ".newsletter").mkdir(mode=0o700)
    folders = {}
    for number, port in enumerate(ports):
        folder = root / f"run-{number}"
        folder.mkdir()
        for shared in ("templates", "issues", ".newsletter"):
            (folder / shared).symlink_to(root / shared, target_is_directory=True)
        settings = SETTINGS.replace('backend = "folder"', 'backend = "smtp"')
        settings += f'connections = {connections}\npatience = "0s"\n{more}'
        settings += f'\n[backends.smtp]\nhost = "127.0.0.1"\nport = {port}\nsecurity = "plain"\n'
        settings += f'\n[store]\nurl = "{store}"\n' if store else ""
        (folder / "newsletter.toml").write_text(settings, encoding="utf-8")
        folders[port] = folder
    rows = "".join(f"reader{n}@example.org,Lectrice {n}\n" for n in range(readers))
    (root / "readers.csv").write_text(f"email,name\n{rows}", encoding="utf-8")
    first = next(iter(folders.values()))
    if store:
        order = command(first, CLOCK, "db", "upgrade")
        subprocess.run(order, cwd=ROOT, env=environment(), check=True, capture_output=True)
    order = command(first, CLOCK, "readers", "import", str(root / "readers.csv"), "--source", "made up")
    subprocess.run(order, cwd=ROOT, env=environment(), check=True, capture_output=True)
    return folders


def write_next_issue(root: Path, key: str) -> Path:
    """The folder of an issue whose subject says which it is."""
    return write_issue(
        root, key, issue=ISSUE.replace("Un numéro pour les tests : tout y est", f"Crash test {key}")
    )
