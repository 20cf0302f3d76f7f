"""A study's trials in their order: what each was worth, and the best so far."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures import estimates, label_placement, legend, style, ticks

LEFT, TOP, HIGH, TICKS, EDGE = 0.5, 0.1, 2.3, 0.38, 0.06
WIDE = style.FULL - LEFT - 2 * EDGE
MANY = 80  # trials; above this their signs are smaller
NONE = "no trial has ended"

COMPLETE = legend.Sign(words="complete", marker="o")
PRUNED = legend.Sign(words="pruned, its best epoch until then", marker="v", filled=False, colour=style.GREY)
FAILED = legend.Sign(words="failed", marker="x", colour=style.INK)
EMPTY = legend.Sign(words="has no value", marker="+", colour=style.INK)
PAPER = legend.Sign(words="", marker="D", filled=False, colour=style.VERMILLION)
BEST = legend.Sign(words="the best", marker="*", colour=style.GREEN)
SO_FAR = legend.Sign(words="best complete trial so far", line="-")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shown:
    """A trial; ``value`` None or NaN: it has none. ``paper`` names the paper whose setting it is."""

    number: int
    state: Literal["complete", "pruned", "failed"]
    value: float | None
    paper: str = ""
    best: bool = False

    @property
    def sign(self) -> legend.Sign:
        if self.state == "failed":
            return FAILED
        if not estimates.finite([self.value]):
            return EMPTY
        return COMPLETE if self.state == "complete" else PRUNED

    @property
    def height(self) -> float | None:
        """Where it stands; None: below all others."""
        return None if self.sign in (FAILED, EMPTY) else self.value


@style.look()
def history(metric: str, shown: Sequence[Shown], so_far: Sequence[float]) -> Figure:
    """``so_far`` is the best after each of the trials, NaN where there is none yet."""
    signs = [*signs_of(shown), *([SO_FAR] if estimates.finite(so_far) else [])]
    under = TICKS + legend.height(signs, style.FULL - 2 * EDGE) + EDGE
    figure = style.sheet(style.FULL, TOP + HIGH + under)
    axes = style.panel(figure, LEFT, under, WIDE, HIGH)
    place = figure.dpi_scale_trans
    words = style.shorten(metric, HIGH)
    figure.text(0.12, under + HIGH / 2, words, transform=place, rotation=90, ha="center", va="center", fontsize=7)
    legend.draw(figure, signs, EDGE, under - TICKS, style.FULL - 2 * EDGE)
    if not shown:
        axes.set_xticks([])
        axes.set_yticks([])
        style.says(axes, NONE)
        return figure
    numbers = [float(trial.number) for trial in shown]
    ticks.whole(axes, numbers, WIDE)
    axes.set_xlabel("trial", fontsize=style.SMALL, labelpad=1)
    floor = upright(axes, shown, HIGH)
    axes.step([*numbers, axes.get_xlim()[1]], [*so_far, so_far[-1]], where="post", color=style.BLUE, lw=0.9, zorder=2)
    draw(axes, numbers, shown, floor)
    name(figure, axes, numbers, shown, floor)
    return figure


def papers(shown: Sequence[Shown]) -> tuple[str, ...]:
    """The papers in the order of their numbers."""
    return style.unique(trial.paper for trial in shown if trial.paper)


def signs_of(shown: Sequence[Shown]) -> list[legend.Sign]:
    """What the trials use, the papers with their numbers."""
    used = {trial.sign for trial in shown}
    signs = [sign for sign in (COMPLETE, PRUNED, FAILED, EMPTY) if sign in used]
    signs += [BEST] if any(trial.best for trial in shown) else []
    named = [f"{number} {paper}" for number, paper in enumerate(papers(shown), 1)]
    return signs + [dataclasses.replace(PAPER, words=f"{words}, the paper's setting") for words in named]


def upright(axes: Axes, shown: Sequence[Shown], high: float) -> float:
    """The scale of the values; what has none stands at the height that is returned, below all others."""
    low, top = ticks.span(estimates.finite(trial.height for trial in shown))
    strip = 0.14 / high * (top - low) if any(trial.height is None for trial in shown) else 0.0
    ticks.fit(axes, "y", (low - strip, top), high)
    return low - strip / 3


def draw(axes: Axes, places: Sequence[float | None], shown: Sequence[Shown], floor: float) -> None:
    """Each trial at its place; those whose place is None are left out."""
    spots = [
        (place, floor if trial.height is None else trial.height, trial)
        for place, trial in zip(places, shown, strict=True)
        if place is not None
    ]
    size = 3.6 if len(shown) <= MANY else 2.6
    for sign, order in ((PRUNED, 3.0), (EMPTY, 3.1), (FAILED, 3.1), (COMPLETE, 3.2)):
        mark(axes, [spot[:2] for spot in spots if spot[2].sign == sign], sign, size, order)
    mark(axes, [spot[:2] for spot in spots if spot[2].paper], PAPER, 6.0, 3.4)
    mark(axes, [spot[:2] for spot in spots if spot[2].best], BEST, 9.0, 3.6)


def mark(axes: Axes, spots: Sequence[tuple[float, float]], sign: legend.Sign, size: float, order: float) -> None:
    if not spots:
        return
    fill = sign.colour if sign.filled else "none"
    edge = style.WHITE if sign == BEST else sign.colour
    x, y = zip(*spots, strict=True)
    axes.plot(x, y, sign.marker, ms=size, mfc=fill, mec=edge, mew=0.5 if sign == BEST else 0.9, zorder=order)


def name(figure: Figure, axes: Axes, numbers: Sequence[float], shown: Sequence[Shown], floor: float) -> None:
    """The papers' numbers beside their trials."""
    named = papers(shown)
    spots = [
        ((place, floor if trial.height is None else trial.height), str(named.index(trial.paper) + 1))
        for place, trial in zip(numbers, shown, strict=True)
        if trial.paper
    ]
    label_placement.label(figure, axes, [spot for spot, _ in spots], [words for _, words in spots])
