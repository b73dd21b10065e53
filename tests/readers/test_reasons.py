import pytest

from newsletter.readers.reasons import HARD, REFUSED, SOFT, Reason, Reasons, in_words


@pytest.mark.parametrize(
    ("code", "text", "words", "told"),
    [
        ("5.1.1", "", "no such mailbox", "5.1.1"),
        ("", "550 5.1.1 <lea@example.org> unknown 550", "no such mailbox", "5.1.1"),
        ("4.2.2", "", "the mailbox is full", "4.2.2"),
        ("5.1.10", "", "the domain takes no mail", "5.1.10"),
        ("5.7.515", "", "refused by the provider's rules", "5.7.515"),
        ("5.7.26", "", "neither SPF nor DKIM passed", "5.7.26"),
        ("5.1.99", "", "something is wrong with the address", "5.1.99"),
        ("5.5.0", "", "the servers did not understand each other", "5.5.0"),
        ("5.0.0", "", "no reason given", "5.0.0"),
        ("552", "", "the mailbox is full", "552"),
        ("550", "", "no reason given", "550"),
        ("", "550 go away", "no reason given", "550"),
        ("", "refused by 5.1.1.2, sorry", "no reason given", ""),
        ("", "we like 14.5.1.1 better", "no reason given", ""),
        ("", "", "no reason given", ""),
    ],
)
def test_a_code_is_told_in_words(code: str, text: str, words: str, told: str) -> None:
    assert in_words(code, text) == (words, told)


def test_reasons_are_counted_by_what_they_mean_the_most_frequent_first() -> None:
    reasons = Reasons()
    reasons.count(SOFT, "5.2.2")
    reasons.count(REFUSED, "", "550 5.1.1 unknown 550")
    reasons.count(HARD, "5.1.1", times=3)
    reasons.count(SOFT, "4.2.2", times=2)
    assert reasons.all() == (
        Reason(words="no such mailbox", codes=("5.1.1",), refused=1, hard=3, soft=0),
        Reason(words="the mailbox is full", codes=("4.2.2", "5.2.2"), refused=0, hard=0, soft=3),
    )
