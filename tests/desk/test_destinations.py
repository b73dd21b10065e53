"""Redirectors opened, tracking taken off, all else of an address left alone."""

import pytest

from newsletter.desk.destinations import clean_address
from newsletter.desk.pasted import read_pasted


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
    ],
)
def test_an_address_without_redirector_or_tracking_stays_byte_for_byte(address: str) -> None:
    assert clean_address(address) == address


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("Voir https://example.org/a_b_c.", "Voir <https://example.org/a_b_c>."),
        ("Voir (https://example.org/a), puis", "Voir (<https://example.org/a>), puis"),
        ("Voir https://example.org/Pain_(aliment) !", "Voir <https://example.org/Pain_(aliment)> !"),
        ("Voir le rapport <https://example.org/a?utm_source=x>.", "Voir le rapport <https://example.org/a>."),
        ("Voir [le rapport](https://example.org/a?fbclid=x).", "Voir [le rapport](https://example.org/a)."),
        ("« https://example.org/a »", "« <https://example.org/a> »"),
        ("Écrire à mot@example.org.", "Écrire à mot@example.org."),
        ('<a href="https://example.org/a?gclid=1">Le rapport</a> !', "[Le rapport](https://example.org/a) !"),
        ('<a href="https://example.org/a">https://example.org/a</a>.', "<https://example.org/a>."),
        ('<a href="mailto:mot@example.org">Écrire</a>.', "[Écrire](mailto:mot@example.org)."),
        ('Oh !<a href="https://example.org/a">Ici</a>.', "Oh \\![Ici](https://example.org/a)."),
    ],
)
def test_a_link_in_the_text_becomes_a_markdown_link(typed: str, written: str) -> None:
    assert (
        read_pasted(f"Une phrase.\n\n{typed}\n\nUne autre.").body
        == f"Une phrase.\n\n{written}\n\nUne autre.\n"
    )


def test_every_address_that_was_changed_is_named_as_it_was() -> None:
    pasted = "Une phrase : https://example.org/?utm_source=x et <a href='/accueil'>la une</a>."
    draft = read_pasted(pasted)
    assert draft.body == "**Une phrase :** <https://example.org/> et la une.\n"
    assert draft.dropped == (
        "without redirector or tracking: https://example.org/?utm_source=x",
        "not a web address: /accueil",
    )


def test_where_a_shortened_link_leads_is_for_the_editor_to_find_out() -> None:
    draft = read_pasted("Une phrase.\n\nVoir https://bit.ly/3xYz.")
    assert draft.doubts == ("titre", "où mène ce lien raccourci ?")
    assert "Voir <https://bit.ly/3xYz> [À VÉRIFIER : où mène ce lien raccourci ?]." in draft.body
