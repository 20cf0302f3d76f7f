"""A study's values against each of its parameters, and beside some of them how much a regularizer pulls."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from reports.figures import estimates, label_placement, legend, style, ticks, trial_history
from reports.figures.trial_history import Shown

COLUMNS, PAGE = 3, 12  # panels in a line, on a page
LEFT, TITLE, HIGH, TICKS, EDGE = 0.53, 0.34, 1.2, 0.26, 0.06
CELL = (style.FULL - EDGE) / COLUMNS
WIDTH = CELL - LEFT
APART = 0.05  # inches between the papers' numbers over a panel
PRINTED = legend.Sign(words="where the papers' settings are", line="--", colour=style.VERMILLION)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Slice:
    """A parameter's range, and its value in each trial (None: not in that one). ``shares`` are |grad penalty| /
    |grad loss| of the regularizer that the parameter scales, which ``pull`` names."""

    parameter: str
    low: float
    high: float
    log: bool
    whole: bool
    at: tuple[float | None, ...]
    pull: str = ""
    shares: tuple[float | None, ...] = ()


class Cell(NamedTuple):
    """A panel: its line and column, and what it shows."""

    line: int
    column: int
    parameter: Slice
    pulls: bool


@style.look()
def slices(metric: str, shown: Sequence[Shown], parameters: Sequence[Slice], inert: float) -> list[Figure]:
    """As many figures as the panels need. Shares below ``inert`` are called so. All panels of values have one scale,
    and so have those of shares."""
    signs = [*trial_history.signs_of(shown), *([PRINTED] if trial_history.papers(shown) else [])]
    if any(each.pull for each in parameters):
        signs.append(
            legend.Sign(words=f"a penalty below {inert:g} of the loss's gradient is inert", line=":", colour=style.INK)
        )
    shares = [share for each in parameters for share in each.shares]
    return [page(metric, shown, list(cells(few)), signs, (shares, inert)) for few in paged(parameters)]


def paged(parameters: Sequence[Slice]) -> Iterator[list[Slice]]:
    """The parameters with shares first, on pages of at most ``PAGE`` panels."""
    batch: list[Slice] = []
    for each in sorted(parameters, key=plain):
        if sum(1 + bool(one.pull) for one in (*batch, each)) > PAGE:
            yield batch
            batch = []
        batch.append(each)
    if batch:
        yield batch


def plain(parameter: Slice) -> bool:
    return not parameter.pull


def cells(parameters: Sequence[Slice]) -> Iterator[Cell]:
    """A place for each panel: a parameter's shares stand under its values, the others fill the lines."""
    occupied: set[tuple[int, int]] = set()
    for each in parameters:
        places = (divmod(place, COLUMNS) for place in itertools.count())
        line, column = next(place for place in places if place not in occupied)
        yield Cell(line, column, each, False)
        occupied.add((line, column))
        if each.pull:
            yield Cell(line + 1, column, each, True)
            occupied.add((line + 1, column))


def page(
    metric: str,
    shown: Sequence[Shown],
    drawn: Sequence[Cell],
    signs: Sequence[legend.Sign],
    limit: tuple[Sequence[float | None], float],
) -> Figure:
    lines = 1 + max(cell.line for cell in drawn)
    under = EDGE + legend.height(signs, style.FULL - 2 * EDGE) + EDGE
    block = TITLE + HIGH + TICKS
    figure = style.sheet(style.FULL, under + lines * block)
    legend.draw(figure, signs, EDGE, under - EDGE, style.FULL - 2 * EDGE)
    for cell in drawn:
        left, bottom = cell.column * CELL + LEFT, under + (lines - 1 - cell.line) * block + TICKS
        axes = style.panel(figure, left, bottom, WIDTH, HIGH)
        across(axes, cell.parameter)
        if cell.pulls:
            words, unit = f"{cell.parameter.pull} by {cell.parameter.parameter}", "share of gradient"
            pulled(axes, shown, cell.parameter, limit)
        else:
            words, unit = cell.parameter.parameter, metric
            trial_history.draw(axes, cell.parameter.at, shown, trial_history.upright(axes, shown, HIGH))
        axes.set_title(style.shorten(words, WIDTH + 0.2, style.TEXT), fontsize=style.TEXT, pad=11)
        place = figure.dpi_scale_trans
        label = style.shorten(unit, HIGH + 0.1)
        middle = bottom + HIGH / 2
        figure.text(left - 0.43, middle, label, transform=place, rotation=90, ha="center", va="center", fontsize=7)
        printed(axes, shown, cell.parameter)
    return figure


def across(axes: Axes, parameter: Slice) -> None:
    """The parameter's scale."""
    low, high = parameter.low, parameter.high
    if parameter.log:
        axes.set_xscale("log")
        air = (high / low) ** 0.05 if high > low else 2.0
        axes.set_xlim(low / air, high * air)
        axes.xaxis.set_minor_locator(NullLocator())
        at, names = decades(*axes.get_xlim(), WIDTH)
        axes.set_xticks(at, names)
        return
    if parameter.whole:
        ticks.whole(axes, [low, high], WIDTH)
        return
    air = 0.05 * (high - low) or 0.5
    ticks.fit(axes, "x", (low - air, high + air), WIDTH)


def decades(low: float, high: float, inches: float, upright: bool = False) -> tuple[list[float], list[str]]:
    """Powers of ten between the limits, or 1, 2 and 5 times them where there are few; as many as have room."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    whole = [10.0**power for power in range(first, last + 1) if low <= 10.0**power <= high]
    finer = [m * 10.0**power for power in range(first, last + 1) for m in (1, 2, 5) if low <= m * 10.0**power <= high]
    every = whole if len(whole) > 2 else finer or [math.sqrt(low * high)]
    names = [short(value) for value in every]
    size = 0.13 if upright else max(map(style.width_of, names)) + 0.08
    spread = math.log(every[-1] / every[0]) / math.log(high / low) * inches
    skip = max(1, math.ceil(size * (len(every) - 1) / spread)) if spread else 1
    return every[::skip], names[::skip]


def short(value: float) -> str:
    """As few signs as tell it: 1e-5, .002, 30."""
    plain, (digits, _, power) = f"{value:.3g}", f"{value:.2e}".partition("e")
    if "e" not in plain and abs(value) >= 0.01:
        return plain.removeprefix("0") if value < 1 else plain
    return f"{digits.rstrip('0').rstrip('.')}e{int(power)}" if value else "0"


def pulled(axes: Axes, shown: Sequence[Shown], parameter: Slice, limit: tuple[Sequence[float | None], float]) -> None:
    """Shares on a log scale; those that are 0 stand on its lowest line."""
    every, inert = limit
    positive = [share for share in estimates.finite(every) if share > 0]
    low, high = min([inert / 3, *positive]), max([inert * 3, *positive])
    zero = low / (high / low) ** 0.15 if any(share == 0 for share in every) else None
    axes.set_yscale("log")
    axes.set_ylim((zero or low) / (high / low) ** 0.07, high * (high / low) ** 0.07)
    axes.yaxis.set_minor_locator(NullLocator())
    at, names = decades(low, high, HIGH, upright=True)
    axes.set_yticks([*at, *([zero] if zero else [])], [*names, *(["0"] if zero else [])])
    axes.axhline(inert, color=style.INK, linewidth=0.8, linestyle=":", zorder=2)
    measured = [
        dataclasses.replace(trial, value=None if share is None else share or zero)
        for trial, share in zip(shown, parameter.shares, strict=True)
    ]
    places = [
        place if estimates.finite([trial.value]) and trial.state != "failed" else None
        for place, trial in zip(parameter.at, measured, strict=True)
    ]
    trial_history.draw(axes, places, measured, low)
    if not estimates.finite(parameter.shares):
        style.says(axes, estimates.word_of("not measured"))


def printed(axes: Axes, shown: Sequence[Shown], parameter: Slice) -> None:
    """The papers' values as dashed lines, their numbers above; one label for lines that stand close together."""
    marked = trial_history.papers(shown)
    trials_at: dict[float, list[int]] = {}
    for trial, value in zip(shown, parameter.at, strict=True):
        if trial.paper and value is not None:
            trials_at.setdefault(value, []).append(marked.index(trial.paper) + 1)
    inches = axes.transData + axes.transAxes.inverted()
    over: list[Over] = []
    for value in sorted(trials_at):
        axes.axvline(value, color=style.VERMILLION, linewidth=0.8, linestyle="--", zorder=1)
        place = float(inches.transform((value, axes.get_ylim()[0]))[0]) * WIDTH
        over.append(Over(place, place, frozenset(trials_at[value])))
        while len(over) > 1 and over[-1].left - over[-2].right < APART:
            last, before = over.pop(), over.pop()
            over.append(Over(before.first, last.last, before.numbers | last.numbers))
    for each in over:
        place = (each.left + each.right) / 2 / WIDTH
        axes.text(place, 1.02, each.words, transform=axes.transAxes, ha="center", va="bottom", fontsize=style.SMALL)


@dataclasses.dataclass(frozen=True)
class Over:
    """The numbers over lines that stand close together, the first and the last of them so many inches from the
    panel's left."""

    first: float
    last: float
    numbers: frozenset[int]

    @property
    def words(self) -> str:
        return label_placement.ranges(sorted(self.numbers))

    @property
    def left(self) -> float:
        """Of the numbers, which stand no further out than the panel and a little more."""
        wide = style.width_of(self.words)
        return max(-ticks.OUT, min((self.first + self.last - wide) / 2, WIDTH + ticks.OUT / 2 - wide))

    @property
    def right(self) -> float:
        return self.left + style.width_of(self.words)
