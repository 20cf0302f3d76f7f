from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.regression.mixed_linear_model import MixedLM

from reports.statistics.crossed_effects import FREEDOM, Estimate, Undefined, cautious, crossed
from reports.statistics.variance_components import mean_squares
from tests.reports.statistics.experiments import drawn, estimate_of, long, three


def test_components_and_error_are_those_of_a_mixed_model_by_restricted_likelihood() -> None:
    block = drawn(1)
    parts = {"seed": "0 + C(seed)", "item": "0 + C(item)"}
    model = MixedLM.from_formula("y ~ 1", groups="all", re_formula="0", vc_formula=parts, data=long(block))
    fitted = model.fit(reml=True, method="lbfgs")
    estimate = estimate_of([block])
    (of,) = estimate.components
    by_name = dict(zip(model.exog_vc.names, fitted.vcomp, strict=True))
    assert min(of.seed, of.item) > 0
    assert (of.seed, of.item, of.rest) == pytest.approx((by_name["seed"], by_name["item"], fitted.scale), rel=1e-3)
    assert (estimate.mean, estimate.error) == pytest.approx(
        (fitted.params["Intercept"], fitted.bse["Intercept"]), rel=1e-3
    )


def test_a_table_worked_by_hand() -> None:
    """Rows 2 4 6 and 4 8 12 have the mean squares 24, 18 and 2, so the variance of the mean 6 is (24 + 18 - 2) / 6, and
    its degrees of freedom are 40^2 / (24^2 / 1 + 18^2 / 2 + 2^2 / 2), which is 2.16, above the most of 2 seeds: 2."""
    estimate = estimate_of([np.array([[2.0, 4.0, 6.0], [4.0, 8.0, 12.0]])])
    (of,) = estimate.components
    assert (of.seed, of.item, of.rest, of.items) == pytest.approx((22 / 3, 8.0, 2.0, 3))
    assert (estimate.mean, estimate.error**2, estimate.freedom) == pytest.approx((6.0, 40 / 6, 2))


def test_without_an_item_component_seeds_alone_give_students_interval() -> None:
    block = np.array([[1.1, 0.9], [2.9, 3.1], [0.0, 0.0]])  # the items' means are 4/3 each
    estimate = estimate_of([block])
    theirs = stats.ttest_1samp(block.mean(axis=1), 0.0)
    assert (estimate.p, estimate.freedom) == (pytest.approx(theirs.pvalue), 2)
    assert (estimate.low, estimate.high) == pytest.approx(tuple(theirs.confidence_interval(0.95)))
    assert estimate.components[0].item == 0


def test_without_a_seed_component_items_alone_give_the_interval() -> None:
    block = np.array([[1.0, 2.0, 6.0], [2.0, 1.0, 6.0]])  # the seeds' means are 3 each
    estimate = estimate_of([block])
    by_item = block.mean(axis=0)
    low, high = stats.t.interval(0.95, 2, by_item.mean(), stats.sem(by_item))
    assert (estimate.low, estimate.high, estimate.freedom) == pytest.approx((low, high, 2.0))
    assert estimate.components[0].seed == 0


def test_several_blocks_follow_the_formula() -> None:
    blocks, weights = three(np.random.default_rng(3), 6).blocks, (0.5, 0.3, 0.2)
    estimate = estimate_of(blocks, weights)
    by_seed = sum(w * block.mean(axis=1) for w, block in zip(weights, blocks, strict=True))
    terms = [(np.var(by_seed, ddof=1) / 6, 5)]
    for w, block in zip(weights, blocks, strict=True):
        squares, m = mean_squares(block), block.shape[1]
        assert squares.item > squares.rest
        terms += [(w**2 * squares.item / (6 * m), m - 1), (-(w**2) * squares.rest / (6 * m), 5 * (m - 1))]
    variance = sum(term for term, _ in terms)
    freedom = min(variance**2 / sum(term**2 / each for term, each in terms), FREEDOM * 5)
    assert (estimate.error**2, estimate.freedom) == pytest.approx((variance, freedom))
    assert estimate.p == pytest.approx(2 * stats.t.sf(abs(estimate.mean) / estimate.error, freedom))
    assert estimate.high - estimate.mean == pytest.approx(stats.t.ppf(0.975, freedom) * estimate.error)
    assert [each.items for each in estimate.components] == [500, 800, 300]


def test_one_seed_gives_welchs_interval_over_items() -> None:
    random = np.random.default_rng(4)
    first, second = random.normal(0.3, 1, 40), random.normal(0.1, 3, 25)
    estimate = estimate_of([first[None], second[None]], (1.0, -1.0))
    theirs = stats.ttest_ind(first, second, equal_var=False)
    assert (estimate.seeds, estimate.p, estimate.freedom) == (1, pytest.approx(theirs.pvalue), pytest.approx(theirs.df))
    assert (estimate.low, estimate.high) == pytest.approx(tuple(theirs.confidence_interval(0.95)))


@pytest.mark.parametrize("n", [1, 2, 6])
@pytest.mark.parametrize("value", [0.0, 1.0, -0.1])
def test_where_nothing_varies_there_is_no_interval_and_no_p(n: int, value: float) -> None:
    estimate = crossed([np.full((n, 5), value), np.full((n, 3), value)], (1.0, 0.5), most=(1.0, 1.0))
    assert isinstance(estimate, Undefined)
    assert (estimate.mean, estimate.seeds) == (pytest.approx(1.5 * value), n)
    assert ("no item differs" if not value else "every item differs by the same") in estimate.reason
    assert [(of.weight, of.items) for of in estimate.components] == [(1.0, 5), (0.5, 3)]


def test_an_estimate_without_an_error_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="do not vary"):
        dataclasses.replace(estimate_of([drawn(0)]), error=0.0)


@pytest.mark.parametrize("most", [(), (1.0,)])
def test_seeds_that_tie_leave_the_items_their_share(most: tuple[float, ...]) -> None:
    """Two seeds of four items, one right in each: the seeds' means tie, and MS_rest is not 0."""
    block = np.array([[1.0, 0, 0, 0], [0, 1.0, 0, 0]])
    estimate = estimate_of([block], most=most)
    assert estimate.error >= math.sqrt(mean_squares(block).rest / block.size) > 0
    assert estimate.low < 0 < estimate.high and cautious(estimate).p > 0.2


@given(seed=st.integers(0, 10_000), n=st.integers(2, 6), m=st.integers(2, 30), share=st.floats(0.02, 0.98))
def test_the_error_is_never_below_the_rests_share_in_any_block(seed: int, n: int, m: int, share: float) -> None:
    random = np.random.default_rng(seed)
    blocks = [
        (random.random((n, items)) < share).astype(float) - (random.random((n, items)) < share) for items in (m, 7)
    ]
    weights = (0.7, 0.3)
    estimate = crossed(blocks, weights)
    least = sum(w**2 * mean_squares(block).rest / block.size for w, block in zip(weights, blocks, strict=True))
    assert isinstance(estimate, Undefined) or estimate.error >= math.sqrt(least) * (1 - 1e-12)


@pytest.mark.parametrize("n", [2, 3, 6])
@pytest.mark.parametrize("m", [2, 20])
def test_a_row_that_collapses_to_either_class_is_not_certainly_worse(n: int, m: int) -> None:
    """Right on half of a balanced set in every seed, against a row that is right on all of it."""
    classes = np.arange(m) % 2
    estimate = estimate_of([np.stack([(classes == seed % 2).astype(float) for seed in range(n)])], most=(1.0,))
    assert estimate.mean == 0.5 and estimate.low < 0.5 < estimate.high
    assert cautious(estimate, collapsed=True).p >= 2 / 4**n


def test_what_a_collapsed_row_shows_is_at_least_its_chance() -> None:
    """Of two rows that collapse with chance 1/2, one does in all n seeds and the other in none: 2 / 4^n."""
    block = 0.3 + np.random.default_rng(1).normal(0, 1e-4, (3, 50))
    estimate = estimate_of([block])
    assert cautious(estimate).p < 1e-6
    assert cautious(estimate, collapsed=True).p == 2 / 64


def test_two_items_more_are_counted_for_right_or_wrong_ones() -> None:
    """Bonett and Price's variance of no discordant pair, 2 / (m + 2)^2, and about 3 / m for the interval."""
    block = np.zeros((6, 200))
    block[0, 0] = 1.0
    plain, wider = estimate_of([block]), estimate_of([block], most=(1.0,))
    assert wider.error**2 == pytest.approx(plain.error**2 + 2 / 202**2)
    assert wider.high - wider.mean > 2.8 / 202
    assert wider.components[0].item == pytest.approx(plain.components[0].item + 200 * 2 / 202**2)


@pytest.mark.parametrize("most", [(-1.0,), (1.0, 1.0), (math.nan,)])
def test_a_most_that_no_item_has_is_refused(most: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="most"):
        crossed([drawn(0)], most=most)


def test_a_given_mean_moves_the_interval_and_keeps_its_width() -> None:
    block = drawn(5)
    plain, moved = estimate_of([block]), estimate_of([block], mean=0.0)
    assert (moved.mean, moved.p, moved.error) == (0.0, 1.0, plain.error)
    assert moved.high - moved.low == pytest.approx(plain.high - plain.low)


@given(seed=st.integers(0, 10_000), n=st.integers(1, 5), m=st.integers(2, 9), scale=st.floats(1e-3, 1e3))
def test_scale_sign_and_order_change_nothing_but_scale_and_sign(seed: int, n: int, m: int, scale: float) -> None:
    random = np.random.default_rng(seed)
    block = random.normal(0.3, 1, (n, m))
    plain = estimate_of([block])
    shuffled = block[random.permutation(n)][:, random.permutation(m)]
    other = estimate_of([shuffled], (-scale,))
    same(other, plain, -scale)
    same(estimate_of([-scale * shuffled]), plain, -scale)


def same(estimate: Estimate, plain: Estimate, factor: float) -> None:
    ends = sorted((factor * plain.low, factor * plain.high))
    assert [estimate.low, estimate.high] == pytest.approx(ends, rel=1e-6, abs=1e-9 * abs(factor))
    assert (estimate.p, estimate.freedom) == pytest.approx((plain.p, plain.freedom), rel=1e-6)
    assert estimate.error == pytest.approx(abs(factor) * plain.error, rel=1e-6)


@given(seed=st.integers(0, 10_000), level=st.floats(0.5, 0.999))
def test_the_interval_leaves_out_0_exactly_where_p_is_below_its_level(seed: int, level: float) -> None:
    estimate = estimate_of([np.random.default_rng(seed).normal(0.5, 1, (3, 6))], level=level)
    assert (estimate.low > 0 or estimate.high < 0) == (estimate.p < 1 - level)


def test_a_mean_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="the mean is nan"):
        crossed([drawn(0)], mean=math.nan)
