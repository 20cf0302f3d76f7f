"""The trade between two tasks: rows as points, and those that no other row beats in both."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures import label_placement, legend, style, ticks
from reports.figures.estimates import Estimate

NAMED = 6  # rows whose names stand beside their points; more get numbers
LEFT, TOP, TICKS, EDGE = 0.5, 0.1, 0.38, 0.06
SIDE = 3.5  # inches of the panel where a key stands beside it
SPREAD = "#c4c4c4"
FRONT = (
    legend.Sign(words="on the front", marker="o", line="-"),
    legend.Sign(
        words="behind it: another row is at least as good in both", marker="o", filled=False, colour=style.GREY
    ),
    legend.Sign(words="95% interval over seeds", line="-", colour=SPREAD),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Point:
    """A row's scores in the two tasks."""

    row: str
    x: Estimate
    y: Estimate

    @property
    def missing(self) -> str:
        """Why it cannot be drawn, or nothing."""
        return self.x.word or self.y.word


@style.look()
def pareto(points: Sequence[Point], x: str, y: str) -> Figure:
    """Higher is better on both axes. ``x`` and ``y`` name the metrics. Rows without a score in both are listed in
    the key."""
    drawn = [point for point in points if not point.missing]
    beside = len(points) > NAMED
    missing = [] if beside else [legend.Sign(words=f"{p.row}: {p.missing}") for p in points if p.missing]
    under = TICKS + legend.height((*FRONT, *missing), style.FULL - 2 * EDGE) + EDGE
    wide = SIDE if beside else style.FULL - LEFT - 2 * EDGE
    high = max(SIDE if beside else 3.0, legend.numbered_height(len(points), 1) if beside else 0.0)
    figure = style.sheet(style.FULL, TOP + high + under)
    axes = style.panel(figure, LEFT, under, wide, high)
    ticks.fit(axes, "x", ticks.span([v for p in drawn for v in p.x.extent], 0.12), wide)
    ticks.fit(axes, "y", ticks.span([v for p in drawn for v in p.y.extent], 0.12), high)
    axes.set_xlabel(style.shorten(x, wide), fontsize=style.SMALL, labelpad=3)
    middle = under + high / 2
    words, place = style.shorten(y, high), figure.dpi_scale_trans
    figure.text(0.12, middle, words, transform=place, rotation=90, ha="center", va="center", fontsize=style.SMALL)
    draw(axes, drawn)
    spots = [(p.x.at, p.y.at) for p in drawn]
    numbers = [str(i + 1) for i, point in enumerate(points) if not point.missing]
    label_placement.label(figure, axes, spots, numbers if beside else [style.shorten(p.row, wide / 2) for p in drawn])
    if beside:
        names = [f"{p.row} ({p.missing})" if p.missing else p.row for p in points]
        left = LEFT + SIDE + 0.14
        legend.numbered(figure, names, left, under + high, style.FULL - EDGE - left + 0.06, 1)
    legend.draw(figure, (*FRONT, *missing), EDGE, under - TICKS, style.FULL - 2 * EDGE)
    return figure


def front(points: Sequence[Point]) -> list[Point]:
    """The points that no other exceeds in one task without falling below it in the other, left to right."""
    spots = [(p.x.at, p.y.at) for p in points]
    best = [
        (spot, point)
        for spot, point in zip(spots, points, strict=True)
        if not any(o[0] >= spot[0] and o[1] >= spot[1] and o != spot for o in spots)
    ]
    return [point for _, point in sorted(best, key=by_place)]


def by_place(item: tuple[tuple[float, float], Point]) -> tuple[float, float]:
    return item[0][0], -item[0][1]


def draw(axes: Axes, drawn: Sequence[Point]) -> None:
    if not drawn:
        style.says(axes, "no row has both scores")
        return
    best = front(drawn)
    for p in drawn:
        if p.x.ends:
            axes.plot(p.x.ends, [p.y.at] * 2, color=SPREAD, linewidth=0.7, zorder=1)
        if p.y.ends:
            axes.plot([p.x.at] * 2, p.y.ends, color=SPREAD, linewidth=0.7, zorder=1)
        colour, fill = (style.BLUE, style.BLUE) if p in best else (style.GREY, style.WHITE)
        axes.plot([p.x.at], [p.y.at], "o", markersize=4.2, mec=colour, mfc=fill, mew=1.0, zorder=4)
    stairs = [p.x.at for p in best], [p.y.at for p in best]
    axes.step(*stairs, where="pre", color=style.BLUE, linewidth=0.9, zorder=2)
