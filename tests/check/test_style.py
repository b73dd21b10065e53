"""Long sentences and paragraphs are worth a note; the house's words are kept."""

from newsletter.check.rule import Level
from tests.check.conftest import ISSUE, Proofread
from tests.check.told import articles, told

WORDS = """
[check.words]
"email" = "courriel"
"courriel" = "courriel électronique"
"start-up" = "jeune pousse"
"Internet" = "internet"
"disruptif" = ""
"chiffre d'affaires" = "ventes"
"rond" = "cercle"
"cercle" = "rond"
"tarif" = "tarif : net"
"""


def test_a_sentence_of_more_than_forty_words_is_a_note_where_it_begins(proofread_issue: Proofread) -> None:
    text = "Une courte. " + "mot " * 40 + "fin.\n\n" + "mot " * 39 + "fin.\n\nAvant : " + "mot " * 39 + "fin."
    (found,) = proofread_issue(articles([text]), "long-sentence")
    assert (told(found)[0], found.level) == ("02-cas2.md:4:13", Level.NOTE)
    assert found.message == "a sentence of 41 words"


def test_list_items_are_sentences_of_their_own(proofread_issue: Proofread) -> None:
    text = "La liste :\n\n" + "- un mot de plus ;\n" * 30 + "\n" + "| un mot de plus | un autre |\n" * 30
    assert proofread_issue(articles([text]), "long-sentence", "long-paragraph") == []


def test_a_paragraph_of_more_than_120_words_is_a_note(proofread_issue: Proofread) -> None:
    long, short = "Un mot de plus. " * 30 + "Fin.", "Un mot de plus. " * 30
    (found,) = proofread_issue(articles([f"{short}\n\n> {long}", short]), "long-paragraph")
    assert (told(found)[0], found.message, found.level) == (
        "02-cas2.md:6:3",
        "a paragraph of 121 words",
        Level.NOTE,
    )


def test_the_house_says_it_its_own_way(proofread_issue: Proofread) -> None:
    cases = [
        # The text, where the word is, what a machine writes instead.
        ("Un email part.", "4:4", None),  # what the house says holds a word that it does not say
        ("Une start-up naît.", "4:5", "jeune pousse"),
        ("L'an dernier, la Start-up naît.", "4:18", "Jeune pousse"),
        ("La START-UP naît.", "4:4", None),
        ("Aller sur Internet.", "4:11", "internet"),
        ("C'est disruptif.", "4:7", None),
        ("Le chiffre d’affaires monte.", "4:4", "ventes"),
        ("Le chiffre\nd'affaires monte.", "4:4", None),
        ("Un rond.", "4:4", None),  # it would go round and round
        ("Le tarif.", "4:4", None),
    ]
    found = proofread_issue(articles([text for text, _, _ in cases]), "house-word", settings=WORDS)
    assert [told(each) for each in found] == [
        (f"{number:02}-cas{number}.md:{place}", "house-word", new)
        for number, (_, place, new) in enumerate(cases, 2)
    ]
    assert {each.level for each in found} == {Level.WARNING}


def test_words_that_only_hold_a_word_of_the_house_are_left_alone(proofread_issue: Proofread) -> None:
    texts = [
        "Des emails, un e-email, `email`, https://www.example.org/email et un courriel électronique.",
        "Internet monte. « Internet » aussi : Internet encore, et l'internet.",
        "Des startups et une start-uppeuse disruptive.",
        "Le tarif : net.",
    ]
    assert proofread_issue(articles(texts), "house-word", settings=WORDS) == []


def test_subjects_are_read_and_nothing_is_written_there_that_could_break_them(
    proofread_issue: Proofread,
) -> None:
    words = '\n[check.words]\n"rabais" = "remise : nette"\n"faux" = "vrai"\n'
    head = ISSUE.replace("Camille", "Rabais")
    found = proofread_issue({"issue.md": head}, "house-word", settings=words)
    assert [told(each) for each in found] == [
        ("issue.md:2:21", "house-word", "vrai"),
        ("issue.md:2:26", "house-word", None),
    ]
