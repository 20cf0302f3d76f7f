from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.regression.mixed_linear_model import MixedLM

from reports.statistics.blocks import mean_squares
from reports.statistics.crossed import Estimate, crossed
from tests.reports.statistics.experiments import drawn, long, three


def test_components_and_error_are_those_of_a_mixed_model_by_restricted_likelihood() -> None:
    block = drawn(1)
    parts = {"seed": "0 + C(seed)", "item": "0 + C(item)"}
    model = MixedLM.from_formula("y ~ 1", groups="all", re_formula="0", vc_formula=parts, data=long(block))
    fitted = model.fit(reml=True, method="lbfgs")
    found = crossed([block])
    (of,) = found.components
    by_name = dict(zip(model.exog_vc.names, fitted.vcomp, strict=True))
    assert min(of.seed, of.item) > 0
    assert (of.seed, of.item, of.rest) == pytest.approx((by_name["seed"], by_name["item"], fitted.scale), rel=1e-3)
    assert (found.mean, found.error) == pytest.approx((fitted.params["Intercept"], fitted.bse["Intercept"]), rel=1e-3)


def test_a_table_worked_by_hand() -> None:
    """Rows 2 4 6 and 4 8 12 have the mean squares 24, 18 and 2, so the variance of the mean 6 is (24 + 18 - 2) / 6, and
    its degrees of freedom are 40^2 / (24^2 / 1 + 18^2 / 2 + 2^2 / 2)."""
    found = crossed([np.array([[2.0, 4.0, 6.0], [4.0, 8.0, 12.0]])])
    (of,) = found.components
    assert (of.seed, of.item, of.rest, of.items) == pytest.approx((22 / 3, 8.0, 2.0, 3))
    assert (found.mean, found.error**2, found.freedom) == pytest.approx((6.0, 40 / 6, 1600 / 740))


def test_without_an_item_component_seeds_alone_give_students_interval() -> None:
    block = np.array([[1.0, -1.0], [3.0, 1.0], [0.0, 4.0]])  # the items' means are 4/3 each
    found = crossed([block])
    theirs = stats.ttest_1samp(block.mean(axis=1), 0.0)
    assert (found.p, found.freedom) == (pytest.approx(theirs.pvalue), 2)
    assert (found.low, found.high) == pytest.approx(tuple(theirs.confidence_interval(0.95)))
    assert found.components[0].item == 0


def test_without_a_seed_component_items_alone_give_the_interval() -> None:
    block = np.array([[1.0, 2.0, 6.0], [2.0, 1.0, 6.0]])  # the seeds' means are 3 each
    found = crossed([block])
    by_item = block.mean(axis=0)
    low, high = stats.t.interval(0.95, 2, by_item.mean(), stats.sem(by_item))
    assert (found.low, found.high, found.freedom) == pytest.approx((low, high, 2.0))
    assert found.components[0].seed == 0


def test_several_blocks_follow_the_formula() -> None:
    blocks, weights = three(np.random.default_rng(3), 6).blocks, (0.5, 0.3, 0.2)
    found = crossed(blocks, weights)
    by_seed = sum(w * block.mean(axis=1) for w, block in zip(weights, blocks, strict=True))
    terms = [(np.var(by_seed, ddof=1) / 6, 5)]
    for w, block in zip(weights, blocks, strict=True):
        squares, m = mean_squares(block), block.shape[1]
        assert squares.item > squares.rest
        terms += [(w**2 * squares.item / (6 * m), m - 1), (-(w**2) * squares.rest / (6 * m), 5 * (m - 1))]
    variance = sum(term for term, _ in terms)
    freedom = variance**2 / sum(term**2 / each for term, each in terms)
    assert (found.error**2, found.freedom) == pytest.approx((variance, freedom))
    assert found.p == pytest.approx(2 * stats.t.sf(abs(found.mean) / found.error, freedom))
    assert found.high - found.mean == pytest.approx(stats.t.ppf(0.975, freedom) * found.error)
    assert [each.items for each in found.components] == [500, 800, 300]


def test_one_seed_gives_welchs_interval_over_items() -> None:
    random = np.random.default_rng(4)
    first, second = random.normal(0.3, 1, 40), random.normal(0.1, 3, 25)
    found = crossed([first[None], second[None]], (1.0, -1.0))
    theirs = stats.ttest_ind(first, second, equal_var=False)
    assert (found.seeds, found.p, found.freedom) == (1, pytest.approx(theirs.pvalue), pytest.approx(theirs.df))
    assert (found.low, found.high) == pytest.approx(tuple(theirs.confidence_interval(0.95)))


@pytest.mark.parametrize("n", [1, 2, 6])
def test_no_difference_at_all_is_no_difference_for_certain(n: int) -> None:
    found = crossed([np.zeros((n, 5)), np.zeros((n, 3))], (1.0, 0.5))
    assert (found.mean, found.error, found.p, found.low, found.high) == (0, 0, 1, 0, 0)
    assert math.isfinite(found.freedom)


def test_the_same_difference_everywhere_is_a_difference_for_certain() -> None:
    found = crossed([np.ones((3, 5))])
    assert (found.mean, found.error, found.p, found.low, found.high) == (1, 0, 0, 1, 1)


def test_a_given_mean_moves_the_interval_and_keeps_its_width() -> None:
    block = drawn(5)
    plain, moved = crossed([block]), crossed([block], mean=0.0)
    assert (moved.mean, moved.p, moved.error) == (0.0, 1.0, plain.error)
    assert moved.high - moved.low == pytest.approx(plain.high - plain.low)


@given(seed=st.integers(0, 10_000), n=st.integers(1, 5), m=st.integers(2, 9), scale=st.floats(1e-3, 1e3))
def test_scale_sign_and_order_change_nothing_but_scale_and_sign(seed: int, n: int, m: int, scale: float) -> None:
    random = np.random.default_rng(seed)
    block = random.normal(0.3, 1, (n, m))
    plain = crossed([block])
    shuffled = block[random.permutation(n)][:, random.permutation(m)]
    other = crossed([shuffled], (-scale,))
    same(other, plain, -scale)
    same(crossed([-scale * shuffled]), plain, -scale)


def same(found: Estimate, plain: Estimate, factor: float) -> None:
    ends = sorted((factor * plain.low, factor * plain.high))
    assert [found.low, found.high] == pytest.approx(ends, rel=1e-6, abs=1e-9 * abs(factor))
    assert (found.p, found.freedom) == pytest.approx((plain.p, plain.freedom), rel=1e-6)
    assert found.error == pytest.approx(abs(factor) * plain.error, rel=1e-6)


@given(seed=st.integers(0, 10_000), level=st.floats(0.5, 0.999))
def test_the_interval_leaves_out_0_exactly_where_p_is_below_its_level(seed: int, level: float) -> None:
    found = crossed([np.random.default_rng(seed).normal(0.5, 1, (3, 6))], level=level)
    assert (found.low > 0 or found.high < 0) == (found.p < 1 - level)


def test_a_mean_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="the mean is nan"):
        crossed([drawn(0)], mean=math.nan)
