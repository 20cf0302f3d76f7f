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


def deviations(values: np.ndarray) -> np.ndarray:
    """Distances from the mean, float64; all 0 where they are float32 rounding or there are fewer than two values."""
    wide = values.astype(np.float64)
    if len(wide) < 2:
        return np.zeros_like(wide)
    away = wide - wide.mean()
    return away if np.abs(away).max() > 1e-6 * np.abs(wide).max() else np.zeros_like(wide)


def pearson(answers: np.ndarray, labels: np.ndarray) -> float:
    """Pearson's r in -1..1; NaN where either side is constant (up to float32 rounding), for which r is not defined."""
    x, y = deviations(answers), deviations(labels)
    if not x.any() or not y.any():
        return float("nan")
    x, y = x / np.abs(x).max(), y / np.abs(y).max()  # squares of tiny values would vanish
    return float(np.clip(x @ y / np.sqrt((x @ x) * (y @ y)), -1.0, 1.0))


def score(task: Task, answers: np.ndarray, labels: np.ndarray) -> float:
    """The task's own metric."""
    return accuracy(answers, labels) if task.metric == "accuracy" else pearson(answers, labels)
