"""Confusion matrix of one row's answers: gold down, answers across."""

from __future__ import annotations

import dataclasses

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from reports.figures import style
from reports.number_format import format_number

CELL, LOWEST = 0.95, 0.3  # inches: a cell's widest, and its height
NAME, EDGE, TOP, UNDER = 0.9, 0.06, 0.32, 0.42
DARKEST = 0.75  # of the colour map: words stay legible on every shade


@dataclasses.dataclass(frozen=True, kw_only=True)
class Confusion:
    """How often each gold class (first index) was answered as each class (second)."""

    row: str
    task: str
    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@style.look()
def confusion(matrix: Confusion) -> Figure:
    """Shares of each gold class as shades and numbers, counts beneath them; a class without items is hatched. Half
    the text wide, or the full width where the cells need it."""
    count = len(matrix.classes)
    longest = max(style.width_of(name) for name in matrix.classes)
    before = EDGE + 0.2 + min(NAME, longest) + 0.06
    most = max(style.width_of(f"{value:,}") for line in matrix.counts for value in line) + 0.08
    full = before + EDGE + count * max(most, 0.36) > style.HALF
    width = style.FULL if full else style.HALF
    cell = min(CELL, (width - before - EDGE) / count)
    high = max(LOWEST, min(cell, 0.45))
    turned = longest > cell - 0.04
    under = UNDER + (min(NAME, longest) - 0.16 if turned else 0.0)
    figure = style.sheet(width, TOP + high * count + under)
    axes = style.panel(figure, before, under, cell * count, high * count)
    fill(axes, matrix)
    short = [style.shorten(name, NAME) for name in matrix.classes]
    axes.set_xticks(range(count), short, rotation=90 if turned else 0)
    axes.set_yticks(range(count), short)
    place = figure.dpi_scale_trans
    middle, centre = under + high * count / 2, before + cell * count / 2
    figure.text(EDGE + 0.08, middle, "gold", transform=place, rotation=90, ha="center", va="center", fontsize=7)
    figure.text(centre, EDGE + 0.07, "answer", transform=place, ha="center", va="center", fontsize=7)
    title = style.shorten(f"{matrix.task}: {matrix.row}", width - 2 * EDGE, style.TITLE)
    style.write(figure, EDGE, TOP + high * count + under - 0.15, title, style.TITLE)
    return figure


def ink(red: float, green: float, blue: float) -> str:
    """White or black, whichever stands out more from this colour (channels 0 to 1)."""
    lightness = sum(
        weight * (channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4)
        for weight, channel in zip((0.2126, 0.7152, 0.0722), (red, green, blue), strict=True)
    )
    return style.WHITE if lightness < 0.179 else style.INK


def fill(axes: Axes, matrix: Confusion) -> None:
    count = len(matrix.classes)
    axes.set_xlim(-0.5, count - 0.5)
    axes.set_ylim(count - 0.5, -0.5)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    for gold, line in enumerate(matrix.counts):
        total = sum(line)
        for answer, value in enumerate(line):
            corner = (answer - 0.5, gold - 0.5)
            if not total:
                axes.add_patch(Rectangle(corner, 1, 1, facecolor=style.WHITE, edgecolor=style.FAINT, hatch="////"))
                continue
            share = value / total
            shade = colormaps["Blues"](share * DARKEST)
            axes.add_patch(Rectangle(corner, 1, 1, facecolor=shade, edgecolor=style.WHITE, linewidth=1))
            colour = ink(*shade[:3])
            axes.text(answer, gold - 0.2, format_number(share), ha="center", va="center", color=colour)
            axes.text(answer, gold + 0.23, f"{value:,}", ha="center", va="center", fontsize=style.SMALL, color=colour)
        if not total:
            axes.text((count - 1) / 2, gold, "no items", ha="center", va="center", color=style.WORD, bbox=style.CLEAR)
