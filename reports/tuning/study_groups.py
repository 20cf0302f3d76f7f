"""Studies that may be compared: the same row in the same set-up, measured alike; and arms, which are repetitions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reports.figures.best_by_budget import Arm
from reports.tuning.best_so_far import Floats, best_so_far, expected_best, expected_budgets, repeated, spent_so_far
from reports.tuning.results import Trial, Tuned


def values(trials: Sequence[Trial]) -> Floats:
    """NaN for what ``Tuned.best`` would not choose."""
    known = [trial.value if trial.state == "complete" else None for trial in trials]
    return np.array([np.nan if value is None else value for value in known], dtype=np.float64)


def costs(trials: Sequence[Trial]) -> Floats:
    return np.array([trial.cost for trial in trials], dtype=np.float64)


def groups(studies: Sequence[Tuned]) -> list[list[Tuned]]:
    """Studies of one row in one set-up, with one metric and unit of cost, in the order given."""
    found: dict[tuple[str, ...], list[Tuned]] = {}
    for told in studies:
        found.setdefault((told.setup, told.row, told.metric, told.unit), []).append(told)
    return list(found.values())


def arms(group: Sequence[Tuned]) -> dict[str, list[Tuned]]:
    """A group's studies by their arm's name in print: the study, the sampler, and what else tells arms apart."""
    found: dict[str, list[Tuned]] = {}
    for told in group:
        found.setdefault(told.arm, []).append(told)
    names = [f"{studies[0].study}, {studies[0].sampler}" for studies in found.values()]
    longer = [f"{name}, {studies[0].pruner}" for name, studies in zip(names, found.values(), strict=True)]
    named: dict[str, list[Tuned]] = {}
    for arm, name, long in zip(found, names, longer, strict=True):
        unique = long if longer.count(long) == 1 else f"{long}, {arm[:6]}"
        named[name if names.count(name) == 1 else unique] = found[arm]
    return named


def drawn(arm: Sequence[Tuned]) -> list[Trial]:
    """The trials of a random search that are independent draws: the papers' settings are not."""
    return [trial for told in arm for trial in told.trials if not trial.start]


def curve(name: str, arm: Sequence[Tuned]) -> Arm:
    """Random search by the expected best of all repetitions' draws, another sampler by its repetitions, a single
    study of another sampler by itself."""
    if all(told.sampler == "random" for told in arm):
        trials = drawn(arm)
        says = f"expected best of n of {len(trials)} draws"
        found = floats(expected_best(values(trials)))
        return Arm(name=name, says=says, costs=floats(expected_budgets(costs(trials))), values=found)
    if len(arm) > 1:
        return repetitions(name, arm)
    (told,) = arm
    spent, best = floats(spent_so_far(costs(told.trials))), floats(best_so_far(values(told.trials)))
    return Arm(name=name, says="one study", costs=spent, values=best, steps=True)


def repetitions(name: str, arm: Sequence[Tuned]) -> Arm:
    says = f"mean and range of {len(arm)} studies"
    spread = repeated([(costs(told.trials), values(told.trials)) for told in arm])
    if spread is None:
        return Arm(name=name, says=says)
    return Arm(
        name=name,
        says=says,
        costs=floats(spread.costs),
        values=floats(spread.mean),
        low=floats(spread.low),
        high=floats(spread.high),
        steps=True,
    )


def floats(found: Floats) -> tuple[float, ...]:
    return tuple(map(float, found))
