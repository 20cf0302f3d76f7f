"""Against exact rational arithmetic on the same floats, over many orders of magnitude."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from reports.statistics.attribution import estimate
from reports.statistics.correlation import pearson, pseudo_values, williams, zou
from reports.statistics.crossed_effects import Estimate
from reports.statistics.sequential import PRIOR, log_e, over_seeds
from reports.statistics.variance_components import mean_squares
from tests.reports.statistics.experiments import estimate_of

Array = NDArray[np.float64]
MOST = 1e-9  # of a relative error
OFFSETS = [0.0, 1.0, 1e4, 1e8]
SCALES = [1e-6, 1e-3, 1.0, 1e3]


def exact(values: Array) -> list[list[Fraction]]:
    return [[Fraction(value) for value in row] for row in values.tolist()]


def squares(block: Array) -> tuple[Fraction, Fraction, Fraction]:
    """The mean squares of seeds, items and rest."""
    rows, (n, m) = exact(block), block.shape
    seed, item = [sum(row) / m for row in rows], [sum(column) / n for column in zip(*rows, strict=True)]
    grand = sum(seed) / n
    rest = sum((rows[s][i] - seed[s] - item[i] + grand) ** 2 for s in range(n) for i in range(m))
    return (
        m * sum((each - grand) ** 2 for each in seed) / (n - 1),
        n * sum((each - grand) ** 2 for each in item) / (m - 1),
        Fraction(rest) / ((n - 1) * (m - 1)),
    )


def off(result: float, right: Fraction | Decimal | float) -> float:
    """The relative error."""
    true = Fraction(right)
    return abs(float((Fraction(result) - true) / true)) if true else abs(result)


def root(value: Fraction) -> Decimal:
    with localcontext() as context:
        context.prec = 60
        return (Decimal(value.numerator) / Decimal(value.denominator)).sqrt()


def block_of(offset: float, seed: float, item: float, rest: float, shape: tuple[int, int] = (4, 12)) -> Array:
    random, (n, m) = np.random.default_rng(3), shape
    values: Array = offset + seed * random.normal(size=(n, 1)) + item * random.normal(size=(1, m))
    return values + rest * random.normal(size=shape)


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("shares", [(1.0, 1.0, 1.0), (1e-6, 1.0, 1e-6), (1.0, 1e-6, 1e-6), (1.0, 1.0, 1e-6)])
def test_mean_squares(offset: float, scale: float, shares: tuple[float, float, float]) -> None:
    block = block_of(offset, *(scale * share for share in shares))
    if np.ptp(block - block.mean(axis=1, keepdims=True)) == 0 or offset > 1e12 * scale * min(shares):
        pytest.skip("the floats themselves do not hold it")
    assert all(off(result, right) < MOST for result, right in zip(mean_squares(block), squares(block), strict=True))


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("scale", SCALES)
def test_crossed_mean_of_blocks_that_cancel(offset: float, scale: float) -> None:
    blocks = [block_of(offset, scale, scale, scale), block_of(offset, scale, scale, scale, (4, 9))]
    result = estimate_of(blocks, (1.0, -1.0))
    right = [sum(map(sum, exact(block)), Fraction()) / block.size for block in blocks]
    assert off(result.mean, right[0] - right[1]) < MOST


@pytest.mark.parametrize("offset", OFFSETS)
def test_a_contrast_of_combinations_that_share_an_offset(offset: float) -> None:
    block = np.random.default_rng(5).normal(offset, 1e-2, (4, 3, 6))
    contrast = np.array([-0.5, 0.5, -0.5, 0.5])
    result = estimate(contrast, [block])
    assert isinstance(result, Estimate)
    total = sum(
        Fraction(c) * sum(map(sum, exact(each)), Fraction()) / 18 for c, each in zip(contrast, block, strict=True)
    )
    assert off(result.mean, total) < MOST


def correlation(x: Array, y: Array) -> Decimal:
    one, other = [Fraction(each) for each in x.tolist()], [Fraction(each) for each in y.tolist()]
    n = len(one)
    dx, dy = [each - sum(one) / n for each in one], [each - sum(other) / n for each in other]
    product = sum(a * b for a, b in zip(dx, dy, strict=True))
    below = root(Fraction(sum(each**2 for each in dx) * sum(each**2 for each in dy)))
    return (Decimal(product.numerator) / Decimal(product.denominator)) / below


def spiked(height: float) -> Array:
    x: Array = np.random.default_rng(8).normal(size=20)
    x[4] = height
    return x


@pytest.mark.parametrize(
    "x",
    [
        *(np.random.default_rng(2).normal(offset, 1.0, 20) for offset in (0.0, 1e3, 1e5)),
        *(np.random.default_rng(2).normal(0.0, scale, 20) for scale in (1e-150, 1e-9, 1e150)),
        *map(spiked, (1e2, 1e4, 1e5)),
    ],
)
def test_pearson_and_its_jackknife(x: Array) -> None:
    y = np.random.default_rng(9).normal(size=20) + 1e4
    with localcontext() as context:
        context.prec = 60
        whole = correlation(x, y)
        left = [20 * whole - 19 * correlation(np.delete(x, at), np.delete(y, at)) for at in range(20)]
    assert off(pearson(x, y), whole) < MOST
    size = max(map(abs, left))
    assert all(
        abs(float((Decimal(result) - each) / size)) < MOST
        for result, each in zip(pseudo_values(x, y).tolist(), left, strict=True)
    )


@pytest.mark.parametrize("near", [1e-2, 1e-5, 1e-8])
def test_williams_and_zou_near_1(near: float) -> None:
    r12, r13, r23, n = 1 - near, 1 - 2 * near, 1 - 1.1 * near, 50
    one, other, both = map(Fraction, (r12, r13, r23))
    determinant = 1 - one**2 - other**2 - both**2 + 2 * one * other * both
    below = Fraction(2 * (n - 1), n - 3) * determinant + ((one + other) / 2) ** 2 * (1 - both) ** 3
    assert (
        off(
            williams(r12, r13, r23, n)[0],
            Decimal((one - other).numerator) / (one - other).denominator * root((n - 1) * (1 + both) / below),
        )
        < MOST
    )
    assert zou(r12, r13, r23, n) == pytest.approx(by_decimals(one, other, both, n), rel=MOST)


def by_decimals(one: Fraction, other: Fraction, both: Fraction, n: int) -> tuple[float, float]:
    """Zou's interval with 60 digits."""
    with localcontext() as context:
        context.prec = 60
        half = Decimal("1.959963984540054") / Decimal(n - 3).sqrt()

        def ends(r: Fraction) -> tuple[Decimal, Decimal, Decimal]:
            middle = Decimal(r.numerator) / r.denominator
            z = ((1 + middle) / (1 - middle)).ln() / 2
            low, high = (1 - 2 / ((2 * (z + step)).exp() + 1) for step in (-half, half))
            return low, middle, high

        c = ((both - one * other / 2) * (1 - one**2 - other**2 - both**2) + both**3) / ((1 - one**2) * (1 - other**2))
        shared = Decimal(c.numerator) / c.denominator
        (l1, r1, u1), (l2, r2, u2) = ends(one), ends(other)

        def spread(a: Decimal, b: Decimal) -> Decimal:
            return (a * a + b * b - 2 * shared * a * b).sqrt()

        return float(r1 - r2 - spread(r1 - l1, u2 - r2)), float(r1 - r2 + spread(u1 - r1, r2 - l2))


@pytest.mark.parametrize("last", [1e-12, 1e-8, 1e-4, 1.0])
def test_evidence_of_a_seed_that_says_next_to_nothing(last: float) -> None:
    values = [1.0, 0.7, 1.3, last]
    with localcontext() as context:
        context.prec = 60
        total, log = Decimal(0), Decimal(0)
        for n in range(1, 5):
            xs, g = [Decimal(each) for each in values[:n]], 1 / Decimal(PRIOR)
            square, plain = sum(each**2 for each in xs), sum(xs)
            rest = square - plain**2 / (n + g)
            turned = square - (plain - 2 * xs[-1]) ** 2 / (n + g)
            log = (2 / (1 + ((rest / turned).ln() * n / 2).exp())).ln()
            total += log
    result = log_e(np.array(values))
    assert off(float(result[-1]), total) < MOST
    if last < 1:
        assert off(float(log_e(np.array(values))[3] - result[2]), log) < MOST or last <= 1e-8  # a sum holds 16 digits


@pytest.mark.parametrize("scale", [1e-12, 1e-6, 1.0, 1e6])
def test_the_interval_over_seeds_is_as_exact_in_any_unit(scale: float) -> None:
    values = [0.31, 0.12, 0.44, 0.25, 0.19, 0.38, 0.27, 0.30]
    low, high = over_seeds(values, 0.04)
    result = over_seeds([scale * each for each in values], 0.04)
    assert result == pytest.approx((scale * low, scale * high), rel=MOST)
