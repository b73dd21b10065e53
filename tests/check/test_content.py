"""What an issue says: its length, its subject, and nothing left to do."""

import re
from datetime import date
from pathlib import Path

import pytest

from newsletter.check.rule import Level
from newsletter.desk.new import new_issue
from newsletter.model import Mailbox, Publication
from tests.check.conftest import ARTICLE, ISSUE, Proofread

FIRST = "issues/2026-11-23/01-un.md"
ISSUE_MD = "issues/2026-11-23/issue.md"


def article(body: str, title: str = "Un titre") -> str:
    return f'---\ntitle: "{title}"\n---\n{body}\n'


def issue(subject: str, preheader: str) -> str:
    return f'---\nsubject: "{subject}"\npreheader: "{preheader}"\n---\nBonjour à tous.\n'


def test_an_article_that_takes_far_more_than_its_share_is_told_so(proofread_issue: Proofread) -> None:
    files = {f"0{number}-{name}.md": article("Mot " * 120) for number, name in ((2, "a"), (3, "b"), (4, "c"))}
    files["05-long.md"] = article("Mot " * 400)
    (found,) = proofread_issue(files, "article-share")
    assert (str(found.place), found.level) == ("issues/2026-11-23/05-long.md:4:1", Level.WARNING)
    assert (
        found.message,
        found.hint,
    ) == ("this article takes 101 s; its share of the five minutes is 60 s", "cut about 163 words")


def test_the_longest_of_five_may_be_a_little_longer(proofread_issue: Proofread) -> None:
    files = {f"0{number}-{name}.md": article("Mot " * 200) for number, name in ((2, "a"), (3, "b"), (4, "c"))}
    files["05-long.md"] = article("Mot " * 350)
    assert proofread_issue(files, "article-share") == []


def test_two_articles_share_as_they_like(proofread_issue: Proofread) -> None:
    assert proofread_issue({"02-long.md": article("Mot " * 1000)}, "article-share") == []


def test_a_long_subject_is_shown_as_a_phone_cuts_it(proofread_issue: Proofread) -> None:
    subject = "Un objet qui raconte tout ce que le numéro du jour contient, et encore plus"
    (found,) = proofread_issue({"issue.md": issue(subject, "Y" * 50)}, "subject-length")
    assert str(found.place) == f"{ISSUE_MD}:2:11"
    assert found.message == (
        "the subject has 75 characters; inboxes show 10 to 60 best;"
        ' a phone shows "Un objet qui raconte tout ce que le numé…"'
    )


@pytest.mark.parametrize(
    ("preheader", "message"),
    [
        ("Fusion et faux rabais", "the preheader is the subject once more"),
        ("FUSION, et faux rabais !", "the preheader is the subject once more"),
        (
            "Ce matin : fusion et faux rabais, et encore un cargo qui hisse les voiles",
            "the preheader says the whole subject once more",
        ),
    ],
)
def test_a_preheader_that_repeats_the_subject_is_wasted(
    proofread_issue: Proofread, preheader: str, message: str
) -> None:
    (found,) = proofread_issue({"issue.md": issue("Fusion et faux rabais", preheader)}, "preheader-repeats")
    assert (str(found.place), found.message) == (f"{ISSUE_MD}:3:13", message)


def test_a_preheader_with_most_of_the_subjects_words_is_wasted(proofread_issue: Proofread) -> None:
    files = {"issue.md": issue("Batteries, cantine et sachets amaigris", "Cantine pesée, batteries, sachets")}
    (found,) = proofread_issue(files, "preheader-repeats")
    assert found.message == "the preheader repeats the subject: batteries, cantine, sachets"


def test_a_preheader_may_share_a_word_with_the_subject(proofread_issue: Proofread) -> None:
    files = {"issue.md": issue("Le prix du café grimpe encore", "Le café cher fait des heureux au Brésil")}
    assert proofread_issue(files, "preheader-repeats") == []


@pytest.mark.parametrize(
    ("words", "column"),
    [
        ("Le chiffre est de TK millions.", 19),
        ("Un mot **TKTK** de plus.", 10),
        ("TODO : trouver la source.", 1),
        ("Lorem ipsum dolor sit amet, consectetur.", 1),
        ("Le groupe XXX a gagné.", 11),
        ("Il vaut XX % de plus.", 9),
        ("Le directeur, [à compléter], se tait.", 15),
        ("Comme dit [insérer une citation] hier.", 11),
    ],
)
def test_what_keeps_the_place_of_something_else_is_an_error(
    proofread_issue: Proofread, words: str, column: int
) -> None:
    found, *_ = proofread_issue({"01-un.md": article(words)}, "placeholder")
    assert (str(found.place), found.level) == (f"{FIRST}:4:{column}", Level.ERROR)


def test_a_placeholder_in_a_title_is_found_behind_its_quote(proofread_issue: Proofread) -> None:
    (found,) = proofread_issue({"01-un.md": article("Une phrase.", title="Titre TODO")}, "placeholder")
    assert str(found.place) == f"{FIRST}:2:15"


def test_words_that_only_look_like_placeholders_are_left_alone(proofread_issue: Proofread) -> None:
    text = (
        "Chez TK Maxx et TK Elevator, on rit. Le faux texte « lorem ipsum » a cinq siècles. Un fichier\n"
        "`TODO` traîne. Le XXe siècle et le XXXe arrondissement ; le Super Bowl XXX ; une taille XXXL.\n"
        'La carte 4970 XXXX XXXX 1234. Il écrit "TODO" partout, en español: todo.\n'
        "« [Le groupe] va bien […] », [à venir](https://www.example.org/a-venir)."
    )
    assert proofread_issue({"01-un.md": article(text)}, "placeholder") == []


@pytest.mark.parametrize("language", ["fr", "en"])
def test_all_that_an_empty_issue_shows_is_found(
    proofread_issue: Proofread, tmp_path: Path, language: str
) -> None:
    sender = Mailbox(name="Le Matin", address="bonjour@matin.example.org")
    publication = Publication(name="Le Matin", sender=sender, language=language)
    (path,) = new_issue(tmp_path / "other", date(2026, 11, 24), publication).glob("01-*.md")
    marked = re.sub(r"\[À VÉRIFIER[^\]]*\]", "Fait.", path.read_text(encoding="utf-8"))
    shown = re.sub(r"^# (?=link|source)", "", marked, flags=re.MULTILINE)
    found = proofread_issue({"01-un.md": shown}, "placeholder")
    # Link and source; paragraph, lead-in, two points of the list, number, quotation, speaker, last sentence.
    assert [each.level for each in found] == [Level.ERROR] * 10


def test_an_article_without_a_word_is_an_error(proofread_issue: Proofread) -> None:
    (found,) = proofread_issue({"01-un.md": article("…")}, "empty-text", "thin-article")
    assert (str(found.place), found.level, found.rule) == (
        f"{FIRST}:4:1",
        Level.ERROR,
        "empty-text",
    )


def test_a_lead_in_at_the_end_leads_to_nothing(proofread_issue: Proofread) -> None:
    (found,) = proofread_issue({"01-un.md": article("Une phrase.\n\n**Bref :**")}, "empty-text")
    assert str(found.place) == f"{FIRST}:6:1"


def test_a_lead_in_may_stand_above_a_list(proofread_issue: Proofread) -> None:
    assert proofread_issue({"01-un.md": article("**Les parades :**\n\n- une ;\n- deux.")}, "empty-text") == []


def test_an_article_of_a_few_words_is_thin(proofread_issue: Proofread) -> None:
    (found,) = proofread_issue({"01-un.md": ARTICLE}, "thin-article")
    assert (str(found.place), found.message) == (f"{FIRST}:4:1", "the article has only 3 words")


def test_a_brief_is_not_thin_and_the_opening_may_be_short(proofread_issue: Proofread) -> None:
    brief = "La Banque de France laisse son taux où il était, et les emprunteurs respirent jusqu'en mars."
    assert proofread_issue({"01-un.md": article(brief), "issue.md": ISSUE}, "thin-article") == []
