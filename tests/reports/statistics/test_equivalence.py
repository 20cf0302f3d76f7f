from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.weightstats import DescrStatsW

from reports.statistics.crossed import crossed
from reports.statistics.equivalence import tost


def seeds_alone(values: list[float]) -> np.ndarray:
    """Two items without a variance of their own, so that the estimate is Student's."""
    return np.array([[value - 1, value + 1] if s % 2 else [value + 1, value - 1] for s, value in enumerate(values)])


@pytest.mark.parametrize("margin", [0.1, 0.5, 1.0, 3.0])
def test_over_seeds_alone_it_is_statsmodels_test(margin: float) -> None:
    values = [0.1, 0.7, -0.4, 0.9, 0.35]
    theirs = DescrStatsW(np.array(values)).ttost_mean(-margin, margin)[0]
    assert tost(crossed([seeds_alone(values)]), margin) == pytest.approx(theirs)


@given(seed=st.integers(0, 1000), margin=st.floats(0.01, 3))
def test_it_rejects_exactly_where_the_90_percent_interval_lies_within(seed: int, margin: float) -> None:
    block = np.random.default_rng(seed).normal(0, 1, (3, 8))
    found = crossed([block], level=0.9)
    assert (tost(found, margin) < 0.05) == (-margin < found.low and found.high < margin)


def test_without_error_the_mean_decides() -> None:
    found = crossed([np.full((2, 3), 0.5)])
    assert (tost(found, 0.6), tost(found, 0.5)) == (0.0, 1.0)


@pytest.mark.parametrize("margin", [0.0, -1.0, math.nan])
def test_a_margin_that_is_not_positive_is_refused(margin: float) -> None:
    with pytest.raises(ValueError, match="margin"):
        tost(crossed([np.zeros((2, 3))]), margin)
