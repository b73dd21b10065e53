"""Draws the pictures of the sample issues; run `python docs/draw_pictures.py` from the project's folder.

It needs matplotlib, which the `dev` extra installs. Everything is placed in pixels on a sheet of 1200 by 675,
origin at the bottom left, with type large enough to be read at 320 pixels on a phone. The same versions of
matplotlib and Pillow give the same bytes.
"""

import math
from collections.abc import Callable, Sequence
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import BoxStyle, Circle, FancyBboxPatch, Polygon, Rectangle
from PIL import Image

ISSUES = Path(__file__).parent.parent / "issues"

WIDTH, HEIGHT, DPI = 1200, 675, 100
MARGIN = 64
ACCENT, INK, PAPER = "#b3261e", "#1f2430", "#faf7f2"
SOFT, QUIET, SAND, SHADE = "#6b675f", "#a39c8e", "#e4dccd", "#f0e9dc"
FICTION, ESTIMATE = "Données fictives", "Estimation illustrative"

Point = tuple[float, float]


class Sheet:
    """A blank sheet with the house's head and foot, and a few ways to draw on it, all in pixels."""

    def __init__(self, title: str, foot: str) -> None:
        self.figure = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI, facecolor=PAPER)
        self.axes: Axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set_xlim(0, WIDTH)
        self.axes.set_ylim(0, HEIGHT)
        self.axes.axis("off")
        self.box(MARGIN, 627, 92, 9, ACCENT)
        self.text(MARGIN, 578, title, 50, bold=True, serif=True)
        self.text(WIDTH - MARGIN, 38, foot, 31, SOFT, align="right")

    def text(
        self,
        x: float,
        y: float,
        words: str,
        size: float,
        colour: str = INK,
        *,
        bold: bool = False,
        serif: bool = False,
        align: str = "left",
    ) -> None:
        """Write words whose line's middle is at y; `size` is in pixels."""
        self.axes.text(
            x,
            y,
            words,
            color=colour,
            fontsize=size * 72 / DPI,
            fontweight="bold" if bold else "normal",
            fontfamily="DejaVu Serif" if serif else "DejaVu Sans",
            horizontalalignment=align,
            verticalalignment="center_baseline",
            zorder=5,
        )

    def box(self, x: float, y: float, width: float, height: float, colour: str, *, radius: float = 0) -> None:
        corners = BoxStyle.Round(pad=0, rounding_size=radius) if radius else BoxStyle.Square(pad=0)
        patch = FancyBboxPatch((x, y), width, height, boxstyle=corners, facecolor=colour, edgecolor="none")
        self.axes.add_patch(patch)

    def shape(self, points: Sequence[Point], colour: str, *, zorder: float = 1) -> Polygon:
        patch = Polygon(points, closed=True, facecolor=colour, edgecolor="none", zorder=zorder)
        self.axes.add_patch(patch)
        return patch

    def line(
        self, points: Sequence[Point], colour: str = INK, width: float = 5, *, dots: bool = False
    ) -> None:
        """Draw a line; with `dots`, a dotted one."""
        xs, ys = zip(*points, strict=True)
        style: dict[str, Any] = {"linestyle": (0, (1, 1.6))} if dots else {}
        self.axes.plot(xs, ys, color=colour, linewidth=width, solid_capstyle="round", **style)

    def dot(self, x: float, y: float, radius: float, colour: str) -> None:
        """A disc with a rim of paper, which sets it off from the line under it."""
        self.axes.add_patch(Circle((x, y), radius + 4, facecolor=PAPER, edgecolor="none", zorder=3))
        self.axes.add_patch(Circle((x, y), radius, facecolor=colour, edgecolor="none", zorder=4))

    def star(self, x: float, y: float, radius: float, colour: str) -> None:
        corners: list[Point] = []
        for corner in range(10):
            reach, angle = radius * (0.42 if corner % 2 else 1), corner * math.pi / 5
            corners.append((x + reach * math.sin(angle), y + reach * math.cos(angle)))
        self.shape(corners, colour, zorder=4)

    def save(self, path: Path) -> None:
        """Write a PNG of 64 colours, without date or program's name."""
        drawn = BytesIO()
        self.figure.savefig(drawn, format="png", dpi=DPI, metadata={"Software": None})
        with Image.open(drawn) as image:
            flat = image.convert("RGB").quantize(64, dither=Image.Dither.NONE)
            flat.save(path, format="PNG", optimize=True)


def amount(value: float, decimals: int = 0) -> str:
    """A French number: comma, no-break spaces between thousands."""
    return f"{value:,.{decimals}f}".replace(",", "\u00a0").replace(".", ",")


def bottle() -> Sheet:
    sheet = Sheet("Une bouteille à 7 €, en tranches", FICTION)
    shares = [
        (2.60, "le vigneron", ACCENT),
        (1.43, "le magasin", "#4a4f5c"),
        (1.17, "la TVA", "#747884"),
        (1.05, "verre, bouchon, étiquette", "#a0a2a9"),
        (0.75, "transport et négoce", "#c9c8c8"),
    ]
    centre, floor, tall = 200.0, 32.0, 496.0
    foot = [(12 * (1 - math.cos(a)), 76 + 12 * math.sin(a)) for a in (0, 0.4, 0.8, 1.2, math.pi / 2)]
    shoulder = [(286 + 9 * n, 34 + 27 * (1 + math.cos(math.pi * n / 12))) for n in range(13)]
    half = [*foot, *shoulder, (464, 32), (464, 39), (496, 39)]
    right = [(centre + wide, floor + up) for up, wide in half]
    left = [(centre - wide, floor + up) for up, wide in reversed(half)]
    outline = sheet.shape(right + left, "none")
    bottom = floor
    for value, name, colour in shares:
        height = tall * value / sum(share for share, _, _ in shares)
        slice_ = Rectangle((centre - 100, bottom), 200, height - 3, facecolor=colour, edgecolor="none")
        sheet.axes.add_patch(slice_)
        slice_.set_clip_path(outline)
        middle = bottom + height / 2
        wide = next(w for up, w in reversed(half) if up <= middle - floor)
        sheet.line([(centre + wide + 12, middle), (356, middle)], QUIET, 2)
        strong = ACCENT if colour == ACCENT else INK
        sheet.text(376, middle, f"{amount(value, 2)} €", 46, strong, bold=True)
        sheet.text(574, middle, name, 40, strong)
        bottom += height
    return sheet


def office() -> Sheet:
    sheet = Sheet("Cinq jours, cinq immeubles", FICTION)
    sheet.text(MARGIN, 514, "Postes de travail occupés, selon le jour", 34, SOFT)
    days = [("lundi", 54), ("mardi", 78), ("mercredi", 62), ("jeudi", 76), ("vendredi", 31)]
    wide, step, floor = 176.0, 224.0, 132.0
    for place, (day, taken) in enumerate(days):
        x = MARGIN + place * step
        lit = ACCENT if day == "vendredi" else INK
        sheet.box(x, floor, wide, 272, SAND)
        for window in range(100):
            row, column = divmod(window, 10)
            colour = lit if window < taken else PAPER
            sheet.box(x + 8 + column * 16.2, floor + 9 + row * 25.8, 12.6, 20, colour)
        strong = ACCENT if day == "vendredi" else INK
        sheet.text(x + wide / 2, 448, f"{taken} %", 50, strong, bold=True, align="center")
        sheet.text(x + wide / 2, 98, day, 38, strong, align="center")
    sheet.line([(MARGIN - 20, floor), (WIDTH - MARGIN + 20, floor)], INK, 4)
    return sheet


def fusion() -> Sheet:
    sheet = Sheet("Quinze ans pour allumer une étoile", "D’après les annonces des entreprises")
    line = 268.0

    def at(year: float) -> float:
        return 84 + (year - 2013) / 15 * 1016

    today = at(2026.9)
    sheet.line([(at(2013), line), (today, line)], INK, 8)
    for gap in (18, 34):
        sheet.dot(today + gap, line, 4, ACCENT)
    for year, colour in ((2013, INK), (2021, ACCENT), (2023, INK)):
        sheet.dot(at(year), line, 17, colour)
    sheet.star(at(2028), line, 40, ACCENT)
    sheet.shape([(today, line - 18), (today - 13, line - 40), (today + 13, line - 40)], SOFT)
    sheet.text(today, line - 66, "aujourd’hui", 36, SOFT, align="center")

    for year, x, align, first, second in (
        (2013, MARGIN, "left", "Helion", "est créée"),
        (2021, at(2021), "center", "Sam Altman", "y met 375 M$"),
        (2028, WIDTH - MARGIN, "right", "Livraison", "promise"),
    ):
        colour = INK if year == 2013 else ACCENT
        sheet.text(x, line + 196, str(year), 54, colour, bold=True, align=align)
        sheet.text(x, line + 138, first, 40, colour, align=align)
        sheet.text(x, line + 88, second, 40, colour, align=align)
    sheet.text(at(2023), line - 70, "2023", 54, bold=True, align="center")
    sheet.text(at(2023), line - 126, "Microsoft signe", 40, align="center")
    return sheet


def discount() -> Sheet:
    sheet = Sheet("Monter pour mieux descendre", FICTION)
    sheet.text(MARGIN, 514, "Prix d’un casque audio", 34, SOFT)

    def at(day: float, price: float) -> Point:
        """Day 0 is the first of October."""
        return MARGIN + day / 57 * 880, 186 + (price - 80) * 5.0

    left, right = at(27, 0)[0], at(57, 0)[0]
    sheet.box(left, 118, right - left, 360, SHADE)
    sheet.text(left + 16, 144, "les 30 derniers jours", 34, SOFT)
    sheet.line([at(0, 80), at(57, 80)], QUIET, 3, dots=True)
    sheet.line([at(0, 80), at(39, 80), at(39, 120), at(57, 120)], INK, 8)
    sheet.line([at(57, 120), at(57, 84)], ACCENT, 8)
    sheet.dot(*at(57, 84), 16, ACCENT)
    x, y = at(0, 80)
    sheet.text(x, y + 48, "80 €", 56, bold=True)
    sheet.text(x + 160, y + 46, "le vrai repère", 36, SOFT)
    x, y = at(39, 120)
    sheet.text(x, y + 46, "120 €", 56, bold=True)
    x, y = at(57, 84)
    sheet.text(x + 30, y + 4, "84 €", 56, ACCENT, bold=True)
    sheet.text(x + 22, y + 100, "−30 % ?", 40, ACCENT)
    for day, name, align in ((0, "1er oct.", "left"), (39, "9 nov.", "center"), (57, "27 nov.", "center")):
        sheet.text(at(day, 0)[0], 92, name, 34, SOFT, align=align)
    return sheet


def packet(sheet: Sheet, x: float, grams: int, colour: str) -> None:
    """A bag of crisps: always the same bag, filled in proportion to the weight."""
    wide, floor, teeth = 230.0, 112.0, 10
    tooth = wide / teeth
    top = [(x + n * tooth / 2, 488.0 + (12 if n % 2 else 0)) for n in range(teeth * 2 + 1)]
    base = [(x + n * tooth / 2, floor - (12 if n % 2 else 0)) for n in reversed(range(teeth * 2 + 1))]
    bag = sheet.shape(top + base, SAND)
    level = Rectangle((x, floor - 14), wide, 14 + 1.5 * grams, facecolor=colour, edgecolor="none")
    sheet.axes.add_patch(level)
    level.set_clip_path(bag)
    sheet.text(x + wide / 2, floor + 130, f"{grams} g", 58, PAPER, bold=True, align="center")
    sheet.text(x + wide / 2, (488 + floor + 1.5 * grams) / 2, "air", 36, SOFT, align="center")


def shrinking() -> Sheet:
    sheet = Sheet("Même sachet, moins de chips", FICTION)
    for x, grams, kilo, colour in ((MARGIN, 200, 12.00, INK), (640, 170, 14.12, ACCENT)):
        packet(sheet, x, grams, colour)
        side = x + 254
        sheet.text(side, 420, "2,40 €", 58, bold=True)
        sheet.text(side, 364, "le sachet", 36, SOFT)
        sheet.text(side, 258, f"{amount(kilo, 2)} €", 58, colour, bold=True)
        sheet.text(side, 202, "le kilo", 36, SOFT)
    sheet.text(894, 142, "soit +18 %", 40, ACCENT, bold=True)
    return sheet


def battery() -> Sheet:
    sheet = Sheet("Charger à midi, vendre au dîner", FICTION)
    sheet.text(MARGIN, 514, "Prix du MWh au fil de la journée", 34, SOFT)
    turns = [(0, 62), (4, 46), (8, 84), (13, 30), (19, 110), (24, 62)]

    def at(hour: float, price: float) -> Point:
        return MARGIN + hour / 24 * (WIDTH - 2 * MARGIN), 138 + (price - 20) * 2.7

    curve: list[Point] = []
    for (start, low), (end, high) in pairwise(turns):
        for step in range(41):
            eased = (1 - math.cos(math.pi * step / 40)) / 2
            curve.append(at(start + (end - start) * step / 40, low + (high - low) * eased))
    sheet.shape([*curve, (curve[-1][0], 132), (curve[0][0], 132)], SHADE)
    sheet.line(curve, INK, 7)
    sheet.line([(MARGIN, 132), (WIDTH - MARGIN, 132)], QUIET, 3)
    for hour, name, align in ((0, "0 h", "left"), (13, "13 h", "center"), (19, "19 h", "center")):
        sheet.text(at(hour, 0)[0], 92, name, 36, SOFT, align=align)
    sheet.text(WIDTH - MARGIN, 92, "24 h", 36, SOFT, align="right")

    x, y = at(13, 30)
    sheet.line([(x, y), (x, y + 130)], QUIET, 3)
    sheet.dot(x, y, 17, INK)
    sheet.text(x, y + 212, "30 €", 56, bold=True, align="center")
    sheet.text(x, y + 158, "on charge", 40, align="center")
    x, y = at(19, 110)
    sheet.dot(x, y, 17, ACCENT)
    sheet.text(x, y + 108, "110 €", 56, ACCENT, bold=True, align="center")
    sheet.text(x, y + 54, "on vend", 40, ACCENT, align="center")
    return sheet


def tree(sheet: Sheet, x: float, floor: float, height: float) -> None:
    """A fir of three skirts on a short trunk."""
    trunk = height * 0.1
    sheet.box(x - height * 0.03, floor, height * 0.06, trunk + 2, INK)
    green = height - trunk
    for skirt, (bottom, top, half) in enumerate(((0, 0.52, 0.3), (0.28, 0.77, 0.235), (0.54, 1, 0.165))):
        hem, tip, side = floor + trunk + green * bottom, floor + trunk + green * top, green * half
        points = [(x - side, hem), (x, tip), (x + side, hem)]
        sheet.shape(points, INK, zorder=1 + skirt / 10)


def fir() -> Sheet:
    sheet = Sheet("Huit ans pour deux mètres", ESTIMATE)
    floor = 132.0
    for x, age, height in ((160, 2, 25), (408, 4, 70), (690, 6, 140), (976, 8, 200)):
        tall = height * 1.74
        tree(sheet, x, floor, tall)
        last = age == 8
        size = f"{height} cm" if height < 100 else f"{amount(height / 100, 2 if height % 100 else 0)} m"
        if last:
            sheet.star(x, floor + tall + 4, 30, ACCENT)
            sheet.text(x + 48, floor + tall - 2, size, 50, ACCENT, bold=True)
        else:
            sheet.text(x, floor + tall + 40, size, 50, bold=True, align="center")
        sheet.text(x, 96, f"{age} ans", 40, ACCENT if last else INK, align="center")
    sheet.line([(MARGIN, floor), (WIDTH - MARGIN, floor)], INK, 5)
    return sheet


def compound() -> Sheet:
    sheet = Sheet("1 000 € oubliés pendant 36 ans", f"{ESTIMATE}, hors impôts")
    floor = 132.0

    def at(year: float, value: float) -> Point:
        return MARGIN + year / 36 * 728, floor + value / 8147 * 356

    for rate, colour in ((2, QUIET), (4, INK), (6, ACCENT)):
        sheet.line([at(year, 1000 * (1 + rate / 100) ** year) for year in range(37)], colour, 7)
        for year in range(72 // rate, 37, 72 // rate):
            sheet.dot(*at(year, 1000 * (1 + rate / 100) ** year), 13, colour)
        last = 1000 * (1 + rate / 100) ** 36
        x, y = at(36, last)
        words = SOFT if colour == QUIET else colour
        sheet.text(x + 30, y + 2, f"{amount(last)} €", 48, words, bold=True)
        sheet.text(x + 240, y + 2, f"à {rate} %", 36, words)
    sheet.line([(MARGIN, floor), at(36, 0)], QUIET, 3)
    for year, name in ((12, "12 ans"), (24, "24 ans"), (36, "36 ans")):
        sheet.text(at(year, 0)[0], 96, name, 34, SOFT, align="center")
    sheet.dot(MARGIN + 12, 470, 13, INK)
    sheet.text(MARGIN + 40, 470, "un point : la mise a doublé", 36, SOFT)
    return sheet


def carriage(sheet: Sheet, floor: float, takings: float, colour: str, windows: int) -> float:
    """A railway carriage as long as its takings; returns its right end."""
    wide = takings / 9600 * (WIDTH - 2 * MARGIN)
    sheet.box(MARGIN, floor, wide, 112, colour, radius=22)
    for window in range(windows):
        pane = (wide - 60) / windows
        sheet.box(MARGIN + 30 + window * pane + 8, floor + 46, pane - 16, 42, PAPER, radius=8)
    for wheel in (MARGIN + 70, MARGIN + 130, MARGIN + wide - 130, MARGIN + wide - 70):
        sheet.dot(wheel, floor - 6, 19, colour)
    return MARGIN + wide


def night_train() -> Sheet:
    sheet = Sheet("Ce que rapporte une voiture pleine", FICTION)
    sheet.text(MARGIN, 488, "9 600 €", 56, bold=True)
    sheet.text(MARGIN + 272, 486, "de jour : 240 billets à 40 €", 38)
    carriage(sheet, 334, 9600, INK, 12)
    end = carriage(sheet, 126, 4275, ACCENT, 5)
    sheet.text(end + 36, 212, "4 275 €", 56, ACCENT, bold=True)
    sheet.text(end + 36, 150, "de nuit : 45 billets à 95 €", 38, ACCENT)
    sheet.line([(MARGIN, 301), (WIDTH - MARGIN, 301)], QUIET, 3)
    sheet.line([(MARGIN, 93), (WIDTH - MARGIN, 93)], QUIET, 3)
    return sheet


PICTURES: dict[str, Callable[[], Sheet]] = {
    "2026-11-20/beaujolais-bouteille.png": bottle,
    "2026-11-20/bureau-semaine.png": office,
    "2026-11-23/fusion-frise.png": fusion,
    "2026-11-23/black-friday-prix.png": discount,
    "2026-11-24/reduflation.png": shrinking,
    "2026-11-24/batteries-prix-du-jour.png": battery,
    "2026-11-25/sapin-croissance.png": fir,
    "2026-11-25/regle-de-72.png": compound,
    "2026-11-25/train-de-nuit.png": night_train,
}


def main() -> None:
    matplotlib.rcdefaults()  # a matplotlibrc of one's own must not change the pictures
    for name, draw in PICTURES.items():
        draw().save(ISSUES / name)
        print(name)


if __name__ == "__main__":
    main()
