"""The value of samplers and pruners: TPE against random search, with Hyperband and without, on a table of trainings
that exist, at one budget of epochs. Run by itself: ``python -m benchmarks.samplers --home FOLDER``."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import numpy as np

from experiments.profiles import PROFILES
from experiments.search_space import Trial, Value
from experiments.studies import STUDIES
from experiments.study import Start, Study
from experiments.suite import Change
from harness.cells.record import read_journal
from harness.cells.trial import State, value_by_epoch
from harness.cells.trial import Trial as Tried
from harness.cli.options import ExecutionOptions
from harness.cli.setup import machine_of
from harness.execution.config import ExecutionConfig
from harness.execution.jobs import FixedQueue, Job
from harness.execution.local import LocalBackend
from harness.execution.pool import run_jobs
from harness.planning.setup import Setup
from harness.registry.selectors import find
from harness.tune.sampling import decide_pruning, propose, visible_trials
from harness.tune.study_run import StudyRun
from reports.statistics import mean_interval

GRID: dict[str, tuple[float, ...]] = {
    "lr": tuple(float(rate) for rate in np.geomspace(1e-6, 1e-4, 8)),
    "dropout": (0.0, 0.2, 0.4, 0.6),
    "weight_decay": (1e-6, 1e-3, 1e-1),
}
METHODS = (("tpe", "hyperband"), ("tpe", "none"), ("random", "hyperband"), ("random", "none"))
REPEATS, BUDGETS, AT_ONCE = 10, (50, 75, 100, 150), 1  # studies, epochs of each, trials at a time
Spot = tuple[int, ...]


class StudyScores(NamedTuple):
    """The best value of one study within each budget, and how many trials it paid for."""

    best: dict[int, float]
    trials: dict[int, int]


def suggest(trial: Trial) -> tuple[Change, ...]:
    """Asks for the places on the grid's axes."""
    for name, steps in GRID.items():
        trial.suggest_int(name, 0, len(steps) - 1)
    return ()


START = Start(
    name="papers", says="nearest to their rate and dropout", params={"lr": 4, "dropout": 1, "weight_decay": 0}
)
SEARCH = Study(name="grid", says="places of a grid", row="", suggest=suggest, starts=(START,))


def table(config: ExecutionConfig) -> dict[Spot, dict[int, float]]:
    """The value after each epoch, by place on the grid; missing cells are trained."""
    study = STUDIES["baseline"]
    suite, row = find(study.row)
    scale = PROFILES["demo"]
    setup = Setup(profile=scale, data=scale.data, encoder=scale.encoder, seeds=1)
    study_run = StudyRun(study=study, suite=suite, row=row, setup=setup)
    spots = list(itertools.product(*(range(len(steps)) for steps in GRID.values())))
    cells = {spot: study_run.cell(params_at(spot)) for spot in spots}
    with closing(run_jobs(FixedQueue([Job(cell) for cell in cells.values()]), config, LocalBackend(config))) as running:
        for number, event in enumerate(filter(None, running)):
            if event.kind == "done" and number % 10 == 0:
                print(f"{event.cell.id} done", flush=True)
    return {
        spot: value_by_epoch(suite, row, read_journal(config.home / "cells" / cell.id / "journal.jsonl"))
        for spot, cell in cells.items()
    }


def params_at(spot: Spot) -> dict[str, Value]:
    return {name: steps[at] for (name, steps), at in zip(GRID.items(), spot, strict=True)}


def run_study(curves: dict[Spot, dict[int, float]], sampler: str, pruner: str, seed: int) -> StudyScores:
    """One study on the table: trials one after another until their epochs are spent."""
    trials: list[Tried] = []
    epochs, spent, scores = max(next(iter(curves.values()))), 0, StudyScores({}, {})
    best = -1.0
    while True:
        number, seen = len(trials), visible_trials(trials, len(trials), AT_ONCE)
        assert seen is not None
        params = propose(SEARCH, number, seen, sampler, seed)
        values = curves[tuple(int(params[name]) for name in GRID)]
        at, rungs = decide_pruning(SEARCH, number, seen, values, pruner, epochs, number < len(SEARCH.starts))
        epochs_run = {epoch: value for epoch, value in values.items() if at is None or epoch <= at}
        spent += len(epochs_run)
        for budget in BUDGETS:
            if spent > budget and budget not in scores.best:
                scores.best[budget], scores.trials[budget] = best, number
        if len(scores.best) == len(BUDGETS):
            return scores
        state: State = "complete" if at is None else "pruned"
        value = epochs_run[max(epochs_run)]
        trials.append(
            Tried(number=number, params=params, cell="", state=state, value=value, curve=epochs_run, rungs=rungs)
        )
        best = max(best, value if at is None else best)


def report(curves: dict[Spot, dict[int, float]], say: Callable[[str], None] = print) -> None:
    final = np.array([values[max(values)] for values in curves.values()])
    say(f"{len(final)} cells: best {np.nanmax(final):.3f}, mean {np.nanmean(final):.3f}; {REPEATS} studies each")
    by_method = {method: [run_study(curves, *method, seed) for seed in range(REPEATS)] for method in METHODS}
    for budget in BUDGETS:
        say(f"{budget} epochs:")
        for (sampler, pruner), scores in by_method.items():
            trials = sum(each.trials[budget] for each in scores) / REPEATS
            best = interval([each.best[budget] for each in scores])
            say(f"  {sampler:7} {pruner:10} best {best}, {trials:.0f} trials")
        for pruner in ("hyperband", "none"):
            pairs = zip(by_method["tpe", pruner], by_method["random", pruner], strict=True)
            say(f"  tpe minus random, {pruner}: {interval([a.best[budget] - b.best[budget] for a, b in pairs])}")


def interval(values: Sequence[float]) -> str:
    """The mean and the half-width of its 95% interval over studies."""
    mean, half = mean_interval(values)
    return f"{mean:.4f} +- {half or 0:.4f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--jobs", type=int)
    options = parser.parse_args()
    report(table(machine_of(ExecutionOptions(home=str(options.home), jobs=options.jobs, device="cpu"), 1)))


if __name__ == "__main__":
    main()
