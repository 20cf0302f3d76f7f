"""Forest plot: what each row's change does to each metric, against the row it stands on."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from matplotlib.figure import Figure

from reports.figures import estimates, row_frame, style, ticks
from reports.figures.legend import Sign, seeds
from reports.number_format import format_number
from reports.suite_table.symbols import SIGNS

SUPPORTED = Sign(words="p < .05 after Holm", marker="o")
OPEN = Sign(words="not supported after Holm", marker="o", filled=False)
SINGLE = Sign(words="one seed, or all alike: no interval", marker="s", filled=False, colour=style.GREY)
PRINTED = Sign(words="printed in the paper", marker="D", filled=False, colour=style.VERMILLION)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Effect:
    """A row's mean paired difference from its base row in one metric, over ``n`` seeds, with its 95% interval.

    ``mean`` None: not run; NaN: constant answers; ``low`` and ``high`` None: a single seed, or nothing that varies.
    ``supported``: the Holm-adjusted interval excludes 0. ``printed``: the difference in the paper. ``confounded``: the
    row differs from its base on several axes.
    """

    row: str
    metric: str
    mean: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    supported: bool = False
    printed: float | None = None
    confounded: bool = False

    @property
    def estimate(self) -> estimates.Estimate:
        return estimates.Estimate(self.mean, self.low, self.high)


@style.look()
def forest(effects: Sequence[Effect], axis: str = "difference from the base row, 95% interval") -> list[Figure]:
    """Rows and metrics in the order they first appear; a pair that is not given reads ``absent``."""
    if not effects:
        return []
    cells = {(effect.row, effect.metric): effect for effect in effects}
    names, metrics = style.unique([e.row for e in effects]), style.unique([e.metric for e in effects])
    signs = signs_of(effects)
    return [
        page(cells, [names[i] for i in lines], [metrics[i] for i in columns], signs, axis)
        for columns in style.pages(len(metrics), row_frame.MOST_PANELS)
        for lines in style.pages(len(names), row_frame.most_rows(signs))
    ]


def signs_of(effects: Sequence[Effect]) -> list[Sign]:
    """The signs that are in use."""
    drawn = [effect for effect in effects if not effect.estimate.word]
    sided = [effect for effect in drawn if effect.estimate.ends]
    used = [
        (SUPPORTED, any(e.supported for e in sided)),
        (OPEN, any(not e.supported for e in sided)),
        (SINGLE, len(sided) < len(drawn)),
        (PRINTED, bool(estimates.finite(e.printed for e in effects))),
    ]
    signs = [sign for sign, present in used if present] + seeds(effect.n for effect in effects)
    if any(effect.confounded for effect in effects):
        signs.append(Sign(words=" ".join(SIGNS["confounded"])))
    return signs


def page(
    cells: dict[tuple[str, str], Effect],
    names: Sequence[str],
    metrics: Sequence[str],
    signs: Sequence[Sign],
    axis: str,
) -> Figure:
    limits = []
    for metric in metrics:
        of_metric = [effect for effect in cells.values() if effect.metric == metric]
        seen = [value for effect in of_metric for value in effect.estimate.extent]
        limits.append(ticks.span([0.0, *seen, *estimates.finite(effect.printed for effect in of_metric)]))
    confounded = {effect.row for effect in cells.values() if effect.confounded}
    sign = SIGNS["confounded"][0]
    labels = [f"{style.shorten(n, row_frame.NAME - 0.2, style.TEXT)} {sign}" if n in confounded else n for n in names]
    frame = row_frame.frame(labels, metrics, limits, axis, signs)
    for column, metric in enumerate(metrics):
        frame.panels[column].axvline(0, color=style.INK, linewidth=0.6, zorder=1)
        for line, name in enumerate(names):
            draw(frame, column, line, cells.get((name, metric)))
    return frame.figure


def draw(frame: row_frame.Frame, column: int, line: int, effect: Effect | None) -> None:
    axes = frame.panels[column]
    if effect is None:
        frame.word(column, line, estimates.word_of("not measured"))
        return
    if estimates.finite([effect.printed]):
        axes.plot(
            [effect.printed or 0.0], [line], "D", markersize=3.6, mfc="none", mec=style.VERMILLION, mew=0.9, zorder=4
        )
    if word := effect.estimate.word:
        frame.word(column, line, word, clear_of=effect.printed)
        return
    ends = effect.estimate.ends
    colour = style.BLUE if ends else style.GREY
    if ends:
        axes.plot(ends, [line, line], color=colour, linewidth=1.1, solid_capstyle="butt", zorder=2)
    filled = colour if ends and effect.supported else style.WHITE
    axes.plot(
        [effect.estimate.at], [line], "o" if ends else "s", markersize=4.2, mfc=filled, mec=colour, mew=1.0, zorder=3
    )
    frame.number(column, line, format_number(effect.estimate.at), style.INK if ends else style.WORD)
