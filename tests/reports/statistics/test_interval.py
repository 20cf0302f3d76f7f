import math

import numpy as np
import pytest
from scipy import stats

from reports.statistics import mean_interval


@pytest.mark.parametrize("n", [2, 3, 6, 40])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_the_interval_is_scipys(n: int, level: float) -> None:
    values = np.random.default_rng(n).normal(0.5, 0.02, n).tolist()
    mean, half = mean_interval(values, level)
    low, high = stats.t.interval(level, n - 1, loc=np.mean(values), scale=stats.sem(values))
    assert half is not None
    assert (mean - half, mean + half) == pytest.approx((low, high), rel=1e-9)


def test_two_values_have_the_closed_form_of_cauchys_quantile() -> None:
    mean, half = mean_interval([1.0, 3.0])
    assert mean == 2.0
    assert half == pytest.approx(math.tan(math.pi * 0.475))  # t with one degree of freedom, s / sqrt(n) = 1


def test_three_values_have_the_closed_form_for_two_degrees_of_freedom() -> None:
    mean, half = mean_interval([1.0, 2.0, 3.0])
    quantile = 0.95 * math.sqrt(2 / (1 - 0.95**2))
    assert (mean, half) == (2.0, pytest.approx(quantile / math.sqrt(3)))


def test_one_value_has_no_interval() -> None:
    assert mean_interval([0.4]) == (0.4, None)


@pytest.mark.parametrize("n", [2, 3, 10])
def test_values_that_are_all_the_same_have_no_interval(n: int) -> None:
    assert mean_interval([0.625] * n) == (0.625, None)
    assert mean_interval([0.0] * n) == (0.0, None)
    rounded = [0.1 + 0.2, 0.3] * n  # one figure, added in another order
    assert mean_interval(rounded)[1] is None


def test_the_interval_covers_the_mean_as_often_as_it_says() -> None:
    draws = np.random.default_rng(0).normal(0.0, 1.0, (4000, 3)).tolist()
    inside = sum(abs(mean) <= (half or 0.0) for mean, half in map(mean_interval, draws))
    assert inside / len(draws) == pytest.approx(0.95, abs=0.012)


@pytest.mark.parametrize(("values", "level"), [([], 0.95), ([0.1, math.nan], 0.95), ([0.1], 1.0), ([0.1], 95.0)])
def test_what_has_no_mean_or_level_is_refused(values: list[float], level: float) -> None:
    with pytest.raises(ValueError, match=r"mean needs|level is"):
        mean_interval(values, level)
