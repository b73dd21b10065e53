"""The site as files: what is on it, that all of it hangs together, and what is never there."""

import io
import json
import re
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import feedparser
import pytest
from lxml import etree
from PIL import Image

from newsletter.cli.press import Press
from newsletter.fields import MARK
from newsletter.model import Outcome
from newsletter.readers.decisions import Decisions
from tests.conftest import ISSUE, Newsletter, write_issue
from tests.web.publishing import POISON, SENT, SENT_AT, URL, Site, build, files_of, send

# ---- what is on it ----


def test_the_site_has_the_issues_that_were_sent_and_no_draft(site: Site) -> None:
    assert {name[:10] for name in site.files if name.startswith("2026")} == set(SENT)
    assert not [name for name, content in site.files.items() if b"sapin" in content.lower()]
    for name in ("index.html", "archive/index.html", "archive/2026-11/index.html", "privacy/index.html"):
        assert name in site.files
    for name in ("404.html", "feed.atom", "feed.rss", "sitemap.xml", "search.json", "card.png", "icon.svg"):
        assert name in site.files


def test_an_article_has_its_page_with_all_that_belongs_to_it(site: Site) -> None:
    page = site.page("2026-11-23/fusion-helion/")
    assert page.xpath("string(//h1)") == "Pour nourrir l’IA, Sam Altman veut mettre le Soleil en boîte"
    assert page.xpath("//article//p[@class='kicker']/text()") == ["Énergie"]
    parts = page.xpath("//article/header//span[@class='part']")
    assert [part.text_content() for part in parts] == [
        "Par Inès Baradat",
        "lundi 23 novembre 2026",
        "1\u00a0min\u00a010 de lecture",
    ]
    assert page.xpath("//time/@datetime")[0] == "2026-11-23"
    (picture,) = page.xpath("//article/figure/img")
    assert picture.get("src") == "/2026-11-23/pictures/fusion-frise-6a99ad05cf.png"
    assert (picture.get("width"), len(picture.get("alt")) > 20) == ("552", True)
    assert page.xpath("count(//p/strong[@class='lead-in'])") == 6
    assert [a.text for a in page.xpath("//p[@class='share']/a")] == [
        "par e-mail",
        "LinkedIn",
        "WhatsApp",
        "X",
        "Bluesky",
    ]
    assert page.xpath("//nav[@class='turn']/a/@rel") == ["next"]
    also = page.xpath("//section[@class='also']//h3/a/@href")
    assert also[0] == "/2026-11-20/piscine-et-serveurs/"  # of the same section
    assert len(also) == 3
    assert page.xpath("//link[@rel='canonical']/@href") == [f"{URL}/2026-11-23/fusion-helion/"]


def test_the_boxes_above_and_below_an_article_take_turns_with_the_pitches(site: Site) -> None:
    seen = {}
    for article in ("fusion-helion", "black-friday"):
        page = site.page(f"2026-11-23/{article}/")
        seen[article] = [pitch.text_content() for pitch in page.xpath("//p[@class='pitch']")]
    assert (
        seen
        == {
            "fusion-helion": [
                "Du lundi au vendredi, expliqué simplement et raconté avec le sourire.*",
                "Des chiffres, du contexte, et jamais de jargon sans sous-titres.*",
            ],
            "black-friday": [
                "Gratuit comme un bonjour, et l’on s’en va d’un seul clic.*",
                "L’essentiel de l’économie en cinq minutes, avant la deuxième tartine.*",
            ],
        }
        or seen["fusion-helion"] != seen["black-friday"]
    )


def test_whoever_takes_the_form_in_finds_these_fields(site: Site) -> None:
    for path in ("", "2026-11-23/", "2026-11-23/fusion-helion/"):
        for form in site.page(path).xpath("//form[@method='post']"):
            assert form.get("action") == "/join"
            fields = {field.get("name"): dict(field.attrib) for field in form.xpath(".//input")}
            assert set(fields) == {"email", "website", "box", "nonce"}
            email = fields["email"]
            assert (email["type"], email["autocomplete"], "required" in email) == ("email", "email", True)
            assert (fields["website"]["tabindex"], fields["website"]["autocomplete"]) == ("-1", "off")
            assert form.xpath(".//input[@name='website']/ancestor::div[@aria-hidden='true']")
            assert re.fullmatch("[0-9a-f]{8}", fields["box"]["value"])
            assert (fields["nonce"]["type"], fields["nonce"]["value"]) == ("hidden", "")
            assert form.xpath(".//a[@href='/privacy/']")
            assert "vous acceptez de recevoir" in form.text_content()


def test_the_star_of_a_pitch_leads_to_the_archive(site: Site) -> None:
    notes = site.page("2026-11-23/fusion-helion/").xpath("//p[starts-with(., '*')]")
    assert [note.xpath("./a/@href") for note in notes] == [["/archive/"], ["/archive/"]]


def test_the_whole_issue_is_on_its_page_in_order(site: Site) -> None:
    page = site.page("2026-11-23/")
    assert page.xpath("string(//h1)") == "Fusion, faux rabais et gâteau coupé en dix"
    assert [heading.text_content() for heading in page.xpath("//article/h2")][:2] == [
        "Pour nourrir l’IA, Sam Altman veut mettre le Soleil en boîte",
        "Black Friday\u00a0: le rabais qui prend son élan",
    ]
    assert page.xpath("//nav[@class='turn']/a/@href") == ["/2026-11-20/", "/2026-11-24/"]
    assert "Fibonacci" in page.text_content()


def test_a_sponsored_article_says_so_wherever_it_stands(site: Site) -> None:
    page = site.page("2026-11-24/ficelle/")
    assert page.xpath("//article/header/p[@class='kicker soft']/text()") == ["Publicité"]
    assert "la rédaction ne l’a pas écrite" in page.xpath("string(//article/header)")
    assert page.xpath("//p[@class='source']/a/@rel") == ["sponsored"]
    assert '"AdvertiserContentArticle"' in site.text("2026-11-24/ficelle/")
    contents = site.page("2026-11-24/").xpath("//ol[@class='contents']/li")
    assert [item.text_content().count("Publicité") for item in contents] == [0, 0, 0, 0, 1]
    assert [e.title for e in feedparser.parse(site.files["feed.atom"]).entries if "Publicité" in e.title]
    assert not [
        path
        for path in site.pages()
        if "/2026-11-24/ficelle/" in str(site.page(path).xpath("//section[@class='also']//@href"))
    ]


# ---- how it hangs together ----


@pytest.mark.parametrize("name", ["site", "site_below"])
def test_every_link_into_the_site_leads_to_a_file(name: str, request: pytest.FixtureRequest) -> None:
    site: Site = request.getfixturevalue(name)
    base = urlsplit(site.url)
    inside = [link for link in site.links() if urlsplit(link.target).netloc == base.netloc]
    assert len(inside) > 500
    assert {urlsplit(link.target).path for link in inside if not site.leads_somewhere(link.target)} == {
        f"{base.path}/join"  # the live part's
    }


@pytest.mark.parametrize("name", ["site", "site_below"])
def test_nothing_is_loaded_from_elsewhere(name: str, request: pytest.FixtureRequest) -> None:
    site: Site = request.getfixturevalue(name)
    base = urlsplit(site.url).path
    for path in site.pages():
        page = site.page(path)
        loaded = page.xpath("//img/@src | //script/@src | //link[@rel='stylesheet' or @rel='icon']/@href")
        assert loaded
        assert all(str(address).startswith(f"{base}/") for address in loaded)
        (policy,) = page.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
        script = "; script-src 'self'; connect-src 'self'" if path.startswith("archive/") else ""
        assert policy == (
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'"
            + script
        )
        assert not page.xpath("//@style | //style | //iframe | //@onclick | //@onload")
    sheet = site.files["site.css"].decode()
    assert ("url(" in sheet, "@import" in sheet, "{{" in sheet) == (False, False, False)


def test_pictures_are_where_the_mail_asks_for_them(root: Path, site: Site) -> None:
    press = Press(root)
    for key in SENT:
        edition = press.edition(press.issue(root / "issues" / key))
        assert len(edition.renditions) >= 2
        for rendition in edition.renditions:
            path = rendition.src.removeprefix(f"{URL}/")
            assert f'src="{URL}/{path}"' in edition.html
            assert site.files[path] == rendition.content


def test_pages_that_the_mail_links_to_are_there(root: Path, site: Site) -> None:
    press = Press(root)
    edition = press.edition(press.issue(root / "issues" / "2026-11-23"))
    linked = set(re.findall(rf'href="{URL}/([^"]*)"', edition.html)) - {""}
    assert {"2026-11-23/", "archive/", "2026-11-23/cargo-a-voile/"} <= linked
    for path in linked:
        assert f"{path}index.html" in site.files


def test_the_sitemap_names_every_page_once(site: Site) -> None:
    tree = etree.fromstring(site.files["sitemap.xml"])
    places = tree.xpath("//*[local-name()='loc']/text()")
    assert sorted(places) == sorted(f"{URL}/{path}" for path in site.pages() if path != "404.html")
    changed = tree.xpath(f"string(//*[local-name()='loc'][.='{URL}/2026-11-23/']/following-sibling::*)")
    assert changed == "2026-11-23"


def test_other_sites_find_a_title_a_picture_and_what_it_is(site: Site) -> None:
    page = site.page("2026-11-23/cargo-a-voile/")
    found = {meta.get("property"): meta.get("content") for meta in page.xpath("//meta[@property]")}
    assert found["og:title"] == "Le cargo à voile met le café au rythme du vent"
    assert found["og:image"] == f"{URL}/2026-11-23/cargo-a-voile/card.png"
    assert found["article:published_time"] == "2026-11-23T07:00:00+01:00"
    assert 100 < len(found["og:description"]) <= 156
    told = json.loads(page.xpath("string(//script[@type='application/ld+json'])"))
    assert (told["@type"], told["headline"]) == ("NewsArticle", found["og:title"])
    assert (told["author"], told["articleSection"]) == (
        [{"@type": "Person", "name": "Théo Marchal"}],
        "Climat",
    )
    assert told["datePublished"] == "2026-11-23T07:00:00+01:00"
    for path in (*(f"{key}/" for key in SENT), "2026-11-23/cargo-a-voile/", ""):
        with Image.open(io.BytesIO(site.files[f"{path}card.png"])) as card:
            assert (card.size, card.format) == ((1200, 630), "PNG")


# ---- search ----


def test_the_search_index_has_each_article_with_its_words_once(site: Site) -> None:
    rows = json.loads(site.files["search.json"])
    assert len(rows) == 15
    row = next(row for row in rows if row[1] == "cargo-a-voile")
    assert row[:5] == [
        "2026-11-23",
        "cargo-a-voile",
        "Le cargo à voile met le café au rythme du vent",
        "Théo Marchal",
        "Climat",
    ]
    words = row[5].split(" ")
    assert {"torrefacteurs", "sante", "cafe", "emissions"} - set(words) == {"sante"}
    assert len(words) == len(set(words))


# ---- what is never there ----


def test_nothing_of_any_reader_is_on_the_site(root: Path, site: Site) -> None:
    mail = Press(root).edition(Press(root).issue(root / "issues" / "2026-11-23")).html
    assert MARK in mail  # there it would be filled in
    for name, content in site.files.items():
        for word in (MARK, POISON, "Poison", "lectrices.example", "Lectrice", "Se désinscrire en un clic"):
            assert word.encode() not in content, name


def test_the_same_files_give_the_same_site(root: Path, site: Site) -> None:
    again = build(root, output="again")
    assert files_of(again) == site.files
    assert {path.suffix for path in again.rglob("*") if path.name.startswith(".")} == {""}


def test_without_an_address_there_is_no_site(newsletter: Newsletter, paper: Path) -> None:
    settings = paper / "newsletter.toml"
    text = settings.read_text(encoding="utf-8").replace('url = "https://lettre.invalid"\n', "")
    settings.write_text(text, encoding="utf-8")
    answer = newsletter("site", "build", "-o", "public")
    assert answer.code == 2
    assert answer.err == (
        'Error: newsletter.toml: a site needs an address\nHint: set url = "https://…" under [publication]\n'
    )
    assert not (paper / "public").exists()


def test_a_site_without_issues_is_whole_too(paper: Path) -> None:
    site = Site(build(paper), "https://lettre.invalid")
    assert "Le premier numéro est en cours d’écriture." in site.page("").text_content()
    assert not [name for name in site.files if name.startswith("2026")]
    assert not feedparser.parse(site.files["feed.atom"]).bozo
    assert build(paper, output="again")
    assert files_of(paper / "again") == site.files
    for link in site.links():
        if link.target.startswith("https://lettre.invalid/") and not link.target.endswith("/join"):
            assert site.leads_somewhere(link.target), link


def test_an_issue_that_nobody_got_is_not_on_the_site(newsletter: Newsletter, paper: Path) -> None:
    for day in ("2026-11-24", "2026-11-25", "2026-11-26"):
        write_issue(paper, day)
    send(paper, "2026-11-24", "2026-11-25")
    send(paper, "2026-11-26", outcome=Outcome.DEFERRED)
    with Press(paper).database() as database:
        for day in ("2026-11-25", "2026-11-26"):  # one after it was sent, one before
            Decisions(database).cancel(day, who="Ada", now=SENT_AT)
    names = files_of(build(paper))
    assert {name[:10] for name in names if name.startswith("2026")} == {"2026-11-24", "2026-11-25"}


def test_an_issue_that_is_about_to_be_sent_has_its_pages_but_nothing_leads_there(paper: Path) -> None:
    write_issue(paper, "2026-11-24")
    send(paper, "2026-11-23")
    site = Site(build(paper, "--with", "2026-11-24"), "https://lettre.invalid")
    assert "2026-11-24/premier/index.html" in site.files
    links = {link.page for link in site.links() if "/2026-11-24/" in link.target}
    assert links == {"2026-11-24/", "2026-11-24/premier/"}
    assert site.page("2026-11-24/").xpath("//a[@rel='prev']/@href") == ["/2026-11-23/"]
    for name in ("feed.atom", "feed.rss", "sitemap.xml", "search.json"):
        assert b"2026-11-24" not in site.files[name]
    assert "2026-11-24/index.html" not in files_of(build(paper))


# ---- files that change ----


def test_what_has_changed_since_it_was_sent_is_told_and_shown_as_it_is(
    newsletter: Newsletter, paper: Path
) -> None:
    send(paper, "2026-11-23")
    assert "Changed" not in newsletter("site", "build", "-o", "public").err
    write_issue(paper, "2026-11-23", issue=ISSUE.replace("Deux mots", "Trois mots"))
    answer = newsletter("site", "build", "-o", "public")
    assert (answer.code, answer.err.splitlines()[0]) == (
        0,
        "Changed since they were sent, and shown as they are now: 2026-11-23.",
    )
    assert "Trois mots pour ouvrir." in (paper / "public/2026-11-23/index.html").read_text(encoding="utf-8")


def test_an_issue_without_its_folder_leaves_the_site(newsletter: Newsletter, paper: Path) -> None:
    write_issue(paper, "2026-11-24")
    send(paper, "2026-11-23", "2026-11-24")
    newsletter("site", "build", "-o", "public")
    assert (paper / "public/2026-11-23/premier/card.png").exists()
    shutil.rmtree(paper / "issues/2026-11-23")
    answer = newsletter("site", "build", "-o", "public")
    assert (answer.code, answer.err.splitlines()[0]) == (
        0,
        "Sent, but without a folder now, and so not on the site: 2026-11-23.",
    )
    assert not (paper / "public/2026-11-23").exists()
    assert (paper / "public/2026-11-24/index.html").exists()


def test_an_issue_that_cannot_be_composed_any_more_keeps_its_pages(
    newsletter: Newsletter, paper: Path
) -> None:
    write_issue(paper, "2026-11-24")
    send(paper, "2026-11-23", "2026-11-24")
    newsletter("site", "build", "-o", "public")
    before = files_of(paper / "public")
    (paper / "issues/2026-11-23/01-premier.md").write_text("---\nauthor: Ada\n---\nRien.\n", encoding="utf-8")
    answer = newsletter("site", "build", "-o", "public")
    assert (answer.code, answer.err.splitlines()[0]) == (
        3,
        "2026-11-23 was sent, and its pages stay as they are: issues/2026-11-23/01-premier.md:1: no title",
    )
    after = files_of(paper / "public")
    assert set(after) == set(before)
    for name in ("2026-11-23/index.html", "2026-11-23/premier/card.png"):
        assert after[name] == before[name]
    assert b"2026-11-23" not in after["feed.atom"]
