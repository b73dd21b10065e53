r"""Marks inside imported text: what was bold, a link or doubtful, until Markdown is written.

They are control characters, which no text has left once it is cleaned, so that nothing typed can be taken
for one of them: BOLD words UNBOLD · ITALIC words UNITALIC · LINK words TO address UNLINK · DOUBT why UNDOUBT
· CALL n UNCALL, which is where footnote n is called · PICTURE alt NAMED name UNPICTURE · EMPTY, the only
sign in a cell without words · QUOTED, HEADING, TITLE or NOTE at the start of a line.
"""

import re

from newsletter.compose.issue import TO_CHECK

BOLD, UNBOLD, ITALIC, UNITALIC = "\x01", "\x02", "\x03", "\x04"
LINK, TO, UNLINK = "\x05", "\x06", "\x07"
DOUBT, UNDOUBT = "\x0e", "\x0f"
QUOTED, HEADING, TITLE, NOTE = "\x10", "\x11", "\x12", "\x15"
CALL, UNCALL, EMPTY = "\x13", "\x14", "\x16"
PICTURE, UNPICTURE, NAMED = "\x17", "\x18", "\x19"

LINKS = re.compile("\x05([^\x05-\x07]*)\x06([^\x05-\x07]*)\x07")
CALLS = re.compile("\x13([^\x13\x14]*)\x14")
PICTURES = re.compile("\x17([^\x17-\x19]*)\x19([^\x17-\x19]*)\x18")
DOUBTS = re.compile("\x0e([^\x0e\x0f]*)\x0f")
BLANKS = " \t\u00a0\u202f"
"""What separates words on a line, no-break spaces included: for the edges of lines and for counting only."""

_OTHERS = re.compile("\x13[^\x13\x14]*\x14|[\x01-\x04\x10-\x12\x15\x16]")


def doubt(why: str) -> str:
    """A mark that says in the text what has to be looked at."""
    return f"{DOUBT}{why}{UNDOUBT}"


def doubts(text: str) -> list[str]:
    """The reasons of all doubts in a text, in order."""
    return DOUBTS.findall(text)


def picture(name: str, about: str) -> str:
    """A picture that stands beside the article; without words about it, they are a doubt."""
    return f"{PICTURE}{about or doubt('texte de remplacement de l’image')}{NAMED}{name}{UNPICTURE}"


def bracketed(why: str) -> str:
    """A doubt as the editor sees it."""
    return f"[{TO_CHECK} : {why}]"


def link(words: str, address: str) -> str:
    """A link; without words the address itself is shown."""
    return f"{LINK}{words}{TO}{address}{UNLINK}"


def addresses(text: str) -> list[str]:
    """The addresses of all links in a text, in order."""
    return [match[2] for match in LINKS.finditer(text)]


def plain(text: str) -> str:
    """The words alone; a link without words gives its address, a doubt and a picture nothing."""
    text = PICTURES.sub("", text)
    text = DOUBTS.sub("", LINKS.sub(lambda match: match[1] or match[2], text))
    return _OTHERS.sub("", text).strip(BLANKS)


def shown(text: str) -> str:
    """The words with the addresses behind them, for saying what was left out."""
    text = PICTURES.sub(r"\2", text)
    text = LINKS.sub(lambda match: f"{match[1]} <{match[2]}>" if match[1] else match[2], text)
    return _OTHERS.sub("", DOUBTS.sub("", text)).strip(BLANKS)


def words(text: str) -> list[str]:
    """The words of a text, between blanks."""
    return re.findall(f"[^{BLANKS}\n]+", plain(text))
