"""The cards that other sites show: the words fit, and the bytes are the same everywhere."""

import io

import pytest
from PIL import Image, ImageChops

from newsletter.compose.pictures.card import Card, draw


def card(title: str, below: str = "Énergie · lundi 23 novembre 2026") -> Image.Image:
    data = draw(Card(name="La lettre du test", title=title, below=below))
    with Image.open(io.BytesIO(data)) as image:
        return image.convert("RGB")


def inked(image: Image.Image, top: int, bottom: int) -> tuple[int, int, int, int]:
    """What is not ground between two heights: left, top, right, bottom."""
    part = image.crop((0, top, image.width, bottom))
    box = ImageChops.difference(part, Image.new("RGB", part.size, "#ffffff")).getbbox()
    assert box
    return box[0], box[1] + top, box[2], box[3] + top


@pytest.mark.parametrize(
    "title",
    [
        "Court",
        "Le cargo à voile met le café au rythme du vent",
        "Un titre qui n’en finit pas " * 12,
        "anticonstitutionnellement" * 8,
        "Vœux\u202f: 38\u00a0000\u00a0€, «\u00a0Été\u00a0» – Dvořák… & <b>",
    ],
)
def test_a_title_of_any_length_stays_inside_its_margins(title: str) -> None:
    image = card(title)
    assert image.size == (1200, 630)
    left, top, right, bottom = inked(image, 150, 515)
    assert (left >= 80, right <= 1120, top > 155, bottom < 515) == (True, True, True, True)
    assert inked(image, 515, 630)[3] < 600


def test_characters_that_the_font_lacks_are_left_out() -> None:
    plain, decorated = card("Une fusée décolle"), card("Une 🚀 fusée 漢字 décolle\u200b")
    assert ImageChops.difference(plain, decorated).getbbox() is None
    assert ImageChops.difference(plain, card("Une fusée décolla")).getbbox()


def test_a_card_is_the_same_each_time_and_has_few_colours() -> None:
    made = Card(name="La lettre du test", title="Toujours pareil", accent="#0b5d7a", ground="#faf6ef")
    assert draw(made) == draw(made)
    assert len(draw(made)) < 40_000
    with Image.open(io.BytesIO(draw(made))) as image:
        colours = {colour: count for count, colour in image.convert("RGB").getcolors(1000) or []}
    assert colours[(0xFA, 0xF6, 0xEF)] > 600_000
    assert colours[(0x0B, 0x5D, 0x7A)] >= 1200 * 18
    assert len(colours) <= 65


def test_every_letter_of_french_is_in_the_font() -> None:
    alphabet = "ÀÂÄÆÇÉÈÊËÎÏÔÖŒÙÛÜŸàâäæçéèêëîïôöœùûüÿ«»’–—…€²"
    for letter in alphabet:
        assert ImageChops.difference(card(f"H{letter}H"), card("HH")).getbbox(), letter
