"""What a tracking store holds of one study in one set-up, as reports read it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Literal

from experiments.search_space import Value
from experiments.study import Range

State = Literal["complete", "pruned", "failed"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trial:
    """One ended trial. ``value`` and ``scores`` are those of its best epoch among the ``epochs`` it was given (None
    where the overall does not exist); ``cost`` is in seconds of the device, measured when its cell was trained, also
    where the cell was there before (``reused``)."""

    number: int
    state: State
    params: Mapping[str, Value]
    value: float | None
    epochs: int
    cost: float
    reused: bool = False
    start: str = ""  # the paper's setting that this is
    reason: str = ""  # why it failed
    scores: Mapping[str, float] = dataclasses.field(default_factory=dict)  # by metric, on dev
    curve: Mapping[int, float] = dataclasses.field(default_factory=dict)  # dev overall by epoch
    health: Mapping[str, float] = dataclasses.field(default_factory=dict)  # signals after its last epoch


@dataclasses.dataclass(frozen=True, kw_only=True)
class Importance:
    """A parameter's share of the value's variance (fANOVA), and 95% of resampled trials' shares."""

    mean: float
    low: float
    high: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class StudyResults:
    """A study in one set-up: ``trials`` in the order of their numbers. ``arm`` is the same for studies that differ in
    the sampler's ``seed`` alone: repetitions of each other."""

    name: str  # a short digest
    study: str
    says: str
    row: str  # full slug of the row that is tuned
    sampler: str  # tpe, random, ...
    pruner: str
    seed: int
    arm: str
    metric: str
    epochs: int  # of a trial that is not pruned
    unit: str  # of costs: CPU-seconds or GPU-seconds
    facts: Mapping[str, str]  # profile, data, data_source, encoder, variant
    setup: str  # their digest
    space: Mapping[str, Range]
    trials: Sequence[Trial]
    importances: Mapping[str, Importance] = dataclasses.field(default_factory=dict)

    @property
    def best(self) -> Trial | None:
        """The complete trial with the highest value, the first of equals."""
        done = [trial for trial in self.trials if trial.state == "complete" and trial.value is not None]
        return max(done, key=lambda trial: (trial.value or 0.0, -trial.number), default=None)

    @property
    def spent(self) -> float:
        return sum(trial.cost for trial in self.trials)
