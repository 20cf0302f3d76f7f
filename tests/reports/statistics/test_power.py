from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import ndtr
from statsmodels.stats.power import TTestPower, ttest_power

from reports.statistics.crossed_effects import Components, Estimate, cautious
from reports.statistics.power import at, detectable, power_of, seeds_needed
from tests.reports.statistics.experiments import error, estimate_of, normal


def over_seeds(spread: float, seeds: int) -> Estimate:
    """Of a metric that has no items."""
    return Estimate(
        mean=0, low=0, high=0, p=1, error=spread / math.sqrt(seeds), freedom=seeds - 1, seeds=seeds, components=()
    )


@pytest.mark.parametrize("seeds", [3, 6, 30])
@pytest.mark.parametrize("power", [0.5, 0.8, 0.95])
def test_the_detectable_effect_is_statsmodels(seeds: int, power: float) -> None:
    theirs = TTestPower().solve_power(nobs=seeds, alpha=0.05, power=power)
    assert detectable(over_seeds(2.0, seeds), power=power) == pytest.approx(2.0 * theirs, rel=1e-4)


@pytest.mark.parametrize(("effect", "level"), [(0.5, 0.95), (1.0, 0.95), (1.0, 0.99), (0.2, 0.9)])
def test_without_items_the_seeds_needed_are_the_pairs_of_a_t_test(effect: float, level: float) -> None:
    theirs = TTestPower().solve_power(effect_size=effect, alpha=1 - level, power=0.8)
    assert seeds_needed(over_seeds(1.0, 6), effect, level=level) == math.ceil(theirs)


@pytest.mark.parametrize("freedom", [1.0, 1.5, 2.0, 5.0, 1000.0])
@pytest.mark.parametrize("level", [0.95, 0.9999])
def test_power_rises_with_the_effect_up_to_1_and_is_statsmodels(freedom: float, level: float) -> None:
    deltas = np.geomspace(1e-3, 1e5, 60)
    powers = np.array([power_of(delta, freedom, level) for delta in deltas])
    assert (np.diff(powers) > -1e-9).all()
    assert powers[0] == pytest.approx(1 - level, rel=1e-2)
    assert powers[-1] == pytest.approx(1.0, abs=0.1)
    assert power_of(2.0, freedom, level) == pytest.approx(ttest_power(2.0, 1, 1 - level, df=freedom), rel=1e-6)


@pytest.mark.parametrize("delta", [3.0, 25.0, 40.0, 53.43062])
@pytest.mark.parametrize("freedom", [1.0, 7.6719, 450.9])
def test_power_is_the_share_of_t_beyond_its_edge(delta: float, freedom: float) -> None:
    """P(|T| > edge), T = (Z + delta) / sqrt(chi2 / freedom), averaged over the quantiles of chi2."""
    edge = stats.t.isf(0.005, freedom)
    below = np.sqrt(stats.chi2.ppf((np.arange(20_000) + 0.5) / 20_000, freedom) / freedom)
    share = float((ndtr(delta - edge * below) + ndtr(-edge * below - delta)).mean())
    assert power_of(delta, freedom, 0.99) == pytest.approx(share, abs=1e-4)


def test_so_many_seeds_find_the_effect_in_an_experiment() -> None:
    """With the true components: seeds 0.0004, items 0.005, rest 0.1, of 500 items."""
    n, m, effect = 4, 500, 0.035
    shrinking, items = 0.0004 + 0.1 / m, 0.005 / m
    truth = Estimate(
        mean=0, low=0, high=0, p=1, error=math.sqrt(shrinking / n + items), freedom=3, seeds=n,
        components=(Components(1.0, 0.0004, 0.005, 0.1, m),),
    )  # fmt: skip
    needed = seeds_needed(truth, effect)
    assert needed is not None
    random = np.random.default_rng(0)
    rejected = [estimate_of([normal(random, (needed, m), 0.0004, 0.005, 0.1) + effect]).p < 0.05 for _ in range(600)]
    expected = power_of(effect / math.sqrt(at(truth, needed)[0]), at(truth, needed)[1], 0.95)
    assert expected >= 0.8 > power_of(effect / math.sqrt(at(truth, needed - 1)[0]), at(truth, needed - 1)[1], 0.95)
    assert np.mean(rejected) == pytest.approx(expected, abs=error(0.8, 600) + 0.01)


def test_at_the_seeds_there_are_the_variance_is_the_estimates() -> None:
    blocks = [normal(np.random.default_rng(1), (6, 50), 0.3, 0.4, 1.0) for _ in range(2)]
    estimate = estimate_of(blocks, (0.6, 0.4))
    assert at(estimate, 6)[0] == pytest.approx(estimate.error**2)


@given(seed=st.integers(0, 1000), share=st.floats(1.1, 20))
def test_fewer_seeds_than_needed_are_too_few_and_a_larger_effect_needs_no_more(seed: int, share: float) -> None:
    estimate = estimate_of([normal(np.random.default_rng(seed), (4, 30), 0.3, 0.2, 1.0)])
    limit = math.sqrt(sum(of.weight**2 * of.item / of.items for of in estimate.components))
    effect = max(share * 3 * limit, 0.2)
    needed = seeds_needed(estimate, effect)
    assert needed is not None
    fewer = [k for k in (2, needed // 2, needed - 1) if 2 <= k < needed]
    powers = [power_of(effect / math.sqrt(at(estimate, k)[0]), at(estimate, k)[1], 0.95) for k in (*fewer, needed)]
    assert powers[-1] >= 0.8
    assert all(power < 0.8 for power in powers[:-1])
    assert (seeds_needed(estimate, 2 * effect) or 0) <= needed


def test_items_alone_can_forbid_it() -> None:
    item = Components(1.0, 0.0004, 0.5, 0.1, 500)
    estimate = dataclasses.replace(over_seeds(0.01, 6), error=math.sqrt(0.5 / 500 + 0.0001), components=(item,))
    assert seeds_needed(estimate, 2.7 * math.sqrt(0.5 / 500)) is None
    assert seeds_needed(estimate, 3.0 * math.sqrt(0.5 / 500)) is not None
    assert seeds_needed(over_seeds(1.0, 6), 0.01, most=100) is None


def test_seeds_that_tie_do_not_find_everything() -> None:
    estimate = estimate_of([np.array([[1.0, 0, 0, 0], [0, 1.0, 0, 0]])], most=(1.0,))
    assert detectable(estimate) > 0.3
    assert seeds_needed(estimate, 0.01) is None


def test_what_has_no_answer_is_refused() -> None:
    estimate = over_seeds(1.0, 6)
    for effect in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="effect"):
            seeds_needed(estimate, effect)
    for power, level in ((0.05, 0.95), (1.0, 0.95), (0.8, 1.0), (0.8, 0.0)):
        with pytest.raises(ValueError, match=r"power|level"):
            detectable(estimate, power=power, level=level)
        with pytest.raises(ValueError, match=r"power|level"):
            seeds_needed(estimate, 1.0, power=power, level=level)
    with pytest.raises(ValueError, match="one seed"):
        seeds_needed(estimate_of([np.array([[1.0, 2.0]])]), 1.0)


def test_the_cautious_test_needs_more_seeds_than_it_has_where_it_found_nothing() -> None:
    for seed in range(20):
        block = np.random.default_rng(seed).normal(0.1, 0.3, (3, 200)) + np.random.default_rng(seed).normal(
            0, 0.1, (3, 1)
        )
        estimate = estimate_of([block])
        needed = seeds_needed(estimate, abs(estimate.mean), cautiously=True)
        assert needed is None or needed >= (seeds_needed(estimate, abs(estimate.mean)) or 0)
        if cautious(estimate).p > 0.05:
            assert needed is None or needed > 3
