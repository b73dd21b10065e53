"""Web pages as browsers save them: the article alone, with its notes and tables."""

import pytest

from newsletter.desk.brought import MAX_TEXT, read_brought
from newsletter.errors import ContentError

STORY = (
    "<p><strong>Le contexte :</strong> en dix ans, un bourg sur trois a perdu son fournil, et il faut rouler "
    "vingt minutes pour une tradition.</p>"
    '<p style="color:#000000">Bref : le four est sur la place, '
    '<a href="/etude?utm_source=nl">dit l’étude</a>.</p>'
)
SAVED = f"""<!DOCTYPE html>
<html lang="fr"><head><meta charset="utf-8"><title>Le pain sans boulanger — La Miche</title>
<link rel="canonical" href="https://miche.example/actu/pain"><style>p {{ color: black }}</style></head>
<body><header role="banner"><a href="/">La Miche</a></header><nav><a href="/une">À la une</a></nav>
<div class="cookies" style="display: none"><p>Nous utilisons des cookies.</p></div>
<main><article><h1>Le pain sans boulanger</h1><p>Par Ugo Delorme</p>{STORY}
<p>Recevez notre email gratuitement chaque matin.</p></article>
<aside><p>À lire aussi, un autre article.</p></aside></main>
<script>track("<p>")</script><footer><p>Mentions légales</p></footer></body></html>"""
BODY = (
    "**Le contexte :** en dix ans, un bourg sur trois a perdu son fournil, et il faut rouler vingt minutes "
    "pour une tradition.\n\n**Bref :** le four est sur la place, [dit l’étude](https://miche.example/etude).\n"
)


def body(html: str) -> str:
    page = f"<!DOCTYPE html><html><body><h1>Un titre de cinq mots</h1><p>Ugo Delorme</p>{html}</body></html>"
    return read_brought(page.encode()).body.rstrip("\n")


def test_a_saved_page_gives_its_article_and_says_what_was_around() -> None:
    draft = read_brought(SAVED.encode(), "pain.html")
    assert (draft.title, draft.author, draft.body) == ("Le pain sans boulanger", "Ugo Delorme", BODY)
    assert draft.doubts == ()
    assert draft.dropped == (
        "byline read as author: Par Ugo Delorme",
        "sign-up box: Recevez notre email gratuitement chaque matin.",
        "without redirector or tracking: https://miche.example/etude?utm_source=nl",
        "hidden on the page: Nous utilisons des cookies.",
        "outside the page's <article>: 20 words",
    )


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("utf-8", "utf-8"),
        ("iso-8859-15", "iso-8859-15"),
        ("cp1252", "windows-1252"),
        ("utf-8-sig", "latin-1"),
    ],
)
def test_a_page_is_read_in_its_own_encoding(encoding: str, declared: str) -> None:
    page = SAVED.replace("’", "'").replace(' charset="utf-8"', f' charset="{declared}"').replace("—", "-")
    draft = read_brought(page.encode(encoding), "pain.htm")
    assert "dit l'étude" in draft.body


def test_a_title_outside_the_article_is_found() -> None:
    page = f"<html><body><h1>Le pain sans boulanger</h1><article>{STORY}</article><p>Pied.</p></body></html>"
    draft = read_brought(page.encode())
    assert draft.title == "Le pain sans boulanger"
    assert "Pied" not in draft.body


def test_teasers_are_not_the_article() -> None:
    teasers = "<article><h2>Ailleurs</h2><p>Un mot.</p></article>" * 3
    draft = read_brought(f"<html><body><h1>Un titre de cinq mots</h1>{STORY}{teasers}</body></html>".encode())
    assert "**Le contexte :** en dix ans" in draft.body


@pytest.mark.parametrize(
    ("html", "written"),
    [
        (  # as encyclopedias write them
            (
                '<p>Un mot<sup id="r1"><a href="#n1">[1]</a></sup>.</p>'
                '<ol><li id="n1"><a href="#r1">↑</a> La note.</li></ol>'
            ),
            "Un mot[^1].\n\n[^1]: La note.",
        ),
        (  # as Word saves them
            (
                '<p>Un mot<a href="#_ftn1" name="_ftnref1"><sup>[1]</sup></a>.</p>'
                '<div id="ftn1"><p><a href="#_ftnref1" name="_ftn1">[1]</a> La note.</p></div>'
            ),
            "Un mot[^1].\n\n[^1]: La note.",
        ),
        (
            '<p>Voir <a href="#suite">1</a>.</p><h2 id="suite">Suite</h2><p>Fin.</p>',
            "Voir 1.\n\n## Suite\n\nFin.",
        ),
        (
            (
                "<table><tr><th>Année</th><th>Fours</th></tr><tr><td colspan=2>Tous</td></tr>"
                "<tr><td rowspan=2>2024</td><td>112</td></tr><tr><td>113</td></tr></table>"
            ),
            "| Année | Fours |\n| --- | ---: |\n| Tous |  |\n| 2024 | 112 |\n|  | 113 |",
        ),
        (
            "<table><tr><td><table><tr><td>Une</td></tr></table></td><td><p>Deux.</p></td></tr></table>",
            "Une\n\nDeux.",
        ),
        ("<blockquote><p>Une trappe.</p></blockquote>", "> Une trappe."),
        (
            '<p>Un four <img src="four.jpg" alt="à pain">.</p>',
            "Un four [À VÉRIFIER : image non reprise : à pain] .",
        ),
    ],
)
def test_the_shapes_of_a_page_are_kept(html: str, written: str) -> None:
    assert body(html) == written


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"%PDF-1.7", "a PDF document"),
        (b"{\\rtf1 Une phrase.}", "a Rich Text document"),
        (b"Une phrase. " * (MAX_TEXT // 12 + 1), "larger than 5 MB, which no article is"),
        (b"<html><body></body></html>", "nothing to import: the text is empty"),
    ],
)
def test_what_holds_no_article_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(ContentError) as caught:
        read_brought(data)
    assert caught.value.message == message
    assert caught.value.hint


def test_a_page_nested_without_end_is_refused() -> None:
    page = b"<html><body><p>Une phrase.</p>" + b"<div>" * 20_000 + b"</body></html>"
    with pytest.raises(ContentError, match="nested too deeply"):
        read_brought(page)
