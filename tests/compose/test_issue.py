"""Bad article files get an error with file and line; good ones become an Issue."""

from datetime import date
from pathlib import Path

import pytest

from newsletter.compose.issue import issue_days, read_issue
from newsletter.errors import ContentError
from tests.conftest import ARTICLE, ISSUE, write_issue


def fails(folder: Path, root: Path) -> ContentError:
    with pytest.raises(ContentError) as caught:
        read_issue(folder, root=root)
    return caught.value


def with_article(root: Path, text: str, name: str = "01_premier") -> ContentError:
    return fails(write_issue(root, "2026-11-23", **{name: text}), root)


def test_a_folder_of_files_becomes_an_issue_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    second = ARTICLE.replace("premier", "second")
    folder = write_issue(tmp_path, "2026-11-23", **{"02_deux": second, "01_un": ARTICLE})
    issue = read_issue(folder, root=tmp_path)
    assert issue.key == "2026-11-23"
    assert issue.day == date(2026, 11, 23)
    assert issue.subject == "Un numéro pour les tests : tout y est"
    assert issue.editor == "Ada Test"
    assert issue.opening.strip("\n") == "Deux mots pour ouvrir."
    assert [article.title for article in issue.articles] == [
        "Le titre du premier article",
        "Le titre du second article",
    ]
    first = issue.articles[0]
    assert (first.number, first.slug, first.author, first.section) == (1, "un", "Zoé Œuvrard", "Tech")
    assert (first.link, first.link_name, first.sponsored) == (
        "https://www.example.org/source",
        "Le Journal",
        False,
    )
    assert first.body_line == 8


def test_values_are_what_was_typed_and_never_turned_into_something_else(tmp_path: Path) -> None:
    text = '---\ntitle: 1e3\nsection: no\nauthor: "2026-11-23"\n---\nx\n'
    article = read_issue(write_issue(tmp_path, "2026-11-23", **{"01_a": text})).articles[0]
    assert (article.title, article.section, article.author) == ("1e3", "no", "2026-11-23")


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        ("---\nauthor: A\n---\nx\n", 1, "no title", 'add a "title:" line between the --- lines'),
        ("---\ntitle: A\ntitel: B\n---\nx\n", 3, "unknown key 'titel'", 'did you mean "title"?'),
        ("---\ntitle: A\ntitle: B\n---\nx\n", 3, "key 'title' stands twice", "delete one of the two"),
        ("---\ntitle: Un : deux\n---\nx\n", 2, "broken YAML", "between quotes"),
        ("---\ntitle: [a, b]\n---\nx\n", 2, "title is not a plain text", "on one line"),
        ("---\n- a\n---\nx\n", 2, "the front matter is no list of keys", "key: value"),
        ("title: A\n", 1, "no front matter", "begin the file with a line ---"),
        ("---\ntitle: A\nx\n", 1, "the front matter has no end", "close it with a line ---"),
        ("---\ntitle: A\n---\n \n", 4, "the article has no text", "write it below the ---"),
        ("---\ntitle: A\nlink: ftp://x\n---\nx\n", 3, "'ftp://x' is not a web address", "write https://…"),
        ("---\ntitle: A\nsponsored: maybe\n---\nx\n", 3, "sponsored is 'maybe'", "sponsored: true"),
        ("---\ntitle: A\nalt: x\n---\nx\n", 3, "alt without a picture", "add a picture: line"),
        ("---\ntitle: A\n---\na\n\x07\n", 5, "control character U+0007 in the text", "delete it"),
    ],
)
def test_a_bad_article_is_told_by_file_and_line(
    tmp_path: Path, text: str, line: int, message: str, hint: str
) -> None:
    error = with_article(tmp_path, text)
    assert error.where == f"issues/2026-11-23/01-premier.md:{line}"
    assert message in error.message
    assert hint in error.hint


def test_a_file_that_is_not_utf8_is_told_by_its_line(tmp_path: Path) -> None:
    folder = write_issue(tmp_path, "2026-11-23")
    (folder / "01-premier.md").write_bytes(b"---\ntitle: A\n---\ncaf\xe9\n")
    error = fails(folder, tmp_path)
    assert error.where == "issues/2026-11-23/01-premier.md:4"
    assert error.message == "not UTF-8 (byte 0xe9)"


def test_a_byte_order_mark_and_foreign_line_ends_do_no_harm(tmp_path: Path) -> None:
    folder = write_issue(tmp_path, "2026-11-23")
    (folder / "01-premier.md").write_bytes("\ufeff---\r\ntitle: Été\r\n---\r\nx\r\n".encode())
    assert read_issue(folder).articles[0].title == "Été"


def test_two_articles_with_one_number_are_refused(tmp_path: Path) -> None:
    folder = write_issue(tmp_path, "2026-11-23", **{"01_un": ARTICLE, "01_deux": ARTICLE})
    error = fails(folder, tmp_path)
    assert error.where == "issues/2026-11-23/01-un.md"
    assert error.message == "number 01 is taken by 01-deux.md"


def test_two_articles_with_one_web_address_are_refused(tmp_path: Path) -> None:
    folder = write_issue(tmp_path, "2026-11-23", **{"01_un": ARTICLE, "02_un": ARTICLE})
    assert "would have the web address of 01-un.md" in fails(folder, tmp_path).message


def test_a_file_that_is_no_article_is_refused_rather_than_left_out(tmp_path: Path) -> None:
    error = with_article(tmp_path, ARTICLE, name="Brouillon")
    assert error.where == "issues/2026-11-23/Brouillon.md"
    assert "01-budget.md" in error.hint


def test_a_missing_issue_says_how_to_start_one(tmp_path: Path) -> None:
    error = fails(tmp_path / "issues" / "2026-11-23", tmp_path)
    assert (error.where, error.message) == ("issues/2026-11-23", "no such issue")
    assert error.hint == "newsletter new 2026-11-23"


def test_an_empty_folder_an_issue_without_articles_and_one_without_its_head(tmp_path: Path) -> None:
    folder = tmp_path / "issues" / "2026-11-23"
    folder.mkdir(parents=True)
    assert fails(folder, tmp_path).message == "no issue.md"
    (folder / "issue.md").write_text(ISSUE, encoding="utf-8")
    assert fails(folder, tmp_path).message == "no articles"


@pytest.mark.parametrize("name", ["2026-13-01", "23-11-2026", "brouillon"])
def test_a_folder_that_is_not_named_after_a_day_is_refused(tmp_path: Path, name: str) -> None:
    assert fails(write_issue(tmp_path, name), tmp_path).message == f"{name!r} is not a date"


def test_the_days_with_an_issue_are_listed_in_order(tmp_path: Path) -> None:
    for key in ("2026-11-24", "2026-11-20", "notes"):
        write_issue(tmp_path, key)
    assert issue_days(tmp_path / "issues") == [date(2026, 11, 20), date(2026, 11, 24)]
    assert issue_days(tmp_path / "nowhere") == []
