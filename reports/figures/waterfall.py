"""From the base to the whole: what each factor adds along the paper's order, down the page."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures import estimates, row_frame, style, ticks
from reports.figures.legend import Sign, seeds
from reports.number_format import format_number, format_signed

MOST_PANELS = 3  # so many have room for numbers
LANE, DEEP = 0.14, 0.42  # of a row: what is measured stands so far above its middle, and a bar is so high
BELOW = 0.27  # of a row: what is printed stands so far below
FINAL = "final"

LEVEL = Sign(words="score", marker="o", colour=style.INK)
UP = Sign(words="step up", marker=">")
DOWN = Sign(words="step down", marker="<", colour=style.VERMILLION)
NONE = Sign(words="no step", marker="|", colour=style.INK)
INTERVAL = Sign(words="95% interval of the score", line="-", colour=style.INK)
SINGLE = Sign(words="no interval: one seed, or all alike")
PRINTED = Sign(words="printed score", marker="D", filled=False, colour=style.VERMILLION)
OFF = Sign(words="printed, for a row that is not exactly this combination", marker="x", colour=style.VERMILLION)
NUMBERS = Sign(words="numbers: at a dot the score, else the step")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Level:
    """The score in one metric once ``name`` is added: the base first, then each factor in the paper's order.

    ``printed``: the paper's score of the row that stands there; ``off``: that row is not exactly this combination.
    ``n`` seeds.
    """

    metric: str
    name: str
    score: estimates.Estimate
    printed: float | None = None
    off: bool = False
    n: int = 0

    @property
    def extent(self) -> list[float]:
        """Every number that has to be in view."""
        return [*self.score.extent, *estimates.finite([self.printed])]


Levels = Mapping[tuple[str, str], Level]


@style.look()
def waterfall(levels: Sequence[Level]) -> list[Figure]:
    """Names and metrics in the order they first appear; a level that is not given reads ``absent``. A step is drawn
    where the levels before and after it have scores; a level without a step before it is a dot."""
    if not levels:
        return []
    cells = {(level.name, level.metric): level for level in levels}
    names, metrics = style.unique([level.name for level in levels]), style.unique([level.metric for level in levels])
    signs = signs_of(cells, names, metrics)
    count = len(names) + (len(names) > 1)  # the last line is the final score
    return [
        page(cells, names, lines, [metrics[i] for i in columns], signs)
        for columns in style.pages(len(metrics), MOST_PANELS)
        for lines in style.pages(count, row_frame.most_rows(signs))
    ]


def signs_of(cells: Levels, names: Sequence[str], metrics: Sequence[str]) -> list[Sign]:
    """The signs that are in use."""
    pairs = [
        (cells.get((a, metric)), cells.get((b, metric))) for metric in metrics for a, b in itertools.pairwise(names)
    ]
    steps = [step for before, after in pairs if (step := step_of(before, after)) is not None]
    scores = [level.score for level in cells.values() if not level.score.word]
    printed = [level for level in cells.values() if estimates.finite([level.printed])]
    used = [
        (LEVEL, bool(scores)),
        (UP, any(step > 0 for step in steps)),
        (DOWN, any(step < 0 for step in steps)),
        (NONE, 0 in steps),
        (INTERVAL, any(score.ends for score in scores)),
        (SINGLE, any(not score.ends for score in scores)),
        (PRINTED, any(not level.off for level in printed)),
        (OFF, any(level.off for level in printed)),
        (NUMBERS, bool(steps)),
    ]
    return [sign for sign, present in used if present] + seeds(level.n for level in cells.values())


def step_of(before: Level | None, after: Level | None) -> float | None:
    """None where either has no score."""
    if before is None or after is None or before.score.word or after.score.word:
        return None
    return after.score.at - before.score.at


def page(
    cells: Levels, names: Sequence[str], lines: Sequence[int], metrics: Sequence[str], signs: Sequence[Sign]
) -> Figure:
    limits = [
        ticks.span([value for level in cells.values() if level.metric == metric for value in level.extent])
        for metric in metrics
    ]
    labels = [names[0], *(f"+ {name}" for name in names[1:]), FINAL]
    frame = row_frame.frame([labels[i] for i in lines], metrics, limits, "score", signs)
    for column, metric in enumerate(metrics):
        for line, index in enumerate(lines):
            final = index == len(names)
            level = cells.get((names[index - final], metric))
            before = cells.get((names[index - 1], metric)) if index else None
            draw(frame, (column, line), level, before, final)
    return frame.figure


def draw(frame: row_frame.Frame, at: tuple[int, int], level: Level | None, before: Level | None, final: bool) -> None:
    """A level: its score, the step to it and what is printed; the final score is the last level's again."""
    column, line = at
    axes = frame.panels[column]
    if level is None:
        frame.word(column, line, estimates.word_of("not measured"))
        return
    if not final:
        print_of(axes, line, level)
    if word := level.score.word:
        frame.word(column, line, word, clear_of=None if final else level.printed)
        return
    y = line - LANE
    if level.score.ends:
        axes.plot(level.score.ends, [y, y], color=style.INK, linewidth=0.8, solid_capstyle="butt", zorder=3)
    step = step_of(before, level)
    if before is not None and step is not None:
        axes.plot([before.score.at] * 2, [y - 1, y], color=style.GREY, linewidth=0.6, zorder=1)
    if final or before is None or step is None:
        axes.plot([level.score.at], [y], "o", ms=4.2, color=style.INK, zorder=4)
        frame.number(column, line, format_number(level.score.at))
        return
    sign = UP if step > 0 else DOWN if step < 0 else NONE
    axes.barh(y, step, left=before.score.at, height=DEEP, color=sign.colour, alpha=0.45, linewidth=0, zorder=2)
    axes.plot([level.score.at], [y], sign.marker, ms=4.2, mfc=sign.colour, mec=sign.colour, mew=0.9, zorder=4)
    frame.number(column, line, format_signed(step))


def print_of(axes: Axes, line: int, level: Level) -> None:
    if estimates.finite([level.printed]):
        sign = OFF if level.off else PRINTED
        fill = sign.colour if sign.filled else "none"
        y = line + BELOW
        axes.plot([level.printed or 0.0], [y], sign.marker, ms=3.6, mfc=fill, mec=sign.colour, mew=0.9, zorder=4)
