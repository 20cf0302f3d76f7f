"""The mean of a few values and how far it may be off."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from scipy.special import stdtrit

ROUNDING = 1e-12  # of the largest value: below it nothing varies


def mean_interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float | None]:
    """The mean and the half-width of its confidence interval, mean +- t(n - 1, (1 + level) / 2) * s / sqrt(n).

    ``s`` is the sample standard deviation (n - 1 below). One value has no interval, and neither have values that are
    all the same, as counts of right items may be, for they tell nothing of others: the half-width is None. The interval
    holds for independent, about normal values; here they are seeds.

    Student (1908), "The probable error of a mean", Biometrika 6, 1-25.

    Raises:
        ValueError: no values, a value that is not finite, or a level outside (0, 1).
    """
    if not values or not all(math.isfinite(value) for value in values):
        raise ValueError(f"a mean needs finite values, at least one; got {list(values)}")
    if not 0 < level < 1:
        raise ValueError(f"the level is {level}; it must lie between 0 and 1")
    mean, n = statistics.fmean(values), len(values)
    if max(values) - min(values) <= ROUNDING * max(map(abs, values)):
        return mean, None
    quantile = float(stdtrit(n - 1, (1 + level) / 2))
    return mean, quantile * statistics.stdev(values) / math.sqrt(n)
