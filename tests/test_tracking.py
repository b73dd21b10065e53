"""Redirectors opened, tracking taken off, shorteners known, all else of an address left alone."""

import pytest

from newsletter.tracking import clean_address, leads_anywhere


@pytest.mark.parametrize(
    ("pasted", "clean"),
    [
        ("https://www.google.com/url?q=https%3A%2F%2Fexample.org%2Fa%3Fb%3D1&sa=D&usg=X", "https://example.org/a?b=1"),
        ("https://www.google.fr/url?sa=t&url=https%3A%2F%2Fexample.org%2Fa&ved=2", "https://example.org/a"),
        ("https://l.facebook.com/l.php?u=https%3A%2F%2Fexample.org%2F%3Ffbclid%3DIw&h=AT", "https://example.org/"),
        ("https://out.reddit.com/t3_1?url=https%3A%2F%2Fexample.org%2Fr&token=A", "https://example.org/r"),
        (
            "https://eur03.safelinks.protection.outlook.com/?url=https%3A%2F%2Fexample.org%2Fs&data=05&reserved=0",
            "https://example.org/s",
        ),
        ("https://www.linkedin.com/redir/redirect?url=https%3A%2F%2Fexample.org%2Fl&urlhash=x", "https://example.org/l"),
        ("https://www.youtube.com/redirect?event=d&q=https%3A%2F%2Fexample.org%2Fy", "https://example.org/y"),
        (
            "https://www.google.com/url?q=https%3A%2F%2Fl.facebook.com%2Fl.php%3Fu%3Dhttps%253A%252F%252Fexample.org%252F",
            "https://example.org/",
        ),
    ],
)  # fmt: skip
def test_a_redirector_is_opened(pasted: str, clean: str) -> None:
    assert clean_address(pasted) == clean


@pytest.mark.parametrize(
    ("pasted", "clean"),
    [
        ("https://example.org/?utm_source=x&utm_medium=mail", "https://example.org/"),
        ("https://example.org/a?id=7&utm_campaign=x#suite", "https://example.org/a?id=7#suite"),
        ("https://example.org/a?fbclid=1&gclid=2&mc_cid=3&mc_eid=4&q=%C3%A9+b", "https://example.org/a?q=%C3%A9+b"),
        ("https://example.org/a?gclid", "https://example.org/a"),
        ("https://example.org/a?at_medium=RSS&at_campaign=1&page=2", "https://example.org/a?page=2"),
        ("https://example.org/a.html#xtor=EREC-1", "https://example.org/a.html"),
    ],
)  # fmt: skip
def test_tracking_is_taken_off_and_nothing_else(pasted: str, clean: str) -> None:
    assert clean_address(pasted) == clean


@pytest.mark.parametrize(
    "address",
    [
        "https://example.org/a?b=1&b=2&c",
        "https://www.google.com/search?q=https%3A%2F%2Fexample.org",
        "https://www.google.com/url?q=javascript%3Aalert(1)",
        "https://example.org/l.php?u=https%3A%2F%2Fexample.com",
        "https://example.org/?mutm_source=1",
        "http://[oops",
        "https://example.org/?at_home=1#",
    ],
)
def test_an_address_without_redirector_or_tracking_stays_byte_for_byte(address: str) -> None:
    assert clean_address(address) == address


def test_a_shortener_is_known_by_its_whole_name() -> None:
    assert leads_anywhere("https://bit.ly/3xYz")
    assert leads_anywhere("https://T.CO/x")
    assert not leads_anywhere("https://rabbit.ly/3xYz")
    assert not leads_anywhere("https://bit.ly.example.org/")
