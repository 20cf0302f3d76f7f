"""Generalisation gap: training and dev scores of each row, and the distance between them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from matplotlib.figure import Figure

from reports.figures import estimates, row_frame, style, ticks
from reports.figures.estimates import Estimate
from reports.figures.legend import Sign, seeds
from reports.number_format import format_number

SIGNS = (
    Sign(words="train", marker="o", filled=False, colour=style.VERMILLION),
    Sign(words="dev", marker="o"),
    Sign(words="95% interval over seeds", line="-", colour=style.GREY),
)
NUMBER = Sign(words="Numbers: train minus dev.")
APART = 0.17  # of a row: train's interval above, dev's below


@dataclasses.dataclass(frozen=True, kw_only=True)
class Gap:
    """A row's training and dev scores in one metric over ``n`` seeds."""

    row: str
    metric: str
    train: Estimate
    dev: Estimate
    n: int = 0


@style.look()
def gap(gaps: Sequence[Gap]) -> list[Figure]:
    """Rows and metrics in the order they first appear; a pair that is not given reads ``absent``."""
    if not gaps:
        return []
    cells = {(cell.row, cell.metric): cell for cell in gaps}
    names, metrics = style.unique([g.row for g in gaps]), style.unique([g.metric for g in gaps])
    signs = [*SIGNS, *seeds(cell.n for cell in gaps)]
    return [
        page(cells, [names[i] for i in lines], [metrics[i] for i in columns], signs)
        for columns in style.pages(len(metrics), row_frame.MOST_PANELS)
        for lines in style.pages(len(names), row_frame.most_rows([*signs, NUMBER]))
    ]


def page(
    cells: dict[tuple[str, str], Gap], names: Sequence[str], metrics: Sequence[str], signs: Sequence[Sign]
) -> Figure:
    limits = []
    for metric in metrics:
        of_metric = [cell for cell in cells.values() if cell.metric == metric]
        limits.append(ticks.span([v for cell in of_metric for v in (*cell.train.extent, *cell.dev.extent)]))
    shown = [*signs, NUMBER] if len(metrics) <= 3 else signs
    frame = row_frame.frame(names, metrics, limits, "score", shown)
    for column, metric in enumerate(metrics):
        for line, name in enumerate(names):
            draw(frame, column, line, cells.get((name, metric)))
    return frame.figure


def draw(frame: row_frame.Frame, column: int, line: int, cell: Gap | None) -> None:
    if cell is None:
        frame.word(column, line, estimates.word_of("not measured"))
        return
    train, dev = cell.train, cell.dev
    if train.word and dev.word:
        frame.word(column, line, train.word if train.word == dev.word else f"{train.word} / {dev.word}")
        return
    axes = frame.panels[column]
    if train.word or dev.word:
        frame.word(column, line, train.word or dev.word, clear_of=dev.at if train.word else train.at)
    else:
        axes.plot([train.at, dev.at], [line, line], color=style.INK, linewidth=0.7, zorder=1)
        frame.number(column, line, format_number(train.at - dev.at))
    for estimate, colour, offset in ((train, style.VERMILLION, -APART), (dev, style.BLUE, APART)):
        if estimate.word:
            continue
        if estimate.ends:
            axes.plot(estimate.ends, [line + offset] * 2, color=colour, linewidth=0.9, alpha=0.75, zorder=2)
        fill = style.WHITE if estimate is train else colour
        axes.plot([estimate.at], [line], "o", markersize=4.2, mfc=fill, mec=colour, mew=1.0, zorder=3)
