"""How often the crossed interval holds the truth, where the truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from reports.statistics.crossed_effects import COVERAGE_AT_2, COVERAGE_AT_3, COVERAGE_AT_6
from tests.reports.statistics.experiments import (
    FULL,
    Drawn,
    answers,
    coverage,
    error,
    normal,
    right_or_wrong,
    three,
    true_difference,
)

CASES = {  # variances of seed, item and rest
    "seed-heavy": (0.0004, 0.02, 0.1),
    "balanced": (0.0002, 0.0166, 0.1),
    "item-heavy": (0.00002, 0.05, 0.1),
    "seed-only": (0.0004, 0.0, 0.1),
}
LEAST, MOST = (0.93, 0.97) if FULL else (0.93 - error(), 0.97 + error())


@pytest.mark.parametrize("case", CASES)
def test_six_seeds_of_500_items_hold_the_truth_as_often_as_they_say(case: str) -> None:
    assert LEAST <= coverage(lambda random: Drawn([normal(random, (6, 500), *CASES[case])]), 0.0) <= MOST


def test_accuracies_hold_the_truth_as_often_as_they_say() -> None:
    truth = right_or_wrong(np.random.default_rng(0), 6, 500)[1]
    assert LEAST <= coverage(lambda random: right_or_wrong(random, 6, 500)[0], truth) <= MOST


def test_pearson_holds_the_truth_as_often_as_it_says() -> None:
    assert LEAST <= coverage(lambda random: answers(random, 6, 500), true_difference()) <= MOST


def test_the_overall_score_of_three_blocks_holds_the_truth_as_often_as_it_says() -> None:
    assert LEAST <= coverage(lambda random: three(random, 6), 0.0, (1 / 3, 1 / 3, 1 / 6)) <= MOST


@pytest.mark.parametrize(
    ("seed", "item"), [(0.0, 0.0), (0.0, 0.3), (1.0, 1.0), (5.0, 0.0), (30.0, 5.0), (1000.0, 30.0)]
)
@pytest.mark.parametrize(
    ("n", "least", "most", "said"),
    [(6, 94, 99, COVERAGE_AT_6), (3, 93, 100, COVERAGE_AT_3), (2, 88, 100, COVERAGE_AT_2)],
)
def test_the_coverage_that_reports_state_is_the_one_measured(
    n: int, least: int, most: int, said: str, seed: float, item: float
) -> None:
    """Here the variances are those of the mean over n seeds and 500 items, relative to rest's."""
    assert f"{least} to {most}%" in said
    times = 4000 if FULL else 300
    variances = seed / 500, item / n, 1.0
    measured = coverage(lambda random: Drawn([normal(random, (n, 500), *variances)]), 0.0, times=times)
    assert least / 100 - error(times=times) <= measured <= most / 100 + error(times=times)


def test_one_seed_holds_that_seeds_own_truth() -> None:
    """The truth is then the mean over all items of this one seed, its luck included."""
    luck = 0.3

    def draw(random: np.random.Generator) -> Drawn:
        return Drawn([normal(random, (1, 500), 0.0, 0.05, 0.1) + luck])

    assert LEAST <= coverage(draw, luck) <= MOST
