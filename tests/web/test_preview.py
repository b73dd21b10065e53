"""The light table's server: who may ask, what it answers, that it is read anew."""

import http.client
import json
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from tests.conftest import Newsletter
from tests.stories.conftest import Mailroom, through_smtp
from tests.stories.conftest import mailroom as mailroom
from tests.web.conftest import KEY, LightTable, started

SHEET = f"/sheet.json?issue={KEY}"
FIRST = f"issues/{KEY}/01-premier.md"


def test_it_listens_on_this_machine_only_and_ends_by_ctrl_c(table: LightTable) -> None:
    assert table.ask("/").status == 200
    code, said = table.end()
    assert code == 0
    assert said == "Ctrl-C ends it.\n"


def test_a_port_that_is_taken_is_told(shared: LightTable, newsletter: Newsletter) -> None:
    answer = newsletter("preview", KEY, "--no-open", "--port", str(shared.port))
    assert answer.code == 2
    assert answer.err == (
        f"Error: --port: port {shared.port} is not to be had: Address already in use\n"
        "Hint: name another one, or leave --port out\n"
    )


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.evil.example:{port}"]
)
@pytest.mark.parametrize("path", ["/", SHEET, f"/view/{KEY}", "/changes"])
def test_a_page_whose_name_was_turned_to_this_machine_gets_nothing(
    shared: LightTable, host: str, path: str
) -> None:
    answer = shared.ask(path, Host=host.format(port=shared.port))
    assert (answer.status, answer.text) == (421, "not the name of this server\n")


def test_two_hosts_or_none_get_nothing(shared: LightTable) -> None:
    for hosts in ((), (f"127.0.0.1:{shared.port}", "evil.example")):
        connection = http.client.HTTPConnection("127.0.0.1", shared.port, timeout=10)
        connection.putrequest("GET", "/", skip_host=True)
        for host in hosts:
            connection.putheader("Host", host)
        connection.endheaders()
        assert connection.getresponse().status in (400, 421)
        connection.close()


def test_the_local_name_is_as_good_as_the_number(shared: LightTable) -> None:
    assert shared.ask("/", Host=f"localhost:{shared.port}").status == 200


@pytest.mark.parametrize("origin", ["", "null", "https://evil.example", "http://127.0.0.1:1"])
def test_only_a_page_of_the_table_sends_tests(shared: LightTable, paper: Path, origin: str) -> None:
    data = json.dumps({"issue": KEY, "address": "ada@example.org"}).encode()
    headers = {"Origin": origin} if origin else {}
    assert shared.ask("/test", method="POST", data=data, **headers).status == 403
    assert list(shared.paper.rglob("*.eml")) == []


def test_nothing_is_changed_by_get(shared: LightTable) -> None:
    before = {path: path.read_bytes() for path in shared.paper.rglob("*") if path.is_file()}
    assert shared.ask("/test").status == 405
    for path in ("/", "/issues.json", SHEET, f"/findings.json?issue={KEY}", f"/view/{KEY}?show=source"):
        assert shared.ask(path).status == 200
    assert {path: path.read_bytes() for path in shared.paper.rglob("*") if path.is_file()} == before


def test_no_page_may_run_what_is_not_the_tables_own(shared: LightTable) -> None:
    policy_ = shared.ask("/").headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self';" in policy_
    assert "frame-ancestors 'none'" in policy_
    assert "unsafe" not in policy_
    policy_ = shared.ask(f"/view/{KEY}").headers["content-security-policy"]
    assert "script-src" not in policy_
    assert "default-src 'none'" in policy_
    assert "img-src 'self' data:;" in policy_
    assert "allow-scripts" not in policy_
    assert "; sandbox " in policy_


@pytest.mark.parametrize(
    "path",
    [
        "/table/../preview.py",
        "/table/%2e%2e%2fpreview.py",
        "/table/nothing.js",
        "/view/2026-11-23?show=other",
        "/view/..%2f..%2fetc",
        "/sheet.json?issue=../../etc",
        f"/picture/{KEY}/..%2f..%2fnewsletter.toml",
    ],
)
def test_there_is_nothing_but_what_is_on_the_table(shared: LightTable, path: str) -> None:
    assert shared.ask(path).status == 404


def test_the_sheet_tells_what_a_glance_should(shared: LightTable) -> None:
    sheet = shared.ask(SHEET).json
    assert sheet["key"] == KEY
    assert sheet["subject"] == "Un numéro pour les tests\u00a0: tout y est"
    assert sheet["articles"] == 1
    assert sheet["reading"]["limit"] == 300
    assert 0 < sheet["reading"]["seconds"] < 60
    assert sheet["sizes"]["html"] > 10_000
    assert shared.ask("/issues.json").json == {
        "first": KEY,
        "issues": [{"key": KEY, "subject": "Un numéro pour les tests : tout y est", "state": "not sent"}],
        "clients": [
            {"key": key, "name": name}
            for key, name in (
                ("gmail", "Gmail for Android"),
                ("outlook", "Outlook for Windows"),
                ("orange", "Orange"),
                ("sfr", "SFR"),
                ("laposte", "La Poste"),
                ("yahoo", "Yahoo"),
                ("apple", "Apple Mail for iOS"),
            )
        ],
    }


def test_an_issue_that_was_sent_says_so(
    table: LightTable, newsletter: Newsletter, mailroom: Mailroom
) -> None:
    through_smtp(table.paper, mailroom.port)
    (table.paper / "readers.csv").write_text("email\nada@example.org\n", encoding="utf-8")
    assert newsletter("readers", "import", "readers.csv", "--source", "the fair").code == 0
    assert newsletter("send", "--yes").code == 0
    assert table.ask("/issues.json").json["issues"][0]["state"] == "sent"


def test_without_a_readable_database_the_list_has_no_states(table: LightTable) -> None:
    (table.paper / ".newsletter").mkdir(exist_ok=True)
    (table.paper / ".newsletter/newsletter.db").write_text("no database", encoding="utf-8")
    assert table.ask("/issues.json").json["issues"][0]["state"] == ""


def test_what_is_saved_is_shown_and_what_is_not_is_not_composed_again(table: LightTable) -> None:
    before = table.ask(SHEET).json
    assert table.ask(SHEET).json == before
    article = table.paper / FIRST
    article.write_text(article.read_text(encoding="utf-8") + "\nUne phrase toute neuve.\n", encoding="utf-8")
    assert table.ask(SHEET).json["stamp"] != before["stamp"]
    assert "Une phrase toute neuve." in table.ask(f"/view/{KEY}").text


def test_settings_are_read_anew(table: LightTable) -> None:
    settings = table.paper / "newsletter.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text + '\n[look]\naccent = "#123456"\n', encoding="utf-8")
    assert "#123456" in table.ask(f"/view/{KEY}").text


@pytest.mark.parametrize(
    ("file", "old", "new", "where", "line", "message"),
    [
        (FIRST, "title:", "titel:", f"{FIRST}:2", 2, "unknown key 'titel'"),
        (
            "templates/mail/issue.mjml.j2",
            "</mj-body>",
            "<mj-bdoy/></mj-body>",
            "templates/mail/issue.mjml.j2",
            0,
            "unknown MJML tag <mj-bdoy>",
        ),
        ("newsletter.toml", "[send]", "[sned]", "newsletter.toml:8", 8, "unknown table 'sned'"),
    ],
)
def test_a_fault_is_told_with_its_lines_and_goes_when_it_is_put_right(
    table: LightTable, file: str, old: str, new: str, where: str, line: int, message: str
) -> None:
    path = table.paper / file
    right = path.read_text(encoding="utf-8")
    path.write_text(right.replace(old, new, 1), encoding="utf-8")
    answer = table.ask(SHEET)
    assert answer.status == 409
    error = answer.json["error"]
    assert error["message"] == message
    assert error["where"].startswith(where)
    assert error["hint"]
    assert error["line"] == line or not line
    assert new.partition("</")[0] in dict(error["lines"])[error["line"]]
    assert table.ask(f"/view/{KEY}").status == 409
    path.write_text(right, encoding="utf-8")
    assert table.ask(SHEET).status == 200


def test_findings_come_with_their_source_line(table: LightTable) -> None:
    article = table.paper / FIRST
    text = article.read_text(encoding="utf-8").replace("un autre", "un TODO autre")
    article.write_text(text, encoding="utf-8")
    (found,) = (
        each
        for each in table.ask(f"/findings.json?issue={KEY}").json["findings"]
        if each["rule"] == "placeholder"
    )
    assert (found["path"], found["line"], found["column"]) == (FIRST, 12, 6)
    assert (found["level"], found["source"], found["waived"]) == ("error", "- un TODO autre.", "")


def test_a_test_mail_leaves_as_the_test_command_sends_it(
    table: LightTable, mailroom: Mailroom, newsletter: Newsletter
) -> None:
    through_smtp(table.paper, mailroom.port)
    data = json.dumps({"issue": KEY, "address": "ada@example.org"}).encode()
    answer = table.ask("/test", method="POST", data=data, Origin=table.address)
    assert answer.status == 200
    assert answer.json["said"].startswith("ada@example.org: sent, 250 OK")
    assert newsletter("test", "--to", "ada@example.org").code == 0
    (_, ours), (_, theirs) = mailroom.accepted
    one, other = (message_from_bytes(each, policy=policy.default) for each in (ours, theirs))
    assert one["Subject"] == "[TEST] Un numéro pour les tests\u00a0: tout y est"
    assert (one["Subject"], one["From"], one["To"]) == (other["Subject"], other["From"], other["To"])
    texts = [
        next(part for part in mail.walk() if part.get_content_type() == "text/html") for mail in (one, other)
    ]
    assert texts[0].get_content() == texts[1].get_content()


def test_what_keeps_a_test_mail_back_is_told(table: LightTable, mailroom: Mailroom) -> None:
    def post(**wish: str) -> object:
        return table.ask("/test", method="POST", data=json.dumps(wish).encode(), Origin=table.address).json[
            "error"
        ]["message"]

    assert "zoe" in str(post(issue=KEY, address="zoe"))
    through_smtp(table.paper, mailroom.port)
    mailroom.answer = lambda recipient: "550 no such user"
    assert "550" in str(post(issue=KEY, address="ada@example.org"))
    assert table.ask("/test", method="POST", data=b"{}", Origin=table.address).status == 400


def test_each_change_is_told(table: LightTable) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", table.port, timeout=10)
    connection.request("GET", f"/changes?issue={KEY}")
    events = connection.getresponse()
    first = events.readline()
    assert first.startswith(b"data: ")
    events.readline()
    for _ in range(3):
        (table.paper / FIRST).touch()
        told = events.readline()
        assert told not in (b"", first)
        first = told
        events.readline()
    connection.close()


def test_a_broken_publication_is_refused_as_everywhere(paper: Path, newsletter: Newsletter) -> None:
    (paper / "newsletter.toml").write_text("[", encoding="utf-8")
    assert newsletter("preview", KEY, "--no-open").code == 2


def test_an_issue_that_cannot_be_composed_opens_all_the_same(paper: Path) -> None:
    (paper / FIRST).write_text("no head", encoding="utf-8")
    table = started(paper)
    assert table.ask("/").status == 200
    assert table.ask(SHEET).status == 409
    assert table.end()[0] == 0
