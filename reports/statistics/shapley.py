"""What a factor appears to do depends on what was on before it: its step over all orders of adding the factors.

An order is a way from none on to all on, one factor a step, through combinations that were run. Sets of factors are
counted, not orders: ``k!`` orders pass through ``2^k`` sets.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reports.statistics.attribution import Array, Integers, difference, factors_of, rows

TIE = 1e-12  # of the largest value: sums in another order differ so much


@dataclass(frozen=True)
class Shapley:
    """``contrasts`` [k, combinations], a row per factor; ``share`` of all k! orders is 1 where no order is missing."""

    contrasts: Array
    share: float


@dataclass(frozen=True, kw_only=True)
class Apparent:
    """The changes that adding one factor makes, over all orders. ``low_after`` and ``high_after`` are the factors that
    were on before it at the two ends, the fewest where several are. ``stated`` is the change on the given path and
    ``place`` the share of orders that give less, ties counting half: 0.5 is the middle, 1 flatters the factor most."""

    low: float
    median: float
    high: float
    low_after: tuple[int, ...]
    high_after: tuple[int, ...]
    stated: float | None = None
    place: float | None = None


def shapley(combinations: ArrayLike) -> Shapley | None:
    """The contrast of each factor's Shapley value for the step from none on to all on.

    ``phi_f = sum_S n(S, f) / n * (v(S + f) - v(S))``, with ``n(S, f)`` the orders that add f right after the set S and
    ``n`` all of them; in a full factorial ``n(S, f) / n = |S|! (k - |S| - 1)! / k!``. Together they are all on minus
    none on. With combinations missing it is the average over the orders that avoid them; None where there is none, as
    where all on, or none on, is missing. In a full factorial without interactions above two it is the main effect.

    Shapley (1953), "A value for n-person games", Contributions to the Theory of Games II, 307-317; Faigle and Kern
    (1992), "The Shapley value for cooperative games under precedence constraints", International Journal of Game Theory
    21, 249-266, for the average over the orders that are possible.

    Raises:
        ValueError: what ``rows`` refuses.
    """
    row_of = rows(combinations)
    orders = additions(row_of >= 0)
    total = int(orders[0].sum())
    if not total:
        return None
    contrasts = np.zeros((len(orders), int(row_of.max()) + 1))
    for factor, counts in enumerate(orders):
        before = np.flatnonzero(counts)
        contrasts[factor, row_of[before | 1 << factor]] = counts[before] / total
        contrasts[factor, row_of[before]] = -counts[before] / total
    return Shapley(contrasts, total / math.factorial(len(orders)))


def steps(combinations: ArrayLike, order: Sequence[int]) -> Array | None:
    """The contrasts [k, combinations] of the steps of one path, by factor; they sum to all on minus none on.

    None where the path meets a combination that is missing.

    Raises:
        ValueError: what ``rows`` refuses, or an order that does not name each factor once.
    """
    row_of = rows(combinations)
    k = factors_of(row_of)
    if sorted(order) != list(range(k)):
        raise ValueError(f"an order must name each of the factors 0 to {k - 1} once; got {list(order)}")
    by_factor: dict[int, Array] = {}
    on = 0
    for factor in order:
        contrast = difference(row_of, on | 1 << factor, on)
        if contrast is None:
            return None
        by_factor[factor] = contrast
        on |= 1 << factor
    return np.stack([by_factor[factor] for factor in range(k)])


def audit(combinations: ArrayLike, values: ArrayLike, order: Sequence[int] | None = None) -> list[Apparent] | None:
    """What each factor appears to do, ``v(S + f) - v(S)``, over all orders; ``values`` are [combinations], say means
    over seeds. ``order`` is a path, such as a table's rows, to be placed among them.

    The median is that of the orders, each counting once. None where no order is possible. The ends were chosen for
    being the ends, so they lie too far apart: noise alone parts them, and an interval about an end as if it had been
    named beforehand is too favourable. ``stated`` was named beforehand: subtract the factor's ``shapley`` contrast from
    its ``steps`` contrast, and ``estimate`` tells how much the path flatters it.

    Raises:
        ValueError: what ``rows`` refuses, values of other combinations or not finite, and an order that does not name
            each factor once.
    """
    row_of = rows(combinations)
    scores = np.asarray(values, dtype=np.float64)
    if scores.shape != (int(row_of.max()) + 1,) or not np.isfinite(scores).all():
        raise ValueError(
            f"values must be one finite number per combination, {row_of.max() + 1}; their shape is {scores.shape} and "
            f"{np.count_nonzero(~np.isfinite(scores))} are not finite"
        )
    path = None if order is None else steps(combinations, order)
    orders = additions(row_of >= 0)
    if not orders.any():
        return None
    tie = TIE * float(np.abs(scores).max())
    ranges = []
    for factor, counts in enumerate(orders):
        before = np.flatnonzero(counts)
        before = before[np.argsort(np.bitwise_count(before), kind="stable")]  # the fewest factors first
        changes = scores[row_of[before | 1 << factor]] - scores[row_of[before]]
        stated = None if path is None else float(path[factor] @ scores)
        ranges.append(apparent(before, changes, counts[before], stated, tie))
    return ranges


def apparent(before: Integers, changes: Array, counts: Integers, stated: float | None, tie: float) -> Apparent:
    """Of one factor: the sets it was added to, the change at each and the orders that make it, each [sets]."""
    low, high = float(changes.min()), float(changes.max())
    place = None
    if stated is not None:
        less, more = counts[changes < stated - tie].sum(), counts[changes > stated + tie].sum()
        place = float((1 + (less - more) / counts.sum()) / 2)
    return Apparent(
        low=low,
        median=median(changes, counts),
        high=high,
        low_after=members(int(before[changes <= low + tie][0])),
        high_after=members(int(before[changes >= high - tie][0])),
        stated=stated,
        place=place,
    )


def median(values: Array, counts: Integers) -> float:
    """Of values that occur so many times each; halfway between two where the middle falls between them."""
    at = np.argsort(values, kind="stable")
    upto = 2 * counts[at].cumsum()
    lower, upper = np.searchsorted(upto, upto[-1] // 2, side="left"), np.searchsorted(upto, upto[-1] // 2, side="right")
    return float((values[at][lower] + values[at][upper]) / 2)


def members(code: int) -> tuple[int, ...]:
    return tuple(factor for factor in range(code.bit_length()) if code >> factor & 1)


def additions(run: NDArray[np.bool_]) -> Integers:
    """How many orders add each factor right after each set, [k, 2^k]; 0 where it is in the set already."""
    up, down = ways(run), ways(run[::-1])[::-1]  # from none on, and to all on: the same seen from the other end
    sets, bits = np.arange(len(run)), 1 << np.arange(factors_of(up))[:, None]  # [2^k], [k, 1]
    return np.where(sets & bits, 0, up[sets] * down[sets | bits])


def ways(run: NDArray[np.bool_]) -> Integers:
    """How many orders lead from none on to each set through those that were run, [2^k]."""
    sets = np.arange(len(run))
    bits = 1 << np.arange(len(run).bit_length() - 1)  # [k]
    sizes = np.bitwise_count(sets)
    counts = np.where(sets == 0, run, 0)
    for size in range(1, len(bits) + 1):
        at = sets[run & (sizes == size)][:, None]  # [sets, 1]
        counts[at[:, 0]] = np.where(at & bits, counts[at ^ bits], 0).sum(axis=1)
    return counts
