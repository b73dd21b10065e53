"""Text as editors paste it, whole: the twin of a real page, odd ends, and what must hold for any text."""

import html
import re

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from mdit_py_plugins.container import container_plugin
from mdit_py_plugins.footnote import footnote_plugin

from newsletter.compose.issue import TO_CHECK
from newsletter.desk.pasted import Draft, article_file, read_pasted
from newsletter.errors import ContentError

INTRO = (
    "Depuis janvier, la coopérative Fournil commun installe des distributeurs de baguettes dans les "
    "villages où plus personne ne pétrit : une idée simple, et déjà beaucoup de miettes. "
)
CONTEXT = (
    "Le contexte : En dix ans, un bourg sur trois a perdu son fournil. Tenir boutique coûte + cher, et "
    "rapporte beaucoup – qu’avant. Il reste 2 options :"
)
LIST = "  • Rouler vingt minutes pour une tradition\n  • Apprendre à aimer le pain de mie."
OFFER = (
    "Ce que propose Fournil commun : En 2024, trois cousins branchent un four connecté sur la place du "
    "marché pour 18 000 € : c’est le + petit investissement du canton."
)
REMINDER = (
    "Pour mémoire : un distributeur ne pétrit rien, il garde au chaud (jusqu’à 40 baguettes). Bref, "
    "c’est une armoire qui sent bon."
)
INTEREST = (
    "L’intérêt pour les mairies : garder une raison de passer sur la place. La commune prête le trottoir et "
    "l’électricité, la coopérative fournit le reste."
)
FIGURES = (
    "Mieux encore : Le réseau compte 112 machines, et en espère 200. Il n’est pas rentable (recettes < "
    "dépenses), mais en est à son 3ème modèle de trappe."
)
CLOSING = (
    "Bref : “Nous voulons qu’un village sans boulanger (ou presque) reste un village qui sent le pain, même "
    "si la croûte passe par une trappe.” a expliqué Jeanne Morvan."
)
STORY = "\n\n\n".join((INTRO, CONTEXT, LIST, OFFER, REMINDER, INTEREST, FIGURES, CLOSING)) + "\n"
HEADLINE = "Pourquoi Fournil commun glisse des baguettes dans une armoire"

TWIN = f"""La Miche

{HEADLINE}
Ugo Delorme

Suivre l'actu du fournil

Recevez notre email à l’heure du pain chaud. Chaque matin, et gratuitement.*

* Cliquez ici pour relire nos anciennes newsletters.

{STORY}
{HEADLINE}
Ugo Delorme

Suivre l'actu du fournil

En 4 minutes tous les jours, devenez imbattable au comptoir. Gratuitement.

{STORY}
Suivez l'actu du fournil

Recevez par email la boulange bavarde. Chaque matin. Pour zéro centime, c’est gratuit.

Suivez l'actu du fournil

Recevez par email la boulange bavarde. Chaque matin. Pour zéro centime, c’est gratuit."""


def words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text)


def rendered(markdown: str) -> str:
    """The words and signs a reader would see, by an independent reading of the same dialect."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.use(footnote_plugin, inline=False)
    parser.use(container_plugin, "number")
    return html.unescape(re.sub(r"<[^>]*>", "", parser.render(markdown)))


def body(text: str) -> str:
    """The body of an article whose text is `text`, below a title and an author."""
    return read_pasted(f"Un titre de cinq mots exactement\nUgo Delorme\n\n{text}").body.rstrip("\n")


# ---- the twin ----------------------------------------------------------------------------------


def test_a_page_pasted_twice_over_with_its_boxes_gives_the_article_once() -> None:
    draft = read_pasted(TWIN)
    assert draft.title == HEADLINE
    assert draft.author == "Ugo Delorme"
    assert words(draft.body) == words(STORY)
    assert draft.doubts == ()
    assert TO_CHECK not in draft.body


def test_the_six_lead_ins_of_the_page_are_bold() -> None:
    assert re.findall(r"(?m)^\*\*(.*?) :\*\* ", read_pasted(TWIN).body) == [
        "Le contexte",
        "Ce que propose Fournil commun",
        "Pour mémoire",
        "L’intérêt pour les mairies",
        "Mieux encore",
        "Bref",
    ]


def test_the_two_bullets_of_the_page_are_a_list() -> None:
    listed = "- Rouler vingt minutes pour une tradition\n- Apprendre à aimer le pain de mie."
    assert f"\n\n{listed}\n\n" in read_pasted(TWIN).body


def test_the_closing_quotation_keeps_its_lead_in_and_its_speaker() -> None:
    last = read_pasted(TWIN).body.rstrip("\n").rpartition("\n\n")[2]
    assert last == (
        "**Bref :** “Nous voulons qu’un village sans boulanger (ou presque) reste un village qui sent le "
        "pain, même si la croûte passe par une trappe.” a expliqué Jeanne Morvan."
    )


def test_signs_used_as_words_come_out_as_typed() -> None:
    body = read_pasted(TWIN).body
    assert "Tenir boutique coûte + cher, et rapporte beaucoup – qu’avant." in body
    assert "(recettes < dépenses)" in body


def test_all_that_was_left_out_of_the_page_is_named_once_with_its_reason() -> None:
    dropped = read_pasted(TWIN).dropped
    assert [line for line in dropped if not line.startswith("repeated: ")] == [
        "line above the title, read as the site's name: La Miche",
        "sign-up box: Suivre l'actu du fournil",
        "sign-up box: Recevez notre email à l’heure du pain chaud. Chaque matin, et gratuitement.*",
        "sign-up box: * Cliquez ici pour relire nos anciennes newsletters.",
        "sign-up box: En 4 minutes tous les jours, devenez imbattable au comptoir. Gratuitement.",
        "sign-up box: Suivez l'actu du fournil",
        "sign-up box: Recevez par email la boulange bavarde. Chaque matin. Pour zéro centime, c’est gratuit.",
    ]
    assert sum(line.startswith("repeated: ") for line in dropped) == 11
    assert len(dropped) == len(set(dropped))


@pytest.mark.parametrize(
    "mangled", [TWIN.replace("\n", "\r\n"), "\ufeff" + TWIN, TWIN.replace("\n", " \t\n")]
)
def test_line_ends_byte_order_marks_and_trailing_blanks_change_nothing(mangled: str) -> None:
    assert read_pasted(mangled) == read_pasted(TWIN)


def test_an_import_of_the_imported_text_keeps_every_word() -> None:
    once = read_pasted(TWIN)
    twice = read_pasted(f"{once.title}\n{once.author}\n\n{once.body}")
    assert words(twice.body) == words(once.body)


# ---- odd ends ----------------------------------------------------------------------------------


@pytest.mark.parametrize("empty", ["", " \r\n\t\n", "\ufeff\u200b\u00a0", "<p> </p>", "<!-- rien -->"])
def test_an_empty_text_is_refused_with_a_way_out(empty: str) -> None:
    with pytest.raises(ContentError, match="empty") as caught:
        read_pasted(empty)
    assert "newsletter import FILE" in caught.value.hint


def test_a_text_that_is_all_boxes_says_that_the_article_is_missing() -> None:
    draft = read_pasted("Partager\n\nInscrivez-vous")
    assert draft.title == "[À VÉRIFIER : titre]"
    assert draft.body == "[À VÉRIFIER : le texte de l’article manque]\n"
    assert draft.doubts == ("titre", "le texte de l’article manque")
    assert draft.dropped == ("button: Partager", "button: Inscrivez-vous")


def test_an_article_file_carries_any_title_through_yaml() -> None:
    title = 'Dire "non" : #1 \\ - [oui] & *peut-être* … 50 % \u00a0{x}'
    draft = Draft(
        title=title, author="Zoé d’Orge", section="Tech", link="https://example.org/?a=1", body="Texte.\n"
    )
    _, head, text = article_file(draft).split("---\n")
    assert yaml.safe_load(head) == {
        "title": title,
        "author": "Zoé d’Orge",
        "section": "Tech",
        "link": "https://example.org/?a=1",
    }
    assert text == "\nTexte.\n"


def test_an_article_file_has_no_lines_for_what_is_not_known() -> None:
    assert article_file(Draft(title="Un titre", body="Texte.\n")) == '---\ntitle: "Un titre"\n---\n\nTexte.\n'


def test_every_doubt_stands_in_the_text_where_it_arose() -> None:
    draft = read_pasted("Sans titre. Une phrase.\n\nVoir https://t.co/abc puis \ufffc.")
    assert draft.title == "[À VÉRIFIER : titre]"
    assert draft.doubts == ("titre", "où mène ce lien raccourci ?", "objet non repris")
    assert draft.body == (
        "Sans titre. Une phrase.\n\n"
        "Voir <https://t.co/abc> [À VÉRIFIER : où mène ce lien raccourci ?] puis "
        "[À VÉRIFIER : objet non repris].\n"
    )


# ---- any text ----------------------------------------------------------------------------------

FRAGMENTS = (
    "mot", "élan", "Sam", "Ugo Delorme", "Par Zoé Roux", "Rappel :", "Dans les faits : oui", "Recevez",
    "l’email", "gratuitement.", "Partager", "•", "-", "*", "1.", "2.", "3)", "#", "+", "::: number 3", "---",
    "|", "\t", "  ", "\n", "\n\n", "\n\n\n", "\r\n", "\u00a0", "“", "”", "« dit »", "— Ugo", "(x_y)", "Tech",
    "https://example.org/a", "Publié le 3 mars 2025", "**gras**", "[x]", "[x](https://example.org/b)", "<",
    ">", "&amp", "`", "~~~", "Une phrase entière, qui finit par un point.",
    "encore une suite de huit mots pour une répétition",
)  # fmt: skip
pastes = st.lists(st.sampled_from(FRAGMENTS), min_size=1, max_size=60).map(" ".join)


@settings(max_examples=400, deadline=None)
@given(pastes)
def test_no_word_of_any_paste_is_lost(text: str) -> None:
    try:
        draft = read_pasted(text)
    except ContentError:
        assert not text.strip()
        return
    # In the Markdown and, but for the addresses behind words, in what it is rendered to.
    seen = words(" ".join((draft.title, draft.author, draft.section, draft.link, draft.body)))
    dropped = set(words(" ".join(draft.dropped)))
    assert set(words(text)) <= set(seen) | dropped
    hidden = {"https", "example", "org", "b", "1", "2", "3"}  # addresses and the numbers of lists
    assert set(words(draft.body)) - hidden <= set(words(rendered(draft.body)))


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_no_text_at_all_breaks_the_importer(text: str) -> None:
    try:
        draft = read_pasted(text)
    except ContentError:
        return  # the only error there is: see the empty texts above
    assert draft.title
    assert draft.body.strip()
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", article_file(draft))


TAGS = (
    "<p>", "</p>", "<b>", "</b>", "<i>", "</i>", "<li>", "</li>", "<ul>", "</ul>", "<br>", "<div>", "</div>",
    "<table>", "<tr>", "<td>", "</td>", "</tr>", "</table>", "<blockquote>", "</blockquote>", "<h2>", "</h2>",
    '<a href="https://example.org/">', "</a>", "<span style='color:red'>", "</span>",
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from((*TAGS, "mot", "Rappel : mot", "« mot", "fin.", " ", "\n", "l’"))))
def test_no_word_between_any_tags_is_lost_and_no_tag_shows(pieces: list[str]) -> None:
    numbered = [piece.replace("mot", f"mot{index}x") for index, piece in enumerate(pieces)]
    try:
        draft = read_pasted("".join(numbered))
    except ContentError:
        assert not any(piece for piece in pieces if words(re.sub(r"<[^>]*>", "", piece)))
        return
    shown = rendered(draft.body)
    seen = f"{draft.title} {draft.author} {shown} {' '.join(draft.dropped)}"
    for index, piece in enumerate(pieces):
        assert "mot" not in piece or f"mot{index}x" in seen
    assert "<p>" not in shown
    assert "**" not in shown
    assert not re.search("[\x01-\x08\x0e-\x1f]", article_file(draft))


SIGNS = st.text(st.sampled_from("ab 1.*#_[]()<>`~+-=|\\&;:!^$é«»\"'"), min_size=1, max_size=40)


@settings(max_examples=600, deadline=None)
@given(SIGNS)
def test_whatever_a_paragraph_is_typed_of_comes_out_as_typed(text: str) -> None:
    typed = re.sub(" +", " ", text).strip(" ")
    if not typed or re.search(r"<\w|&\w+;", typed):
        return  # tags and entities are read, on purpose
    paragraph = f"Une phrase pour commencer.\n\n{typed}\n\nUne phrase pour finir."
    shown = rendered(body(paragraph)).strip("\n").split("\n")
    assert shown == ["Une phrase pour commencer.", typed, "Une phrase pour finir."]
