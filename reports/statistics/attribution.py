"""What each factor did: a factorial table's effects as contrasts, a weight per combination, and their intervals.

A table is ``combinations`` [combinations, k], rows of 0 and 1, in any order; rows that could not be run are missing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reports.statistics.crossed_effects import Estimate, Undefined, crossed

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

MOST_FACTORS = 16  # 65,536 sets of factors; from 21 on, 64 bits could not count their orders
LEFT = 1e-14  # of a sum's terms: what is left of them where they cancel
ROUNDING = 1e-9  # far above what rounding does to a contrast, far below its smallest weight


def estimate(
    contrast: ArrayLike,
    blocks: Sequence[Array],
    weights: Sequence[float] = (1.0,),
    *,
    scores: ArrayLike | None = None,
    level: float = 0.95,
    most: Sequence[float] = (),
) -> Estimate | Undefined:
    """A contrast [combinations] of blocks, each [combinations, seeds, items]: ``crossed`` on ``sum_c contrast_c v_c``.

    It is paired: what all combinations share of a seed or an item cancels. ``scores`` [combinations] are the scores
    themselves, averaged over seeds, where blocks hold a statistic's pseudo-values; the centre is then their contrast.
    ``most`` is of the contrast's values, as ``crossed`` takes it. Combinations of weight 0 are not read. Estimates of
    several contrasts are not independent of each other.

    Raises:
        ValueError: blocks or scores of other combinations than the contrast's, and what ``crossed`` refuses.
    """
    factors = np.asarray(contrast, dtype=np.float64)
    if factors.ndim != 1:
        raise ValueError(f"a contrast must have one weight per combination; its shape is {factors.shape}")
    used = np.flatnonzero(factors) if not factors.all() else slice(None)  # all of them without a copy
    arrays = [np.asarray(block, dtype=np.float64) for block in blocks]
    for number, block in enumerate(arrays):
        if block.ndim != 3 or len(block) != len(factors):
            raise ValueError(
                f"block {number} must be [combinations, seeds, items] with the contrast's {len(factors)} combinations; "
                f"its shape is {block.shape}"
            )
    centre = None
    if scores is not None:
        whole = np.asarray(scores, dtype=np.float64)
        if whole.shape != factors.shape:
            raise ValueError(f"scores must have one per combination, {len(factors)}; their shape is {whole.shape}")
        centre = float(factors[used] @ whole[used])
    values = [weighted(factors[used], block[used]) for block in arrays]  # [seeds, items] each
    return crossed(values, weights, level=level, mean=centre, most=most)


def weighted(factors: Array, block: Array) -> Array:
    """``sum_c factors_c block_c``, [seeds, items], with 0 where nothing but rounding is left of it."""
    total: Array = np.tensordot(factors, block, axes=1)
    total[np.abs(total) <= LEFT * np.tensordot(np.abs(factors), np.abs(block), axes=1)] = 0
    return total


def rows(combinations: ArrayLike) -> Integers:
    """Which row holds each combination, [2^k], -1 for a missing one. A combination's place is the sum of 2^factor over
    the factors that are on.

    Raises:
        ValueError: no row or factor, more than ``MOST_FACTORS``, a level other than 0 and 1, or a row twice.
    """
    levels = np.asarray(combinations)
    if levels.ndim != 2 or not levels.size or levels.shape[1] > MOST_FACTORS:
        raise ValueError(
            f"combinations must be [combinations, k] with k from 1 to {MOST_FACTORS}; the shape is {levels.shape}"
        )
    if not np.isin(levels, (0, 1)).all():
        raise ValueError("a factor is off or on, 0 or 1; combinations hold another level")
    codes = levels.astype(np.int64) @ (1 << np.arange(levels.shape[1]))
    row_of = np.full(1 << levels.shape[1], -1)
    row_of[codes] = np.arange(len(codes))
    again = np.flatnonzero(row_of[codes] != np.arange(len(codes)))
    if len(again):
        raise ValueError(f"combinations {again[0]} and {row_of[codes[again[0]]]} are the same; give each once")
    return row_of


def effects(combinations: ArrayLike, pairs: Sequence[tuple[int, int]] = ()) -> dict[tuple[int, ...], Array | None]:
    """The contrasts of main effects, by (factor,), and of the two-way interactions of ``pairs``, by (factor, factor).

    Least squares, each combination counting once, on
    ``v = mean + sum_f main_f x_f + sum_fg interaction_fg x_f x_g`` with ``x = 1/2`` where the factor is on, else -1/2.
    A main effect is on minus off, averaged over all combinations of the others; an interaction is the difference of
    differences, ``(v11 - v01) - (v10 - v00)``, averaged likewise, which is twice what Box, Hunter and Hunter print.

    None where the combinations do not determine the effect in this model; whether they do may depend on the pairs. In
    a full factorial the pairs change nothing else. With combinations missing, the averages go over the missing ones as
    the model completes them, and an interaction g that it leaves out adds ``contrast @ (x_f x_g) * g`` to an effect.

    Box, Hunter and Hunter (2005), "Statistics for Experimenters", 2nd edition, Wiley, ch. 5; Scheffe (1959), "The
    Analysis of Variance", Wiley, section 1.4, for what is determined.

    Raises:
        ValueError: what ``rows`` refuses, or a pair that is not of two different factors.
    """
    k = factors_of(rows(combinations))
    for pair in pairs:
        if len(set(pair)) != 2 or not set(pair) <= set(range(k)):
            raise ValueError(f"a pair is two different factors out of 0 to {k - 1}; got {pair}")
    x = np.asarray(combinations, dtype=np.float64) - 0.5  # [combinations, k]
    terms: list[tuple[int, ...]] = [(factor,) for factor in range(k)] + [tuple(pair) for pair in pairs]
    columns = [x[:, list(term)].prod(axis=1) for term in terms]
    model = np.stack([np.ones(len(x)), *columns], axis=1)  # [combinations, 1 + terms]
    contrasts = np.linalg.pinv(model, rcond=ROUNDING)  # [1 + terms, combinations]
    contrasts[np.abs(contrasts) < ROUNDING / len(x)] = 0
    off = np.abs(contrasts @ model - np.eye(len(contrasts))).max(axis=1)  # what else each would measure
    return {
        term: None if amount > ROUNDING else contrast
        for term, contrast, amount in zip(terms, contrasts[1:], off[1:], strict=True)
    }


def leave_one_out(combinations: ArrayLike) -> list[Array | None]:
    """Each factor's contrast of all on minus all but it; None where one of the two is missing."""
    row_of = rows(combinations)
    last = len(row_of) - 1
    return [difference(row_of, last, last ^ (1 << factor)) for factor in range(factors_of(row_of))]


def add_one(combinations: ArrayLike) -> list[Array | None]:
    """Each factor's contrast of it alone minus none on; None where one of the two is missing."""
    row_of = rows(combinations)
    return [difference(row_of, 1 << factor, 0) for factor in range(factors_of(row_of))]


def difference(row_of: Integers, more: int, less: int) -> Array | None:
    """The contrast of one combination minus another, by their places; None where one is missing."""
    if row_of[more] < 0 or row_of[less] < 0:
        return None
    contrast = np.zeros(int(row_of.max()) + 1)
    contrast[row_of[more]], contrast[row_of[less]] = 1, -1
    return contrast


def factors_of(row_of: Integers) -> int:
    return len(row_of).bit_length() - 1
