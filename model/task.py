"""The tasks: what a row of data is, what its label means and how answers are scored."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any, ClassVar, Literal

from model.declaration import SettingError, Technique


@dataclasses.dataclass(frozen=True, kw_only=True)
class Task(Technique):
    """One task. ``classes`` counts the labels 0..classes-1; 0 means a real score in [low, high]. The rows stand in the
    run's data, or in a ``file`` of the task's own (see ``model.data.csv_task``)."""

    slug: ClassVar[str] = "task"
    atomic: ClassVar[bool] = True
    name: str
    title: str
    sentences: Literal[1, 2]
    classes: int = 0
    low: float = 0.0
    high: float = 5.0
    metric: Literal["accuracy", "pearson"]
    file: Path | None = None

    def check(self) -> None:
        named = re.fullmatch("[a-z][a-z0-9_]*", self.name) is not None
        self.require(named, "name", "lower-case letters, digits and _ alone, such as questions")
        self.require(bool(self.title.strip()), "title", "a few words")
        self.require(self.classes == 0 or self.classes > 1, "classes", "2 or more, or 0 for scores")
        self.require(self.low < self.high, "low", f"below high, {self.high:g}")
        self.require(self.classes > 0 or self.low > -1, "low", "above -1, which stands for no label; move the scores")
        fits = "accuracy" if self.classes else "pearson"
        self.require(self.metric == fits, "metric", f"{fits!r} for {'classes' if self.classes else 'scores'}")

    @property
    def declared(self) -> dict[str, Any]:
        """All but the place of its file: what decides, beside the rows, what a training on it learns."""
        fields = (field.name for field in dataclasses.fields(self))
        return {name: getattr(self, name) for name in fields if name != "file"}

    @property
    def key(self) -> str:
        return self.name

    @property
    def short(self) -> str:
        """The title's first word, for headings."""
        return self.title.split()[0]

    @property
    def metric_name(self) -> str:
        """The name in tables and tracking, e.g. ``sst_accuracy``."""
        return f"{self.name}_{self.metric}"


SST = Task(name="sst", title="SST-5 sentiment", sentences=1, classes=5, metric="accuracy")
QUORA = Task(name="quora", title="Quora paraphrase", sentences=2, classes=2, metric="accuracy")
STS = Task(name="sts", title="STS-B similarity", sentences=2, metric="pearson")
CFIMDB = Task(name="cfimdb", title="CFIMDB sentiment", sentences=1, classes=2, metric="accuracy")
TASKS = {task.name: task for task in (SST, QUORA, STS, CFIMDB)}  # and those of users' files, once read


def of_metric(name: str) -> Task | None:
    """The task that a metric such as ``sst_accuracy`` is of."""
    return next((task for task in TASKS.values() if task.metric_name == name), None)


def enrol(task: Task, reserved: Collection[str] = ()) -> None:
    """Know a task by its name. ``SettingError`` where another has it, or a technique among those ``taken``."""
    if task.name in reserved:
        raise SettingError(f"a task cannot be called {task.name!r} as a technique is; rename it")
    if TASKS.setdefault(task.name, task) != task:
        raise SettingError(f"there is another task {task.name!r} already; give this one another name")
