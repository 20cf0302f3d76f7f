"""Whether two sets of figures put the rows in the same order."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from reports.statistics.variance_components import check_level


def kendall(
    printed: Sequence[float], ours: NDArray[np.float64], *, draws: int = 2000, seed: int = 0, level: float = 0.95
) -> tuple[float, float, float]:
    """Kendall's tau-b of printed figures [rows] and our means over seeds of ``ours`` [seeds, rows]; then its interval.

    ``tau_b = (concordant - discordant) / sqrt((pairs - ties in one)(pairs - ties in the other))``. The interval is the
    percentile bootstrap over our seeds; one seed has none, and its ends are NaN. Draws whose means all tie are left
    out. Means are compared to 12 decimals, so that the order of a sum makes no order of rows.

    Kendall (1945), "The treatment of ties in ranking problems", Biometrika 33, 239-251; Efron (1979), "Bootstrap
    methods", Annals of Statistics 7, 1-26.

    Raises:
        ValueError: fewer than three rows, other rows in ours than printed, a value that is not finite, either side the
            same in every row, no draws, or a level outside (0, 1).
    """
    theirs, values = np.asarray(printed, dtype=np.float64), np.asarray(ours, dtype=np.float64)
    check_level(level)
    if theirs.ndim != 1 or values.ndim != 2 or not len(values) or values.shape[1] != len(theirs) or len(theirs) < 3:
        raise ValueError(f"ranks need three rows or more on both sides; the shapes are {theirs.shape}, {values.shape}")
    if not (np.isfinite(theirs).all() and np.isfinite(values).all()):
        raise ValueError("ranks need a finite figure for every row and seed")
    if draws < 1:
        raise ValueError(f"there must be one draw or more; got {draws}")
    n = len(values)
    tau = correlation(theirs, values.mean(axis=0))
    if math.isnan(tau):
        raise ValueError("ranks do not exist where one side is the same in every row")
    if n == 1:
        return tau, math.nan, math.nan
    counts = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=draws)  # [draws, seeds]
    kinds, which = np.unique(counts, axis=0, return_inverse=True)  # a few seeds have few different draws
    taus = np.array([correlation(theirs, kind @ values / n) for kind in kinds])[which.ravel()]
    low, high = np.nanquantile(taus, [(1 - level) / 2, (1 + level) / 2]) if not np.isnan(taus).all() else (tau, tau)
    return tau, float(low), float(high)


def correlation(theirs: NDArray[np.float64], means: NDArray[np.float64]) -> float:
    """tau-b of two [rows]; NaN where one side is all ties."""
    return float(stats.kendalltau(theirs, means.round(12)).statistic)
