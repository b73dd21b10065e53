"""A day -> the issue folder that an editor starts from; an article's text -> its file in that folder."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from newsletter.calendar import next_working_day
from newsletter.compose.issue import TO_CHECK
from newsletter.errors import ContentError
from newsletter.model import Publication

_LONGEST_SLUG = 60
_ARTICLE = re.compile(r"(\d{2})-(.+)\.md")
_NOT_DECOMPOSED = str.maketrans(
    {"œ": "oe", "Œ": "oe", "æ": "ae", "Æ": "ae", "ß": "ss", "ø": "o", "Ø": "o", "ł": "l", "Ł": "l", "đ": "d"}
)

_ISSUE_FR = f"""---
# L'objet du courriel : 10 à 60 signes, la nouvelle qui donne envie d'ouvrir.
subject: "[{TO_CHECK} : l'objet]"
# La ligne que la boîte de réception montre à côté : 40 à 110 signes, autre chose que l'objet.
preheader: "[{TO_CHECK} : ce que l'objet ne dit pas et qui donne envie de lire]"
# Qui signe ce numéro.
editor: "[{TO_CHECK} : prénom et nom]"
---

[{TO_CHECK} : deux à quatre phrases légères pour ouvrir le numéro ; le bonjour et le nom du lecteur se mettent
tout seuls devant.]
"""

_ARTICLE_FR = f"""---
# Un article par fichier, nommé NN-quelques-mots.md : les numéros NN donnent l'ordre de lecture.
# Un texte déjà écrit ailleurs s'importe : newsletter import FICHIER
title: "[{TO_CHECK} : le titre]"
author: "[{TO_CHECK} : prénom et nom]"
# La rubrique, montrée au-dessus du titre : Tech, Bourse, Climat, Énergie, Conso, Travail…
section: "Tech"
# Effacez le dièse devant ce qui vous sert :
# link: "https://example.org/la-source"
# source: "Nom de la source"
# picture: "image.png"
# alt: "Ce que montre l'image (obligatoire avec une image, qui est un fichier à côté de celui-ci)"
# credit: "Auteur de l'image"
# sponsored: true
---

[{TO_CHECK} : ce texte montre les formes de la maison ; remplacez-le par le vôtre.] Un paragraphe court
pose la nouvelle.

**Dans les faits :** une accroche en gras, close par deux-points, ouvre le paragraphe qui explique. Il y a
deux façons de continuer :

- une liste à puces ;
- ou une liste numérotée, avec 1. et 2.

::: number 375 M$
Le chiffre du jour, et en une ligne ce qu'il mesure.
:::

> Une citation, entre deux lignes vides.
>
> — Prénom Nom, fonction

**Bref :** la dernière phrase est celle que l'on retient.
"""

_ISSUE_EN = f"""---
# The mail's subject: 10 to 60 characters, the story that makes one open it.
subject: "[{TO_CHECK}: the subject]"
# The line that the inbox shows beside it: 40 to 110 characters, something else than the subject.
preheader: "[{TO_CHECK}: what the subject does not say and makes one read on]"
# Who signs this issue.
editor: "[{TO_CHECK}: first and last name]"
---

[{TO_CHECK}: two to four light sentences to open the issue; the greeting with the reader's name is put before
them by itself.]
"""

_ARTICLE_EN = f"""---
# One article a file, named NN-some-words.md: the numbers NN give the reading order.
# A text written elsewhere can be imported: newsletter import FILE
title: "[{TO_CHECK}: the title]"
author: "[{TO_CHECK}: first and last name]"
# The section, shown above the title: Tech, Markets, Climate, Energy, Retail, Work…
section: "Tech"
# Delete the hash before what you need:
# link: "https://example.org/the-source"
# source: "Name of the source"
# picture: "picture.png"
# alt: "What the picture shows (required with a picture, which is a file beside this one)"
# credit: "Who made the picture"
# sponsored: true
---

[{TO_CHECK}: this text shows the house's shapes; put your own in its place.] A short paragraph tells the news.

**The facts:** bold words that end in a colon open the paragraph that explains. There are two ways to go on:

- a bullet list;
- or a numbered one, with 1. and 2.

::: number $375m
The number of the day, and in one line what it measures.
:::

> A quotation, between two empty lines.
>
> — First Last, position

**In short:** the last sentence is the one that stays.
"""

_TEMPLATES = {
    "fr": {"issue.md": _ISSUE_FR, "01-premier-article.md": _ARTICLE_FR},
    "en": {"issue.md": _ISSUE_EN, "01-first-article.md": _ARTICLE_EN},
}


def new_issue(root: Path, day: date, publication: Publication) -> Path:
    """Make `root`/issues/DAY with an opening word and an article that explain themselves; return the folder.

    Both carry the mark that no issue should leave with. Raises ContentError if the folder is there already or
    cannot be made.
    """
    folder = root / "issues" / day.isoformat()
    where = folder.relative_to(root).as_posix()
    try:
        folder.mkdir(parents=True)
        for name, text in _TEMPLATES[publication.language].items():
            _write_new(folder / name, text)
    except FileExistsError as error:
        later = next_working_day(day, publication.country)
        hint = f"go on writing in {where}, or take another day: newsletter new {later.isoformat()}"
        raise ContentError("this issue exists already", where=where, hint=hint) from error
    except OSError as error:
        raise ContentError(f"cannot be written: {error.strerror}", where=where) from error
    return folder


def place_article(
    root: Path, day: date, text: str, title: str, pictures: Mapping[str, bytes] | None = None
) -> Path:
    """Write an article's text behind the last one of `root`/issues/DAY; return the new file.

    The file's name comes from the title; `pictures`, by name, go beside it, and one that is there already is
    the same. Raises ContentError if there is no such issue, its numbers are used
    up, or the file cannot be written; a file that exists is never touched.
    """
    folder = root / "issues" / day.isoformat()
    where = folder.relative_to(root).as_posix()
    if not folder.is_dir():
        raise ContentError("no such issue", where=where, hint=f"newsletter new {day.isoformat()}")
    taken = [match for path in folder.iterdir() if (match := _ARTICLE.fullmatch(path.name))]
    number = max((int(match[1]) for match in taken), default=0) + 1
    if number > 99:
        hint = "give its articles smaller numbers: 01-…, 02-…"
        raise ContentError("number 99 is taken and is the last", where=where, hint=hint)
    path = folder / f"{number:02d}-{_free(slug(title), {match[2] for match in taken})}.md"
    made: list[Path] = []
    try:
        for name, content in (pictures or {}).items():
            if not (folder / name).exists():
                made.append(folder / name)
                made[-1].write_bytes(content)
        _write_new(path, text)
        made = []
    except FileExistsError as error:
        hint = "run the same command again"
        raise ContentError(f"{path.name} appeared meanwhile", where=where, hint=hint) from error
    except OSError as error:
        raise ContentError(f"cannot be written: {error.strerror}", where=f"{where}/{path.name}") from error
    finally:
        for picture in made:  # of an article that could not be written
            picture.unlink(missing_ok=True)
    return path


def slug(title: str) -> str:
    """A title as part of a file name or web address: a-z, 0-9 and hyphens, at most 60 characters."""
    letters = unicodedata.normalize("NFKD", title.translate(_NOT_DECOMPOSED))
    # Accents now stand behind their letters; what else is not ASCII, such as ’, parts words.
    words = re.findall("[a-z0-9]+", re.sub("[\u0300-\u036f]", "", letters).lower())
    short = ""
    for word in words:
        longer = f"{short}-{word}" if short else word[:_LONGEST_SLUG]
        if len(longer) > _LONGEST_SLUG:
            break
        short = longer
    return short or "article"


def _free(wanted: str, taken: set[str]) -> str:
    """`wanted`, or with a number behind it: two articles of an issue never share a web address."""
    name, count = wanted, 1
    while name in taken:
        count += 1
        name = f"{wanted}-{count}"
    return name


def _write_new(path: Path, text: str) -> None:
    with path.open("x", encoding="utf-8", newline="\n") as file:
        file.write(text)
