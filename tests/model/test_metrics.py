"""Metrics against scipy and closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from model.metrics import accuracy, pearson, score
from model.task import CFIMDB, QUORA, SST, STS, Task

MANY = arrays(np.float32, st.integers(2, 50), elements=st.floats(-5, 5, width=32))


def draws(rows: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(rows)


@pytest.mark.parametrize(("answers", "share"), [([0, 1, 2, 3], 1.0), ([0, 1, 3, 2], 0.5), ([4, 4, 4, 4], 0.0)])
def test_accuracy_is_the_share_of_equal_entries(answers: list[int], share: float) -> None:
    assert accuracy(np.array(answers), np.arange(4)) == share


@pytest.mark.parametrize("rows", [2, 3, 10, 1500])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_pearson_is_scipys(rows: int, kind: type[np.floating]) -> None:
    x, y = draws(rows, 0).astype(kind), (draws(rows, 0) + draws(rows, 1)).astype(kind)
    expected = stats.pearsonr(x.astype(np.float64), y.astype(np.float64)).statistic
    assert pearson(x, y) == pytest.approx(expected, abs=1e-12)


@given(MANY, st.integers(0, 1000))
def test_pearson_lies_in_its_range_and_is_symmetric(x: np.ndarray, seed: int) -> None:
    y = draws(len(x), seed)
    r = pearson(x, y)
    assume(not math.isnan(r))
    assert -1 <= r <= 1
    assert pearson(y, x) == pytest.approx(r, abs=1e-9)


@pytest.mark.parametrize(("scale", "shift", "sign"), [(1.0, 0.0, 1), (0.2, 2.5, 1), (-3.0, 1.0, -1)])
def test_pearson_does_not_see_scale_and_shift(scale: float, shift: float, sign: int) -> None:
    x = draws(100, 2)
    assert pearson(scale * x + shift, x) == pytest.approx(sign)


@pytest.mark.parametrize("value", [0.0, 2.5, 0.1, 4.4, 1e-20, -3.3])
@pytest.mark.parametrize("rows", [2, 7, 1000])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_constant_side_has_no_pearson_r(value: float, rows: int, kind: type[np.floating]) -> None:
    constant, other = np.full(rows, value, dtype=kind), draws(rows, 3)
    assert math.isnan(pearson(constant, other))
    assert math.isnan(pearson(other, constant))


def test_answers_that_differ_by_rounding_alone_are_constant() -> None:
    nearly = np.full(50, 0.7, dtype=np.float32)
    nearly[::2] = np.nextafter(np.float32(0.7), np.float32(1))
    assert math.isnan(pearson(nearly, draws(50, 4)))


def test_small_but_real_differences_count() -> None:
    x = (1 + 1e-4 * draws(50, 5)).astype(np.float32)
    assert pearson(x, x) == pytest.approx(1.0)


@pytest.mark.parametrize("rows", [0, 1])
def test_fewer_than_two_items_have_no_pearson_r(rows: int) -> None:
    assert math.isnan(pearson(np.ones(rows), np.ones(rows)))


@pytest.mark.parametrize("task", [SST, QUORA, CFIMDB, STS])
def test_each_task_has_its_own_metric(task: Task) -> None:
    answers, labels = np.array([0, 1, 1, 0]), np.array([0, 1, 0, 0])
    assert score(task, answers, labels) == pytest.approx(1 / math.sqrt(3) if task is STS else 0.75)
