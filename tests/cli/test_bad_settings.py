"""Settings, mail servers and databases that will not do: told by name and line, and nothing is sent."""

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import SEND, Door, refuses, replaced, told
from tests.conftest import SETTINGS, Newsletter
from tests.stories.conftest import Mailroom, through_smtp

# ---- settings ----


@pytest.mark.parametrize(
    ("old", "new", "error", "hint"),
    [
        (
            "postal_address",
            "postal_adress",
            "newsletter.toml:5: unknown setting 'postal_adress' in [publication]",
            'did you mean "postal_address"?',
        ),
        ("[send]", "[sned]", "newsletter.toml:8: unknown table 'sned'", "did you mean [send]?"),
        (
            '"folder"',
            '"foldre"',
            "newsletter.toml:9: no backend is called 'foldre'",
            'did you mean "folder"?',
        ),
        (
            '"folder"',
            '"pigeon"',
            "newsletter.toml:9: no backend is called 'pigeon'",
            "installed: console, folder, maildir, memory, sendmail, ses, smtp",
        ),
        (
            '"folder"',
            '"folder"\n\n[backends.folder]\npaht = "x"',
            "newsletter.toml:12: unknown setting 'paht' in [backends.folder]",
            'did you mean "path"?',
        ),
        (
            '"La lettre du test"',
            "La lettre du test",
            "newsletter.toml:2: not TOML: Invalid value",
            "put text between double quotes",
        ),
        (
            "[send]",
            '[look]\nlogo = "../logo.png"\n\n[send]',
            "newsletter.toml:9: picture '../logo.png' lies outside the folder paper",
            "put the picture into the folder paper and write its name only",
        ),
    ],
)
def test_a_mistake_in_the_settings_is_told_by_its_line(
    newsletter: Newsletter, paper: Path, old: str, new: str, error: str, hint: str
) -> None:
    newsletter("readers", "add", "a@example.org")
    assert old in SETTINGS
    (paper / "newsletter.toml").write_text(SETTINGS.replace(old, new, 1), encoding="utf-8")
    code = 3 if "picture" in error else 2
    refuses(newsletter, paper, *SEND, code=code, error=error, hint=hint)


NO_HOST = "no 'host' in [backends.smtp]"
PASSWORD = (
    "set NEWSLETTER_SMTP_PASSWORD, or NEWSLETTER_SMTP_PASSWORD_FILE to a file of mode 0600; "
    "or NEWSLETTER_SMTP_TOKEN, or token_command"
)


@pytest.mark.parametrize(
    ("table", "error", "hint"),
    [
        ("", f"newsletter.toml: {NO_HOST}", 'add a line [backends.smtp] and below it host = "…"'),
        ("[backends.smtp]", f"newsletter.toml:11: {NO_HOST}", 'add a line host = "…"'),
        (
            '[backends.smtp]\nhost = ""',
            "newsletter.toml:12: [backends.smtp] host: is empty",
            'write for instance host = "smtp.example.org"',
        ),
        (
            '[backends.smtp]\nhost = "127.0.0.1"\nport = "x"',
            "newsletter.toml:13: [backends.smtp] port: 'x' is not a whole number from 1 to 65535",
            "",
        ),
        (
            '[backends.smtp]\nhost = "127.0.0.1"\nsecurity = "plian"',
            "newsletter.toml:13: [backends.smtp] security: no such choice 'plian'",
            'write "plain"',
        ),
        (
            '[backends.smtp]\nhost = "mail.invalid"\nsecurity = "plain"',
            "newsletter.toml:13: [backends.smtp] security: mail to 'mail.invalid' would travel unencrypted",
            'write security = "starttls" or "tls"; "plain" is for a server on this machine',
        ),
        (
            '[backends.smtp]\nhost = "127.0.0.1"\nusername = "ada"',
            "newsletter.toml:13: no password for 'ada'",
            PASSWORD,
        ),
        (
            '[backends.smtp]\nhots = "127.0.0.1"',
            f"newsletter.toml:11: {NO_HOST}",
            'add a line host = "…"',
        ),
    ],
)
def test_a_mail_server_that_is_not_set_up_is_told_before_anything_is_begun(
    newsletter: Newsletter, paper: Path, table: str, error: str, hint: str
) -> None:
    newsletter("readers", "add", "a@example.org")
    settings = SETTINGS.replace('"folder"', '"smtp"') + f"\n{table}\n"
    (paper / "newsletter.toml").write_text(settings, encoding="utf-8")
    for arguments in (SEND, ("send", "--dry-run"), ("test", "--to", "a@example.org")):
        refuses(newsletter, paper, *arguments, code=2, error=error, hint=hint)


@pytest.mark.parametrize("arguments", [SEND, ("test", "--to", "a@example.org")])
@pytest.mark.parametrize(
    ("old", "new", "error", "hint"),
    [
        (
            "redaction@lettre.invalid",
            "redaction@example.org",
            "newsletter.toml: the sender is 'redaction@example.org', an address of nobody's",
            'set sender = "Name <you@your-domain>" in [publication]',
        ),
        (
            'postal_address = "1 rue du Test, 75000 Paris"\n',
            "",
            "newsletter.toml: no postal address: nothing can be sent to people",
            'add postal_address = "…" to [publication]',
        ),
    ],
)
def test_nothing_reaches_people_from_nobody_or_nowhere(
    newsletter: Newsletter,
    paper: Path,
    door: Door,
    arguments: tuple[str, ...],
    old: str,
    new: str,
    error: str,
    hint: str,
) -> None:
    replaced("newsletter.toml", old, new)(paper)
    refuses(newsletter, paper, *arguments, code=2, error=error, hint=hint)
    assert door.nobody_knocked()


def test_no_key_to_sign_with_stops_a_run_before_anything_is_begun(
    newsletter: Newsletter, paper: Path, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEWSLETTER_SECRET", "short")
    error = "NEWSLETTER_SECRET: a key of fewer than 16 characters"
    hint = 'make one: python3 -c "import secrets; print(secrets.token_urlsafe(32))"'
    refuses(newsletter, paper, *SEND, code=2, error=error, hint=hint)
    assert door.nobody_knocked()
    assert newsletter("status").err == "2026-11-23 was not sent.\n"


# ---- mail servers ----


def test_a_mail_server_that_is_not_there_leaves_everybody_owed(
    newsletter: Newsletter, paper: Path, door: Door
) -> None:
    door.close()
    answer = newsletter(*SEND)
    assert answer.code == 75
    assert answer.err.splitlines()[-4:] == [
        "3 readers = 3 owed",
        "To go on: newsletter send 2026-11-23",
        f"Error: 127.0.0.1:{door.port}: no connection: Connection refused",
        "Hint: check host and port in [backends.smtp], or try again later",
    ]
    assert newsletter("status").code == 4
    tested = newsletter("test", "--to", "a@example.org")
    assert (tested.code, told(tested)[0]) == (75, answer.err.splitlines()[-2])


def test_a_mail_server_that_wants_nobody_is_told_by_name(
    newsletter: Newsletter, paper: Path, door: Door, mailroom: Mailroom
) -> None:
    through_smtp(paper, mailroom.port)
    mailroom.answer = lambda recipient: "554 we do not want your mail"
    sent = newsletter(*SEND)
    assert (sent.code, sent.err.splitlines()[-1]) == (4, "3 readers = 3 refused")
    assert mailroom.accepted == []
    status = newsletter("status")
    assert sorted(" ".join(line.split()) for line in status.out.splitlines()[2:]) == [
        f"{name}@example.org refused 554 we do not want your mail" for name in "abc"
    ]
    tested = newsletter("test", "today", "--to", "z@example.org")
    assert tested.code == 4
    assert tested.err == "z@example.org: answer to dot: '554 we do not want your mail'\n"


# ---- the database ----


@pytest.mark.parametrize("arguments", [SEND, ("status",), ("readers", "list"), ("check",)])
def test_a_database_from_a_newer_version_is_left_alone(
    newsletter: Newsletter, paper: Path, door: Door, arguments: tuple[str, ...]
) -> None:
    with closing(sqlite3.connect(paper / ".newsletter" / "newsletter.db")) as connection:
        connection.execute("UPDATE about SET schema_version = 99")
        connection.commit()
    error = ".newsletter/newsletter.db: is from a newer version of the press (schema 99, this one knows 5)"
    hint = "upgrade the press: pip install --upgrade actu5"
    refuses(newsletter, paper, *arguments, code=75, error=error, hint=hint)
    assert door.nobody_knocked()


def test_a_file_that_is_no_database_is_left_alone(newsletter: Newsletter, paper: Path, door: Door) -> None:
    path = paper / ".newsletter" / "newsletter.db"
    path.unlink()
    path.write_bytes(b"garbage " * 1000)
    answer = newsletter(*SEND)
    assert (answer.code, told(answer)) == (
        75,
        [
            "Error: .newsletter/newsletter.db: not a database",
            "Hint: move this file away, or name another in [store] url",
        ],
    )
    assert path.read_bytes() == b"garbage " * 1000
    assert door.nobody_knocked()


def test_a_database_that_another_program_holds_for_a_moment_is_waited_for(
    newsletter: Newsletter, paper: Path, door: Door
) -> None:
    began = threading.Event()

    def hold() -> None:
        with closing(sqlite3.connect(paper / ".newsletter" / "newsletter.db")) as connection:
            connection.execute("BEGIN IMMEDIATE")
            began.set()
            time.sleep(0.5)

    holder = threading.Thread(target=hold)
    holder.start()
    began.wait()
    answer = newsletter("readers", "add", "d@example.org")
    holder.join()
    assert (answer.code, answer.err) == (0, "d@example.org was added\n")


def test_a_file_in_the_place_of_the_state_folder_is_told(newsletter: Newsletter, paper: Path) -> None:
    (paper / ".newsletter").write_text("", encoding="utf-8")
    error = ".newsletter/newsletter.db: cannot be made: Not a directory"
    hint = "make the folder writable, or name another place in [store] url"
    refuses(newsletter, paper, "readers", "add", "a@b.fr", code=75, error=error, hint=hint)
    error = ".newsletter/secret: cannot be written: File exists"
    hint = "make its folder writable, or set NEWSLETTER_SECRET"
    refuses(newsletter, paper, *SEND, code=2, error=error, hint=hint)
