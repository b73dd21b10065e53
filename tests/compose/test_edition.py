"""Composing as a whole: same input, same bytes; faults told by the template's own file and line."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from PIL import Image

from newsletter.compose.edition import compose
from newsletter.compose.issue import read_issue
from newsletter.config import Look, read_config
from newsletter.errors import ContentError, NewsletterError, TemplateError
from newsletter.fields import MARK, Place, fill, names_in
from newsletter.model import Edition, Publication
from tests.conftest import ARTICLE, ROOT, write_issue

VALUES = {"name": "Zoé", "email": "zoe@example.org", "leave_url": "https://lettre.invalid/leave/x"}


def composed(
    root: Path, publication: Publication, look: Look | None = None, key: str = "2026-11-23"
) -> Edition:
    issue = read_issue(root / "issues" / key, root=root)
    return compose(issue, publication, look or Look(), templates=root / "templates", root=root)


def broken(
    root: Path, publication: Publication, old: str, new: str, name: str = "issue.mjml.j2"
) -> NewsletterError:
    template = root / "templates" / "mail" / name
    source = template.read_text(encoding="utf-8")
    assert old in source
    template.write_text(source.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(TemplateError) as caught:
        composed(root, publication)
    return caught.value


def parsed(html: str) -> etree._Element:
    return etree.fromstring(html, etree.HTMLParser())


def words_of(element: etree._Element) -> str:
    return "".join(str(text) for text in element.itertext())


def line_of(root: Path, text: str, name: str = "issue.mjml.j2") -> int:
    lines = (root / "templates" / "mail" / name).read_text(encoding="utf-8").split("\n")
    return next(number for number, line in enumerate(lines, 1) if text in line)


def test_the_same_files_give_the_same_bytes(paper: Path, publication: Publication) -> None:
    first, second = composed(paper, publication), composed(paper, publication)
    assert (first.html, first.text) == (second.html, second.text)
    assert first.fingerprint == second.fingerprint
    assert len(first.fingerprint) == 64


def test_the_fingerprint_changes_with_whatever_a_reader_would_see(
    paper: Path, publication: Publication
) -> None:
    edition = composed(paper, publication)
    others = [
        replace(edition, subject="x"),
        replace(edition, preheader="x"),
        replace(edition, html="x"),
        replace(edition, text="x"),
        replace(edition, sender=replace(edition.sender, name="x")),
        replace(edition, reply_to="x@y.fr"),
        replace(edition, embedded=True),
    ]
    assert len({edition.fingerprint, *(other.fingerprint for other in others)}) == 8


def test_everything_the_writer_wrote_is_in_both_parts(paper: Path, publication: Publication) -> None:
    edition = composed(paper, publication)
    html = parsed(edition.html)
    seen = re.sub(r"\s+", " ", words_of(html))
    for words in (
        "Le titre du premier article",
        "Dans les faits",
        "un point",
        "La fin",
        "Ada Test",
        "Deux mots",
    ):
        assert words in seen
        assert words.upper() in edition.text.upper()
    assert "38\u00a0000\u00a0€" in edition.html
    assert "«\u00a0des guillemets\u00a0»" in edition.html
    assert [words_of(heading) for heading in html.iter("h1")] == ["La lettre du test"]
    assert html.get("lang") == "fr"
    assert "Lundi 23 novembre 2026" in seen
    assert "50\u00a0s" not in edition.text
    assert edition.subject == "Un numéro pour les tests\u00a0: tout y est"


def test_the_mail_has_a_way_to_leave_in_both_parts(paper: Path, publication: Publication) -> None:
    edition = composed(paper, publication)
    assert names_in(edition.html) == {"name", "email", "leave_url"}
    assert names_in(edition.text) == {"name", "email", "leave_url"}
    filled = fill(edition.html, VALUES, Place.HTML)
    assert 'href="https://lettre.invalid/leave/x"' in filled
    assert "Bonjour Zoé," in filled
    assert "Bonjour," in fill(edition.html, {**VALUES, "name": ""}, Place.HTML)
    assert MARK not in filled


def test_without_a_web_site_no_link_leads_to_one(paper: Path, publication: Publication) -> None:
    edition = composed(paper, replace(publication, url=""))
    assert "lettre.invalid/" not in edition.html.replace("redaction@lettre.invalid", "")
    assert "Lire en ligne" not in edition.html
    links = re.findall(r'href="([^"]*)"', edition.html)
    assert all(link.startswith(("mailto:", "#", "https://www.example.org/", MARK)) for link in links), links


def test_an_english_publication_speaks_english(paper: Path, publication: Publication) -> None:
    edition = composed(paper, replace(publication, language="en", country="GB"))
    assert "Monday 23 November 2026" in edition.html
    assert "In this issue" in edition.html
    assert "“des guillemets”" in edition.html
    assert "sommaire" not in edition.html


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("2026-11-23", "À demain"),  # a Monday
        ("2026-11-20", "À lundi"),  # a Friday
        ("2026-12-24", "À lundi"),  # Christmas is the Friday after
    ],
)
def test_the_sign_off_names_the_next_working_day(
    paper: Path, publication: Publication, key: str, words: str
) -> None:
    write_issue(paper, key)
    assert f"{words}\u00a0!" in composed(paper, publication, key=key).html


def test_a_sponsored_article_is_labelled_as_advertising(paper: Path, publication: Publication) -> None:
    write_issue(paper, "2026-11-23", **{"01_x": ARTICLE.replace("section: Tech", "sponsored: true")})
    edition = composed(paper, publication)
    assert edition.html.count("Publicité") == 2  # in the contents and above the article
    assert "PUBLICITÉ" in edition.text
    assert 'rel="sponsored"' in edition.html


def with_picture(
    paper: Path, publication: Publication, look: Look, alt: str = "Une image : belle"
) -> Edition:
    article = ARTICLE.replace("section: Tech", f'section: Tech\npicture: a.png\nalt: "{alt}"\ncredit: AFP')
    folder = write_issue(paper, "2026-11-23", **{"01_x": article})
    Image.new("RGB", (1500, 900), "#336699").save(folder / "a.png")
    return composed(paper, publication, look)


def test_hosted_pictures_have_the_web_sites_address(paper: Path, publication: Publication) -> None:
    edition = with_picture(paper, publication, Look())
    (rendition,) = edition.renditions
    assert rendition.src == f"https://lettre.invalid/2026-11-23/pictures/{rendition.name}"
    assert f'src="{rendition.src}"' in edition.html
    assert 'alt="Une image\u00a0: belle"' in edition.html
    assert 'width="552"' in edition.html
    assert not edition.embedded


def test_pictures_travel_with_the_mail_if_asked_or_if_there_is_no_web_site(
    paper: Path, publication: Publication
) -> None:
    asked = with_picture(paper, publication, Look(pictures="embedded"))
    without = with_picture(paper, replace(publication, url=""), Look())
    for edition in (asked, without):
        assert edition.embedded
        assert edition.renditions[0].src == f"cid:{edition.renditions[0].name}@lettre.invalid"


def test_a_picture_of_which_nothing_is_said_is_no_link_and_no_line_of_the_text(
    paper: Path, publication: Publication
) -> None:
    said, unsaid = (with_picture(paper, publication, Look(), alt) for alt in ("Une image", ""))
    assert "[Image\u00a0: Une image] AFP" in said.text
    assert "[Image" not in unsaid.text
    for edition, within, alt in ((said, "a", "Une image"), (unsaid, "td", "")):
        assert [image.get("alt") for image in parsed(edition.html).findall(f".//{within}/img")] == [alt]


def test_the_colours_come_from_the_settings_alone(paper: Path, publication: Publication) -> None:
    edition = composed(paper, publication, Look(accent="#0b4f8a", accent_dark="#8ec5ff"))
    assert "#b3261e" not in edition.html
    assert "#0b4f8a" in edition.html
    assert "#8ec5ff" in edition.html


# ---- faults of templates ----


def test_a_misspelt_variable_is_told_by_the_templates_line(paper: Path, publication: Publication) -> None:
    line = line_of(paper, "{{ opening }}")
    error = broken(paper, publication, "{{ opening }}", "{{ openning }}")
    assert error.where == f"templates/mail/issue.mjml.j2:{line}"
    assert error.message == "'openning' is undefined"
    assert error.hint == 'did you mean "opening"?'


def test_a_misspelt_attribute_in_an_included_part_is_told_there(
    paper: Path, publication: Publication
) -> None:
    line = line_of(paper, "{{ article.html }}", "article.mjml.j2")
    error = broken(paper, publication, "{{ article.html }}", "{{ article.htm }}", "article.mjml.j2")
    assert error.where == f"templates/mail/article.mjml.j2:{line}"


def test_a_misspelt_mjml_tag_is_told_by_the_templates_line(paper: Path, publication: Publication) -> None:
    line = line_of(paper, "<mj-divider", "parts.mjml.j2")
    error = broken(paper, publication, "<mj-divider", "<mj-dividr", "parts.mjml.j2")
    assert error.where == f"templates/mail/parts.mjml.j2:{line}"
    assert error.hint == "did you mean <mj-divider>?"


def test_an_element_left_open_is_told_by_the_line_that_opens_it(
    paper: Path, publication: Publication
) -> None:
    line = line_of(paper, '<ol class="toc">')
    error = broken(paper, publication, "</ol>", "")
    assert error.where == f"templates/mail/issue.mjml.j2:{line}"
    assert error.message == "<ol> is not closed before </mj-text>"


def test_a_template_that_is_no_template_is_told_by_its_line(paper: Path, publication: Publication) -> None:
    line = line_of(paper, "{% if editor %}")
    error = broken(paper, publication, "{% if editor %}", "{% if editor }")
    assert error.where == f"templates/mail/issue.mjml.j2:{line}"
    assert error.message.startswith("not a template")


def test_an_unknown_field_is_told_with_the_one_that_was_meant(paper: Path, publication: Publication) -> None:
    line = line_of(paper, 'field("leave_url")', "issue.txt.j2")
    error = broken(paper, publication, 'field("leave_url")', 'field("leave_uri")', "issue.txt.j2")
    assert error.where == f"templates/mail/issue.txt.j2:{line}"
    assert error.hint == 'did you mean "leave_url"?'


def test_a_missing_part_and_a_fault_in_an_expression(paper: Path, publication: Publication) -> None:
    error = broken(paper, publication, "mail/screen.css.j2", "mail/scren.css.j2")
    assert error.hint == 'did you mean "mail/screen.css.j2"?'
    error = broken(paper, publication, "mail/scren.css.j2", "mail/screen.css.j2" + '" if 1/0 else "')
    assert error.message == "ZeroDivisionError: division by zero"


def test_a_template_that_is_not_utf8(paper: Path, publication: Publication) -> None:
    (paper / "templates" / "mail" / "issue.txt.j2").write_bytes(b"caf\xe9")
    with pytest.raises(TemplateError) as caught:
        composed(paper, publication)
    assert (caught.value.where, caught.value.message) == ("templates/mail/issue.txt.j2", "not UTF-8")


def test_missing_words_are_an_error(paper: Path, publication: Publication) -> None:
    (paper / "templates" / "words" / "fr.po").unlink()
    with pytest.raises(TemplateError) as caught:
        composed(paper, publication)
    assert caught.value.message == "no words for the language 'fr'"


def test_the_mark_of_a_blank_cannot_be_smuggled_in_by_an_article(
    paper: Path, publication: Publication
) -> None:
    write_issue(paper, "2026-11-23", **{"01_x": ARTICLE.replace("un point", f"{MARK}name1z")})
    with pytest.raises(ContentError) as caught:
        composed(paper, publication)
    assert caught.value.where == "issues/2026-11-23/01-x.md"


# ---- the sample ----


@pytest.mark.parametrize("key", sorted(path.name for path in (ROOT / "issues").iterdir()))
def test_the_sample_issues_take_between_four_and_five_minutes(key: str) -> None:
    config = read_config(ROOT, {})
    edition = composed(ROOT, config.publication, config.look, key)
    assert 240 <= edition.reading_seconds <= 300
    assert len(edition.html.encode()) < 80_000


# ---- any text ----

TITLES = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Zs", "Zl", "Zp"]),
    min_size=1,
    max_size=60,
).filter(lambda title: MARK not in title)  # which an issue is refused for


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(title=TITLES)
def test_any_title_comes_out_the_same_in_html_and_text(
    paper: Path, publication: Publication, title: str
) -> None:
    issue = read_issue(paper / "issues" / "2026-11-23", root=paper)
    title = f"A{title}Z"
    issue = replace(issue, subject=title, articles=(replace(issue.articles[0], title=title),))
    edition = compose(issue, publication, Look(), templates=paper / "templates", root=paper)
    heading = words_of(next(parsed(edition.html).iter("h2")))
    assert heading == edition.subject
    assert edition.subject.upper() in re.sub(r"\n", " ", edition.text)
