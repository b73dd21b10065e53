"""What hostile words and a strict checker make of the pages: nothing."""

import json
import os
import re
import subprocess
from pathlib import Path

import feedparser
import pytest
from lxml import etree
from PIL import Image

from tests.conftest import Newsletter, needs, write_issue
from tests.web.publishing import Site, build, send

XSS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'-alert(1)-'",
    "</script><script>alert(1)</script>",
    "</title><svg/onload=alert(1)>",
    "javascript:alert(1)",
    "{{7*7}} {% raw %} ${7*7}",
    "]]><script>alert(1)</script>",
    "<!--<script>",
)
XSS_LINK = 'https://www.example.org/"><script>alert(1)</script>'
HOSTILE = "".join(f'\n{text}\n\n[lien]({text})\n\n![{text}](p.png "{text}")\n' for text in XSS)


def hostile(paper: Path, link: str) -> Path:
    """An issue whose every text tries to be a program, sent."""
    mixed = " ".join(XSS).replace("\\", "").replace("'", "’’")
    quoted = "'" + " ".join(XSS).replace("'", "''") + "'"
    folder = write_issue(
        paper,
        "2026-11-23",
        issue=f"---\nsubject: {quoted}\npreheader: {quoted}\neditor: {quoted}\n---\n{mixed}\n",
        **{
            f"0{n}_un{n}": f"---\ntitle: {quoted}\nauthor: {quoted}\nsection: {quoted}\nsource: {quoted}\n"
            f"link: '{link}'\npicture: p.png\nalt: {quoted}\n"
            f"credit: {quoted}\n---\n{HOSTILE}"
            for n in (1, 2)
        },
    )
    Image.new("RGB", (600, 300), "#b3261e").save(folder / "p.png")
    settings = paper / "newsletter.toml"
    text = settings.read_text(encoding="utf-8")
    pitches = ", ".join(json.dumps(text) for text in XSS)
    text = re.sub(r"pitches = .*", f"pitches = [{pitches}]", text)
    text = re.sub(r"postal_address = .*", f"postal_address = {json.dumps(XSS[1])}", text)
    settings.write_text(text, encoding="utf-8")
    send(paper, "2026-11-23")
    return paper


def test_words_stay_words_whatever_they_say(paper: Path) -> None:
    site = Site(build(hostile(paper, XSS_LINK)), "https://lettre.invalid")
    for path in site.pages():
        page = site.page(path)
        for script in page.xpath("//script"):
            assert (
                script.get("src", "").startswith("/search.js?") or script.get("type") == "application/ld+json"
            )
            if not script.get("src"):
                json.loads(script.text)
        assert not page.xpath("//svg | //@onerror | //@onload")
        assert not [a for a in page.xpath("//@href | //@src") if str(a).lower().startswith("javascript")]
    shown = site.page("2026-11-23/un1/").xpath("string(//h1)")
    assert "<script>alert(1)</script>" in shown
    assert "{{7*7}} {% raw %} ${7*7}" in shown
    assert not feedparser.parse(site.files["feed.atom"]).bozo
    assert not feedparser.parse(site.files["feed.rss"]).bozo
    etree.fromstring(site.files["sitemap.xml"])
    etree.fromstring(site.files["icon.svg"])


def test_a_template_of_the_site_that_asks_for_a_readers_data_is_refused(
    newsletter: Newsletter, paper: Path
) -> None:
    template = paper / "templates/web/footer.html.j2"
    template.write_text('<p>{{ field("email") }}</p>\n', encoding="utf-8")
    answer = newsletter("site", "build", "-o", "public")
    assert answer.code == 3
    assert answer.err.startswith("Error: templates/web/footer.html.j2:1: 'field' is undefined\n")


# ---- the checker of the W3C ----


def nu() -> str:
    """The path of the Nu HTML checker, which npm's vnu-jar has."""
    for folder in (Path(__file__).parent.parent.parent, Path("/usr/share")):
        path = folder / "node_modules/vnu-jar/build/dist/vnu.jar"
        if path.is_file():
            return str(path)
    named = os.environ.get("VNU_JAR", "")
    if not named and os.environ.get("CI"):
        pytest.fail("vnu.jar is not installed, and CI must have it: npm install --no-save vnu-jar")
    if not named:
        pytest.skip("needs vnu.jar: npm install --no-save vnu-jar, or name it in VNU_JAR")
    return named


def test_the_nu_html_checker_finds_no_error(site: Site, paper: Path) -> None:
    java, jar = needs("java"), nu()
    folders = [str(site.folder), str(build(hostile(paper, "https://www.example.org/source")))]
    done = subprocess.run(
        [java, "-jar", jar, "--errors-only", "--skip-non-html", *folders],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert (done.stderr, done.returncode) == ("", 0)
    sheet = subprocess.run(
        [java, "-jar", jar, "--errors-only", "--css", str(site.folder / "site.css")],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert (sheet.stderr, sheet.returncode) == ("", 0)
