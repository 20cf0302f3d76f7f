from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.statistics.attribution import effects
from reports.statistics.shapley import audit, shapley, steps
from tests.reports.statistics.experiments import Array
from tests.reports.statistics.test_attribution import Levels, full, some, value


def game(table: Levels, dividends: Mapping[tuple[int, ...], float]) -> Array:
    """Values that are the sum of what each set of factors brings once all of it is on."""
    return np.array([sum(size for of, size in dividends.items() if row[list(of)].all()) for row in table], dtype=float)


def values_of(table: Levels, values: Array) -> list[float]:
    attribution = shapley(table)
    assert attribution is not None
    return list(attribution.contrasts @ values)


def test_without_interactions_every_way_of_asking_gives_a_factors_own_effect() -> None:
    table, sizes = full(4), np.array([0.4, -0.3, 0.0, 1.1])
    values = 5 + table @ sizes
    assert values_of(table, values) == pytest.approx(sizes, abs=1e-12)
    mains = effects(table)
    assert [value(mains[(f,)], values) for f in range(4)] == pytest.approx(sizes, abs=1e-12)
    for order in permutations(range(4)):
        path = steps(table, order)
        assert path is not None
        assert path @ values == pytest.approx(sizes, abs=1e-12)
    ranges = audit(table, values, (3, 1, 0, 2))
    assert ranges is not None
    for each, size in zip(ranges, sizes, strict=True):
        assert (each.low, each.median, each.high, each.stated) == pytest.approx((size,) * 4, abs=1e-12)
        assert (each.place, each.low_after, each.high_after) == (0.5, (), ())  # all tie


def test_two_factors_halve_what_they_bring_together_and_three_take_a_third() -> None:
    """Where the main effect takes a half, and a quarter."""
    table = full(4)
    both, three = game(table, {(0,): 1, (1,): 2, (0, 2): 6}), game(table, {(0, 1, 3): 12})
    assert values_of(table, both) == pytest.approx([4, 2, 3, 0])
    assert values_of(table, three) == pytest.approx([4, 4, 0, 4])
    mains = effects(table)
    assert [value(mains[(f,)], both) for f in range(4)] == pytest.approx([4, 2, 3, 0])
    assert [value(mains[(f,)], three) for f in range(4)] == pytest.approx([3, 3, 0, 3])


def test_a_factor_that_helps_only_after_another_is_told_with_where_it_does() -> None:
    ranges = audit(full(3), game(full(3), {(0,): 1, (0, 2): 6}), (2, 0, 1))
    assert ranges is not None
    first, null, last = ranges
    assert (first.low, first.median, first.high) == (1, 4, 7)  # half of all orders add 0 before 2
    assert (first.low_after, first.high_after, first.stated, first.place) == ((), (2,), 7, 0.75)
    assert (last.low, last.low_after, last.high, last.high_after, last.place) == (0, (), 6, (0,), 0.25)
    assert (null.low, null.high, null.place) == (0, 0, 0.5)


def by_brute_force(table: Levels, values: Array) -> tuple[dict[tuple[int, ...], Array], int]:
    """Each possible order's steps by factor, [k], and how many orders there are in all."""
    value_of = {tuple(row): each for row, each in zip(table.tolist(), values.tolist(), strict=True)}
    k = table.shape[1]
    by_order = {}
    for order in permutations(range(k)):
        sets = [tuple(int(factor in order[:size]) for factor in range(k)) for size in range(k + 1)]
        if all(each in value_of for each in sets):
            changes = np.zeros(k)
            changes[list(order)] = np.diff([value_of[each] for each in sets])
            by_order[order] = changes
    return by_order, math.factorial(k)


@given(seed=st.integers(0, 10_000), k=st.integers(1, 5), whole=st.booleans())
def test_counting_sets_gives_what_walking_every_order_gives(seed: int, k: int, whole: bool) -> None:
    random = np.random.default_rng(seed)
    table = random.permutation(full(k))
    inner = (table.sum(axis=1) % k > 0) & (random.random(2**k) < 0.3)  # all on and none on stay
    table = table if whole else table[~inner]
    values = random.integers(-3, 4, len(table)).astype(float) if seed % 2 else random.normal(0, 1, len(table))
    walked, orders = by_brute_force(table, values)
    attribution, ranges = shapley(table), audit(table, values)
    if not walked:
        assert (attribution, ranges) == (None, None)
        return
    assert attribution is not None
    changes = np.stack(list(walked.values()))  # [orders, k]
    assert attribution.share == pytest.approx(len(walked) / orders)
    assert (attribution.share == 1) == (len(table) == 2**k)
    assert attribution.contrasts @ values == pytest.approx(changes.mean(axis=0), abs=1e-12)
    stated = list(walked)[random.integers(len(walked))]
    path, ranges = steps(table, stated), audit(table, values, stated)
    assert path is not None
    assert ranges is not None
    assert path @ values == pytest.approx(walked[stated], abs=1e-12)
    value_of = {tuple(row): each for row, each in zip(table.tolist(), values.tolist(), strict=True)}
    for factor, each in enumerate(ranges):
        own, mine = changes[:, factor], walked[stated][factor]
        assert (each.low, each.median, each.high) == pytest.approx((own.min(), np.median(own), own.max()), abs=1e-12)
        less, more = (own < mine - 1e-9).mean(), (own > mine + 1e-9).mean()
        assert (each.stated, each.place) == pytest.approx((mine, (1 + less - more) / 2), abs=1e-12)
        for before, end in ((each.low_after, each.low), (each.high_after, each.high)):
            off = tuple(int(other in before) for other in range(k))
            on = tuple(int(other in (*before, factor)) for other in range(k))
            assert value_of[on] - value_of[off] == pytest.approx(end, abs=1e-12)


@given(seed=st.integers(0, 10_000), k=st.integers(1, 7))
def test_values_and_steps_sum_to_the_whole_difference(seed: int, k: int) -> None:
    random = np.random.default_rng(seed)
    table = some(random, k)
    table = np.unique(np.concatenate([table, np.tril(np.ones((k + 1, k), int), -1)]), axis=0)  # one path, at least
    values = random.normal(0, 1, len(table))
    whole = values[table.sum(axis=1) == k] - values[table.sum(axis=1) == 0]
    assert sum(values_of(table, values)) == pytest.approx(whole[0], abs=1e-12)
    path = steps(table, range(k))
    assert path is not None
    assert float((path @ values).sum()) == pytest.approx(whole[0], abs=1e-12)


@given(seed=st.integers(0, 10_000), k=st.integers(2, 6))
def test_a_factor_that_does_nothing_gets_nothing_and_factors_that_do_the_same_get_the_same(seed: int, k: int) -> None:
    random = np.random.default_rng(seed)
    null, (one, other) = k, random.choice(k, 2, replace=False)
    table = random.permutation(full(k + 1))
    by_set: dict[tuple[int, ...], float] = {}
    for row in product((0, 1), repeat=k):
        swapped = list(row)
        swapped[one], swapped[other] = row[other], row[one]
        by_set[row] = by_set.get(tuple(swapped), random.normal())
    values = np.array([by_set[tuple(row[:k])] for row in table.tolist()])
    credits = values_of(table, values)
    assert credits[null] == pytest.approx(0, abs=1e-12)
    assert credits[one] == pytest.approx(credits[other], abs=1e-12)
    assert len({round(each, 9) for each in credits}) > 1


@given(seed=st.integers(0, 10_000), k=st.integers(1, 5))
def test_the_names_of_factors_and_the_order_of_rows_do_not_matter(seed: int, k: int) -> None:
    random = np.random.default_rng(seed)
    table = np.unique(np.concatenate([some(random, k), np.tril(np.ones((k + 1, k), int), -1)]), axis=0)
    names, order = random.permutation(k), random.permutation(len(table))
    plain, other = shapley(table), shapley(table[order][:, names])
    assert plain is not None
    assert other is not None
    assert other.contrasts == pytest.approx(plain.contrasts[names][:, order], abs=1e-12)
    assert other.share == pytest.approx(plain.share)


def test_where_the_second_must_follow_the_first_there_is_one_order() -> None:
    table, values = np.array([[0, 0], [1, 0], [1, 1]]), np.array([1.0, 3.0, 7.0])
    attribution, ranges, path = shapley(table), audit(table, values, (1, 0)), steps(table, (0, 1))
    assert attribution is not None
    assert ranges is not None
    assert path is not None
    assert (list(attribution.contrasts @ values), attribution.share) == ([2, 4], 0.5)
    assert (attribution.contrasts == path).all()
    assert steps(table, (1, 0)) is None
    assert [(each.low, each.high, each.stated, each.place) for each in ranges] == [
        (2, 2, None, None),
        (4, 4, None, None),
    ]


def test_a_set_from_which_all_on_cannot_be_reached_says_nothing() -> None:
    """The second alone was run, and neither of the pairs that hold it: it was added last in the one order there is."""
    table = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 0, 1], [1, 1, 1]])
    ranges = audit(table, np.array([0.0, 1.0, 50.0, 3.0, 6.0]))
    assert ranges is not None
    assert [(each.low, each.high) for each in ranges] == [(1, 1), (3, 3), (2, 2)]


@pytest.mark.parametrize("missing", [0, -1])
def test_without_all_on_or_none_on_there_is_no_order(missing: int) -> None:
    table = np.delete(full(3), missing, axis=0)
    assert shapley(table) is None
    assert audit(table, np.zeros(7)) is None
    assert steps(table, (0, 1, 2)) is None


def test_twelve_factors_have_shapleys_weights() -> None:
    """|S|! (k - |S| - 1)! / k! of each set S, from 479,001,600 orders."""
    k, table = 12, full(12)
    attribution = shapley(table)
    assert attribution is not None
    sizes = table.sum(axis=1)
    by_size = [math.factorial(size) * math.factorial(k - size - 1) / math.factorial(k) for size in range(k)]
    for factor in range(k):
        on = table[:, factor] == 1
        expected = np.where(on, np.take(by_size, sizes - 1), -np.take(by_size, np.minimum(sizes, k - 1)))
        assert attribution.contrasts[factor] == pytest.approx(expected, rel=1e-12)
    assert attribution.share == 1


@pytest.mark.parametrize("order", [(0,), (0, 0), (0, 2), (0, 1, 2)])
def test_an_order_that_is_none_of_the_factors_is_refused(order: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="each of the factors 0 to 1 once"):
        steps(full(2), order)
    with pytest.raises(ValueError, match="each of the factors 0 to 1 once"):
        audit(full(2), np.zeros(4), order)


@pytest.mark.parametrize("values", [[0.0, 1.0], [0.0, 1.0, 2.0, math.nan], [[0.0, 1.0, 2.0, 3.0]]])
def test_values_other_than_one_a_combination_are_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="one finite number per combination, 4"):
        audit(full(2), values)
