"""What SpamAssassin says, and what is made of it."""

from dataclasses import replace
from pathlib import Path

import pytest

from newsletter.check import spam
from newsletter.check.rule import Level
from newsletter.check.spamassassin import Cost, Verdict, read_verdict, verdict
from newsletter.errors import ConfigError
from tests.check.conftest import KEY
from tests.check.test_headers import proof_in
from tests.conftest import Newsletter, needs

SPAM = b"""\
Date: Fri, 20 Nov 2026 07:00:00 +0100
From: You Won <bonjour@example.org>
To: Camille <camille@example.org>
Subject: MAKE MONEY FAST
Message-ID: <d9c4e155fecd0769@example.org>
MIME-Version: 1.0
Content-Type: text/html; charset=utf-8

<p>Dear friend, buy viagra cialis now! No risk! Lose weight!</p><a href="http://192.0.2.1/x">CLICK</a>
"""
REPORT = """ 5.4
-0.0 NO_RELAYS              Informational: message was not relayed via SMTP
 0.2 NORMAL_HTTP_TO_IP      URI: URI host has a public dotted-decimal IPv4
                            address
 2.8 DRUG_ED_CAPS           BODY: Mentions an E.D. drug

"""


def test_a_report_is_read_with_reasons_on_two_lines_and_the_dearest_first() -> None:
    assert read_verdict(REPORT) == Verdict(
        points=5.4,
        costs=(
            Cost(rule="DRUG_ED_CAPS", points=2.8, words="BODY: Mentions an E.D. drug"),
            Cost(
                rule="NORMAL_HTTP_TO_IP",
                points=0.2,
                words="URI: URI host has a public dotted-decimal IPv4 address",
            ),
        ),
    )


@pytest.mark.parametrize(
    ("points", "expected"),
    [(None, []), (1.9, []), (2.0, ["spam-smell"]), (4.9, ["spam-smell"]), (5.0, ["spam"]), (-0.3, [])],
)
def test_two_points_are_noted_and_five_warned_of(
    tmp_path: Path, points: float | None, expected: list[str]
) -> None:
    costs = (Cost(rule="DEAR_FRIEND", points=2.7, words="BODY: Dear Friend?"),)
    told = None if points is None else Verdict(points=points, costs=costs)
    proof = replace(proof_in(tmp_path), spam=told)
    found = [(rule, fault) for rule in spam.RULES for fault in rule.find(proof)]
    assert [rule.name for rule, _ in found] == expected
    for rule, fault in found:
        assert rule.level is (Level.WARNING if rule.name == "spam" else Level.NOTE)
        assert str(fault.place) == f"issues/{KEY}"
        assert fault.message.endswith(" points, and 5 are spam (2.7 DEAR_FRIEND: BODY: Dear Friend?)")


def test_spamassassin_finds_spam_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("spamassassin")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LC_ALL", "fr_FR.UTF-8")
    found = verdict(SPAM.replace(b"\n", b"\r\n"))
    assert found.points > 5
    assert ("DIET_1", "BODY: Lose Weight Spam") in {(c.rule, c.words) for c in found.costs}
    assert list(tmp_path.iterdir()) == []


def test_check_asks_spamassassin_and_a_plain_issue_is_no_spam(newsletter: Newsletter, paper: Path) -> None:
    needs("spamassassin")
    answer = newsletter("check", "2026-11-23", "--spam", "--format", "json")
    assert answer.code == 0
    assert '"rule": "spam' not in answer.out


def test_without_spamassassin_check_says_how_to_get_it(
    newsletter: Newsletter, paper: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    answer = newsletter("check", "2026-11-23", "--spam")
    assert answer.code == 2
    assert "SpamAssassin is not installed" in answer.err
    assert "apt-get install spamassassin" in answer.err
    assert newsletter("check", "2026-11-23").code == 0


def a_program(folder: Path, script: str) -> None:
    path = folder / "spamassassin"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
    path.chmod(0o755)


def test_one_that_takes_too_long_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_program(tmp_path, "exec sleep 30")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(ConfigError, match=r"took over 0\.2 seconds"):
        verdict(SPAM, seconds=0.2)


def test_one_that_fails_is_told_with_its_own_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_program(tmp_path, "echo 'config: no rules were found' >&2; exit 2")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(ConfigError, match="gave no verdict: config: no rules were found"):
        verdict(SPAM)
