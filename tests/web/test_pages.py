"""Single pages: another language, a logo, a publication without an address, the boxes' words."""

import hashlib
from dataclasses import replace
from pathlib import Path

import lxml.html
from PIL import Image

from newsletter.cli.press import Press
from newsletter.config import Look
from newsletter.model import Publication
from newsletter.web.pages import Pages
from newsletter.web.told import WebIssue, cut, plain, tell
from tests.web.publishing import Site, build, send


def told(paper: Path, publication: Publication, look: Look) -> WebIssue:
    press = Press(paper)
    issue = press.issue(paper / "issues/2026-11-23")
    return tell(issue, publication, look, root=paper, at=press.sending_time(issue.day))[0]


def test_an_issue_that_is_being_written_has_pages_without_any_address(
    paper: Path, publication: Publication
) -> None:
    nowhere = replace(publication, url="")
    pages = Pages(nowhere, Look(), root=paper)
    issue = told(paper, nowhere, Look())
    article = lxml.html.document_fromstring(pages.article_page(issue.articles[0], issue))
    assert article.xpath("string(//h1)") == "Le titre du premier article"
    assert article.xpath("//link[@rel='stylesheet']/@href")[0].startswith("/site.css?")
    whole = lxml.html.document_fromstring(pages.issue_page(issue))
    assert whole.xpath("string(//h1)") == "Un numéro pour les tests\u00a0: tout y est"
    assert [heading.tag for heading in whole.xpath("//main//h2[a] | //main//h1")] == ["h1", "h2"]


def test_an_english_publication_has_an_english_site(paper: Path, publication: Publication) -> None:
    english = replace(publication, language="en", country="GB", name="The Test Letter")
    pages = Pages(english, Look(), root=paper)
    issue = told(paper, english, Look())
    page = lxml.html.document_fromstring(pages.article_page(issue.articles[0], issue))
    assert page.get("lang") == "en"
    said = " ".join(page.xpath("//main")[0].text_content().split())
    for words in ("Follow The Test Letter", "By Zoé Œuvrard", "Monday 23 November 2026", "Sign up", "Share:"):
        assert words in said
    privacy = lxml.html.document_fromstring(pages.privacy()).xpath("//main")[0].text_content()
    assert ("three years" in privacy, "data protection authority" in privacy, "CNIL" in privacy) == (
        True,
        True,
        False,
    )


def test_the_logo_stands_on_every_page(paper: Path) -> None:
    Image.new("RGB", (400, 120), "#b3261e").save(paper / "logo.png")
    settings = paper / "newsletter.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(f'{text}\n[look]\nlogo = "logo.png"\npictures = "embedded"\n', encoding="utf-8")
    send(paper, "2026-11-23")
    site = Site(build(paper), "https://lettre.invalid")
    for path in site.pages():
        (logo,) = site.page(path).xpath("//header//img")
        assert (logo.get("alt"), logo.get("width")) == ("", "280")
        assert site.leads_somewhere(f"https://lettre.invalid{logo.get('src')}")


def test_a_boxs_id_stands_for_the_words_that_it_shows(paper: Path, publication: Publication) -> None:
    pages = Pages(replace(publication, pitches=("Un.", "Deux.", "Trois.")), Look(), root=paper)
    known = pages.boxes.known()
    assert len(known) == 3
    for turn in range(6):
        for box in pages.boxes.pair(turn):
            assert known[box.id] == f"{box.title}\n{box.pitch}\n{box.consent}"
            assert box.id == hashlib.sha256(known[box.id].encode()).hexdigest()[:8]
    assert [box.pitch for turn in (0, 2) for box in pages.boxes.pair(turn)] == [
        "Un.",
        "Deux.",
        "Trois.",
        "Un.",
    ]


def test_the_name_begins_small_inside_a_french_sentence(paper: Path, publication: Publication) -> None:
    for name, title in (
        ("L'actu en 5 minutes", "Suivre l’actu en 5 minutes"),
        ("Les Nouvelles", "Suivre les Nouvelles"),
        ("Lettre à tous", "Suivre Lettre à tous"),
    ):
        pages = Pages(replace(publication, name=name), Look(), root=paper)
        assert pages.boxes.pair(0)[0].title == title


def test_without_pitches_a_box_has_words_of_its_own(paper: Path, publication: Publication) -> None:
    pages = Pages(publication, Look(), root=paper)
    assert pages.boxes.pitch(0) == "Un e-mail chaque jour ouvré. C’est gratuit."


def test_a_description_ends_at_a_word() -> None:
    assert cut("Un deux trois quatre", 12) == "Un deux…"
    assert cut("Un deux", 12) == "Un deux"
    assert cut("Anticonstitutionnellement", 12) == "Anticonstit…"


def test_plain_words_are_without_notes_and_markup() -> None:
    html = (
        '<p>Un <strong>mot</strong><sup><a href="#note-1">*</a></sup>, &lt;b&gt; &amp;\n7\u00a0€.</p>'
        '<p>Deux.</p><div class="notes"><p>Non.</p></div>'
    )
    assert plain(html) == "Un mot, <b> & 7\u00a0€. Deux."
