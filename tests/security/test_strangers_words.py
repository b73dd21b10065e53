"""What strangers wrote is shown and kept, and never obeyed: by a terminal, a spreadsheet, a database."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path

import pytest

from newsletter.bounces.mail import read_returned
from newsletter.bounces.webhooks import Postmark, read_postmark
from newsletter.cli.screen import harmless, say, table
from newsletter.readers.addresses import read_address
from newsletter.readers.csv_file import Row, read_csv, write_rows
from newsletter.readers.dialect import look_at
from newsletter.readers.people import Which, find_people
from newsletter.readers.proof import Proof
from newsletter.web.live.door import who
from tests.bounces.mails import OURS, RETURN_PATH, SIGNER, failed, report
from tests.cli.conftest import answer_of, command
from tests.conftest import Newsletter
from tests.web.live.conftest import Live
from tests.web.live.conftest import live as live
from tests.web.live.conftest import site as site

# To rename the window, wipe the screen, ask a question that is answered into the shell; in 7 bits and in 8.
ESCAPES = (
    "\x1b]0;pwned\x07",
    "\x1b[2J\x1b[H",
    '\x1bP$q"p\x1b\\',
    "\x9b2J",
    "\x9d0;pwned\x9c",
    "\b\b",
    "\x7f",
)


@pytest.mark.parametrize("escape", [*ESCAPES, "\r"])
def test_a_terminal_is_told_nothing_by_whoever_wrote_a_text(
    escape: str, capsys: pytest.CaptureFixture[str]
) -> None:
    say(f"{escape}said\n\tand more")
    table(("heading",), [(f"{escape}cell",)])
    printed = capsys.readouterr()
    assert not set(printed.out + printed.err) & set("\x1b\x07\x08\r\x7f\x90\x9b\x9c\x9d")
    assert "said\n\tand more" in printed.err
    assert "cell" in printed.out


def test_our_own_colours_stay() -> None:
    assert harmless("\x1b[31m\x1b[1mError:\x1b[0m no") == "\x1b[31m\x1b[1mError:\x1b[0m no"


@pytest.mark.parametrize("escape", ESCAPES)
def test_what_came_back_is_kept_without_control_characters(escape: str) -> None:
    groups = failed("5.1.1", f"550 no such user {escape}").replace("mx.", f"mx{escape}.")
    (returned,) = read_returned(report(groups, original=OURS, to=RETURN_PATH), SIGNER)
    body = json.dumps({"RecordType": "Bounce", "Email": "a@b.fr", "Details": f"no {escape}"}).encode()
    (told,) = read_postmark(
        {"Authorization": "Basic YTpi"},
        body,
        Postmark(secret="a:b"),
        signer=SIGNER,
        now=datetime(2026, 11, 23, tzinfo=UTC),
    )
    for each in (returned, told):
        assert (each.host + each.text + each.explanation + each.code).isprintable()


def test_the_screen_of_whoever_looks_at_a_reader_shows_no_more_than_words(
    paper: Path, newsletter: Newsletter
) -> None:
    """All the way: a bounce that proves itself, read from a mail server's pipe, and `readers show`."""
    assert newsletter("readers", "add", "lea@example.org").code == 0
    assert newsletter("send", "--yes").code == 0
    (mail,) = (paper / ".newsletter").rglob("*.eml")
    head = mail.read_bytes().partition(b"\r\n\r\n")[0].decode().replace("\r\n", "\n")
    groups = failed("5.1.1", "550 5.1.1 no such user", recipient="lea@example.org")
    groups = groups.replace("mx.example.org", "mx\x1b]0;pwned\x07.example.org")
    (paper / "back.eml").write_bytes(report(groups, original=head + "\n"))
    with (paper / "back.eml").open("rb") as stream:
        assert answer_of(command(paper, "bounces", "-", stdin=stream)).code == 0
    shown = newsletter("readers", "show", "lea@example.org")
    assert "hard, 5.1.1, no such mailbox" in shown.out
    assert "pwned" in shown.out
    assert "\x1b]" not in shown.out
    assert "\x07" not in shown.out


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠SUM(A1)"]
)
def test_no_cell_of_an_export_is_a_formula(tmp_path: Path, cell: str) -> None:
    path = tmp_path / "export.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        write_rows(stream, ("email", "name"), [("lea@example.org", cell)])
    assert f"'{cell[0]}".encode() in path.read_bytes()
    (row,) = read_csv(look_at(path))
    assert isinstance(row, Row)
    assert "'" not in row.name


def test_no_zone_of_an_address_is_kept() -> None:
    proxies = [ip_network("127.0.0.1")]
    assert who("127.0.0.1", ["fe80::1%\x9b31m"], proxies) == "fe80::1"
    assert who("127.0.0.1", ["2001:db8::5%lea@example.org"], proxies) == "2001:db8::5"


# Of the kind that programs try which look for holes: ends of strings, second statements, comments, time.
SQL = (
    "' OR '1'='1",
    "' OR 1=1 --",
    "'; DROP TABLE reader; --",
    '"; DROP TABLE reader; --',
    "') ; DELETE FROM reader WHERE ('1'='1",
    "' UNION SELECT name, sql, 1, 1 FROM sqlite_master --",
    "1; ATTACH DATABASE 'pwned.db' AS x; --",
    "%' AND 1=randomblob(900000000) --",
    "%_%_%_%_%_%",
    "\\'; DROP TABLE reader; --",
    "lea' /*!50000OR*/ 1=1#",
    ":email",
    "?",
    "%(email)s",
)


def test_no_word_becomes_a_statement(live: Live, paper: Path) -> None:
    lea = live.add()
    for number, payload in enumerate(SQL):
        proof = Proof(source=payload, words=payload, page=payload)
        address = read_address(f"sql{number}@example.org")
        live.office.readers.add(address, payload, proof=proof, now=live.clock())
        live.sign_up(payload)
        live.sign_up("lea@example.org", page=payload, box=payload, nonce=payload, website="")
        for path in (live.leave_path(lea), live.mine_path(lea)):
            live.post(path, {"do": payload, "weeks": payload, "until": payload, "email": payload})
        live.get(f"leave/{payload}")
        for which in (Which(text=payload), Which(domain=payload)):
            names = {each.reader.name for each in find_people(live.office.database, which)}
            assert all(payload.lower() in name.lower() for name in names), (payload, names)
    with closing(sqlite3.connect(live.office.database.where)) as books:
        names = {name for (name,) in books.execute("SELECT name FROM reader WHERE email LIKE 'sql%'")}
        assert names == set(SQL)
        assert books.execute("SELECT status FROM reader WHERE email = 'lea@example.org'").fetchall()
    assert not list(paper.rglob("pwned.db"))
