"""A mail's HTML -> the same in the dark that a mail program forces upon it, whatever the mail says.

Two programs' ways, as far as their makers have published them:

- Gmail on Android draws mail in a web view that darkens by itself, as Chromium's "auto dark" does: in CIE
  L*a*b* the lightness becomes min(110 - L, 100), of grounds only where they are bright (from 205 of 255 on)
  and of texts only where they are dark (below 150); third_party/blink/renderer/platform/graphics/
  dark_mode_settings.h and dark_mode_lab_color_space.h.
- Outlook.com turns the lightness of every colour around above a ground of #333333: L becomes (100 - L) x
  (100 - L0) / 100 + L0 (getDarkColor of Microsoft's roosterjs), and marks what it changed by the attributes
  data-ogsc and data-ogsb, which a mail's style sheet may answer to.

Pictures stay as they are in both. It is a likeness, not the programs themselves.
"""

import re
from collections.abc import Callable

Colour = tuple[float, float, float]
Turn = Callable[[Colour, bool], Colour]
"""(a colour, whether it is a ground) -> the colour in the dark; red, green, blue from 0 to 255."""

_NAMED = {
    "black": "#000000",
    "white": "#ffffff",
    "gray": "#808080",
    "grey": "#808080",
    "silver": "#c0c0c0",
    "red": "#ff0000",
    "blue": "#0000ff",
    "green": "#008000",
}
_COLOUR = re.compile(
    r"#(?P<long>[0-9a-f]{6})\b|#(?P<short>[0-9a-f]{3})\b"
    r"|rgba?\(\s*(?P<red>[\d.]+)[\s,]+(?P<green>[\d.]+)[\s,]+(?P<blue>[\d.]+)(?P<alpha>[^)]*)\)"
    rf"|(?<![\w-])(?P<name>{'|'.join(_NAMED)})(?![\w-])",
    re.IGNORECASE,
)
_DECLARATION = re.compile(
    r"(?P<property>(?<![\w-])(?:background(?:-color)?|color|border(?:-[a-z]+)*|outline(?:-color)?))"
    r"(?P<colon>\s*:)(?P<value>[^;{}]+)",
    re.IGNORECASE,
)
_STYLED = re.compile(r"(?P<open>\sstyle=(?P<quote>[\"']))(?P<css>.*?)(?P<close>(?P=quote))", re.I | re.DOTALL)
_SHEET = re.compile(r"(?P<open><style[^>]*>)(?P<css>.*?)(?P<close></style>)", re.IGNORECASE | re.DOTALL)
_ATTRIBUTE = re.compile(
    r"(?P<open>\s(?P<property>bgcolor|color)=\")(?P<css>[^\"]*)(?P<close>\")", re.IGNORECASE
)

_WHITE = (0.95047, 1.0, 1.08883)  # D65
_OUTLOOK_GROUND = 21.25  # L of #333333


def gmail(colour: Colour, ground: bool) -> Colour:
    """A colour as Gmail on Android shows it."""
    brightness = (299 * colour[0] + 587 * colour[1] + 114 * colour[2]) / 1000
    if (ground and brightness < 205) or (not ground and brightness >= 150):
        return colour
    return _with_lightness(colour, lambda lightness: min(110 - lightness, 100))


def outlook(colour: Colour, ground: bool) -> Colour:
    """A colour as Outlook.com shows it."""
    return _with_lightness(
        colour, lambda lightness: (100 - lightness) * (100 - _OUTLOOK_GROUND) / 100 + _OUTLOOK_GROUND
    )


def darkened(html: str, turn: Turn) -> str:
    """The page with every colour turned; rules for `data-ogsc` and `data-ogsb` stay as they are."""

    def declarations(css: str) -> str:
        return _DECLARATION.sub(
            lambda m: (
                f"{m['property']}{m['colon']}"
                f"{_turned(m['value'], turn, ground=m['property'].lower().startswith('background'))}"
            ),
            css,
        )

    def sheet(css: str) -> str:
        rules = re.split(r"(?<=\})", css)
        return "".join(rule if "[data-ogs" in rule else declarations(rule) for rule in rules)

    html = _SHEET.sub(lambda m: m["open"] + sheet(m["css"]) + m["close"], html)
    html = _STYLED.sub(lambda m: m["open"] + declarations(m["css"]) + m["close"], html)
    html = _ATTRIBUTE.sub(
        lambda m: m["open"] + _turned(m["css"], turn, ground=m["property"].lower() == "bgcolor") + m["close"],
        html,
    )
    paper, ink = _hex(turn((255, 255, 255), True)), _hex(turn((0, 0, 0), False))
    return html.replace("</head>", f"<style>html{{background:{paper};color:{ink}}}</style></head>", 1)


def _turned(value: str, turn: Turn, *, ground: bool) -> str:
    def one(match: re.Match[str]) -> str:
        if match["red"]:
            red, green, blue = turn(
                (float(match["red"]), float(match["green"]), float(match["blue"])), ground
            )
            return f"rgba({red:.0f},{green:.0f},{blue:.0f}{match['alpha'] or ',1'})"
        digits = match["long"] or "".join(2 * digit for digit in match["short"] or "")
        digits = digits or _NAMED[match["name"].lower()][1:]
        colour = (int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16))
        return _hex(turn(colour, ground))

    return _COLOUR.sub(one, value)


def _hex(colour: Colour) -> str:
    return "#" + "".join(f"{round(channel):02x}" for channel in colour)


def _with_lightness(colour: Colour, change: Callable[[float], float]) -> Colour:
    lightness, a, b = _lab(colour)
    return _rgb((change(lightness), a, b))


def _lab(colour: Colour) -> Colour:
    """CIE L*a*b* of an sRGB colour (IEC 61966-2-1, D65)."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (channel / 255 for channel in colour)
    )
    x, y, z = (
        value ** (1 / 3) if value > 216 / 24389 else (24389 / 27 * value + 16) / 116
        for value in (
            (0.4124564 * red + 0.3575761 * green + 0.1804375 * blue) / _WHITE[0],
            (0.2126729 * red + 0.7151522 * green + 0.0721750 * blue) / _WHITE[1],
            (0.0193339 * red + 0.1191920 * green + 0.9503041 * blue) / _WHITE[2],
        )
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _rgb(lab: Colour) -> Colour:
    """The nearest sRGB colour of a CIE L*a*b* one."""
    y = (lab[0] + 16) / 116
    x, y, z = (
        white * (value**3 if value**3 > 216 / 24389 else (116 * value - 16) * 27 / 24389)
        for white, value in zip(_WHITE, (y + lab[1] / 500, y, y - lab[2] / 200), strict=True)
    )
    red, green, blue = (
        12.92 * part if part <= 0.0031308 else 1.055 * part ** (1 / 2.4) - 0.055
        for part in (
            max(0.0, 3.2404542 * x - 1.5371385 * y - 0.4985314 * z),
            max(0.0, -0.9692660 * x + 1.8760108 * y + 0.0415560 * z),
            max(0.0, 0.0556434 * x - 0.2040259 * y + 1.0572252 * z),
        )
    )
    return min(255.0, 255 * red), min(255.0, 255 * green), min(255.0, 255 * blue)
