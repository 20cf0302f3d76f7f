"""Of experiments whose truth is known, every figure finds it, and the intervals hold it as often as they say."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache

import numpy as np
import pytest

from experiments.factorial_designs import Effect
from reports.ablation.analysis import MEANING, Key, Kind, MetricAnalysis, analyse_metrics
from reports.ablation.results import AblationResults
from tests.reports.ablation.truth import FOUR, METRICS, NAMES, Values, drawn, kept, quick, truths, values
from tests.reports.results_data import Floats
from tests.reports.statistics.experiments import FULL, error

TIMES = 1000 if FULL else 60
SMART, ROTATE, PCGRAD, MSE = NAMES
EFFECTS: dict[str, dict[Effect, float]] = {
    "sst": {(SMART,): 0.04, (ROTATE,): -0.03, (SMART, PCGRAD): 0.06, (ROTATE, MSE): -0.04, (SMART, PCGRAD, MSE): 0.08},
    "quora": {(PCGRAD,): 0.05, (MSE,): -0.02, (ROTATE, PCGRAD): 0.05},
    "sts": {(MSE,): 0.1, (ROTATE,): 0.02, (SMART, MSE): -0.05, (SMART, ROTATE, MSE): 0.08},
}
TRUTH: dict[str, Values] = {task: values(NAMES, sizes, 0.55) for task, sizes in EFFECTS.items()}
OVERALL = {run: (sst + TRUTH["quora"][run] + (TRUTH["sts"][run] + 1) / 2) / 3 for run, sst in TRUTH["sst"].items()}
BY_METRIC = dict(zip(METRICS, (*TRUTH.values(), OVERALL), strict=True))


def steps(of: Values) -> dict[Key, float]:
    """From 04-all-three over 06-smart and 08-pcgrad to 11-mse."""
    rows = [frozenset(NAMES[:count]) for count in (0, 1, 3, 4)]
    added = ((SMART,), (ROTATE, PCGRAD), (MSE,))
    return {("step", term): of[rows[at + 1]] - of[rows[at]] for at, term in enumerate(added)}


TRUE: dict[str, dict[Key, float]] = {metric: truths(NAMES, of) | steps(of) for metric, of in BY_METRIC.items()}


def test_the_truth_has_the_effects_that_were_chosen() -> None:
    """The figures to be found come from the values alone, by walking orders and pairs."""
    for metric, sizes in zip(METRICS, EFFECTS.values(), strict=False):
        for kind, term in [key for key in TRUE[metric] if key[0] in ("main", "interaction")]:
            assert TRUE[metric][kind, term] == pytest.approx(sizes.get(term, 0), abs=1e-12)
    sst = TRUE["sst_accuracy"]
    assert sst["shapley", (SMART,)] == pytest.approx(0.04 + 0.08 / 12)  # a third of three's, where main takes a fourth
    assert sst["flattery", (PCGRAD,)] == pytest.approx(0.06 / 2 - 0.08 / 4 - 0.08 / 12)


@cache
def experiments() -> Mapping[tuple[str, Key], Floats]:
    """Of each metric and figure, low, mean and high [times, 3]."""
    random, intervals = np.random.default_rng(17), dict[tuple[str, Key], list[tuple[float, float, float]]]()
    for _ in range(TIMES):
        for of in analyse_metrics(AblationResults(FOUR, quick(FOUR, *drawn(random, TRUTH)))):
            for key, effect in of.estimates.items():
                one = effect.estimate
                assert one is not None
                intervals.setdefault((of.metric, key), []).append((one.low, one.mean, one.high))
    return {key: np.array(each) for key, each in intervals.items()}


def test_there_is_an_estimate_of_all_that_has_a_truth() -> None:
    intervals = experiments()
    assert set(intervals) == {(metric, key) for metric in METRICS for key in TRUE[metric]}
    assert all(len(each) == TIMES for each in intervals.values())
    assert {kind for _, (kind, _) in intervals} == set(MEANING)


@pytest.mark.parametrize("metric", METRICS)
def test_every_figure_finds_its_truth(metric: str) -> None:
    for key, true in TRUE[metric].items():
        centres = experiments()[metric, key][:, 1]
        assert centres.mean() == pytest.approx(true, abs=4 * centres.std(ddof=1) / math.sqrt(TIMES)), key


@pytest.mark.parametrize("kind", MEANING)
@pytest.mark.parametrize("metric", METRICS)
def test_an_interval_holds_the_truth_as_often_as_it_says(metric: str, kind: Kind) -> None:
    inside = []
    for key, true in TRUE[metric].items():
        low, _, high = experiments()[metric, key].T
        inside.append((low <= true) & (true <= high))
    ours = [each for key, each in zip(TRUE[metric], inside, strict=True) if key[0] == kind]
    assert 0.94 - error(times=TIMES) <= np.mean(ours) <= 0.97 + error(times=TIMES)
    for each in ours:
        assert each.mean() >= 0.94 - error(times=TIMES) * 4 / 3  # four standard errors: of a hundred, one may be low


def test_the_figures_of_a_tracking_stores_answers_are_the_same() -> None:
    answers, labels = drawn(np.random.default_rng(1), TRUTH, seeds=3, items=(60, 70, 50))
    analyses, same = (analyse_metrics(AblationResults(FOUR, make(FOUR, answers, labels))) for make in (kept, quick))
    assert [each.metric for each in analyses] == list(METRICS)
    for one, other in zip(analyses, same, strict=True):
        assert one.estimates == other.estimates
        assert (one.steps, one.apparent, one.orders) == (other.steps, other.apparent, 1.0)


def test_with_many_items_and_seeds_every_figure_is_near_its_truth() -> None:
    answers, labels = drawn(np.random.default_rng(3), TRUTH, seeds=12, items=(3000, 3000, 3000))
    for of in analyse_metrics(AblationResults(FOUR, quick(FOUR, answers, labels))):
        for key, true in TRUE[of.metric].items():
            estimate = of.estimates[key].estimate
            assert estimate is not None
            assert estimate.mean == pytest.approx(true, abs=5 * estimate.error), (of.metric, key)
            assert estimate.error < 0.03
        assert supported(of) >= {"main", "interaction", "shapley", "total"}


def supported(of: MetricAnalysis) -> set[Kind]:
    return {kind for (kind, _), effect in of.estimates.items() if effect.supported}
