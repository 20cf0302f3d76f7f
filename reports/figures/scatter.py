"""Similarity predictions against gold: one point a pair, or hexagons where there are many."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from reports.figures import estimates, legend, style, ticks
from reports.number_format import format_number

MANY = 2000  # points; above this they become hexagons
LEFT, SIDE, TOP, UNDER = 0.46, 2.5, 0.3, 0.58
TOO_FEW = "no pairs"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pairs:
    """A row's predicted similarities beside the gold ones, both 0 to 5, and their Pearson r (NaN: constant)."""

    row: str
    gold: tuple[float, ...]
    predicted: tuple[float, ...]
    r: float | None = None


@style.look()
def scatter(pairs: Pairs) -> Figure:
    """Half the text wide. Pairs without a finite prediction are counted in words."""
    kept = [(x, y) for x, y in zip(pairs.gold, pairs.predicted, strict=True) if math.isfinite(x) and math.isfinite(y)]
    figure = style.sheet(style.HALF, TOP + SIDE + UNDER)
    axes = style.panel(figure, LEFT, UNDER, SIDE, SIDE)
    points(axes, kept)
    axes.set_xticks(range(6))
    axes.set_yticks(range(6))
    axes.set_xlim(ticks.span([0.0, 5.0, *(x for x, _ in kept)], 0.03))
    axes.set_ylim(ticks.span([0.0, 5.0, *(y for _, y in kept)], 0.03))
    axes.plot([0, 5], [0, 5], color=style.INK, linewidth=0.7, linestyle="--", zorder=3)
    axes.set_xlabel("gold", fontsize=style.SMALL, labelpad=1)
    axes.set_ylabel("predicted", fontsize=style.SMALL, labelpad=2)
    r = estimates.word(pairs.r) or format_number(pairs.r or 0.0)
    ending = f"   r = {r}"
    room = style.HALF - 0.12 - style.width_of(ending, style.TITLE)
    title = style.shorten(pairs.row, room, style.TITLE) + ending
    style.write(figure, 0.06, TOP + SIDE + UNDER - 0.14, title, style.TITLE)
    legend.draw(figure, signs_of(len(kept), len(pairs.gold) - len(kept)), 0.06, UNDER - 0.4, style.HALF - 0.12)
    return figure


def points(axes: Axes, kept: list[tuple[float, float]]) -> None:
    if not kept:
        style.says(axes, TOO_FEW)
        return
    x, y = [pair[0] for pair in kept], [pair[1] for pair in kept]
    if len(kept) > MANY:
        shades = LinearSegmentedColormap.from_list("shades", colormaps["Blues"](np.linspace(0.25, 1, 64)))
        extent = (min(0.0, *x), max(5.0, *x), min(0.0, *y), max(5.0, *y))
        axes.hexbin(x, y, gridsize=28, bins="log", mincnt=1, cmap=shades, linewidths=0.1, extent=extent)
    else:
        alpha = 0.6 if len(kept) <= 300 else 0.3
        axes.plot(x, y, "o", markersize=2.6, color=style.BLUE, alpha=alpha, markeredgewidth=0)


def signs_of(kept: int, lost: int) -> list[legend.Sign]:
    shown = "darker: more pairs (log)" if kept > MANY else "one dot a pair"
    words = f"{kept:,} pairs, {shown}" + (f"; {lost:,} not finite, left out" if lost else "")
    return [legend.Sign(words=words)]
