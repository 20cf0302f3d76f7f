"""What figures draw: a mean with its interval, and a line with its band; what is missing says why."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable

from reports.suite_table.symbols import WORDS, State


def word(value: float | None) -> str:
    """What stands for a value that cannot be drawn: ``not run`` for None, ``const`` for NaN, nothing for a number."""
    if value is None:
        return word_of("not run")
    return word_of("undefined") if math.isnan(value) else ""


def word_of(state: State) -> str:
    return WORDS[state][0]


def finite(values: Iterable[float | None]) -> list[float]:
    """The numbers among the values."""
    return [value for value in values if value is not None and math.isfinite(value)]


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A mean over seeds and the ends of its 95% interval. ``mean`` None: not run; NaN: constant answers, which have
    no Pearson r. ``low`` and ``high`` are None for a single seed and for seeds that are all the same."""

    mean: float | None
    low: float | None = None
    high: float | None = None

    @property
    def at(self) -> float:
        """The mean, NaN where there is none."""
        return math.nan if self.mean is None else self.mean

    @property
    def word(self) -> str:
        return word(self.mean)

    @property
    def ends(self) -> tuple[float, float] | None:
        """Of the interval, if there is one."""
        both = finite((self.low, self.high))
        return (both[0], both[1]) if len(both) == 2 and not self.word else None

    @property
    def extent(self) -> list[float]:
        """Every number that has to be in view."""
        return [] if self.word else finite((self.mean, self.low, self.high))


@dataclasses.dataclass(frozen=True)
class Band:
    """A line by epoch: the middle, and the band around it (None for a single seed). NaN leaves a hole."""

    epochs: tuple[float, ...]
    middle: tuple[float, ...]
    low: tuple[float, ...] | None = None
    high: tuple[float, ...] | None = None

    @property
    def extent(self) -> list[float]:
        return finite((*self.middle, *(self.low or ()), *(self.high or ())))


def band_word(band: Band | None, absent: State = "not run") -> str:
    """What stands for a line of which no point can be drawn."""
    if band is None or not band.epochs:
        return word_of(absent)
    return "" if finite(band.middle) else word_of("undefined")
