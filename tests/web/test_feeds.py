"""The feeds, as feed readers read them."""

import re

import feedparser
import pytest
from lxml import etree

from tests.web.publishing import URL, Site


@pytest.mark.parametrize("file", ["feed.atom", "feed.rss"])
@pytest.mark.parametrize("name", ["site", "site_below"])
def test_feeds_have_every_article_whole(file: str, name: str, request: pytest.FixtureRequest) -> None:
    site: Site = request.getfixturevalue(name)
    feed = feedparser.parse(site.files[file])
    assert not feed.bozo
    assert (feed.version, feed.feed.title) == (
        "atom10" if file == "feed.atom" else "rss20",
        "L’actu en 5 minutes",
    )
    assert feed.feed.link == f"{site.url}/"
    assert len(feed.entries) == 15
    first = feed.entries[0]
    assert first.link == first.id == f"{site.url}/2026-11-24/reduflation/"
    assert tuple(first.published_parsed)[:6] == (2026, 11, 24, 6, 0, 0)
    for entry in feed.entries:
        assert entry.title
        assert entry.author
        (content,) = entry.content
        article = site.page(entry.link.removeprefix(f"{site.url}/"))
        words = article.xpath("string((//article//div[@class='md']/p)[last()])")
        assert words in re.sub(r"<[^>]*>", "", content.value)
        assert not re.search(r'(?:src|href)="(?!https?://|mailto:)', content.value)
        assert "<" not in entry.summary
    pictures = re.findall(r'src="([^"]*)"', feed.entries[0].content[0].value)
    assert all(site.leads_somewhere(picture) for picture in pictures)
    assert pictures


def test_a_feed_has_what_its_standard_asks_for(site: Site) -> None:
    atom = etree.fromstring(site.files["feed.atom"])
    names = {"a": "http://www.w3.org/2005/Atom"}
    assert atom.xpath("string(a:link[@rel='self']/@href)", namespaces=names) == f"{URL}/feed.atom"
    for element in ("id", "title", "updated"):  # RFC 4287 §4.1.1, §4.1.2
        assert len(atom.xpath(f"a:{element}", namespaces=names)) == 1
        assert len(atom.xpath(f"a:entry/a:{element}", namespaces=names)) == 15
    assert atom.xpath("string(a:updated)", namespaces=names) == "2026-11-24T07:00:00+01:00"
    rss = etree.fromstring(site.files["feed.rss"])
    assert [len(rss.xpath(f"channel/{name}")) for name in ("title", "link", "description")] == [1, 1, 1]
    assert rss.xpath("string(channel/lastBuildDate)") == "Tue, 24 Nov 2026 07:00:00 +0100"
