"""Learning curves: a metric by epoch, a panel a row, the base row in grey behind each."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures import estimates, small_multiples, style, ticks
from reports.figures.estimates import Band
from reports.figures.legend import Sign, seeds

Spread = Literal["min to max over seeds", "95% interval over seeds"]
PAGE = 6  # panels
HIGH = 1.25  # inches


@dataclasses.dataclass(frozen=True, kw_only=True)
class Curve:
    """A row's metric by epoch over ``n`` seeds, and the epochs its seeds selected. None: not run or not measured."""

    row: str
    dev: Band | None = None
    train: Band | None = None
    selected: tuple[float, ...] = ()
    n: int = 0

    @property
    def bands(self) -> list[Band]:
        return [band for band in (self.dev, self.train) if band is not None]


@style.look()
def curves(
    metric: str, lines: Sequence[Curve], base: str = "", spread: Spread = "min to max over seeds"
) -> list[Figure]:
    """A figure for every six rows, in the order given. ``base`` names the row drawn behind the others, ``spread``
    says what the bands are. All panels share their scales."""
    behind = next((curve.dev for curve in lines if curve.row == base), None)
    every = [band for curve in lines for band in curve.bands]
    vertical = ticks.span([value for band in every for value in band.extent])
    signs = signs_of(lines, base if behind is not None and len(lines) > 1 else "", spread)
    figures = []
    for start in range(0, len(lines), PAGE):
        few = lines[start : start + PAGE]
        figure, panels = small_multiples.blocks([curve.row for curve in few], [metric], HIGH, signs)
        for curve, (axes,) in zip(few, panels, strict=True):
            draw(axes, curve, None if curve.row == base else behind)
            small_multiples.limits(axes, every, vertical, HIGH)
        figures.append(figure)
    return figures


def draw(axes: Axes, curve: Curve, behind: Band | None) -> None:
    if behind is not None:
        small_multiples.draw(axes, behind, style.GREY, "-", 0.15)
    if not estimates.finite(value for band in curve.bands for value in band.middle):
        style.says(axes, estimates.band_word(curve.dev))
        return
    if curve.train is not None:
        small_multiples.draw(axes, curve.train, style.VERMILLION, "--")
    if curve.dev is None or not estimates.finite(curve.dev.middle):
        words = f"dev {estimates.band_word(curve.dev)}"
        axes.text(
            0.98, 0.05, words, transform=axes.transAxes, ha="right", color=style.WORD, style="italic", bbox=style.CLEAR
        )
        return
    small_multiples.draw(axes, curve.dev, style.BLUE, "-")
    height = dict(zip(curve.dev.epochs, curve.dev.middle, strict=True))
    for epoch in style.unique(curve.selected):
        if estimates.finite([height.get(epoch)]):
            axes.plot([epoch], [height[epoch]], "^", markersize=5, mfc=style.WHITE, mec=style.BLUE, mew=1.1, zorder=4)
        else:
            axes.axvline(epoch, color=style.BLUE, linewidth=0.8, linestyle=":")


def signs_of(lines: Sequence[Curve], behind: str, spread: Spread) -> list[Sign]:
    bands = [band for curve in lines for band in curve.bands]
    used = [
        (Sign(words="dev", line="-"), True),
        (Sign(words="train", line="--", colour=style.VERMILLION), any(curve.train for curve in lines)),
        (Sign(words=f"base row {behind}, dev", line="-", colour=style.GREY), bool(behind)),
        (Sign(words=spread, band=True), any(band.low for band in bands)),
        (Sign(words="epoch selected by a seed", marker="^", filled=False), any(curve.selected for curve in lines)),
    ]
    return [sign for sign, present in used if present] + seeds(curve.n for curve in lines)
