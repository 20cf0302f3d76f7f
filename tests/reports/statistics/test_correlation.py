from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from reports.statistics.correlation import pearson, pseudo_values, williams, zou
from tests.reports.statistics.experiments import FULL


def pairs(seed: int, items: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    x = random.normal(3, 2, items)
    return x, 0.5 * x + random.normal(0, 1, items)


@given(seed=st.integers(0, 10_000), items=st.integers(4, 40))
def test_r_is_numpys_and_pseudo_values_are_those_of_a_loop(seed: int, items: int) -> None:
    x, y = pairs(seed, items)
    r = float(np.corrcoef(x, y)[0, 1])
    without = [np.corrcoef(np.delete(x, i), np.delete(y, i))[0, 1] for i in range(items)]
    assert pearson(x, y) == pytest.approx(r)
    assert pseudo_values(x, y) == pytest.approx(items * r - (items - 1) * np.array(without), rel=1e-6, abs=1e-6)


def test_the_mean_of_pseudo_values_is_the_jackknifes_r_and_their_spread_its_error() -> None:
    x, y = pairs(0, 4000)
    values = pseudo_values(x, y)
    r = pearson(x, y)
    assert values.mean() == pytest.approx(r, abs=3 * r * (1 - r**2) / 4000)
    assert stats.sem(values) == pytest.approx((1 - r**2) / math.sqrt(4000), rel=0.05)  # of normal values


def test_scale_and_place_change_no_pseudo_value() -> None:
    x, y = pairs(1, 30)
    assert pseudo_values(5 * x - 2, 0.1 * y + 1) == pytest.approx(pseudo_values(x, y))
    assert pseudo_values(-x, y) == pytest.approx(-pseudo_values(x, y))


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ([1.0, 1.0, 1.0, 1.0], [1.0, 2.0, 3.0, 5.0]),
        ([1.0, 2.0, 3.0, 5.0], [2.0, 2.0, 2.0 + 1e-9, 2.0]),
        ([1.0, 2.0], [1.0, 2.0]),
        ([1.0, 2.0, 3.0], [1.0, 2.0]),
        ([1.0, math.nan, 3.0], [1.0, 2.0, 4.0]),
    ],
)
def test_what_has_no_r_is_refused(x: list[float], y: list[float]) -> None:
    for function in (pearson, pseudo_values):
        with pytest.raises(ValueError, match=r"^r (needs|does not exist)"):
            function(x, y)


def test_a_side_that_is_constant_but_for_one_item_has_no_jackknife() -> None:
    x, y = [1.0, 1.0, 1.0, 4.0], [1.0, 2.0, 3.0, 5.0]
    assert pearson(x, y) == pytest.approx(np.corrcoef(x, y)[0, 1])
    with pytest.raises(ValueError, match="no jackknife"):
        pseudo_values(x, y)


def test_williams_gives_the_figures_of_silver_hittner_and_may() -> None:
    """Applied Psychological Measurement 30 (2006), 152-153: their program's example."""
    t, p = williams(0.3, 0.4, 0.5, 100)
    assert (round(t, 4), round(p, 4)) == (-1.0767, 0.2843)


def test_zou_gives_the_figures_of_his_paper() -> None:
    """Psychological Methods 12 (2007), 399-413: the example of overlapping correlations."""
    assert zou(0.396, 0.179, 0.088, 66) == pytest.approx((-0.093, 0.517), abs=0.0005)


def three_normal(random: np.random.Generator, n: int, second: float, third: float) -> tuple[float, float, float]:
    gold, shared = random.normal(0, 1, (2, n))
    table = np.corrcoef([gold, *(slope * gold + shared + random.normal(0, 1, n) for slope in (second, third))])
    return table[0, 1], table[0, 2], table[1, 2]


def test_williams_rejects_as_often_as_it_says_where_the_correlations_are_equal() -> None:
    random, times = np.random.default_rng(0), 4000 if FULL else 1000
    rejected = sum(williams(*three_normal(random, 60, 0.8, 0.8), 60)[1] < 0.05 for _ in range(times))
    assert rejected / times == pytest.approx(0.05, abs=3 * math.sqrt(0.05 * 0.95 / times))


def test_zou_holds_the_truth_as_often_as_it_says() -> None:
    random, times = np.random.default_rng(1), 4000 if FULL else 1000
    truth = 1.2 / math.sqrt(1.2**2 + 2) - 0.4 / math.sqrt(0.4**2 + 2)
    ends = (zou(*three_normal(random, 80, 1.2, 0.4), 80) for _ in range(times))
    inside = sum(low <= truth <= high for low, high in ends)
    assert inside / times == pytest.approx(0.95, abs=0.007 + 3 * math.sqrt(0.05 * 0.95 / times))


@given(a=st.floats(-0.9, 0.9), b=st.floats(-0.9, 0.9), share=st.floats(-0.95, 0.95), n=st.integers(4, 500))
def test_swapping_the_rows_swaps_the_signs(a: float, b: float, share: float, n: int) -> None:
    c = a * b + share * math.sqrt((1 - a**2) * (1 - b**2))
    (t, p), (s, q) = williams(a, b, c, n), williams(b, a, c, n)
    assert (t, p) == pytest.approx((-s, q))
    (low, high), (least, most) = zou(a, b, c, n), zou(b, a, c, n)
    assert (low, high) == pytest.approx((-most, -least))
    assert -2 <= low <= a - b <= high <= 2


def test_equal_correlations_have_no_t_even_of_equal_answers() -> None:
    assert williams(0.5, 0.5, 1.0, 20) == (0.0, 1.0)


@pytest.mark.parametrize(
    "numbers", [(0.9, -0.9, 0.9, 50), (1.2, 0.1, 0.1, 50), (math.nan, 0.1, 0.1, 50), (0.1, 0.2, 0.3, 3)]
)
def test_what_cannot_be_correlations_is_refused(numbers: tuple[float, float, float, int]) -> None:
    for function in (williams, zou):
        with pytest.raises(ValueError, match="correlations"):
            function(*numbers)


def test_a_perfect_correlation_has_no_interval() -> None:
    with pytest.raises(ValueError, match="1 or -1"):
        zou(1.0, 0.5, 0.5, 30)
