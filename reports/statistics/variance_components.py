"""Blocks of values: each is [seeds, items], and blocks share their seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


def checked(
    blocks: Sequence[NDArray[np.float64]], weights: Sequence[float]
) -> tuple[list[NDArray[np.float64]], list[float]]:
    """The blocks as float64 [seeds, items] and the weights as floats.

    Raises:
        ValueError: no block, a weight too many or too few, a value or weight that is not finite, fewer than one seed or
            two items, or blocks of different numbers of seeds.
    """
    arrays, factors = [np.asarray(block, dtype=np.float64) for block in blocks], [float(weight) for weight in weights]
    if not arrays or len(arrays) != len(factors):
        raise ValueError(f"each block must have one weight; got {len(arrays)} blocks and {len(factors)} weights")
    for number, block in enumerate(arrays):
        if block.ndim != 2 or block.shape[0] < 1 or block.shape[1] < 2:
            raise ValueError(f"block {number} must be [seeds, items], two items or more; its shape is {block.shape}")
        if not np.isfinite(block).all():
            raise ValueError(f"block {number} holds a value that is not finite; every seed must score every item")
    if len({len(block) for block in arrays}) > 1:
        raise ValueError(f"blocks must have the same seeds; they have {[len(block) for block in arrays]}")
    if not np.isfinite(factors).all():
        raise ValueError(f"weights must be finite; got {factors}")
    return arrays, factors


def check_level(level: float) -> None:
    """``ValueError`` unless 0 < level < 1."""
    if not 0 < level < 1:
        raise ValueError(f"the level is {level}; it must lie between 0 and 1")


class MeanSquares(NamedTuple):
    """Of the two-way analysis of variance; expected, with n seeds and m items: rest + m seed, rest + n item, rest."""

    seed: float
    item: float
    rest: float


def mean_squares(block: NDArray[np.float64]) -> MeanSquares:
    """Of a block [seeds, items], one value a cell, two seeds or more. Searle et al. (1992), ch. 4.

    Means are taken off one side at a time, so that what a whole side shares, however large, does not round."""
    n, m = block.shape
    seed, item = seed_effects(block), seed_effects(block.T)
    rest = without_items(block)
    rest -= rest.mean(axis=1, keepdims=True)
    squares = float(np.square(rest).sum()) / ((n - 1) * (m - 1))
    return MeanSquares(m * float(seed.var(ddof=1)), n * float(item.var(ddof=1)), squares)


def seed_effects(block: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each seed's mean over items less the mean of all, [seeds]."""
    effects: NDArray[np.float64] = without_items(block).mean(axis=1)
    return effects


def without_items(block: NDArray[np.float64]) -> NDArray[np.float64]:
    """The block less each item's mean over seeds, [seeds, items]; twice, for what the first mean rounds off."""
    away: NDArray[np.float64] = block - block[:1]
    away -= away.mean(axis=0)
    away -= away.mean(axis=0)
    return away
