import pytest

from newsletter.readers.providers import by_provider, provider_of, told_apart


@pytest.mark.parametrize(
    ("domain", "name"),
    [
        ("orange.fr", "Orange"),
        ("wanadoo.fr", "Orange"),
        ("Gmail.com", "Gmail"),
        ("googlemail.com", "Gmail"),
        ("hotmail.fr", "Outlook.com"),
        ("hotmail.co.uk", "Outlook.com"),
        ("outlook.com.br", "Outlook.com"),
        ("live.be", "Outlook.com"),
        ("msn.com", "Outlook.com"),
        ("yahoo.fr", "Yahoo"),
        ("ymail.com", "Yahoo"),
        ("free.fr", "Free"),
        ("club-internet.fr", "SFR"),
        ("neuf.fr", "SFR"),
        ("laposte.net", "La Poste"),
        ("me.com", "iCloud"),
        ("gmx.de", "GMX"),
        ("atelier.example", "atelier.example"),
        ("live.example", "live.example"),
        ("notorange.fr", "notorange.fr"),
    ],
)
def test_a_mailbox_is_known_by_the_provider_that_keeps_it(domain: str, name: str) -> None:
    assert provider_of(domain) == name


def test_counts_of_a_providers_domains_are_taken_together() -> None:
    counts = by_provider([("orange.fr", 5), ("wanadoo.fr", 3), (None, 2), ("a.example", 1)])
    assert counts == {"Orange": 8, "": 2, "a.example": 1}


def test_fewer_than_five_readers_stand_under_no_name() -> None:
    assert told_apart({"Orange": 9, "atelier.example": 5, "petit.example": 4, "": 50}) == [
        "Orange",
        "atelier.example",
    ]


def test_only_the_twelve_largest_are_told_apart() -> None:
    assert len(told_apart({f"firm-{number}.example": 10 + number for number in range(40)})) == 12
