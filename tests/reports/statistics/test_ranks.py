from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from reports.statistics.rank_correlation import kendall


def by_counting(first: np.ndarray, second: np.ndarray) -> float:
    signs = [
        (np.sign(first[i] - first[j]), np.sign(second[i] - second[j]))
        for i, j in itertools.combinations(range(len(first)), 2)
    ]
    sizes = [sum(abs(pair[side]) for pair in signs) for side in (0, 1)]
    return float(sum(a * b for a, b in signs) / math.sqrt(sizes[0] * sizes[1]))


@given(seed=st.integers(0, 10_000), rows=st.integers(3, 9))
def test_tau_counts_pairs_and_knows_ties(seed: int, rows: int) -> None:
    random = np.random.default_rng(seed)
    printed, ours = random.integers(0, 4, rows) / 10, random.integers(0, 4, (3, rows)) / 10
    means = ours.mean(axis=0).round(9)
    assume(len(set(printed)) > 1 and len(set(means)) > 1)
    tau, low, high = kendall(printed.tolist(), ours, draws=30)
    assert tau == pytest.approx(by_counting(printed, means))
    assert -1 <= low <= high <= 1


def test_the_interval_is_the_percentiles_of_seeds_drawn_again() -> None:
    random = np.random.default_rng(0)
    printed, ours = np.arange(12.0), np.arange(12.0) + random.normal(0, 6, (5, 12))
    _, low, high = kendall(printed.tolist(), ours, draws=6000)
    taus = [stats.kendalltau(printed, ours[random.integers(0, 5, 5)].mean(axis=0)).statistic for _ in range(3000)]
    assert (low, high) == pytest.approx(tuple(np.quantile(taus, [0.025, 0.975])), abs=0.05)
    assert low < high


def test_the_same_and_the_opposite_order() -> None:
    ours = np.array([[1.0, 2.0, 3.0], [2.0, 3.0, 4.0]])
    assert kendall([1, 2, 3], ours) == (1.0, 1.0, 1.0)
    assert kendall([3, 2, 1], ours) == (-1.0, -1.0, -1.0)


def test_one_seed_has_no_interval() -> None:
    tau, low, high = kendall([0.1, 0.2, 0.3], np.array([[0.2, 0.1, 0.3]]))
    assert tau == pytest.approx(1 / 3)
    assert math.isnan(low)
    assert math.isnan(high)


def test_equal_means_from_seeds_in_another_order_tie() -> None:
    ours = np.array([[0.1, 0.3, 0.9], [0.2, 0.1, 0.9], [0.3, 0.2, 0.9]])
    assert kendall([1, 2, 3], ours)[0] == pytest.approx(2 / math.sqrt(6))


def test_draws_whose_means_all_tie_are_left_out() -> None:
    tau, low, high = kendall([1, 2, 3], np.array([[1.0, 1.0, 1.0], [1.0, 2.0, 3.0]]), draws=200)
    assert (tau, low, high) == (1.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("printed", "ours"),
    [
        ([1, 2], np.ones((2, 2))),
        ([1, 2, 3], np.ones((2, 4))),
        ([1, 2, 3], np.ones(3)),
        ([1, 2, 3], np.ones((0, 3))),
        ([1, 2, 3], np.ones((2, 3))),
        ([1, 1, 1], np.array([[1.0, 2.0, 3.0]])),
        ([1, math.nan, 3], np.array([[1.0, 2.0, 3.0]])),
    ],
)
def test_what_has_no_ranks_is_refused(printed: list[float], ours: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"^ranks"):
        kendall(printed, ours)


def test_no_draws_and_no_level_are_refused() -> None:
    for draws, level in ((0, 0.95), (10, 1.0)):
        with pytest.raises(ValueError, match=r"draw|level"):
            kendall([1, 2, 3], np.array([[1.0, 2.0, 3.0]]), draws=draws, level=level)
