"""Pearson's r: itself, by item, and the difference of two that share a variable."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from reports.statistics.blocks import check_level

Array = NDArray[np.float64]


def deviations(x: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    """Both sides' distances from their means, [items]; a side that varies by float32 rounding alone is constant.

    Raises:
        ValueError: not the same items, fewer than three, a value that is not finite, or a constant side.
    """
    sides = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if sides[0].ndim != 1 or sides[0].shape != sides[1].shape or sides[0].size < 3:
        raise ValueError(f"r needs the same items on both sides, three or more; got {sides[0].shape}, {sides[1].shape}")
    if not all(np.isfinite(side).all() for side in sides):
        raise ValueError("r needs finite values")
    first, second = (side - side.mean() for side in sides)
    for side, away in zip(sides, (first, second), strict=True):
        if np.abs(away).max() <= 1e-6 * np.abs(side).max():
            raise ValueError("r does not exist where one side is the same for every item")
    return first, second


def pearson(x: ArrayLike, y: ArrayLike) -> float:
    """Pearson's r of ``x`` and ``y`` [items], in -1..1.

    Pearson (1895), "Note on regression and inheritance in the case of two parents", Proceedings of the Royal Society
    58, 240-242.

    Raises:
        ValueError: what ``deviations`` refuses.
    """
    return float(stats.pearsonr(*deviations(x, y)).statistic)


def pseudo_values(x: ArrayLike, y: ArrayLike) -> Array:
    """Each item's jackknife pseudo-value of r, ``n r - (n - 1) r_without_i``, [items]; their mean is the jackknife's r.

    With dx, dy the distances from the means, leaving out item i takes ``n / (n - 1) dx_i dy_i`` from the sum of
    products, and likewise from the two sums of squares; so all items take O(n).

    Tukey (1958), "Bias and confidence in not quite large samples", Annals of Mathematical Statistics 29, 614; Efron and
    Stein (1981), "The jackknife estimate of variance", Annals of Statistics 9, 586-596.

    Raises:
        ValueError: what ``deviations`` refuses, or a side that is constant but for one item.
    """
    dx, dy = deviations(x, y)
    n = len(dx)
    squares = [np.square(side).sum() - n / (n - 1) * np.square(side) for side in (dx, dy)]  # without each item
    if any((left <= 1e-12 * left.max()).any() for left in squares):
        raise ValueError("r has no jackknife where one side is the same for every item but one")
    without = (dx @ dy - n / (n - 1) * dx * dy) / np.sqrt(squares[0] * squares[1])
    r = dx @ dy / math.sqrt((dx @ dx) * (dy @ dy))
    values: Array = n * r - (n - 1) * without
    return values


def williams(r12: float, r13: float, r23: float, n: int) -> tuple[float, float]:
    """Williams' t of ``r12 - r13``, with n - 3 degrees of freedom, and its two-sided p.

    ``t = (r12 - r13) sqrt((n - 1)(1 + r23) / (2 (n - 1) / (n - 3) |R| + ((r12 + r13) / 2)^2 (1 - r23)^3))`` with
    ``|R| = 1 - r12^2 - r13^2 - r23^2 + 2 r12 r13 r23``. Variable 1 is the gold score and 2 and 3 are the answers.

    Williams (1959), "The comparison of regression variables", Journal of the Royal Statistical Society B 21, 396-399;
    Steiger (1980), "Tests for comparing elements of a correlation matrix", Psychological Bulletin 87, 245-251, eq. 7.

    Raises:
        ValueError: fewer than four items, or three numbers that cannot be correlations of the same items.
    """
    determinant = checked_determinant(r12, r13, r23, n)
    if r12 == r13:
        return 0.0, 1.0
    below = 2 * (n - 1) / (n - 3) * determinant + ((r12 + r13) / 2) ** 2 * (1 - r23) ** 3
    t = (r12 - r13) * math.sqrt((n - 1) * (1 + r23) / below) if below > 0 else math.copysign(math.inf, r12 - r13)
    return t, float(2 * stats.t.sf(abs(t), n - 3))


def zou(r12: float, r13: float, r23: float, n: int, level: float = 0.95) -> tuple[float, float]:
    """The interval of ``r12 - r13`` by the method of variance estimates recovery, from Fisher's interval of each.

    With l, u the ends of Fisher's intervals and d the difference,
    ``low = d - sqrt((r12 - l12)^2 + (u13 - r13)^2 - 2 c (r12 - l12)(u13 - r13))``,
    ``high = d + sqrt((u12 - r12)^2 + (r13 - l13)^2 - 2 c (u12 - r12)(r13 - l13))`` and
    ``c = ((r23 - r12 r13 / 2)(1 - r12^2 - r13^2 - r23^2) + r23^3) / ((1 - r12^2)(1 - r13^2))``.

    Zou (2007), "Toward using confidence intervals to compare correlations", Psychological Methods 12, 399-413.

    Raises:
        ValueError: fewer than four items, numbers that cannot be correlations of the same items, r12 or r13 of 1 or -1,
            or a level outside (0, 1).
    """
    checked_determinant(r12, r13, r23, n)
    check_level(level)
    if max(abs(r12), abs(r13)) >= 1:
        raise ValueError(f"a correlation of 1 or -1 has no interval; got {r12} and {r13}")
    half = float(stats.norm.isf((1 - level) / 2)) / math.sqrt(n - 3)
    (low12, high12), (low13, high13) = (
        (math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half)) for r in (r12, r13)
    )
    c = (r23 - r12 * r13 / 2) * (1 - r12**2 - r13**2 - r23**2) + r23**3
    c /= (1 - r12**2) * (1 - r13**2)
    below = spread(r12 - low12, high13 - r13, c)
    above = spread(high12 - r12, r13 - low13, c)
    return r12 - r13 - below, r12 - r13 + above


def spread(first: float, second: float, c: float) -> float:
    return math.sqrt(max(first**2 + second**2 - 2 * c * first * second, 0.0))


def checked_determinant(r12: float, r13: float, r23: float, n: int) -> float:
    if n < 4:
        raise ValueError(f"the difference of two correlations needs four items or more; got {n}")
    determinant = 1 - r12**2 - r13**2 - r23**2 + 2 * r12 * r13 * r23
    if not (max(abs(r12), abs(r13), abs(r23)) <= 1 and determinant >= -1e-9):
        raise ValueError(f"{r12}, {r13} and {r23} cannot be the correlations of the same items")
    return max(determinant, 0.0)
