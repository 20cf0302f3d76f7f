"""The crossed bootstrap: seeds and items drawn again, both with replacement."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reports.statistics.variance_components import check_level, checked

CELLS = 2_000_000  # item counts held at a time, 16 MB


def hierarchical(
    blocks: Sequence[NDArray[np.float64]],
    weights: Sequence[float] = (1.0,),
    *,
    draws: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[float, float]:
    """The percentile interval of the weighted sum of the blocks' means; each block is [n seeds, m items].

    A draw takes n seeds, the same ones in every block, and m items of each block:
    ``sum_b w_b * c' D_b k_b / (n m_b)`` with ``c`` [n] and ``k_b`` [m_b] the counts of each. It assumes no
    distribution, but from a few seeds it comes out too short, about by ``sqrt((n - 1) / n)``; and it counts the rest
    component more than once, as Owen proves. It stands beside ``crossed``, not in its place.

    Owen (2007), "The pigeonhole bootstrap", Annals of Applied Statistics 1, 386-411.

    Raises:
        ValueError: what ``checked`` refuses, no draws, a level outside (0, 1).
    """
    arrays, factors = checked(blocks, weights)
    check_level(level)
    if draws < 1:
        raise ValueError(f"there must be one draw or more; got {draws}")
    random = np.random.default_rng(seed)
    n = len(arrays[0])
    seeds = random.multinomial(n, np.full(n, 1 / n), size=draws)  # [draws, seeds]
    totals = np.zeros(draws)
    for block, weight in zip(arrays, factors, strict=True):
        sums = resampled(block, draws, random)  # [draws, seeds]
        totals += weight * (seeds * sums).sum(axis=1) / block.size
    low, high = np.quantile(totals, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def resampled(block: NDArray[np.float64], draws: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Each seed's sum over items drawn with replacement, [draws, seeds], of a block [seeds, items]."""
    m = block.shape[1]
    size = max(1, CELLS // m)
    parts = []
    for start in range(0, draws, size):
        rows = min(size, draws - start)
        drawn = random.integers(0, m, (rows, m)) + m * np.arange(rows)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=rows * m).reshape(rows, m)  # how often each item was drawn
        parts.append(counts.astype(np.float64) @ block.T)
    return np.concatenate(parts)
