"""Our scores against the printed ones, a panel a metric: on the diagonal they agree."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures import label_placement, legend, style, ticks
from reports.figures.estimates import Estimate, finite
from reports.number_format import format_number

PAGE, COLUMNS = 4, 2  # panels
SIDE, LEFT, TOP, TICKS, EDGE = 2.15, 0.5, 0.24, 0.36, 0.06
SIGNS = (
    legend.Sign(words="ours, 95% interval over seeds", marker="o", line="-"),
    legend.Sign(words="no interval", marker="o", filled=False, colour=style.GREY),
    legend.Sign(words="ours = printed", line="--", colour=style.GREY),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Printed:
    """A row's score in one metric: as printed (None: not printed) and ours."""

    row: str
    metric: str
    printed: float | None
    ours: Estimate


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tau:
    """Kendall's rank correlation between printed and ours, with its 95% interval."""

    value: float
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        ends = (
            f" [{format_number(self.low)}, {format_number(self.high)}]"
            if self.low is not None and self.high is not None
            else ""
        )
        return f"τ = {format_number(self.value)}{ends}"


@dataclasses.dataclass(frozen=True)
class Panel:
    """What one metric's panel shows: numbered points, and in words those it cannot show."""

    metric: str
    points: tuple[tuple[int, float, Estimate], ...]  # row number, printed, ours
    note: tuple[str, ...]  # lines


@style.look()
def printed(cells: Sequence[Printed], taus: Mapping[str, Tau] | None = None) -> list[Figure]:
    """Rows are numbered in the order they first appear; a figure holds four metrics. ``taus`` by metric."""
    names = style.unique([cell.row for cell in cells])
    metrics = style.unique([cell.metric for cell in cells])
    figures = [of(metric, names, cells) for metric in metrics]
    fits = all(
        Plan.of([figures[i] for i in few], names).height <= style.TALLEST for few in style.pages(len(figures), PAGE)
    )
    sheets = style.pages(len(figures), PAGE if fits else COLUMNS)
    return [page([figures[i] for i in few], names, taus or {}) for few in sheets if few]


@dataclasses.dataclass(frozen=True)
class Plan:
    """How a page is divided, in inches: ``block`` a panel with its title and notes, ``under`` the key below; ``aside``
    the key stands in the free quarter instead; ``columns`` of the key."""

    lines: int
    block: float
    under: float
    aside: bool
    columns: int

    @property
    def height(self) -> float:
        return self.lines * self.block + self.under

    @classmethod
    def of(cls, panels: Sequence[Panel], names: Sequence[str]) -> Plan:
        lines = -(-len(panels) // COLUMNS)
        block = TOP + SIDE + TICKS + max((len(panel.note) for panel in panels), default=0) * style.LINE + 0.05
        signs = legend.height(SIGNS, style.FULL - 2 * EDGE) + EDGE
        if len(panels) == 1:
            return cls(1, max(block, TOP + legend.numbered_height(len(names), 1)), signs, True, 1)
        if len(panels) % 2 and legend.numbered_height(len(names), 1) <= block - TOP:
            return cls(lines, block, signs, True, 1)
        long = any(style.width_of(name) > 1.75 for name in names)
        two, three = (signs + legend.numbered_height(len(names), columns) + 0.12 for columns in (2, 3))
        if long and lines * block + two <= style.TALLEST:
            return cls(lines, block, two, False, 2)
        return cls(lines, block, three, False, 3)


def of(metric: str, names: Sequence[str], cells: Sequence[Printed]) -> Panel:
    mine = {cell.row: cell for cell in cells if cell.metric == metric}
    points, why = [], dict[str, list[int]]()
    for index, name in enumerate(names, 1):
        cell = mine.get(name)
        if cell is not None and cell.printed is not None and finite([cell.printed]) and not cell.ours.word:
            points.append((index, cell.printed, cell.ours))
        else:
            unprinted = cell is None or not finite([cell.printed])
            why.setdefault("not printed" if cell is None or unprinted else cell.ours.word, []).append(index)
    words = "; ".join(
        f"{word}: {label_placement.ranges(numbers)}".replace("not ", "not\u00a0") for word, numbers in why.items()
    )
    return Panel(metric, tuple(points), tuple(style.wrap(words, SIDE + 0.3)))


def page(panels: Sequence[Panel], names: Sequence[str], taus: Mapping[str, Tau]) -> Figure:
    plan = Plan.of(panels, names)
    figure = style.sheet(style.FULL, plan.height)
    cell = style.FULL / COLUMNS
    for index, panel in enumerate(panels):
        line, column = divmod(index, COLUMNS)
        left, top = column * cell, plan.under + (plan.lines - line) * plan.block
        axes = style.panel(figure, left + LEFT, top - TOP - SIDE, SIDE, SIDE)
        fill(figure, axes, panel)
        title = f"{panel.metric}   {taus[panel.metric]}" if panel.metric in taus else panel.metric
        axes.set_title(style.shorten(title, SIDE + 0.4, style.TITLE), pad=4)
        for depth, note in enumerate(panel.note):
            y = top - TOP - SIDE - TICKS - (depth + 0.3) * style.LINE
            style.write(figure, left + LEFT - 0.3, y, note, colour=style.WORD)
    if plan.aside:
        legend.numbered(figure, names, cell + 0.2, plan.under + plan.block - TOP, cell - 0.2, 1)
    else:
        top = plan.under - 0.06
        legend.numbered(figure, names, EDGE, top, style.FULL - EDGE, plan.columns)
    signs = legend.height(SIGNS, style.FULL - 2 * EDGE)
    legend.draw(figure, SIGNS, EDGE, EDGE + signs, style.FULL - 2 * EDGE)
    return figure


def fill(figure: Figure, axes: Axes, panel: Panel) -> None:
    seen = [value for _, x, ours in panel.points for value in (x, *ours.extent)]
    limits = ticks.span(seen, 0.1)
    ticks.fit(axes, "x", limits, SIDE)
    ticks.fit(axes, "y", limits, SIDE)
    axes.set_xlabel("printed", fontsize=style.SMALL, labelpad=1)
    axes.set_ylabel("ours", fontsize=style.SMALL, labelpad=2)
    if not panel.points:
        style.says(axes, "no row to compare")
        return
    axes.plot(limits, limits, color=style.GREY, linewidth=0.7, linestyle="--", zorder=1)
    for _, x, ours in panel.points:
        colour = style.BLUE if ours.ends else style.GREY
        if ours.ends:
            axes.plot([x, x], ours.ends, color=colour, linewidth=0.9, zorder=2)
        fill = colour if ours.ends else style.WHITE
        axes.plot([x], [ours.at], "o", markersize=3.8, mec=colour, mfc=fill, mew=1.0, zorder=3)
    spots = [(x, ours.at) for _, x, ours in panel.points]
    label_placement.label(figure, axes, spots, [str(index) for index, _, _ in panel.points])
