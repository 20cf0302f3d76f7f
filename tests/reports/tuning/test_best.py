"""What so many trials find: by enumeration, and the properties that no draw may break."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.tuning.best_so_far import affordable, best_so_far, expected_best, expected_budgets, repeated, spent_so_far

nan = float("nan")
VALUES = st.lists(st.one_of(st.sampled_from([0.25, 0.5, nan]), st.floats(0, 1)), min_size=1, max_size=60)


def both_orders(values: list[float]) -> st.SearchStrategy[tuple[list[float], list[float]]]:
    return st.tuples(st.just(values), st.permutations(values))


def enumerated(values: list[float], n: int) -> float:
    """The mean over all subsets of n of their best, in exact arithmetic; what has no value counts as the lowest."""
    numbers = [Fraction(value) for value in values if value == value]
    counted = [Fraction(value) if value == value else min(numbers) for value in values]
    subsets = list(itertools.combinations(counted, n))
    return float(sum(map(max, subsets), Fraction(0)) / len(subsets))


@pytest.mark.parametrize(
    "values",
    [
        [0.3],
        [0.1, 0.7, 0.4, 0.9, 0.2],
        [0.5, 0.5, 0.5],
        [0.2, 0.9, 0.9, 0.2, 0.9, 0.4],  # ties, at the top too
        [0.3, nan, 0.8, nan, 0.6],
        [nan, 0.4],
        [0.11, 0.97, 0.53, 0.29, 0.71, 0.83, 0.05, 0.61, 0.37],
    ],
)
def test_the_expected_best_is_the_mean_over_all_subsets(values: list[float]) -> None:
    curve = expected_best(np.array(values))
    assert curve.tolist() == pytest.approx([enumerated(values, n) for n in range(1, len(values) + 1)], rel=1e-14)


def test_the_estimate_is_not_the_one_that_draws_with_putting_back() -> None:
    values = np.array([0.0, 1.0])
    assert expected_best(values).tolist() == [0.5, 1.0]  # drawn with putting back, two would give .75


@given(VALUES)
def test_the_expected_best_grows_from_the_mean_to_the_best(values: list[float]) -> None:
    curve = expected_best(np.array(values))
    numbers = [value for value in values if value == value]
    assert len(curve) == len(values)
    if not numbers:
        assert np.isnan(curve).all()
        return
    counted = [value if value == value else min(numbers) for value in values]
    assert curve[0] == pytest.approx(np.mean(counted), abs=1e-12)
    assert curve[-1] == max(numbers)
    assert (np.diff(curve) >= -1e-12).all()


@given(st.lists(st.floats(0, 1), min_size=2, max_size=30).flatmap(both_orders))
def test_the_order_of_the_trials_does_not_matter(orders: tuple[list[float], list[float]]) -> None:
    one, other = orders
    assert expected_best(np.array(one)).tolist() == expected_best(np.array(other)).tolist()


def test_a_thousand_trials_are_no_trouble() -> None:
    values = np.linspace(0, 1, 1000)
    n = np.arange(1, 1001)
    mean = n * 1001 / (n + 1)  # of the largest of n different ones of 1, ..., 1000
    assert expected_best(values) == pytest.approx((mean - 1) / 999, abs=1e-12)


def test_over_random_draws_the_estimate_is_unbiased() -> None:
    random = np.random.default_rng(0)
    curve = np.mean([expected_best(random.uniform(size=8)) for _ in range(4000)], axis=0)
    n = np.arange(1, 9)
    assert curve == pytest.approx(n / (n + 1), abs=0.01)


def test_so_many_trials_cost_so_many_times_the_mean() -> None:
    assert expected_budgets(np.array([1.0, 2.0, 6.0])).tolist() == [3.0, 6.0, 9.0]
    assert expected_budgets(np.array([])).tolist() == []
    assert expected_best(np.array([])).tolist() == []


@given(VALUES)
def test_the_best_so_far_is_the_largest_of_what_was_seen(values: list[float]) -> None:
    curve = best_so_far(np.array(values))
    for at in range(len(values)):
        seen = [value for value in values[: at + 1] if value == value]
        assert curve[at] == max(seen) if seen else np.isnan(curve[at])


def test_a_budget_pays_for_the_first_trials_that_fit_in_it() -> None:
    costs = np.array([10.0, 5.0, 0.0, 20.0])
    assert [affordable(costs, budget) for budget in (9.9, 10, 14, 15, 34, 35, 99)] == [0, 1, 1, 3, 3, 4, 4]


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50))
def test_a_study_affords_all_of_itself(costs: list[float]) -> None:
    amounts = np.array(costs)
    assert affordable(amounts, float(spent_so_far(amounts)[-1])) == len(costs)


def test_repetitions_are_compared_where_all_of_them_are() -> None:
    first = np.array([2.0, 2.0, 2.0]), np.array([0.1, 0.5, 0.3])
    second = np.array([3.0, 1.0]), np.array([0.4, 0.6])  # ends at 4
    curve = repeated([first, second])
    assert curve is not None
    assert curve.costs.tolist() == [3.0, 4.0]
    assert curve.low.tolist() == [0.1, 0.5]
    assert curve.high.tolist() == [0.4, 0.6]
    assert curve.mean.tolist() == pytest.approx([0.25, 0.55])


def test_repetitions_begin_when_all_have_a_value() -> None:
    late = np.array([1.0, 1.0, 1.0]), np.array([nan, 0.2, nan])
    early = np.array([1.0, 1.0, 1.0]), np.array([0.3, nan, 0.4])
    curve = repeated([late, early])
    assert curve is not None
    assert curve.costs.tolist() == [2.0, 3.0]
    assert curve.mean.tolist() == pytest.approx([0.25, 0.3])


def test_repetitions_without_a_common_cost_have_no_curve() -> None:
    never = np.array([1.0]), np.array([nan])
    once = np.array([1.0]), np.array([0.5])
    dear = np.array([9.0]), np.array([0.5])
    assert repeated([once, never]) is None
    assert repeated([once, dear]) is None
    assert repeated([]) is None
