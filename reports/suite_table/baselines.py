"""What a model that learned nothing would score: the floor under every table."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from model.data.examples import Split
from model.task import TASKS, Task

MAJORITY = "majority class"
RANDOM = "random answer"


@dataclasses.dataclass(frozen=True)
class Reference:
    """Scores by metric name; None where the metric is undefined (a constant answer has no Pearson r)."""

    name: str
    values: Mapping[str, float | None]
    split: Split = "dev"


def constants(task: Task) -> tuple[int, ...]:
    """The constant answers worth a line: both of two classes, the middle one of more (the papers' collapsed SST
    models answer 2)."""
    return (0, 1) if task.classes == 2 else (task.classes // 2,)


def shares(labels: Sequence[float] | np.ndarray, classes: int) -> list[float]:
    """The share of each class among the items."""
    counts = np.bincount(np.asarray(labels, dtype=np.int64), minlength=classes)
    return [float(count) / len(labels) for count in counts]


def reference_lines(
    labels_by_task: Mapping[str, Sequence[float] | np.ndarray], split: Split = "dev"
) -> list[Reference]:
    """Majority class, constant answers and random answer for these labels (by task name; a task whose labels are
    -1 has none and is left out). ``random answer`` is the expectation over uniform answers: 1 / classes, and r = 0."""
    majority: dict[str, float | None] = {}
    random: dict[str, float | None] = {}
    always: dict[int, dict[str, float | None]] = {}
    for name, labels in labels_by_task.items():
        task = TASKS[name]
        if len(labels) == 0 or bool((np.asarray(labels) == -1).any()):
            continue
        if task.classes == 0:
            majority[task.metric_name], random[task.metric_name] = None, 0.0
            continue
        share = shares(labels, task.classes)
        majority[task.metric_name], random[task.metric_name] = max(share), 1 / task.classes
        for answer in constants(task):
            always.setdefault(answer, {})[task.metric_name] = share[answer]
    lines = [Reference(MAJORITY, majority, split)]
    lines += [Reference(f"always {answer}", always[answer], split) for answer in sorted(always)]
    return [line for line in (*lines, Reference(RANDOM, random, split)) if line.values]
