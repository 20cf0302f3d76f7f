"""What so many trials find: the best so far, its expectation in random search, its spread over repetitions.

A value that is NaN belongs to a trial that cannot be chosen: it failed, was pruned, or has no overall. Such a trial
costs and is never best; where an expectation needs a number for it, it counts as the lowest value there is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def best_so_far(values: Floats) -> Floats:
    """After each trial; NaN before the first value."""
    return np.asarray(np.fmax.accumulate(values), dtype=np.float64) if len(values) else values


def spent_so_far(costs: Floats) -> Floats:
    """After each trial, in the unit of the costs."""
    return np.asarray(np.cumsum(costs), dtype=np.float64)


def affordable(costs: Floats, budget: float) -> int:
    """How many trials, the first ones, the budget pays for in full."""
    return int(np.searchsorted(spent_so_far(costs), budget, side="right"))


def expected_best(values: Floats) -> Floats:
    """The expected best of n = 1, ..., B trials drawn from B independent ones without putting back: [B].

    sum over i of C(i-1, n-1) / C(B, n) v_(i), v_(1) <= ... <= v_(B): a U-statistic, unbiased for every n up to B (Tang
    et al. 2020, https://arxiv.org/abs/2004.13705), unlike the plug-in estimate of Dodge et al. 2019, which draws with
    putting back and is too low. At n = B it is the best value itself, of which one sample says little. NaN where no
    trial has a value.
    """
    finite = values[np.isfinite(values)]
    if not len(finite):
        return np.full(len(values), np.nan)
    ordered = np.sort(np.where(np.isfinite(values), values, finite.min()))
    count = len(ordered)
    n = np.arange(1, count + 1, dtype=np.float64)
    weight = n / count  # of v_(B)
    total = np.zeros(count)
    for i in range(count, 0, -1):
        total += weight * ordered[i - 1]
        weight = weight * np.maximum(i - n, 0) / max(i - 1, 1)  # C(i-2, n-1) / C(i-1, n-1)
    return total


def expected_budgets(costs: Floats) -> Floats:
    """What n = 1, ..., B trials cost: n times the mean of all, for any of them may be among the n."""
    return np.arange(1, len(costs) + 1) * (costs.mean() if len(costs) else 0.0)


@dataclasses.dataclass(frozen=True)
class Spread:
    """The best so far of repeated searches at the same costs, each field [points]."""

    costs: Floats
    mean: Floats
    low: Floats
    high: Floats


def repeated(searches: Sequence[tuple[Floats, Floats]]) -> Spread | None:
    """Of (costs, values) of each search: at every cost where one of them ends a trial, from where all have a value
    to where the first of them ends. None where there is no such cost."""
    curves = [(spent_so_far(costs), best_so_far(values)) for costs, values in searches]
    if not curves or any(not np.isfinite(best).any() for _, best in curves):
        return None
    begin = max(float(spent[np.isfinite(best)][0]) for spent, best in curves)
    end = min(float(spent[-1]) for spent, _ in curves)
    every = np.unique(np.concatenate([spent for spent, _ in curves]))
    grid = every[(every >= begin) & (every <= end)]
    if not len(grid):
        return None
    bests = np.stack([best[np.searchsorted(spent, grid, side="right") - 1] for spent, best in curves])
    return Spread(grid, bests.mean(axis=0), bests.min(axis=0), bests.max(axis=0))
