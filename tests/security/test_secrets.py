"""Secrets and addresses of readers stay where they are kept: not in errors, other programs, files for all."""

import os
import re
import shutil
import stat
from pathlib import Path

import pytest

from newsletter.bounces.imap import ImapSettings
from newsletter.bounces.settings import BounceSettings
from newsletter.bounces.webhooks import Mailgun, Postmark
from newsletter.deliver.backends.session import Server
from newsletter.settings import without_password
from tests.conftest import PYTHON, Newsletter


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://lettre:s3cret@db.example.org/lettre", "postgresql://…@db.example.org/lettre"),
        ("postgresql://lettre:s3cr@et@db/lettre", "postgresql://…@db/lettre"),
        ("postgresql:/lettre:s3cret@db:no/x", "postgresql://…@db:no/x"),
        ("postgresql://db/lettre?password=s3cret", "postgresql://db/lettre?…"),
        ("sqlite:///.newsletter/newsletter.db", "sqlite:///.newsletter/newsletter.db"),
        ("", ""),
    ],
)
def test_an_address_is_shown_without_what_may_be_a_password(url: str, shown: str) -> None:
    assert without_password(url) == shown


@pytest.mark.parametrize(
    "url",
    [
        "postgresq://lettre:s3cret@db/lettre",
        "mysql://lettre:s3cret@db:seven/lettre",
        "lettre:s3cret@db",
        "oracle://db/lettre?password=s3cret",
    ],
)
def test_a_store_that_cannot_be_meant_is_told_without_its_password(
    paper: Path, newsletter: Newsletter, url: str
) -> None:
    with (paper / "newsletter.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'\n[store]\nurl = "{url}"\n')
    answer = newsletter("readers", "list")
    assert answer.code not in (0, 1)
    assert "[store] url" in answer.err
    assert "s3cret" not in answer.out + answer.err


def test_settings_show_no_secret_in_an_error() -> None:
    imap = ImapSettings(host="h", username="u", password="s3cret")
    bounces = BounceSettings(imap=imap, postmark=Postmark(secret="s3cret"), mailgun=Mailgun(key="s3cret"))
    server = Server(host="h", port=25, password="s3cret", token=lambda: "s3cret")
    assert "s3cret" not in repr((bounces, server))


def test_no_program_that_we_start_is_told_our_secrets(
    paper: Path, newsletter: Newsletter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the place of each stands one that writes down what it was told."""
    told = tmp_path / "told"
    spy = f"#!{PYTHON}\nimport os\nopen({str(told)!r}, 'a').write(str(dict(os.environ)) + chr(10))\n"
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("chromium", "git", "sendmail", "spamassassin"):
        (programs / name).write_text(spy + "raise SystemExit(1)\n", encoding="utf-8")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("NEWSLETTER_SECRET", "s3cret-s3cret-s3cret")
    assert shutil.which("git") == str(programs / "git")
    assert newsletter("readers", "add", "lea@example.org").code == 0
    newsletter("diff")
    newsletter("preview", "2026-11-23", "--sheet", "sheet.png")
    newsletter("check", "2026-11-23", "--spam")
    settings = (paper / "newsletter.toml").read_text(encoding="utf-8")
    settings = settings.replace('"folder"', '"sendmail"').replace("lettre.invalid", "lettre.fr")
    settings += f'\n[backends.sendmail]\ncommand = "{programs}/sendmail"\n'
    (paper / "newsletter.toml").write_text(settings, encoding="utf-8")
    newsletter("send", "--yes")
    assert len(told.read_text(encoding="utf-8").splitlines()) >= 4
    assert "s3cret" not in told.read_text(encoding="utf-8")


def modes(folder: Path) -> dict[str, str]:
    """Every file and folder that somebody else could read, with its mode."""
    found = {}
    for path in [folder, *folder.rglob("*")]:
        mode = stat.S_IMODE(path.lstat().st_mode)
        if mode & 0o077:
            found[path.relative_to(folder.parent).as_posix()] = oct(mode)
    return found


def test_files_with_addresses_and_folders_that_name_readers_are_their_owners_alone(
    paper: Path, newsletter: Newsletter
) -> None:
    old = os.umask(0o022)  # what nearly everybody has
    try:
        settings = (paper / "newsletter.toml").read_text(encoding="utf-8")
        settings += '\n[backends.folder]\npath = "mails/outbox"\n[backends.maildir]\npath = "mails/maildir"\n'
        (paper / "newsletter.toml").write_text(settings, encoding="utf-8")
        (paper / "list.csv").write_text("email\nlea@example.org\nnobody\n", encoding="utf-8")
        answer = newsletter("readers", "import", "list.csv", "--source", "s", "--refused", "refused.csv")
        assert answer.code == 4
        assert newsletter("readers", "export", "-o", "export.csv").code == 0
        assert newsletter("send", "--yes").code == 0
        (paper / "newsletter.toml").write_text(
            settings.replace('= "folder"', '= "maildir"'), encoding="utf-8"
        )
        assert newsletter("send", "--yes").code == 0
    finally:
        os.umask(old)
    assert list((paper / "mails/outbox").rglob("*.eml"))
    assert list((paper / "mails/maildir/new").iterdir())
    assert modes(paper / "mails") == {}
    assert (paper / "export.csv").stat().st_mode & 0o777 == 0o600
    assert (paper / "refused.csv").stat().st_mode & 0o777 == 0o600
    state = modes(paper / ".newsletter")
    assert {path for path in state if not re.search(r"\.lock$", path)} == set()
