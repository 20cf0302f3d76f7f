"""Which parameters to try next, and whether a trial is worth another epoch: Optuna's answers, given the trials before
it. Both are functions of earlier trials alone, so that a study that was killed goes on as it would have."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from experiments.search_space import Value
from experiments.study import Range, Study
from harness.cells.trial import Trial
from model.digest import digest

SAMPLERS = ("tpe", "random", "gp")
PRUNERS = ("hyperband", "none")
STATES = {
    "running": TrialState.RUNNING,
    "complete": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "failed": TrialState.PRUNED,  # without values: the worst there is, from which a sampler learns
    "waiting": TrialState.FAIL,  # a number, from which it learns nothing
    "foreign": TrialState.FAIL,
}

optuna.logging.set_verbosity(optuna.logging.ERROR)


def distributions(space: Mapping[str, Range]) -> dict[str, BaseDistribution]:
    return {
        name: IntDistribution(int(bounds.low), int(bounds.high))
        if bounds.whole
        else FloatDistribution(bounds.low, bounds.high, log=bounds.log)
        for name, bounds in space.items()
    }


def propose(
    study: Study,
    number: int,
    earlier: Sequence[Trial],
    sampler: str,
    seed: int,
    fixed: Mapping[str, Value] | None = None,
) -> dict[str, Value]:
    """The parameters of trial ``number``, given the earlier ones; those whose results may not be used are
    running. What was enqueued keeps its ``fixed`` parameters; else the papers' settings come first."""
    tried = [dict(trial.params) for trial in earlier]
    untried = [start.params for start in study.starts if dict(start.params) not in tried]
    if fixed is None and untried:
        start, space = untried[0], study.space()
        return {name: int(start[name]) if bounds.whole else float(start[name]) for name, bounds in space.items()}
    seeded = int(digest([seed, number], 8), 16)
    view = study_in_memory(study, earlier, sampler_of(sampler, seeded), optuna.pruners.NopPruner())
    if fixed:
        view.enqueue_trial(dict(fixed))
    trial = view.ask()
    assert trial.number == number
    study.ask(trial)
    return {name: trial.params[name] for name in study.space()}


def decide_pruning(
    study: Study,
    number: int,
    earlier: Sequence[Trial],
    curve: Mapping[int, float],
    pruner: str,
    epochs: int,
    from_paper: bool,
) -> tuple[int | None, dict[str, float]]:
    """The epoch after which a trial with these values is pruned, or None; and its rungs until then. Settings
    ``from_paper`` are never pruned, but others have to compete with them; nothing is after its last epoch."""
    if pruner == "none":
        return None, {}
    hyperband = optuna.pruners.HyperbandPruner(min_resource=1, max_resource=epochs, reduction_factor=3)
    view = study_in_memory(study, earlier, optuna.samplers.RandomSampler(seed=0), hyperband)
    trial = view.ask()
    for epoch, value in sorted(curve.items()):
        trial.report(value, epoch)
        if epoch < epochs and trial.should_prune() and not from_paper:
            return epoch, rungs(view, number)
    return None, rungs(view, number)


def rungs(view: optuna.Study, number: int) -> dict[str, float]:
    attributes = view.get_trials(deepcopy=False)[number].system_attrs
    return {name: value for name, value in attributes.items() if name.startswith("completed_rung_")}


def sampler_of(name: str, seed: int) -> optuna.samplers.BaseSampler:
    if name == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        if name == "gp":
            return optuna.samplers.GPSampler(seed=seed)
        return optuna.samplers.TPESampler(seed=seed, multivariate=True, constant_liar=True)


def study_in_memory(
    study: Study, earlier: Sequence[Trial], sampler: optuna.samplers.BaseSampler, pruner: optuna.pruners.BasePruner
) -> optuna.Study:
    """A study in memory with these trials, under their numbers. Hyperband's brackets hash the name."""
    view = optuna.create_study(direction="maximize", study_name=study.name, sampler=sampler, pruner=pruner)
    spread = distributions(study.space())
    view.add_trials([frozen_trial(trial, spread) for trial in sorted(earlier, key=lambda trial: trial.number)])
    return view


def frozen_trial(trial: Trial, spread: Mapping[str, BaseDistribution]) -> FrozenTrial:
    state = STATES[trial.state]
    if state == TrialState.COMPLETE and (trial.value is None or math.isnan(trial.value)):
        state = TrialState.PRUNED
    has_result = state != TrialState.RUNNING and trial.state != "failed" and trial.value is not None
    attributes: dict[str, Any] = dict(trial.rungs) if state != TrialState.RUNNING else {}
    return create_trial(
        state=state,
        value=trial.value if has_result else None,
        params=dict(trial.params) if trial.ours else {},
        distributions=dict(spread) if trial.ours else {},
        intermediate_values=dict(trial.curve) if has_result else {},
        system_attrs=attributes,
    )


def visible_trials(trials: Sequence[Trial], number: int, at_once: int) -> list[Trial] | None:
    """The trials before ``number`` as it may use them: the last of them as running, whatever became of them since.
    None as long as one of the others has not ended."""
    earlier = sorted((trial for trial in trials if trial.number < number), key=lambda trial: trial.number)
    old, new = earlier[: max(0, number - at_once + 1)], earlier[max(0, number - at_once + 1) :]
    if any(trial.running for trial in old):
        return None
    running = [
        Trial(number=trial.number, params=trial.params, cell=trial.cell) if trial.ours else trial for trial in new
    ]
    return old + running
