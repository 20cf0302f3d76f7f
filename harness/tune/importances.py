"""Which parameters the value of a study's trials depended on."""

from __future__ import annotations

import dataclasses
import math
import warnings

import numpy as np
import optuna
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.trial import create_trial

from experiments.search_space import Value
from experiments.study import Range
from harness.tune.sampling import distributions
from reports.tuning.results import Importance, StudyResults, Trial

MIN_TRIALS = 10  # complete
RESAMPLES, TREES = 100, 16


def importances(tuned: StudyResults) -> dict[str, Importance]:
    """fANOVA's shares (Hutter, Hoos and Leyton-Brown 2014; Optuna's, on complete trials) by parameter, the largest
    first; the interval resamples trials. Empty for fewer than ten, or where all have one value."""
    trials = [trial for trial in tuned.trials if trial.state == "complete" and trial.value is not None]
    if len(trials) < MIN_TRIALS or len({trial.value for trial in trials}) == 1:
        return {}
    means = shares(tuned, trials, 64)
    generator = np.random.default_rng(0)
    resampled = []
    for _ in range(RESAMPLES):
        resample = [trials[at] for at in generator.integers(0, len(trials), len(trials))]
        if len({trial.value for trial in resample}) > 1:
            resampled.append(shares(tuned, resample, TREES))
    result = {}
    for name in sorted(means, key=lambda name: -means[name]):
        low, high = np.quantile([each[name] for each in resampled], (0.025, 0.975))
        result[name] = Importance(mean=float(means[name]), low=float(low), high=float(high))
    return result


def shares(tuned: StudyResults, trials: list[Trial], trees: int) -> dict[str, float]:
    """Shares of the variance over the space, on the scale of the search: Optuna's evaluator takes every parameter for
    evenly spread, so that of four decades the last one would be all that counts."""
    spread = distributions({name: log_range(bounds) for name, bounds in tuned.space.items()})
    study = optuna.create_study(direction="maximize")
    study.add_trials(
        [
            create_trial(
                params={name: log_value(value, tuned.space[name]) for name, value in trial.params.items()},
                distributions=spread,
                value=trial.value,
            )
            for trial in trials
        ]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        evaluator = FanovaImportanceEvaluator(n_trees=trees, seed=0)
    return get_param_importances(study, evaluator=evaluator)


def log_range(bounds: Range) -> Range:
    return Range(math.log(bounds.low), math.log(bounds.high)) if bounds.log else bounds


def log_value(value: Value, bounds: Range) -> Value:
    return math.log(float(value)) if bounds.log else value


def with_importances(tuned: StudyResults) -> StudyResults:
    """With its importances, which take seconds."""
    return dataclasses.replace(tuned, importances=importances(tuned))
