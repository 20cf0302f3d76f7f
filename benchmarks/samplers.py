"""What a sampler and a pruner are worth: TPE against random search, with Hyperband and without, on a table of trainings
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
from experiments.studies import STUDIES
from experiments.study import Start, Study, Trial, Value
from experiments.variant import Change
from harness.catalogue import find
from harness.cell import journal
from harness.execute.local import execute
from harness.execute.news import Machine
from harness.execute.orders import Listed, Order
from harness.options import machine_of, writable
from harness.plan import Setup
from harness.tune.arm import Arm
from harness.tune.sampling import judge, propose, seen_from
from harness.tune.trial import State, curve
from harness.tune.trial import Trial as Tried
from reports.statistics import mean_interval

GRID: dict[str, tuple[float, ...]] = {
    "lr": tuple(float(rate) for rate in np.geomspace(1e-6, 1e-4, 8)),
    "dropout": (0.0, 0.2, 0.4, 0.6),
    "weight_decay": (1e-6, 1e-3, 1e-1),
}
METHODS = (("tpe", "hyperband"), ("tpe", "none"), ("random", "hyperband"), ("random", "none"))
REPEATS, BUDGET, AT_ONCE = 10, 150, 1  # studies, epochs of each, trials at a time
Place = tuple[int, ...]


class Told(NamedTuple):
    """Of one study: the best value within the budget, and how many trials that paid for."""

    best: float
    trials: int


def ask(trial: Trial) -> tuple[Change, ...]:
    """Asks for the places on the grid's axes."""
    for name, steps in GRID.items():
        trial.suggest_int(name, 0, len(steps) - 1)
    return ()


START = Start(
    name="papers", says="nearest to their rate and dropout", params={"lr": 4, "dropout": 1, "weight_decay": 0}
)
SEARCH = Study(name="grid", says="places of a grid", row="", suggest=ask, starts=(START,))


def table(machine: Machine) -> dict[Place, dict[int, float]]:
    """The value after each epoch, by place; what is missing is trained."""
    study = STUDIES["baseline"]
    suite, row = find(study.row)
    scale = PROFILES["demo"]
    setup = Setup(profile=scale, data=scale.data, encoder=scale.encoder, seeds=1)
    arm = Arm(study=study, suite=suite, row=row, setup=setup)
    places = list(itertools.product(*(range(len(steps)) for steps in GRID.values())))
    cells = {place: arm.cell(params_at(place)) for place in places}
    with closing(execute(Listed([Order(cell) for cell in cells.values()]), machine)) as running:
        for number, news in enumerate(filter(None, running)):
            if news.kind == "done" and number % 10 == 0:
                print(f"{news.cell.id} done", flush=True)
    return {
        place: curve(suite, row, journal(machine.home / "cells" / cell.id / "journal.jsonl"))
        for place, cell in cells.items()
    }


def params_at(place: Place) -> dict[str, Value]:
    return {name: steps[at] for (name, steps), at in zip(GRID.items(), place, strict=True)}


def sought(known: dict[Place, dict[int, float]], sampler: str, pruner: str, seed: int) -> Told:
    """One study on the table: trials one after another until their epochs are spent."""
    trials: list[Tried] = []
    epochs, spent, best = max(next(iter(known.values()))), 0, -1.0
    while True:
        number, seen = len(trials), seen_from(trials, len(trials), AT_ONCE)
        assert seen is not None
        params = propose(SEARCH, number, seen, sampler, seed)
        values = known[tuple(int(params[name]) for name in GRID)]
        at, rungs = judge(SEARCH, number, seen, values, pruner, epochs)
        taken = {epoch: value for epoch, value in values.items() if at is None or epoch <= at}
        spent += len(taken)
        if spent > BUDGET:
            return Told(best, number)
        state: State = "complete" if at is None else "pruned"
        value = taken[max(taken)]
        trials.append(Tried(number=number, params=params, cell="", state=state, value=value, curve=taken, rungs=rungs))
        best = max(best, value if at is None else best)


def report(known: dict[Place, dict[int, float]], say: Callable[[str], None] = print) -> None:
    final = np.array([values[max(values)] for values in known.values()])
    say(f"{len(final)} cells: best {np.nanmax(final):.3f}, mean {np.nanmean(final):.3f}; budget {BUDGET} epochs")
    found = {method: [sought(known, *method, seed) for seed in range(REPEATS)] for method in METHODS}
    for (sampler, pruner), told in found.items():
        mean, half = mean_interval([each.best for each in told])
        trials = sum(each.trials for each in told) / REPEATS
        say(f"{sampler:7} {pruner:10} best {mean:.4f} +- {half or 0:.4f}, {trials:.0f} trials")
    for pruner in ("hyperband", "none"):
        paired = difference(found["tpe", pruner], found["random", pruner])
        mean, half = mean_interval(paired)
        say(f"tpe minus random, {pruner}: {mean:+.4f} +- {half or 0:.4f} over {REPEATS} studies")


def difference(one: Sequence[Told], other: Sequence[Told]) -> list[float]:
    return [first.best - second.best for first, second in zip(one, other, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--jobs", type=int)
    told = parser.parse_args()
    report(table(machine_of(writable(str(told.home)), told.jobs, 1, "cpu")))


if __name__ == "__main__":
    main()
