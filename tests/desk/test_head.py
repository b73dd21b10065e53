"""Title, author, section and link, where pages put them."""

import pytest

from newsletter.desk.pasted import read_pasted

TITLE = "Le pain sort enfin de l’armoire"
TEXT = "Une phrase entière, et qui finit bien."


@pytest.mark.parametrize(
    ("line", "author"),
    [
        ("Ugo Delorme", "Ugo Delorme"),
        ("Marie-Ève d’Orge", "Marie-Ève d’Orge"),
        ("Jan van der Berg", "Jan van der Berg"),
        ("UGO DELORME", "UGO DELORME"),
        ("Ugo Delorme et Zoé Roux", "Ugo Delorme et Zoé Roux"),
        ("Par Ugo Delorme", "Ugo Delorme"),
        ("Par Ugo Delorme, à Lyon", "Ugo Delorme"),
        ("Par Ugo Delorme | Publié le 3 mars 2025", "Ugo Delorme"),
        ("Publié par Ugo Delorme le 3 mars 2025", "Ugo Delorme"),
        ("By Ann O'Neil", "Ann O'Neil"),
        ("Auteur : Ugo Delorme", "Ugo Delorme"),
    ],
)
def test_the_author_is_found_below_the_title(line: str, author: str) -> None:
    draft = read_pasted(f"{TITLE}\n{line}\n\n{TEXT}")
    assert (draft.title, draft.author, draft.body) == (TITLE, author, f"{TEXT}\n")
    assert draft.dropped == (() if line == author else (f"byline read as author: {line}",))
    assert draft.doubts == ()


def test_a_subtitle_between_title_and_author_is_the_first_paragraph() -> None:
    draft = read_pasted(f"{TITLE}\nUn sous-titre qui en dit un peu plus\nUgo Delorme\n\n{TEXT}")
    assert (draft.title, draft.author) == (TITLE, "Ugo Delorme")
    assert draft.body == f"Un sous-titre qui en dit un peu plus\n\n{TEXT}\n"


@pytest.mark.parametrize(
    "line",
    [
        "Publié le 3 mars 2025",
        "Le 3 mars 2025 à 7h00",
        "mardi 4 mars 2025",
        "Publié le 03/03/2025 à 07:00 - Mis à jour le 04/03/2025 à 08:15",
        "3 mars 2025 · 4 min de lecture",
        "Temps de lecture : 3 min",
        "Published on 3 March 2025",
    ],
)
def test_dates_and_reading_times_are_left_out_and_named(line: str) -> None:
    draft = read_pasted(f"{TITLE}\n{line}\n\n{TEXT}")
    assert draft.body == f"{TEXT}\n"
    assert draft.dropped == (f"date line: {line}",)


def test_a_known_section_above_or_below_the_title_is_the_section() -> None:
    assert read_pasted(f"Tech\n{TITLE}\n\n{TEXT}").section == "Tech"
    assert read_pasted(f"{TITLE}\nÉnergie\n\n{TEXT}").section == "Énergie"


def test_a_menu_of_sections_is_no_section() -> None:
    draft = read_pasted(f"Tech\nBourse\nClimat\n{TITLE}\n\n{TEXT}")
    assert (draft.section, draft.title) == ("", TITLE)
    assert [line.rpartition(": ")[2] for line in draft.dropped] == ["Tech", "Bourse", "Climat"]


def test_what_may_be_title_or_site_name_stays_and_is_marked() -> None:
    draft = read_pasted(f"Le grand quotidien\n{TITLE}\n\n{TEXT}")
    assert draft.title == TITLE
    assert draft.body == (
        "Le grand quotidien [À VÉRIFIER : « Le grand quotidien » : nom du site, surtitre ou titre ?]\n\n"
        f"{TEXT}\n"
    )
    assert draft.doubts == ("« Le grand quotidien » : nom du site, surtitre ou titre ?",)


def test_a_name_above_the_title_is_marked_and_no_author() -> None:
    draft = read_pasted(f"Ugo Delorme\n{TITLE}\n\n{TEXT}")
    assert (draft.title, draft.author) == (TITLE, "")
    assert draft.doubts == ("« Ugo Delorme » : auteur ou nom du site ?",)


def test_a_text_that_begins_with_a_sentence_has_no_title_and_says_so() -> None:
    draft = read_pasted(f"{TEXT}\n\nUne autre phrase.")
    assert draft.title == "[À VÉRIFIER : titre]"
    assert draft.body == f"{TEXT}\n\nUne autre phrase.\n"


def test_a_title_alone_says_that_the_text_is_missing() -> None:
    draft = read_pasted(TITLE)
    assert (draft.title, draft.body) == (TITLE, "[À VÉRIFIER : le texte de l’article manque]\n")


@pytest.mark.parametrize(
    "title", ["Fusion : le pari fou des boulangers", "« Le pain, c’est fini »", "Qui a faim ?"]
)
def test_titles_with_colons_quotes_and_questions_are_titles(title: str) -> None:
    assert read_pasted(f"{title}\nUgo Delorme\n\n{TEXT}").title == title


@pytest.mark.parametrize(
    "text",
    [
        f"https://example.org/a?utm_source=x\n{TITLE}\n\n{TEXT}",
        f"{TITLE}\n\n{TEXT}\n\nSource : https://example.org/a",
        f"{TITLE}\n\n{TEXT}\n\nhttps://example.org/a",
        f"<h1><a href='https://example.org/a'>{TITLE}</a></h1><p>{TEXT}</p>",
    ],
)
def test_the_address_of_the_page_is_the_link(text: str) -> None:
    draft = read_pasted(text)
    assert (draft.title, draft.link, draft.body) == (TITLE, "https://example.org/a", f"{TEXT}\n")


def test_a_heading_of_the_first_rank_is_the_title_whatever_stands_above() -> None:
    menu = "".join(f"<div>Menu {n}</div>" for n in range(12))
    draft = read_pasted(f"{menu}<h1>Le pain</h1><p>{TEXT}</p>")
    assert (draft.title, draft.body) == ("Le pain", f"{TEXT}\n")
    assert len(draft.dropped) == 12
