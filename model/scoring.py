"""Metrics: pure functions on arrays."""

from __future__ import annotations

import dataclasses

import numpy as np

from model.task import Task


@dataclasses.dataclass(frozen=True)
class Scored:
    """The answers of one network on one task and split: ``answers`` [items] in item order, and the task's metric
    (None where labels are missing, NaN where the metric is undefined)."""

    task: Task
    answers: np.ndarray
    metric: float | None


def accuracy(answers: np.ndarray, labels: np.ndarray) -> float:
    """Share of equal entries."""
    return float((answers == labels).mean())


def pearson(answers: np.ndarray, labels: np.ndarray) -> float:
    """Pearson's r; NaN where either side is constant (up to float32 rounding), for which r is not defined."""
    x = answers.astype(np.float64) - answers.mean(dtype=np.float64)
    y = labels.astype(np.float64) - labels.mean(dtype=np.float64)
    scale = float(np.abs(answers).max(initial=0.0))
    if len(x) < 2 or np.abs(x).max() <= 1e-6 * scale or not y.any():
        return float("nan")
    return float(x @ y / np.sqrt((x @ x) * (y @ y)))


def score(task: Task, answers: np.ndarray, labels: np.ndarray) -> float:
    """The task's own metric."""
    return accuracy(answers, labels) if task.metric == "accuracy" else pearson(answers, labels)
