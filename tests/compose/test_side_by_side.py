"""Two pictures beside each other, with what differs marked in a third."""

import io
from collections.abc import Callable

from PIL import Image, ImageDraw

from newsletter.compose.pictures.side_by_side import side_by_side

TITLES = ("before", "after", "what differs")
WIDTH = 100
MARGIN, HEAD = 20, 44
CHANGED, ADDED, REMOVED = (242, 127, 190), (127, 184, 230), (234, 174, 127)
GROUND, NOTHING = (107, 114, 128), (139, 145, 156)
Drawer = Callable[[ImageDraw.ImageDraw], None]


def page(*lines: str, top: int = 0, ground: str = "#ffffff", draw: Drawer | None = None) -> bytes:
    """A page with a line of "text" every 40 rows, from `top` on; each letter is a pattern of its own."""
    image = Image.new("RGB", (WIDTH, top + 40 * len(lines)), ground)
    pen = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        for row in range(20):
            for column, letter in enumerate(line):
                shade = (ord(letter) * (row + 3) * 7) % 200
                left = 10 + 8 * column
                y = top + 40 * number + 10 + row
                pen.line((left, y, left + 5, y), fill=(shade, shade, shade))
    if draw:
        draw(pen)
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def compared(before: bytes, after: bytes) -> Image.Image:
    picture = side_by_side(before, after, titles=TITLES)
    assert picture
    return Image.open(io.BytesIO(picture))


def panel(sheet: Image.Image, number: int) -> Image.Image:
    left = MARGIN + number * (WIDTH + MARGIN)
    return sheet.crop((left, HEAD, left + WIDTH, sheet.height - MARGIN))


def colours(image: Image.Image) -> set[object]:
    return {colour for _, colour in image.getcolors(1 << 20) or []}


def test_two_pictures_that_are_the_same_give_none() -> None:
    assert side_by_side(page("abc", "def"), page("abc", "def"), titles=TITLES) is None


def test_a_change_is_marked_where_it_is_and_nowhere_else() -> None:
    before = page("abc", "def")
    after = page(
        "abc", "def", draw=lambda pen: pen.rectangle((60, 50, 70, 60), fill="#ffffff", outline="#000")
    )
    sheet = compared(before, after)
    assert sheet.size == (3 * WIDTH + 4 * MARGIN, HEAD + 80 + MARGIN)
    assert panel(sheet, 0).tobytes() == Image.open(io.BytesIO(before)).tobytes()
    assert panel(sheet, 1).tobytes() == Image.open(io.BytesIO(after)).tobytes()
    marked = panel(sheet, 2)
    assert marked.getpixel((65, 59)) == CHANGED
    assert marked.getpixel((65, 20)) == (255, 255, 255)
    assert marked.getpixel((90, 55)) == (255, 255, 255)


def test_what_was_only_pushed_down_is_not_different() -> None:
    sheet = compared(page("abc", "def", "ghi"), page("abc", "new", "def", "ghi"))
    was, now, marked = (panel(sheet, number) for number in range(3))
    assert was.height == now.height == 160
    assert was.getpixel((5, 65)) == NOTHING
    assert marked.getpixel((5, 65)) == ADDED
    assert marked.getpixel((5, 105)) == (255, 255, 255)
    assert CHANGED not in colours(marked)


def test_what_is_gone_is_shown_where_it_was() -> None:
    marked = panel(compared(page("abc", "old", "def"), page("abc", "def")), 2)
    assert marked.getpixel((5, 65)) == REMOVED
    assert ADDED not in colours(marked)
    assert CHANGED not in colours(marked)


def test_long_stretches_that_are_the_same_are_left_out() -> None:
    lines = [f"{number:03}" for number in range(40)]
    sheet = compared(page(*lines), page(*lines[:20], "new", *lines[21:]))
    assert 200 < sheet.height < 400
    left_out = sheet.crop((sheet.width - MARGIN - WIDTH, HEAD + 5, sheet.width, HEAD + 25))
    assert colours(left_out) == {GROUND}


def test_a_row_more_or_less_between_lines_is_rounding_when_there_is_more_to_see() -> None:
    lines = ["abc", "def", "ghi", "jkl"]

    def moved(*lines: str) -> bytes:
        image = Image.open(io.BytesIO(page(*lines)))
        below = image.crop((0, 75, WIDTH, image.height - 1))
        image.paste(below, (0, 76))  # as all below a fraction of a pixel
        file = io.BytesIO()
        image.save(file, "PNG")
        return file.getvalue()

    marked = panel(compared(page(*lines), moved("abc", "def", "ghi", "new")), 2)
    assert ADDED not in colours(marked.crop((0, 0, WIDTH, 110)))
    assert CHANGED in colours(marked)
    alone = panel(compared(page(*lines), moved(*lines)), 2)
    assert ADDED in colours(alone)


def test_a_slight_change_of_colour_is_marked_when_it_is_the_only_one() -> None:
    marked = panel(compared(page("abc", ground="#ffffff"), page("abc", ground="#fffffe")), 2)
    assert marked.getpixel((5, 5)) == (242, 127, 189)


def test_a_dark_page_fades_into_the_dark() -> None:
    before = page("abc", "def", ground="#101010")
    after = page(
        "abc", "def", ground="#101010", draw=lambda pen: pen.rectangle((60, 50, 70, 60), fill="#fff")
    )
    assert panel(compared(before, after), 2).getpixel((5, 5)) == (5, 5, 5)
