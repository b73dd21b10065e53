"""Settings: where each value comes from, what is wrong with it, and who else can read what is secret."""

from pathlib import Path

import pytest

from newsletter.doctor.line import Verdict
from newsletter.doctor.settings import address, files, hours, secrets, sender, ways_out
from tests.doctor.conftest import Make, only, told

EXAMPLE = '[publication]\nname = "x"\nsender = "x <a@example.org>"\npostal_address = "1 rue"\n'


def test_the_sender_is_told_with_its_line_and_postal_address(case: Make) -> None:
    assert told(sender(case())) == [
        (
            "Sender",
            "pass",
            "La lettre <redaction@lettre.invalid> (newsletter.toml:4); by 1 rue du Test, 75000 Paris",
        )
    ]


def test_a_sender_at_nobodys_address_fails_unless_it_is_a_rehearsal(case: Make) -> None:
    smtp = '[send]\nbackend = "sendmail"\n'
    line = only(sender(case(smtp, text=EXAMPLE, backend="sendmail")))
    assert line.verdict is Verdict.FAIL
    assert line.seen.endswith("the sender is 'a@example.org', an address of nobody's")
    assert line.do == 'set sender = "Name <you@your-domain>" in [publication]'
    assert only(sender(case(text=EXAMPLE, backend=""))).verdict is Verdict.WARN


def test_a_paper_without_a_postal_address_fails(case: Make) -> None:
    text = '[publication]\nname = "x"\nsender = "x <a@lettre.invalid>"\n[send]\nbackend = "sendmail"\n'
    line = only(sender(case(text=text)))
    assert (line.verdict, line.do) == (Verdict.FAIL, 'add postal_address = "…" to [publication]')


@pytest.mark.parametrize("domain", ["gmail.com", "Yahoo.co.uk", "orange.fr", "free.fr", "hotmail.com"])
def test_nobody_may_send_in_the_name_of_a_mail_service(case: Make, domain: str) -> None:
    line = only(sender(case(text=EXAMPLE.replace("example.org", domain), backend="")))
    assert line.verdict is Verdict.FAIL
    assert line.seen.endswith(f"nobody but {domain} may send in its name")


def test_a_domain_that_only_sounds_like_one_may(case: Make) -> None:
    for domain in ("libre-orange.fr", "free.mairie.fr", "sfrancois.fr"):
        line = only(sender(case(text=EXAMPLE.replace("example.org", domain), backend="")))
        assert line.verdict is Verdict.PASS, domain


def test_where_answers_go_is_told(case: Make) -> None:
    text = EXAMPLE + 'reply_to = "lea@lettre.invalid"\n'
    assert told(sender(case(text=text, backend="")))[1] == (
        "Answers",
        "pass",
        "go to lea@lettre.invalid (newsletter.toml:5)",
    )


@pytest.mark.parametrize(
    ("url", "verdict", "seen"),
    [
        ("https://lettre.invalid/actu", "pass", "https://lettre.invalid/actu (newsletter.toml:3)"),
        (
            "http://lettre.invalid",
            "fail",
            "http://lettre.invalid (newsletter.toml:3): one click needs https (RFC 8058 §3.1)",
        ),
        (
            "https://news.example.org",
            "fail",
            "https://news.example.org (newsletter.toml:3), an address of nobody's",
        ),
        ("", "fail", "none (newsletter.toml:3): mails can be left by mail only, not by one click"),
    ],
)
def test_the_web_address(case: Make, url: str, verdict: str, seen: str) -> None:
    line = only(address(case(url=url)))
    assert (line.title, line.verdict.value, line.seen) == ("Web address", verdict, seen)
    if verdict == "fail":
        assert only(address(case(url=url, backend="folder"))).verdict is Verdict.WARN


def test_the_way_out_and_the_pace_are_told_with_their_origin(case: Make) -> None:
    assert told(ways_out(case("per_second = 20\n"))) == [
        ("Way out", "pass", "sendmail (newsletter.toml:8)"),
        (
            "Pace",
            "pass",
            ("20 a second (newsletter.toml:9), 10 connections (default), 30\u00a0min of patience (default)"),
        ),
    ]


def test_when_the_next_issue_is_due_and_that_nobody_would_be_told(case: Make) -> None:
    schedule = '[schedule]\ndays = "mon-fri"\n'
    assert told(hours(case(schedule))) == [
        (
            "Schedule",
            "pass",
            "the next issue is due on Mon 23 Nov at 07:00 (days: newsletter.toml:10, hour: default)",
        ),
        (
            "Alerts",
            "warn",
            "nobody is told if an issue does not leave, but for the words of send --due itself",
        ),
    ]
    alerts = '[alerts]\nmail = "ada@lettre.invalid"\ncommand = ["page-me"]\n'
    assert told(hours(case(alerts)))[1] == ("Alerts", "pass", "someone is told by mail, command")


def test_each_relay_is_told_by_its_name(case: Make) -> None:
    relays = '[relays.paris]\nper_second = 20\n[relays.lyon]\nbackend = "folder"\nconnections = 4\n'
    assert told(ways_out(case(relays))) == [
        ("Way out paris", "pass", "sendmail (newsletter.toml:9)"),
        ("Way out lyon", "warn", "folder (newsletter.toml:12): a rehearsal, nobody gets mail"),
        (
            "Pace",
            "pass",
            (
                "paris 20 a second, 10 connections; lyon as fast as it takes them, 4 connections a worker; "
                "30\u00a0min of patience (default)"
            ),
        ),
    ]


def test_a_rehearsal_is_told_and_wrong_settings_fail(case: Make) -> None:
    rehearsal = next(ways_out(case(backend="folder")))
    assert (rehearsal.verdict, rehearsal.seen) == (
        Verdict.WARN,
        "folder (newsletter.toml:8): a rehearsal, nobody gets mail",
    )
    wrong = next(ways_out(case("[backends.smtp]\nport = 25\n", backend="smtp")))
    assert wrong.verdict is Verdict.FAIL
    assert wrong.seen == "smtp (newsletter.toml:8): newsletter.toml:9: no 'host' in [backends.smtp]"
    login = '[backends.smtp]\nhost = "smtp.lettre.invalid"\nusername = "lea"\n'
    nameless = next(ways_out(case(login, backend="smtp")))
    assert (nameless.verdict, "no password for 'lea'" in nameless.seen) == (Verdict.FAIL, True)


# ---- secrets and files ----


def test_secrets_are_told_by_where_they_are_and_never_shown(case: Make, root: Path) -> None:
    secret = root / "imap"
    secret.write_text("sésame-ouvre-toi\n", encoding="utf-8")
    secret.chmod(0o600)
    environment = {"NEWSLETTER_SMTP_PASSWORD": "sésame", "NEWSLETTER_IMAP_PASSWORD_FILE": str(secret)}
    (root / ".newsletter").mkdir()
    own = root / ".newsletter/secret"
    own.write_text("k" * 32, encoding="ascii")
    own.chmod(0o600)
    line = only(secrets(case(environment=environment)))
    assert (line.verdict, line.seen) == (
        Verdict.PASS,
        (
            f"NEWSLETTER_SMTP_PASSWORD from the environment; NEWSLETTER_IMAP_PASSWORD from {secret}; "
            "the key of links from .newsletter/secret"
        ),
    )
    assert "sésame" not in line.seen


def test_a_secret_that_others_can_read_or_that_is_missing_fails(case: Make, root: Path) -> None:
    secret = root / "imap"
    secret.write_text("sésame", encoding="utf-8")
    secret.chmod(0o644)
    missing = root / "gone"
    environment = {
        "NEWSLETTER_IMAP_PASSWORD_FILE": str(secret),
        "NEWSLETTER_SMTP_PASSWORD_FILE": str(missing),
    }
    (root / ".newsletter").mkdir()
    own = root / ".newsletter/secret"
    own.write_text("k" * 32, encoding="ascii")
    own.chmod(0o640)
    lines = list(secrets(case(environment=environment)))
    assert told(lines) == [
        (
            "Secrets",
            "fail",
            f"NEWSLETTER_SMTP_PASSWORD_FILE: {missing} cannot be read: No such file or directory",
        ),
        ("Secrets", "fail", f"NEWSLETTER_IMAP_PASSWORD_FILE: {secret} can be read by others"),
        ("Secrets", "fail", f"{own}: {own} can be read by others"),
    ]
    assert lines[2].do == f"chmod 600 {own}"


def test_a_key_of_links_that_is_too_short_fails_once(case: Make) -> None:
    assert told(secrets(case(environment={"NEWSLETTER_SECRET": "short"}))) == [
        ("Secrets", "fail", "NEWSLETTER_SECRET: a key of fewer than 16 characters")
    ]


def test_no_key_is_made_by_looking_for_it(case: Make, root: Path) -> None:
    assert only(secrets(case())).seen == "none yet; the key of links is made at the first use"
    assert not (root / ".newsletter").exists()


def test_the_secrets_of_each_relay_are_told_too(case: Make, root: Path) -> None:
    environment = {
        "NEWSLETTER_PARIS_SMTP_PASSWORD": "x",
        "NEWSLETTER_LYON_2_SMTP_PASSWORD_FILE": str(root / "gone"),
    }
    relays = '[relays.paris]\n[relays.lyon-2]\nbackend = "folder"\n'
    assert [line.verdict for line in secrets(case(relays, environment=environment))] == [Verdict.FAIL]
    del environment["NEWSLETTER_LYON_2_SMTP_PASSWORD_FILE"]
    assert told(secrets(case(relays, environment=environment))) == [
        ("Secrets", "pass", "NEWSLETTER_PARIS_SMTP_PASSWORD from the environment")
    ]


def test_files_that_others_can_read_or_write_are_warned_of(case: Make, root: Path) -> None:
    made = case('[dkim]\nselectors = ["press"]\n')
    assert told(files(made)) == [("Files", "pass", "no database and no key of DKIM yet")]
    private = [root / ".newsletter/newsletter.db", root / ".newsletter/dkim/press.pem"]
    for path in private:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
    assert told(files(made)) == [
        ("Files", "pass", "for nobody else: .newsletter/newsletter.db, .newsletter/dkim/press.pem")
    ]
    (root / ".newsletter/environment").touch(mode=0o600)
    (root / ".newsletter/environment").chmod(0o644)
    private[0].chmod(0o644)
    private[1].chmod(0o660)
    (root / "newsletter.toml").chmod(0o666)
    assert told(files(made)) == [
        ("Files", "warn", ".newsletter/newsletter.db can be read by others (644)"),
        ("Files", "warn", ".newsletter/dkim/press.pem can be read by others (660)"),
        ("Files", "warn", ".newsletter/environment can be read by others (644)"),
        ("Files", "warn", "newsletter.toml can be written by others (666)"),
    ]
