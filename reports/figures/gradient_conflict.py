"""Gradient conflict between the tasks over training: how often, and the cosine of the gradients."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures import estimates, small_multiples, style, ticks
from reports.figures.estimates import Band
from reports.figures.learning_curves import Spread
from reports.figures.legend import Sign, seeds

PAGE = 9  # rows
HIGH = 0.72  # inches
UNITS = ("share", "cosine")
ABSENT = "No row measured gradient conflict."


@dataclasses.dataclass(frozen=True, kw_only=True)
class Conflict:
    """A row's share of conflicting gradient pairs (0 to 1) and their mean cosine (-1 to 1) by epoch. None: not
    measured."""

    row: str
    share: Band | None = None
    cosine: Band | None = None
    n: int = 0


@style.look()
def conflict(lines: Sequence[Conflict], spread: Spread = "min to max over seeds") -> list[Figure] | None:
    """A figure for every nine rows; None where no row has either signal: then ``ABSENT`` is what there is to say."""
    every = [band for line in lines for band in (line.share, line.cosine) if band is not None and band.epochs]
    if not every:
        return None
    shares = [value for line in lines if line.share for value in line.share.extent]
    cosines = [value for line in lines if line.cosine for value in line.cosine.extent]
    vertical = (ticks.span([0.0, *shares]), ticks.span([0.0, *cosines]))
    signs = [
        Sign(words="share of steps or pairs in conflict", line="-", colour=style.VERMILLION),
        Sign(words="mean cosine between task gradients", line="--", colour=style.GREEN),
    ]
    if any(band.low for band in every):
        signs.append(Sign(words=spread, band=True, colour=style.INK))
    signs += seeds(line.n for line in lines)
    figures = []
    for start in range(0, len(lines), PAGE):
        few = lines[start : start + PAGE]
        figure, panels = small_multiples.blocks([line.row for line in few], UNITS, HIGH, signs)
        for line, (upper, lower) in zip(few, panels, strict=True):
            draw(upper, line.share, style.VERMILLION, "-")
            draw(lower, line.cosine, style.GREEN, "--")
            lower.axhline(0, color=style.INK, linewidth=0.5, zorder=0)
            for axes, limits in zip((upper, lower), vertical, strict=True):
                small_multiples.limits(axes, every, limits, HIGH)
        figures.append(figure)
    return figures


def draw(axes: Axes, band: Band | None, colour: str, line: style.Dash) -> None:
    if band is None or (word := estimates.band_word(band, "not measured")):
        style.says(axes, estimates.word_of("not measured") if band is None else word)
    else:
        small_multiples.draw(axes, band, colour, line)
