"""The site, asked like anybody asks it: one click, looking, its health, the page of the last issue."""

from pathlib import Path

import pytest

from newsletter.doctor.line import Verdict
from newsletter.doctor.names import Names
from newsletter.doctor.site import health, looked_at, one_click, pressed, web_version
from newsletter.doctor.web import Said
from newsletter.links import PROBED, Purpose, read_signer
from newsletter.readers.database import Database
from tests.doctor.conftest import Make, only, told
from tests.doctor.papers import papers
from tests.doctor.web_server import Answer, WebServer
from tests.readers import monday

CLICK, LOOK = "POST /leave/*", "GET /leave/*"
PAGE = Answer(body=b"<form>")
GOOD = {CLICK: Answer(body=PROBED.encode()), LOOK: PAGE}


def with_key(root: Path) -> None:
    """The publication has a key of links."""
    (root / ".newsletter").mkdir(exist_ok=True)
    (root / ".newsletter/secret").write_text("k" * 40, encoding="ascii")
    (root / ".newsletter/secret").chmod(0o600)


@pytest.mark.usefixtures("believed")
def test_one_click_is_probed_with_a_token_that_is_nobodys(case: Make, root: Path, online: Names) -> None:
    with_key(root)
    with WebServer(GOOD, tls=papers("127.0.0.1")) as site:
        found = case(url=site.url, names=online)
        assert told(one_click(found)) == [
            ("One click", "pass", "works: 200 at once, no redirection, a certificate that holds"),
            ("Looking", "pass", "a GET is shown a page, and does nothing"),
        ]
        (post, path, body), (get, same, nothing) = site.asked
    assert (post, body, get, same, nothing) == ("POST", b"List-Unsubscribe=One-Click", "GET", path, b"")
    signer = read_signer(root / ".newsletter", found.config.publication.list_id, {})
    token = path.removeprefix("/leave/")
    assert signer.check_until(token, Purpose.PROBE, found.now) == "doctor"


def said(status: int = 200, body: bytes = PROBED.encode(), **headers: str) -> Said:
    return Said(status=status, headers=headers, body=body, here=False)


@pytest.mark.parametrize(
    ("answer", "secure", "verdict", "seen"),
    [
        (said(), True, "pass", "works: 200 at once, no redirection, a certificate that holds"),
        (said(), False, "fail", "works, but not by https (RFC 8058 §3.1)"),
        (
            said(302, location="https://x.invalid/"),
            True,
            "fail",
            "answered by a redirection to https://x.invalid/, which mail programs do not follow",
        ),
        (said(404), True, "fail", "the site does not know links signed here: nobody can leave"),
        (said(503), True, "fail", "answered with 503, and mail programs expect 200"),
        (said(200, b"welcome"), True, "fail", "something else answers there, which takes no leave"),
    ],
)
def test_what_the_answer_to_one_click_means(answer: Said, secure: bool, verdict: str, seen: str) -> None:
    line = pressed(answer, secure=secure)
    assert (line.verdict.value, line.seen, bool(line.do)) == (verdict, seen, verdict != "pass")


@pytest.mark.parametrize(
    ("answer", "verdict", "seen"),
    [
        (said(200, b"<form>"), "pass", "a GET is shown a page, and does nothing"),
        (said(), "fail", "a GET is taken for a click: scanners will make readers leave"),
        (said(405, b""), "warn", "the link in the mail is answered with 405"),
    ],
)
def test_what_the_answer_to_looking_means(answer: Said, verdict: str, seen: str) -> None:
    line = looked_at(answer)
    assert (line.verdict.value, line.seen) == (verdict, seen)


@pytest.mark.usefixtures("believed")
def test_a_certificate_that_does_not_hold_fails_and_a_silent_site_is_unknown(
    case: Make, root: Path, online: Names
) -> None:
    with_key(root)
    with WebServer(GOOD, tls=papers("elsewhere.invalid")) as site:
        line = only(one_click(case(url=site.url, names=online)))
        assert (line.verdict, line.do) == (Verdict.FAIL, "renew the certificate")
        assert "the certificate does not hold" in line.seen
        assert site.asked == []
    line = only(one_click(case(url=site.url, names=online)))
    assert line.verdict is Verdict.UNKNOWN
    assert line.seen == f"{site.url} cannot be reached from here: Connection refused"


def test_without_a_key_none_is_made_and_without_a_site_nobody_asks(
    case: Make, root: Path, online: Names
) -> None:
    with WebServer(GOOD) as site:
        line = only(one_click(case(url=site.url, names=online)))
        assert (line.verdict, line.seen) == (
            Verdict.UNKNOWN,
            "no mail was made yet, and no key of links",
        )
        assert site.asked == []
    assert not (root / ".newsletter").exists()
    assert only(one_click(case(url="", names=online))).verdict is Verdict.FAIL
    assert only(one_click(case(url="", names=online, backend="folder"))).verdict is Verdict.WARN
    assert only(one_click(case())).seen == "not looked at: --offline"
    nobodys = only(one_click(case(url="https://news.example.org", names=online)))
    assert (nobodys.verdict, nobodys.seen) == (
        Verdict.UNKNOWN,
        "not asked: news.example.org is nobody's",
    )


def test_another_site_that_answers_everything_is_not_taken_for_ours(
    case: Make, root: Path, online: Names
) -> None:
    with_key(root)
    with WebServer({CLICK: PAGE, LOOK: PAGE}) as site:
        assert told(one_click(case(url=site.url, names=online))) == [
            ("One click", "fail", "something else answers there, which takes no leave"),
            ("Looking", "unknown", "not looked at: no link of ours is taken there"),
        ]


def test_a_key_that_cannot_be_used_fails(case: Make, online: Names) -> None:
    line = only(one_click(case(names=online, environment={"NEWSLETTER_SECRET": "short"})))
    assert (line.verdict, line.seen) == (
        Verdict.FAIL,
        "NEWSLETTER_SECRET: a key of fewer than 16 characters",
    )


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (Answer(body=b'{"well":true,"database":"writable"}'), "pass"),
        (Answer(body=b"this domain is for sale"), "unknown"),
        (Answer(status=503), "fail"),
        (Answer(status=404), "unknown"),
        (Answer(status=301), "unknown"),
    ],
)
def test_the_site_says_how_it_is(case: Make, online: Names, answer: Answer, verdict: str) -> None:
    with WebServer({"GET /actu/healthz": answer}) as site:
        line = only(health(case(url=f"{site.url}/actu", names=online)))
    assert (line.title, line.verdict.value) == ("Site", verdict)


def test_a_site_that_is_not_there_says_nothing(case: Make, online: Names) -> None:
    with WebServer({}) as site:
        pass
    assert only(health(case(url=site.url, names=online))).verdict is Verdict.UNKNOWN
    assert told(health(case())) == [("Site", "unknown", "not looked at: --offline")]


# ---- the page of the last issue ----


@pytest.fixture
def sent(root: Path) -> Path:
    """The publication has sent two issues, the last on 23 November."""
    with Database.open("sqlite:///.newsletter/newsletter.db", root) as database:
        monday.write(database)
    return root


@pytest.mark.usefixtures("sent")
def test_the_page_of_the_last_issue_is_there_or_not(case: Make, online: Names) -> None:
    answers: dict[str, Answer] = {"GET /2026-11-23/": PAGE}
    with WebServer(answers) as site:
        line = only(web_version(case(url=site.url, names=online)))
        parked = f"{site.url}/2026-11-23/ is there, and does not say that it is ours"
        assert (line.verdict, line.seen) == (Verdict.UNKNOWN, parked)
        ours = f'<link rel="canonical" href="{site.url}/2026-11-23/">'
        answers["GET /2026-11-23/"] = Answer(body=ours.encode())
        line = only(web_version(case(url=site.url, names=online)))
        assert (line.verdict, line.seen) == (Verdict.PASS, f"{site.url}/2026-11-23/ is there")
    with WebServer({}) as site:
        line = only(web_version(case(url=site.url, names=online)))
        assert (line.verdict, line.seen) == (
            Verdict.FAIL,
            f"{site.url}/2026-11-23/ is answered with 404",
        )
        assert line.do == "newsletter serve, or newsletter site build -o FOLDER --with 2026-11-23"
    assert only(web_version(case(url=site.url, names=online))).verdict is Verdict.UNKNOWN
    assert only(web_version(case(url="", names=online))).verdict is Verdict.WARN
    assert only(web_version(case())).seen == "not looked at: --offline"


def test_before_the_first_issue_there_is_nothing_to_look_for(case: Make, online: Names) -> None:
    assert told(web_version(case(names=online))) == [("Web version", "unknown", "no issue was sent yet")]


def test_a_damaged_database_is_not_asked_for_the_last_issue(case: Make, root: Path, online: Names) -> None:
    (root / ".newsletter").mkdir()
    (root / ".newsletter/newsletter.db").write_text("x" * 4000, encoding="ascii")
    assert only(web_version(case(names=online))).verdict is Verdict.UNKNOWN
