"""What readers see is in the publication's language, whole."""

from datetime import date
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from newsletter.compose.words import Words
from newsletter.errors import TemplateError
from tests.conftest import ROOT

FOLDER = ROOT / "templates" / "words"


def messages() -> set[str]:
    """What templates and the few modules that speak to readers say, in English."""
    templates = extract_from_dir(
        str(ROOT / "templates"),
        method_map=[("**.j2", "jinja2.ext:babel_extract")],
        keywords={"_": None, "ngettext": (1, 2)},
    )
    modules = [
        row
        for wing in ("compose", "web")
        for row in extract_from_dir(
            str(ROOT / "newsletter" / wing),
            method_map=[("**.py", "python")],
            keywords={"gettext": None, "say": None, "_say": None},
        )
    ]
    return {str(message) for found in (templates, modules) for _, _, message, _, _ in found}


def test_every_word_of_the_templates_has_its_french_and_no_french_is_left_over() -> None:
    with (FOLDER / "fr.po").open("rb") as source:
        catalogue = read_po(source, locale="fr")
    french = {str(message.id): str(message.string) for message in catalogue if message.id}
    assert set(french) == messages()
    assert all(french.values())
    assert not any(message.fuzzy for message in catalogue if message.id)


def test_french_words_keep_their_punctuation_on_the_line() -> None:
    text = (FOLDER / "fr.po").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line.startswith("msgstr"):
            assert " :" not in line
            assert " !" not in line
            assert " ?" not in line
            assert " ;" not in line


@pytest.mark.parametrize(
    ("language", "day", "expected"),
    [
        ("fr", date(2026, 11, 23), "lundi 23 novembre 2026"),
        ("fr", date(2026, 12, 1), "mardi 1er décembre 2026"),
        ("en", date(2026, 12, 1), "Tuesday 1 December 2026"),
    ],
)
def test_days_in_words(language: str, day: date, expected: str) -> None:
    assert Words(language, FOLDER).day_in_words(day) == expected


@pytest.mark.parametrize(
    ("following", "expected"),
    [
        (date(2026, 11, 24), "demain"),
        (date(2026, 11, 27), "vendredi"),
        (date(2026, 11, 30), "lundi 30 novembre 2026"),
    ],
)
def test_the_next_day_in_words(following: date, expected: str) -> None:
    assert Words("fr", FOLDER).next_day(date(2026, 11, 23), following) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "10\u00a0s"),
        (54, "50\u00a0s"),
        (56, "1\u00a0min"),
        (240, "4\u00a0min"),
        (277, "4\u00a0min\u00a040"),
        (3605, "60\u00a0min"),
    ],
)
def test_reading_times_are_told_to_ten_seconds(seconds: int, expected: str) -> None:
    assert Words("fr", FOLDER).duration(seconds) == expected


def test_a_catalogue_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "fr.po").write_text("what is this\n", encoding="utf-8")
    with pytest.raises(TemplateError) as caught:
        Words("fr", tmp_path)
    assert caught.value.message.startswith("not a catalogue")
