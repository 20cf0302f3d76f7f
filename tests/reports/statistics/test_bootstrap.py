from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from reports.statistics.bootstrap import CELLS, hierarchical
from reports.statistics.crossed_effects import crossed
from tests.reports.statistics.experiments import normal, three


def spread(blocks: list[NDArray[np.float64]], weights: list[float]) -> float:
    """The exact standard deviation of a draw: E cc' = I + (1 - 1/n) 11' for the counts of n draws out of n."""
    n = len(blocks[0])
    seeds = np.eye(n) + 1 - 1 / n
    total = 0.0
    for i, (first, w) in enumerate(zip(blocks, weights, strict=True)):
        for j, (second, v) in enumerate(zip(blocks, weights, strict=True)):
            m, k = first.shape[1], second.shape[1]
            items = np.eye(m) + 1 - 1 / m if i == j else np.ones((m, k))
            moment = np.trace(seeds @ first @ items @ second.T) / (n * m * n * k)
            total += w * v * (moment - first.mean() * second.mean())
    return math.sqrt(total)


def test_draws_spread_as_much_as_the_moments_of_their_counts_say() -> None:
    blocks = [block[:, :60] for block in three(np.random.default_rng(0), 6).blocks]
    low, high = hierarchical(blocks, (0.5, 0.3, 0.2), draws=20_000)
    assert (high - low) / (2 * 1.959964) == pytest.approx(spread(blocks, [0.5, 0.3, 0.2]), rel=0.03)


def test_draws_are_those_of_a_loop_that_picks_seeds_and_items() -> None:
    random = np.random.default_rng(1)
    block = random.exponential(1.0, (4, 30)) * random.exponential(1.0, (4, 1))
    picked = [block[random.integers(0, 4, 4)][:, random.integers(0, 30, 30)].mean() for _ in range(10_000)]
    expected = np.quantile(picked, [0.05, 0.95])
    assert hierarchical([block], draws=20_000, level=0.9) == pytest.approx(tuple(expected), rel=0.04)


def test_many_seeds_and_items_give_the_interval_of_the_formula() -> None:
    block = normal(np.random.default_rng(2), (60, 80), 0.5, 0.5, 1.0)
    low, high = hierarchical([block], draws=8000)
    interval = crossed([block])
    assert (high - low) / (interval.high - interval.low) == pytest.approx(1.0, abs=0.06)


def test_more_items_than_fit_at_once_are_drawn_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    block = normal(np.random.default_rng(3), (3, 40), 0.5, 0.5, 1.0)
    whole = hierarchical([block], draws=101)
    assert CELLS > 101 * 40
    monkeypatch.setattr("reports.statistics.bootstrap.CELLS", 90)
    assert hierarchical([block], draws=101) == pytest.approx(whole)


@given(seed=st.integers(0, 1000), n=st.integers(1, 4), m=st.integers(2, 6))
def test_an_interval_lies_within_the_values_and_is_the_same_each_time(seed: int, n: int, m: int) -> None:
    block = np.random.default_rng(seed).normal(0, 1, (n, m))
    low, high = hierarchical([block], draws=50, seed=seed)
    assert block.min() - 1e-9 <= low <= high <= block.max() + 1e-9
    assert hierarchical([block], draws=50, seed=seed) == (low, high)


def test_no_difference_has_no_width() -> None:
    assert hierarchical([np.zeros((2, 3))], draws=10) == (0.0, 0.0)


@pytest.mark.parametrize(("draws", "level"), [(0, 0.95), (10, 1.0)])
def test_no_draws_and_no_level_are_refused(draws: int, level: float) -> None:
    with pytest.raises(ValueError, match=r"draw|level"):
        hierarchical([np.zeros((2, 3))], draws=draws, level=level)
    with pytest.raises(ValueError, match="block 0"):
        hierarchical([np.zeros((2, 1))])
