"""settle: what is known of each doubt, what a log proves, what a person decides."""

import json
from pathlib import Path

import pytest

from newsletter.model import Outcome
from tests.cli.conftest import Keyboard, answer_of, command, told
from tests.cli.underway import KEY, a_run, commit, database, freeze, message_id, record, states
from tests.cli.underway import doubts as doubts
from tests.conftest import Newsletter


def log_of(message_id: str, queue_id: str = "4jXzZK33Lsz1VBkb", *, accepted: bool = True) -> str:
    """What Postfix logs of one copy."""
    lines = [
        f"Nov 23 06:30:12 mta postfix/smtpd[83]: {queue_id}: client=me[127.0.0.1]",
        f"Nov 23 06:30:12 mta postfix/cleanup[84]: {queue_id}: message-id=<{message_id}>",
        f"Nov 23 06:30:12 mta postfix/qmgr[71]: {queue_id}: from=<a@lettre.invalid>, size=8, nrcpt=1",
        "Nov 23 06:30:12 mta postfix/smtpd[83]: disconnect from me[127.0.0.1] ehlo=1 mail=1 rcpt=1 data=1",
        f"Nov 23 06:30:13 mta postfix/smtp[87]: {queue_id}: to=<x@example.org>, relay=mx, status=sent (250)",
        f"Nov 23 06:30:13 mta postfix/qmgr[71]: {queue_id}: removed",
    ]
    cut = "Nov 23 06:30:13 mta postfix/smtpd[83]: lost connection after DATA (100 bytes) from me[127.0.0.1]"
    return "".join(f"{line}\n" for line in (lines if accepted else [*lines[:2], cut]))


def test_each_doubt_is_listed_with_its_evidence(
    newsletter: Newsletter, paper: Path, doubts: dict[str, str]
) -> None:
    record(paper, doubts["bea"], outcome=Outcome.IN_DOUBT, detail="the connection ended after the dot")
    answer = newsletter("settle", KEY)
    assert answer.code == 5
    heading, _, *rows = answer.out.splitlines()
    assert heading.split() == ["reader", "was", "to", "leave", "to", "last", "reply", "Message-ID"]
    cells = {row.split()[0]: row for row in rows if row.strip()}
    assert cells.keys() == {"bea@example.org", "cid@example.org"}
    for name in ("bea", "cid"):
        row = cells[f"{name}@example.org"]
        assert "2026-11-23 06:30:12" in row
        assert "relay.example:587" in row
        assert f"<{message_id(paper, doubts[name])}>" in row
    assert "the connection ended after the dot" in cells["bea@example.org"]
    assert answer.err.splitlines() == [
        "4 readers = 1 sent + 2 in doubt + 1 owed",
        "Find them by Message-ID in the log of the mail server:",
        "  newsletter settle 2026-11-23 --log /var/log/mail.log",
        "To send to whoever is owed it: newsletter send 2026-11-23",
    ]


def test_a_reply_to_an_earlier_attempt_is_not_the_last_reply(newsletter: Newsletter, paper: Path) -> None:
    ids = freeze(paper, "ada")
    with database(paper) as opened:
        from newsletter.readers.decisions import Decisions, Kind
        from tests.cli.underway import FROZEN

        commit(paper, ids["ada"])
        record(paper, ids["ada"], outcome=Outcome.IN_DOUBT, detail="first words")
        Decisions(opened).settle(KEY, {ids["ada"]: ""}, kind=Kind.RESEND, who="a", now=FROZEN)
        commit(paper, ids["ada"], number=2)
    answer = newsletter("settle", "--json")
    (doubt,) = json.loads(answer.out)["doubts"]
    assert (doubt["attempt"], doubt["last_reply"]) == (2, "")
    assert "first words" not in newsletter("settle").out


def test_the_doubts_as_json_have_what_a_program_needs(
    newsletter: Newsletter, paper: Path, doubts: dict[str, str]
) -> None:
    answer = newsletter("settle", "--json")
    assert answer.code == 5
    facts = json.loads(answer.out)
    assert (facts["issue"], facts["in_doubt"], facts["owed"]) == (KEY, 2, 1)
    by_email = {doubt.pop("email"): doubt for doubt in facts["doubts"]}
    assert by_email["bea@example.org"] == {
        "reader": doubts["bea"],
        "attempt": 1,
        "committed_at": "2026-11-23T05:30:12+00:00",
        "host": "relay.example:587",
        "last_reply": "",
        "message_id": message_id(paper, doubts["bea"]),
        "log": [],
    }


# ---- by the log ----


def test_what_the_log_proves_is_settled_and_the_rest_stays_in_doubt(
    newsletter: Newsletter, paper: Path, doubts: dict[str, str]
) -> None:
    text = log_of(message_id(paper, doubts["bea"])) + log_of(
        message_id(paper, doubts["cid"]), "EBE7A9C483B", accepted=False
    )
    (paper / "mail.log").write_text(text, encoding="utf-8")
    answer = newsletter("settle", "--log", "mail.log")
    assert answer.code == 5
    assert states(paper) == {"ada": "sent", "bea": "sent", "cid": "in doubt", "dan": "owed"}
    told_first, span, identity, *_ = answer.err.splitlines()
    assert told_first.startswith(
        "bea@example.org: accepted: Nov 23 06:30:13 mta postfix/smtp[87]: 4jXzZK33Lsz"
    )
    assert span == "The log has 9 lines of Postfix from Nov 23 06:30:12 to Nov 23 06:30:13."
    assert identity == "4 readers = 2 sent + 1 in doubt + 1 owed"
    assert "lost connection after DATA (100 bytes)" in answer.out
    assert "Settled as sent by log at 06:45 on 23 November 2026: 1 reader." in newsletter("status").err


def test_a_log_without_a_trace_settles_nothing(
    newsletter: Newsletter, paper: Path, doubts: dict[str, str]
) -> None:
    (paper / "mail.log").write_text(log_of("somebody@else.example"), encoding="utf-8")
    answer = newsletter("settle", "--log", "mail.log")
    assert answer.code == 5
    assert answer.out.count("no trace") == 2
    assert "That a log has no trace of a copy proves nothing" in answer.err
    assert states(paper)["bea"] == states(paper)["cid"] == "in doubt"


def test_a_log_that_turned_over_may_be_named_in_any_order(
    newsletter: Newsletter, paper: Path, doubts: dict[str, str]
) -> None:
    lines = log_of(message_id(paper, doubts["bea"])).splitlines(keepends=True)
    before = "Nov 22 07:00:00 mta systemd[1]: Started.\n"
    (paper / "mail.log.1").write_text(before + "".join(lines[:2]), encoding="utf-8")
    (paper / "mail.log").write_text("".join(lines[2:]), encoding="utf-8")
    answer = newsletter("settle", "--log", "mail.log", "--log", "mail.log.1")
    assert states(paper)["bea"] == "sent"
    assert "6 lines of Postfix" in answer.err


def test_a_log_may_come_through_a_pipe(newsletter: Newsletter, paper: Path, doubts: dict[str, str]) -> None:
    (paper / "log").write_bytes(b"\xff\xfe\n" + log_of(message_id(paper, doubts["bea"])).encode())
    with (paper / "log").open("rb") as pipe:
        answer = answer_of(command(paper, "settle", "--log", "-", stdin=pipe))
    assert answer.code == 5
    assert states(paper)["bea"] == "sent"


@pytest.mark.parametrize(
    ("name", "content", "error", "hint"),
    [
        (
            "nowhere.log",
            None,
            "nowhere.log: cannot be read: No such file or directory",
            "sudo cat nowhere.log | newsletter settle ISSUE --log -",
        ),
        (
            "mail.log.2.gz",
            b"\x1f\x8b\x08\x00",
            "mail.log.2.gz: compressed",
            "zcat mail.log.2.gz | newsletter settle ISSUE --log -",
        ),
    ],
)
def test_a_log_that_cannot_be_read_settles_nothing_and_says_how_to_read_it(
    name: str,
    content: bytes | None,
    error: str,
    hint: str,
    newsletter: Newsletter,
    paper: Path,
    doubts: dict[str, str],
) -> None:
    (paper / "mail.log").write_text(log_of(message_id(paper, doubts["bea"])), encoding="utf-8")
    if content is not None:
        (paper / name).write_bytes(content)
    answer = newsletter("settle", "--log", "mail.log", "--log", name)
    assert (answer.code, told(answer)) == (2, [f"Error: {error}", f"Hint: {hint}"])
    assert states(paper)["bea"] == "in doubt"


# ---- by a person ----


def test_a_person_settles_one_and_then_all_the_others(
    newsletter: Newsletter, paper: Path, doubts: dict[str, str]
) -> None:
    one = newsletter("settle", "--sent", "--reader", "BEA@example.org", "--yes", "--who", "Ada Test")
    assert one.code == 5
    assert states(paper) == {"ada": "sent", "bea": "sent", "cid": "in doubt", "dan": "owed"}
    rest = newsletter("settle", "--resend", "--all", "--yes", "--who", "Zoé")
    assert (rest.code, rest.out) == (4, "")
    assert rest.err.splitlines() == [
        "Whoever does have it will get a second copy.",
        "1 reader owed it again.",
        "No doubts: 4 readers = 2 sent + 2 owed",
        "To send to whoever is owed it: newsletter send 2026-11-23",
    ]
    assert states(paper)["cid"] == "owed"
    facts = json.loads(newsletter("status", "--json").out)
    assert facts["decisions"] == [
        {"at": "2026-11-23T05:45:00+00:00", "who": "Ada Test", "kind": "sent", "readers": 1},
        {"at": "2026-11-23T05:45:00+00:00", "who": "Zoé", "kind": "resend", "readers": 1},
    ]


def test_settling_nothing_is_no_mistake(newsletter: Newsletter, paper: Path) -> None:
    ids = freeze(paper, "ada")
    commit(paper, ids["ada"])
    record(paper, ids["ada"])
    (paper / "mail.log").write_text("", encoding="utf-8")
    for arguments in ((), ("--log", "mail.log"), ("--sent", "--all"), ("--resend", "--all")):
        answer = newsletter("settle", *arguments)
        assert (answer.code, answer.out) == (0, "")
        assert answer.err.splitlines()[-1] == "No doubts: 1 reader = 1 sent"


def test_a_reader_who_is_not_in_doubt_cannot_be_settled(
    newsletter: Newsletter, paper: Path, doubts: dict[str, str]
) -> None:
    for name in ("ada@example.org", "dan@example.org", "nobody@example.org", "an-id"):
        answer = newsletter("settle", "--resend", "--reader", "bea@example.org", "--reader", name, "--yes")
        assert (answer.code, told(answer)) == (
            2,
            [f"Error: --reader: {name!r} is not in doubt", "Hint: newsletter settle 2026-11-23"],
        )
    assert states(paper) == {"ada": "sent", "bea": "in doubt", "cid": "in doubt", "dan": "owed"}


def test_an_erased_reader_is_named_by_the_id_that_is_listed(
    newsletter: Newsletter, paper: Path, doubts: dict[str, str]
) -> None:
    with database(paper) as opened, opened.write() as connection:
        connection.exec_driver_sql("DELETE FROM reader WHERE id = ?", (doubts["bea"],))
    assert doubts["bea"] in newsletter("settle").out
    newsletter("settle", "--sent", "--reader", doubts["bea"], "--yes")
    assert states(paper)[""] == "sent"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("--sent", "--resend", "--all"), "--resend: either they have it or they get it again"),
        (("--sent",), "settle: say of whom"),
        (("--all",), "settle: say what is decided"),
        (("--reader", "a@example.org"), "settle: say what is decided"),
        (("--sent", "--all", "--reader", "a@example.org"), "--all: either some readers or all"),
    ],
)
def test_half_a_decision_is_none(
    arguments: tuple[str, ...], error: str, newsletter: Newsletter, paper: Path, doubts: dict[str, str]
) -> None:
    answer = newsletter("settle", *arguments, "--yes")
    assert answer.code == 2
    assert told(answer)[0] == f"Error: {error}"
    assert states(paper)["bea"] == "in doubt"


def test_a_decision_is_asked_for_by_its_number(
    newsletter: Newsletter, paper: Path, doubts: dict[str, str]
) -> None:
    assert told(newsletter("settle", "--sent", "--all")) == [
        "Error: settle: nobody is there to confirm",
        "Hint: add --yes",
    ]
    keyboard = Keyboard(paper, "settle", "--sent", "--all")
    keyboard.wait_for("Type the number of readers (2) who are to be taken as having it")
    keyboard.type("2\n")
    assert keyboard.answer().code == 4
    assert states(paper) == {"ada": "sent", "bea": "sent", "cid": "sent", "dan": "owed"}


def test_while_a_run_is_at_it_nobody_decides_about_its_messages(
    newsletter: Newsletter, paper: Path, doubts: dict[str, str]
) -> None:
    with a_run(paper):
        answer = newsletter("settle", "--resend", "--all", "--yes")
        assert answer.code == 6
        assert "another run is sending 2026-11-23" in answer.err
        assert "A run is sending it: doubts may be messages in flight." in newsletter("settle").err
    assert states(paper)["bea"] == "in doubt"


def test_nothing_is_sent_again_of_a_cancelled_issue(
    newsletter: Newsletter, paper: Path, doubts: dict[str, str]
) -> None:
    newsletter("cancel", KEY, "--yes")
    answer = newsletter("settle", "--resend", "--all", "--yes")
    assert (answer.code, told(answer)) == (
        2,
        [
            "Error: --resend: 2026-11-23 was cancelled: nobody gets it any more",
            "Hint: newsletter settle 2026-11-23 --sent, or leave it in doubt",
        ],
    )
    assert newsletter("settle", "--sent", "--all", "--yes").code == 0
