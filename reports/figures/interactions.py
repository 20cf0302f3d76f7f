"""What changes do alone and together: for each metric a triangle of main effects and two-way interactions."""

from __future__ import annotations

import dataclasses
import itertools
import string
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from reports.figures import estimates, legend, style, ticks
from reports.figures.confusion import ink
from reports.number_format import format_number, format_signed

NAME = 2.0  # inches for the longest name
LEAST, WIDEST = 0.44, 0.62  # inches of a cell: below the least, fewer panels stand in a line
ONE, TWO = 0.27, 0.34  # inches of a cell's height: for one line of print, and for two
DEEP = 10  # factors; above this a cell has one line
SIZES = (style.SMALL, 6.5, 6.0)  # points, the largest that fits
BOLD = 1.12  # times as wide as the plain digits
TOP, LETTERS, BETWEEN, EDGE = 0.26, 0.2, 0.34, 0.06
DOT = 0.05  # inches from a supported cell's edges to its dot
BAR, LONG, UNDER = 0.09, 1.7, 0.36  # the colour bar: inches high, long, and with its ticks and air
SHARES = 41  # colours in the bar
SHADES = LinearSegmentedColormap.from_list("effects", [style.VERMILLION, style.WHITE, style.BLUE], N=257)

ALONE = legend.Sign(words="main effect, on minus off", marker="s", filled=False, colour=style.INK)
TOGETHER = legend.Sign(words="unframed: interaction, the difference of differences")
SUPPORTED = legend.Sign(words="and bold: Holm-adjusted interval excludes 0", marker=".", colour=style.INK)
MARGIN = legend.Sign(words="±: to the further end of the 95% interval")
SINGLE = legend.Sign(words="italic: no interval, one seed or all alike")
TANGLED = legend.Sign(words="hatched: this design cannot tell them apart")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cell:
    """In one metric, the interaction of two factors, in either order, or the main effect where they are the same.

    ``mean`` None: the design cannot tell it apart from others; NaN: constant answers. ``low`` and ``high`` are the
    ends of its 95% interval, None for a single seed and where nothing varies. ``supported``: the Holm-adjusted interval
    excludes 0.
    """

    metric: str
    one: str
    other: str
    mean: float | None
    low: float | None = None
    high: float | None = None
    supported: bool = False

    @property
    def estimate(self) -> estimates.Estimate:
        return estimates.Estimate(self.mean, self.low, self.high)

    @property
    def words(self) -> str:
        """What is written in it."""
        return "" if self.mean is None else estimates.word(self.mean) or format_signed(self.mean)

    @property
    def margin(self) -> str:
        """How far the interval goes, if there is one."""
        ends = self.estimate.ends
        return f"±{format_number(max(ends[1] - self.estimate.at, self.estimate.at - ends[0]))}" if ends else ""


Cells = dict[tuple[str, frozenset[str]], Cell]


@style.look()
def interactions(cells: Sequence[Cell]) -> list[Figure]:
    """At most 26 factors, and metrics, in the order they first appear; a pair that is not given reads ``absent``. All
    panels have one colour scale, also over pages. Numbers are left out where cells are too small for their print."""
    factors = style.unique(name for cell in cells for name in (cell.one, cell.other))
    metrics = style.unique(cell.metric for cell in cells)
    if not cells:
        return []
    by_pair = {(cell.metric, frozenset((cell.one, cell.other))): cell for cell in cells}
    signs = signs_of(cells, len(factors))
    plan = Plan.of(factors, metrics, cells)
    most = max(1, int((style.TALLEST - UNDER - EDGE - height_of(signs)) / plan.block)) * plan.columns
    limit = max((abs(value) for value in estimates.finite(cell.mean for cell in cells)), default=0.0)
    limit = limit or ticks.NARROWEST / 2
    colours = Normalize(-limit, limit)
    return [
        page(by_pair, factors, [metrics[i] for i in few], plan, (colours, signs))
        for few in style.pages(len(metrics), most)
    ]


def signs_of(cells: Sequence[Cell], count: int) -> list[legend.Sign]:
    """The signs that are in use."""
    drawn = [cell for cell in cells if not cell.estimate.word]
    used = [
        (ALONE, any(cell.one == cell.other for cell in cells)),
        (TOGETHER, any(cell.one != cell.other for cell in cells)),
        (SUPPORTED, any(cell.supported for cell in drawn)),
        (MARGIN, count <= DEEP and any(cell.margin for cell in drawn)),
        (SINGLE, any(not cell.margin for cell in drawn)),
        (TANGLED, any(cell.mean is None for cell in cells)),
    ]
    return [sign for sign, present in used if present]


def height_of(signs: Sequence[legend.Sign]) -> float:
    return legend.height(signs, style.FULL - 2 * EDGE) + EDGE


@dataclasses.dataclass(frozen=True)
class Plan:
    """How a page is divided, in inches: ``columns`` panels a line, each in a ``slot``, after names up to ``left``; a
    cell is ``wide`` by ``high`` with print of ``size`` points, None where none fits."""

    columns: int
    left: float
    slot: float
    wide: float
    high: float
    block: float
    size: float | None

    @classmethod
    def of(cls, factors: Sequence[str], metrics: Sequence[str], cells: Sequence[Cell]) -> Plan:
        count = len(factors)
        longest = max(style.width_of(label(i, name), style.TEXT) for i, name in enumerate(factors))
        left = EDGE + min(NAME, longest) + 0.08
        title = max(style.width_of(metric, style.TITLE) for metric in metrics)
        room = style.FULL - EDGE - left + BETWEEN
        most = max(1, int(room / (max(LEAST * count, min(title, 1.2)) + BETWEEN)))
        columns = -(-len(metrics) // -(-len(metrics) // most))
        slot = room / columns - BETWEEN
        wide = min(WIDEST, slot / count)
        high = TWO if count <= DEEP and any(cell.margin for cell in cells) else ONE
        prints = [cell.words for cell in cells] + [cell.margin for cell in cells if high == TWO]
        inches = max(map(style.width_of, prints), default=0.0) * BOLD
        size = next((size for size in SIZES if inches * size / style.SMALL <= wide - 0.05), None)
        slot = min(slot, max(wide * count, title + 0.05))
        return cls(columns, left, slot, wide, high, TOP + high * count + LETTERS, size)


def label(place: int, name: str) -> str:
    return f"{string.ascii_uppercase[place]} {name}"


def page(
    by_pair: Cells,
    factors: Sequence[str],
    metrics: Sequence[str],
    plan: Plan,
    shown: tuple[Normalize, Sequence[legend.Sign]],
) -> Figure:
    colours, signs = shown
    lines, count = -(-len(metrics) // plan.columns), len(factors)
    under = UNDER + height_of(signs)
    figure = style.sheet(style.FULL, under + lines * plan.block)
    names = [style.shorten(label(i, name), plan.left - EDGE - 0.07, style.TEXT) for i, name in enumerate(factors)]
    for index, metric in enumerate(metrics):
        line, column = divmod(index, plan.columns)
        left = plan.left + column * (plan.slot + BETWEEN)
        bottom = under + (lines - 1 - line) * plan.block + LETTERS
        axes = style.panel(figure, left, bottom, plan.wide * count, plan.high * count)
        frame(axes, names, column == 0)
        title = style.shorten(metric, plan.slot + BETWEEN - 0.06, style.TITLE)
        axes.set_title(title, loc="left", pad=4)
        for row, one in enumerate(factors):
            for other in range(row + 1):
                cell = by_pair.get((metric, frozenset((one, factors[other]))))
                draw(axes, (other, row), cell, plan, colours)
    bar(figure, colours, under - 0.06)
    legend.draw(figure, signs, EDGE, height_of(signs), style.FULL - 2 * EDGE)
    return figure


def frame(axes: Axes, names: Sequence[str], first: bool) -> None:
    """Rows named in the first panel of a line, lettered in the others; columns are lettered."""
    count = len(names)
    letters = [name[0] for name in names]
    axes.set_xlim(-0.5, count - 0.5)
    axes.set_ylim(count - 0.5, -0.5)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xticks(range(count), letters)
    axes.set_yticks(range(count), names if first else letters, fontsize=style.TEXT if first else style.SMALL)


def draw(axes: Axes, at: tuple[int, int], cell: Cell | None, plan: Plan, colours: Normalize) -> None:
    """A cell at its column and row."""
    x, y = at
    shade = (1.0, 1.0, 1.0, 1.0)
    hatch = "//////" if cell is not None and cell.mean is None else None
    if cell is not None and not cell.estimate.word:
        shade = SHADES(colours(cell.estimate.at))
    edge = style.GREY if hatch else style.FAINT
    wide, high = 1 - 0.03 / plan.wide, 1 - 0.03 / plan.high
    corner = (x - wide / 2, y - high / 2)
    axes.add_patch(Rectangle(corner, wide, high, facecolor=shade, edgecolor=edge, hatch=hatch, linewidth=0.5))
    if x == y:
        axes.add_patch(Rectangle(corner, wide, high, fill=False, edgecolor=style.INK, linewidth=1.1))
    if plan.size is not None:
        write(axes, at, cell, plan, ink(*shade[:3]))
    if cell is not None and cell.supported and not cell.estimate.word:
        dot = (x + 0.5 - DOT / plan.wide, y - 0.5 + DOT / plan.high)
        axes.plot(*dot, "o", ms=2.4, mew=0, color=ink(*shade[:3]), zorder=4)


def write(axes: Axes, at: tuple[int, int], cell: Cell | None, plan: Plan, colour: str) -> None:
    """The number and, in a high cell, how far its interval goes; or the word in their place."""
    x, y = at
    margin = cell.margin if cell is not None and plan.high == TWO else ""
    up = 0.065 / plan.high if margin else 0.0
    words = estimates.word_of("not measured") if cell is None else cell.words
    shown = axes.text(x, y - up, words, ha="center", va="center_baseline", fontsize=plan.size, color=colour)
    if cell is None or not cell.margin:
        shown.set(fontstyle="italic")
    elif cell.supported:
        shown.set(fontweight="bold")
    if margin:
        axes.text(x, y + up, margin, ha="center", va="center_baseline", fontsize=plan.size, color=colour)


def bar(figure: Figure, colours: Normalize, top: float) -> None:
    """What the colours say."""
    low, high = float(colours.vmin or 0.0), float(colours.vmax or 0.0)
    axes = style.panel(figure, EDGE + 0.1, top - BAR, LONG, BAR)
    edges = [low + (high - low) * i / SHARES for i in range(SHARES + 1)]
    for start, stop in itertools.pairwise(edges):
        shade = SHADES(colours((start + stop) / 2))
        axes.add_patch(Rectangle((start, 0), stop - start, 1, facecolor=shade, edgecolor=shade, linewidth=0.3))
    axes.set_ylim(0, 1)
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    ticks.fit(axes, "x", (low, high), LONG)
    style.write(figure, EDGE + 0.1 + LONG + 0.15, top - BAR / 2, "what it adds to the score")
