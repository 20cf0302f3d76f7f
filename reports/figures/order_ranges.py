"""What a factor appears to do in every order of adding the factors, in the paper's, and on average."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures import estimates, row_frame, style, ticks
from reports.figures.legend import Sign, seeds
from reports.number_format import format_signed

MOST_PANELS = 3  # so many have room for numbers
LANE = 0.2  # of a row: the orders' range above its middle, the average below
NO_ORDER = "no order"

RANGE = Sign(words="all orders, lowest to highest", line="-", colour=style.GREY)
MEDIAN = Sign(words="their median", marker="|", colour=style.INK)
STATED = Sign(words="in the paper's order", marker="D", colour=style.VERMILLION)
PRINTED = Sign(words="printed in the paper", marker="D", filled=False, colour=style.VERMILLION)
SHAPLEY = Sign(words="Shapley value, 95% interval", marker="o", line="-")
SINGLE = Sign(words="Shapley value without interval", marker="s", filled=False, colour=style.GREY)
NUMBERS = Sign(words="numbers: Shapley values")
IMPOSSIBLE = Sign(words="no order: each meets a combination that was not run")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Apparent:
    """What adding a factor changes in one metric: lowest, median and highest over all orders of adding the factors,
    each None where no order is possible.

    ``shapley``: the mean over all orders, with its 95% interval. ``stated``: in the paper's order, as measured;
    ``printed``: that step in the paper. ``n`` seeds.
    """

    factor: str
    metric: str
    low: float | None
    median: float | None = None
    high: float | None = None
    shapley: estimates.Estimate
    stated: float | None = None
    printed: float | None = None
    n: int = 0

    @property
    def range(self) -> tuple[float, float] | None:
        ends = estimates.finite((self.low, self.high))
        return (ends[0], ends[1]) if len(ends) == 2 else None

    @property
    def extent(self) -> list[float]:
        """Every number that has to be in view."""
        return estimates.finite((*(self.range or ()), self.median, *self.shapley.extent, self.stated, self.printed))


@style.look()
def paths(lines: Sequence[Apparent]) -> list[Figure]:
    """Factors and metrics in the order they first appear; a pair that is not given reads ``absent``."""
    if not lines:
        return []
    cells = {(line.factor, line.metric): line for line in lines}
    names, metrics = style.unique([line.factor for line in lines]), style.unique([line.metric for line in lines])
    signs = signs_of(lines)
    return [
        page(cells, [names[i] for i in few], [metrics[i] for i in columns], signs)
        for columns in style.pages(len(metrics), MOST_PANELS)
        for few in style.pages(len(names), row_frame.most_rows(signs))
    ]


def signs_of(lines: Sequence[Apparent]) -> list[Sign]:
    """The signs that are in use."""
    averages = [line.shapley for line in lines if not line.shapley.word]
    used = [
        (RANGE, any(line.range for line in lines)),
        (MEDIAN, bool(estimates.finite(line.median for line in lines))),
        (STATED, bool(estimates.finite(line.stated for line in lines))),
        (PRINTED, bool(estimates.finite(line.printed for line in lines))),
        (SHAPLEY, any(average.ends for average in averages)),
        (SINGLE, any(not average.ends for average in averages)),
        (NUMBERS, bool(averages)),
        (IMPOSSIBLE, any(not line.range for line in lines)),
    ]
    return [sign for sign, present in used if present] + seeds(line.n for line in lines)


def page(
    cells: dict[tuple[str, str], Apparent], names: Sequence[str], metrics: Sequence[str], signs: Sequence[Sign]
) -> Figure:
    limits = [
        ticks.span([0.0, *(value for line in cells.values() if line.metric == metric for value in line.extent)])
        for metric in metrics
    ]
    frame = row_frame.frame(names, metrics, limits, "what adding the factor changes", signs)
    for column, metric in enumerate(metrics):
        frame.panels[column].axvline(0, color=style.INK, linewidth=0.6, zorder=1)
        for line, name in enumerate(names):
            draw(frame, column, line, cells.get((name, metric)))
    return frame.figure


def draw(frame: row_frame.Frame, column: int, line: int, apparent: Apparent | None) -> None:
    if apparent is None:
        frame.word(column, line, estimates.word_of("not measured"))
        return
    axes = frame.panels[column]
    single(axes, apparent.stated, line - LANE, STATED, 4.0)
    single(axes, apparent.printed, line - LANE, PRINTED, 5.0)
    average(frame, column, line, apparent)
    if apparent.range is None:
        shown = estimates.finite((apparent.shapley.mean, apparent.stated, apparent.printed))
        frame.word(column, line, NO_ORDER, clear_of=shown[0] if shown else None)
        return
    y = line - LANE
    axes.plot(apparent.range, [y, y], "|-", color=style.GREY, linewidth=0.9, ms=4.5, mew=0.9, zorder=2)
    if apparent.median is not None:
        axes.plot([apparent.median], [y], "|", color=style.INK, ms=5.5, mew=1.3, zorder=3)
    if word := apparent.shapley.word:
        frame.number(column, line, word, style.WORD)


def average(frame: row_frame.Frame, column: int, line: int, apparent: Apparent) -> None:
    """The Shapley value, its interval and its number."""
    if apparent.shapley.word:
        return
    axes, y, ends = frame.panels[column], line + LANE, apparent.shapley.ends
    colour = style.BLUE if ends else style.GREY
    if ends:
        axes.plot(ends, [y, y], color=colour, linewidth=2.0, solid_capstyle="butt", zorder=2)
    fill = colour if ends else style.WHITE
    axes.plot([apparent.shapley.at], [y], "o" if ends else "s", ms=4.2, mfc=fill, mec=colour, mew=1.0, zorder=3)
    frame.number(column, line, format_signed(apparent.shapley.at), style.INK if ends else style.WORD)


def single(axes: Axes, value: float | None, y: float, sign: Sign, size: float) -> None:
    if estimates.finite([value]):
        fill = sign.colour if sign.filled else "none"
        axes.plot([value or 0.0], [y], sign.marker, ms=size, mfc=fill, mec=sign.colour, mew=0.9, zorder=4)
