from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.statistics.effect_size import hedges


def test_three_seeds_by_hand() -> None:
    """1 2 3: d = 2 / 1, and J(2) = gamma(1) / (1 gamma(1/2)) = 1 / sqrt(pi)."""
    assert hedges([1.0, 2.0, 3.0]) == pytest.approx(2 / math.sqrt(math.pi))


@pytest.mark.parametrize("n", [4, 8, 30])
def test_the_correction_is_close_to_hedges_own_approximation(n: int) -> None:
    values = np.random.default_rng(n).normal(1, 1, n)
    approximate = (1 - 3 / (4 * (n - 1) - 1)) * values.mean() / values.std(ddof=1)
    assert hedges(values.tolist()) == pytest.approx(approximate, rel=0.01)


def test_it_is_unbiased_for_normal_differences() -> None:
    draws = np.random.default_rng(0).normal(0.5, 1.0, (20_000, 5))
    sizes = [hedges(each) for each in draws.tolist()]
    assert np.mean([each for each in sizes if each is not None]) == pytest.approx(0.5, abs=0.02)


@given(seed=st.integers(0, 1000), n=st.integers(3, 9), scale=st.floats(1e-3, 1e3))
def test_scale_changes_nothing_and_the_sign_changes_the_sign(seed: int, n: int, scale: float) -> None:
    values = np.random.default_rng(seed).normal(0.3, 1, n)
    size = hedges(values.tolist())
    assert size is not None
    assert hedges((-scale * values).tolist()) == pytest.approx(-size)


@pytest.mark.parametrize("values", [[], [0.1], [0.1, 0.3], [0.3, 0.3, 0.3], [0.3, 0.1 + 0.2, 0.3], [0.0, 0.0, 0.0]])
def test_too_few_seeds_and_no_spread_have_no_effect_size(values: list[float]) -> None:
    assert hedges(values) is None


def test_a_difference_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        hedges([0.1, math.nan, 0.2])
