"""Notices: short, in the publication's language, with one link and nothing that a stranger typed."""

from dataclasses import replace
from pathlib import Path

import pytest

from newsletter.compose.notice import compose_notice
from newsletter.config import Look
from newsletter.errors import TemplateError
from newsletter.model import Edition, Publication
from newsletter.readers.requests import Notice
from tests.conftest import ROOT

URL = "https://lettre.invalid/confirm/TOKEN"


def composed(notice: str, publication: Publication, url: str = URL, folder: Path = ROOT) -> Edition:
    return compose_notice(notice, publication, Look(), templates=folder / "templates", url=url)


@pytest.mark.parametrize(
    ("notice", "french", "english"),
    [
        (
            "confirm",
            "Plus qu’un clic\u00a0: confirmez votre inscription à La lettre du test",
            "One click left: confirm that you want La lettre du test",
        ),
        ("already", "Vous recevez déjà La lettre du test", "You get La lettre du test already"),
        ("welcome", "Bienvenue dans La lettre du test", "Welcome to La lettre du test"),
        ("mine", "Votre abonnement à La lettre du test", "Your subscription to La lettre du test"),
        (
            "move",
            "Plus qu’un clic\u00a0: La lettre du test à votre nouvelle adresse",
            "One click left: La lettre du test at your new address",
        ),
        (
            "moved",
            "La lettre du test vous suit à votre nouvelle adresse",
            "La lettre du test goes to your new address",
        ),
        ("left", "Vous avez quitté La lettre du test", "You have left La lettre du test"),
    ],
)
def test_each_notice_has_its_subject(
    publication: Publication, notice: str, french: str, english: str
) -> None:
    assert composed(notice, publication).subject == french
    assert composed(notice, replace(publication, language="en")).subject == english


@pytest.mark.parametrize("notice", list(Notice))
@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_notice_is_short_and_leads_to_one_address_in_both_parts(
    publication: Publication, notice: Notice, language: str
) -> None:
    edition = composed(notice.value, replace(publication, language=language))
    expected = 0 if notice in (Notice.MOVED, Notice.PROBE) else 1
    assert edition.text.count(URL) == expected
    assert edition.html.count(URL) == expected
    assert edition.html.count("https://") == expected
    assert len(edition.text) < 900
    assert len(edition.html.encode()) < 20_000
    assert "<img" not in edition.html
    assert f'lang="{language}"' in edition.html
    assert "1 rue du Test, 75000 Paris" in edition.text
    assert "1 rue du Test, 75000 Paris" in edition.html.replace("\u00a0", " ")
    assert edition.renditions == ()
    assert (edition.key, edition.sender) == (notice.value, publication.sender)
    assert all(len(line) <= 76 for line in edition.text.splitlines() if URL not in line)


def test_the_plain_text_of_the_first_mail_reads_as_a_letter(publication: Publication) -> None:
    assert composed("confirm", replace(publication, language="en")).text == (
        "Hello,\n"
        "\n"
        "Somebody, most likely you, would like to get La lettre du test at this\n"
        "address.\n"
        "\n"
        "Press the button, and the next issue is yours.\n"
        "\n"
        "Yes, sign me up:\n"
        "https://lettre.invalid/confirm/TOKEN\n"
        "\n"
        "The link is good for seven days.\n"
        "If it was not you, there is nothing to do: without that click nothing is\n"
        "sent to you.\n"
        "\n"
        "------------------------------------------------------------------------\n"
        "La lettre du test · 1 rue du Test, 75000 Paris\n"
    )


def test_a_name_with_markup_in_it_is_shown_as_it_is_written(publication: Publication) -> None:
    odd = replace(publication, name="A & B <b>C</b> {{ 7*7 }}")
    edition = composed("welcome", odd)
    assert "A &amp; B &lt;b&gt;C&lt;/b&gt; {{ 7*7 }}" in edition.html
    assert "A & B <b>C</b> {{ 7*7 }}" in edition.text
    assert edition.subject == "Bienvenue dans A & B <b>C</b> {{ 7*7 }}"


def test_without_an_address_on_the_web_there_is_no_button(publication: Publication) -> None:
    edition = composed("left", publication, url="")
    assert "href" not in edition.html
    assert "C’était une erreur" not in edition.text


def test_a_fault_in_the_template_is_told_by_file_and_line(publication: Publication, paper: Path) -> None:
    path = paper / "templates" / "mail" / "notice.txt.j2"
    path.write_text(path.read_text(encoding="utf-8") + "{{ nothing }}\n", encoding="utf-8")
    with pytest.raises(TemplateError) as caught:
        composed("welcome", publication, folder=paper)
    assert caught.value.where == f"templates/mail/notice.txt.j2:{path.read_text().count(chr(10))}"
