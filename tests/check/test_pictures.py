"""Pictures: each rule with a picture that breaks it, and with pictures that must be left alone."""

import io
import random
import shutil
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from newsletter.check.pictures import RULES
from newsletter.check.rule import Level
from tests.check.conftest import Proofread
from tests.conftest import ROOT

NAMES = tuple(rule.name for rule in RULES)
PHRASES = "Une phrase assez longue pour que le texte l'emporte encore sur l'image. " * 20


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    output = io.BytesIO()
    image.save(output, kind, **options)
    return output.getvalue()


def plain(width: int = 1104, height: int = 400) -> bytes:
    return saved(Image.new("RGB", (width, height), "#b3261e"))


def noise(width: int = 1104, height: int = 900) -> bytes:
    image = Image.frombytes("RGB", (width, height), random.Random(5).randbytes(3 * width * height))
    return saved(image, "JPEG", quality=95)


def drawing(ink: str, ground: tuple[int, int, int, int] = (0, 0, 0, 0)) -> bytes:
    image = Image.new("RGBA", (1104, 400), ground)
    draw = ImageDraw.Draw(image)
    for x in range(40, 1000, 60):
        draw.line((x, 40, x + 30, 360), fill=ink, width=6)
    return saved(image)


def above(alt: str, name: str = "vue.png") -> str:
    return f'---\ntitle: "Un titre"\npicture: {name}\nalt: "{alt}"\n---\n{PHRASES}\n'


def inside(alt: str, name: str = "vue.png") -> str:
    return f'---\ntitle: "Un titre"\n---\nTexte.\n\n![{alt}]({name})\n\n{PHRASES}\n'


def told(look: Proofread, article: str, *rules: str, **pictures: bytes) -> list[tuple[str, str]]:
    files: dict[str, str | bytes] = {"01-un.md": article}
    files |= {name.replace("_", ".", 1): content for name, content in pictures.items()}
    return [
        (each.rule, str(each.place).removeprefix("issues/2026-11-23/"))
        for each in look(files, *(rules or NAMES))
    ]


@pytest.mark.parametrize(
    "alt",
    [
        "vue.png",
        "vue",
        "IMG_2041",
        "IMG_2041.JPG",
        "Image",
        "graphique",
        "Photo de la tour",
        "L’image d’un chat",
    ],
)
def test_alternative_text_that_says_nothing_is_found_where_it_stands(
    alt: str, proofread_issue: Proofread
) -> None:
    assert told(proofread_issue, above(alt), vue_png=plain()) == [("poor-alt", "01-un.md:4:7")]


def test_alternative_text_of_a_picture_in_the_text_too(proofread_issue: Proofread) -> None:
    assert told(proofread_issue, inside("image de la tour"), vue_png=plain()) == [
        ("poor-alt", "01-un.md:6:1")
    ]


@pytest.mark.parametrize(
    ("head", "place"),
    [
        ("picture: vue.png", "01-un.md:3:10"),
        ("picture: vue.png\nalt:", "01-un.md:4:5"),
        ('picture: vue.png\nalt: ""', "01-un.md:4:7"),
    ],
)
def test_a_picture_of_which_nothing_is_said_is_found(
    head: str, place: str, proofread_issue: Proofread
) -> None:
    article = f'---\ntitle: "Un titre"\n{head}\n---\n{PHRASES}\n'
    assert told(proofread_issue, article, vue_png=plain()) == [("missing-alt", place)]


@pytest.mark.parametrize("alt", ["", " ", "\u00a0"])
def test_a_picture_in_the_text_of_which_nothing_is_said_is_found(
    alt: str, proofread_issue: Proofread
) -> None:
    assert told(proofread_issue, inside(alt), vue_png=plain()) == [("missing-alt", "01-un.md:6:1")]


def test_alternative_text_that_nobody_can_listen_to_is_found(proofread_issue: Proofread) -> None:
    assert told(proofread_issue, above("Un chat. " * 40), vue_png=plain()) == [("poor-alt", "01-un.md:4:7")]


@pytest.mark.parametrize(
    "alt", ["La tour vue du fleuve", "Image de synthèse de la tour", "Imagerie médicale", "Un photographe"]
)
def test_good_pictures_are_left_alone(alt: str, proofread_issue: Proofread) -> None:
    assert told(proofread_issue, above(alt), vue_png=plain()) == []


def test_a_heavy_picture_is_found_where_it_is_named(proofread_issue: Proofread) -> None:
    article = above("La tour vue du fleuve", "vue.jpg")
    assert told(proofread_issue, article, vue_jpg=noise()) == [("heavy-pictures", "01-un.md:3:10")]


def test_pictures_that_are_heavy_together_are_told_at_the_heaviest(proofread_issue: Proofread) -> None:
    names = ("aa", "bb", "cc", "dd")
    body = "".join(f"\n![La tour, vue {name}]({name}.jpg)\n" for name in names)
    article = f'---\ntitle: "Un titre"\n---\n{PHRASES * 8}\n{body}'
    pictures = {f"{name}_jpg": noise(1104, 420 if name == "bb" else 400) for name in names}
    assert told(proofread_issue, article, "heavy-pictures", **pictures) == [
        ("heavy-pictures", "01-un.md:8:20")
    ]


def test_a_picture_in_the_text_that_would_be_stretched_is_found(proofread_issue: Proofread) -> None:
    found = told(proofread_issue, inside("La tour vue du fleuve"), vue_png=plain(400, 200))
    assert found == [("small-picture", "01-un.md:6:26")]


def test_a_picture_above_an_article_may_be_narrow_but_no_stamp(proofread_issue: Proofread) -> None:
    assert told(proofread_issue, above("La tour"), vue_png=plain(200, 100)) == [
        ("small-picture", "01-un.md:3:10")
    ]


def test_and_at_four_hundred_pixels_it_is_left_alone(proofread_issue: Proofread) -> None:
    assert told(proofread_issue, above("La tour"), vue_png=plain(400, 200)) == []


@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
def test_an_animation_is_found_as_only_its_first_picture_is_shown(
    kind: str, proofread_issue: Proofread
) -> None:
    frames = [Image.new("RGB", (1104, 300), colour) for colour in ("#b3261e", "#1eb326")]
    content = saved(frames[0], kind, save_all=True, append_images=frames[1:])
    article = above("La tour vue du fleuve", f"vue.{kind.lower()}")
    assert told(proofread_issue, article, **{f"vue_{kind.lower()}": content}) == [
        ("still-picture", "01-un.md:3:10")
    ]


def test_a_still_gif_is_left_alone(proofread_issue: Proofread) -> None:
    content = saved(Image.new("RGB", (1104, 300), "#b3261e"), "GIF")
    assert told(proofread_issue, above("La tour", "vue.gif"), vue_gif=content) == []


def test_a_transparent_drawing_in_dark_ink_is_found(proofread_issue: Proofread) -> None:
    found = told(proofread_issue, above("Un schéma de la tour"), vue_png=drawing("#222222"))
    assert found == [("picture-lost-in-dark", "01-un.md:3:10")]


@pytest.mark.parametrize(
    ("ink", "ground"),
    [("#e0803a", (0, 0, 0, 0)), ("#222222", (255, 255, 255, 255)), ("#222222", (255, 255, 255, 200))],
)
def test_light_ink_and_dark_ink_on_a_ground_of_its_own_are_left_alone(
    ink: str, ground: tuple[int, int, int, int], proofread_issue: Proofread
) -> None:
    assert told(proofread_issue, above("Un schéma de la tour"), vue_png=drawing(ink, ground)) == []


def test_rounded_corners_are_no_transparent_drawing(proofread_issue: Proofread) -> None:
    image = Image.new("RGBA", (1104, 400), (0, 0, 0, 0))
    ImageDraw.Draw(image).rounded_rectangle((0, 0, 1103, 399), 30, fill="#20242a")
    assert told(proofread_issue, above("La nuit sur la tour"), vue_png=saved(image)) == []


def test_an_issue_that_is_nearly_all_pictures_is_found_at_the_largest(proofread_issue: Proofread) -> None:
    article = above("La tour vue du fleuve").replace(PHRASES, "Une seule phrase.")
    assert told(proofread_issue, article, vue_png=plain(1104, 1104)) == [("mostly-pictures", "01-un.md:3:10")]


def with_template(root: Path, markup: str) -> str:
    """The house's templates with `markup` at the end of an article; the place where it stands."""
    shutil.copytree(ROOT / "templates", root / "templates")
    column = root / "templates/mail/article.mjml.j2"
    text = column.read_text(encoding="utf-8")
    needle = '  <mj-text css-class="ink md"'
    before, after = text.split(needle)
    column.write_text(f"{before}  {markup}\n{needle}{after}", encoding="utf-8")
    return f"templates/mail/article.mjml.j2:{before.count(chr(10)) + 1}"


@pytest.mark.parametrize(
    ("rule", "markup"),
    [
        ("missing-alt", '<mj-text><img src="https://a.example/a.png" width="20" /></mj-text>'),
        ("picture-format", '<mj-image src="https://a.example/a.webp" alt="La tour" />'),
        ("picture-format", '<mj-image src="https://a.example/a.svg?v=2" alt="La tour" />'),
        (
            "linked-picture-without-alt",
            '<mj-image src="https://a.example/a.png" alt="" href="https://a.example/" />',
        ),
        (
            "linked-picture-without-alt",
            '<mj-text><a href="https://a.example/"><img src="https://a.example/" alt="" /></a></mj-text>',
        ),
    ],
)
def test_pictures_of_templates_are_found_on_their_line(
    rule: str, markup: str, tmp_path: Path, proofread_issue: Proofread
) -> None:
    place = with_template(tmp_path, markup)
    found = proofread_issue(
        {"01-un.md": f'---\ntitle: "Un titre"\n---\n{PHRASES}\n'}, *NAMES, "link-without-text"
    )
    assert [(each.rule, str(each.place)) for each in found] == [(rule, place)]
    assert (found[0].level is Level.ERROR) == (rule == "missing-alt")


def test_the_picture_of_a_house_template_is_good(proofread_issue: Proofread) -> None:
    assert told(proofread_issue, inside("La tour vue du fleuve"), vue_png=plain()) == []
