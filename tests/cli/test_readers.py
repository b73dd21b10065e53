"""The commands about people, as the editor sees them."""

import csv
import io
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import SEND, Keyboard, refuses, told
from tests.conftest import Newsletter
from tests.readers.test_addresses import HOSTILE
from tests.stories.conftest import Mailroom, through_smtp

FAIR = ("--source", "the fair")


def count(newsletter: Newsletter) -> str:
    return newsletter("readers", "list").err


# ---- import ----


def test_how_a_list_is_read_is_shown_with_an_example(newsletter: Newsletter, paper: Path) -> None:
    text = "Prénom;Nom;Courriel\nMax;;max@example.org\nLéa;Œuvrard;lea@example.org\n"
    (paper / "list.csv").write_bytes(text.encode("cp1252"))
    answer = newsletter("readers", "import", "list.csv", *FAIR)
    assert (answer.code, answer.out) == (0, "")
    assert answer.err.splitlines() == [
        "list.csv: read as Windows-1252, cut by semicolons",
        "  email  column 3, 'Courriel'",
        "  name   columns 1 and 2, 'Prénom' and 'Nom'",
        "  line 3 is Léa Œuvrard <lea@example.org>",
        "2 readers added, 0 known already, 0 not raised, 0 twice in the file, 0 refused",
    ]


@pytest.mark.parametrize("source", [(), ("--source", ""), ("--source", " ")])
def test_nobody_is_brought_in_without_the_proof_of_their_consent(
    newsletter: Newsletter, paper: Path, source: tuple[str, ...]
) -> None:
    (paper / "list.csv").write_text("email\na@example.org\n", encoding="utf-8")
    hint = 'add --source "where these people said yes": the proof that you may write to them'
    error = "--source: nobody can be added without the proof of their consent"
    refuses(newsletter, paper, "readers", "import", "list.csv", *source, code=2, error=error, hint=hint)
    assert not (paper / ".newsletter").exists()


def test_refused_lines_are_written_to_a_file_that_can_be_put_right_and_imported(
    newsletter: Newsletter, paper: Path
) -> None:
    lines = "".join(f'=bad{n},"=HYPERLINK({n})"\n' for n in range(30))
    (paper / "list.csv").write_text(f"email,name\na@example.org,A\n{lines}", encoding="utf-8")
    answer = newsletter("readers", "import", "list.csv", *FAIR, "--refused", "no.csv")
    assert answer.code == 4
    assert sum("is not an address" in line for line in answer.err.splitlines()) == 20
    assert "… and 10 more refused lines" in answer.err.splitlines()
    with (paper / "no.csv").open(encoding="utf-8", newline="") as file:
        head, first, *rest = csv.reader(file)
    assert head == ["line", "reason", "email", "name"]
    reason = "'=bad0' is not an address: an email address must have an @-sign"
    assert first == ["3", reason, "'=bad0", "'=HYPERLINK(0)"]
    assert len(rest) == 29
    right = (paper / "no.csv").read_text(encoding="utf-8").replace(",'=bad0,", ",r@example.org,")
    (paper / "no.csv").write_text(right, encoding="utf-8")
    again = newsletter("readers", "import", "no.csv", *FAIR)
    assert "  line 2 is =HYPERLINK(0) <r@example.org>" in again.err.splitlines()
    assert again.err.splitlines()[-1].startswith("1 reader added, ")


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("list.csv", "list.csv: is the file to be imported"),
        ("newsletter.toml/no.csv", "newsletter.toml/no.csv: cannot be written: Not a directory"),
    ],
)
def test_refused_lines_are_not_written_just_anywhere(
    newsletter: Newsletter, paper: Path, path: str, error: str
) -> None:
    (paper / "list.csv").write_text("email\na@example.org\n", encoding="utf-8")
    order = ("readers", "import", "list.csv", *FAIR, "--refused", path)
    refuses(newsletter, paper, *order, code=2, error=error, hint="name another file with --refused")
    assert (paper / "list.csv").read_text(encoding="utf-8") == "email\na@example.org\n"
    assert count(newsletter) == "0 readers\n"


def test_somebody_at_the_keyboard_is_asked_before_many_are_added(newsletter: Newsletter, paper: Path) -> None:
    (paper / "few.csv").write_text("".join(f"f{n}@example.org\n" for n in range(20)), encoding="utf-8")
    (paper / "many.csv").write_text("".join(f"m{n}@example.org\n" for n in range(21)), encoding="utf-8")
    few = Keyboard(paper, "readers", "import", "few.csv", *FAIR)
    assert few.answer().code == 0
    assert count(newsletter) == "20 readers\n"

    wrong = Keyboard(paper, "readers", "import", "many.csv", *FAIR)
    wrong.wait_for("Type the number of new readers (21) to add them")
    wrong.type("12\n")
    answer = wrong.answer()
    assert (answer.code, told(answer)[0]) == (2, "Error: readers import: '12' is not 21: nothing was done")
    assert count(newsletter) == "20 readers\n"

    right = Keyboard(paper, "readers", "import", "many.csv", *FAIR)
    right.wait_for("21 readers to be added, 0 known already")
    right.type("21\n")
    assert right.answer().code == 0
    assert count(newsletter) == "41 readers\n"


def test_yes_and_scripts_are_not_asked(newsletter: Newsletter, paper: Path) -> None:
    (paper / "many.csv").write_text("".join(f"m{n}@example.org\n" for n in range(21)), encoding="utf-8")
    trial = Keyboard(paper, "readers", "import", "many.csv", *FAIR, "--dry-run").answer()
    assert (trial.code, count(newsletter)) == (0, "0 readers\n")
    assert Keyboard(paper, "readers", "import", "many.csv", *FAIR, "--yes").answer().code == 0
    assert newsletter("readers", "import", "many.csv", *FAIR).code == 0
    assert count(newsletter) == "21 readers\n"


@pytest.mark.parametrize("text", [text for text in HOSTILE if text])
def test_an_address_that_could_go_elsewhere_is_not_added_by_hand(
    newsletter: Newsletter, paper: Path, text: str
) -> None:
    answer = newsletter("readers", "add", "--", text)
    assert answer.code == 3
    assert answer.err.startswith("Error: EMAIL: ")
    assert not (paper / ".newsletter").exists()


def test_an_export_says_who_left_and_brings_nobody_back_elsewhere(
    newsletter: Newsletter, paper: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newsletter("readers", "add", "a@example.org")
    newsletter("readers", "add", "b@example.org")
    newsletter("readers", "remove", "b@example.org")
    active = newsletter("readers", "export", "--status", "active")
    assert list(csv.reader(io.StringIO(active.out))) == [
        ["email", "name", "status"],
        ["a@example.org", "", "active"],
    ]
    newsletter("readers", "export", "-o", "all.csv")
    monkeypatch.chdir(tmp_path)
    newsletter("init", "other")
    moved = newsletter("-C", "other", "readers", "import", "../paper/all.csv", *FAIR)
    words = "2 readers added (1 as left), 0 known already, 0 not raised, 0 twice in the file, 0 refused"
    assert moved.err.splitlines()[-1] == words
    assert newsletter("-C", "other", "readers", "list", "--status", "left").err == "1 reader\n"


# ---- list ----


def test_a_list_is_narrowed_down(newsletter: Newsletter, paper: Path) -> None:
    newsletter("readers", "add", "lea@example.org", "--name", "Léa", clock="2026-11-20T06:45")
    newsletter("readers", "add", "max@example.com", clock="2026-11-21T00:10")
    for filters, found in (
        (("--domain", "example.com"), "max@example.com"),
        (("--since", "2026-11-21"), "max@example.com"),
        (("--text", "LEA"), "lea@example.org"),
    ):
        answer = newsletter("readers", "list", *filters)
        assert (answer.err, answer.out.splitlines()[-1].split()[0]) == ("1 reader\n", found)
    assert newsletter("readers", "list", "--text", "nobody").out == ""
    assert newsletter("readers", "list", "--since", "yesterday").code == 2


# ---- show ----


def test_a_reader_is_shown_with_proof_and_issues(
    newsletter: Newsletter, paper: Path, mailroom: Mailroom
) -> None:
    through_smtp(paper, mailroom.port)
    newsletter("readers", "add", "lea@example.org", "--name", "Léa", "--source", "her letter")
    mailroom.answer = lambda recipient: "550 5.1.1 no such user"
    newsletter(*SEND)
    newsletter("readers", "remove", "lea@example.org", clock="2026-11-23T08:00")
    answer = newsletter("readers", "show", "LEA@example.org")
    assert (answer.code, answer.err) == (0, "")
    lines = answer.out.splitlines()
    assert lines[:5] == [
        "Léa <lea@example.org>",
        "  left, known since 2026-11-23 06:45",
        "proof of consent",
        "  2026-11-23 06:45  joined     her letter",
        "  2026-11-23 08:00  left       removed by hand",
    ]
    assert lines[5] == "issues"
    assert lines[6].startswith("  2026-11-23  refused    ")
    assert "550 5.1.1 no such user" in lines[6]
    assert len(lines) == 7

    data = json.loads(newsletter("readers", "show", "lea@example.org", "--json").out)
    assert (data["reader"]["email"], data["issues"][0]["state"]) == ("lea@example.org", "refused")
    table = list(csv.reader(io.StringIO(newsletter("readers", "show", "lea@example.org", "--csv").out)))
    assert table[0] == ["what", "value"]
    assert ["history 1, source", "her letter"] in table


def test_whoever_is_not_there_cannot_be_shown(newsletter: Newsletter, paper: Path) -> None:
    error = "ADDRESS: nobody has the address 'z@example.org'"
    for command in ("show", "erase"):
        order = ("readers", command, "z@example.org")
        refuses(newsletter, paper, *order, code=3, error=error, hint="newsletter readers list --text z")
    both = ("readers", "show", "z@example.org", "--csv", "--json")
    hint = "leave one of them out"
    refuses(newsletter, paper, *both, code=2, error="--csv: either CSV or JSON", hint=hint)


# ---- erase ----


def test_whoever_is_erased_is_nowhere_and_stays_so(newsletter: Newsletter, paper: Path) -> None:
    newsletter("readers", "add", "lea.secret@example.org", "--name", "Léa")
    newsletter("readers", "add", "max@example.org")
    assert newsletter(*SEND).code == 0  # a rehearsal, which has a database and files of its own
    assert len(list(paper.rglob("lea.secret*.eml"))) == 1
    erased = newsletter("readers", "erase", "LEA.Secret@example.org", "--yes")
    assert (erased.code, erased.err.splitlines()) == (
        0,
        [
            "LEA.Secret@example.org is erased, and no list brings it back.",
            "Not reached are your backups, the mail server's log and files that you exported.",
        ],
    )
    left = [path for path in paper.rglob("*") if path.is_file() and b"secret@" in path.read_bytes().lower()]
    assert left == []
    assert len(list(paper.rglob("max*.eml"))) == 1

    (paper / "list.csv").write_text("email\nlea.secret@example.org\n", encoding="utf-8")
    imported = newsletter("readers", "import", "list.csv", *FAIR)
    assert imported.err.splitlines()[-2:] == [
        "list.csv:2: lea.secret@example.org was erased, and stays out",
        "0 readers added, 0 known already, 0 not raised, 1 erased, 0 twice in the file, 0 refused",
    ]
    added = newsletter("readers", "add", "lea.secret@example.org")
    words = "lea.secret@example.org was erased: only they themselves can come back, by the sign-up form\n"
    assert (added.code, added.err) == (4, words)
    shown = newsletter("readers", "show", "lea.secret@example.org")
    assert told(shown) == ["Error: ADDRESS: 'lea.secret@example.org' was erased: nothing is kept of it"]


def test_nobody_is_erased_by_a_slip_of_the_hand(newsletter: Newsletter, paper: Path) -> None:
    newsletter("readers", "add", "lea@example.org")
    nobody = newsletter("readers", "erase", "lea@example.org")
    assert told(nobody) == ["Error: readers erase: nobody is there to confirm", "Hint: add --yes"]
    wrong = Keyboard(paper, "readers", "erase", "lea@example.org")
    wrong.wait_for("Type lea@example.org to erase all that is kept of it")
    wrong.type("yes\n")
    answer = wrong.answer()
    error = "Error: readers erase: 'yes' is not 'lea@example.org': nothing was done"
    assert (answer.code, told(answer)) == (2, [error, "Hint: run it again, and type lea@example.org"])
    assert count(newsletter) == "1 reader\n"
    right = Keyboard(paper, "readers", "erase", "lea@example.org")
    right.wait_for("to erase")
    right.type(" LEA@example.org\n")
    assert right.answer().code == 0
    assert count(newsletter) == "0 readers\n"


# ---- forget-inactive ----


def test_whoever_gives_no_sign_of_life_is_listed_and_then_erased(newsletter: Newsletter, paper: Path) -> None:
    newsletter("readers", "add", "old@example.org", "--name", "Odile", clock="2023-11-22T12:00")
    newsletter("readers", "add", "new@example.org", clock="2023-11-24T12:00")
    words = "1 reader without a sign of life since 2023-11-23\n"
    trial = newsletter("readers", "forget-inactive", "--dry-run")
    assert (trial.code, trial.err) == (0, words)
    assert trial.out.splitlines()[-1].split() == ["old@example.org", "Odile", "active", "2023-11-22"]
    nobody = newsletter("readers", "forget-inactive")
    assert told(nobody) == [
        "Error: readers forget-inactive: nobody is there to confirm",
        "Hint: add --yes",
    ]
    assert count(newsletter) == "2 readers\n"
    done = newsletter("readers", "forget-inactive", "--yes")
    assert (done.code, done.err) == (0, f"{words}1 reader erased\n")
    assert count(newsletter) == "1 reader\n"
    with closing(sqlite3.connect(paper / ".newsletter/newsletter.db")) as connection:
        kinds = connection.execute("SELECT kind, source FROM consent ORDER BY id").fetchall()
    assert kinds == [
        ("joined", ""),
        ("joined", "added by hand"),
        ("erased", "no sign of life for three years"),
    ]
    none = newsletter("readers", "forget-inactive")
    assert (none.code, none.out) == (0, "")
