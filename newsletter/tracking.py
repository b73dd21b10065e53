"""What in a web address only tracks readers, or hides where it leads: redirectors, shorteners, parameters."""

import re
from urllib.parse import parse_qs, urlsplit

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
# These hide where they lead; the best known of SpamAssassin's 25_url_shortener.cf.
_SHORTENERS = re.compile(
    r"t\.co|bit\.ly|j\.mp|bitly\.com|lnkd\.in|buff\.ly|ow\.ly|tinyurl\.com|goo\.gl|dlvr\.it|trib\.al|is\.gd|v\.gd"
    r"|cutt\.ly|rb\.gy|shorturl\.at|tiny\.cc|t\.ly|rebrand\.ly|s\.id|ift\.tt|fb\.me|urlz\.fr|short\.gy"
)
# Google Analytics, Mailchimp, AT Internet (Piano), Matomo, and Firefox's list of what it strips.
_TRACKING = re.compile(
    r"(utm_\w+|fbclid|gclid|gclsrc|dclid|gbraid|wbraid|msclkid|yclid|twclid|ttclid|li_fat_id|srsltid|igshid|igsh"
    r"|mc_cid|mc_eid|_hsenc|_hsmi|__hs\w+|hsCtaTracking|mkt_tok|ml_subscriber\w*|oly_anon_id|oly_enc_id"
    r"|vero_conv|vero_id|wickedid|rb_clickid|_openstat|xtor|xtref|mtm_\w+|pk_(?:campaign|kwd|source|medium)"
    r"|at_(?:medium|campaign\w*|custom\d*|creation|variant|format|network|platform|channel|emailtype|link_\w+"
    r"|recipient_\w+|send_\w+|ptr_name|bbc_team))(=|\Z)"
)

BARE = re.compile(r"https?://[^\s<>\"“”«»\x00-\x1f]+", re.IGNORECASE)
"""A web address in the midst of a text, with the punctuation that follows it."""


def clean_address(address: str) -> str:
    """The address behind any redirectors, without tracking parameters; all else stays byte for byte."""
    for _ in range(5):
        behind = _behind(address)
        if not behind:
            break
        address = behind
    return untracked(address)


def leads_anywhere(address: str) -> bool:
    """Whether the address belongs to a shortener, so that nobody can tell from it where it leads."""
    return _SHORTENERS.fullmatch(_split(address)[0]) is not None


def untracked(address: str) -> str:
    """The address without parameters that only track, in its query and (AT Internet) behind its #."""
    page, hash_, fragment = address.partition("#")
    path, _, query = page.partition("?")
    kept = [part for part in query.split("&") if not _TRACKING.match(part)]
    if len(kept) != len(query.split("&")):
        page = f"{path}?{'&'.join(kept)}" if kept else path
    return page if _TRACKING.match(fragment) else f"{page}{hash_}{fragment}"


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
                if BARE.fullmatch(value):
                    return value
    return ""


def without_tail(address: str) -> str:
    """Without the punctuation around it; a closing parenthesis stays if it was opened inside."""
    while True:
        shorter = address.rstrip(".,;:!?'’…*_")
        if shorter.endswith(")") and shorter.count(")") > shorter.count("("):
            shorter = shorter[:-1]
        if shorter == address or not shorter:
            return address
        address = shorter
