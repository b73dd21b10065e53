"""What comes back: the return path, the mailbox, providers' calls; and what our own books say of us."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from newsletter.doctor.line import Verdict
from newsletter.doctor.names import Names
from newsletter.doctor.returns import bounces, complaints, hooks, mailbox, postmasters, rates, return_path
from newsletter.readers.database import Database
from tests.bounces.imap_server import AUTHORITY, ImapServer
from tests.doctor.conftest import Make, only, told
from tests.doctor.web_server import Answer, WebServer
from tests.readers import monday

PASSWORD = 's3cret "word"'


@pytest.fixture
def believed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    AUTHORITY.cert_pem.write_to_path(str(tmp_path / "imap.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "imap.pem"))


def settings(port: int, folder: str = "INBOX") -> str:
    return f'[bounces]\nhost = "localhost"\nport = {port}\nusername = "zoe"\nfolder = "{folder}"\n'


def test_one_return_path_for_all_is_a_warning_and_one_for_each_is_unknown(case: Make) -> None:
    assert told(return_path(case())) == [
        (
            "Return path",
            "warn",
            "redaction@lettre.invalid, the same for all: whose copy came back is guessed",
        )
    ]
    assert told(return_path(case('bounces = "b@lettre.invalid"\n'))) == [
        (
            "Return path",
            "unknown",
            "b@lettre.invalid: whether +TOKEN is delivered cannot be seen without a mail",
        )
    ]


# ---- the mailbox ----


@pytest.mark.usefixtures("believed")
def test_the_mailbox_is_logged_in_to_and_left_as_it_was(case: Make, online: Names) -> None:
    environment = {"NEWSLETTER_IMAP_PASSWORD": PASSWORD}
    with ImapServer(b"Subject: back\r\n\r\nA bounce.\r\n") as server:
        line = only(mailbox(case(settings(server.port), names=online, environment=environment)))
        assert (line.verdict, line.seen) == (
            Verdict.PASS,
            "localhost lets zoe in; nothing was fetched",
        )
        verbs = [command.split(" ")[0] for command in server.commands]
        assert set(verbs) <= {"CAPABILITY", "LOGIN", "SELECT", "LOGOUT"}
        assert [letter.flags for letter in server.letters] == [set()]


@pytest.mark.usefixtures("believed")
@pytest.mark.parametrize(
    ("password", "folder", "words"),
    [
        ("wrong", "INBOX", "does not take name and password"),
        (PASSWORD, "Elsewhere", "no folder 'Elsewhere'"),
    ],
)
def test_a_mailbox_that_does_not_let_us_in_fails(
    case: Make, online: Names, password: str, folder: str, words: str
) -> None:
    with ImapServer() as server:
        environment = {"NEWSLETTER_IMAP_PASSWORD": password}
        line = only(mailbox(case(settings(server.port, folder), names=online, environment=environment)))
    assert (line.verdict, words in line.seen) == (Verdict.FAIL, True)


def test_a_mailbox_that_cannot_be_reached_is_unknown(case: Make, online: Names) -> None:
    environment = {"NEWSLETTER_IMAP_PASSWORD": PASSWORD}
    with ImapServer() as server:
        port = server.port
        # Nobody believes its certificate here.
        line = only(mailbox(case(settings(port), names=online, environment=environment)))
        assert line.verdict is Verdict.UNKNOWN
    line = only(mailbox(case(settings(port), names=online, environment=environment)))
    assert (line.verdict, "cannot be reached from here" in line.seen) == (Verdict.UNKNOWN, True)
    assert told(mailbox(case(settings(port), environment=environment))) == [
        ("Bounce mailbox", "unknown", "not looked at: --offline")
    ]


def test_no_mailbox_is_a_warning_unless_a_provider_tells_and_one_without_a_password_fails(
    case: Make, online: Names
) -> None:
    assert only(mailbox(case(names=online))).verdict is Verdict.WARN
    told_by = {"NEWSLETTER_MAILGUN_KEY": "key-of-the-tests"}
    assert list(mailbox(case(names=online, environment=told_by))) == []
    line = only(mailbox(case(settings(993), names=online)))
    assert (line.verdict, line.do) == (Verdict.FAIL, "set NEWSLETTER_IMAP_PASSWORD")
    assert list(hooks(case(settings(993), names=online))) == []


# ---- providers ----


@pytest.mark.parametrize(
    ("status", "verdict"), [(401, "pass"), (404, "fail"), (500, "unknown"), (200, "unknown")]
)
def test_a_call_without_proof_is_turned_away_where_calls_are_taken(
    case: Make, online: Names, status: int, verdict: str
) -> None:
    environment = {"NEWSLETTER_MAILGUN_KEY": "k", "NEWSLETTER_POSTMARK_WEBHOOK": "a:b"}
    topics = '[bounces]\ntopics = ["arn:aws:sns:eu-west-3:1:bounces"]\n'
    with WebServer({"POST /hooks/*": Answer(status=status)}) as site:
        lines = told(hooks(case(topics, url=site.url, names=online, environment=environment)))
        assert [path for _, path, _ in site.asked] == ["/hooks/ses", "/hooks/postmark", "/hooks/mailgun"]
    assert [(title, each) for title, each, _ in lines] == [
        ("Calls of ses", verdict),
        ("Calls of postmark", verdict),
        ("Calls of mailgun", verdict),
    ]


def test_calls_to_a_site_that_is_not_there_are_unknown(case: Make, online: Names) -> None:
    environment = {"NEWSLETTER_MAILGUN_KEY": "k"}
    with WebServer({}) as site:
        pass
    for found in (
        case(url=site.url, names=online, environment=environment),
        case(url="", names=online, environment=environment),
        case(environment=environment),
    ):
        assert only(hooks(found)).verdict is Verdict.UNKNOWN


# ---- our own books ----


@pytest.mark.parametrize(
    ("count", "sent", "verdict"),
    [(0, 10, "pass"), (9, 10_000, "pass"), (10, 10_000, "warn"), (29, 10_000, "warn"), (30, 10_000, "fail")],
)
def test_complaints_are_held_against_the_lines_of_gmail(count: int, sent: int, verdict: str) -> None:
    assert complaints(count, sent).verdict.value == verdict


@pytest.mark.parametrize(
    ("count", "verdict"), [(0, "pass"), (49, "pass"), (50, "warn"), (99, "warn"), (100, "fail")]
)
def test_bounces_are_held_against_the_lines_of_amazon(count: int, verdict: str) -> None:
    assert bounces(count, 1000).verdict.value == verdict


def test_the_rates_are_counted_from_the_ledger(case: Make, root: Path) -> None:
    with Database.open("sqlite:///.newsletter/newsletter.db", root) as database:
        monday.write(database)
    assert told(rates(case())) == [
        (
            "Complaints",
            "fail",
            "1 of 45 copies in 4 weeks, 2.22 %; 0.10 % is much, 0.30 % too much",
        ),
        ("Bounces", "warn", "4 of 45 copies in 4 weeks, 8.9 %; 5 % is much, 10 % too much"),
    ]


def test_where_nothing_was_sent_nothing_is_known(case: Make, root: Path) -> None:
    nothing = [
        ("Complaints", "unknown", "nothing was sent in the last 4 weeks"),
        ("Bounces", "unknown", "nothing was sent in the last 4 weeks"),
    ]
    assert told(rates(case())) == nothing
    with Database.open("sqlite:///.newsletter/newsletter.db", root):
        pass
    assert told(rates(case())) == nothing
    with closing(sqlite3.connect(root / ".newsletter/newsletter.db")) as connection:
        connection.execute("UPDATE about SET schema_version = 99")
        connection.commit()
    assert told(rates(case())) == nothing
    (root / ".newsletter/newsletter.db").write_text("x" * 4000, encoding="ascii")
    assert only(rates(case())).verdict is Verdict.UNKNOWN


def test_what_only_the_mail_services_know_is_unknown(case: Make) -> None:
    assert told(postmasters(case())) == [
        (
            "Standing",
            "unknown",
            "what Gmail, Yahoo, Microsoft and Orange think of you, only they know",
        )
    ]
