"""The files of a new issue, and where an imported article goes."""

from datetime import date
from pathlib import Path

import pytest

from newsletter.compose.issue import TO_CHECK, read_issue
from newsletter.desk.new import new_issue, place_article, slug
from newsletter.desk.pasted import article_file, read_pasted
from newsletter.errors import ContentError
from newsletter.model import Mailbox, Publication

DAY = date(2026, 11, 24)


def publication(language: str) -> Publication:
    sender = Mailbox(name="La Miche", address="bonjour@example.org")
    return Publication(name="La Miche", sender=sender, language=language)


@pytest.mark.parametrize(
    ("language", "article"), [("fr", "01-premier-article.md"), ("en", "01-first-article.md")]
)
def test_a_new_issue_can_be_read_and_is_marked_to_be_rewritten(
    tmp_path: Path, language: str, article: str
) -> None:
    folder = new_issue(tmp_path, DAY, publication(language))
    assert folder == tmp_path / "issues" / "2026-11-24"
    issue = read_issue(folder)
    assert issue.day == DAY
    assert 10 <= len(issue.subject) <= 60
    assert 40 <= len(issue.preheader) <= 110
    assert [found.source.name for found in issue.articles] == [article]
    texts = (issue.subject, issue.preheader, issue.editor, issue.opening)
    assert all(TO_CHECK in text for text in (*texts, issue.articles[0].title, issue.articles[0].body))


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_new_article_shows_every_shape_of_the_house(tmp_path: Path, language: str) -> None:
    body = read_issue(new_issue(tmp_path, DAY, publication(language))).articles[0].body
    for shape in ("\n**", ":** ", "\n- ", "\n::: number ", "\n> — "):
        assert shape in body


def test_an_issue_that_exists_is_left_alone(tmp_path: Path) -> None:
    folder = new_issue(tmp_path, DAY, publication("fr"))
    (folder / "issue.md").write_text("à moi", encoding="utf-8")
    with pytest.raises(ContentError, match="exists already") as caught:
        new_issue(tmp_path, DAY, publication("fr"))
    assert caught.value.where == "issues/2026-11-24"
    assert "newsletter new 2026-11-25" in caught.value.hint
    assert (folder / "issue.md").read_text(encoding="utf-8") == "à moi"


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "issues").write_text("a file, not a folder", encoding="utf-8")
    with pytest.raises(ContentError, match="cannot be written: Not a directory"):
        new_issue(tmp_path, DAY, publication("fr"))


def test_an_article_is_placed_behind_the_last_one(tmp_path: Path) -> None:
    folder = new_issue(tmp_path, DAY, publication("fr"))
    (folder / "07-autre.md").write_text("---\ntitle: Autre\n---\nTexte.\n", encoding="utf-8")
    path = place_article(tmp_path, DAY, "texte\n", "L’œuf : élan ou pas ?")
    assert path == folder / "08-l-oeuf-elan-ou-pas.md"
    assert path.read_bytes() == b"texte\n"


def test_two_articles_of_one_title_get_two_names(tmp_path: Path) -> None:
    folder = new_issue(tmp_path, DAY, publication("fr"))
    text = article_file(read_pasted("Le pain sort enfin de l’armoire\nUgo Delorme\n\nUne phrase."))
    names = [place_article(tmp_path, DAY, text, "Le pain").name for _ in range(3)]
    assert names == ["02-le-pain.md", "03-le-pain-2.md", "04-le-pain-3.md"]
    assert [article.author for article in read_issue(folder).articles[1:]] == ["Ugo Delorme"] * 3


def test_an_article_for_no_issue_asks_for_the_issue_first(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="no such issue") as caught:
        place_article(tmp_path, DAY, "texte", "Le pain")
    assert caught.value.hint == "newsletter new 2026-11-24"
    assert list(tmp_path.iterdir()) == []


def test_the_hundredth_article_finds_no_number(tmp_path: Path) -> None:
    folder = new_issue(tmp_path, DAY, publication("fr"))
    (folder / "99-fin.md").write_text("---\ntitle: Fin\n---\nTexte.\n", encoding="utf-8")
    with pytest.raises(ContentError, match="number 99 is taken"):
        place_article(tmp_path, DAY, "texte", "Le pain")


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Cœur de Bœuf, ex æquo", "coeur-de-boeuf-ex-aequo"),
        ("L’État, c’est 49,3 % !", "l-etat-c-est-49-3"),
        ("[À VÉRIFIER : titre]", "a-verifier-titre"),
        ("Straße Ålesund Łódź", "strasse-alesund-lodz"),
        ("日本", "article"),
        ("", "article"),
        ("a" * 80, "a" * 60),
        (
            "Pourquoi la coopérative glisse des baguettes dans une armoire chauffée",
            "pourquoi-la-cooperative-glisse-des-baguettes-dans-une",
        ),
    ],
)
def test_a_title_becomes_a_short_ascii_name(title: str, expected: str) -> None:
    assert slug(title) == expected
