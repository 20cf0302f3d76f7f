"""The tasks: what a row of data is, what its label means and how answers are scored."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, Literal

from model.technique import Technique


@dataclasses.dataclass(frozen=True, kw_only=True)
class Task(Technique):
    """One task. ``classes`` counts the labels 0..classes-1; 0 means a real score in [low, high]."""

    slug: ClassVar[str] = "task"
    atomic: ClassVar[bool] = True
    name: str
    title: str
    sentences: Literal[1, 2]
    classes: int = 0
    low: float = 0.0
    high: float = 5.0
    metric: Literal["accuracy", "pearson"]

    @property
    def key(self) -> str:
        return self.name

    @property
    def metric_name(self) -> str:
        """The name in tables and tracking, e.g. ``sst_accuracy``."""
        return f"{self.name}_{self.metric}"


SST = Task(name="sst", title="SST-5 sentiment", sentences=1, classes=5, metric="accuracy")
QUORA = Task(name="quora", title="Quora paraphrase", sentences=2, classes=2, metric="accuracy")
STS = Task(name="sts", title="STS-B similarity", sentences=2, metric="pearson")
CFIMDB = Task(name="cfimdb", title="CFIMDB sentiment", sentences=1, classes=2, metric="accuracy")
TASKS = {task.name: task for task in (SST, QUORA, STS, CFIMDB)}
