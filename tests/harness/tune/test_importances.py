"""Importances: the parameters in the order in which a known response depends on them."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from experiments.studies import STUDIES
from harness.tune import importances as weighing
from harness.tune.importances import MIN_TRIALS, importances
from reports.tuning.results import StudyResults, Trial

STUDY = STUDIES["baseline"]


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weighing, "RESAMPLES", 12)


def make_tuned(count: int, weights: dict[str, float]) -> StudyResults:
    """Trials all over the space; the value is a sum of the parameters, each from 0 to 1, with these weights."""
    random, trials = np.random.default_rng(0), []
    for number in range(count):
        shares = {name: float(random.uniform()) for name in STUDY.space()}
        params = {}
        for name, within in STUDY.space().items():
            low, high = (math.log(within.low), math.log(within.high)) if within.log else (within.low, within.high)
            at = low + shares[name] * (high - low)
            params[name] = math.exp(at) if within.log else at
        value = sum(weights.get(name, 0.0) * share for name, share in shares.items())
        trials.append(Trial(number=number, state="complete", params=params, value=value, epochs=4, cost=1.0))
    return StudyResults(
        name="abc",
        study=STUDY.name,
        says="",
        row=STUDY.row,
        sampler="random",
        pruner="none",
        seed=0,
        arm="a",
        metric="overall",
        epochs=4,
        unit="CPU-seconds",
        facts={},
        setup="s1",
        space=STUDY.space(),
        trials=trials,
    )


@pytest.mark.parametrize("order", [("lr", "dropout", "weight_decay"), ("weight_decay", "lr", "dropout")])
def test_a_linear_response_is_told_in_its_order(order: tuple[str, str, str]) -> None:
    """A uniform share's variance goes with the square of its weight: 16 to 4 to 1."""
    weights = importances(make_tuned(24, dict(zip(order, (4.0, 2.0, 1.0), strict=True))))
    assert tuple(weights) == order
    assert sum(each.mean for each in weights.values()) == pytest.approx(1)
    for each, wanted in zip(weights.values(), (16 / 21, 4 / 21, 1 / 21), strict=True):
        assert 0 <= each.low <= each.mean <= each.high <= 1
        assert each.mean == pytest.approx(wanted, abs=0.2)


def test_the_same_trials_have_the_same_importances() -> None:
    tuned = make_tuned(MIN_TRIALS, {"lr": 1.0})
    assert importances(tuned) == importances(tuned)


def test_few_complete_trials_or_equal_ones_have_none() -> None:
    tuned = make_tuned(MIN_TRIALS, {"lr": 1.0})
    assert next(iter(importances(tuned))) == "lr"
    first, *rest = tuned.trials
    for state, value in (("pruned", 0.5), ("failed", None), ("complete", None)):
        lacking = dataclasses.replace(first, state=state, value=value)  # type: ignore[arg-type]
        assert importances(dataclasses.replace(tuned, trials=[lacking, *rest])) == {}
    assert importances(make_tuned(MIN_TRIALS, {})) == {}


def test_pruned_trials_do_not_count() -> None:
    tuned = make_tuned(MIN_TRIALS, {"lr": 1.0})
    pruned = [dataclasses.replace(trial, state="pruned", value=9.0) for trial in make_tuned(9, {"dropout": 1.0}).trials]
    assert importances(dataclasses.replace(tuned, trials=[*tuned.trials, *pruned])) == importances(tuned)
