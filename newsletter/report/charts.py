"""Numbers -> charts as SVG, bare of any colour: the page's style sheet dresses them, for day and night."""

import math
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pygal
from pygal.style import Style

# pygal puts itself into the imports of all modules, to find plug-ins of its own in a way that Python 3.12 no
# longer knows and Python 3.11 warns of.
sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, pygal.PluginImportFixer)]

_SVG = "{http://www.w3.org/2000/svg}"
_TEXT = 13
"""The size of the text in charts, in pixels of a chart that is shown at its own size."""

# What only pygal's own style sheet and script would use.
_UNUSED = {f"{_SVG}{name}" for name in ("defs", "desc", "title", "script")}
_UNUSED_CLASSES = {"tooltip", "text-overlay", "background", "titles", "legends"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The values of one line, or of one part of all columns; `look` is its class in the style sheet."""

    look: str
    values: Sequence[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large a chart is drawn, in pixels, and about how many labels have room below it."""

    name: str
    width: int
    height: int
    labels: int


WIDE = Size(name="wide", width=960, height=250, labels=9)
NARROW = Size(name="narrow", width=340, height=230, labels=3)


def line(labels: Sequence[str], series: Series, size: Size, *, unit: Callable[[float], str]) -> str:
    """A line over time. Its scale need not begin at zero: what it shows is how a level changes."""
    low, high = min(series.values), max(series.values)
    room = max(high - low, 4) / 8
    chart = _chart(pygal.Line, labels, size, unit, ticks(max(0, low - room), high + room, least=1))
    chart.dots_size = 2.5 if len(labels) <= 40 else 0
    chart.show_dots = len(labels) <= 40
    chart.add("", list(series.values))
    return _drawn(chart, [series.look])


def columns(
    labels: Sequence[str],
    series: Sequence[Series],
    size: Size,
    *,
    unit: Callable[[float], str],
    least: float = 1,
) -> str:
    """Columns over time, their parts one upon the other; those below zero hang down.

    `least` is the smallest step that the scale may have: 1 for what is counted.
    """
    stacks = list(zip(*(one.values for one in series), strict=True))
    low = min(sum(value for value in stack if value < 0) for stack in stacks)
    high = max(sum(value for value in stack if value > 0) for stack in stacks)
    chart = _chart(pygal.StackedBar, labels, size, unit, ticks(low, high, least=least))
    for one in series:
        chart.add("", list(one.values))
    return _drawn(chart, [one.look for one in series])


def ticks(low: float, high: float, *, least: float) -> list[float]:
    """A few round numbers that enclose two others, at least so far apart."""
    rough = max((high - low) / 4, least)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(step * power for step in (1, 2, 5, 10) if step * power >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(number * step, 12) for number in range(first, max(last, first + 1) + 1)]


def _chart(
    kind: Callable[..., Any],
    labels: Sequence[str],
    size: Size,
    unit: Callable[[float], str],
    scale: Sequence[float],
) -> Any:
    every = math.ceil(len(labels) / size.labels)
    chart = kind(
        style=Style(label_font_size=_TEXT, major_label_font_size=_TEXT),
        css=(),
        js=(),
        width=size.width,
        height=size.height,
        margin=2,
        spacing=8,
        show_legend=False,
        show_minor_x_labels=False,
        truncate_label=-1,
        formatter=unit,
        disable_xml_declaration=True,
    )
    chart.x_labels = list(labels)
    chart.x_labels_major = list(labels)[::every]
    chart.y_labels = [{"value": value, "label": unit(value)} for value in scale]
    return chart


def _drawn(chart: Any, looks: Sequence[str]) -> str:
    """The chart with nothing in it but what is seen, and the same for the same numbers."""
    root = ET.fromstring(chart.render(is_unicode=True))  # noqa: S314 - pygal wrote it just now
    _strip(root)
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
        for name in [name for name in element.attrib if name.startswith("{") or name == "id"]:
            del element.attrib[name]
        for index, look in enumerate(looks):
            if f"serie-{index}" in element.get("class", "").split():
                element.set("class", f"series {look}")
    root.attrib.pop("id", None)
    root.set("class", "drawn")
    root.set("aria-hidden", "true")
    return ET.tostring(root, encoding="unicode")


def _strip(element: ET.Element) -> None:
    for child in list(element):
        if child.tag in _UNUSED or _UNUSED_CLASSES & set(child.get("class", "").split()):
            element.remove(child)
        else:
            _strip(child)
