"""Ratios of paired measurements, their medians and intervals, and the bounds that they are held to."""

from __future__ import annotations

import dataclasses
import gc
import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

Sense = Literal["at most", "at least"]


class Skipped(Exception):
    """A figure that this machine or environment cannot give; the message says why."""


class Failed(Exception):
    """A measurement that broke off; the message says where."""


@dataclasses.dataclass(frozen=True)
class Bound:
    """A figure's name, its peer, and the value that it may reach."""

    name: str
    peer: str
    sense: Sense
    value: float

    def holds(self, ratio: float) -> bool:
        return ratio <= self.value if self.sense == "at most" else ratio >= self.value

    def __str__(self) -> str:
        return f"{self.sense} {self.value:.4g}"


@dataclasses.dataclass(frozen=True)
class Interval:
    """An interval that has the median with a probability of ``coverage``, whatever the distribution."""

    low: float
    high: float
    coverage: float


@dataclasses.dataclass(frozen=True)
class Figure:
    """The paired ratios of one bound (none where it was skipped or broke off), and facts that go with them."""

    bound: Bound
    ratios: tuple[float, ...] = ()
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    skipped: str | None = None
    failed: str | None = None

    @property
    def ratio(self) -> float | None:
        return statistics.median(self.ratios) if self.ratios else None

    @property
    def ok(self) -> bool | None:
        """Whether the median holds the bound; None for a skipped figure."""
        if self.skipped is not None:
            return None
        return self.ratio is not None and self.bound.holds(self.ratio)


def interval(values: Sequence[float], level: float = 0.95) -> Interval:
    """Order statistics around the median: the narrowest symmetric pair that covers it with at least ``level``, and the
    extremes where there are too few values (below 6 for .95). ``coverage`` is the pair's own: 1 - 2 P(X < k), X
    binomial(n, 1/2) (Conover 1999, section 3.2)."""
    ordered, n = sorted(values), len(values)
    below = [sum(math.comb(n, i) for i in range(k)) / 2**n for k in range(n // 2 + 1)]  # P(X < k)
    k = max((k for k in range(1, len(below)) if 1 - 2 * below[k] >= level), default=1)
    if n == 1:
        return Interval(ordered[0], ordered[0], 0.0)
    return Interval(ordered[k - 1], ordered[n - k], 1 - 2 * below[k])


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, ...]:
    """Round by round."""
    return tuple(a / b for a, b in zip(ours, theirs, strict=True))


def tell(line: str) -> None:
    """Progress as it comes, through a pipe too."""
    print(line, flush=True)


def alternate(
    contenders: Mapping[str, Callable[[], float]], rounds: int, warm_up: int = 0, report: Callable[[str], None] = tell
) -> dict[str, list[float]]:
    """Each contender's numbers by round, in order and backwards by turns (A B B A ...), so that neither being first
    nor a machine that slows down favours one. The ``warm_up`` rounds before them are dropped."""
    names, numbers = list(contenders), {name: list[float]() for name in contenders}
    for number in range(-warm_up, rounds):
        for name in names if number % 2 == 0 else reversed(names):
            gc.collect()
            value = contenders[name]()
            if number >= 0:
                numbers[name].append(value)
        if number >= 0:
            last = ", ".join(f"{name} {values[-1]:.4g}" for name, values in numbers.items())
            report(f"round {number + 1} of {rounds}: {last}")
    return numbers


def timed(work: Callable[[], object]) -> float:
    """Seconds on the monotonic clock."""
    began = time.monotonic()
    work()
    return time.monotonic() - began
