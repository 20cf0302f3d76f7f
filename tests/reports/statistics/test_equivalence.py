from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.weightstats import DescrStatsW

from reports.statistics.crossed_effects import cautious, crossed
from reports.statistics.equivalence import tost
from tests.reports.statistics.experiments import estimate_of


def seeds_alone(values: list[float]) -> np.ndarray:
    """Two items without a variance of their own, and little beside the seeds', so that the estimate is Student's."""
    away = [0.1, -0.1, 0.1, -0.1, 0.0]
    return np.array([[value + each, value - each] for value, each in zip(values, away, strict=True)])


@pytest.mark.parametrize("margin", [0.1, 0.5, 1.0, 3.0])
def test_over_seeds_alone_it_is_statsmodels_test(margin: float) -> None:
    values = [0.1, 0.7, -0.4, 0.9, 0.35]
    theirs = DescrStatsW(np.array(values)).ttost_mean(-margin, margin)[0]
    assert tost(estimate_of([seeds_alone(values)]), margin) == pytest.approx(theirs)


@given(seed=st.integers(0, 1000), margin=st.floats(0.01, 3))
def test_it_rejects_exactly_where_the_90_percent_interval_lies_within(seed: int, margin: float) -> None:
    block = np.random.default_rng(seed).normal(0, 1, (3, 8))
    estimate = estimate_of([block], level=0.9)
    assert (tost(estimate, margin) < 0.05) == (-margin < estimate.low and estimate.high < margin)


def test_where_no_item_differs_the_rule_of_three_decides() -> None:
    for items in (2, 100, 290, 310, 2000):
        p = tost(crossed([np.zeros((3, items))], most=(1.0,)), 0.01)
        assert p == pytest.approx(math.exp(-0.01 * items))
        assert p >= 0.99**items  # the chance to meet no item that differs, where a share of .01 does
        assert (p < 0.05) == (3 / items < 0.01)


def test_where_all_items_differ_alike_nothing_is_equivalent() -> None:
    assert tost(crossed([np.full((2, 3000), 0.5)]), 0.6) == 1.0


def test_one_item_that_differs_shows_no_equivalence_from_few() -> None:
    block = np.zeros((3, 200))
    block[0, 0] = 1.0
    assert tost(cautious(estimate_of([block], most=(1.0,))), 0.01) > 0.05
    assert tost(cautious(estimate_of([np.tile(block, 10)], most=(1.0,))), 0.01) < 0.05


def test_of_several_blocks_the_least_items_for_their_weight_decide() -> None:
    blocks, weights = [np.zeros((3, 900)), np.zeros((3, 100))], (0.5, 0.25)
    shares = np.linspace(0, 0.04, 41)  # of the second block's items; the first block's make up the margin
    worst = max((1 - (0.01 - 0.25 * s) / 0.5) ** 900 * (1 - s) ** 100 for s in shares)
    assert tost(crossed(blocks, weights, most=(1.0, 1.0)), 0.01) == pytest.approx(math.exp(-0.01 * 400))
    assert worst <= math.exp(-0.01 * 400)


@pytest.mark.parametrize("margin", [0.0, -1.0, math.nan])
def test_a_margin_that_is_not_positive_is_refused(margin: float) -> None:
    with pytest.raises(ValueError, match="margin"):
        tost(crossed([np.zeros((2, 3))]), margin)
