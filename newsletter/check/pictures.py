"""Rules for pictures: said in words, light, large enough, in a format that every client shows."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from newsletter.check.addresses import drawn_images, pictures, template_links
from newsletter.check.rule import Fault, Fix, Level, Place, Proof, Rule, rule
from newsletter.compose.issue import TO_CHECK
from newsletter.compose.pictures.asked import is_animated, vanishes_in_dark
from newsletter.compose.pictures.prepared import slug
from newsletter.compose.typeset import COLUMN
from newsletter.model import Article, Rendition

HEAVY = 300_000
"""Bytes of one picture: about a second on a phone's slow day."""
ALL_HEAVY = 1_000_000
LONG_ALT = 250
"""Characters that a screen reader says in some fifteen seconds, without a way to pause inside."""
_GENERIC = frozenset(
    [
        *(
            "image",
            "photo",
            "picture",
            "illustration",
            "graphique",
            "figure",
            "img",
            "logo",
            "dessin",
            "visuel",
        ),
        *("photographie", "infographie", "schéma", "chart", "graph", "drawing", "photograph", "alt", "texte"),
    ]
)
_NEEDLESS = re.compile(
    r"(?:une |l['’]|an? )?(?:image|photo|photographie|picture) (?:de|d['’]|du|des|of) ?", re.I
)
# Words in which "image de" belongs to the thing shown.
_NEEDED = re.compile(r"(?:image de (?:synthèse|marque)|photo de (?:classe|famille|groupe|mariage))\b", re.I)
_FILE_NAME = re.compile(
    r"\S+\.(?:png|jpe?g|gif|webp|heic|avif|svg|tiff?)|(?:img|dsc[nf]?|pxl)[_-]?\d+\S*", re.I
)
_FORMATS = {
    ".webp": "Outlook on Windows",
    ".avif": "Outlook and Gmail",
    ".svg": "Gmail and Outlook",
    ".heic": "all but Apple Mail",
    ".bmp": "many phones",
    ".tiff": "all but Apple Mail",
}
_PIXELS_OF_A_LETTER = 190
"""CSS pixels that a letter takes in the mail's text: 8 wide, on a line of 24."""
_TO_SAY: Mapping[str, str] = {
    "fr": f"[{TO_CHECK} : ce que montre l’image]",
    "en": f"[{TO_CHECK}: what the picture shows]",
}
"""What keeps the place of a missing alternative text; with it `import-mark` lets no issue leave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """A picture of the issue: where it is named, where its words stand, whether it fills the column."""

    place: Place
    alt_place: Place
    alt: str
    path: Path
    fills: bool


def _shown(proof: Proof) -> Iterator[_Shown]:
    for article in proof.issue.articles:
        if article.picture:
            yield _Shown(
                place=proof.text("picture", article).place(),
                alt_place=proof.text("alt", article).place(),
                alt=article.picture.alt,
                path=article.picture.path,
                fills=False,
            )
    for picture in pictures(proof):
        yield _Shown(
            place=picture.at,
            alt_place=picture.place,
            alt=picture.text,
            path=proof.issue.folder / picture.address,
            fills=True,
        )


def _rendered(proof: Proof) -> Iterator[tuple[_Shown, Rendition]]:
    """The pictures with what became of them, each file once."""
    done = set()
    for shown in _shown(proof):
        name = slug(shown.path.stem)
        for rendition in proof.edition.renditions:
            if rendition.name.rpartition("-")[0] == name and rendition.name not in done:
                done.add(rendition.name)
                yield shown, rendition
                break


@rule(
    "poor-alt",
    Level.NOTE,
    why="Who cannot see the picture has only these words, and so has everybody until pictures are loaded.",
    how="say in one sentence what the picture shows and why it is here",
)
def poor_alt(proof: Proof) -> Iterator[Fault]:
    for shown in _shown(proof):
        alt = re.sub(r"\s+", " ", shown.alt).strip(" .")
        if _FILE_NAME.fullmatch(alt) or alt == shown.path.stem:
            yield Fault(shown.alt_place, f"{alt!r} is the name of a file")
        elif alt.lower() in _GENERIC:
            yield Fault(shown.alt_place, f"{alt!r} does not say what the picture shows")
        elif len(alt) > LONG_ALT:
            words = f"the alternative text has {len(alt)} characters; {LONG_ALT} are as much as one can hear"
            yield Fault(shown.alt_place, words, "keep to the point, and write the rest into the article")
        elif (needless := _NEEDLESS.match(alt)) and not _NEEDED.match(alt):
            hint = f"begin with what comes after {needless[0].strip(' ')!r}"
            yield Fault(shown.alt_place, "a screen reader says by itself that this is a picture", hint)


@rule(
    "missing-alt",
    Level.ERROR,
    why="Without alternative text a screen reader passes the picture over, or reads its address aloud.",
    how='write alt="…", or alt="" if it is only there for the look',
)
def missing_alt(proof: Proof) -> Iterator[Fault]:
    mark = _TO_SAY[proof.publication.language]
    message = "the picture has no alternative text"
    for article in proof.issue.articles:
        if article.picture and not article.picture.alt:
            yield _unsaid(proof, article, message, mark)
    for picture in pictures(proof):
        if not re.search(r"\S", picture.text):
            hint = f"say what it shows: ![…]({picture.raw})"
            fix = Fix(place=picture.place, old="![]", new=f"![{mark}]")
            yield Fault(picture.place, message, hint, fix)
    for place, attributes, html in drawn_images(proof):
        if html and "alt" not in attributes:
            yield Fault(place, message)


def _unsaid(proof: Proof, article: Article, message: str, mark: str) -> Fault:
    """The fault of an article's picture whose `alt:` is missing or empty."""
    alt, picture = (proof.text(name, article) for name in ("alt", "picture"))
    hint = 'say what the picture shows: alt: "…"'
    if alt.line == 1:  # no such key: above it stands at least the line ---
        place = Place(picture.path, picture.line, 1)
        fix = Fix(place=place, old="picture", new=f'alt: "{mark}"\npicture')
        return Fault(picture.place(), message, hint, fix)
    quoted = alt.column > len("alt:") + 1
    fix = Fix(place=alt.place(), old="", new=mark if quoted else f' "{mark}"')
    return Fault(alt.place(), message, hint, fix)


@rule(
    "linked-picture-without-alt",
    Level.WARNING,
    why="The words of a picture that is a link are the link's words; without them it has none.",
    how="say in alt where the link leads",
)
def linked_picture_without_alt(proof: Proof) -> Iterator[Fault]:
    # An <a> with nothing but such a picture in it is a link without text.
    for link in template_links(proof):
        if link.picture and not re.search(r"\w", link.text):
            yield Fault(link.place, f"the picture that leads to {link.address!r} has no alternative text")


@rule(
    "heavy-pictures",
    Level.WARNING,
    why="Readers on the move wait for heavy pictures, or pay for them, or close the mail.",
    how="crop it, or export it with fewer details",
)
def heavy_pictures(proof: Proof) -> Iterator[Fault]:
    total = sum(len(rendition.content) for rendition in proof.edition.renditions)
    weights = [(len(rendition.content), shown) for shown, rendition in _rendered(proof)]
    for weight, shown in weights:
        if weight > HEAVY:
            yield Fault(
                shown.place, f"the picture has {weight // 1000} kB in the mail, more than {HEAVY // 1000}"
            )
    if total > ALL_HEAVY and weights:
        _, heaviest = max(weights, key=lambda pair: pair[0])
        words = f"all pictures together have {total // 1000} kB, more than {ALL_HEAVY // 1000}"
        yield Fault(heaviest.place, f"{words}; this is the heaviest", "leave a picture out, or crop it")


@rule(
    "small-picture",
    Level.WARNING,
    why="A picture with too few pixels is blurred, or stands lost in its column.",
    how=f"use one that is at least {COLUMN} pixels wide, better {2 * COLUMN}",
)
def small_picture(proof: Proof) -> Iterator[Fault]:
    for shown, rendition in _rendered(proof):
        if shown.fills and rendition.width < COLUMN:
            words = f"the picture is {rendition.width} pixels wide and is stretched to {COLUMN}"
            yield Fault(shown.place, words)
        elif rendition.width < COLUMN // 2:
            words = f"the picture is {rendition.width} pixels wide, less than half of its column"
            yield Fault(shown.place, words)


@rule(
    "still-picture",
    Level.NOTE,
    why="An animation is heavy, Outlook shows it as a still, and who is easily distracted cannot stop it.",
    how="choose the picture that says most, and use that one",
)
def still_picture(proof: Proof) -> Iterator[Fault]:
    # The file itself is asked: the edition has only the still that was made of it.
    for shown, _ in _rendered(proof):
        if shown.path.suffix.lower() in (".gif", ".webp", ".png", ".apng") and is_animated(shown.path):
            yield Fault(shown.place, "only the first picture of this animation is shown")


@rule(
    "picture-format",
    Level.WARNING,
    why="Some clients show nothing at all for newer formats.",
    how="use a PNG or a JPEG",
)
def picture_format(proof: Proof) -> Iterator[Fault]:
    for place, attributes, _ in drawn_images(proof):
        path = attributes.get("src", "").partition("?")[0].partition("#")[0].lower()
        suffix = next((each for each in _FORMATS if path.endswith(each)), "")
        if suffix:
            yield Fault(place, f"{suffix[1:].upper()} is not shown by {_FORMATS[suffix]}")
        elif path.startswith("data:"):
            yield Fault(place, "a picture inside the HTML is not shown by Gmail and Outlook")


@rule(
    "picture-lost-in-dark",
    Level.WARNING,
    why="In dark mode the ground behind a transparent picture is nearly black, and so is its ink.",
    how="export it on a white ground, or draw it in a lighter colour",
)
def picture_lost_in_dark(proof: Proof) -> Iterator[Fault]:
    for shown, rendition in _rendered(proof):
        if vanishes_in_dark(rendition):
            yield Fault(shown.place, "the picture is transparent and its ink is dark")


@rule(
    "mostly-pictures",
    Level.WARNING,
    why="Filters know mail that is all pictures as spam, and with pictures off nothing is left of it.",
    how="write in words what the pictures say",
)
def mostly_pictures(proof: Proof) -> Iterator[Fault]:
    drawn = [(rendition.width * rendition.height, shown) for shown, rendition in _rendered(proof)]
    area = sum(size for size, _ in drawn)
    letters = sum(len(re.findall(r"\w", text.prose)) for text in proof.bodies)
    if area > 4 * letters * _PIXELS_OF_A_LETTER:
        share = round(100 * area / (area + letters * _PIXELS_OF_A_LETTER))
        _, largest = max(drawn, key=lambda pair: pair[0])
        yield Fault(largest.place, f"{share} % of the issue is pictures; this is the largest")


RULES: tuple[Rule, ...] = (
    *(poor_alt, missing_alt, linked_picture_without_alt, heavy_pictures, small_picture, still_picture),
    *(picture_format, picture_lost_in_dark, mostly_pictures),
)
