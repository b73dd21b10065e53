"""A web address as pasted -> the one it leads to, without redirector or tracking."""

import re
from urllib.parse import parse_qs, urlsplit, urlunsplit

from newsletter.desk import marks

# Host and path of a redirector, and the parameters in which it may carry the address it leads to.
_REDIRECTORS = tuple(
    (re.compile(host), path, parameters)
    for host, path, parameters in (
        (r"(www\.)?google\.[a-z.]{2,6}", "/url", ("q", "url")),
        (r"(l|lm)\.(facebook|messenger)\.com", "/l.php", ("u",)),
        (r"l\.(instagram|threads)\.(com|net)", "/", ("u",)),
        (r"out\.reddit\.com", "/", ("url",)),
        (r"([a-z0-9]+\.)?safelinks\.protection\.outlook\.com", "/", ("url",)),
        (r"(www\.)?linkedin\.com", "/redir/", ("url",)),
        (r"(www\.)?linkedin\.com", "/safety/go", ("url",)),
        (r"slack-redir\.net", "/link", ("url",)),
        (r"(www\.)?youtube\.com", "/redirect", ("q",)),
        (r"duckduckgo\.com", "/l/", ("uddg",)),
    )
)
# These hide where they lead: only following them would tell, and importing never touches the network.
_SHORTENERS = re.compile(r"(t\.co|bit\.ly|lnkd\.in|buff\.ly|ow\.ly|tinyurl\.com|goo\.gl|dlvr\.it|trib\.al)")
_TRACKING = re.compile(r"(utm_\w+|fbclid|gclid|dclid|gbraid|wbraid|msclkid|igshid|igsh|mc_cid|mc_eid)(=|\Z)")

_BARE = re.compile(r"https?://[^\s<>\"“”«»\x00-\x1f]+", re.IGNORECASE)
_ANY = re.compile(
    f"{marks.DOUBTS.pattern}|{marks.LINKS.pattern}|\\[([^\\[\\]\n]+)\\]\\(({_BARE.pattern})\\)|<?({_BARE.pattern})>?"
)


def clean_address(address: str) -> str:
    """The address behind any redirectors, without tracking parameters; all else stays byte for byte."""
    for _ in range(5):
        behind = _behind(address)
        if not behind:
            break
        address = behind
    return _untracked(address)


def leads_anywhere(address: str) -> bool:
    """Whether the address belongs to a shortener, so that nobody can tell from it where it leads."""
    host = _split(address)[0]
    return _SHORTENERS.fullmatch(host) is not None


def with_clean_links(text: str) -> tuple[str, list[str]]:
    """A text whose web addresses, bare or linked, have become clean links; and what became of the others.

    Understood are marked links, `[words](https://…)`, `<https://…>` and bare https:// or http:// addresses.
    """
    changed: list[str] = []

    def cleaned(match: re.Match[str]) -> str:
        why, words, address, markdown_words, markdown_address, bare = match.groups()
        if why is not None:
            return match[0]
        after = ""
        if markdown_address:
            words, address = markdown_words, markdown_address
        elif bare:
            words, address = "", _without_tail(bare)
            after = "" if match[0].endswith(">") else bare[len(address) :]
            if match[0].startswith("<") and not match[0].endswith(">"):
                return "<" + cleaned_link("", address) + after
        return cleaned_link(words or "", address or "") + after

    def cleaned_link(words: str, address: str) -> str:
        if not re.match(r"https?://[^/?#]|mailto:[^?]", address, re.IGNORECASE):
            changed.append(f"not a web address: {address}")
            return words
        clean = clean_address(address)
        if clean != address:
            changed.append(f"without redirector or tracking: {address}")
        if words in (address, clean):
            words = ""
        warning = " " + marks.doubt("où mène ce lien raccourci ?") if leads_anywhere(clean) else ""
        return marks.link(words, clean) + warning

    return _ANY.sub(cleaned, text), changed


def _split(address: str) -> tuple[str, str, str]:
    try:
        parts = urlsplit(address)
        return (parts.hostname or ""), parts.path, parts.query
    except ValueError:  # an address such as "http://[": left as it is typed
        return "", "", ""


def _behind(address: str) -> str:
    host, path, query = _split(address)
    for hosts, start, parameters in _REDIRECTORS:
        if hosts.fullmatch(host) and (path or "/").startswith(start):
            values = parse_qs(query)
            for parameter in parameters:
                value = values.get(parameter, [""])[0]
                if _BARE.fullmatch(value):
                    return value
    return ""


def _untracked(address: str) -> str:
    _, _, query = _split(address)
    if not query:
        return address
    kept = "&".join(part for part in query.split("&") if not _TRACKING.match(part))
    if kept == query:
        return address
    parts = urlsplit(address)
    return urlunsplit(parts._replace(query=kept))


def _without_tail(address: str) -> str:
    """Without the punctuation around it; a closing parenthesis stays if it was opened inside."""
    while True:
        shorter = address.rstrip(".,;:!?'’…*_")
        if shorter.endswith(")") and shorter.count(")") > shorter.count("("):
            shorter = shorter[:-1]
        if shorter == address or not shorter:
            return address
        address = shorter
