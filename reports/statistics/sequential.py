"""When one may stop adding seeds: an interval and decisions that hold after every seed, however often one looks.

The chance that an interval of the family ever leaves out the truth is at most 1 - level, and all decisions are read
from these intervals, so that none is false more often, whenever and for whatever reason one stops. It rests on

**Symmetric seeds.** ``D[1], D[2], ...``, a comparison's differences by seed, scatter symmetrically about their centre.
They do where the noise is normal, and where the seeds of both rows scatter alike, in whatever way, collapses included.
The size of ``x = D - centre`` then says nothing of its sign, and with ``f`` any density of x_k given the earlier ones

    ``e[n] = prod_(k <= n) 2 f(x_k) / (f(x_k) + f(-x_k))``

is a martingale that starts at 1: it ever reaches 1 / alpha with chance alpha at most (Ville). ``f`` is that of the
t-mixture of Wang and Ramdas, ``mean / sigma ~ N(0, PRIOR)`` and Haar's measure on sigma, so that units do not matter.
Larsson, Ramdas and Ruf (2025), "The numeraire e-variable and reverse information projection", Annals of Statistics, and
Vovk and Wang (2024), "Nonparametric e-tests of symmetry", New England Journal of Statistics in Data Science, for the
factor; Wang and Ramdas (2023), "Anytime-valid t-tests and confidence sequences for Gaussian means with unknown
variance", arXiv 2310.03722, section 4, for the mixture; Howard, Ramdas, McAuliffe and Sekhon (2021), "Time-uniform,
nonparametric, nonasymptotic confidence sequences", Annals of Statistics 49, 1055-1080, for the interval.

The price: n seeds agree in sign by chance once in 2^(n - 1), so nothing is decided before 6 seeds, or 9 where 8
comparisons share 5%; no rule that holds for a scatter of two values is quicker. ``noise="normal"`` takes the t-mixture
itself as e-value: it decides from 4 or 5 seeds on, but where seeds scatter over two values it is false in 14% of
experiments, with 8 comparisons in 42%. Skewness is beyond both, as it need not show in few seeds: ``SKEWED``.

**The same items in every seed.** More seeds do not make the items representative. The seeds' interval is for the mean
on *these* items, which lies off the truth by a ``b`` that is drawn once. So the seeds get 1 - ITEMS of the error, the
one event that ``|b|`` exceeds ``t * error over items`` gets ITEMS, and the widths add up: wider than a crossed
interval, whose p does not hold for looking again and again, and with items random it is false far less often than 5%.
The items' error is itself an estimate (``crossed.Components``), good with tens of items or more.

**Bonferroni.** Each of m comparisons gets (1 - level) / m, whatever rows they share; and who gets the next seed may
depend on all that was seen, as long as each comparison takes its seeds in a fixed order with none left out. e-BH (Wang
and Ramdas 2022) bounds the share of false decisions, not the chance of one. Holm would pass on the level of a
comparison decided "higher", where "equivalent" may still be the true null.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import stdtrit

from reports.statistics.crossed_effects import Estimate, Undefined, prior
from reports.statistics.variance_components import check_level

Noise = Literal["symmetric", "normal"]
Decision = Literal["higher", "lower", "equivalent"]
Array = NDArray[np.float64]

PRIOR = 4.0  # g: effects of about 2 standard deviations are expected; at 1 to 4 of them no other g is much quicker
ITEMS = 0.2  # of the error
# 40,000 experiments each, looking after every seed up to 30; tested.
SKEWED = (
    "differences of skewness 1 are decided falsely in 4% of experiments, in 6% with 8 comparisons; of skewness 2 in 9% "
    "and 18%; where one row alone collapses, in a fifth of its seeds, in 29%"
)


class Items(NamedTuple):
    """What the items add to the uncertainty of a mean over seeds: a standard error, and its degrees of freedom."""

    error: float
    freedom: int


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two rows so far: the ``differences`` by seed, in the seeds' order and with none left out; what their ``items``
    add, None for a metric without items; the ``margin`` below which a difference does not matter, in the same unit; and
    what one more seed would ``cost``, in any unit."""

    differences: tuple[float, ...]
    margin: float
    items: Items | None = None
    cost: float = 1.0

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, self.differences)):
            raise ValueError(f"a difference is not finite: {self.differences}; leave no failed seed in")
        if not (self.margin > 0 and self.cost > 0):
            raise ValueError(f"margin and cost must be positive; got {self.margin} and {self.cost}")


def items_of(estimate: Estimate | Undefined) -> Items | None:
    """The items' part of a crossed estimate: ``error^2 = sum_b w_b^2 item_b / m_b``. Never 0, for no items prove that
    all others are like them: where no item differs, what ``crossed`` adds for right-or-wrong ones stands alone, which
    the interval takes to about 3 / m."""
    parts = estimate.components
    if not parts:
        return None
    shares = [of.weight**2 * of.item / of.items for of in parts]
    error = math.sqrt(sum(shares) or sum(of.weight**2 * prior(of.items, of.most or 1.0) for of in parts))
    return Items(error, min(of.items for of in parts) - 1)


def log_e(values: Array, noise: Noise = "symmetric") -> Array:
    """The logarithm of the e-value after each seed, against a centre of 0: [seeds, ...] for values [seeds, ...].

    With ``S = sum x``, ``V = sum x^2`` and ``q(S) = V - S^2 / (n + 1 / g)``, the mixture's density of x_n given the
    earlier values goes with ``q(S)^(-n / 2)``, and its e-value is ``(1 + n g)^(-1/2) (V / q(S))^(n / 2)``.
    """
    n = np.arange(1.0, len(values) + 1).reshape(-1, *[1] * (values.ndim - 1))
    total, square = values.cumsum(axis=0), np.square(values).cumsum(axis=0)
    rest = square - total**2 / (n + 1 / PRIOR)
    before = np.concatenate([np.zeros_like(values[:1]), total[:-1]])
    with np.errstate(divide="ignore", invalid="ignore"):  # nothing but zeros so far: e is 1
        if noise == "normal":
            return np.where(square > 0, n / 2 * np.log(square / rest) - np.log1p(n * PRIOR) / 2, 0.0)
        turned = square - (before - values) ** 2 / (n + 1 / PRIOR)  # had the last one the other sign
        change = -4 * before * values / (n + 1 / PRIOR) / turned  # rest / turned - 1, without their difference
        step = -np.log1p(np.expm1(n / 2 * np.log1p(change)) / 2)  # log(2 / (1 + (rest / turned)^(n / 2)))
    return np.where(square > 0, step, 0.0).cumsum(axis=0)


def over_seeds(values: Sequence[float], alpha: float, noise: Noise = "symmetric") -> tuple[float, float]:
    """The centres that no look so far has refused at alpha, from the least to the greatest, on these items.

    Infinite as long as no data of so many seeds could refuse any. Where every centre has been refused, which happens
    with chance alpha at most, the least refused one.
    """
    edge, numbers = -math.log(alpha), np.asarray(values, dtype=np.float64)
    if len(numbers) < first_possible(alpha, noise):
        return -math.inf, math.inf
    near, unit = float(numbers[0]), float(np.ptp(numbers)) or 1.0  # so that the search's tolerance is the data's
    data = (numbers - near) / unit

    def evidence(centres: Array) -> Array:
        excess: Array = log_e(data[:, None] - centres, noise).max(axis=0) - edge
        return excess

    def crossing(one: float, other: float) -> float:
        return float(brentq(lambda centre: evidence(np.array([centre]))[0], one, other))

    # the same centres at every look, so that none comes back: where the first seeds agree, those of this look
    early = data[: first_possible(alpha, noise)]
    usable = early if early.min() < early.max() else data
    low, high = float(usable.min()), float(usable.max())
    away = (high - low) * np.geomspace(1e-4, 1e4, 200)
    grid = np.concatenate([low - away[::-1], np.linspace(low, high, 401), high + away])
    refused = evidence(grid)
    kept = np.flatnonzero(refused < 0)
    if low == high or not len(kept):
        only = near + unit * float(grid[refused.argmin()])
        return only, only
    first, last = int(kept[0]), int(kept[-1])
    return (
        near + unit * crossing(grid[first - 1], grid[first]) if first else -math.inf,
        near + unit * crossing(grid[last], grid[last + 1]) if last + 1 < len(grid) else math.inf,
    )


def first_possible(alpha: float, noise: Noise = "symmetric", most: int = 1000) -> int:
    """The fewest seeds that can refuse a centre at alpha: those of equal differences."""
    return 1 + int((log_e(np.ones(most), noise) >= -math.log(alpha)).argmax())


def interval(
    comparison: Comparison, *, level: float = 0.95, family: int = 1, noise: Noise = "symmetric"
) -> tuple[float, float]:
    """For other seeds and other items. All ``family`` intervals hold the truth at all looks with chance ``level``.
    Infinite for a metric without items whose seeds all differ by the same, for they tell nothing of others.

    Raises:
        ValueError: a level outside (0, 1), or a family of none.
    """
    for_seeds, beyond = shares(comparison, level, family)
    if comparison.items is None and len(set(comparison.differences)) < 2:
        return -math.inf, math.inf  # nothing varies
    low, high = over_seeds(comparison.differences, for_seeds, noise)
    return low - beyond, high + beyond


def shares(comparison: Comparison, level: float, family: int) -> tuple[float, float]:
    """The seeds' alpha, and the width that items add to either side."""
    check_level(level)
    if family < 1:
        raise ValueError(f"the family has {family} comparisons; it must have one or more, counted before looking")
    alpha, items = (1 - level) / family, comparison.items
    if items is None:
        return alpha, 0.0
    return (1 - ITEMS) * alpha, -float(stdtrit(items.freedom, ITEMS * alpha / 2)) * items.error


def decide(
    comparison: Comparison, *, level: float = 0.95, family: int = 1, noise: Noise = "symmetric"
) -> Decision | None:
    """What the interval shows: that the difference is above 0, below 0, or closer to 0 than the margin. ``family`` is
    the number of comparisons that are looked at, decided ones included; stop at a decision, it stands."""
    low, high = interval(comparison, level=level, family=family, noise=noise)
    if low > 0:
        return "higher"
    if high < 0:
        return "lower"
    return "equivalent" if -comparison.margin < low and high < comparison.margin else None


def more_seeds(
    comparison: Comparison, *, level: float = 0.95, family: int = 1, noise: Noise = "symmetric", most: int = 1000
) -> int | None:
    """About how many more seeds decide, if mean and spread stay what they are: a rough guide that no decision rests on.

    The fewest N at which the t-mixture's interval of N seeds, ``mean +- s sqrt(T / N)`` with
    ``T = (N - 1) (r - 1) / (1 - r / (1 + N g))`` and ``r = (sqrt(1 + N g) / alpha)^(2 / N)``, leaves out 0 or lies
    within the margin; or ``most``, where that is not enough. None where no number would do: the items forbid it.
    """
    seeds = len(comparison.differences)
    if seeds < 2:
        return 2 - seeds  # they say nothing yet
    alpha, beyond = shares(comparison, level, family)
    mean, spread = abs(float(np.mean(comparison.differences))), float(np.std(comparison.differences, ddof=1))
    room = max(mean, comparison.margin - mean) - beyond
    if room <= 0:
        return None
    n = np.arange(max(seeds + 1, first_possible(alpha, noise)), most + 1)
    ratio = (np.sqrt(1 + n * PRIOR) / alpha) ** (2 / n)
    possible = np.maximum(1 - ratio / (1 + n * PRIOR), 1e-300)  # no N so small refuses anything
    enough = spread * np.sqrt((n - 1) * (ratio - 1) / possible / n) < room
    return int(n[enough.argmax()]) - seeds if enough.any() else max(most - seeds, 1)


def next_seed(comparisons: Sequence[Comparison], *, level: float = 0.95, noise: Noise = "symmetric") -> int | None:
    """The position of the comparison that gets the next seed; None where all are decided or seeds cannot decide them.

    The undecided one with the least ``more_seeds * cost``, the shortest job first, so that a budget that runs out has
    decided the most (Smith 1956, "Various optimizers for single-stage production", Naval Research Logistics Quarterly
    3, 59-66). Of equal ones, the one with fewer seeds. One that the items seem to forbid comes last, and is given up
    only once it has the seeds that could have decided. The choice cannot make a decision false: see Bonferroni above.
    """
    family, waiting = len(comparisons), []
    for at, each in enumerate(comparisons):
        if decide(each, level=level, family=family, noise=noise) is not None:
            continue
        more, seeds = more_seeds(each, level=level, family=family, noise=noise), len(each.differences)
        if more is not None:
            waiting.append((more * each.cost, seeds, at))
        elif seeds < first_possible(shares(each, level, family)[0], noise):
            waiting.append((math.inf, seeds, at))
    return min(waiting)[2] if waiting else None
