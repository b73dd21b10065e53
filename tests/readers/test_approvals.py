"""What was approved is kept part by part, so that what has changed since can be told in words."""

from dataclasses import replace
from datetime import timedelta

import pytest

from newsletter.fields import field
from newsletter.model import Edition, Mailbox, Rendition
from newsletter.readers.approvals import Approval, Approvals, differences, parts_of, text_difference, text_of
from newsletter.readers.database import Database
from tests.readers.conftest import KEY, NOW

RED = Rendition(name="red.png", src="cid:red", media_type="image/png", width=1, height=1, content=b"red")
EDITION = Edition(
    key=KEY,
    subject="L’étincelle",
    preheader="Une ligne",
    html="<p>Bonjour</p>",
    text=f"Bonjour{field('name', before=' ')},\nune ligne.\n\nLa fin.",
    sender=Mailbox(name="La lettre", address="redaction@lettre.invalid"),
    renditions=(RED,),
)


@pytest.fixture
def approval(database: Database) -> Approval:
    approvals = Approvals(database)
    assert approvals.last(KEY) is None
    approvals.approve(EDITION, who="ada", now=NOW)
    approval = approvals.last(KEY)
    assert approval
    return approval


def changes(approval: Approval, edition: Edition) -> list[str]:
    assert edition.fingerprint != approval.fingerprint
    return differences(approval, parts_of(edition))


def test_the_approved_edition_itself_has_not_changed(approval: Approval) -> None:
    assert (approval.fingerprint, approval.who, approval.at) == (EDITION.fingerprint, "ada", NOW)
    assert differences(approval, parts_of(EDITION)) == []
    assert text_difference(approval, text_of(EDITION)) == []


def test_the_last_approval_of_each_issue_counts(database: Database, approval: Approval) -> None:
    approvals = Approvals(database)
    second = replace(EDITION, subject="B")
    approvals.approve(second, who="zoe", now=NOW - timedelta(hours=1))
    approvals.approve(replace(EDITION, key="2026-11-24"), who="max", now=NOW)
    last = approvals.last(KEY)
    assert last
    assert (last.fingerprint, last.who) == (second.fingerprint, "zoe")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"subject": "B"}, ["the subject has changed: 'L’étincelle' → 'B'"]),
        ({"preheader": ""}, ["the preheader has changed: 'Une ligne' → ''"]),
        ({"reply_to": "ada@b.org"}, ["the address for replies has changed: '' → 'ada@b.org'"]),
        (
            {"sender": Mailbox(name="Ada", address="ada@lettre.invalid")},
            ["the sender has changed: 'La lettre <redaction@lettre.invalid>' → 'Ada <ada@lettre.invalid>'"],
        ),
        ({"html": "<p>Salut</p>"}, ["the HTML has changed"]),
        ({"text": "Salut"}, ["the text has changed"]),
        (
            {"embedded": True},
            ["the pictures' way to travel has changed: 'from the web' → 'inside the mail'"],
        ),
        ({"renditions": (replace(RED, content=b"pink"),)}, ["the picture 'cid:red' has changed"]),
        (
            {"renditions": (replace(RED, src="cid:blue"),)},
            ["the picture 'cid:blue' is new", "the picture 'cid:red' is gone"],
        ),
        (
            {"subject": "B", "text": "Salut"},
            ["the subject has changed: 'L’étincelle' → 'B'", "the text has changed"],
        ),
    ],
)
def test_each_part_that_has_changed_is_named(
    changed: dict[str, object], words: list[str], approval: Approval
) -> None:
    assert changes(approval, replace(EDITION, **changed)) == words  # type: ignore[arg-type]


def test_the_changed_lines_of_the_text_are_shown_with_names_for_the_blanks(
    approval: Approval,
) -> None:
    changed = replace(EDITION, text=EDITION.text.replace("une ligne.", "deux lignes."))
    assert text_difference(approval, text_of(changed)) == [
        "@@ -1,3 +1,3 @@",
        " Bonjour {name},",
        "-une ligne.",
        "+deux lignes.",
        " ",
    ]


def test_of_a_text_that_is_all_new_twenty_lines_are_shown(approval: Approval) -> None:
    lines = text_difference(approval, "\n".join(f"ligne {number}" for number in range(100)))
    assert len(lines) == 21
    assert lines[-1] == "… and 85 lines more"
