"""How much of the value's variance over a study's trials each parameter explains."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from matplotlib.figure import Figure

from reports.figures import row_frame, style, ticks
from reports.figures.estimates import Estimate
from reports.figures.legend import Sign
from reports.number_format import format_number

SIGNS = (Sign(words="share, and 95% over resampled trials", marker="o", line="-"),)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Share:
    """A parameter's share of the variance, 0 to 1, with its interval."""

    parameter: str
    share: Estimate


@style.look()
def importances(shares: Sequence[Share]) -> list[Figure]:
    """The largest first; nothing for no share."""
    ranked = sorted(shares, key=largest)
    limits = ticks.span([0.0, *(value for each in ranked for value in each.share.extent)], 0.04)
    return [
        page([ranked[i] for i in lines], limits)
        for lines in style.pages(len(ranked), row_frame.most_rows(SIGNS))
        if len(lines)
    ]


def largest(each: Share) -> tuple[bool, float, str]:
    missing = bool(each.share.word)
    return missing, 0.0 if missing else -each.share.at, each.parameter


def page(shares: Sequence[Share], limits: tuple[float, float]) -> Figure:
    frame = row_frame.frame([each.parameter for each in shares], [""], [limits], "share of the value's variance", SIGNS)
    (axes,) = frame.panels
    axes.axvline(0, color=style.INK, linewidth=0.6, zorder=1)
    for line, each in enumerate(shares):
        if word := each.share.word:
            frame.word(0, line, word)
            continue
        if each.share.ends:
            axes.plot(each.share.ends, [line, line], color=style.BLUE, linewidth=1.1, solid_capstyle="butt", zorder=2)
        axes.plot([each.share.at], [line], "o", ms=4.2, mfc=style.BLUE, mec=style.BLUE, zorder=3)
        frame.number(0, line, format_number(each.share.at))
    return frame.figure
