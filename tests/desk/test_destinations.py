"""Links in pasted text: cleaned, made Markdown, and named where they changed."""

import pytest

from newsletter.desk.pasted import read_pasted


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
