"""Which parameters the value of a study's trials depended on."""

from __future__ import annotations

import math
import warnings

import numpy as np
import optuna
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.trial import create_trial

from experiments.search_space import Value
from experiments.study import Range
from harness.tune.sampling import distributions
from reports.tuning.results import Importance, Trial, Tuned

MIN_TRIALS = 10  # complete trials
RESAMPLES, TREES = 100, 16


def importances(tuned: Tuned) -> dict[str, Importance]:
    """fANOVA's shares (Hutter, Hoos and Leyton-Brown 2014; Optuna's, on complete trials) by parameter, the largest
    first; the interval resamples trials. Empty for fewer than ten, or where all have one value."""
    trials = [trial for trial in tuned.trials if trial.state == "complete" and trial.value is not None]
    if len(trials) < MIN_TRIALS or len({trial.value for trial in trials}) == 1:
        return {}
    found = shares(tuned, trials, 64)
    drawn = np.random.default_rng(0)
    resampled = []
    for _ in range(RESAMPLES):
        some = [trials[at] for at in drawn.integers(0, len(trials), len(trials))]
        if len({trial.value for trial in some}) > 1:
            resampled.append(shares(tuned, some, TREES))
    told = {}
    for name in sorted(found, key=lambda name: -found[name]):
        low, high = np.quantile([each[name] for each in resampled], (0.025, 0.975))
        told[name] = Importance(mean=float(found[name]), low=float(low), high=float(high))
    return told


def shares(tuned: Tuned, trials: list[Trial], trees: int) -> dict[str, float]:
    """Of the variance over the space as it is sought: Optuna's evaluator takes every parameter for evenly spread, so
    that of four decades the last one would be all that counts."""
    spread = distributions({name: log_range(within) for name, within in tuned.space.items()})
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


def log_range(within: Range) -> Range:
    return Range(math.log(within.low), math.log(within.high)) if within.log else within


def log_value(value: Value, within: Range) -> Value:
    return math.log(float(value)) if within.log else value
