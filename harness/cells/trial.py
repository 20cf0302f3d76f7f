"""A trial: parameters, the cell that trains them, and how far it came. What is known of it follows from the cell's
journal alone, whoever trained it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Literal

from experiments.search_space import Value
from experiments.suite import Row, Suite
from harness.cells.record import JournalEntry
from harness.cells.scores import comparable, with_overall

State = Literal["running", "complete", "pruned", "failed", "waiting", "foreign"]
OTHERS = ("waiting", "foreign")  # enqueued in Optuna and not begun; of another program, or refused


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trial:
    """``curve`` is the value after each epoch that was judged; ``rungs`` what the pruner wants to know of it later.
    ``cost`` is in seconds of the device, whether the cell was trained for this trial or ``reused``. One that waits has
    the parameters that it was enqueued with, which may be some of them; a foreign one has a number and no more."""

    number: int
    params: Mapping[str, Value]
    cell: str
    state: State = "running"
    start: str = ""
    reused: bool = False
    value: float | None = None
    scores: Mapping[str, float] = dataclasses.field(default_factory=dict)
    curve: Mapping[int, float] = dataclasses.field(default_factory=dict)
    rungs: Mapping[str, float] = dataclasses.field(default_factory=dict)
    epoch: int = 0  # at which the value was
    cost: float = 0.0
    reason: str = ""
    ended: str = ""

    @property
    def running(self) -> bool:
        return self.state == "running"

    @property
    def ours(self) -> bool:
        """Whether it was begun here, as one of the study's."""
        return self.state not in OTHERS


@dataclasses.dataclass(frozen=True)
class TrialOutcome:
    """What a training comes to if it ends after some epochs: as the row's selection reads it."""

    epoch: int
    value: float | None
    scores: Mapping[str, float]


def trial_outcome(suite: Suite, row: Row, epochs: Sequence[JournalEntry]) -> TrialOutcome:
    dev = comparable(suite.formula, [epoch["scores"].get("dev", {}) for epoch in epochs])
    chosen = epochs[suite.selection_of(row).choose(dev)]
    with_total = with_overall(suite.formula, chosen["scores"].get("dev", {}))
    scores = {name: score for name, score in with_total.items() if score is not None and not math.isnan(score)}
    return TrialOutcome(chosen["epoch"], scores.get(METRIC), scores)


def value_by_epoch(suite: Suite, row: Row, epochs: Sequence[JournalEntry]) -> dict[int, float]:
    """The value after each epoch; NaN where there is none."""
    values = {epochs[at]["epoch"]: trial_outcome(suite, row, epochs[: at + 1]).value for at in range(len(epochs))}
    return {epoch: float("nan") if value is None else value for epoch, value in values.items()}


def cost(epochs: Sequence[JournalEntry], about: Mapping[str, object]) -> float:
    """Seconds of training and scoring on a GPU; on a CPU, what its cores did, whatever else they had to do. Cells of
    older journals, which did not count that, are charged seconds times threads."""
    on_cpu = about["device"] == "cpu"
    threads = int(str(about["threads"])) if on_cpu else 1
    seconds = [threads * (float(epoch["training_seconds"]) + float(epoch["scoring_seconds"])) for epoch in epochs]
    if on_cpu:
        return sum(float(epoch.get("cpu_seconds", elapsed)) for epoch, elapsed in zip(epochs, seconds, strict=True))
    return sum(seconds)


def best_trial(trials: Sequence[Trial]) -> Trial | None:
    """The complete trial with the highest value, the first of equals."""
    done = [trial for trial in trials if trial.state == "complete" and trial.value is not None]
    return max(done, key=lambda trial: (trial.value or 0.0, -trial.number), default=None)


def total_cost(trials: Sequence[Trial]) -> float:
    """What the trials cost, in seconds of the device."""
    return sum(trial.cost for trial in trials)


def within_budget(trials: Sequence[Trial], budget: float | None) -> list[Trial]:
    """The longest run of trials, from the first, that a budget pays for."""
    paid: list[Trial] = []
    for trial in sorted(trials, key=lambda trial: trial.number):
        if trial.running or (budget is not None and total_cost([*paid, trial]) > budget):
            break
        paid.append(trial)
    return paid


SEED = 1000  # of every trial's training: rows are reported on seeds below it
METRIC = "overall"
