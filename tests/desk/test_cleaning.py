"""Junk that comes with pasted text, and HTML."""

import pytest

from newsletter.desk.pasted import read_pasted


def body(text: str) -> str:
    return read_pasted(f"Une phrase.\n\n{text}").body.removeprefix("Une phrase.").strip("\n")


@pytest.mark.parametrize(
    ("typed", "clean"),
    [
        ("Un\u200b mot\ufeff caché\u2060.", "Un mot caché."),
        ("Une anti\u00adconsti\u00adtution.", "Une anticonstitution."),
        ("Une anti\u00ad\nconstitution.", "Une anticonstitution."),
        ("Des mots\u00a0collés.\u00a0Et une phrase.", "Des mots collés. Et une phrase."),
        ("Oui, «\u00a0non\u00a0», à 10\u202f000\u00a0€.", "Oui, «\u00a0non\u00a0», à 10\u202f000\u00a0€."),
        ("Gain de 5\u2009000 euros.", "Gain de 5\u202f000 euros."),
        ("Une famille 👨‍👩‍👧 ici.", "Une famille 👨‍👩‍👧 ici."),
        ("Un  double   espace.", "Un double espace."),
        ("Un\x00 octet\x1b nul.", "Un octet nul."),
        ("Caf&eacute; &amp; th&#233; &lt;chaud&gt;.", "Café & thé \\<chaud>."),
        ("Une ligne\x0bUne autre", "Une ligne\n\nUne autre"),
    ],
)  # fmt: skip
def test_junk_of_web_pages_and_word_processors_is_cleaned(typed: str, clean: str) -> None:
    assert body(typed) == clean


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ('<p style="color:#000"><span lang="fr">Du texte</span> noir.</p>', "Du texte noir."),
        ("Un mot <b>gras</b>, un <em>penché</em>.", "Un mot **gras**, un *penché*."),
        ("Un <b>mot </b>gras, <strong> un autre</strong>.", "Un **mot** gras, **un autre**."),
        ("<b>Un </b><b>seul</b> gras.", "**Un seul** gras."),
        ("Pas <b></b>vide.", "Pas vide."),
        ("L’<b>« idée »</b> !", "L’**« idée »** !"),
        ("Un<b>« mot »</b>collé.", "Un« mot »collé."),
        ('<b style="font-weight:normal">Pas gras</b>.', "Pas gras."),
        ('<span style="font-weight:700">Gras</span>.', "**Gras**."),
        ("<p>Une\nphrase\n   coupée.</p>", "Une phrase coupée."),
        ("<p>Une.<p>Deux.", "Une.\n\nDeux."),
        ("<div>Une.</div><div>Deux.<br>Trois.</div>", "Une.\n\nDeux.\n\nTrois."),
        ("<h2>Un intertitre</h2><p>Suite.</p>", "## Un intertitre\n\nSuite."),
        ("<ul><li>un</li><li><p>deux</p></li></ul>", "- un\n- deux"),
        ("<ul><li>un<ul><li>sous</li></ul></li><li>deux</li></ul>", "- un\n  - sous\n- deux"),
        ("<ol><li>un</li><li>deux</li></ol>", "1. un\n2. deux"),
        ("<ol><li>un<ul><li>sous</li></ul></li><li>deux</li></ol>", "1. un\n   - sous\n2. deux"),
        ("<blockquote><p>Oui.</p><p>— Ugo</p></blockquote><p>Fin.</p>", "> Oui.\n>\n> — Ugo\n\nFin."),
        ("<q>Oui</q>, dit-il.", '"Oui", dit-il.'),
        ("<p><b>Rappel :</b> oui.</p>", "**Rappel :** oui."),
        ("<p><b>Rappel</b> : oui.</p>", "**Rappel :** oui."),
        ("<p><b>Rappel : oui</b>, non.</p>", "**Rappel :** **oui**, non."),
        ("Un prix <100 € et a<b.", "Un prix <100 € et a\\<b."),
        ("Le <patron> parle.", "Le \\<patron> parle."),
    ],
)
def test_pasted_styling_goes_and_the_words_stay(typed: str, written: str) -> None:
    assert body(typed) == written


def test_a_table_of_a_web_page_is_a_table_with_figures_to_the_right() -> None:
    head = "<tr><th>Ville</th><th>Part</th></tr>\n"
    rows = "<tr><td><p>Lyon</p></td><td>1,5 %</td></tr><tr><td>Pau</td><td>2 %</td></tr>"
    table = "| Ville | Part |\n| --- | ---: |\n| Lyon | 1,5 % |\n| Pau | 2 % |"
    assert body(f"<table>{head}{rows}</table>") == table


def test_a_picture_that_cannot_be_taken_over_leaves_a_mark() -> None:
    draft = read_pasted('Une phrase.\n\nVoir <img src="x.png" alt="Un four"> ici.')
    assert "Voir [À VÉRIFIER : image non reprise : Un four] ici." in draft.body
    assert draft.doubts == ("titre", "image non reprise : Un four")


def test_a_whole_web_page_gives_its_article_and_names_what_is_not_in_it() -> None:
    page = """<!doctype html>
    <html><head><title>La une</title><style>p { color: red }</style></head><body>
    <nav><a href="/">Accueil</a> <a href="/tech">Tech</a></nav>
    <div>La Miche</div>
    <h1>Le pain sort de l’armoire</h1>
    <p>Par <a href="/ugo">Ugo Delorme</a></p>
    <p>Une phrase
       entière.</p>
    <script>var a = "<p>non</p>";</script>
    <footer>Mentions légales</footer>
    </body></html>"""
    draft = read_pasted(page)
    assert draft.title == "Le pain sort de l’armoire"
    assert draft.author == "Ugo Delorme"
    assert draft.body == "Une phrase entière.\n"
    assert draft.doubts == ()
    assert draft.dropped == (
        "byline read as author: Par Ugo Delorme",
        "line above the title, read as the site's name: La Miche",
        "not a web address: /ugo",
        "page code: <head>, 52 characters",
        "page title: La une",
        "page code: <script>, 21 characters",
        "page furniture: Accueil Tech",
        "page furniture: Mentions légales",
    )
