"""approve and cancel: what a person decides about a whole issue."""

import getpass
import json
import os
import subprocess
from pathlib import Path

import pytest

from newsletter.model import Outcome
from tests.cli.conftest import ISSUE_MD, Keyboard, command, replaced, told
from tests.cli.underway import KEY, commit, freeze, record, states
from tests.cli.underway import doubts as doubts
from tests.conftest import PYTHON, Newsletter
from tests.stories.conftest import Mailroom, readers_file, through_smtp

# ---- cancel ----


def test_a_cancelled_issue_leaves_nobody_owed_and_says_who_ended_it(
    newsletter: Newsletter, paper: Path, doubts: dict[str, str]
) -> None:
    answer = newsletter("cancel", KEY, "--yes", "--who", "Ada Test")
    assert (answer.code, answer.out) == (5, "")
    assert answer.err.splitlines() == [
        "2026-11-23: 4 readers = 1 sent + 2 in doubt + 1 owed",
        "Cancelled: 1 reader will not get it. 4 readers = 1 sent + 1 withheld (cancelled) + 2 in doubt",
        "In doubt: nobody can tell whether they arrived. To settle: newsletter settle 2026-11-23",
    ]
    assert states(paper) == {"ada": "sent", "bea": "in doubt", "cid": "in doubt", "dan": "withheld"}
    assert "Cancelled by Ada Test at 06:45 on 23 November 2026: 1 reader." in newsletter("status").err


def test_cancelling_again_says_so_and_takes_in_whoever_is_owed_it_since(
    newsletter: Newsletter, paper: Path, doubts: dict[str, str]
) -> None:
    newsletter("cancel", KEY, "--yes")
    again = newsletter("cancel", KEY)
    assert again.code == 5
    assert "It was cancelled at 06:45 on 23 November 2026." in again.err
    record(paper, doubts["bea"], outcome=Outcome.DEFERRED, detail="451 later")
    record(paper, doubts["cid"])
    assert states(paper)["bea"] == "owed"
    late = newsletter("cancel", KEY, "--yes")
    assert late.code == 0
    assert states(paper)["bea"] == "withheld"


def test_nobody_owed_it_or_never_sent_is_told_and_nothing_to_cancel(
    newsletter: Newsletter, paper: Path
) -> None:
    never = newsletter("cancel", KEY, "--yes")
    assert (never.code, told(never)) == (
        2,
        [
            "Error: ISSUE: 2026-11-23 was never sent: there is nothing to decide",
            "Hint: newsletter status 2026-11-23",
        ],
    )
    ids = freeze(paper, "ada")
    commit(paper, ids["ada"])
    for hint in ("settle", "status"):
        answer = newsletter("cancel", KEY, "--yes")
        assert answer.code == 2
        assert told(answer) == [
            "Error: ISSUE: nobody is owed 2026-11-23 any more: nothing to cancel",
            f"Hint: newsletter {hint} 2026-11-23",
        ]
        record(paper, ids["ada"])


def test_without_a_terminal_or_with_another_number_nothing_is_cancelled(
    newsletter: Newsletter, paper: Path, doubts: dict[str, str]
) -> None:
    alone = newsletter("cancel", KEY)
    assert (alone.code, told(alone)) == (
        2,
        ["Error: cancel: nobody is there to confirm", "Hint: add --yes"],
    )
    for typed, code in (("4", 2), ("1", 5)):
        keyboard = Keyboard(paper, "cancel", KEY)
        keyboard.wait_for("Type the number of readers who are owed it (1) to cancel")
        assert states(paper)["dan"] == "owed"
        keyboard.type(f"{typed}\n")
        assert keyboard.answer().code == code
    assert states(paper)["dan"] == "withheld"


def test_a_run_in_another_terminal_stops_by_itself(
    newsletter: Newsletter, paper: Path, mailroom: Mailroom
) -> None:
    through_smtp(paper, mailroom.port)
    settings = (paper / "newsletter.toml").read_text(encoding="utf-8")
    (paper / "newsletter.toml").write_text(
        settings.replace("[send]", "[send]\nper_second = 20"), encoding="utf-8"
    )
    readers_file(paper, 60)
    newsletter("readers", "import", "readers.csv", "--source", "the fair")
    with command(paper, "send", "--yes") as run:
        while len(mailroom.accepted) < 5:
            assert run.poll() is None
        answer = newsletter("cancel", KEY, "--yes")
        assert answer.code in (0, 5)
        run.communicate(timeout=20)
    status = json.loads(newsletter("status", "--json").out)
    assert (status["owed"], status["holds"]) == (0, True)
    assert status["withheld"]["cancelled"] > 20
    assert status["sent"] + status["in_doubt"] == len(mailroom.accepted) < 40
    before = len(mailroom.accepted)
    assert newsletter("send", "--yes").code in (0, 4, 5)
    assert len(mailroom.accepted) == before


def test_a_name_is_asked_of_whoever_has_none(newsletter: Newsletter, paper: Path) -> None:
    answer = newsletter("approve", "--who", " ")
    assert (answer.code, told(answer)) == (
        2,
        ["Error: --who: nobody knows who decides this", "Hint: add --who NAME"],
    )


# ---- approve ----


def test_an_approved_edition_is_named_by_its_fingerprint_and_approving_it_again_is_told(
    newsletter: Newsletter, paper: Path
) -> None:
    first = newsletter("approve", "--who", "Zoé")
    assert first.code == 0
    assert first.err == "2026-11-23 is approved by Zoé: Un numéro pour les tests\u00a0: tout y est\n"
    again = newsletter("approve", KEY, "--who", "Ada", clock="2026-11-23T06:50")
    assert (again.code, again.out) == (0, first.out)
    assert again.err == "2026-11-23 was approved already, by Zoé at 06:45 on 23 November 2026.\n"
    status = newsletter("status")
    fingerprint = first.out.strip()
    assert len(fingerprint) == 12
    assert status.err.splitlines() == [
        "2026-11-23 was not sent.",
        f"Approved by Zoé at 06:45 on 23 November 2026, {fingerprint}.",
    ]
    known = json.loads(newsletter("status", "--json").out)["approval"]
    assert (known["who"], known["at"]) == ("Zoé", "2026-11-23T05:45:00+00:00")
    assert known["fingerprint"].startswith(fingerprint)


def test_a_second_approval_says_what_has_changed_since(newsletter: Newsletter, paper: Path) -> None:
    first = newsletter("approve", "--who", "Zoé")
    replaced(ISSUE_MD, "Deux mots", "Trois mots")(paper)
    second = newsletter("approve", "--who", "Ada")
    assert second.out != first.out
    assert second.err.splitlines()[:2] == [
        "Since Zoé approved it, the text has changed.",
        "Since Zoé approved it, the HTML has changed.",
    ]


def test_without_a_name_it_is_the_users(newsletter: Newsletter, paper: Path) -> None:
    newsletter("approve")
    assert json.loads(newsletter("status", "--json").out)["approval"]["who"] == getpass.getuser()


def test_what_check_finds_an_error_cannot_be_approved(newsletter: Newsletter, paper: Path) -> None:
    with (paper / "issues/2026-11-23/01-premier.md").open("a", encoding="utf-8") as article:
        article.write("\n" + "Encore un mot de trop. " * 300)
    answer = newsletter("approve")
    assert (answer.code, answer.out) == (3, "")
    assert newsletter("status").err == "2026-11-23 was not sent.\n"


def test_what_is_being_sent_cannot_be_approved_any_more(newsletter: Newsletter, paper: Path) -> None:
    freeze(paper, "ada")
    answer = newsletter("approve")
    assert (answer.code, told(answer)) == (
        2,
        ["Error: ISSUE: 2026-11-23 is already being sent", "Hint: newsletter status 2026-11-23"],
    )


def test_a_user_without_a_name_has_to_give_one() -> None:
    if os.getuid() != 0:
        pytest.skip("only root may become somebody without a name")
    code = "import os; from newsletter.cli.ask import who_decides; os.setuid(54321); who_decides(None)"
    names = ("LOGNAME", "USER", "LNAME", "USERNAME")
    clean = {name: value for name, value in os.environ.items() if name not in names}
    done = subprocess.run([PYTHON, "-c", code], env=clean, capture_output=True, text=True, check=False)
    assert done.stderr.endswith("ConfigError: --who: nobody knows who decides this\n")
