"""Pearson's r: itself, by item, and the difference of two that share a variable."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from reports.statistics.variance_components import check_level

Array = NDArray[np.float64]
FEW = 1e-3  # of a sum of squares: what is left of it has lost three digits


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
    first, second = (centred(side) for side in sides)
    for side, away in zip(sides, (first, second), strict=True):
        if np.abs(away).max() <= 1e-6 * np.abs(side).max():
            raise ValueError("r does not exist where one side is the same for every item")
    return first, second


def centred(side: Array) -> Array:
    """Distances from the mean; twice, for what the first mean rounds off."""
    away: Array = side - side.mean()
    away -= away.mean()
    return away


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
    products, and likewise from the two sums of squares; so all items take O(n). Where little is left of a side's
    squares the difference has rounded, and those few items are left out anew. ``n r - (n - 1) r_without_i`` is computed
    as ``r + (n - 1) (r - r_without_i)``.

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
    without = (dx @ dy - n / (n - 1) * dx * dy) / np.sqrt(squares[0]) / np.sqrt(squares[1])
    little = (squares[0] < FEW * np.square(dx).sum()) | (squares[1] < FEW * np.square(dy).sum())
    for at in np.flatnonzero(little):
        without[at] = cosine(*(centred(np.delete(side, at)) for side in (dx, dy)))
    r = cosine(dx, dy)
    values: Array = r + (n - 1) * (r - without)
    return values


def cosine(x: Array, y: Array) -> float:
    return float(x @ y / math.sqrt(x @ x) / math.sqrt(y @ y))


def williams(r12: float, r13: float, r23: float, n: int) -> tuple[float, float]:
    """Williams' t of ``r12 - r13``, with n - 3 degrees of freedom, and its two-sided p.

    ``t = (r12 - r13) sqrt((n - 1)(1 + r23) / (2 (n - 1) / (n - 3) |R| + ((r12 + r13) / 2)^2 (1 - r23)^3))`` with
    ``|R| = 1 - r12^2 - r13^2 - r23^2 + 2 r12 r13 r23``. Variable 1 is the gold score and 2 and 3 are the answers.

    Williams (1959), "The comparison of regression variables", Journal of the Royal Statistical Society B 21, 396-399;
    Steiger (1980), "Tests for comparing elements of a correlation matrix", Psychological Bulletin 87, 245-251, eq. 7.

    Raises:
        ValueError: fewer than four items, three numbers that cannot be correlations of the same items, or nothing that
            varies.
    """
    determinant = checked_determinant(r12, r13, r23, n)
    if r12 == r13:
        return 0.0, 1.0
    below = 2 * (n - 1) / (n - 3) * determinant + ((r12 + r13) / 2) ** 2 * (1 - r23) ** 3
    if not below > 0:
        raise ValueError(f"{r12}, {r13} and {r23} leave nothing that varies, and the test does not exist")
    t = (r12 - r13) * math.sqrt((n - 1) * (1 + r23) / below)
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
    one, other, both = (Fraction(float(r)) for r in (r12, r13, r23))
    apart = 1 - ((both - one * other / 2) * (1 - one**2 - other**2 - both**2) + both**3) / (
        (1 - one**2) * (1 - other**2)
    )  # 1 - c, exactly
    below = spread(reach(r12, -half), reach(r13, half), float(apart))
    above = spread(reach(r12, half), reach(r13, -half), float(apart))
    return r12 - r13 - below, r12 - r13 + above


def reach(r: float, step: float) -> float:
    """How far the end of Fisher's interval is from r, ``|tanh(atanh(r) + step) - r|``, without their difference."""
    z = math.atanh(r)
    return abs(math.sinh(step)) / (math.cosh(z) * math.cosh(z + step))


def spread(first: float, second: float, apart: float) -> float:
    """``sqrt(first^2 + second^2 - 2 c first second)`` with ``apart = 1 - c``."""
    return math.sqrt(max((first - second) ** 2 + 2 * apart * first * second, 0.0))


def checked_determinant(r12: float, r13: float, r23: float, n: int) -> float:
    if n < 4:
        raise ValueError(f"the difference of two correlations needs four items or more; got {n}")
    sizes = max(abs(r12), abs(r13), abs(r23))
    one, other, both = (Fraction(float(r)) for r in (r12, r13, r23)) if sizes <= 1 else (Fraction(),) * 3
    determinant = float(1 - one**2 - other**2 - both**2 + 2 * one * other * both)  # exactly: near 1 it cancels
    if not (sizes <= 1 and determinant >= -1e-9):
        raise ValueError(f"{r12}, {r13} and {r23} cannot be the correlations of the same items")
    return max(determinant, 0.0)
