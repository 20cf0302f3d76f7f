from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from reports.statistics.paired_tests import mcnemar, sign_flips


def test_the_hand_worked_case_of_six_discordant_items() -> None:
    """One against five: 2 (1 + 6) / 2^6."""
    first = [True] * 5 + [False] + [True] * 9
    second = [False] * 5 + [True] + [True] * 9
    assert mcnemar(first, second) == pytest.approx(14 / 64)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_mcnemar_is_the_binomial_test_of_the_discordant_items(pairs: list[tuple[bool, bool]]) -> None:
    first, second = zip(*pairs, strict=True)
    gained, lost = sum(a > b for a, b in pairs), sum(a < b for a, b in pairs)
    expected = stats.binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    assert mcnemar(first, second) == pytest.approx(expected)
    assert mcnemar(second, first) == mcnemar(first, second)


@pytest.mark.parametrize(
    ("first", "second"), [([], []), ([1], [1, 0]), ([[1]], [[0]]), ([0.5], [1]), ([math.nan], [1])]
)
def test_what_is_not_right_or_wrong_on_the_same_items_is_refused(first: list[float], second: list[float]) -> None:
    with pytest.raises(ValueError, match="right or wrong"):
        mcnemar(first, second)


def exact(by_item: np.ndarray) -> float:
    """Every one of the 2^items sign patterns."""
    sums = np.array([np.dot(signs, by_item) for signs in itertools.product((-1, 1), repeat=len(by_item))])
    return float((np.abs(sums) >= abs(by_item.sum()) - 1e-9).mean())


@pytest.mark.parametrize("seed", range(4))
def test_sign_flips_agree_with_every_sign_pattern(seed: int) -> None:
    random = np.random.default_rng(seed)
    block = random.integers(-1, 2, (3, 11)) + 0.3 if seed % 2 else random.normal(0.3, 1, (3, 11))
    expected = exact(block.mean(axis=0))
    assert sign_flips(block, draws=20_000) == pytest.approx(expected, abs=4 * math.sqrt(expected / 20_000) + 1e-4)


def test_sign_flips_agree_with_scipys_permutation_test() -> None:
    block = np.random.default_rng(5).normal(0.15, 1, (2, 80))
    theirs = stats.permutation_test(
        (block.mean(axis=0),), np.mean, permutation_type="samples", n_resamples=9999, rng=np.random.default_rng(0)
    )
    assert sign_flips(block) == pytest.approx(theirs.pvalue, abs=0.02)


def test_one_kind_of_difference_is_the_sign_test() -> None:
    block = np.array([[1.0] * 14 + [-1.0] * 4 + [0.0] * 30])
    assert sign_flips(block, draws=40_000) == pytest.approx(stats.binomtest(14, 18).pvalue, abs=0.004)


def test_parts_and_the_whole_are_the_same_test(monkeypatch: pytest.MonkeyPatch) -> None:
    block = np.random.default_rng(6).normal(0.2, 1, (2, 30))
    whole = sign_flips(block, draws=999)
    monkeypatch.setattr("reports.statistics.paired_tests.CELLS", 100)
    assert sign_flips(block, draws=999) == whole


@given(seed=st.integers(0, 1000))
def test_p_is_above_0_and_knows_no_sign(seed: int) -> None:
    block = np.random.default_rng(seed).normal(2, 1, (2, 9))
    p = sign_flips(block, draws=99)
    assert 1 / 100 <= p <= 1
    assert sign_flips(-block, draws=99) == pytest.approx(p, abs=0.1)


def test_no_difference_at_all_has_p_1() -> None:
    assert sign_flips(np.zeros((3, 8)), draws=99) == 1.0


def test_no_items_and_no_draws_are_refused() -> None:
    with pytest.raises(ValueError, match="draw"):
        sign_flips(np.zeros((2, 3)), draws=0)
    with pytest.raises(ValueError, match="block 0"):
        sign_flips(np.array([[math.nan, 1.0]]))
