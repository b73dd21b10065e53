"""Issues -> the index in which a page's own script searches."""

import json
import re
import unicodedata
from collections.abc import Iterable

from newsletter.web.told import WebIssue

_LETTERS = str.maketrans({"œ": "oe", "æ": "ae", "ß": "ss", "ø": "o", "ł": "l", "đ": "d"})
_WORD = re.compile(r"[^\W_]{2,}")


def folded(text: str) -> str:
    """A text as it is searched: small letters without accents; `search.js` folds what is typed likewise."""
    small = unicodedata.normalize("NFD", text.lower().translate(_LETTERS))
    return "".join(character for character in small if not unicodedata.combining(character))


def index(issues: Iterable[WebIssue]) -> bytes:
    """The index as JSON: an array for each article, in the issues' order.

    Its parts are key of the issue, slug, title, author, section, and each word of the text once, folded.
    """
    rows = [
        [
            article.key,
            article.slug,
            article.title,
            article.author,
            article.section,
            " ".join(dict.fromkeys(_WORD.findall(folded(article.text)))),
        ]
        for issue in issues
        for article in issue.articles
    ]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode()
