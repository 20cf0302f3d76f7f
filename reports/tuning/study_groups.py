"""Studies that may be compared: the same row in the same set-up, measured alike; and arms, which are repetitions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reports.figures.best_by_budget import StudyRun
from reports.tuning.best_so_far import Floats, best_so_far, expected_best, expected_budgets, repeated, spent_so_far
from reports.tuning.results import StudyResults, Trial


def values(trials: Sequence[Trial]) -> Floats:
    """NaN for what ``Tuned.best`` would not choose."""
    complete = [trial.value if trial.state == "complete" else None for trial in trials]
    return np.array([np.nan if value is None else value for value in complete], dtype=np.float64)


def costs(trials: Sequence[Trial]) -> Floats:
    return np.array([trial.cost for trial in trials], dtype=np.float64)


def groups(studies: Sequence[StudyResults]) -> list[list[StudyResults]]:
    """Studies of one row in one set-up, with one metric and unit of cost, in the order given."""
    by_kind: dict[tuple[str, ...], list[StudyResults]] = {}
    for study in studies:
        by_kind.setdefault((study.setup, study.row, study.metric, study.unit), []).append(study)
    return list(by_kind.values())


def arms(group: Sequence[StudyResults]) -> dict[str, list[StudyResults]]:
    """A group's studies by their arm's name in print: the study, the sampler, and what else tells arms apart."""
    by_arm: dict[str, list[StudyResults]] = {}
    for study in group:
        by_arm.setdefault(study.arm, []).append(study)
    names = [f"{studies[0].study}, {studies[0].sampler}" for studies in by_arm.values()]
    longer = [f"{name}, {studies[0].pruner}" for name, studies in zip(names, by_arm.values(), strict=True)]
    named: dict[str, list[StudyResults]] = {}
    for arm, name, long in zip(by_arm, names, longer, strict=True):
        unique = long if longer.count(long) == 1 else f"{long}, {arm[:6]}"
        named[name if names.count(name) == 1 else unique] = by_arm[arm]
    return named


def random_draws(arm: Sequence[StudyResults]) -> list[Trial]:
    """The trials of a random search that are independent draws: the papers' settings are not."""
    return [trial for study in arm for trial in study.trials if not trial.start]


def curve(name: str, arm: Sequence[StudyResults]) -> StudyRun:
    """Random search by the expected best of all repetitions' draws, another sampler by its repetitions, a single
    study of another sampler by itself."""
    if all(study.sampler == "random" for study in arm):
        trials = random_draws(arm)
        says = f"expected best of n of {len(trials)} draws"
        expected = floats(expected_best(values(trials)))
        return StudyRun(name=name, says=says, costs=floats(expected_budgets(costs(trials))), values=expected)
    if len(arm) > 1:
        return repetitions(name, arm)
    (study,) = arm
    spent, best = floats(spent_so_far(costs(study.trials))), floats(best_so_far(values(study.trials)))
    return StudyRun(name=name, says="one study", costs=spent, values=best, steps=True)


def repetitions(name: str, arm: Sequence[StudyResults]) -> StudyRun:
    says = f"mean and range of {len(arm)} studies"
    spread = repeated([(costs(study.trials), values(study.trials)) for study in arm])
    if spread is None:
        return StudyRun(name=name, says=says)
    return StudyRun(
        name=name,
        says=says,
        costs=floats(spread.costs),
        values=floats(spread.mean),
        low=floats(spread.low),
        high=floats(spread.high),
        steps=True,
    )


def floats(values: Floats) -> tuple[float, ...]:
    return tuple(map(float, values))
