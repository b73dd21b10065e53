"""Readers who do not exist, with the names that people have."""

from itertools import islice

from email_validator import validate_email

from newsletter.desk.madeup import made_up_readers


def test_made_up_readers_are_the_same_on_every_run() -> None:
    assert list(islice(made_up_readers(1000), 4)) == [
        ("Anne-Laure Lefèvre", "anne-laure.lefevre@example.org"),
        ("Zoé d'Ormesson", "zoe.d-ormesson@example.com"),
        ("Jean-Baptiste de La Tour", "jean-baptiste.de-la-tour@example.net"),
        ("Élodie N'Guessan", "elodie.n-guessan@example.org"),
    ]


def test_no_two_made_up_readers_share_an_address() -> None:
    addresses = [address for _, address in made_up_readers(20_000)]
    assert len(set(addresses)) == 20_000


def test_made_up_readers_live_where_nobody_can_be_reached() -> None:
    domains = {address.partition("@")[2] for _, address in made_up_readers(100)}
    assert domains == {"example.org", "example.com", "example.net"}


def test_made_up_addresses_are_valid_ones() -> None:
    for _, address in made_up_readers(2000):
        assert validate_email(address, check_deliverability=False).normalized == address


def test_made_up_names_are_as_awkward_as_real_ones() -> None:
    names = [name for name, _ in made_up_readers(1000)]
    assert names.count("") == 58
    for awkward in ("é", "ç", "œ", "'", "-", " de La ", " van der ", "ễ"):
        assert any(awkward in name for name in names), awkward
