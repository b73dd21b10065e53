"""Colours in a dark that nobody asked for."""

from newsletter.web.forced_dark import darkened, gmail, outlook


def rounded(colour: tuple[float, float, float]) -> tuple[int, int, int]:
    red, green, blue = (round(channel) for channel in colour)
    return red, green, blue


def test_gmail_turns_bright_grounds_and_dark_texts_only() -> None:
    assert rounded(gmail((255, 255, 255), True)) == (27, 27, 27)
    assert rounded(gmail((0, 0, 0), False)) == (255, 255, 255)
    assert gmail((179, 38, 30), True) == (179, 38, 30)  # a dark red ground stays
    assert gmail((200, 200, 200), False) == (200, 200, 200)  # a light text stays


def test_outlook_turns_every_lightness_above_its_own_ground() -> None:
    assert rounded(outlook((255, 255, 255), True)) == (51, 51, 51)
    assert rounded(outlook((0, 0, 0), False)) == (255, 255, 255)
    assert rounded(outlook((255, 255, 255), False)) == (51, 51, 51)


def test_colours_are_found_wherever_a_mail_writes_them() -> None:
    def black_to_red(colour: tuple[float, float, float], ground: bool) -> tuple[float, float, float]:
        return ((0, 255, 0) if ground else (255, 0, 0)) if colour == (0, 0, 0) else colour

    html = (
        "<html><head><style>.a { color: #000; border-color: rgb(0, 0, 0) } [data-ogsc] .a { color: #000 }"
        '</style></head><body bgcolor="#000000">'
        "<p style='font-family:\"A\"; color:black'>color: #000</p>"
        '<p style="background:rgba(0,0,0,.5); background-color: #00000a">b</p></body></html>'
    )
    assert darkened(html, black_to_red) == (
        "<html><head><style>.a { color: #ff0000; border-color: rgba(255,0,0,1) }"
        " [data-ogsc] .a { color: #000 }</style><style>html{background:#ffffff;color:#ff0000}</style></head>"
        '<body bgcolor="#00ff00">'
        "<p style='font-family:\"A\"; color:#ff0000'>color: #000</p>"
        '<p style="background:rgba(0,255,0,.5); background-color: #00000a">b</p></body></html>'
    )
