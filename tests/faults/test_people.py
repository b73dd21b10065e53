"""F20 to F23: what people do meanwhile: bring back a backup, leave, edit, enter what cannot be written to."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import ARTICLE, Newsletter, write_issue
from tests.deliver.scripted_server import Visit, as_usual, say
from tests.faults.house import FILE, LOCKSTEP, House, Lock, Mode, copies, smtp
from tests.faults.paper import DATABASE, publish, tally

BEA = "reader-000001"
ONE_EACH = {"ada": 1, "bea": 1, "cleo": 1}
ALL_SENT = {"ada": "sent", "bea": "sent", "cleo": "sent"}

# ---- F20 ----


def test_f20_a_backup_from_before_the_issue_is_refused_and_with_restored_everybody_is_in_doubt(
    paper: Path, newsletter: Newsletter
) -> None:
    with LOCKSTEP.server() as server:
        publish(paper, newsletter, server.port)
        shutil.copy(paper / DATABASE, paper / "yesterday.db")
        assert newsletter("send", "--yes").code == 0
        shutil.copy(paper / "yesterday.db", paper / DATABASE)

        refused = newsletter("send", "--yes")
        assert refused.code == 75
        error, hint = refused.err.splitlines()[-2:]
        assert error.startswith("Error: .newsletter: the database does not know of 2026-11-23, of which")
        assert "4 copies had left" in error
        assert hint.endswith("or, if there is none: newsletter send 2026-11-23 --restored")
        assert newsletter("send", "--yes", "--restored").code == 5
        assert tally(newsletter) == (0, 4, 0)
        assert sum(copies(server).values()) == 4


def test_f20_a_backup_from_the_middle_of_the_issue_is_refused_as_well(
    paper: Path, newsletter: Newsletter
) -> None:
    with LOCKSTEP.server({"RCPT lecteur2@example.org": say(b"451 4.7.1 greylisted\r\n")}) as server:
        publish(paper, newsletter, server.port)
        assert newsletter("send", "--yes").code == 4
        shutil.copy(paper / DATABASE, paper / "earlier.db")
        assert newsletter("send", "--yes", clock="2026-11-23T07:00").code == 0
        shutil.copy(paper / "earlier.db", paper / DATABASE)

        refused = newsletter("send", "--yes", clock="2026-11-23T07:30")
        assert refused.code == 75
        assert "the database knows of 3 copies, but 4 had left" in refused.err
        assert newsletter("send", "--yes", "--restored", clock="2026-11-23T07:30").code == 5
        assert tally(newsletter) == (3, 1, 0)
        assert copies(server) == {f"lecteur{number}": 1 for number in range(4)}


# ---- F21 ----

CHANGES = {
    "left": f"UPDATE reader SET status = 'left' WHERE id = '{BEA}'",
    "paused": f"UPDATE reader SET status = 'paused' WHERE id = '{BEA}'",
    "bounced": f"UPDATE reader SET status = 'bounced' WHERE id = '{BEA}'",
    "complained": f"UPDATE reader SET status = 'complained' WHERE id = '{BEA}'",
    "erased": f"DELETE FROM reader WHERE id = '{BEA}'",
}


def states(house: House) -> list[str]:
    """The states in the order of the readers' ids: who is erased has no name any more."""
    assert house.holds
    return list(house.states().values())


def change(house: House, statement: str) -> None:
    with closing(sqlite3.connect(house.root / FILE)) as connection, connection:
        connection.execute(statement)


@pytest.mark.parametrize("reason", CHANGES)
def test_f21_whoever_is_gone_before_the_run_gets_nothing(house: House, mode: Mode, reason: str) -> None:
    change(house, CHANGES[reason])
    with mode.server() as server:
        assert house.send(smtp(server.port)).error is None
        assert states(house) == ["sent", f"withheld ({reason})", "sent"]
        assert copies(server) == {"ada": 1, "cleo": 1}


@pytest.mark.parametrize("reason", CHANGES)
def test_f21_whoever_is_gone_between_text_and_dot_gets_no_dot(
    house: House, lock: Lock, mode: Mode, reason: str
) -> None:
    with mode.server(between_text_and_dot(house, lock, CHANGES[reason])) as server:
        told = house.send(smtp(server.port))
        assert told.error is None
        assert ("bea", "withheld") in told.news
        assert states(house) == ["sent", f"withheld ({reason})", "sent"]
        assert copies(server) == {"ada": 1, "cleo": 1}
        assert len(server.visits) == 2
        if reason != "erased":
            assert house.attempts("bea") == [(1, "withheld", "", 0)]
        assert house.later(smtp(server.port)).news == []


def between_text_and_dot(house: House, lock: Lock, statement: str) -> dict[str, Callable[[Visit], None]]:
    """Acts of a server by which the database is changed when bea's text is there, and its dot is not."""

    def hold(visit: Visit) -> None:
        lock.take()
        as_usual(visit)

    def act(visit: Visit) -> None:
        visit.take(house.octets("bea") + 2)
        lock.connection.execute(statement)
        lock.let_go()

    return {"DATA bea@example.org": hold, "text bea@example.org": act}


def test_f21_an_issue_cancelled_between_text_and_dot_ends_for_everybody_who_has_no_copy(
    house: House, lock: Lock, mode: Mode
) -> None:
    cancel = "UPDATE issue SET cancelled_at = 1"
    with mode.server(between_text_and_dot(house, lock, cancel)) as server:
        assert house.send(smtp(server.port)).error is None
        assert states(house) == ["sent", "withheld (cancelled)", "withheld (cancelled)"]
        assert copies(server) == {"ada": 1}


def test_f21_whoever_leaves_after_the_dot_was_written_to_already(house: House, mode: Mode) -> None:
    def leave(visit: Visit) -> None:
        change(house, CHANGES["left"])
        as_usual(visit)

    with mode.server({"dot bea@example.org": leave}) as server:
        assert house.send(smtp(server.port)).error is None
        assert (house.states(), copies(server)) == (ALL_SENT, ONE_EACH)


# ---- F22 ----


def edit_article(paper: Path) -> None:
    file = paper / "issues/2026-11-23/01-premier.md"
    file.write_text(file.read_text(encoding="utf-8").replace("38 000", "99 999"), encoding="utf-8")


def edit_template(paper: Path) -> None:
    file = paper / "templates/mail/issue.txt.j2"
    file.write_text("99 999\n" + file.read_text(encoding="utf-8"), encoding="utf-8")


def edit_picture(paper: Path) -> None:
    paint(paper, (0, 0, 255))


def break_article(paper: Path) -> None:
    (paper / "issues/2026-11-23/01-premier.md").write_text("---\ntitle: [\n---\n99 999\n", encoding="utf-8")


def paint(paper: Path, colour: tuple[int, int, int]) -> None:
    Image.new("RGB", (8, 8), colour).save(paper / "issues/2026-11-23/carre.png")


@pytest.mark.parametrize("edit", [edit_article, edit_template, edit_picture, break_article])
def test_f22_what_was_frozen_goes_on_and_one_line_says_that_the_files_differ(
    paper: Path, newsletter: Newsletter, edit: Callable[[Path], None]
) -> None:
    with_picture = ARTICLE.replace("author:", 'picture: carre.png\nalt: "Un carré"\nauthor:')
    write_issue(paper, "2026-11-23", **{"01_premier": with_picture})
    paint(paper, (255, 0, 0))
    with LOCKSTEP.server({"RCPT lecteur2@example.org": say(b"451 4.7.1 greylisted\r\n")}) as server:
        publish(paper, newsletter, server.port)
        settings = (paper / "newsletter.toml").read_text(encoding="utf-8")
        (paper / "newsletter.toml").write_text(
            f'{settings}\n[look]\npictures = "embedded"\n', encoding="utf-8"
        )
        assert newsletter("send", "--yes").code == 4
        edit(paper)
        go_on = newsletter("send", "--yes", clock="2026-11-23T07:00")
        assert go_on.code == 0, go_on.err
        said = [line for line in go_on.err.splitlines() if line.endswith("what was frozen goes on.")]
        assert len(said) == 1
        assert said[0].startswith(
            "Its files cannot be composed any more"
            if edit is break_article
            else "Its files have changed since"
        )
        assert copies(server) == {f"lecteur{number}": 1 for number in range(4)}
        late, early = server.texts[-1], server.texts[0]
        for text in (late, early):
            assert b"38=C2=A0000" in text
            assert b"99=C2=A0999" not in text
            assert b"99 999" not in text
        assert late.count(picture_of(early)) == 1


def picture_of(mail: bytes) -> bytes:
    """The lines of the first picture that travels in a mail."""
    _, _, after = mail.partition(b"Content-Disposition: inline")
    return after.partition(b"\r\n\r\n")[2].partition(b"\r\n--")[0]


# ---- F23 ----


def enter(house: House, **values: str) -> None:
    """Put into bea's row what no command would."""
    settings = ", ".join(f"{name} = ?" for name in values)
    with closing(sqlite3.connect(house.root / FILE)) as connection, connection:
        connection.execute(f"UPDATE reader SET {settings} WHERE id = '{BEA}'", tuple(values.values()))


@pytest.mark.parametrize(
    "email",
    [
        "bea@example.org>\r\nRCPT TO:<evil@example.com",
        "bea@example.org\nBcc: evil@example.com",
        "bea@example.org\u2028",
        "bea@example.org\x00",
        "bea",
        "",
        "bea@example.org, evil@example.com",
        "Bea <bea@example.org>",
        f"{'b' * 250}@example.org",
    ],
    ids=["crlf", "lf", "u2028", "nul", "no-at", "empty", "two", "a-mailbox", "too-long"],
)
def test_f23_a_reader_whose_address_cannot_stand_in_a_mail_is_withheld_and_the_others_go_on(
    house: House, mode: Mode, email: str
) -> None:
    enter(house, email=email)
    with mode.server() as server:
        told = house.send(smtp(server.port))
        assert told.error is None
        assert ("bea", "withheld") in told.news
        assert house.states() == ALL_SENT | {"bea": "withheld (render_error)"}
        assert house.attempts("bea") == [(1, "withheld", "", 0)]
        assert copies(server) == {"ada": 1, "cleo": 1}
        assert b"evil" not in b"\n".join(b"\n".join(visit.lines) for visit in server.visits)
        assert house.later(smtp(server.port)).news == []


@pytest.mark.parametrize(
    "name",
    [
        "Bea\r\nBcc: evil@example.com",
        "Bea\n.\r\nQUIT",
        "Be\u2028a",
        "Be\x00a",
        'Béa, "reine" <b@x.fr>',
        "=?utf-8?q?x?=",
    ],
    ids=["header", "dot", "u2028", "nul", "mailbox", "encoded-word"],
)
def test_f23_a_name_that_would_break_a_header_is_written_so_that_it_cannot(
    house: House, mode: Mode, name: str
) -> None:
    enter(house, name=name)
    with mode.server() as server:
        assert house.send(smtp(server.port)).error is None
        assert states(house) == ["sent", "sent", "sent"]
        assert copies(server) == ONE_EACH
        [mail] = [text for _, rcpt, text in server.received if b"bea@" in rcpt]
        head, _, _ = mail.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        assert [line for line in lines if line.startswith((b"To:", b"Cc:", b"Bcc:"))] == [
            line for line in lines if line.endswith(b"<bea@example.org>")
        ]
        assert b"\x00" not in mail
        assert b"\n" not in mail.replace(b"\r\n", b"")


def test_f23_strict_stops_before_the_first_copy_and_names_who_cannot_be_written_to(
    paper: Path, newsletter: Newsletter
) -> None:
    with LOCKSTEP.server() as server:
        publish(paper, newsletter, server.port)
        with closing(sqlite3.connect(paper / DATABASE)) as connection, connection:
            connection.execute("UPDATE reader SET email = 'nobody' WHERE email = 'lecteur3@example.org'")
        strict = newsletter("send", "--yes", "--strict")
        assert strict.code == 3
        assert "nothing can be sent to 'nobody': it is not NAME@DOMAIN" in strict.err
        assert copies(server) == {}
        assert newsletter("send", "--yes").code == 0
        assert copies(server) == {f"lecteur{number}": 1 for number in range(3)}
        assert "withheld (render_error)" in newsletter("send", "--yes").err
