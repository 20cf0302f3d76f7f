"""Small multiples by epoch: a block a row, three to a line, panels of a block one above the other."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures import legend, style, ticks
from reports.figures.estimates import Band

COLUMNS = 3
LEFT, RIGHT, BETWEEN, TITLE, STACKED, TICKS, EDGE = 0.52, 0.08, 0.14, 0.25, 0.08, 0.36, 0.06
WIDTH = (style.FULL - LEFT - RIGHT - BETWEEN * (COLUMNS - 1)) / COLUMNS


def blocks(
    names: Sequence[str], units: Sequence[str], high: float, signs: Sequence[legend.Sign]
) -> tuple[Figure, list[list[Axes]]]:
    """A figure and, for each name, its panels from top to bottom: one a unit, ``high`` inches each."""
    lines = -(-len(names) // COLUMNS)
    block = TITLE + len(units) * high + (len(units) - 1) * STACKED
    under = TICKS + legend.height(signs, style.FULL - 2 * EDGE) + EDGE
    figure = style.sheet(style.FULL, under + lines * block)
    parts = []
    for index, name in enumerate(names):
        line, column = divmod(index, COLUMNS)
        left = LEFT + column * (WIDTH + BETWEEN)
        top = under + (lines - line) * block - TITLE
        panels = []
        for depth, unit in enumerate(units):
            axes = style.panel(figure, left, top - high - depth * (high + STACKED), WIDTH, high)
            last = depth == len(units) - 1 and index + COLUMNS >= len(names)
            axes.tick_params(labelleft=column == 0, labelbottom=last)
            if last:
                axes.set_xlabel("epoch", fontsize=style.SMALL, labelpad=1)
            if column == 0:
                at = top - high / 2 - depth * (high + STACKED)
                place = figure.dpi_scale_trans
                words = style.shorten(unit, high + 0.05)
                figure.text(0.12, at, words, transform=place, rotation=90, ha="center", va="center", fontsize=7)
            panels.append(axes)
        panels[0].set_title(style.shorten(name, WIDTH + 0.05, style.TEXT), fontsize=style.TEXT, pad=3)
        parts.append(panels)
    legend.draw(figure, signs, EDGE, under - TICKS, style.FULL - 2 * EDGE)
    return figure, parts


def draw(axes: Axes, band: Band, colour: str, line: style.Dash, shade: float = 0.2) -> None:
    """The line and its band; a line of one epoch is a dot."""
    if band.low is not None and band.high is not None:
        axes.fill_between(band.epochs, band.low, band.high, color=colour, alpha=shade, linewidth=0, zorder=1)
    marker = "o" if len(band.epochs) == 1 else ""
    axes.plot(band.epochs, band.middle, linestyle=line, color=colour, marker=marker, markersize=3, zorder=2)


def limits(axes: Axes, bands: Sequence[Band], vertical: tuple[float, float], high: float) -> None:
    """The scales of a panel, the same in every block; none where no band has a point."""
    if not any(band.extent for band in bands):
        axes.set_xticks([])
        axes.set_yticks([])
        return
    ticks.whole(axes, [epoch for band in bands for epoch in band.epochs], WIDTH)
    ticks.fit(axes, "y", vertical, high)
