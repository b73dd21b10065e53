"""How each peer is installed, and how it is told to send a letter."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.bench.papers import KEY
from tests.bench.peers.letter import Letter
from tests.bench.senders import Command, Sender

HERE = Path(__file__).parent
PYTHON = ("mailmerge", "Django", "Jinja2")
NODE = ("nodemailer", "nunjucks")


def install(folder: Path) -> None:
    """Put the peers into `folder` by pip and npm, unless they are there; says what could not be had."""
    if not (folder / "python").exists():
        _try([sys.executable, "-m", "pip", "install", "-q", "--target", str(folder / "python"), *PYTHON])
    if not (folder / "node").exists() and (npm := shutil.which("npm")):
        _try([npm, "install", "--silent", "--prefix", str(folder / "node"), *NODE])


def _try(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        print(f"{' '.join(command[:4])}: {done.stderr.strip().splitlines()[-1]}")


def peers(folder: Path, letter: Letter) -> list[Sender]:
    """The peers that are installed in `folder`, ready to send the letter; says who is left out, and why."""
    found: list[Sender] = []
    python, node = folder / "python", folder / "node" / "node_modules"
    for name, library, command in (
        ("mailmerge", "mailmerge", _mailmerge),
        ("Django", "django", _script("django_mail.py")),
        ("smtplib + Jinja2", "jinja2", _script("smtplib_jinja2.py")),
    ):
        if (python / library).is_dir():
            found.append(Sender(name=name, command=command(letter, python), fast=False))
        else:
            print(f"left out: {name}, not in {python}")
    if (node / "nodemailer").is_dir() and shutil.which("node"):
        found.append(Sender(name="nodemailer, pool of 20", command=_node(letter, node), fast=False))
    else:
        print(f"left out: nodemailer, not in {node}, or no node")
    return found


def _script(name: str) -> Callable[[Letter, Path], Callable[[int, int], Command]]:
    def of(letter: Letter, python: Path) -> Callable[[int, int], Command]:
        def command(count: int, port: int) -> Command:
            words = [
                sys.executable,
                str(HERE / name),
                str(letter.folder),
                str(letter.readers(count)),
                str(port),
            ]
            return Command(words=words, environment=_with("PYTHONPATH", python))

        return command

    return of


def _node(letter: Letter, modules: Path) -> Callable[[int, int], Command]:
    def command(count: int, port: int) -> Command:
        program = [shutil.which("node") or "node", str(HERE / "nodemailer_pool.cjs")]
        words = [*program, str(letter.folder), str(letter.readers(count)), str(port)]
        return Command(words=words, environment=_with("NODE_PATH", modules))

    return command


def _mailmerge(letter: Letter, python: Path) -> Callable[[int, int], Command]:
    folder = letter.folder / "mailmerge"
    folder.mkdir(exist_ok=True)
    (folder / "template.txt").write_text(_mailmerge_template(letter.folder), encoding="utf-8")

    def command(count: int, port: int) -> Command:
        settings = f"[smtp_server]\nhost = 127.0.0.1\nport = {port}\n"
        (folder / "server.conf").write_text(settings, encoding="utf-8")
        words = [sys.executable, str(python / "bin" / "mailmerge"), "--no-dry-run", "--no-limit"]
        words += ["--template", str(folder / "template.txt"), "--config", str(folder / "server.conf")]
        words += ["--database", str(letter.readers(count))]
        return Command(words=words, environment=_with("PYTHONPATH", python))

    return command


def _mailmerge_template(letter: Path) -> str:
    """A message as its author would type it, as mailmerge's manual shows for text and HTML."""
    head = json.loads((letter / "head.json").read_text(encoding="utf-8"))
    lines = [
        "TO: {{ name }} <{{ email }}>",
        f"FROM: {head['sender_name']} <{head['sender']}>",
        f"SUBJECT: {head['subject']}",
        f"Message-ID: <{KEY}.{{{{ email }}}}>",
        f"List-Id: <{head['list_id']}>",
        "List-Unsubscribe: <{{ leave_url }}>",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        f"Feedback-ID: {head['feedback_id']}",
        "MIME-Version: 1.0",
        'Content-Type: multipart/alternative; boundary="banc"',
        "",
        "--banc",
        "Content-Type: text/plain; charset=utf-8",
        "",
        (letter / "issue.txt").read_text(encoding="utf-8"),
        "--banc",
        "Content-Type: text/html; charset=utf-8",
        "",
        (letter / "issue.html").read_text(encoding="utf-8"),
        "--banc--",
    ]
    return "\n".join(lines) + "\n"


def _with(name: str, folder: Path) -> dict[str, str]:
    return {**os.environ, name: str(folder)}
