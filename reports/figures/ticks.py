"""Limits and ticks chosen so that the numbers beside them fit."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from reports.figures import style
from reports.number_format import format_number

NARROWEST = 0.008  # a span below this would repeat three-decimal ticks
OUT = 0.07  # inches that a tick's number may stand out of its panel


def span(values: Sequence[float], margin: float = 0.07) -> tuple[float, float]:
    """Limits that hold all values with some air; 0 to 1 if there are none."""
    if not values:
        return 0.0, 1.0
    low, high = min(values), max(values)
    if high - low < NARROWEST:
        middle = (low + high) / 2
        low, high = middle - NARROWEST / 2, middle + NARROWEST / 2
    air = margin * (high - low)
    return low - air, high + air


def fit(axes: Axes, side: Literal["x", "y"], limits: tuple[float, float], inches: float) -> None:
    """Sets the limits of one side that is ``inches`` long, and as many ticks as have room for their numbers."""
    low, high = limits
    at = ticks(low, high, inches, upright=side == "y")
    if side == "x":
        axes.set_xlim(low, high)
        axes.set_xticks(at, names(at))
    else:
        axes.set_ylim(low, high)
        axes.set_yticks(at, names(at))


def names(values: Sequence[float]) -> list[str]:
    """As the papers print them, with as few decimals as all of them need: -.05, 0, .05."""
    texts = [format_number(value) for value in values]
    while texts and all("." in text and text.endswith("0") for text in texts):
        texts = [text[:-1] for text in texts]
    bare = [text.removesuffix(".") for text in texts]
    return [text if float(text or 0) else "0" for text in bare]


def ticks(low: float, high: float, inches: float, upright: bool = False) -> list[float]:
    """Round values between the limits whose numbers neither touch nor stand out of the panel. At least one."""
    for most in (6, 5, 4, 3, 2, 1):
        every = MaxNLocator(most, steps=[1, 2, 5, 10], min_n_ticks=1).tick_values(low, high)
        inside = [float(value) for value in every if low <= value <= high]
        sizes = [0.1 if upright else style.width_of(text) for text in names(inside)]
        places = [(value - low) / (high - low) * inches for value in inside]
        kept = [i for i, (at, size) in enumerate(zip(places, sizes, strict=True)) if fits(at, size, inches)]
        gaps = [places[b] - places[a] - (sizes[a] + sizes[b]) / 2 for a, b in itertools.pairwise(kept)]
        if kept and min(gaps, default=1.0) >= 0.1:
            return [inside[i] for i in kept]
    return [round((low + high) / 2, 3)]


def fits(at: float, size: float, inches: float) -> bool:
    return at - size / 2 >= -OUT and at + size / 2 <= inches + OUT


def whole(axes: Axes, values: Sequence[float], inches: float) -> None:
    """An x axis of epochs: whole numbers only."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    air = 0.04 * (high - low) or 0.5
    axes.set_xlim(low - air, high + air)
    most = max(1, int(inches / (style.width_of(f"{high:.0f}") + 0.15)))
    every = MaxNLocator(min(6, most), integer=True).tick_values(low, high)
    inside = [float(value) for value in every if low <= value <= high and value == round(value)] or [round(low)]
    axes.set_xticks(inside, [f"{value:.0f}" for value in inside])
