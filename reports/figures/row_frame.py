"""The frame of figures with a line for each row and a panel for each metric: names at the left, one scale a panel."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures import legend, style, ticks

ROW = 0.22  # inches
NAME = 2.15  # inches for the longest name
TOP, TICKS, EDGE, BETWEEN = 0.28, 0.38, 0.06, 0.2
NUMBERS = 0.32  # inches right of a panel for a column of numbers
MOST_PANELS = 4


@dataclasses.dataclass(frozen=True)
class Frame:
    """A figure and its panels, left to right; ``width`` is that of each panel in inches."""

    figure: Figure
    panels: tuple[Axes, ...]
    width: float
    numbered: bool

    def number(self, column: int, line: int, words: str, colour: str = style.INK) -> None:
        """Words in the column of numbers right of a panel, if there is room for one."""
        if self.numbered:
            axes = self.panels[column]
            right = 1 + NUMBERS / self.width
            place = axes.get_yaxis_transform()
            axes.text(right, line, words, transform=place, ha="right", va="center", fontsize=style.SMALL, color=colour)

    def word(self, column: int, line: int, words: str, clear_of: float | None = None) -> None:
        """A word in the place of a value that cannot be drawn; ``clear_of`` is an x where something else is."""
        axes = self.panels[column]
        low, high = axes.get_xlim()
        x, side = 0.5, "center"
        if clear_of is not None:
            x, side = (1.0, "right") if clear_of < (low + high) / 2 else (0.0, "left")
        axes.text(
            x,
            line,
            words,
            transform=axes.get_yaxis_transform(),
            ha=side,
            va="center",
            fontsize=style.SMALL,
            fontstyle="italic",
            color=style.WORD,
            bbox={"facecolor": style.WHITE, "linewidth": 0, "pad": 1.0},
        )


def most_rows(signs: Sequence[legend.Sign]) -> int:
    """How many rows a page holds."""
    return int((style.TALLEST - TOP - TICKS - 2 * EDGE - legend.height(signs, style.FULL - 2 * EDGE)) / ROW)


def frame(
    labels: Sequence[str],
    metrics: Sequence[str],
    limits: Sequence[tuple[float, float]],
    unit: str,
    signs: Sequence[legend.Sign],
) -> Frame:
    """Empty panels, one a metric, with the rows' names, the scales, what the x axes show (``unit``), and the key."""
    under = TICKS + legend.height(signs, style.FULL - 2 * EDGE) + EDGE
    figure = style.sheet(style.FULL, TOP + ROW * len(labels) + under)
    left = EDGE + min(NAME, max(style.width_of(label, style.TEXT) for label in labels)) + 0.08
    numbered = len(metrics) <= 3
    after = NUMBERS if numbered else 0.0
    width = (style.FULL - EDGE - left - BETWEEN * (len(metrics) - 1)) / len(metrics) - after
    panels = []
    for index, (metric, limit) in enumerate(zip(metrics, limits, strict=True)):
        axes = style.panel(figure, left + index * (width + after + BETWEEN), under, width, ROW * len(labels))
        rule(axes, len(labels))
        ticks.fit(axes, "x", limit, width)
        axes.set_title(style.shorten(metric, width + after + BETWEEN - 0.06, style.TITLE), pad=4)
        panels.append(axes)
    shown = [style.shorten(label, left - EDGE - 0.07, style.TEXT) for label in labels]
    panels[0].set_yticks(range(len(labels)), shown, fontsize=style.TEXT)
    right = style.FULL - EDGE
    figure.text(
        (left + right) / 2,
        under - 0.27,
        unit,
        transform=figure.dpi_scale_trans,
        ha="center",
        va="center_baseline",
        fontsize=style.SMALL,
    )
    legend.draw(figure, signs, EDGE, under - TICKS, style.FULL - 2 * EDGE)
    return Frame(figure, tuple(panels), width, numbered)


def rule(axes: Axes, count: int) -> None:
    """A faint line along each row, first row on top."""
    axes.set_ylim(count - 0.5, -0.5)
    axes.set_yticks([])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.hlines(range(count), 0, 1, transform=axes.get_yaxis_transform(), color=style.FAINT, linewidth=0.4, zorder=0)
