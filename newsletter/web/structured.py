"""What a page says of itself to machines: JSON-LD in the words of schema.org."""

from collections.abc import Mapping

from newsletter.model import Publication
from newsletter.web.told import WebArticle, WebIssue


def of_article(article: WebArticle, issue: WebIssue, publication: Publication) -> Mapping[str, object]:
    """A NewsArticle, or the AdvertiserContentArticle that a sponsored one is."""
    url = publication.url
    by = {"@type": "Person", "name": article.author} if article.author else _publisher(publication)
    return {
        "@context": "https://schema.org",
        "@type": "AdvertiserContentArticle" if article.sponsored else "NewsArticle",
        "headline": article.title[:110],
        "description": article.lead,
        "url": f"{url}/{article.path}",
        "mainEntityOfPage": f"{url}/{article.path}",
        "image": [f"{url}/{article.path}card.png"],
        "datePublished": issue.at.isoformat(),
        "inLanguage": publication.language,
        "isAccessibleForFree": True,
        "author": [by],
        "publisher": _publisher(publication),
        **({"articleSection": article.section} if article.section else {}),
        **({"isBasedOn": article.link} if article.link else {}),
    }


def of_issue(issue: WebIssue, publication: Publication) -> Mapping[str, object]:
    """A PublicationIssue with its articles."""
    url = publication.url
    return {
        "@context": "https://schema.org",
        "@type": "PublicationIssue",
        "name": issue.subject,
        "url": f"{url}/{issue.path}",
        "datePublished": issue.at.isoformat(),
        "inLanguage": publication.language,
        "publisher": _publisher(publication),
        "hasPart": [
            {"@type": "Article", "headline": article.title[:110], "url": f"{url}/{article.path}"}
            for article in issue.articles
        ],
    }


def _publisher(publication: Publication) -> Mapping[str, object]:
    return {"@type": "NewsMediaOrganization", "name": publication.name, "url": f"{publication.url}/"}
