"""Whose fault a "no" is, in a few words for whoever looks after the readers."""

import time

import pytest

from newsletter.blame import Blame, blame, in_words


@pytest.mark.parametrize(
    ("code", "text", "whose", "words"),
    [
        ("5.1.1", "no such user", Blame.NOBODY_THERE, "no such mailbox"),
        ("5.1.2", "no such domain", Blame.NOBODY_THERE, "its domain does not exist"),
        ("5.2.1", "account disabled", Blame.NOBODY_THERE, "the mailbox was closed"),
        ("5.2.1", "try me", Blame.MAILBOX, "the mailbox takes no mail"),
        ("5.2.2", "over quota", Blame.MAILBOX, "the mailbox is full"),
        ("", "la boîte aux lettres est pleine", Blame.MAILBOX, "the mailbox is full"),
        ("4.2.2", "full", Blame.UNKNOWN, "the mailbox is full"),
        ("5.7.1", "no such user", Blame.SENDER, "refused as unwanted, by policy or reputation"),
        ("", "looks like spam", Blame.SENDER, "refused as unwanted, by policy or reputation"),
        ("5.4.4", "host not found", Blame.UNKNOWN, "the host cannot be reached"),
        ("5.3.4", "too big", Blame.UNKNOWN, "the message is too large"),
        ("5.3.0", "disk trouble", Blame.UNKNOWN, "the host is in trouble"),
        ("", "", Blame.UNKNOWN, "no reason given"),
    ],
)
def test_whose_fault_it_is(code: str, text: str, whose: Blame, words: str) -> None:
    if not code.startswith("4"):
        assert blame(code, text) is whose
    assert in_words(code, text) == words


@pytest.mark.parametrize(
    "text", ["user " * 1000, "a@" * 2000, "<" * 4000, "mailbox mailbox is " * 200, "x" * 4000]
)
def test_no_text_keeps_it_busy(text: str) -> None:
    before = time.thread_time()
    blame("", text)
    in_words("", text)
    assert time.thread_time() - before < 0.5
