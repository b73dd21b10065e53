"""The site's files: nothing but them, with what browsers need to keep them and no longer than is good."""

import re

import pytest

from tests.web.live.conftest import FIRST, Live


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("", "text/html; charset=utf-8"),
        (FIRST, "text/html; charset=utf-8"),
        ("site.css", "text/css; charset=utf-8"),
        ("search.js", "text/javascript; charset=utf-8"),
        ("search.json", "application/json"),
        ("icon.svg", "image/svg+xml"),
        ("card.png", "image/png"),
        ("feed.atom", "application/atom+xml; charset=utf-8"),
        ("feed.rss", "application/rss+xml; charset=utf-8"),
        ("sitemap.xml", "application/xml; charset=utf-8"),
    ],
)
def test_each_file_is_served_as_what_it_is_and_not_twice(live: Live, path: str, kind: str) -> None:
    first = live.get(path)
    assert (first.status_code, first.headers["content-type"]) == (200, kind)
    again = live.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    other = live.get(path, headers={"If-None-Match": '"x", W/"y"'})
    assert other.status_code == 200
    head = live.visitor().request("HEAD", f"/actu/{path}")
    assert head.headers["etag"] == first.headers["etag"]


def test_a_page_with_a_form_is_fetched_anew_before_its_number_is_too_old(live: Live) -> None:
    first = live.get(FIRST)
    tag = first.headers["etag"]
    assert len(re.findall(r'name="nonce" value="[\w-]{40,}"', first.text)) == 2
    assert live.get(FIRST, headers={"If-None-Match": tag}).status_code == 304
    live.clock.goes_on(hours=1)
    assert live.get(FIRST, headers={"If-None-Match": tag}).status_code == 200
    sheet = live.get("site.css").headers["etag"]
    assert live.get("site.css", headers={"If-None-Match": sheet}).status_code == 304


def test_a_folder_is_named_with_its_slash(live: Live) -> None:
    for path in ("2026-11-23", "2026-11-23/premier", "archive"):
        answer = live.get(path)
        assert (answer.status_code, answer.headers["location"]) == (301, f"/actu/{path}/")


@pytest.mark.parametrize(
    "path",
    [
        "404.html",
        ".newsletter-site",
        "2026-11-24/",
        "../newsletter.toml",
        "..%2f..%2fnewsletter.toml",
        "%2e%2e/%2e%2e/newsletter.db",
        "archive/../../newsletter.toml",
        "/etc/passwd",
        "%00",
        "index.html%00.png",
        "//evil.example",
        "%5cevil.example",
        "archive%2f",
        "site.css/",
        "2026-11-23//",
        "x" * 5000,
    ],
)
def test_nothing_else_is_served_and_no_one_is_sent_elsewhere(live: Live, path: str) -> None:
    answer = live.visitor().get(f"https://lettre.invalid/actu/{path}")
    if answer.status_code == 301:
        assert answer.headers["location"].startswith("/actu/")
    elif answer.status_code == 200:
        assert path == "archive%2f"  # which is what a browser may make of archive/
    else:
        assert answer.status_code == 404
    assert "publication" not in answer.text
