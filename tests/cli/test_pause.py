"""An issue is held and let go on; on one machine, with its database in a file."""

from pathlib import Path

from newsletter.readers.ledger import Ledger
from tests.cli.underway import KEY, database, freeze
from tests.conftest import Newsletter


def test_a_paused_issue_is_not_sent_until_it_is_resumed(newsletter: Newsletter, paper: Path) -> None:
    freeze(paper, "ada", "zoe")
    answer = newsletter("pause", KEY, "--who", "Ada", "--note", "a  wrong\nlink")
    assert answer.code == 0
    assert f"{KEY} is paused: 2 readers = 2 owed" in answer.err
    assert f"newsletter resume {KEY}" in answer.err
    with database(paper) as opened:
        assert Ledger(opened).next_due(KEY) is None
    assert "was already paused" in newsletter("pause", KEY).err
    shown = newsletter("status", KEY)
    assert "Paused by Ada" in shown.err
    assert "2 readers, a wrong link." in shown.err
    assert '"paused_at": "2026-11-23T05:45' in newsletter("status", KEY, "--json").out
    answer = newsletter("resume", KEY, "--who", "Zoé")
    assert (answer.code, f"{KEY} goes on: 2 readers = 2 owed" in answer.err) == (0, True)
    assert f"newsletter send {KEY}" in answer.err
    with database(paper) as opened:
        assert Ledger(opened).next_due(KEY) is not None


def test_what_is_not_paused_cannot_be_resumed_and_what_was_never_sent_not_be_paused(
    newsletter: Newsletter, paper: Path
) -> None:
    assert newsletter("pause", KEY).code == 2
    freeze(paper, "ada")
    answer = newsletter("resume", KEY)
    assert (answer.code, "is not paused" in answer.err) == (2, True)


def test_an_issue_that_nobody_is_owed_has_nothing_to_hold(newsletter: Newsletter, paper: Path) -> None:
    freeze(paper)
    answer = newsletter("pause", KEY)
    assert (answer.code, "nothing to hold" in answer.err) == (2, True)
