"""Words as a reader counts them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.compose.reading_time import count_words, reading_seconds
from newsletter.compose.typography import typeset


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        (" \n\u00a0 ", 0),
        ("Pourquoi\u00a0?", 1),
        ("Pourquoi ?", 1),
        ("« l’actu en cinq minutes »", 4),
        ("L'an 2026 – enfin – commence…", 4),
        ("38\u202f000\u00a0€", 1),
        ("10 000 000 de kWh, 4,2 %", 4),
        ("en 2024 300 personnes", 4),
        ("Saint-Jean-de-Luz", 1),
        ("un\u2009deux\u3000trois\u2028quatre", 4),
        ("état été", 2),
        ("— * … ! €", 0),
    ],
)
def test_a_word_holds_a_letter_or_a_digit(text: str, words: int) -> None:
    assert count_words(text) == words


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(["mot", "été", "10", "10 000", "l'an", "?", "%", '"', "– ", " "]), max_size=12)
)
def test_typography_does_not_change_the_count(parts: list[str]) -> None:
    text = " ".join(parts)
    assert count_words(typeset(text, language="fr")) == count_words(text)


@pytest.mark.parametrize(("words", "seconds"), [(0, 0), (1, 0), (2, 1), (238, 60), (1111, 280), (1190, 300)])
def test_reading_goes_at_238_words_a_minute(words: int, seconds: int) -> None:
    assert reading_seconds(words, 238) == seconds


def test_the_pace_is_a_setting() -> None:
    assert reading_seconds(500, 250) == 120
