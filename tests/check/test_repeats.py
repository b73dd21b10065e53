"""What was said before, in this issue or in the last ones."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from newsletter.check.rule import Level
from tests.check.conftest import Proofread

HERE = "issues/2026-11-23"
PARAGRAPH = (
    "Un voilier met vingt-sept jours pour rapporter mille tonnes de café de Santos au Havre, et presque"
    " sans carburant, ce que les torréfacteurs impriment sur le sachet."
)


def article(body: str, *head: str, title: str = "Un titre") -> str:
    return "\n".join(["---", f'title: "{title}"', *head, "---", body, ""])


def issue(subject: str, preheader: str = "", opening: str = "Bonjour à tous.") -> str:
    return f'---\nsubject: "{subject}"\npreheader: "{preheader}"\n---\n{opening}\n'


def earlier(root: Path, files: Mapping[str, str], *keys: str) -> None:
    for key in keys or ("2026-11-20",):
        folder = root / "issues" / key
        folder.mkdir(parents=True)
        basic = {"issue.md": issue(f"Numéro du {key}"), "01-un.md": article("Rien.")}
        for name, text in {**basic, **files}.items():
            (folder / name).write_text(text, encoding="utf-8")


# ---- links ----


@pytest.mark.parametrize(
    "before",
    [
        article("Rien.", "link: https://www.example.org/prix?id=7"),
        article("Voir [le prix](http://example.org/prix/?id=7#tableau)."),
        article("Voir <https://example.org/prix?utm_source=lettre&id=7>."),
    ],
)
def test_a_link_of_an_earlier_issue_is_told_with_its_file(
    proofread_issue: Proofread, tmp_path: Path, before: str
) -> None:
    earlier(tmp_path, {"02-prix.md": before})
    files = {"01-un.md": article("Voici [le prix](https://example.org/prix?id=7) du jour.")}
    (found,) = proofread_issue(files, "repeated-link")
    assert (str(found.place), found.level) == (f"{HERE}/01-un.md:4:17", Level.WARNING)
    assert found.message == "issues/2026-11-20/02-prix.md links to the same page"


def test_the_latest_issue_with_the_link_is_named(proofread_issue: Proofread, tmp_path: Path) -> None:
    link = article("Rien.", "link: https://example.org/prix")
    earlier(tmp_path, {"01-un.md": link}, "2026-11-18", "2026-11-19")
    (found,) = proofread_issue({"01-un.md": link}, "repeated-link")
    assert str(found.place) == f"{HERE}/01-un.md:3:7"
    assert found.message == "issues/2026-11-19/01-un.md links to the same page"


def test_two_articles_with_one_link_are_told(proofread_issue: Proofread) -> None:
    files = {
        "01-un.md": article("Rien.", "link: https://example.org/prix"),
        "02-deux.md": article("Voir [ici](https://example.org/prix)."),
    }
    (found,) = proofread_issue(files, "repeated-link")
    assert str(found.place) == f"{HERE}/02-deux.md:4:12"
    assert found.message == f"{HERE}/01-un.md links to the same page"


def test_links_that_may_come_again(proofread_issue: Proofread, tmp_path: Path) -> None:
    texts = (
        "Les chiffres de [l'Insee](https://www.insee.fr/), déjà dit [vendredi](https://matin.example.org/a/).\n"
        "En code : `[x](https://example.org/code)`."
    )
    paid = article("Rien.", "link: https://example.org/essai", "sponsored: true")
    earlier(tmp_path, {"01-un.md": article(texts), "02-pub.md": paid})
    own = article(
        texts + " Et [un](https://example.org/a), [deux](https://example.org/a).",
        "link: https://example.org/a",
    )
    assert proofread_issue({"01-un.md": own, "02-pub.md": paid}, "repeated-link") == []


def test_what_three_issues_link_to_is_a_custom(proofread_issue: Proofread, tmp_path: Path) -> None:
    link = article("Écrivez-nous [ici](https://example.org/courrier).")
    earlier(tmp_path, {"01-un.md": link}, "2026-11-18", "2026-11-19", "2026-11-20")
    assert proofread_issue({"01-un.md": link}, "repeated-link") == []


# ---- subjects ----


def test_a_subject_and_a_preheader_that_were_there_are_told(
    proofread_issue: Proofread, tmp_path: Path
) -> None:
    earlier(tmp_path, {"issue.md": issue("Fusion et faux rabais", "Un cargo hisse les voiles.")})
    files = {"issue.md": issue("Fusion, et faux rabais !", "Un cargo hisse les voiles.")}
    subject, preheader = proofread_issue(files, "repeated-subject")
    assert (str(subject.place), subject.level) == (f"{HERE}/issue.md:2:11", Level.WARNING)
    assert subject.message == "issues/2026-11-20/issue.md has the same subject"
    assert str(preheader.place) == f"{HERE}/issue.md:3:13"
    assert preheader.message == "issues/2026-11-20/issue.md has the same preheader"


def test_two_articles_of_one_title_are_told(proofread_issue: Proofread) -> None:
    files = {"02-deux.md": article("Autre chose."), "03-trois.md": article("Encore.", title="Un autre titre")}
    (found,) = proofread_issue(files, "repeated-subject")
    assert str(found.place) == f"{HERE}/02-deux.md:2:9"
    assert found.message == f"{HERE}/01-un.md has the same title"


def test_subjects_may_be_alike_and_titles_may_come_again(proofread_issue: Proofread, tmp_path: Path) -> None:
    earlier(tmp_path, {"issue.md": issue("L'inflation à 2,1 %"), "01-un.md": article("Rien de tel.")})
    assert proofread_issue({"issue.md": issue("L'inflation à 2,3 %")}, "repeated-subject") == []


# ---- paragraphs ----


@pytest.mark.parametrize(
    "changed",
    [PARAGRAPH, PARAGRAPH.replace("vingt-sept", "vingt-huit").replace("mille tonnes", "1 000 tonnes")],
)
def test_nearly_the_same_paragraph_is_told_where_it_begins(
    proofread_issue: Proofread, tmp_path: Path, changed: str
) -> None:
    earlier(tmp_path, {"02-cargo.md": article(f"Une autre phrase.\n\n{PARAGRAPH}")})
    (found,) = proofread_issue({"01-un.md": article(f"Le café.\n\n{changed}\n\nFin.")}, "repeated-paragraph")
    assert (str(found.place), found.level) == (f"{HERE}/01-un.md:6:1", Level.WARNING)
    assert found.message == "issues/2026-11-20/02-cargo.md:6 has nearly the same paragraph"


def test_a_paragraph_twice_in_one_issue_is_told_at_the_second(proofread_issue: Proofread) -> None:
    files = {"01-un.md": article(PARAGRAPH), "02-deux.md": article(f"Deux.\n\n{PARAGRAPH}")}
    (found,) = proofread_issue(files, "repeated-paragraph")
    assert (str(found.place), found.message) == (
        f"{HERE}/02-deux.md:6:1",
        f"{HERE}/01-un.md:4 has nearly the same paragraph",
    )


def test_the_same_subject_in_other_words_is_no_repeat(proofread_issue: Proofread, tmp_path: Path) -> None:
    earlier(tmp_path, {"02-cargo.md": article(PARAGRAPH)})
    other = (
        "Le second voilier de la compagnie mettra vingt-cinq jours pour rapporter du cacao d'Abidjan à Rouen,"
        " et presque sans carburant, un argument que les chocolatiers comptent imprimer sur leurs tablettes."
    )
    assert proofread_issue({"01-un.md": article(other)}, "repeated-paragraph") == []


def test_short_formulas_customs_and_adverts_may_come_again(
    proofread_issue: Proofread, tmp_path: Path
) -> None:
    custom = "Ceci n'est pas un conseil en placement : relisez la notice et parlez-en à quelqu'un du métier."
    short = "Bonne lecture à tous, et bon café."
    paid = article(PARAGRAPH, "sponsored: true")
    files = {"01-un.md": article(f"{custom}\n\n{short}"), "02-pub.md": paid}
    earlier(tmp_path, files, "2026-11-18", "2026-11-19", "2026-11-20")
    assert proofread_issue(files, "repeated-paragraph") == []


def test_an_issue_of_a_month_ago_is_forgotten(proofread_issue: Proofread, tmp_path: Path) -> None:
    earlier(tmp_path, {"01-un.md": article(PARAGRAPH)}, "2026-10-01")
    earlier(tmp_path, {}, *(f"2026-10-{day:02}" for day in range(2, 22)))
    assert proofread_issue({"01-un.md": article(PARAGRAPH)}, "repeated-paragraph") == []
