"""What a search finds for its budget: an arm is a line, the measured cost below."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reports.figures import estimates, legend, style
from reports.figures import ticks as scales

LEFT, TOP, HIGH, TICKS, EDGE = 0.5, 0.1, 2.5, 0.38, 0.06
WIDE = style.FULL - LEFT - 2 * EDGE
PAGE = 6  # arms
COLOURS = (style.BLUE, style.VERMILLION, style.GREEN)
DASHES: tuple[style.Dash, ...] = ("-", "--")
LOOKS = tuple((colour, dash) for dash in DASHES for colour in COLOURS)
REACH = legend.Sign(words="as far as every arm went", line=":", colour=style.GREY)


@dataclasses.dataclass(frozen=True, kw_only=True)
class StudyRun:
    """The best value by cost, in the costs' order; NaN where there is none yet. ``low`` and ``high`` are its range
    over repetitions. ``steps``: between two costs it stays what it was; else it is a line. ``says`` how it was
    found."""

    name: str
    says: str
    costs: tuple[float, ...] = ()
    values: tuple[float, ...] = ()
    low: tuple[float, ...] | None = None
    high: tuple[float, ...] | None = None
    steps: bool = False

    @property
    def extent(self) -> list[float]:
        return estimates.finite((*self.values, *(self.low or ()), *(self.high or ())))


@style.look()
def budget(metric: str, unit: str, arms: Sequence[StudyRun]) -> list[Figure]:
    """Six arms a figure, on the same scales."""
    vertical = scales.span([value for arm in arms for value in arm.extent])
    drawn = [arm for arm in arms if arm.extent]
    ends = [arm.costs[-1] for arm in drawn]
    reach = min(ends) if len(ends) > 1 and min(ends) < max(ends) else None
    return [
        page(metric, unit, [arms[i] for i in few], (vertical, max(ends, default=0.0) or 1.0, reach))
        for few in style.pages(len(arms), PAGE)
        if len(few)
    ]


def page(
    metric: str, unit: str, arms: Sequence[StudyRun], limits: tuple[tuple[float, float], float, float | None]
) -> Figure:
    vertical, most, reach = limits
    signs = signs_of(arms, reach is not None)
    under = TICKS + legend.height(signs, style.FULL - 2 * EDGE) + EDGE
    figure = style.sheet(style.FULL, TOP + HIGH + under)
    axes = style.panel(figure, LEFT, under, WIDE, HIGH)
    words, place = style.shorten(f"best {metric}", HIGH), figure.dpi_scale_trans
    figure.text(0.12, under + HIGH / 2, words, transform=place, rotation=90, ha="center", va="center", fontsize=7)
    legend.draw(figure, signs, EDGE, under - TICKS, style.FULL - 2 * EDGE)
    if not any(arm.extent for arm in arms):
        axes.set_xticks([])
        axes.set_yticks([])
        style.says(axes, "no arm has a value")
        return figure
    scales.fit(axes, "y", vertical, HIGH)
    amounts(axes, most)
    axes.set_xlabel(f"spent, {unit}", fontsize=style.SMALL, labelpad=1)
    if reach is not None:
        axes.axvline(reach, color=style.GREY, linewidth=0.8, linestyle=":", zorder=1)
    for arm, (colour, dash) in zip(arms, LOOKS, strict=False):
        draw(axes, arm, colour, dash)
    return figure


def signs_of(arms: Sequence[StudyRun], reach: bool) -> list[legend.Sign]:
    signs = [
        legend.Sign(words=f"{arm.name}: {arm.says if arm.extent else 'no value yet'}", line=dash, colour=colour)
        for arm, (colour, dash) in zip(arms, LOOKS, strict=False)
    ]
    return signs + [REACH] * reach


def draw(axes: Axes, arm: StudyRun, colour: str, dash: style.Dash) -> None:
    how = "steps-post" if arm.steps else "default"
    axes.plot(arm.costs, arm.values, linestyle=dash, color=colour, drawstyle=how, zorder=3)
    axes.plot(arm.costs[-1:], arm.values[-1:], "o", markersize=3, color=colour, zorder=3)  # where it ends
    if arm.low and arm.high:
        between: Literal["post"] | None = "post" if arm.steps else None
        axes.fill_between(arm.costs, arm.low, arm.high, color=colour, alpha=0.2, linewidth=0, step=between, zorder=2)


def amounts(axes: Axes, most: float) -> None:
    """A scale of costs from 0, with as many ticks as have room."""
    high = most * 1.03
    axes.set_xlim(0, high)
    for ticks in (6, 5, 4, 3, 2, 1):
        every = MaxNLocator(ticks, steps=[1, 2, 2.5, 5, 10]).tick_values(0, high)
        inside = [float(value) for value in every if within(float(value), high)]
        names = list(map(amount, inside))
        gaps = [(b - a) / high * WIDE for a, b in itertools.pairwise(inside)]
        if max(map(style.width_of, names)) + 0.15 <= min(gaps, default=WIDE):
            axes.set_xticks(inside, names)
            return


def amount(value: float) -> str:
    return f"{value:,.12g}"


def within(value: float, high: float) -> bool:
    """Whether its number does not stand out of the panel."""
    return scales.fits(value / high * WIDE, style.width_of(amount(value)), WIDE)
