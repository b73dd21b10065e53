"""Days and dates, reckoned from the issue's own day."""

from collections.abc import Callable
from pathlib import Path

import pytest

from newsletter.check.proofread import proofread
from newsletter.check.rule import Finding, Level
from newsletter.cli.proof import proof_of
from tests.check.conftest import KEY, Proofread, make_paper

FIRST = "issues/2026-11-23/01-un.md"

On = Callable[..., list[Finding]]


def article(body: str) -> str:
    return f'---\ntitle: "Un titre"\n---\n{body}\n'


def issue(opening: str) -> str:
    return f'---\nsubject: "Fusion et faux rabais"\n---\n{opening}\n'


@pytest.fixture
def on(tmp_path: Path) -> On:
    """Proof-read an issue of the day `key` with this opening; only the findings of the named rules."""

    def look(key: str, opening: str, *rules: str, settings: str = "") -> list[Finding]:
        press = make_paper(tmp_path, {"issue.md": issue(opening)}, settings)
        folder = (tmp_path / "issues" / KEY).rename(tmp_path / "issues" / key)
        found = press.issue(folder)
        return [
            finding
            for finding in proofread(proof_of(press, found, press.edition(found)))
            if finding.rule in rules
        ]

    return look


@pytest.mark.parametrize(
    ("words", "column", "message", "hint"),
    [
        (
            "Rendez-vous mardi 23 novembre 2026.",
            13,
            "2026-11-23 is a Monday, not mardi",
            'write "lundi 23 novembre 2026" or "mardi 24 novembre 2026"',
        ),
        (
            "C'est pour **jeudi\u00a027 novembre**.",
            14,
            "2026-11-27 is a Friday, not jeudi",
            'write "vendredi 27 novembre" or "jeudi 26 novembre"',
        ),
        (
            "Fini le mardi 1er janvier.",
            9,
            "2027-01-01 is a Friday, not mardi",
            'write "vendredi 1er janvier" or "mardi 29 décembre"',
        ),
        (
            "See you Monday, November 24th, 2026.",
            9,
            "2026-11-24 is a Tuesday, not Monday",
            'write "Tuesday 24 November 2026" or "Monday 23 November 2026"',
        ),
        (
            "Le lundi 23 novembre 2025, déjà.",
            4,
            "2025-11-23 is a Sunday, not lundi",
            'write "dimanche 23 novembre 2025" or "lundi 24 novembre 2025" or "lundi 23 novembre 2026"',
        ),
        (
            "Du mardi 23 au vendredi 27 novembre.",
            4,
            "2026-11-23 is a Monday, not mardi",
            'write "lundi 23 novembre" or "mardi 24 novembre"',
        ),
        (
            "Du mardi 30 novembre au vendredi 4 décembre.",
            4,
            "2026-11-30 is a Monday, not mardi",
            'write "lundi 30 novembre" or "mardi 1er décembre"',
        ),
        ("Le mardi 31 novembre, jamais.", 4, "month 11 has no day 31", "look it up in a calendar"),
        ("Comme dit hier mardi.", 11, '"hier", 2026-11-22, is no mardi', 'write "dimanche"'),
        ("Et demain, mercredi, il pleut.", 4, '"demain", 2026-11-24, is no mercredi', 'write "mardi"'),
    ],
)
def test_a_day_name_has_to_fit_its_date(
    proofread_issue: Proofread, words: str, column: int, message: str, hint: str
) -> None:
    (found,) = proofread_issue({"01-un.md": article(words)}, "day-and-date")
    assert (str(found.place), found.level) == (f"{FIRST}:4:{column}", Level.WARNING)
    assert (found.message, found.hint) == (message, hint)


@pytest.mark.parametrize(
    "words",
    [
        "Lundi 23 novembre, mardi 24 novembre 2026, le vendredi 27 novembre.",
        "Du lundi 30 au mardi 1er décembre, et du lundi 23 au vendredi 27 novembre.",
        "Le vendredi 1er janvier, on dort.",
        "En 1929, le krach commence le jeudi 24 octobre.",
        "Le vendredi 13 novembre 2015, et le mardi 11 septembre 2001 à New York.",
        "Monday, November 23, 2026, Tuesday the 24th of November, Friday 27 November.",
        "Le lundi, 24 heures après. Vendredi 28 personnes. Mardi 3 mai 2022.",
        "Hier dimanche, aujourd'hui lundi, demain mardi ; hier, dimanche, il pleuvait.",
        "> Demain jeudi, nous fermons.",
        "Depuis hier, mardi est un jour comme un autre.",
        "Tous les lundis 24 novembre ; un lundi\n\n24 novembre.",
        "Le mardi 29 février, il s'en souvient.",
    ],
)
def test_days_that_fit_are_left_alone(proofread_issue: Proofread, words: str) -> None:
    assert proofread_issue({"01-un.md": article(words)}, "day-and-date") == []


@pytest.mark.parametrize(
    ("words", "column"),
    [
        ("Nous sommes le 22 novembre : un dimanche.", 1),
        ("Bonjour ! Nous sommes lundi 16 novembre.", 11),
        ("Nous sommes le 23 novembre 2025.", 1),
        ("Et aujourd'hui, 22 novembre, il pleut.", 4),
        ("Aujourd’hui, c’est le dimanche 22 novembre.", 1),
        ("Today is November 22.", 1),
        ("Today, Sunday 22 November 2026, it rains.", 1),
    ],
)
def test_the_date_of_another_day_is_not_today(proofread_issue: Proofread, words: str, column: int) -> None:
    (found,) = proofread_issue({"issue.md": issue(words)}, "not-today")
    assert (str(found.place), found.level) == (f"issues/2026-11-23/issue.md:4:{column}", Level.WARNING)


@pytest.mark.parametrize(
    "words",
    [
        "Nous sommes le 23 novembre : la suite de Fibonacci.",
        "Nous sommes le lundi 23 novembre 2026, et aujourd'hui, 23 novembre, tout va bien.",
        "Nous sommes le 14 juillet 1789, et le 23 novembre 1859 est loin.",
        "Nous sommes le 22 novembre 1963 à Dallas.",
        "Hier, 22 novembre ; ce 22 novembre ; le 22 novembre.",
        "Aujourd'hui, le 22 novembre est la Sainte-Cécile.",
        'Il disait : "Nous sommes le 22 novembre."',
        "Nous sommes le meilleur des 22 novembre ? Aujourd'hui, 22 personnes.",
    ],
)
def test_todays_date_and_stories_are_left_alone(proofread_issue: Proofread, words: str) -> None:
    assert proofread_issue({"issue.md": issue(words)}, "not-today") == []


def test_on_a_friday_nobody_is_seen_tomorrow(on: On) -> None:
    (found,) = on("2026-11-20", "Bonne lecture, et à demain !", "farewell-until-tomorrow", "tomorrow-is-off")
    assert (str(found.place), found.level) == ("issues/2026-11-20/issue.md:4:19", Level.WARNING)
    assert (found.message, found.hint) == ("the next issue is of 2026-11-23", 'write "lundi 23 novembre"')


def test_on_the_eve_of_a_public_holiday_nobody_is_seen_tomorrow(on: On) -> None:
    (found,) = on("2026-11-10", "On se retrouve demain.", "farewell-until-tomorrow")
    assert found.hint == 'write "jeudi 12 novembre"'


def test_holidays_are_those_of_the_publications_country(on: On) -> None:
    germany = 'country = "DE"\n'
    assert on("2026-11-10", "On se retrouve demain.", "farewell-until-tomorrow", settings=germany) == []


def test_tomorrow_on_a_friday_is_worth_a_look(on: On) -> None:
    (found,) = on("2026-11-20", "Le vote a lieu demain matin.", "tomorrow-is-off")
    assert (str(found.place), found.level) == ("issues/2026-11-20/issue.md:4:16", Level.NOTE)
    assert found.message == "tomorrow, 2026-11-21, is no working day"


@pytest.mark.parametrize(
    "words",
    [
        "La voiture de demain, le monde de\u00a0demain, tomorrow's car, the world of tomorrow.",
        "Demain samedi, on dort. Le lendemain, après-demain.",
        "> Demain, tout ira mieux.",
    ],
)
def test_tomorrow_may_mean_the_weekend_or_no_day_at_all(on: On, words: str) -> None:
    assert on("2026-11-20", words, "tomorrow-is-off", "farewell-until-tomorrow") == []


def test_on_a_monday_tomorrow_is_a_working_day(proofread_issue: Proofread) -> None:
    found = proofread_issue({"issue.md": issue("À demain !")}, "tomorrow-is-off", "farewell-until-tomorrow")
    assert found == []


@pytest.mark.parametrize(
    ("key", "message", "hint"),
    [
        ("2026-11-21", "2026-11-21 is a Saturday", "name the folder issues/2026-11-23"),
        ("2026-12-25", "2026-12-25 is a public holiday in FR", "name the folder issues/2026-12-28"),
    ],
)
def test_an_issue_of_a_day_off_is_told(on: On, key: str, message: str, hint: str) -> None:
    (found,) = on(key, "Bonjour.", "issue-on-a-day-off")
    assert (str(found.place), found.level) == (f"issues/{key}", Level.WARNING)
    assert (found.message, found.hint) == (message, hint)


def test_an_issue_of_a_working_day_is_not(proofread_issue: Proofread) -> None:
    assert proofread_issue({}, "issue-on-a-day-off") == []
