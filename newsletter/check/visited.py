"""Rules for what visiting the links found; they are silent unless `--online` asked for the visit."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from newsletter.check.addresses import Kind, Link, links
from newsletter.check.proof import Visit
from newsletter.check.rule import Fault, Level, Proof, Rule, rule


def web_addresses(proof: Proof) -> list[str]:
    """What there is to visit: the web addresses that were typed, each once, in reading order.

    Those of templates are left out: the issue's own pages are there only after it was sent.
    """
    found = (link.address for link in links(proof) if link.kind is not Kind.NONE)
    return list(dict.fromkeys(each for each in found if each.lower().startswith(("http://", "https://"))))


def _visited(proof: Proof) -> Iterator[tuple[Link, Visit]]:
    seen = set()
    for link in links(proof):
        visit = proof.visits.get(link.address)
        if visit and link.at not in seen:
            seen.add(link.at)
            yield link, visit


@rule(
    "dead-link",
    Level.WARNING,
    why="Readers who follow the link find nothing.",
    how="open it in a browser, and write where the page is now",
)
def dead_link(proof: Proof) -> Iterator[Fault]:
    for link, visit in _visited(proof):
        if visit.dead:
            yield Fault(link.at, f"{_way(link.address, visit)}: {visit.problem}")


@rule(
    "moved-link",
    Level.NOTE,
    why="A redirection costs the reader time, and may end one day, or end somewhere else.",
    how="write the address that it leads to, if it is the page you mean",
)
def moved_link(proof: Proof) -> Iterator[Fault]:
    for link, visit in _visited(proof):
        if visit.hops and not visit.problem and (why := _moved(link.address, visit.hops[-1])):
            yield Fault(link.at, f"{_way(link.address, visit)} ({why})")


@rule(
    "unvisited-link",
    Level.NOTE,
    why="Nobody knows whether the link works: the site did not answer, or does not let programs in.",
    how="open it in a browser",
)
def unvisited_link(proof: Proof) -> Iterator[Fault]:
    for link, visit in _visited(proof):
        if visit.problem and not visit.dead:
            yield Fault(link.at, f"{_way(link.address, visit)} could not be visited: {visit.problem}")


def _way(address: str, visit: Visit) -> str:
    return " -> ".join((address, *visit.hops))


def _moved(address: str, last: str) -> str:
    """Why a redirection matters, "" if it does not: same page, same site."""
    before, after = urlsplit(address), urlsplit(last)
    if _site(before.hostname) != _site(after.hostname):
        return "another site"
    if before.path.strip("/") and not after.path.strip("/"):
        return "the front page: the article may be gone"
    if before.scheme != after.scheme:
        return f"over {after.scheme}"
    return ""


def _site(host: str | None) -> str:
    return (host or "").removeprefix("www.")


RULES: tuple[Rule, ...] = (dead_link, moved_link, unvisited_link)
