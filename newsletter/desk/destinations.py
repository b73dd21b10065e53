"""Links in pasted text -> clean links, without redirector or tracking."""

import re

from newsletter.desk import marks
from newsletter.tracking import BARE, clean_address, leads_anywhere, without_tail

_ANY = re.compile(
    f"{marks.DOUBTS.pattern}|{marks.LINKS.pattern}|\\[([^\\[\\]\n]+)\\]\\(({BARE.pattern})\\)|<?({BARE.pattern})>?"
)


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
            words, address = "", without_tail(bare)
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
