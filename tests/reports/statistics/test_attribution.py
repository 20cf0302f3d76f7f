from __future__ import annotations

import math
from itertools import combinations as choose
from itertools import product

import numpy as np
import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from statsmodels.formula.api import ols

from reports.statistics.attribution import add_one, effects, estimate, leave_one_out, rows
from reports.statistics.crossed_effects import crossed
from tests.reports.statistics.experiments import Array

Levels = NDArray[np.int64]


def full(k: int) -> Levels:
    return np.array(list(product((0, 1), repeat=k)))


def some(random: np.random.Generator, k: int) -> Levels:
    """A table with combinations missing, in any order."""
    return random.permutation(full(k))[: random.integers(1, 2**k + 1)]


def value(contrast: Array | None, values: Array) -> float:
    assert contrast is not None
    return float(contrast @ values)


def test_two_factors_worked_by_hand() -> None:
    """Alone they add 1 and 3, together 8: the first adds 1 or 5, the second 3 or 7."""
    table, values = np.array([[1, 1], [0, 0], [0, 1], [1, 0]]), np.array([9.0, 1.0, 4.0, 2.0])
    contrasts = effects(table, [(0, 1)])
    assert [value(contrasts[term], values) for term in ((0,), (1,), (0, 1))] == pytest.approx([3, 5, 4])
    assert [value(each, values) for each in leave_one_out(table)] == [5, 7]
    assert [value(each, values) for each in add_one(table)] == [1, 3]


@pytest.mark.parametrize("k", [1, 2, 3, 6])
def test_in_a_full_factorial_every_combination_weighs_alike_whatever_the_pairs(k: int) -> None:
    table, pairs = full(k), list(choose(range(k), 2))
    signs = 2 * table - 1
    contrasts, alone = effects(table, pairs), effects(table)
    for f in range(k):
        assert contrasts[(f,)] == pytest.approx(signs[:, f] / 2 ** (k - 1), abs=1e-12)
        assert alone[(f,)] == pytest.approx(contrasts[(f,)], abs=1e-12)
    for f, g in pairs:
        assert contrasts[(f, g)] == pytest.approx(signs[:, f] * signs[:, g] / 2 ** (k - 2), abs=1e-12)


@pytest.mark.parametrize("kept", [16, 13])
def test_main_effects_and_interactions_are_those_of_least_squares_in_statsmodels(kept: int) -> None:
    random = np.random.default_rng(kept)
    table = random.permutation(full(4))[:kept]
    values = random.normal(0, 1, kept)
    data = pandas.DataFrame(table - 0.5, columns=list("abcd")).assign(v=values)
    theirs = ols("v ~ (a + b + c + d) ** 2", data).fit().params.drop("Intercept")
    contrasts = effects(table, list(choose(range(4), 2)))
    ours = {":".join("abcd"[factor] for factor in term): value(contrasts[term], values) for term in contrasts}
    assert len(ours) == 10
    assert ours == pytest.approx(theirs.to_dict())


@given(seed=st.integers(0, 10_000), k=st.integers(1, 4))
def test_what_is_told_is_right_and_what_is_not_told_cannot_be(seed: int, k: int) -> None:
    """An effect is determined exactly where its column is not a sum of the others."""
    random = np.random.default_rng(seed)
    table = some(random, k)
    pairs = [pair for pair in choose(range(k), 2) if random.random() < 0.5]
    terms = [*((factor,) for factor in range(k)), *pairs]
    columns = [np.ones(len(table)), *((table[:, list(term)] - 0.5).prod(axis=1) for term in terms)]
    sizes = random.normal(0, 1, len(columns))
    values = np.stack(columns, axis=1) @ sizes
    contrasts = effects(table, pairs)
    assert list(contrasts) == terms
    for at, term in enumerate(terms, start=1):
        rank, without = (np.linalg.matrix_rank(np.stack(each)) for each in (columns, columns[:at] + columns[at + 1 :]))
        contrast = contrasts[term]
        assert (contrast is not None) == (rank > without)
        if contrast is not None:
            assert contrast @ values == pytest.approx(sizes[at], abs=1e-9)
            assert contrast.sum() == pytest.approx(0, abs=1e-12)


def test_in_half_a_factorial_an_effect_is_told_only_where_the_model_leaves_its_alias_out() -> None:
    table = np.array([row for row in full(3) if row.sum() % 2])
    contrasts = effects(table, [(1, 2)])
    assert contrasts[(0,)] is None
    assert contrasts[(1, 2)] is None
    assert contrasts[(1,)] is not None
    assert all(each is not None for each in effects(table).values())


def test_an_interaction_left_out_adds_what_the_docstring_says() -> None:
    table = full(3)[:-1]
    x = table - 0.5
    product_of_two, size = x[:, 0] * x[:, 1], 0.7
    values = 2 * x[:, 0] + 3 * x[:, 2] + size * product_of_two
    contrast = effects(table)[(0,)]
    assert contrast is not None
    added = contrast @ product_of_two * size
    assert abs(added) > 0.01
    assert contrast @ values == pytest.approx(2 + added)


def test_two_factors_that_exclude_each_other_keep_main_effects_and_have_no_interaction() -> None:
    table = np.array([row for row in full(3) if not row[0] * row[1]])
    assert all(each is not None for each in effects(table, [(0, 2), (1, 2)]).values())
    every = effects(table, list(choose(range(3), 2)))
    assert [term for term, each in every.items() if each is None] == [(0,), (1,), (0, 1)]
    assert [each is None for each in leave_one_out(table)] == [True, True, True]  # all on was not run
    assert [each is None for each in add_one(table)] == [False, False, False]


def test_a_combination_that_says_nothing_of_an_effect_has_weight_0_and_no_rounding() -> None:
    """In a chain of four, a factor's effect is its own step."""
    table = np.tril(np.ones((4, 3), int), -1)
    for factor, contrast in enumerate(effects(table).values()):
        assert contrast is not None
        assert list(np.flatnonzero(contrast)) == [factor, factor + 1]


def test_without_none_on_there_is_nothing_to_add_one_to() -> None:
    table = full(2)[1:]
    assert add_one(table) == [None, None]
    assert all(each is not None for each in leave_one_out(table))


def make_experiment(seeds: int = 4) -> tuple[list[Array], Levels]:
    random = np.random.default_rng(1)
    return [random.normal(0, 1, (4, seeds, items)) for items in (7, 5)], full(2)


def test_an_estimate_is_the_crossed_one_of_the_paired_differences() -> None:
    blocks, table = make_experiment()
    contrast = leave_one_out(table)[0]  # 11 minus 01
    assert contrast is not None
    assert estimate(contrast, blocks, (0.7, 0.3), level=0.9) == crossed(
        [block[3] - block[1] for block in blocks], (0.7, 0.3), level=0.9
    )


def test_what_all_combinations_share_of_a_seed_or_an_item_cancels() -> None:
    (block, _), table = make_experiment()
    random = np.random.default_rng(2)
    shared = 10 * (random.normal(0, 1, (4, 1)) + random.normal(0, 1, (1, 7)))
    for contrast in effects(table, [(0, 1)]).values():
        assert contrast is not None
        plain, more = estimate(contrast, [block]), estimate(contrast, [block + shared])
        assert (more.mean, more.error) == pytest.approx((plain.mean, plain.error))


def test_the_centre_is_the_contrast_of_the_scores_where_blocks_are_pseudo_values() -> None:
    (block, _), table = make_experiment()
    contrast = effects(table)[(1,)]
    assert contrast is not None
    plain, moved = estimate(contrast, [block]), estimate(contrast, [block], scores=[0.1, 0.4, 0.2, 0.9])
    assert moved.mean == pytest.approx(0.5)
    assert moved.error == plain.error


def test_combinations_of_weight_0_are_not_read() -> None:
    (block, _), table = make_experiment()
    block[2], scores = math.nan, [0.0, 0.1, math.nan, 0.5]
    contrast = leave_one_out(table)[0]
    assert contrast is not None
    assert estimate(contrast, [block], scores=scores).mean == pytest.approx(0.4)
    with pytest.raises(ValueError, match="not finite"):
        estimate(np.ones(4), [block])


def test_what_does_not_fit_together_is_refused() -> None:
    (block, _), _ = make_experiment()
    with pytest.raises(ValueError, match="the contrast's 3 combinations"):
        estimate(np.ones(3), [block])
    with pytest.raises(ValueError, match="seeds, items"):
        estimate(np.ones(4), [block[:, 0]])
    with pytest.raises(ValueError, match="one weight per combination"):
        estimate(np.ones((4, 1)), [block])
    with pytest.raises(ValueError, match="one per combination, 4"):
        estimate(np.ones(4), [block], scores=[0.1])


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ([], "shape"),
        ([0, 1], "shape"),
        (np.zeros((2, 0)), "shape"),
        (np.zeros((1, 17)), "1 to 16"),
        ([[0, 2]], "another level"),
        ([[0, 0.5]], "another level"),
        ([[0, 1], [1, 1], [0, 1]], "combinations 0 and 2 are the same"),
    ],
)
def test_what_is_no_table_of_factors_is_refused(table: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        rows(table)  # type: ignore[arg-type]


@pytest.mark.parametrize("pair", [(0, 0), (0, 2), (-1, 0)])
def test_a_pair_that_is_not_of_two_factors_is_refused(pair: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="two different factors out of 0 to 1"):
        effects(full(2), [pair])
