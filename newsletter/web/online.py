"""A sheet -> the page that its issue, or one of its articles, will have on the web, for the light table."""

import re
from collections.abc import Callable

from newsletter.model import Rendition
from newsletter.web.pages import Pages
from newsletter.web.sheet import Sheet
from newsletter.web.told import base_of, tell

_POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>\n?')
_STYLE = re.compile(r'<link rel="stylesheet"[^>]*>')
_SCRIPT = re.compile(r"<script\b.*?</script>\n?", re.DOTALL)


def online(sheet: Sheet, article: str, address: Callable[[Rendition], str]) -> str:
    """The page of the article with this slug, or of the whole issue if it has none such.

    It is whole but for its pictures, which are asked for at their `address`; links lead to the site. Raises
    ContentError or TemplateError with file and line.
    """
    pages = Pages(sheet.publication, sheet.look, root=sheet.root)
    issue, renditions = tell(sheet.issue, sheet.publication, sheet.look, root=sheet.root, at=sheet.at)
    found = next((each for each in issue.articles if each.slug == article), None)
    html = pages.article_page(found, issue) if found else pages.issue_page(issue)
    html = _STYLE.sub(lambda match: f"<style>{pages.style()}</style>", _POLICY.sub("", _SCRIPT.sub("", html)))
    base = base_of(sheet.publication)
    for rendition in (*renditions, *([pages.logo] if pages.logo else [])):
        html = html.replace(f'"{rendition.src}"', f'"{address(rendition)}"')
    return re.sub(rf'(?<=<a )href="{re.escape(base)}/', f'href="{sheet.publication.url}/', html)
