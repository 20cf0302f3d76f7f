"""Tests of two rows on the same items."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from statsmodels.stats import contingency_tables  # type: ignore[import-untyped]

from reports.statistics.variance_components import checked

CELLS = 2_000_000  # random numbers held at a time, 16 MB


def mcnemar(first: ArrayLike, second: ArrayLike) -> float:
    """The exact two-sided p of McNemar's test, from which items two answers got right; both are booleans [items].

    ``min(1, 2 P(X <= min(b, c)))`` with X ~ Binomial(b + c, 1/2), where b items are right in the first alone and c in
    the second alone. It knows one training of each, and says nothing of other seeds.

    McNemar (1947), "Note on the sampling error of the difference between correlated proportions or percentages",
    Psychometrika 12, 153-157.

    Raises:
        ValueError: no items, different numbers of them, or values other than right and wrong.
    """
    one, other = np.asarray(first), np.asarray(second)
    if one.ndim != 1 or one.shape != other.shape or not one.size:
        raise ValueError(f"both must be right or wrong on the same items; their shapes are {one.shape}, {other.shape}")
    if not (np.isin(one, (0, 1)).all() and np.isin(other, (0, 1)).all()):
        raise ValueError("an item is right or wrong, true or false; got another value")
    one, other = one.astype(bool), other.astype(bool)
    table = [[(one & other).sum(), (one & ~other).sum()], [(~one & other).sum(), (~one & ~other).sum()]]
    return float(contingency_tables.mcnemar(np.array(table), exact=True).pvalue)


def sign_flips(differences: NDArray[np.float64], *, draws: int = 10_000, seed: int = 0) -> float:
    """The two-sided p of the mean of ``differences`` [seeds, items] when each item's sign is a coin toss.

    ``(1 + #{|T*| >= |T|}) / (1 + draws)``; T is the sum over items of the mean over seeds, and an item keeps or changes
    its sign for all seeds together. Items of the same size are tossed at once, as one binomial. It knows these seeds
    alone, and says nothing of others.

    Fisher (1935), "The Design of Experiments", section 21; Phipson and Smyth (2010), "Permutation p-values should never
    be zero", Statistical Applications in Genetics and Molecular Biology 9, article 39, for the 1.

    Raises:
        ValueError: not [seeds, items] with two items or more, a value that is not finite, or no draws.
    """
    (values,), _ = checked([differences], [1.0])
    if draws < 1:
        raise ValueError(f"there must be one draw or more; got {draws}")
    by_item = values.mean(axis=0)  # [items]
    sizes, counts = np.unique(np.abs(by_item), return_counts=True)  # [sizes]
    random = np.random.default_rng(seed)
    observed = abs(float(by_item.sum())) - 1e-12 * float(np.abs(by_item).sum())  # sums in another order differ so much
    step = max(1, CELLS // len(sizes))
    extreme = 0
    for start in range(0, draws, step):
        kept = random.binomial(counts, 0.5, (min(step, draws - start), len(sizes)))  # [draws, sizes]
        extreme += int((np.abs((2 * kept - counts) @ sizes) >= observed).sum())
    return (1 + extreme) / (1 + draws)
