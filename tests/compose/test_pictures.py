"""Pictures from any camera or drawing program, and files that only pretend to be pictures."""

import contextlib
import io
import os
import random
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageCms

from newsletter.compose.pictures.prepared import prepare
from newsletter.errors import ContentError
from newsletter.model import Picture, Rendition

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def made(folder: Path, name: str, width: int = 552) -> Rendition:
    picture = Picture(path=folder / name, alt="…", where="01-a.md:4")
    return prepare(picture, folder=folder, display_width=width, src="https://x.org/i/{}".format)


def refused(folder: Path, name: str) -> ContentError:
    with pytest.raises(ContentError) as caught:
        made(folder, name)
    assert caught.value.where == "01-a.md:4"
    assert caught.value.hint
    return caught.value


def opened(rendition: Rendition) -> Image.Image:
    image = Image.open(io.BytesIO(rendition.content))
    image.load()
    return image


def noise(size: tuple[int, int], mode: str = "RGB") -> Image.Image:
    """Something like a photograph: it does not compress."""
    bands = len(Image.new(mode, (1, 1)).getbands())
    return Image.frombytes(mode, size, random.Random(5).randbytes(size[0] * size[1] * bands))


def close_to(image: Image.Image, at: tuple[int, int], colour: tuple[int, int, int]) -> bool:
    found = image.convert("RGB").getpixel(at)
    assert isinstance(found, tuple)
    return all(abs(a - b) <= 4 for a, b in zip(found, colour, strict=True))


# ---- what comes out ------------------------------------------------------------------------------------


def test_a_wide_photograph_is_resized_to_twice_its_width_on_the_page(tmp_path: Path) -> None:
    Image.new("RGB", (3000, 2000), RED).save(tmp_path / "Été à Nice.JPG", "JPEG")
    rendition = made(tmp_path, "Été à Nice.JPG")
    assert (rendition.width, rendition.height) == (552, 368)
    assert rendition.media_type == "image/jpeg"
    assert rendition.name.startswith("ete-a-nice-")
    assert rendition.name.endswith(".jpg")
    assert len(rendition.name) == len("ete-a-nice-") + 10 + len(".jpg")
    assert rendition.src == f"https://x.org/i/{rendition.name}"
    image = opened(rendition)
    assert (image.format, image.size, image.mode) == ("JPEG", (1104, 736), "RGB")
    assert image.info["progressive"] == 1
    assert close_to(image, (500, 300), RED)


def test_a_small_picture_is_never_enlarged(tmp_path: Path) -> None:
    Image.new("RGB", (100, 30), BLUE).save(tmp_path / "a.png")
    rendition = made(tmp_path, "a.png")
    assert (rendition.width, rendition.height, opened(rendition).size) == (100, 30, (100, 30))


def test_a_picture_between_once_and_twice_the_width_keeps_its_pixels(tmp_path: Path) -> None:
    Image.new("RGB", (800, 400), BLUE).save(tmp_path / "a.png")
    rendition = made(tmp_path, "a.png")
    assert (rendition.width, rendition.height, opened(rendition).size) == (552, 276, (800, 400))


def test_a_line_one_pixel_high_stays_visible(tmp_path: Path) -> None:
    Image.new("RGB", (5000, 1), BLUE).save(tmp_path / "a.png")
    rendition = made(tmp_path, "a.png")
    assert (rendition.width, rendition.height, opened(rendition).size) == (552, 1, (1104, 1))


def test_a_turned_photograph_comes_upright_and_says_nothing_of_where_it_was_taken(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # turn a quarter clockwise to see it upright
    exif[ExifTags.Base.Artist] = "Somebody-With-A-Name"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (48.0, 51.0, 24.0)
    image = Image.new("RGB", (400, 200), RED)
    image.paste(BLUE, (0, 0, 200, 200))
    image.save(tmp_path / "a.jpg", exif=exif, comment=b"taken in secret", dpi=(300, 300))
    assert b"Somebody-With-A-Name" in (tmp_path / "a.jpg").read_bytes()
    rendition = made(tmp_path, "a.jpg")
    result = opened(rendition)
    assert (rendition.width, rendition.height, result.size) == (200, 400, (200, 400))
    assert close_to(result, (100, 50), BLUE)
    assert close_to(result, (100, 350), RED)
    assert dict(result.getexif()) == {}
    assert b"Somebody-With-A-Name" not in rendition.content
    assert b"taken in secret" not in rendition.content
    assert b"Exif" not in rendition.content


def test_text_and_profile_of_a_png_are_dropped(tmp_path: Path) -> None:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Author", "Somebody-With-A-Name")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.new("RGB", (50, 50), RED).save(tmp_path / "a.png", pnginfo=info, icc_profile=profile)
    rendition = made(tmp_path, "a.png")
    chunks = [rendition.content[at : at + 4] for at in chunk_names(rendition.content)]
    assert chunks == [b"IHDR", b"PLTE", b"IDAT", b"IEND"]


def chunk_names(png: bytes) -> list[int]:
    places, at = [], 8
    while at < len(png):
        places.append(at + 4)
        at += 12 + int.from_bytes(png[at : at + 4])
    return places


def test_a_colour_profile_is_applied_before_it_is_dropped(tmp_path: Path) -> None:
    Image.new("RGB", (50, 50), RED).save(tmp_path / "a.png", icc_profile=swapped_rgb_profile())
    assert close_to(opened(made(tmp_path, "a.png")), (25, 25), GREEN)


def swapped_rgb_profile() -> bytes:
    """The sRGB profile with the tags of its red and green primaries exchanged."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile.replace(b"rXYZ", b"????").replace(b"gXYZ", b"rXYZ").replace(b"????", b"gXYZ")


def test_a_damaged_colour_profile_is_passed_over(tmp_path: Path) -> None:
    Image.new("RGB", (50, 50), RED).save(tmp_path / "a.png", icc_profile=b"not a profile at all")
    assert close_to(opened(made(tmp_path, "a.png")), (25, 25), RED)


@pytest.mark.parametrize("exif", [b"Exif\0\0", b"Exif\0\0garbage", b"Exif\0\0MM\0*\0\0\0\xff\1\2", b"xx"])
def test_damaged_camera_data_are_passed_over(tmp_path: Path, exif: bytes) -> None:
    Image.new("RGB", (50, 50), RED).save(tmp_path / "a.jpg", exif=exif)
    assert close_to(opened(made(tmp_path, "a.jpg")), (25, 25), RED)


def test_print_colours_become_screen_colours(tmp_path: Path) -> None:
    Image.new("CMYK", (50, 50), (0, 255, 255, 0)).save(tmp_path / "a.jpg")
    image = opened(made(tmp_path, "a.jpg"))
    assert (image.mode, image.format) == ("RGB", "JPEG")
    assert close_to(image, (25, 25), RED)


def test_a_grey_photograph_stays_grey(tmp_path: Path) -> None:
    Image.new("L", (50, 50), 90).save(tmp_path / "a.jpg")
    image = opened(made(tmp_path, "a.jpg"))
    assert (image.mode, image.getpixel((25, 25))) == ("L", 90)


def test_sixteen_bits_of_grey_become_eight(tmp_path: Path) -> None:
    Image.new("I;16", (50, 50), 0x8000).save(tmp_path / "a.png")
    image = opened(made(tmp_path, "a.png"))
    assert (image.mode, image.getpixel((25, 25))) == ("L", 128)


def test_black_and_white_is_kept(tmp_path: Path) -> None:
    image = Image.new("1", (50, 50), 0)
    image.paste(1, (0, 0, 25, 50))
    image.save(tmp_path / "a.png")
    result = opened(made(tmp_path, "a.png"))
    assert close_to(result, (5, 5), WHITE)
    assert close_to(result, (45, 5), (0, 0, 0))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_is_kept(tmp_path: Path, mode: str) -> None:
    image = Image.new("RGBA", (1200, 60), (90, 90, 90, 255))
    image.paste((0, 0, 0, 0), (0, 0, 600, 60))
    image.convert(mode).save(tmp_path / "a.png")
    rendition = made(tmp_path, "a.png")
    result = opened(rendition).convert("RGBA")
    assert (rendition.media_type, result.size) == ("image/png", (1104, 55))
    assert result.getpixel((10, 10))[3] == 0  # type: ignore[index]
    assert result.getpixel((1090, 10)) == (90, 90, 90, 255)


def test_transparency_that_nobody_can_see_is_dropped(tmp_path: Path) -> None:
    noise((600, 400)).convert("RGBA").save(tmp_path / "a.png")
    assert made(tmp_path, "a.png").media_type == "image/jpeg"


def test_one_colour_declared_transparent_is_kept(tmp_path: Path) -> None:
    image = Image.new("RGB", (40, 40), RED)
    image.paste(BLUE, (0, 0, 20, 40))
    image.save(tmp_path / "a.png", transparency=BLUE)
    result = opened(made(tmp_path, "a.png")).convert("RGBA")
    assert result.getpixel((30, 10)) == (255, 0, 0, 255)
    assert result.getpixel((10, 10))[3] == 0  # type: ignore[index]


def test_a_drawing_of_few_colours_gets_a_palette_and_loses_nothing(tmp_path: Path) -> None:
    image = Image.new("RGB", (500, 300), WHITE)
    for step in range(50):
        image.paste((step * 5, 30, 250 - step * 5), (step * 10, 0, step * 10 + 10, 300))
    image.save(tmp_path / "a.png")
    rendition = made(tmp_path, "a.png")
    result = opened(rendition)
    assert (rendition.media_type, result.mode) == ("image/png", "P")
    assert result.convert("RGB").tobytes() == image.tobytes()


def test_a_drawing_made_smaller_keeps_a_palette(tmp_path: Path) -> None:
    image = Image.new("RGB", (1500, 900), WHITE)
    for step in range(50):
        image.paste((step * 5, 30, 250 - step * 5), (step * 29, step * 7, step * 29 + 13, 900))
    image.save(tmp_path / "a.png")
    result = opened(made(tmp_path, "a.png"))
    assert (result.size, result.mode) == ((1104, 662), "P")
    assert close_to(result, (5, 600), (0, 30, 250))


def test_a_photograph_saved_as_png_becomes_a_jpeg(tmp_path: Path) -> None:
    noise((600, 400)).save(tmp_path / "a.png")
    rendition = made(tmp_path, "a.png")
    assert rendition.media_type == "image/jpeg"
    assert rendition.name.endswith(".jpg")


def test_of_an_animation_the_first_frame_is_kept(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (60, 40), colour) for colour in (RED, GREEN, BLUE)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    rendition = made(tmp_path, "a.gif")
    assert (rendition.media_type, opened(rendition).size) == ("image/png", (60, 40))
    assert getattr(opened(rendition), "n_frames", 1) == 1
    assert close_to(opened(rendition), (30, 20), RED)


def test_webp_becomes_what_every_mail_program_shows(tmp_path: Path) -> None:
    Image.new("RGB", (60, 40), GREEN).save(tmp_path / "flat.webp", lossless=True)
    noise((600, 400)).save(tmp_path / "photo.webp")
    Image.new("RGBA", (60, 40), (0, 255, 0, 128)).save(tmp_path / "clear.webp", lossless=True)
    assert made(tmp_path, "flat.webp").media_type == "image/png"
    assert made(tmp_path, "photo.webp").media_type == "image/jpeg"
    clear = made(tmp_path, "clear.webp")
    assert (clear.media_type, opened(clear).convert("RGBA").getpixel((9, 9))) == (
        "image/png",
        (0, 255, 0, 128),
    )


def test_the_content_decides_and_not_the_name(tmp_path: Path) -> None:
    Image.new("RGB", (60, 40), GREEN).save(tmp_path / "a.png", "JPEG")
    assert made(tmp_path, "a.png").media_type == "image/jpeg"


def test_the_same_file_gives_the_same_bytes(tmp_path: Path) -> None:
    noise((1500, 900)).save(tmp_path / "a.jpg")
    noise((300, 100), "RGBA").save(tmp_path / "b.png")
    assert made(tmp_path, "a.jpg") == made(tmp_path, "a.jpg")
    assert made(tmp_path, "b.png") == made(tmp_path, "b.png")


def test_another_picture_of_the_same_name_gets_another_address(tmp_path: Path) -> None:
    Image.new("RGB", (60, 40), GREEN).save(tmp_path / "a.png")
    before = made(tmp_path, "a.png").name
    Image.new("RGB", (60, 40), RED).save(tmp_path / "a.png")
    assert made(tmp_path, "a.png").name != before


def test_a_name_without_latin_letters_still_makes_an_address(tmp_path: Path) -> None:
    Image.new("RGB", (60, 40), GREEN).save(tmp_path / "写真.png")
    assert made(tmp_path, "写真.png").name.startswith("picture-")


# ---- what is refused -----------------------------------------------------------------------------------


def test_a_missing_picture_is_named_with_the_nearest_one(tmp_path: Path) -> None:
    (tmp_path / "reacteur.png").write_bytes(b"")
    error = refused(tmp_path, "reactor.png")
    assert str(error) == "01-a.md:4: picture 'reactor.png' is missing"
    assert error.hint == 'did you mean "reacteur.png"?'


@pytest.mark.parametrize(
    "name", ["../outside.png", "/etc/passwd", "sub/../../outside.png", "link.png", "up/outside.png"]
)
def test_a_picture_outside_the_issue_is_refused(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "2026-11-23"
    (folder / "sub").mkdir(parents=True)
    Image.new("RGB", (60, 40), GREEN).save(tmp_path / "outside.png")
    (folder / "link.png").symlink_to(tmp_path / "outside.png")
    (folder / "up").symlink_to(tmp_path)
    assert "lies outside the folder 2026-11-23" in refused(folder, name).message


def test_a_folder_whose_name_only_begins_alike_is_outside(tmp_path: Path) -> None:
    (tmp_path / "issue").mkdir()
    (tmp_path / "issue-2").mkdir()
    Image.new("RGB", (60, 40), GREEN).save(tmp_path / "issue-2" / "a.png")
    assert "lies outside" in refused(tmp_path / "issue", "../issue-2/a.png").message


def test_a_link_inside_the_issue_is_followed(tmp_path: Path) -> None:
    Image.new("RGB", (60, 40), GREEN).save(tmp_path / "a.png")
    (tmp_path / "b.png").symlink_to("a.png")
    assert made(tmp_path, "b.png").width == 60


def test_a_relative_folder_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "issue").mkdir()
    Image.new("RGB", (60, 40), GREEN).save(tmp_path / "issue" / "a.png")
    monkeypatch.chdir(tmp_path)
    assert made(Path("issue"), "a.png").width == 60


def test_a_folder_a_pipe_and_a_loop_are_no_pictures(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "loop.png").symlink_to("loop.png")
    assert refused(tmp_path, "folder").message == "picture 'folder' is not a file"
    assert refused(tmp_path, "pipe.png").message == "picture 'pipe.png' is not a file"
    assert "cannot be read" in refused(tmp_path, "loop.png").message
    assert "cannot be read" in refused(tmp_path, "nul\0.png").message
    assert "cannot be read" in refused(tmp_path, "a" * 300 + ".png").message


NOT_SHOWN = ", which mail programs do not show"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', f"is an SVG drawing{NOT_SHOWN}"),
        (b'\xef\xbb\xbf\n<?xml version="1.0"?><svg/>', f"is an SVG drawing{NOT_SHOWN}"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", f"is a HEIC or AVIF picture, or a film{NOT_SHOWN}"),
        (b"%PDF-1.7\n", f"is a PDF document{NOT_SHOWN}"),
        (b"II*\0\x08\0\0\0", f"is a TIFF picture{NOT_SHOWN}"),
        (b"BM\x46\0\0\0", f"is a BMP picture{NOT_SHOWN}"),
        (b"#!/bin/sh\n", "is of no type known here"),
        (b"", "is empty"),
    ],
)
def test_other_types_are_refused_with_what_to_do(tmp_path: Path, content: bytes, what: str) -> None:
    (tmp_path / "a.png").write_bytes(content)
    error = refused(tmp_path, "a.png")
    assert error.message == f"picture 'a.png' {what}"
    assert error.hint.startswith("export it")


def png_of(width: int, height: int) -> bytes:
    """A PNG whose header promises so many pixels and whose data are few."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "size", [(8000, 5001), (10_000, 10_000), (60_000, 60_000), (1, 20_001), (2**31 - 1, 1)]
)
def test_a_bomb_is_refused_by_its_header(tmp_path: Path, size: tuple[int, int]) -> None:
    (tmp_path / "a.png").write_bytes(png_of(*size))
    message = refused(tmp_path, "a.png").message
    assert message == "picture 'a.png' has more than 40 million pixels, or a side of more than 20000"


def test_forty_million_pixels_are_let_through_to_the_decoder(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png_of(8000, 5000))
    assert "is damaged" in refused(tmp_path, "a.png").message


def test_a_file_of_more_than_twenty_megabytes_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "a.png").open("wb") as file:
        file.write(png_of(10, 10))
        file.truncate(20_000_001)
    assert refused(tmp_path, "a.png").message == "picture 'a.png' has more than 20 MB"


@pytest.mark.parametrize("form", ["png", "jpeg", "gif", "webp"])
def test_a_file_cut_short_is_refused(tmp_path: Path, form: str) -> None:
    noise((200, 100)).save(tmp_path / "whole", form)
    content = (tmp_path / "whole").read_bytes()
    for length in (12, 20, 40, len(content) // 2):
        (tmp_path / "a").write_bytes(content[:length])
        assert "is damaged" in refused(tmp_path, "a").message


def sample(form: str) -> bytes:
    output = io.BytesIO()
    image = noise((40, 30))
    image.save(output, form, exif=Image.Exif(), icc_profile=swapped_rgb_profile())
    return output.getvalue()


SAMPLES = {form: sample(form) for form in ("png", "jpeg", "gif", "webp")}
DAMAGE = st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=6)


@settings(deadline=None, max_examples=150)
@given(form=st.sampled_from(sorted(SAMPLES)), damage=DAMAGE)
def test_a_damaged_file_gives_a_picture_or_a_clear_error(
    tmp_path_factory: pytest.TempPathFactory, form: str, damage: list[tuple[int, int]]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    content = bytearray(SAMPLES[form])
    for place, value in damage:
        content[place % len(content)] = value
    (folder / "a").write_bytes(content)
    with contextlib.suppress(ContentError):
        rendition = made(folder, "a")
        assert opened(rendition).width >= rendition.width


def test_pillow_is_not_loaded_before_it_is_needed() -> None:
    program = "import sys, newsletter.compose.pictures.prepared; sys.exit('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
